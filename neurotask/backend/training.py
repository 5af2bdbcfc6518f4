"""The loop behind `fit`: segments of updates, Keras' callbacks between them, no update too many.

It is not Keras' own loop: that one runs ahead of whoever chooses the task (hidden prefetching),
overshoots when several updates go into one execution, and trains an update without data when an
iterator runs dry. Here batches are functions of (seed, update), one thread makes the next few while
the network trains, never past the end of a segment, and mistakes come out as themselves.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import count
from neurotask._streams import Stream, key
from neurotask.backend._types import Tensor
from neurotask.backend.losses import Loss
from neurotask.backend.rules.base import Batch
from neurotask.backend.running import counted_alone
from neurotask.behavior import accuracy
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# Updates that go into one execution of the compiled function. Fewer cost more overhead, more make
# an interrupt wait longer; the result does not depend on it.
UPDATES_PER_EXECUTION = 5


class Trainer:
    """Trains one compiled model; Keras does not track it.

    Attributes:
        state: what the learning rule carries from update to update.
    """

    def __init__(self, model: "RecurrentModel"):
        self._model = model
        self.state = model.rule.init(model)
        channels = (len(model.input_names), len(model.output_names), len(model.output_names))
        arrays = [tf.TensorSpec((None, None, None, n), tf.float32) for n in channels]
        arrays += [tf.TensorSpec((None, None), tf.int32)]
        key = tf.TensorSpec((2,), tf.int64)
        compiled = tf.function(self._updates, input_signature=[*arrays, key], autograph=False)
        self._execute = counted_alone(compiled)

    def fit(
        self,
        task: Task,
        updates: int,
        batch_size: int,
        seed: int,
        callbacks: Sequence[keras.callbacks.Callback],
        segment: int,
        verbose: int,
    ) -> keras.callbacks.History:
        """Make `updates` updates; see `RecurrentModel.fit`."""
        model = self._model
        if not isinstance(task, Task):
            raise TypeError(
                f"`source` must be a Task, got {task!r}. Load one with neurotask.load()."
            )
        model.check_fits(task)
        _check_watching(callbacks, verbose)
        segments = list(_segments(count("updates", updates), count("segment", segment)))
        feed = _Feed(task, count("batch_size", batch_size), seed, model.loss_function)
        history = keras.callbacks.History()
        params = {"verbose": verbose, "epochs": len(segments)}
        watchers = keras.callbacks.CallbackList(
            [history, *callbacks], add_progbar=verbose > 0, model=model, steps=segment, **params
        )
        model.stop_training = False
        watchers.on_train_begin()
        for epoch, size in enumerate(segments):
            watchers.set_params({**params, "steps": size})
            watchers.on_epoch_begin(epoch)
            watchers.on_epoch_end(epoch, self._segment(feed, size, watchers))
            if model.stop_training:
                break
        # An average of weights over updates may lie on the wrong side of a sign.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        model.project()
        watchers.on_train_end()
        return history

    def _segment(
        self, feed: "_Feed", size: int, watchers: keras.callbacks.CallbackList
    ) -> dict[str, float]:
        """Make the updates of one segment and return its logs."""
        losses: list[float] = []
        logs: dict[str, float] = {}
        first = int(self._model.updates.numpy())
        for trials, arrays in feed.chunks(first, size):
            watchers.on_train_batch_begin(len(losses))
            noise = tf.constant([feed.noise_key, first + len(losses)], tf.int64)
            chunk, outputs, good = self._execute(*arrays, noise)
            losses += self._good(chunk.numpy(), bool(good), first + len(losses))
            logs = {"loss": float(np.mean(losses))}
            if len(losses) == size and trials.task.decision_rule is not None:
                logs["accuracy"] = accuracy(trials, outputs.numpy()[:, : trials.inputs.shape[1]])
            watchers.on_train_batch_end(len(losses) - 1, logs)
        learning_rate = float(keras.ops.convert_to_numpy(self._model.optimizer.learning_rate))
        return logs | {"learning_rate": learning_rate, "updates": first + size}

    def _good(self, losses: np.ndarray, good: bool, first: int) -> list[float]:
        """Return the losses of a chunk, or say at which update one stopped being finite."""
        if good:
            return losses.tolist()
        done = int(self._model.updates.numpy())
        loss = losses[done - first]
        advice = "Lower the learning rate" if done else "Lower the spectral radius of the start"
        raise FloatingPointError(
            f"`loss` and gradient must be finite, got a loss of {loss:g} at update {done + 1}. The "
            f"network is as it was after update {done}. {advice}, clip the gradient "
            "(BPTT(clip_norm=1.0)), or look for NaN in the weights."
        )

    def _updates(
        self, inputs: Tensor, targets: Tensor, mask: Tensor, lengths: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Make as many updates as there are batches stacked; stop changing at the first bad one.

        Returns:
            The losses (update,), the outputs of the last batch, and whether all went well.
        """
        model, n = self._model, tf.shape(inputs)[0]
        cast = lambda x: tf.cast(x, model.compute_dtype)  # noqa: E731
        losses = tf.TensorArray(model.compute_dtype, n, element_shape=())

        def update(k: Any, losses: Any, outputs: Any, good: Any) -> Any:
            key = noise + tf.stack([tf.constant(0, tf.int64), tf.cast(k, tf.int64)])
            present = tf.sequence_mask(lengths[k], tf.shape(inputs)[2], model.compute_dtype)
            batch = Batch(cast(inputs[k]), cast(targets[k]), cast(mask[k]), present, key)

            def make() -> Any:
                loss, z, made = model.rule.update(model, batch, self.state)
                model.updates.assign_add(tf.cast(made, tf.int64))
                return loss, z, made

            def leave() -> Any:
                return tf.constant(np.nan, model.compute_dtype), outputs, tf.constant(False)

            loss, outputs, good = tf.cond(good, make, leave)
            return k + 1, losses.write(k, loss), outputs, good

        start = (tf.constant(0), losses, cast(tf.zeros_like(targets[0])), tf.constant(True))
        _, losses, outputs, good = tf.while_loop(
            lambda k, *_: k < n, update, start, parallel_iterations=1
        )
        return losses.stack(), outputs, good


