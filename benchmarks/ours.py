"""The package itself: the bare compiled update, the forward pass, and a whole `fit`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import neurotask as nt
from benchmarks.problem import ENGINES, N_STEPS, N_TRIALS, NOISE, TAU, task

Arrays = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class Ours:
    """A model for a task, trained by BPTT and Adam.

    Args:
        units: its units.
        task: the task.
        kind: class of the model.
        regularizers: penalties beside the loss.
        engine: what computes its updates.
        at_once: updates of an execution.
        **settings: further settings of the model.
    """

    def __init__(
        self,
        units: int | nt.Units,
        task: nt.Task,
        kind: type[nt.RecurrentModel] = nt.RateRNN,
        regularizers: Sequence[nt.regularizers.Regularizer] = (),
        engine: str = "auto",
        at_once: int = 1,
        **settings: Any,
    ):
        self._task, self._at_once = task, at_once
        if kind is nt.RateRNN:
            settings = {"tau": TAU, "noise": NOISE} | settings
        self.model = kind.for_task(task, units=units, seed=0, **settings)
        self.model.compile("adam", rule="bptt", regularizers=regularizers, engine=engine)
        self._given: Any = None
        self._stacked: list[tf.Tensor] = []

    def forward(self, trials: nt.Trials, key: int) -> np.ndarray:
        """Return outputs (trial, time, output) of noisy trials, as an evaluation computes them."""
        return self.model.runner.forward(trials, key, True, ())[0]

    def update(
        self, inputs: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, key: tf.Tensor
    ) -> tf.Tensor:
        """Change the weights, as `fit` does by the batches it has made; return the losses."""
        if self._given is not inputs:  # stacked once: `fit` has it from where trials are made
            lengths = tf.fill(inputs.shape[:1], inputs.shape[1])
            arrays = (inputs, targets, mask, lengths)
            stacked = [tf.stack([array] * self._at_once) for array in arrays]
            self._given, self._stacked = inputs, stacked
        return self.model.trainer._execute(*self._stacked, key)[0]

    def fit(self, updates: int, source: Any = None, verbose: int = 0, **watched: Any) -> None:
        """Train as a user does, trials made on the way, on the task unless `source` is given."""
        source = self._task if source is None else source
        self.model.fit(source, updates=updates, batch_size=N_TRIALS, verbose=verbose, **watched)


def engines() -> tuple[str, ...]:
    """Return those of `ENGINES` that `compile` takes."""
    return tuple(engine for engine in ENGINES if _takes(engine))


def batch(n_trials: int = N_TRIALS, n_steps: int = N_STEPS) -> Arrays:
    """Return inputs, targets and mask of one batch."""
    trials = task(n_steps).trials(n_trials, seed=1)
    return tf.constant(trials.inputs), tf.constant(trials.targets), tf.constant(trials.mask)


def _takes(engine: str) -> bool:
    try:
        Ours(2, task(), engine=engine)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    print(*engines())
