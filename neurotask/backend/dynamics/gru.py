"""Gated recurrent units."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array, Dynamics, State, Weights
from neurotask.backend.units import Units


@dataclass(frozen=True, kw_only=True)
class GRUDynamics(Dynamics):
    """Gated recurrent units, in the order of Keras' gates.

        z, s = sigmoid(W r_{t-1} + W_in u_t + b)
        g = tanh(W (s r_{t-1}) + W_in u_t + b),   r_t = z r_{t-1} + (1 - z) g

    each gate with weights of its own. With `reset_after` the reset gate s acts behind the weights,
    as in Keras' and PyTorch's layers: g = tanh(s (W r_{t-1} + b_r) + W_in u_t + b). A current
    enters the candidate g. The units have no time constant and no type.

    Args:
        reset_after: whether the reset gate acts behind the recurrent weights.

    Source: Cho et al. (2014) EMNLP, eq. 5 to 8; `reset_after`: the form of cuDNN.

    Example:
        >>> GRUDynamics().gates
        ('update', 'reset', 'candidate')
    """

    reset_after: bool = False

    state_variables = ("hidden",)
    gates: ClassVar[tuple[str, ...]] = ("update", "reset", "candidate")
    signed = False
    examples = ({"reset_after": True},)

    def __post_init__(self) -> None:
        if not isinstance(self.reset_after, bool):
            raise ValueError(f"`reset_after` must be True or False, got {self.reset_after!r}.")

    def vectors(self, units: Units, dt: float) -> dict[str, np.ndarray]:
        n = len(units)
        recurrent = {"recurrent_bias": np.zeros(n)} if self.reset_after else {}
        return {"bias": np.zeros(3 * n), **recurrent, "initial_hidden": np.zeros(n)}

    def noise_per_step(self, n_units: int) -> int:
        return 0

    def prepare(self, ops: Ops, weights: Weights, dt: float) -> Weights:
        n = weights["recurrent"].shape[-2]
        weights = dict(weights, gain=ops.array(np.repeat([0.0, 0.0, 1.0], n)))
        weights["gates"] = weights["recurrent"][..., : 2 * n]
        weights["candidate"] = weights["recurrent"][..., 2 * n :]
        return weights

    def step(
        self,
        ops: Ops,
        weights: Weights,
        state: State,
        rates: Array,
        drive: Array,
        noise: Array | None,
    ) -> State:
        n = weights["recurrent"].shape[-2]
        received = ops.synapses(weights, "gates", rates)
        z, s = ops.split(ops.sigmoid(ops.add(received, drive[..., : 2 * n])), 2)
        if self.reset_after:
            received = ops.synapses(weights, "candidate", rates)
            received = s * (received + weights["recurrent_bias"])
        else:
            received = ops.synapses(weights, "candidate", s * rates)
        candidate = ops.tanh(ops.add(received, drive[..., 2 * n :]))
        return {"hidden": z * state["hidden"] + (1.0 - z) * candidate}

    def rates(self, ops: Ops, state: State) -> Array:
        return state["hidden"]
