"""The loop behind `Networks.fit`: as that of `training`, with all networks in each update."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.rules.base import Batch
from neurotask.backend.running import counted_alone
from neurotask.backend.stacked import StackedModel, gather, scatter, stacked_state
from neurotask.backend.stacked_optimizer import StackedOptimizer
from neurotask.backend.training import _Feed
from neurotask.task import Task

# Updates between two notes of how far it is; a multiple of those that go into an execution.
SEGMENT = 50


class StackedTrainer:
    """Trains several compiled networks at once.

    Args:
        models: the networks; see `Networks` for what they must share.

    Raises:
        ValueError: for optimizers that cannot be stacked.
    """

    def __init__(self, models: Sequence[RecurrentModel]):
        self._models = list(models)
        self._stacked = StackedModel(models)
        optimizers = [model.optimizer for model in models]
        self._stacked.optimizer = StackedOptimizer(optimizers, self._stacked.trainable_variables)
        self._state, pairs = stacked_state([model.trainer.state for model in models])
        self._pairs = [*self._stacked.pairs(models), *pairs]
        channels = (len(models[0].input_names), *[len(models[0].output_names)] * 2)
        arrays = [tf.TensorSpec((None, len(models), None, None, n), tf.float32) for n in channels]
        arrays += [tf.TensorSpec((None, len(models), None), tf.int32)]
        noise = tf.TensorSpec((len(models), 2), tf.int64)
        self.xla = models[0].trainer.xla
        compiled = tf.function(
            self._updates,
            input_signature=[*arrays, noise],
            autograph=False,
            jit_compile=self.xla,
        )
        self._execute = counted_alone(compiled)

    def fit(
        self,
        task: Task,
        updates: int,
        batch_size: int,
        seeds: Sequence[int],
        told: Callable[[int, np.ndarray], None],
    ) -> np.ndarray:
        """Make `updates` updates of all networks.

        Args:
            task: what to train on.
            updates: how many updates to make.
            batch_size: trials an update of each network.
            seeds: seed of trials and noise of each network.
            told: is called with the number of the last update and the losses of an execution,
                (update, network).

        Returns:
            The losses, (update, network).
        """
        models, stacked, done = self._models, self._stacked, 0
        first = int(models[0].updates.numpy())
        losses = np.zeros((updates, len(models)))
        self._gather()
        try:
            for arrays, noise in self._chunks(task, first, updates, batch_size, seeds):
                chunk, good = self._execute(*arrays, noise)
                now = chunk.numpy()
                if not good:
                    done = int(stacked.updates.numpy()) - first
                    self._refuse(now, done, first)
                losses[done : done + len(now)] = now
                done += len(now)
                told(first + done, now)
            stacked.optimizer.finalize_variable_values(stacked.trainable_variables)
            for kernel in stacked.kernels.values():
                kernel.project()
        finally:
            self._scatter()
        return losses

    def _gather(self) -> None:
        gather(self._pairs)
        self._stacked.optimizer.gather()
        self._stacked.updates.assign(self._models[0].updates)

    def _scatter(self) -> None:
        scatter(self._pairs)
        self._stacked.optimizer.scatter()
        for model in self._models:
            model.updates.assign(self._stacked.updates)
