"""The parameters of a built model that are no synapses: biases, initial state, time constants."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import choose
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Dynamics


class Vectors(keras.layers.Layer):
    """Vectors of parameters: variables where they may change, constants where settings say all.

    Args:
        starts: what each starts from, (n,).
        dynamics: says which are times and which do not learn unless asked to.
        dt: length of a step in ms.
        trainable: whether a vector learns, by its name; of the others those do that the dynamics
            do not fix.
        dtype: "float32" or "float64".

    Attributes:
        free: the variables that may change, by name.

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
        super().__init__(name="vectors", dtype=dtype)
        free = [name for name in starts if name not in dynamics.fixed]
        learned = _learned(trainable, free, dynamics.time_constants)
        times = [name for name in dynamics.time_constants if name in learned]
        self._dt, self._free, self._times = dt, tuple(free), tuple(times)
        self._constants = {n: start for n, start in starts.items() if n not in {*free, *times}}
        for name in free:
            self._add(name, starts[name], name in learned)
        self._starts = {name: starts[name] - dt for name in times}
        for name in times:
            self._add(f"raw_{name}", self._raw(name, starts[name]), True)
        self.built = True

    @property
    def free(self) -> dict[str, Any]:
        """The variables that may change, by name; times that learn are not among them."""
        return {name: getattr(self, name) for name in self._free}

    def values(self) -> dict[str, Any]:
        """Return all vectors as they are now: tensors, or arrays where they are constants."""
        free = {name: tf.convert_to_tensor(variable) for name, variable in self.free.items()}
        # A time that learns is dt + (start - dt) exp(raw): no change takes it below dt, and weight
        # decay takes it back to its start.
        times: dict[str, Tensor] = {
            name: self._dt + self._starts[name] * tf.exp(getattr(self, f"raw_{name}"))
            for name in self._times
        }
        return {**self._constants, **free, **times}

    def keep_times(self, other: "Vectors") -> None:
        """Take the times of another network that steps by another dt."""
        for name in self._times:
            raw = self._raw(name, other.values()[name].numpy())
            getattr(self, f"raw_{name}").assign(raw)

    def _raw(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return raw so that a time has these values."""
        lowest = min(values.min(), (self._starts[name] + self._dt).min())
        if lowest <= self._dt:
            raise ValueError(
                f"`{name}` must be above dt = {self._dt:g} ms where it learns, got {lowest:g} ms."
            )
        return np.log((values - self._dt) / self._starts[name])

    def _add(self, name: str, value: np.ndarray, trainable: bool) -> None:
        made = self.add_weight(value.shape, "zeros", name=name, trainable=trainable)
        made.assign(value)
        setattr(self, name, made)


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
