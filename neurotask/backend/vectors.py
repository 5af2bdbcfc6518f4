"""The parameters of a built model that are no synapses: biases, initial state, time constants."""

from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import choose
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Dynamics


class ParameterVectors(keras.layers.Layer):
    """Vectors of parameters; those of several networks too, stacked in front.

    Args:
        constants: vectors that settings say in full, (..., n).
        free: what each of the variables starts from, (..., n).
        learned: names of the variables that learn.
        times: what each time that learns starts from beyond dt, (..., n), and its raw value.
        dt: length of a step in ms.
        dtype: "float32" or "float64".

    Attributes:
        dt: length of a step in ms.
    """

    def __init__(
        self,
        constants: Mapping[str, np.ndarray],
        free: Mapping[str, np.ndarray],
        learned: Collection[str],
        times: Mapping[str, tuple[np.ndarray, np.ndarray]],
        dt: float,
        dtype: str,
    ):
        super().__init__(name="vectors", dtype=dtype)
        self.dt, self._constants = dt, dict(constants)
        self._free, self._times = tuple(free), tuple(times)
        for name, start in free.items():
            self._add(name, start, name in learned)
        self._starts = {name: start for name, (start, _) in times.items()}
        for name, (_, raw) in times.items():
            self._add(f"raw_{name}", raw, True)
        self.built = True

    @property
    def constants(self) -> dict[str, np.ndarray]:
        """The vectors that settings say in full, by name."""
        return dict(self._constants)

    @property
    def free(self) -> dict[str, Any]:
        """The variables that may change, by name; times that learn are not among them."""
        return {name: getattr(self, name) for name in self._free}

    @property
    def times(self) -> dict[str, tuple[np.ndarray, Any]]:
        """The times that learn, by name: what each starts from beyond dt, and its raw variable."""
        return {name: (self._starts[name], getattr(self, f"raw_{name}")) for name in self._times}

    def values(self) -> dict[str, Any]:
        """Return all vectors as they are now: tensors, or arrays where they are constants."""
        free = {name: tf.convert_to_tensor(variable) for name, variable in self.free.items()}
        # A time that learns is dt + (start - dt) exp(raw): no change takes it below dt, and weight
        # decay takes it back to its start.
        times: dict[str, Tensor] = {
            name: self.dt + start * tf.exp(raw) for name, (start, raw) in self.times.items()
        }
        return {**self._constants, **free, **times}

    def _add(self, name: str, value: np.ndarray, trainable: bool) -> None:
        made = self.add_weight(value.shape, "zeros", name=name, trainable=trainable)
        made.assign(value)
        setattr(self, name, made)


class Vectors(ParameterVectors):
    """The vectors of a network: variables where they may change, constants where settings say all.

    Args:
        starts: what each starts from, (n,).
        dynamics: says which are times and which do not learn unless asked to.
        dt: length of a step in ms.
        trainable: whether a vector learns, by its name; of the others those do that the dynamics
            do not fix.
        dtype: "float32" or "float64".

    Raises:
        ValueError: for a name that cannot learn, or a time that starts at dt or below and learns.
    """

    def __init__(
        self,
        starts: Mapping[str, np.ndarray],
        dynamics: Dynamics,
        dt: float,
        trainable: Mapping[str, bool],
        dtype: str,
    ):
        free = [name for name in starts if name not in dynamics.fixed]
        learned = _learned(trainable, free, dynamics.time_constants)
        times = [name for name in dynamics.time_constants if name in learned]
        super().__init__(
            {name: start for name, start in starts.items() if name not in {*free, *times}},
            {name: starts[name] for name in free},
            learned,
            {n: (starts[n] - dt, _raw(n, starts[n], starts[n] - dt, dt)) for n in times},
            dt,
            dtype,
        )

    def keep_times(self, other: "Vectors") -> None:
        """Take the times of another network that steps by another dt."""
        for name, (start, raw) in self.times.items():
            raw.assign(_raw(name, other.values()[name].numpy(), start, self.dt))


def _raw(name: str, values: np.ndarray, start: np.ndarray, dt: float) -> np.ndarray:
    """Return raw so that a time has these values, where it starts from so much beyond dt."""
    lowest = min(values.min(), (start + dt).min())
    if lowest <= dt:
        raise ValueError(
            f"`{name}` must be above dt = {dt:g} ms where it learns, got {lowest:g} ms."
        )
    return np.log((values - dt) / start)


def _learned(given: Any, free: list[str], times: tuple[str, ...]) -> set[str]:
    """Return which vectors learn: those that are free, but for what is said of each."""
    if not isinstance(given, Mapping) or not all(isinstance(on, bool) for on in given.values()):
        raise TypeError(
            f"`trainable` must say True or False of vectors by name, got {given!r}. Write "
            'trainable={"tau": True, "initial_state": False}.'
        )
    for name in given:
        choose("trainable", name, [*free, *times])
    return {name for name in [*free, *times] if given.get(name, name in free)}
