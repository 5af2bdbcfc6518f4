"""The loop over time by kernels, as TensorFlow sees it: one operation with a gradient of its own.

It computes what `ForwardModel.unroll` does in a graph, to rounding, with the same noise. What
kernels do not cover, `uncovered` says; then the graph does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.dynamics.base import Weights as Prepared
from neurotask.backend.kernels.networks import cell_of, uncovered_network, weights_of
from neurotask.backend.memory import ROOMS

if TYPE_CHECKING:
    from neurotask.backend.models.forward import ForwardModel


def uncovered(model: "ForwardModel") -> str | None:
    """Return why kernels cannot run a model, as the end of a sentence; None where they can."""
    if tf.config.list_physical_devices("GPU"):
        return "there is a GPU"
    return uncovered_network(model.network, str(model.compute_dtype)) or _changed(model)


def _changed(model: "ForwardModel") -> str | None:
    """Return why, if a class has changed what a run is, of which kernels know nothing."""
    from neurotask.backend.models.base import RecurrentModel

    for name in ("unroll", "prepare", "start", "transition", "rates_of", "readout", "normals"):
        if getattr(type(model), name) is not getattr(RecurrentModel, name):
            return f"{type(model).__name__} has a `{name}` of its own"
    return None


@dataclass(frozen=True, eq=False)
class Kept:
    """What a run by kernels leaves behind, as tensors; see `kernels.run.Course`.

    Args:
        received: W_out r + b_out, (trial, time, output).
        states: after each step, (time, trial, variable x unit); without units: not kept.
        entered: what the way back needs beside, (time x numbers, trial, unit), such as what the
            transfer function was of where that is not the state; without units: nothing.
    """

    received: Tensor
    states: Tensor
    entered: Tensor


class Fused:
    """Runs a network by kernels, inside a graph or outside of one.

    Args:
        model: a network that `uncovered` has nothing against.
    """

    def __init__(self, model: "ForwardModel"):
        self._model = model
        self._cell = cell_of(model.network)
        self._learns_times = bool(model.times)

    def unroll(self, inputs: Tensor, noise: Tensor | None, states: bool) -> tuple[State, Tensor]:
        """Return states, if they are wanted, and outputs, as `ForwardModel.unroll`.

        Both are differentiable by the weights and by the inputs, once.

        Args:
            inputs: (trial, time, input).
            noise: two whole numbers (int64) that name the noise, or None for none.
            states: whether the states are returned too; without, the way back costs less.
        """
        model = self._model
        prepared = model.prepare()

        @tf.custom_gradient
        def loop(inputs: Tensor, *weights: Tensor) -> Any:
            run = self.forward(inputs, weights, noise, states)

            def back(by_received: Tensor, by_states: Tensor | None = None) -> list[Tensor]:
                by_inputs, *by = self.backward(run, inputs, weights, noise, by_received, by_states)
                return [by_inputs, *by]

            return (run.received, run.states) if states else run.received, back

        made = loop(self.entering(prepared, inputs), *self.weights(prepared))
        received, kept = made if states else (made, None)
        outputs = model.ops.function(model.network.output_activation)(received)
        return (self._variables(kept) if states else {}), outputs

    def _variables(self, states: Tensor) -> State:
        """Return the variables of states (time, trial, variable x unit) by name."""
        names = self._model.network.dynamics.state_variables
        return dict(zip(names, tf.split(states, len(names), axis=-1), strict=True))

    def forget(self) -> None:
        """Give back the memory that updates have used again and again."""
        ROOMS.forget()

    def entering(self, prepared: Prepared, inputs: Tensor) -> Tensor:
        """Return what reaches the units from outside of the network, (trial, time, input)."""
        return self._model.network.stage(self._model.ops, prepared, tf.cast(inputs, tf.float32))

    def weights(self, prepared: Prepared) -> list[Tensor]:
        """Return prepared weights as kernels take them."""
        return weights_of(self._model.ops, self._model.network, prepared)

    def forward(
        self,
        inputs: Tensor,
        weights: Sequence[Tensor],
        noise: Tensor | None,
        states: bool = True,
    ) -> Kept:
        """Return what a run leaves behind.

        Args:
            inputs: what `entering` returned.
            weights: what `weights` returned.
            noise: as for `unroll`.
            states: whether states are kept even if the way back can do without.
        """
        cell = self._cell

        def run(inputs: np.ndarray, noise: np.ndarray, *weights: np.ndarray) -> list[np.ndarray]:
            kernels = _kernels()
            w = cell.weights(*weights)
            course = kernels.run(cell, w, inputs, self._noise(noise), True, states=states)
            return [course.outputs, course.states, course.received]

        made = tf.numpy_function(
            run, [inputs, _named(noise), *weights], [tf.float32] * 3, stateful=False
        )
        n_units, n = weights[2].shape
        width = cell.variables * n_units if states or cell.by_states else 0
        sizes = n, width, n_units if cell.past else 0
        for one, size in zip(made, sizes, strict=True):
            one.set_shape((None, None, size))
        return Kept(*made)

    def backward(
        self,
        run: Kept,
        inputs: Tensor,
        weights: Sequence[Tensor],
        noise: Tensor | None,
        by_received: Tensor | None,
        by_states: Tensor | None,
        passes: int = 0,
        every: int = 0,
    ) -> list[Tensor]:
        """Return how a loss depends on the inputs and on each of the weights.

        Args:
            run: what `forward` returned.
            inputs: those of the run.
            weights: those of the run.
            noise: that of the run.
            by_received: how the loss depends on what the outputs receive, (trial, time, output).
            by_states: how it depends on the states beside, (time, trial, variable x unit).
            passes: what passes from a step to the one before; see `kernels.leaky_back`.
            every: steps of a block to which credit is confined; 0: the whole trial.
        """

        def run_back(
            wants_inputs: bool, inputs: np.ndarray, noise: np.ndarray, outputs: np.ndarray,
            states: np.ndarray, entered: np.ndarray, by_received: np.ndarray, by_states: np.ndarray,
            *weights: np.ndarray,
        ) -> list[np.ndarray]:  # fmt: skip
            kernels = _kernels()
            course = kernels.Course(outputs, states, entered)
            total, by_inputs = kernels.gradients(
                self._cell, self._cell.weights(*weights), inputs, self._noise(noise), course,
                by_received, by_states, passes=passes, every=every, factors=self._learns_times,
                wants_inputs=wants_inputs,
            )  # fmt: skip
            return [by_inputs, *total]

        none = tf.zeros((0, 0, 0), tf.float32)
        by = [none if one is None else one for one in (by_received, by_states)]
        given = [inputs, _named(noise), run.received, run.states, run.entered, *by, *weights]
        kinds = [tf.float32] * (1 + len(weights))
        stage = self._model.network.feedforward is not None
        made = tf.numpy_function(partial(run_back, stage), given, kinds, stateful=False)
        for one, like in zip(made[1:], weights, strict=True):
            one.set_shape(like.shape)
        # Without a stage before the units, training has no use for the first: a graph leaves out
        # an operation whose results are not used, so that only who asks for it pays for it.
        alone = partial(run_back, True)
        entering = made if stage else tf.numpy_function(alone, given, kinds, stateful=False)
        return [tf.ensure_shape(entering[0], inputs.shape), *made[1:]]

    def _noise(self, named: np.ndarray) -> Any:
        """Return the noise that two numbers name, as kernels take it."""
        kernels = _kernels()
        if not named.size:
            return kernels.Noise(0, np.uint64(0), 0, kernels.NONE)
        size = self._model.noise_per_step
        return kernels.Noise(size, np.uint64(named[0]), int(named[1]), kernels.NONE)


def _named(noise: Tensor | None) -> Tensor:
    return tf.zeros(0, tf.int64) if noise is None else noise


def _kernels() -> Any:
    """Return the module of kernels; numba is loaded when it is first asked for."""
    from neurotask.backend.kernels import run

    return run
