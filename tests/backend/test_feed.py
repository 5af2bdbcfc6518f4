"""The batches that training is fed: those of the updates, whatever memory they are stacked in."""

from concurrent.futures import Future

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask._streams import Stream
from neurotask.backend import feeding
from neurotask.backend.losses import MeanSquaredError
from neurotask.backend.memory import aligned
from neurotask.backend.tensors import shared

N, SEED, FIRST, SIZE = 9, 3, 2, 23  # four executions of five updates, and one of three

TASKS = {
    "fixed": nt.load("perceptual_discrimination", fixation=40.0, stimulus=100.0, decision=140.0),
    "varied": nt.load("variable_duration_discrimination"),
    "blocks": nt.load("flip_flop", trials_per_block=3),
}


class AtOnce:
    """Makes each chunk as soon as it is asked for: the next is there before this one is read."""

    def __init__(self, workers):
        assert workers == 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def submit(self, make, *args):
        done = Future()
        done.set_result(make(*args))
        return done


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", list(TASKS))
def test_chunks_hold_the_batches_of_their_updates(name, xla, monkeypatch):
    monkeypatch.setattr(feeding, "ThreadPoolExecutor", AtOnce)
    task, update, widths = TASKS[name], FIRST, []
    feed = feeding.Feed(N, SEED, MeanSquaredError(), xla)
    for last, (*stacks, lengths) in feed.chunks(task, FIRST, SIZE):
        own = []
        for place in range(len(lengths)):
            one = task.batch(N, seed=SEED, stream=Stream.TRAINING, index=update)
            own.append(one.inputs.shape[1])
            for stack, array in zip(stacks, (one.inputs, one.targets, one.mask), strict=True):
                assert np.array_equal(stack[place, :, : own[-1]], array)
                assert not stack[place, :, own[-1] :].any()
            assert np.array_equal(lengths[place], one.lengths)
            if place == len(lengths) - 1:
                assert np.array_equal(last.inputs, one.inputs)
            update += 1
        widths.append((stacks[0].shape[2], max(own)))
    assert update == FIRST + SIZE
    if xla and name == "blocks":
        assert all(width % feeding.LENGTHS == 0 for width, _ in widths)
    else:
        assert all(width == most for width, most in widths)


def test_what_a_task_gives_is_not_written_over():
    feed = feeding.Feed(N, SEED, MeanSquaredError(), xla=False)
    kept = [trials for trials, _ in feed.chunks(TASKS["fixed"], 0, 20)]
    for trials, update in zip(kept, (4, 9, 14, 19), strict=True):
        one = TASKS["fixed"].batch(N, seed=SEED, stream=Stream.TRAINING, index=update)
        assert np.array_equal(trials.inputs, one.inputs)


def test_batches_become_tensors_without_a_copy():
    room, whole = aligned(4, 3), np.arange(3)
    room[:] = 1
    tensor = shared(room)
    assert tensor.shape == (4, 3) and tensor.dtype == "float32"
    room[:] = 2
    if not tf.config.list_physical_devices("GPU"):
        assert (tensor.numpy() == 2).all()
    assert (shared(whole).numpy() == whole).all()
    odd = np.arange(9, dtype=np.float32)[1:]  # not where TensorFlow wants it: copied
    assert (shared(odd).numpy() == odd).all() and shared(np.zeros((2, 0), np.float32)).shape == (
        2,
        0,
    )
