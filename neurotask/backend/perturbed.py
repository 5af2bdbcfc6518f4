"""A network under perturbations: what they do to a step, in either engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array, State, Weights
from neurotask.backend.network import Network
from neurotask.backend.perturbation import OF_UNITS, Perturbation
from neurotask.trials import Trials

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Plan:
    """What perturbations come to on a batch of trials, as arrays.

    Args:
        network: the network.
        perturbations: what is done to it.
        trials: the batch.

    Raises:
        ValueError: for a unit, a phase, a synapse or a shape that there is not.
    """

    network: Network
    perturbations: tuple[Perturbation, ...]
    trials: Trials

    def __post_init__(self) -> None:
        for one in self._of("connectivity"):
            n = len(self.network.units)
            wanted = (self.trials.inputs.shape[1], n, n)
            if np.shape(one.value) != wanted:
                raise ValueError(
                    f"`value` must have the shape (time, post, pre) = {wanted}, got "
                    f"{np.shape(one.value)}."
                )
        self.at(slice(0, 1))  # so that mistakes show before anything is run
        _ = self.factors

    @property
    def to_any_unit(self) -> bool:
        """Whether something is done to units."""
        return any(one.kind in OF_UNITS for one in self.perturbations)

    @property
    def steady(self) -> bool:
        """Whether weights are the same in all steps of all trials."""
        return self._connectivity is None and len(self._versions[0]) == 1

    @cached_property
    def _versions(self) -> tuple[list[int], np.ndarray]:
        """The sets of scaled weights that occur, as bits, and which holds, (row, time)."""
        shape = self.trials.inputs.shape[:2]
        codes = np.zeros(shape, int)
        for at, one in enumerate(self._of("weights")):
            codes |= self._windows[id(one)].astype(int) << at
        known, version = np.unique(codes, return_inverse=True)
        return known.tolist(), version.reshape(shape)

    @cached_property
    def factors(self) -> Arrays:
        """What each kernel's weights are multiplied by in each version, (version, post, pre)."""
        factors: Arrays = {}
        for at, one in enumerate(self._of("weights")):
            kernel, sides = one.kernel or "recurrent", self.network.sides()
            if kernel not in sides:
                names = ", ".join(f'"{name}"' for name in sides)
                raise ValueError(f"`kernel` must be one of {names}, got {kernel!r}.")
            own = one.factors(*sides[kernel])
            on = np.array([bool(code >> at & 1) for code in self._versions[0]])
            scaled = np.where(on[:, None, None], own, 1.0)
            factors[kernel] = factors.get(kernel, 1.0) * scaled
        return factors

    def at(self, rows: slice) -> Arrays:
        """Return what happens in each step to some of the rows, with time as the first axis.

        Returns:
            What `to_units` returns; "sent_gain" and "sent_offset", the same for what the step
            before has sent; "version" and "sent_version" (time, row); "connectivity" (time, post,
            pre); each if it is needed.
        """
        arrays = self.to_units(rows)
        for name in ("gain", "offset"):
            if f"rate_{name}" in arrays:
                arrays[f"sent_{name}"] = _before(arrays[f"rate_{name}"])
        if len(self._versions[0]) > 1:
            version = self._versions[1][rows].T.astype(np.int32)
            arrays |= {"version": version, "sent_version": _before(version)}
        if self._connectivity is not None:
            arrays["connectivity"] = self._connectivity
        return arrays

    def to_units(self, rows: slice) -> Arrays:
        """Return what is done in each step to the units of some of the rows.

        Returns:
            Those that are needed of "rate_gain", "rate_offset", "current", "kick_gain" and "kick",
            each (time, row, unit).
        """
        n_rows, n_steps, _ = self.trials.inputs[rows].shape
        shape, arrays = (n_steps, n_rows, len(self.network.units)), {}

        def set_(name: str, start: float) -> np.ndarray:
            if name not in arrays:
                arrays[name] = np.full(shape, start, np.float32)
            return arrays[name]

        for one in (*self._of("silence", "clamp"), *self._of("lesion")):
            on, value = self._on(one, rows)
            np.copyto(set_("rate_gain", 1.0), 0.0, where=on)
            np.copyto(set_("rate_offset", 0.0), value, where=on)
        for one in self._of("current"):
            on, value = self._on(one, rows)
            current = set_("current", 0.0)
            np.add(current, value, out=current, where=on)
        for one in self._of("kick"):
            on, value = self._on(one, rows)
            on[1:] &= ~on[:-1]  # the first step alone
            gain, kick = set_("kick_gain", 1.0), set_("kick", 0.0)
            if one.factor is not None:
                np.multiply(gain, one.factor, out=gain, where=on)
                np.multiply(kick, one.factor, out=kick, where=on)
            np.add(kick, value, out=kick, where=on)
        return arrays

    @cached_property
    def _connectivity(self) -> np.ndarray | None:
        """What the recurrent weights of each step are multiplied by, (time, post, pre)."""
        factors = [one.value for one in self._of("connectivity")]
        return reduce(np.multiply, factors) if factors else None

    @cached_property
    def _windows(self) -> dict[int, np.ndarray]:
        """When each perturbation acts, boolean (row, time)."""
        return {id(one): one.window(self.trials) for one in self.perturbations}

    def _of(self, *kinds: str) -> Iterator[Perturbation]:
        return (one for one in self.perturbations if one.kind in kinds)

    def _on(self, one: Perturbation, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return where it acts, boolean (time, row, unit), and its values: (), (unit,), ..."""
        n, places = len(self.network.units), one.places(self.network.units)
        on = self._windows[id(one)][rows].T[..., np.newaxis] & np.isin(np.arange(n), places)
        given = one.values(len(places), rows, len(self.trials)).astype(np.float32)
        values = np.zeros((*given.shape[:-1], n), np.float32) if given.ndim else given
        if given.ndim:
            values[..., places] = given
        return on, values


def _before(values: np.ndarray) -> np.ndarray:
    """Return what holds in the step before each, (time, ...); before the first is as the first."""
    return np.concatenate([values[:1], values[:-1]])


class Perturbed:
    """A network whose steps are perturbed.

    Args:
        ops: the engine.
        network: the network.
        kernels: effective weights by kernel, (post, pre) or (gate, post, pre).
        vectors: the other parameters.
        factors: what the kernels are multiplied by in each version, (version, post, pre).
    """

    def __init__(
        self,
        ops: Ops,
        network: Network,
        kernels: dict[str, Array],
        vectors: dict[str, Array],
        factors: dict[str, Array],
    ):
        self._ops, self._network, self._vectors = ops, network, vectors
        n = max((values.shape[0] for values in factors.values()), default=1)
        self._kernels = [
            {name: k * factors[name][v] if name in factors else k for name, k in kernels.items()}
            for v in range(n)
        ]
        self._weights = [network.prepare(ops, version, vectors) for version in self._kernels]

    def start(self, n_trials: Any) -> State:
        """Return the state before the first step."""
        return self._network.start(self._ops, self._weights[0], n_trials)

    def step(self, state: State, inputs: Array, noise: Array | None, at: dict[str, Array]) -> State:
        """Return the state after a step at which `at` happens."""
        network, ops = self._network, self._ops
        if "kick" in at:
            first = network.dynamics.state_variables[0]
            state = {**state, first: state[first] * at["kick_gain"] + at["kick"]}
        rates = None
        if "sent_gain" in at:
            sent = network.dynamics.rates(ops, state)
            rates = sent * at["sent_gain"] + at["sent_offset"]
        fed = None
        if network.feedback and "sent_version" in at:
            # What feeds back was read out in the step before, by the weights of that step.
            sent = network.dynamics.rates(ops, state) if rates is None else rates
            read = [network.output(ops, weights, sent) for weights in self._weights]
            fed = self._chosen(read, at["sent_version"])
        after = [
            network.step(ops, weights, state, inputs, noise, rates, at.get("current"), fed)
            for weights in self._now(at)
        ]
        names = network.dynamics.state_variables
        version = at.get("version")
        return {name: self._chosen([one[name] for one in after], version) for name in names}

    def rates(self, states: State, at: dict[str, Array]) -> Array:
        """Return the rates of all steps, (time, trial, unit)."""
        rates = self._network.dynamics.rates(self._ops, states)
        return rates * at["rate_gain"] + at["rate_offset"] if "rate_gain" in at else rates

    def output(self, rates: Array, at: dict[str, Array]) -> Array:
        """Return the outputs of all steps, (time, trial, output)."""
        network, ops = self._network, self._ops
        versions = [network.output(ops, weights, rates) for weights in self._weights]
        return self._chosen(versions, at.get("version"))

    def _now(self, at: dict[str, Array]) -> Sequence[Weights]:
        if "connectivity" not in at:
            return self._weights
        changed = [{**k, "recurrent": k["recurrent"] * at["connectivity"]} for k in self._kernels]
        return [self._network.prepare(self._ops, kernels, self._vectors) for kernels in changed]

    def _chosen(self, versions: list[Array], version: Array | None) -> Array:
        """Return of each trial the one of several arrays (..., trial, n) that its version names."""
        result = versions[0]
        for v, one in enumerate(versions[1:], 1):
            result = self._ops.where((version == v)[..., None], one, result)
        return result
