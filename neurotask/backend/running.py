"""Running a network on trials, forward only, through functions that are compiled once."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from neurotask._checks import choose, count
from neurotask._streams import Stream, key
from neurotask.backend import losses
from neurotask.backend._types import Tensor
from neurotask.behavior import accuracy
from neurotask.session import session
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr

    from neurotask.backend.models.base import RecurrentModel

# Trials a compiled call takes at most, which bounds memory. The noise is drawn a chunk at a time:
# another number here would give other noise for the same seed.
CHUNK = 256
RECORDS = ("states", "rates")


class Runner:
    """Runs one model; Keras does not track it."""

    def __init__(self, model: "RecurrentModel"):
        self._model = model
        self._compiled: dict[tuple[bool, tuple[str, ...]], tf.types.experimental.GenericFunction]
        self._compiled = {}

    def run(self, trials: Trials, seed: int, noise: bool, record: tuple[str, ...]) -> "xr.Dataset":
        """Return the Session of a batch; see `RecurrentModel.run`."""
        if not isinstance(trials, Trials):
            raise TypeError(
                f"`trials` must be Trials, got {type(trials).__name__}. "
                "Make some with task.trials(n) or task.grid(repeats=n)."
            )
        for name in record:
            choose("record", name, RECORDS)
        self._model.check_fits(trials.task)
        outputs, activity = self.forward(trials, key(seed, Stream.RUN_NOISE), noise, record)
        units = self._model.units
        return session(trials, outputs, activity, units.cell_type, units.area)

    def evaluate(self, task: Task, n: int, seed: int, noise: bool) -> dict[str, float]:
        """Return loss and accuracy on fresh trials; see `RecurrentModel.evaluate`."""
        self._model.check_fits(task)
        trials = task.batch(count("n", n), seed=seed, stream=Stream.EVALUATION, index=0)
        outputs, _ = self.forward(trials, key(seed, Stream.EVALUATION_NOISE), noise, ())
        loss = getattr(self._model, "loss_function", losses.mean_squared_error)
        result = {"loss": float(loss(trials.targets, outputs, trials.mask))}
        if task.decision_rule is not None:
            result["accuracy"] = accuracy(trials, outputs)
        return result

    def forward(
        self, trials: Trials, noise_key: int, noise: bool, record: tuple[str, ...]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return outputs (trial, time, output) and what is recorded, each (trial, time, unit)."""
        function = self._function(noise, record)
        parts = [
            function(trials.inputs[at : at + CHUNK], tf.constant([noise_key, chunk], tf.int64))
            for chunk, at in enumerate(range(0, len(trials), CHUNK))
        ]
        arrays = {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}
        return arrays.pop("outputs"), arrays

    def _function(self, noise: bool, record: tuple[str, ...]):
        if (noise, record) not in self._compiled:
            model = self._model
            n_inputs = len(model.input_names)

            def forward(inputs: Tensor, noise_key: Tensor) -> dict[str, Tensor]:
                states, outputs = model.unroll(inputs, noise_key if noise else None)
                kept = {"states": lambda: states, "rates": lambda: model.rates_of(states)}
                arrays = {name: tf.transpose(kept[name](), (1, 0, 2)) for name in record}
                return {"outputs": outputs, **arrays}

            signature = [
                tf.TensorSpec((None, None, n_inputs), tf.float32),
                tf.TensorSpec((2,), tf.int64),
            ]
            compiled = tf.function(forward, input_signature=signature, autograph=False)
            self._compiled[noise, record] = compiled
        return self._compiled[noise, record]
