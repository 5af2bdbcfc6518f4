"""The batches of updates, made in a thread while the network trains on those before."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from neurotask._streams import Stream, key
from neurotask.backend.engines import FEW_TRIALS
from neurotask.backend.losses import Loss
from neurotask.backend.memory import aligned
from neurotask.task import Task
from neurotask.trials import Trials

# Updates that go into one execution of the compiled function: of many trials, and of few trials
# under XLA, where an execution costs more than such an update. Fewer cost more overhead,
# more make an interrupt wait longer; the result does not depend on it.
UPDATES_PER_EXECUTION = 5
SMALL_UPDATES_PER_EXECUTION = 50

# Under XLA each length of trials is compiled anew, so that trials are padded to one of few.
LENGTHS = 32


class Feed:
    """Makes the stacked batches of a task, the next chunk while the current one is trained on.

    Args:
        batch_size: trials of a batch.
        seed: seed of the trials.
        loss: what must be able to take their targets.
        xla: whether they are padded to few lengths.
        given: makes of each array what is yielded, such as a tensor, which then is on its way to
            a GPU before it is needed; None: the arrays. What it makes may share their memory.
    """

    def __init__(
        self,
        batch_size: int,
        seed: int,
        loss: Loss,
        xla: bool,
        given: Callable[[np.ndarray], Any] | None = None,
    ):
        self._batch_size, self._seed, self._loss, self._xla = batch_size, seed, loss, xla
        self._given = given or (lambda array: array)
        self.noise_key = key(seed, Stream.TRAINING_NOISE)

    def chunks(self, task: Task, first: int, size: int) -> Iterator[tuple[Trials, list[Any]]]:
        """Yield the last batch and the stacked arrays of each chunk of a segment.

        The arrays of a chunk are written over once the next one but one is being made, so that they
        hold until the next is asked for.
        """
        n = self._per_execution(size)
        spans = [range(at, min(at + n, first + size)) for at in range(first, first + size, n)]
        # While one set of arrays is trained on, the other is filled: memory that is used again
        # costs less than the trials in it, fresh memory more.
        now, after = {}, {}
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._stack, task, spans[0], now)
            for span in [*spans[1:], None]:
                ready = ahead.result()
                now, after = after, now
                if span is not None:
                    ahead = pool.submit(self._stack, task, span, now)
                yield ready

    def _per_execution(self, size: int) -> int:
        """Return how many of a segment's updates go into one execution."""
        if not self._xla or self._batch_size > FEW_TRIALS:
            return UPDATES_PER_EXECUTION
        # One that divides the segment, so that no remainder is compiled on its own.
        most = min(SMALL_UPDATES_PER_EXECUTION, size)
        return next((n for n in range(most, most // 2, -1) if size % n == 0), most)

    def _stack(
        self, task: Task, updates: range, room: dict[str, np.ndarray]
    ) -> tuple[Trials, list[Any]]:
        """Make the batches of some updates, stacked in the arrays of `room` where they fit."""
        names = ("inputs", "targets", "mask")
        n_steps, lengths = 0, []
        trials: Any = None
        for place, update in enumerate(updates):
            trials = self._batch(task, update)
            own = trials.inputs.shape[1]
            n_steps = max(n_steps, _one_of_few(task, own) if self._xla else own)
            for name in names:
                array = getattr(trials, name)
                shape = (len(updates), len(array), n_steps, array.shape[2])
                stack = room[name] = _of_shape(shape, room.get(name), place)
                stack[place, :, :own] = array
                stack[place, :, own:] = 0
            lengths.append(trials.lengths)
        arrays = [*(room[name] for name in names), np.array(lengths, np.int32)]
        return trials, [self._given(array) for array in arrays]

    def _batch(self, task: Task, update: int) -> Trials:
        trials = task.batch(self._batch_size, seed=self._seed, stream=Stream.TRAINING, index=update)
        if not trials.mask.any():
            raise ValueError(
                f"`mask` must ask for something, but {type(task).__name__} paints no target "
                "that counts. Use t.target(...) or t.target_choice(...) in its build."
            )
        self._loss.check(trials.targets)
        return trials


def _one_of_few(task: Task, n_steps: int) -> int:
    """Return what trials of `n_steps` are padded to: the longest there can be, if it is known."""
    most = task._longest
    return most if most and most >= n_steps else -(-n_steps // LENGTHS) * LENGTHS


def _of_shape(shape: tuple[int, ...], stack: np.ndarray | None, filled: int) -> np.ndarray:
    """Return a stack (update, trial, time, channel) of this shape: the given one if it has it.

    Otherwise it is a new one, with the first `filled` batches of the one given, padded with 0.
    """
    if stack is not None and stack.shape == shape:
        return stack
    new = aligned(*shape)
    new[:] = 0
    if stack is not None and filled:
        new[:filled, :, : stack.shape[2]] = stack[:filled]
    return new
