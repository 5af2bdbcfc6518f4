"""The package itself: the bare compiled update, the forward pass, and a whole `fit`."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

import neurotask as nt
from benchmarks.problem import N_TRIALS, NOISE, TAU
from neurotask.backend.rules.base import Batch


class Ours:
    """A model for a task, trained by BPTT and Adam.

    Args:
        units: its units.
        task: the task.
        kind: class of the model.
        regularizers: penalties beside the loss.
        **settings: further settings of the model.
    """

    def __init__(
        self,
        units: int | nt.Units,
        task: nt.Task,
        kind: type[nt.RecurrentModel] = nt.RateRNN,
        regularizers: Sequence[nt.regularizers.Regularizer] = (),
        **settings: Any,
    ):
        self._task = task
        if kind is nt.RateRNN:
            settings = {"tau": TAU, "noise": NOISE} | settings
        self._model = kind.for_task(task, units=units, seed=0, **settings)
        self._model.compile(optimizer="adam", rule="bptt", regularizers=regularizers)

    @tf.function(autograph=False)
    def forward(self, inputs: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        """Return outputs (trial, time, output) for inputs (trial, time, input)."""
        return self._model.unroll(inputs, key)[1]

    @tf.function(autograph=False)
    def update(
        self, inputs: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, key: tf.Tensor
    ) -> tf.Tensor:
        """Change the weights by one batch and return the loss."""
        present = tf.ones(tf.shape(inputs)[:2])
        batch = Batch(inputs, targets, mask, present, key)
        return self._model.rule.learn(self._model, batch, self._model.trainer.state)[0]

    def fit(self, updates: int) -> None:
        """Train as a user does: trials made on the way, a callback, the history."""
        watcher = keras.callbacks.Callback()
        self._model.fit(
            self._task, updates=updates, batch_size=N_TRIALS, callbacks=[watcher], verbose=0
        )