class _Feed:
    """Makes the stacked batches of a task, the next chunk while the current one is trained on."""

    def __init__(self, task: Task, batch_size: int, seed: int, loss: Loss):
        self._task, self._batch_size, self._seed, self._loss = task, batch_size, seed, loss
        self.noise_key = key(seed, Stream.TRAINING_NOISE)

    def chunks(self, first: int, size: int) -> Iterator[tuple[Trials, list[np.ndarray]]]:
        """Yield the last batch and the stacked arrays of each chunk of a segment."""
        stops = range(first, first + size, UPDATES_PER_EXECUTION)
        spans = [range(at, min(at + UPDATES_PER_EXECUTION, first + size)) for at in stops]
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._stack, spans[0])
            for span in [*spans[1:], None]:
                ready = ahead.result()
                if span is not None:
                    ahead = pool.submit(self._stack, span)
                yield ready

    def _stack(self, updates: range) -> tuple[Trials, list[np.ndarray]]:
        batches = [self._batch(update) for update in updates]
        names = ("inputs", "targets", "mask")
        arrays = [_stacked([getattr(b, name) for b in batches]) for name in names]
        return batches[-1], [*arrays, np.stack([b.lengths for b in batches]).astype(np.int32)]

    def _batch(self, update: int) -> Trials:
        trials = self._task.batch(
            self._batch_size, seed=self._seed, stream=Stream.TRAINING, index=update
        )
        if not trials.mask.any():
            raise ValueError(
                f"`mask` must ask for something, but {type(self._task).__name__} paints no target "
                "that counts. Use t.target(...) or t.target_choice(...) in its build."
            )
        self._loss.check(trials.targets)
        return trials


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    """Return arrays (trial, time, channel) as one, the shorter ones padded with 0."""
    n_steps = max(array.shape[1] for array in arrays)
    if all(array.shape[1] == n_steps for array in arrays):
        return np.stack(arrays)
    stacked = np.zeros((len(arrays), len(arrays[0]), n_steps, arrays[0].shape[2]), np.float32)
    for place, array in enumerate(arrays):
        stacked[place, :, : array.shape[1]] = array
    return stacked


def _check_watching(callbacks: Any, verbose: Any) -> None:
    good = isinstance(callbacks, (list, tuple))
    if not good or not all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
        raise TypeError(f"`callbacks` must be a list of Keras callbacks, got {callbacks!r}.")
    if verbose not in (0, 1):
        raise ValueError(f"`verbose` must be 0 or 1, got {verbose!r}.")


def _segments(updates: int, size: int) -> Iterator[int]:
    for at in range(0, updates, size):
        yield min(size, updates - at)
