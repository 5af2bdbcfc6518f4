"""Leaky rate units: the state before or after the transfer function."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.backend import activations
from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array, Dynamics, State, Weights
from neurotask.backend.dynamics.short_term_plasticity import ShortTermPlasticity
from neurotask.backend.units import Units


@dataclass(frozen=True, kw_only=True)
class Leaky(Dynamics):
    """Leaky rate units, with alpha = dt / tau and the input at step t acting in step t.

    In the form "current" the state is what a unit receives, before the transfer function phi:

        x_t = (1 - alpha) x_{t-1} + alpha (W phi(x_{t-1}) + I_t)
              + sqrt(alpha (2 - alpha)) sigma xi_t

    In the form "rate" it is what a unit sends, after it; the noise is inside, so that rates keep
    the range of phi:

        x_t = (1 - alpha) x_{t-1}
              + alpha phi(W x_{t-1} + I_t + sqrt((2 - alpha) / alpha) sigma xi_t)

    with I_t = W_in u_t + b and what else comes from outside. In both, the noise is scaled so that
    an unconnected (linear) unit has standard deviation sigma at every dt.

    Args:
        tau: time constant in ms, where `units` does not say.
        noise: sigma of the private noise, in units of the state.
        shared_noise: sigma of noise that is the same in all units of a network.
        activation: the transfer function phi: name of a Keras activation, or a function registered
            with Keras.
        form: "current" or "rate".
        initial_state: value of every unit's state before the first step; it is learned.
        plasticity: short-term plasticity of the recurrent synapses; None: none.

    Raises:
        ValueError: for a setting out of range, such as dt above tau.

    Source: "current": Song, Yang & Wang (2016) PLoS Comput Biol 12:e1004792; "rate": Murray (2019)
    eLife 8:e43299, eq. 1; the noise in the form whose stationary variance does not depend on dt.

    Example:
        >>> Leaky(tau=50.0).state_variables
        ('state',)
    """

    tau: float = 100.0
    noise: float = 0.0
    shared_noise: float = 0.0
    activation: Any = "relu"
    form: str = "current"
    initial_state: float = 0.1
    plasticity: ShortTermPlasticity | None = None

    time_constants = ("tau",)
    examples = (
        {"tau": 50.0, "noise": 0.1, "shared_noise": 0.2, "initial_state": 0.2},
        {"form": "rate", "noise": 0.1, "activation": "tanh"},
        {"plasticity": ShortTermPlasticity(tau_depression=300.0), "activation": "softplus"},
    )

    def __post_init__(self) -> None:
        number("tau", self.tau, low=0.0, above=True)
        number("noise", self.noise, low=0.0)
        number("shared_noise", self.shared_noise, low=0.0)
        number("initial_state", self.initial_state)
        choose("form", self.form, ("current", "rate"))
        object.__setattr__(self, "activation", activations.named("activation", self.activation))
        if not isinstance(self.plasticity, ShortTermPlasticity | None):
            raise TypeError(
                f"`plasticity` must be a ShortTermPlasticity or None, got {self.plasticity!r}."
            )
        if self.plasticity is not None:
            _check_positive(self.activation)

    @property
    def state_variables(self) -> tuple[str, ...]:
        synapses = () if self.plasticity is None else self.plasticity.state_variables
        return ("state", *synapses)

    @property
    def fixed(self) -> tuple[str, ...]:
        return ("tau", *(() if self.plasticity is None else self.plasticity.vector_names))

    def vectors(self, units: Units, dt: float) -> dict[str, np.ndarray]:
        taus = units.taus(self.tau)
        check_step(dt, taus)
        own = {
            "tau": taus,
            "bias": np.zeros(len(units)),
            "initial_state": np.full(len(units), float(self.initial_state)),
        }
        return own if self.plasticity is None else own | self.plasticity.vectors(units)

    def lasting(self, weights: Weights) -> Array | None:
        return weights["leak"] if self.plasticity is None else None

    def noise_per_step(self, n_units: int) -> int:
        return n_units * (self.noise > 0) + (self.shared_noise > 0)

    def prepare(self, ops: Ops, weights: Weights, dt: float) -> Weights:
        alpha = dt / single(weights["tau"])
        spread = (alpha * (2.0 - alpha)) ** 0.5
        weights = dict(weights, leak=ops.array(1.0 - alpha), alpha=ops.array(alpha))
        if self.form == "current":
            # alpha acts on a unit's whole input, hence on the columns of the transposed weights.
            for name in ("recurrent", "input", "feedback", "bias"):
                if name in weights:
                    weights[name] = weights[name] * weights["alpha"]
            weights |= {"gain": weights["alpha"], "noise": ops.array(spread)}
        else:
            weights |= {"gain": ops.array(1.0), "noise": ops.array(spread / alpha)}
        return weights if self.plasticity is None else self.plasticity.prepare(ops, weights, dt)

    def step(
        self,
        ops: Ops,
        weights: Weights,
        state: State,
        rates: Array,
        drive: Array,
        noise: Array | None,
    ) -> State:
        synapses, sent = {}, rates
        if self.plasticity is not None:
            sent = self.plasticity.sent(state, rates)
            synapses = self.plasticity.step(ops, weights, state, rates)
        terms = [ops.synapses(weights, "recurrent", sent), drive]
        if noise is not None:
            terms.append(self._drawn(ops, weights, noise))
        leaked = weights["leak"] * state["state"]
        if self.form == "current":
            # x <- (1 - alpha) x + [alpha] (W r + I) + sqrt(alpha (2 - alpha)) sigma xi
            return {"state": ops.add(leaked, *terms), **synapses}
        # x <- (1 - alpha) x + alpha phi(W r + I + sqrt((2 - alpha) / alpha) sigma xi)
        received = ops.function(self.activation)(ops.add(*terms))
        return {"state": ops.add(leaked, weights["alpha"] * received), **synapses}

    def rates(self, ops: Ops, state: State) -> Array:
        if self.form == "rate":
            return state["state"]
        return ops.function(self.activation)(state["state"])

    def _drawn(self, ops: Ops, weights: Weights, noise: Array) -> Array:
        if self.shared_noise == 0:
            return weights["noise"] * self.noise * noise
        shared = self.shared_noise * noise[..., -1:]
        if self.noise > 0:
            return weights["noise"] * (self.noise * noise[..., :-1] + shared)
        n_units = weights["recurrent"].shape[-1]
        return weights["noise"] * ops.concat([shared] * n_units)


def check_step(dt: float, taus: np.ndarray) -> None:
    """Raise where a step is longer than a time constant, warn where it is longer than half."""
    if dt > taus.min():
        raise ValueError(
            f"`dt` must be at most tau = {taus.min():g} ms, got {dt:g} ms. "
            "Make dt shorter or tau longer."
        )
    if dt > taus.min() / 2:
        warnings.warn(
            f"`dt` should be at most half of tau = {taus.min():g} ms, got {dt:g} ms: "
            "the steps are too coarse to follow the network's equation.",
            stacklevel=4,
        )


def single(values: Any) -> Any:
    """Return an array of equal numbers as the number, which is cheaper in every step."""
    if isinstance(values, np.ndarray) and values.size and (values == values.flat[0]).all():
        return float(values.flat[0])
    return values


def _check_positive(activation: Any) -> None:
    lowest = float(activations.in_numpy(activation)(np.linspace(-20.0, 20.0, 401)).min())
    if lowest < 0:
        raise ValueError(
            "`activation` must give rates of 0 or more where synapses have short-term plasticity, "
            f"got {activation!r}, which goes down to {lowest:.3g}. Take "
            '"relu", "softplus" or "sigmoid".'
        )
