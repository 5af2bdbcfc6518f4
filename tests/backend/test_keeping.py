"""Logs, checkpoints and the state of a training: exact, whole, and cheap enough to keep often."""

import json
import os
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend import checkpoints, keeping
from neurotask.backend.keeping import Keeper, Log
from neurotask.curriculum.course import Course, PlainCourse


@dataclass(frozen=True)
class Counted(nt.rules.LearningRule):
    """Backpropagation with a momentum and a count of its own."""

    def init(self, model):
        momenta = [tf.Variable(tf.zeros_like(v.value)) for v in model.trainable_variables]
        return {"momenta": momenta, "count": tf.Variable(0, dtype=tf.int64)}

    def learn(self, model, batch, state):
        loss, outputs, gradients = nt.rules.BPTT().gradients(model, batch)
        for momentum, gradient in zip(state["momenta"], gradients, strict=True):
            momentum.assign(0.5 * momentum + gradient)
        state["count"].assign_add(1)
        nt.rules.Descent(clip_norm=None).apply(model, (), [m.value() for m in state["momenta"]])
        return loss, outputs, tf.constant(True)


def fit(model, task, updates, **settings):
    return model.fit(task, updates=updates, batch_size=8, verbose=0, **settings)


def values(model):
    return [np.array(variable.numpy()) for variable in model.trainer.variables]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(values(a), values(b), strict=True))


def plan(**changes):
    return {
        "updates": 8, "batch_size": 8, "seed": 0, "segment": None, "first": 0, "done": 0,
        "scored": True, "checkpoint_seconds": None, "checkpoint_updates": None,
    } | changes  # fmt: skip


@pytest.fixture
def keeper(quick, network, tmp_path):
    """A network that has had two updates, and a keeper of it with one segment in its log."""
    model, course = network(), PlainCourse(quick, 2)
    made = Keeper(model, course, tmp_path, plan(), None)
    fit(model, quick, 2, segment=2)
    made.keep({"updates": 2, "loss": 0.1, "accuracy": 0.5, "learning_rate": 0.001})
    yield made
    made.close()


# --- logs -------------------------------------------------------------------------------------


def test_a_log_grows_by_rows_and_can_be_cut(tmp_path):
    log = Log(tmp_path / "log.csv", ["a", "b"])
    log.add({"b": 0.1, "a": 1, "other": 3})
    size = log.size
    log.add({"a": "x,y"})
    assert (tmp_path / "log.csv").read_bytes() == b'a,b\n1,0.1\n"x,y",\n'
    log.cut(size)
    log.add({"a": 2, "b": np.float64(1 / 3)})
    log.close()
    text = (tmp_path / "log.csv").read_text()
    assert text == "a,b\n1,0.1\n2,0.3333333333333333\n" and log.size == len(text)


def test_a_log_goes_on_with_the_columns_that_it_has(tmp_path):
    Log(tmp_path / "log.csv", ["a", "b"]).close()
    log = Log(tmp_path / "log.csv", ["b", "c", "a"])
    log.add({"a": 1, "b": 2, "c": 3})
    log.close()
    assert (tmp_path / "log.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_log_is_whole_where_the_system_writes_in_pieces(tmp_path, at_once):
    log = Log(tmp_path / "log.csv", ["a"])

    class Slow:
        def write(self, content):
            file.write(content[:at_once])
            return at_once

    file, log._file = log._file, Slow()
    log.add({"a": 123456789})
    file.close()
    assert (tmp_path / "log.csv").read_text() == "a\n123456789\n"
    assert log.size == len("a\n123456789\n")


# --- the state of a training --------------------------------------------------------------------


def test_rolling_back_undoes_all_since_the_last_segment(quick, network, tmp_path):
    model = network(optimizer="adamw", rule=Counted())
    curriculum = nt.Curriculum([nt.Stage(quick, threshold=None, every=2, trials=8)])
    course = Course(curriculum, 8, 0, curriculum.channels)
    keeper = Keeper(model, course, tmp_path, plan(), None)
    model.trainer.fit(course, 4, 8, 0, [], 0, keeper)
    before, state, log = values(model), json.dumps(course.state), curriculum.log
    logs = {name: (tmp_path / name).read_bytes() for name in ("history.csv", "curriculum.csv")}
    model.trainer.fit(course, 2, 8, 0, [], 0)  # nobody keeps these
    for name in logs:
        keeper._logs[name].add({"updates": 6})
    assert len(curriculum.log) == 3 and keeper.done == 6
    keeper.roll_back()
    assert all(np.array_equal(x, y) for x, y in zip(before, values(model), strict=True))
    assert json.dumps(course.state) == state and curriculum.log.equals(log) and keeper.done == 4
    assert {name: (tmp_path / name).read_bytes() for name in logs} == logs
    keeper.close()


def test_a_rule_with_a_state_goes_on_from_a_file(quick, network, tmp_path):
    whole, part = network(rule=Counted()), network(rule=Counted())
    fit(whole, quick, 9)
    fit(part, quick, 4)
    part.save(tmp_path / "part.keras")
    loaded = nt.load_model(tmp_path / "part.keras")
    assert all(np.any(momentum.numpy()) for momentum in part.trainer.state["momenta"])
    assert int(loaded.trainer.state["count"].numpy()) == 4 and same(loaded, part)
    fit(loaded, quick, 5)
    assert same(loaded, whole)


def test_a_reset_forgets_all_but_the_learning_rate_and_leaves_the_weights(quick, network):
    model, fresh = (network(optimizer=keras.optimizers.Adam(0.01), rule=Counted()) for _ in "ab")
    fit(model, quick, 3)
    model.optimizer.learning_rate.assign(0.002)
    weights = model.get_weights()
    model.trainer.reset()
    for one, two in zip(model.optimizer.variables, fresh.optimizer.variables, strict=True):
        if one is not model.optimizer.learning_rate:
            assert np.array_equal(one.numpy(), two.numpy())
    assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.002)
    assert not any(np.any(v.numpy()) for v in tf.nest.flatten(model.trainer.state))
    assert all(np.array_equal(x, y) for x, y in zip(weights, model.get_weights(), strict=True))


