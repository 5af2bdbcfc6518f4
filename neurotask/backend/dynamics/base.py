"""What dynamics are: how the state of the units moves in a step, written once for both engines."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurotask.backend.arrays import Ops
from neurotask.backend.settings import Setting
from neurotask.backend.units import Units

Array = Any
State = dict[str, Array]
Weights = dict[str, Array]


@dataclass(frozen=True, kw_only=True)
class Dynamics(Setting, ABC):
    """How the state of the units moves. A subclass is a frozen dataclass of settings.

    It says which variables a unit's state has, which vectors of parameters it needs, and gives the
    step. What is outside of it, the network supplies: synapses, readout, feedback, perturbations.
    Functions come from `ops`, so that one equation runs in TensorFlow and in NumPy.

    Attributes:
        state_variables: names of what is carried from step to step, one array (trial, unit) each.
            "states" of a Session are these.
        gates: names of the copies of each kernel, as an LSTM has them; () for one.
        signed: whether the units can be excitatory or inhibitory.
        time_constants: which vectors are times in ms; where they learn they stay above dt.
        fixed: which vectors do not learn unless asked to.
        examples: settings that the contract of models is checked with, beside the defaults; every
            setting should occur.
    """

    state_variables: ClassVar[tuple[str, ...]] = ("state",)
    gates: ClassVar[tuple[str, ...]] = ()
    signed: ClassVar[bool] = True
    time_constants: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()

    @abstractmethod
    def vectors(self, units: Units, dt: float) -> dict[str, np.ndarray]:
        """Return what each vector of parameters starts from, or raise where settings do not fit.

        "bias" (gate x unit,) is needed, and "initial_" with the name of each state variable
        (unit,). Others belong to the dynamics.

        Args:
            units: the units.
            dt: length of a step in ms.
        """

    @abstractmethod
    def prepare(self, ops: Ops, weights: Weights, dt: float) -> Weights:
        """Return the weights as the step uses them: what does not change is computed here, once.

        Args:
            ops: the engine.
            weights: the vectors, and each kernel as a matrix (presynaptic, gate x postsynaptic).
            dt: length of a step in ms.

        Returns:
            The same names, and "gain" (gate x unit,): how a current into the units enters `drive`.
        """

    @abstractmethod
    def step(
        self,
        ops: Ops,
        weights: Weights,
        state: State,
        rates: Array,
        drive: Array,
        noise: Array | None,
    ) -> State:
        """Return the state after a step.

        Args:
            ops: the engine. What is sent goes through `ops.synapses(weights, "recurrent", ...)`,
                where learning rules look on.
            weights: what `prepare` returned.
            state: the state before, each variable (trial, unit).
            rates: what the units send, (trial, unit): `rates(state)` unless it is perturbed.
            drive: what comes from outside of the recurrence, (trial, gate x unit): inputs, bias,
                feedback, currents, through the weights that `prepare` returned.
            noise: standard normals (trial, noise_per_step), or None.
        """

    @abstractmethod
    def rates(self, ops: Ops, state: State) -> Array:
        """Return the rates that belong to a state, of any leading shape."""

    def lasting(self, weights: Weights) -> Array | None:
        """Return which share of a unit's state is left after a step, if that is always the same.

        It is a formula that saves learning rules work; without it they find out by differentiation.

        Args:
            weights: what `prepare` returned.

        Returns:
            A number or (unit,), of dynamics with one state variable; None where it changes.
        """
        return None

    @abstractmethod
    def noise_per_step(self, n_units: int) -> int:
        """Return how many normals a step takes of noise, 0 for none."""
