"""A step of any network as a map of flat states in float64, with its derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np

_AT_ONCE = 2_000_000  # entries of an array that displaced states may take: 16 MB


class Mapping:
    """The noise-free step x -> F(x, u), and how it depends on state and input.

    Args:
        step: `step(state (..., *form), input (..., input)) -> state`.
        form: shape of a state, (unit,) or (variable, unit).
        jacobian: `jacobian(state, input) -> (..., *form, *form)`; None: by differences.
        scale: usual size of an entry of a state: differences are small beside it.
    """

    def __init__(
        self, step: Any, form: tuple[int, ...], jacobian: Callable | None, scale: float = 1.0
    ):
        self._step, self._form, self._jacobian = step, form, jacobian
        self.size = int(np.prod(form))
        self.precision = float(np.finfo(np.float64).eps)  # until `check` has seen a step
        self.scale = scale

    def __call__(self, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return the states after a step, (point, size), for inputs (point, input)."""
        after = np.asarray(self._step(states.reshape(-1, *self._form), inputs))
        return after.reshape(len(states), self.size).astype(float, copy=False)

    def check(self, states: np.ndarray, inputs: np.ndarray) -> None:
        """Raise unless a step of a few states is what a step must be, before a search is paid for.

        Args:
            states: two states or more, (point, size).
            inputs: (point, input).
        """
        given = states.reshape(-1, *self._form)
        try:
            after = np.asarray(self._step(given, inputs))
        except Exception as error:
            error.add_note(
                f"`step` was given states {given.shape} and inputs {inputs.shape}, a row a state."
            )
            raise
        if after.shape != given.shape:
            raise ValueError(
                f"`step` must return states of the shape that it is given, {given.shape}, got "
                f"{after.shape}. Return the state alone, (..., unit), for any leading shape."
            )
        if after.dtype.kind != "f" or not np.isfinite(after).all():
            raise ValueError(
                "`step` must return finite floating-point states, got "
                f"{'NaN or infinite ones' if after.dtype.kind == 'f' else after.dtype}. "
                "Look at the network and at `input`."
            )
        self.precision = float(np.finfo(after.dtype).eps)
        if self._is_coarser(states, inputs):
            self.precision = float(np.finfo(np.float32).eps)
        scale = np.abs(after).max() + np.abs(given).max()
        close = {"atol": 100 * self.precision * scale, "rtol": 0.0}
        if not np.allclose(after, np.asarray(self._step(given, inputs)), **close):
            raise ValueError(
                "`step` must be free of noise, got two different states after the same step. "
                "Turn the noise off."
            )
        if not np.allclose(after[-1:], np.asarray(self._step(given[-1:], inputs[-1:])), **close):
            raise ValueError(
                "`step` must step each state by itself, got another state after a step alone than "
                "in a batch. Treat the leading axes as states of their own."
            )
        if len(self._form) > 1 and self._are_states(given, inputs, after):
            raise ValueError(
                f"`states` must be (state, unit), or (state, variable, unit), got {self._form[0]} "
                "rows for each, which `step` takes as states of their own. Give "
                f"states.reshape(-1, {self._form[-1]})."
            )
        if self._jacobian is not None:
            self._check_jacobian(states[:1], inputs[:1])

    def by_state(self, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return dF/dx, (point, size, size): given, or by central differences."""
        if self._jacobian is None or not len(states):
            return self._differences(states, inputs, self.size, lambda x, u, h: (x + h, u))
        found = np.asarray(self._jacobian(states.reshape(-1, *self._form), inputs), float)
        return found.reshape(-1, self.size, self.size)

    def near(self, states: np.ndarray, inputs: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return dF/dx by forward differences, half the price: enough for the way to a point.

        Args:
            states: (point, size).
            inputs: (point, input).
            after: F of them, (point, size).
        """
        n = self.size
        x, u = (np.repeat(values, n, axis=0) for values in (states, inputs))
        size = self.precision**0.5 * self._size(states)[:, None, None]
        x += (size * np.eye(n)).reshape(-1, n)
        rise = (self(x, u).reshape(-1, n, n) - after[:, None]) / size
        return rise.swapaxes(1, 2)

    def by_input(self, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return dF/du, (point, size, input), by central differences."""
        return self._differences(states, inputs, inputs.shape[1], lambda x, u, h: (x, u + h))

    def _differences(
        self, states: np.ndarray, inputs: np.ndarray, n: int, displaced: Any
    ) -> np.ndarray:
        """Return (point, size, n): (F(.. + h) - F(.. - h)) / 2h along each of n axes."""
        found = np.empty((len(states), self.size, n))
        for at in chunks(len(states), n * self.size):
            x, u = (np.repeat(values[at], n, axis=0) for values in (states, inputs))
            # The error of central differences is least near the cube root of the precision.
            size = self.precision ** (1 / 3) * self._size(states[at])
            h = (size[:, None, None] * np.eye(n)).reshape(-1, n)
            rise = self(*displaced(x, u, h)) - self(*displaced(x, u, -h))
            rise = rise.reshape(-1, n, self.size) / (2 * size[:, None, None])
            found[at] = rise.swapaxes(1, 2)
        return found

    def _size(self, states: np.ndarray) -> np.ndarray:
        """Return what a difference is measured by, (point,)."""
        return np.maximum(np.abs(states).max(1), self.scale)

    def _is_coarser(self, states: np.ndarray, inputs: np.ndarray) -> bool:
        """Return whether a step takes states in float64 and computes in less."""
        along = np.cos(np.arange(self.size) + 1.0) * self._size(states).max()
        rise = [
            (self(states + h * along, inputs) - self(states - h * along, inputs)) / (2 * h)
            for h in (1e-3, 1e-8)
        ]
        return bool(np.linalg.norm(rise[1] - rise[0]) > 0.5 * np.linalg.norm(rise[0]) + 0.01)

    def _are_states(self, given: np.ndarray, inputs: np.ndarray, after: np.ndarray) -> bool:
        """Return whether what is taken for the variables of a state are states: trials by time."""
        try:
            alone = np.asarray(self._step(given[:, 0], inputs))
        except Exception:  # a step of several variables may fail in any way without them
            return False
        return alone.shape == after[:, 0].shape and np.allclose(alone, after[:, 0])

    def _check_jacobian(self, state: np.ndarray, inputs: np.ndarray) -> None:
        assert self._jacobian is not None
        found = np.asarray(self._jacobian(state.reshape(-1, *self._form), inputs))
        wanted = (1, *self._form, *self._form)
        if found.shape != wanted or not np.isfinite(found).all():
            raise ValueError(
                f"`jacobian` must return finite numbers of the shape {wanted} for a state of the "
                f"shape {(1, *self._form)}, (state, after, before), got {found.shape}."
            )
        # One direction that touches every entry tells a transposed matrix from the right one.
        along = np.cos(np.arange(self.size) + 1.0)
        h = self.precision ** (1 / 3) * float(self._size(state)[0])
        rise = (self(state + h * along, inputs) - self(state - h * along, inputs)) / (2 * h)
        got = found.reshape(self.size, self.size) @ along
        if not np.allclose(rise[0], got, rtol=0, atol=0.01 * (np.abs(got).max() + 1e-3)):
            raise ValueError(
                "`jacobian` must be the derivative of `step`, d after / d before, got matrices "
                "that differences of `step` do not agree with. Is it transposed?"
            )


def check_step(step: Any) -> None:
    """Raise unless `step` is a function; a model can be called too, but is none."""
    if callable(step) and not callable(getattr(step, "step", None)):
        return
    given = type(step).__name__ if callable(step) else repr(step)
    raise TypeError(
        f"`step` must be a function step(state, input) -> state, got {given}. "
        "Give model.step, without calling it."
    )


def chunks(n: int, entries: int) -> list[slice]:
    """Return slices of n rows, so that those of `entries` numbers each stay small together."""
    size = max(1, _AT_ONCE // max(entries, 1))
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]
