"""Long short-term memory."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array, Dynamics, State, Weights
from neurotask.backend.units import Units


@dataclass(frozen=True, kw_only=True)
class LSTMDynamics(Dynamics):
    """Long short-term memory, the standard equations, in the order of Keras' gates.

        i, f, o = sigmoid(W r_{t-1} + W_in u_t + b),   g = tanh(W r_{t-1} + W_in u_t + b)
        c_t = f c_{t-1} + i g,   r_t = o tanh(c_t)

    each gate with weights of its own. The forget gate starts open (b = 1). A current enters the
    candidate g. The units are no cells: they have no time constant and no type.

    Source: Hochreiter & Schmidhuber (1997) Neural Comput 9:1735, with the forget gate of Gers,
    Schmidhuber & Cummins (2000) Neural Comput 12:2451; its bias: Jozefowicz et al. (2015) ICML.

    Example:
        >>> LSTMDynamics().state_variables
        ('hidden', 'cell')
    """

    state_variables = ("hidden", "cell")
    gates: ClassVar[tuple[str, ...]] = ("input", "forget", "cell", "output")
    signed = False

    def vectors(self, units: Units, dt: float) -> dict[str, np.ndarray]:
        n = len(units)
        bias = np.repeat([0.0, 1.0, 0.0, 0.0], n)
        return {"bias": bias, "initial_hidden": np.zeros(n), "initial_cell": np.zeros(n)}

    def noise_per_step(self, n_units: int) -> int:
        return 0

    def prepare(self, ops: Ops, weights: Weights, dt: float) -> Weights:
        n = weights["recurrent"].shape[-2]
        return {**weights, "gain": ops.array(np.repeat([0.0, 0.0, 1.0, 0.0], n))}

    def step(
        self,
        ops: Ops,
        weights: Weights,
        state: State,
        rates: Array,
        drive: Array,
        noise: Array | None,
    ) -> State:
        i, f, g, o = ops.split(ops.add(ops.synapses(weights, "recurrent", rates), drive), 4)
        cell = ops.sigmoid(f) * state["cell"] + ops.sigmoid(i) * ops.tanh(g)
        return {"hidden": ops.sigmoid(o) * ops.tanh(cell), "cell": cell}

    def rates(self, ops: Ops, state: State) -> Array:
        return state["hidden"]
