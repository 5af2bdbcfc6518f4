"""Networks that one compiled function trains, all of them in each update; see `training`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.rules.base import Batch, learned
from neurotask.backend.running import counted_alone
from neurotask.backend.stacked import StackedModel, gather, scatter, stacked_state
from neurotask.backend.stacked_optimizer import StackedOptimizer


class Group:
    """Networks that one compiled function trains.

    Args:
        models: the networks.
        places: which of all networks they are.
        xla: whether XLA compiles the function.
    """

    def __init__(self, models: Sequence[RecurrentModel], places: np.ndarray, xla: bool):
        self._models, self._places = list(models), places
        self._stacked = StackedModel(models)
        optimizers = [model.optimizer for model in models]
        self._stacked.optimizer = StackedOptimizer(optimizers, self._stacked.trainable_variables)
        self._state, pairs = stacked_state([model.trainer.state for model in models])
        self._pairs = [*self._stacked.pairs(models), *pairs]
        channels = (len(models[0].input_names), *[len(models[0].output_names)] * 2)
        arrays = [tf.TensorSpec((None, len(models), None, None, n), tf.float32) for n in channels]
        arrays += [tf.TensorSpec((None, len(models), None), tf.int32)]
        noise = tf.TensorSpec((len(models), 2), tf.int64)
        compiled = tf.function(
            self._updates, input_signature=[*arrays, noise], autograph=False, jit_compile=xla
        )
        self._execute = counted_alone(compiled)
        compiled.get_concrete_function()  # Keras traces in one thread

    def gather(self) -> None:
        """Take weights, optimizer and state of the rule from the networks."""
        gather(self._pairs)
        self._stacked.optimizer.gather()
        self._stacked.updates.assign(self._models[0].updates)

    def scatter(self) -> None:
        """Give them back to the networks."""
        scatter(self._pairs)
        self._stacked.optimizer.scatter()
        for model in self._models:
            model.updates.assign(self._stacked.updates)

    def finish(self) -> None:
        """Do what is done at the end of a training."""
        # An average of weights over updates may lie on the wrong side of a sign.
        self._stacked.optimizer.finalize_variable_values(self._stacked.trainable_variables)
        self._stacked.project()

    def make(self, arrays: Sequence[np.ndarray], noise: np.ndarray) -> tuple[np.ndarray, bool]:
        """Make the updates of a chunk, of which the arrays hold those of all networks.

        Returns:
            The losses (update, network) up to the first bad update, and whether there is none.
        """
        before = int(self._stacked.updates.numpy())
        own = [array[:, self._places] for array in arrays]
        losses, good = self._execute(*own, noise[self._places])
        made = int(self._stacked.updates.numpy()) - before
        return losses.numpy()[: made + 1], bool(good)

    def _updates(
        self, inputs: Tensor, targets: Tensor, mask: Tensor, lengths: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Make as many updates as there are batches stacked; stop changing at the first bad one.

        Returns:
            The losses (update, network), and whether all went well.
        """
        model, n = self._stacked, tf.shape(inputs)[0]
        cast = lambda x: tf.cast(x, model.compute_dtype)  # noqa: E731
        losses = tf.TensorArray(model.compute_dtype, n, element_shape=(model.networks,))

        def update(k: Any, losses: Any, good: Any) -> Any:
            key = noise + tf.stack([tf.constant(0, tf.int64), tf.cast(k, tf.int64)])
            present = tf.sequence_mask(lengths[k], tf.shape(inputs)[-2], model.compute_dtype)
            batch = Batch(cast(inputs[k]), cast(targets[k]), cast(mask[k]), present, key)

            def make() -> Any:
                loss, _, made = learned(model.rule, model, batch, self._state)
                model.updates.assign_add(tf.cast(made, tf.int64))
                return loss, made

            def leave() -> Any:
                return tf.fill([model.networks], cast(np.nan)), tf.constant(False)

            loss, good = tf.cond(good, make, leave)
            return k + 1, losses.write(k, loss), good

        start = (tf.constant(0), losses, tf.constant(True))
        _, losses, good = tf.while_loop(
            lambda k, *_: k < n, update, start, parallel_iterations=1
        )  # fmt: skip
        return losses.stack(), good
