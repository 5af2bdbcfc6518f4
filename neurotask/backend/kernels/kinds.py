"""Which dynamics kernels cover, and what the weights of each are as arrays.

Nothing here needs TensorFlow, and numba is loaded when it is first asked for, not before.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array
from neurotask.backend.dynamics.base import Weights as Prepared
from neurotask.backend.dynamics.gru import GRUDynamics
from neurotask.backend.dynamics.leaky import Leaky
from neurotask.backend.dynamics.lstm import LSTMDynamics
from neurotask.backend.network import Network


class Kind(ABC):
    """A kind of dynamics that kernels cover.

    Attributes:
        passes: whether a rule may say what credit passes from a step to the one before.
        perturbed: whether units may be silenced, driven and kicked while they run.
    """

    passes: ClassVar[bool] = False
    perturbed: ClassVar[bool] = False

    def uncovered(self, network: Network) -> str | None:
        """Return why kernels cannot run a network of this kind; None where they can."""
        return None

    @abstractmethod
    def cell(self, dynamics: Any) -> Any:
        """Return the units as kernels take them."""

    @abstractmethod
    def weights(self, ops: Ops, network: Network, prepared: Prepared) -> list[Array]:
        """Return the weights as `cell(...).weights` takes them.

        Args:
            ops: the engine that prepared them.
            network: the network.
            prepared: what `Network.prepare` returned; what comes back from outputs is in it as a
                part of "recurrent" and "bias".
        """


class LeakyKind(Kind):
    """Leaky rate units; see `leaky.Weights`."""

    passes = True
    perturbed = True

    def uncovered(self, network: Network) -> str | None:
        dynamics: Any = network.dynamics
        if dynamics.plasticity is not None:
            return "there is none for short-term plasticity"
        if dynamics.activation not in _transfer().NAMES:
            return f'there is none for the transfer function "{dynamics.activation}"'
        return None

    def cell(self, dynamics: Any) -> Any:
        from neurotask.backend.kernels.cells import Cell

        return Cell(dynamics.form == "rate", _transfer().NAMES.index(dynamics.activation))

    def weights(self, ops: Ops, network: Network, prepared: Prepared) -> list[Array]:
        dynamics: Any = network.dynamics
        zeros, none = (ops.array(np.zeros(n)) for n in (len(network.units), 0))
        each = lambda values: zeros + values  # noqa: E731  (a number stands for all units)
        return [
            prepared["input"],
            prepared["recurrent"],
            prepared["output"],
            each(prepared["bias"]),
            prepared["output_bias"],
            each(prepared["leak"]),
            each(prepared["alpha"]),
            each(prepared["noise"] * dynamics.noise) if dynamics.noise > 0 else none,
            each(prepared["noise"] * dynamics.shared_noise) if dynamics.shared_noise > 0 else none,
            ops.array(prepared["initial_state"]),
        ]


class GatedKind(Kind):
    """Units with gates; see `gated.Weights`."""

    def weights(self, ops: Ops, network: Network, prepared: Prepared) -> list[Array]:
        start = [
            ops.array(prepared[f"initial_{name}"]) for name in network.dynamics.state_variables
        ]
        return [
            prepared["input"],
            prepared["recurrent"],
            prepared["output"],
            ops.array(prepared["bias"]),
            ops.array(prepared["output_bias"]),
            ops.array(prepared.get("recurrent_bias", np.zeros(0))),
            ops.concat(start),
        ]


class LSTMKind(GatedKind):
    """Long short-term memory."""

    def cell(self, dynamics: Any) -> Any:
        from neurotask.backend.kernels.cells import LSTMCell

        return LSTMCell()


class GRUKind(GatedKind):
    """Gated recurrent units."""

    def uncovered(self, network: Network) -> str | None:
        # The reset gate acts on what comes by the recurrent synapses and not on what comes back
        # from outputs, so that one cannot stand for the other.
        return "there is none for feedback to gated recurrent units" if network.feedback else None

    def cell(self, dynamics: Any) -> Any:
        from neurotask.backend.kernels.cells import GRUCell

        return GRUCell(dynamics.reset_after)


# By exact type: a class that is made of one of these may move otherwise.
KINDS: dict[type, Kind] = {
    Leaky: LeakyKind(),
    LSTMDynamics: LSTMKind(),
    GRUDynamics: GRUKind(),
}


def _transfer() -> Any:
    from neurotask.backend.kernels import transfer

    return transfer
