"""The package itself: the bare compiled update, the forward pass, and a whole `fit`."""

import keras
import tensorflow as tf

import neurotask as nt
from benchmarks.problem import N_TRIALS, NOISE, TAU
from neurotask.backend.rules.base import Batch


class Ours:
    """A `RateRNN` for a task, trained by BPTT and Adam."""

    def __init__(self, units: int, task: nt.Task):
        self._task = task
        self._model = nt.RateRNN.for_task(task, units=units, tau=TAU, noise=NOISE, seed=0)
        self._model.compile(optimizer="adam", rule="bptt")

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
        return self._model.rule.update(self._model, batch, self._model.trainer.state)[0]

    def fit(self, updates: int) -> None:
        """Train as a user does: trials made on the way, a callback, the history."""
        watcher = keras.callbacks.Callback()
        self._model.fit(
            self._task, updates=updates, batch_size=N_TRIALS, callbacks=[watcher], verbose=0
        )