# --- checkpoints --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "wanted"), [(None, [8]), (1, [2, 4, 6, 8, 8]), (3, [4, 8, 8]), (100, [8])]
)
def test_checkpoints_fall_on_segment_ends(quick, network, tmp_path, monkeypatch, every, wanted):
    written = []
    monkeypatch.setattr(
        keeping, "write_checkpoint", lambda model, folder, state: written.append(state["done"])
    )
    model, course = network(), PlainCourse(quick, 2)
    keeper = Keeper(model, course, tmp_path, plan(checkpoint_updates=every), None)
    model.trainer.fit(course, 8, 8, 0, [], 0, keeper)
    keeper.close()
    assert written == wanted


def test_checkpoints_by_time_fall_on_the_first_segment_end_after_it(
    quick, network, tmp_path, monkeypatch
):
    # A clock that a segment takes 10 s of: due are 20, 40, 60 s.
    clock, written = [0.0], []
    monkeypatch.setattr(keeping.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(
        keeping, "write_checkpoint", lambda model, folder, state: written.append(state["done"])
    )
    model, course = network(), PlainCourse(quick, 1)
    keeper = Keeper(model, course, tmp_path, plan(checkpoint_seconds=15.0), None)
    tick = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: clock.__setitem__(0, clock[0] + 10)
    )
    model.trainer.fit(course, 5, 8, 0, [tick], 0, keeper)
    keeper.close()
    assert written == [2, 4, 5]


def test_a_checkpoint_holds_all_that_a_training_is(keeper, network, tmp_path):
    keeper.checkpoint()
    state = checkpoints.read_state(tmp_path)
    assert state["done"] == 2 and state["course"] == {} and state["first"] == 0
    assert state["sizes"] == {"history.csv": (tmp_path / "history.csv").stat().st_size}
    assert state["versions"]["keras"] == keras.__version__
    back = checkpoints.read_checkpoint(tmp_path, state, None, force=False)
    assert same(back, keeper._model) and back.rule == keeper._model.rule
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.keras", "history.csv"}


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_that_is_cut_is_recognised(keeper, tmp_path, share):
    keeper.checkpoint()
    path = tmp_path / "checkpoint.keras"
    os.truncate(path, int(share * path.stat().st_size))
    with pytest.raises(
        ValueError,
        match=r"`checkpoint.keras` must be whole, but .*checkpoint.keras is truncated or foreign. R",
    ):
        checkpoints.read_state(tmp_path)


def test_a_checkpoint_with_a_flipped_bit_is_recognised(keeper, tmp_path):
    keeper.checkpoint()
    path = tmp_path / "checkpoint.keras"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"`checkpoint\.keras` must be whole"):
        checkpoints.read_state(tmp_path)


def test_a_network_is_no_checkpoint(keeper, tmp_path):
    keeper._model.save(tmp_path / "checkpoint.keras")
    with pytest.raises(ValueError, match=r"`checkpoint\.keras` must be whole, but .* or foreign"):
        checkpoints.read_state(tmp_path)
    (tmp_path / "checkpoint.keras").unlink()
    with pytest.raises(FileNotFoundError, match=r"must hold a checkpoint.keras to go on from, but"):
        checkpoints.read_state(tmp_path)


@pytest.mark.parametrize("what", ["replace", "fsync"])
def test_a_disk_that_fails_leaves_the_checkpoint_before(keeper, quick, tmp_path, monkeypatch, what):
    keeper.checkpoint()
    before = (tmp_path / "checkpoint.keras").read_bytes()
    fit(keeper._model, quick, 2)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, what, fail)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write = checkpoints.write_checkpoint
        write(keeper._model, tmp_path, plan(done=4, course={}, sizes={}))
    (note,) = caught.value.__notes__
    assert note == (
        f"{tmp_path / 'checkpoint.keras'} could not be written; the one before it is still good."
    )
    assert (tmp_path / "checkpoint.keras").read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.keras", "history.csv"}


@pytest.mark.parametrize(
    ("name", "there"), [("tensorflow", "1.0"), ("processor", "abacus"), ("engine", "abacus")]
)
def test_other_versions_are_refused_unless_forced(keeper, tmp_path, name, there):
    keeper.checkpoint()
    state = checkpoints.read_state(tmp_path)
    here = state["versions"][name]
    state["versions"][name] = there
    with pytest.raises(ValueError) as caught:
        checkpoints.read_checkpoint(tmp_path, state, None, force=False)
    assert str(caught.value) == (
        f"`run` must be resumed with what it was started with, {name} {there} (here {here}), to "
        "end with the same bits. Go on there, or give force=True (--force) to go on here all the "
        "same."
    )
    assert same(checkpoints.read_checkpoint(tmp_path, state, None, force=True), keeper._model)


def test_a_checkpoint_is_one_file_with_the_network_in_it(keeper, tmp_path):
    keeper.checkpoint()
    with zipfile.ZipFile(tmp_path / "checkpoint.keras") as archive:
        assert archive.testzip() is None
        assert {"config.json", "model.weights.h5", "training.json"} <= set(archive.namelist())
    assert same(nt.load_model(tmp_path / "checkpoint.keras"), keeper._model)
