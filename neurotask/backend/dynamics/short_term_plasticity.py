"""Short-term plasticity: synapses that facilitate and tire with the rate of their sender."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurotask._checks import number
from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array, State, Weights
from neurotask.backend.settings import Setting
from neurotask.backend.units import PerUnit, Units
from neurotask.distributions import plain

_RANGES = {"utilization": 1.0, "tau_facilitation": None, "tau_depression": None}


@dataclass(frozen=True, kw_only=True, eq=False)
class ShortTermPlasticity(Setting):
    """Facilitation and depression of the recurrent synapses that a unit makes.

    A unit of rate r (Hz) sends u x r instead of r. The utilization u of its synapses rises with
    each spike and falls back to U, and their resources x are used up and recover:

        du/dt = (U - u) / tau_f + U (1 - u) r
        dx/dt = (1 - x) / tau_d - u x r

    Over a step, in which r is constant, both are linear, and each is followed exactly (x with the u
    of the step before). So they stay in [0, 1] at every dt. A rate below 0 moves them as one of 0.

    Args:
        utilization: U in (0, 1], the share of resources that a first spike uses.
        tau_facilitation: tau_f in ms.
        tau_depression: tau_d in ms.
        hz: how many Hz a rate of 1 is.

    The first three are a number, one for each label (`{"E": 0.2, "I": 0.5}`), or one a unit.

    Raises:
        ValueError: for numbers out of range.

    Source: Mongillo, Barak & Tsodyks (2008) Science 319:1543, eq. 1 and 2, whose values for
    facilitating synapses are the defaults; in trained networks: Masse et al. (2019) Nat Neurosci
    22:1159.

    Example:
        >>> ShortTermPlasticity(tau_depression=100.0).state_variables
        ('utilization', 'resources')
    """

    utilization: PerUnit = 0.2
    tau_facilitation: PerUnit = 1500.0
    tau_depression: PerUnit = 200.0
    hz: float = 10.0

    state_variables: ClassVar[tuple[str, ...]] = ("utilization", "resources")
    vector_names: ClassVar[tuple[str, ...]] = (
        "utilization", "tau_facilitation", "tau_depression",
        "initial_utilization", "initial_resources",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, high in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, (int, float, Mapping)):
                value = plain(value)
                object.__setattr__(self, name, value)
            if isinstance(value, (tuple, Mapping)):
                named = value.items() if isinstance(value, Mapping) else enumerate(value)
                for label, one in named:
                    number(f"{name}[{label!r}]", one, low=0.0, high=high, above=True)
            else:
                number(name, value, low=0.0, high=high, above=True)
        number("hz", self.hz, low=0.0, above=True)

    def __eq__(self, other: object) -> bool:
        # The order of labels is part of what they say.
        return isinstance(other, ShortTermPlasticity) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def vectors(self, units: Units) -> dict[str, np.ndarray]:
        """Return U, tau_f and tau_d of each unit and the state at rest, each (unit,)."""
        use = units.per_unit("utilization", self.utilization, 0.2)
        return {
            "utilization": use,
            "tau_facilitation": units.per_unit("tau_facilitation", self.tau_facilitation, 1500.0),
            "tau_depression": units.per_unit("tau_depression", self.tau_depression, 200.0),
            "initial_utilization": use,
            "initial_resources": np.ones(len(units)),
        }

    def prepare(self, ops: Ops, weights: Weights, dt: float) -> Weights:
        """Return the weights with how fast the synapses move, in shares of a step."""
        per_step = {
            "facilitation": ops.array(dt / weights["tau_facilitation"]),
            "recovery": ops.array(dt / weights["tau_depression"]),
            "spikes": ops.array(dt * self.hz / 1000.0),
        }
        return {**weights, **per_step, "utilization": ops.array(weights["utilization"])}

    def sent(self, state: State, rates: Array) -> Array:
        """Return what reaches the other side of the synapses, u x r, (trial, unit)."""
        return state["utilization"] * state["resources"] * rates

    def step(self, ops: Ops, weights: Weights, state: State, rates: Array) -> State:
        """Return utilization and resources after a step at these rates."""
        u, x, use = state["utilization"], state["resources"], weights["utilization"]
        spikes, fall, recovery = (
            weights["spikes"] * ops.function("relu")(rates),
            weights["facilitation"],
            weights["recovery"],
        )
        # du = U (fall + spikes) - u (fall + U spikes);  dx = recovery - x (recovery + u spikes)
        speed_u, speed_x = fall + use * spikes, recovery + u * spikes
        return {
            "utilization": _toward(ops, u, use * (fall + spikes) / speed_u, speed_u),
            "resources": _toward(ops, x, recovery / speed_x, speed_x),
        }


def _toward(ops: Ops, value: Array, rest: Array, speed: Array) -> Array:
    """Return where a value is after one unit of time on its way to rest at a constant speed."""
    return rest + (value - rest) * ops.exp(-speed)
