"""The loop behind `fit`: segments of updates, Keras' callbacks between them, no update too many.

It is not Keras' own loop: that one runs ahead of whoever chooses the task (hidden prefetching),
overshoots when several updates go into one execution, and trains an update without data when an
iterator runs dry. Here batches are functions of (seed, update), one thread makes the next few while
the network trains, never past the end of a segment, and mistakes come out as themselves.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._streams import Stream, key
from neurotask.backend._types import Tensor
from neurotask.backend.feeding import Feed
from neurotask.backend.rules.base import Batch, learned
from neurotask.backend.running import counted_alone
from neurotask.backend.tensors import shared
from neurotask.behavior import accuracy
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.curriculum.measures import Evaluation
from neurotask.curriculum.stage import Stage
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.keeping import Keeper
    from neurotask.backend.models.base import RecurrentModel


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
        self._signature = [*arrays, tf.TensorSpec((2,), tf.int64)]
        self._compiled: dict[str, Any] = {}  # by what runs it

    @property
    def xla(self) -> bool:
        """Whether updates are compiled by XLA."""
        return self._model.runs_on == "xla"

    def _execute(self, *arrays: Any) -> Any:
        """Make the updates of a chunk; see `_updates`."""
        engine = self._model.runs_on
        if engine not in self._compiled:
            compiled = tf.function(
                self._updates,
                input_signature=self._signature,
                autograph=False,
                jit_compile=self.xla,
            )
            # One trace serves all batches: a call need not look for it among others.
            self._compiled[engine] = counted_alone(compiled).get_concrete_function()
        try:
            return self._compiled[engine](*arrays)
        except tf.errors.InvalidArgumentError as error:
            if not self.xla or "unsupported operations" not in str(error):
                raise
            raise ValueError(
                '`engine` must be "graph" for this network, of which XLA cannot compile a part, '
                f'such as a loss that prints. Give compile(..., engine="graph"). {error.message}'
            ) from None

    def fit(
        self,
        course: Course | PlainCourse,
        updates: int,
        batch_size: int,
        seed: int,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: int,
        keeper: "Keeper | None" = None,
    ) -> keras.callbacks.History:
        """Make `updates` updates, or as many as the course wants; see `RecurrentModel.fit`.

        Args:
            course: what to train on.
            updates: how many updates to make at most.
            batch_size: trials an update.
            seed: seed of trials and noise.
            callbacks: Keras callbacks.
            verbose: 1 shows Keras' progress bar.
            keeper: keeps what was done at the end of each segment, after the callbacks.
        """
        model, done = self._model, 0
        feed = Feed(batch_size, seed, model.loss_function, self.xla, shared)
        history = keras.callbacks.History()
        epochs = -(-updates // course.until) if updates else 0
        params = {"verbose": verbose, "epochs": epochs, "steps": course.until}
        # The history is last, as it is in Keras, so that it holds what callbacks add to the logs.
        watchers = keras.callbacks.CallbackList(
            [*callbacks, history], add_progbar=verbose > 0, model=model, **params
        )
        model.stop_training = False
        self._enter(course.entered)
        watchers.on_train_begin()
        for epoch in itertools.count():
            if done >= updates or course.over or model.stop_training:
                break
            size = min(course.until, updates - done)
            watchers.set_params({**params, "steps": size})
            watchers.on_epoch_begin(epoch)
            logs = self._segment(feed, course.task, size, watchers)
            done += size
            logs |= self._advance(course, size, seed, logs)
            watchers.on_epoch_end(epoch, logs)
            if keeper is not None:
                keeper.keep(logs)
        if keeper is not None:
            keeper.checkpoint()
        # An average of weights over updates may lie on the wrong side of a sign.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        model.project()
        watchers.on_train_end()
        if model.fused is not None:
            model.fused.forget()
        return history

    def _advance(
        self, course: Course | PlainCourse, size: int, seed: int, logs: dict[str, float]
    ) -> dict[str, float]:
        """Evaluate where the course wants it, and return what callbacks are told of it."""
        model, runner = self._model, self._model.runner

        def test(trials: Trials, number: int) -> Evaluation:
            noise = key(seed, Stream.LESSONS_NOISE, number)
            outputs, _ = runner.forward(trials, noise, True, ())
            if not np.isfinite(outputs).all():
                raise FloatingPointError(
                    f"`outputs` must be finite, got NaN or infinite ones at update "
                    f"{int(model.updates.numpy())}. Lower the learning rate."
                )
            return Evaluation(trials, outputs, runner.loss, model)

        told = course.advance(size, int(model.updates.numpy()), logs["loss"], test)
        self._enter(course.entered)
        return told

    def _enter(self, stage: Stage | None) -> None:
        """Do to the optimizer what a stage that begins asks for."""
        if stage is not None and stage.optimizer == "reset":
            self.reset()
        if stage is not None and stage.learning_rate is not None:
            self._model.optimizer.learning_rate = stage.learning_rate

    @property
    def variables(self) -> list[Any]:
        """All that training changes: of network, optimizer and rule."""
        model = self._model
        return [*model.variables, *model.optimizer.variables, *tf.nest.flatten(self.rule_state)]

    @property
    def rule_state(self) -> Any:
        """What the rule carries along, () for nothing."""
        return () if self.state is None else self.state

    def reset(self) -> None:
        """Make optimizer and rule forget all but the learning rate."""
        optimizer = self._model.optimizer
        fresh = type(optimizer).from_config(optimizer.get_config())
        fresh.build(self._model.trainable_variables)
        for variable, value in zip(optimizer.variables, fresh.variables, strict=True):
            if variable is not optimizer._learning_rate:
                variable.assign(value)
        if self.state is not None:
            state = self._model.rule.init(self._model)
            tf.nest.map_structure(lambda now, then: now.assign(then), self.state, state)

    def _segment(
        self, feed: Feed, task: Task, size: int, watchers: keras.callbacks.CallbackList
    ) -> dict[str, float]:
        """Make the updates of one segment and return its logs."""
        losses: list[float] = []
        logs: dict[str, float] = {}
        first = int(self._model.updates.numpy())
        for trials, arrays in feed.chunks(task, first, size):
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
        advice, what = self._model.rule.advice, "a loss"
        if np.isfinite(loss):
            what = "a change that is not, or is too large for its norm, at a loss"
        elif not done:
            advice = "Lower the spectral radius of the start."
        raise FloatingPointError(
            f"`loss` and gradient must be finite, got {what} of {loss:g} at update {done + 1}. The "
            f"network is as it was after update {done}. {advice}"
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
                loss, z, made = learned(model.rule, model, batch, self.state)
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
