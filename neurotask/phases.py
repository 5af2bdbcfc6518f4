"""The timing of trials: which phase lasts from when to when, on a grid of steps of dt ms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.distributions import Derived, Distribution, Levels, Remainder


@dataclass(frozen=True, eq=False)
class Phases(Mapping[str, np.ndarray]):
    """When each phase of each trial starts and stops: `phases["stimulus"]` is (trial, 2) in ms.

    A phase that a trial does not have is NaN there.

    Args:
        names: the phases in order.
        starts: first step of each phase, (trial, phase); -1 where a trial lacks it.
        stops: the step after its last, (trial, phase); -1 where a trial lacks it.
        lengths: number of steps of each trial, (trial,).
        dt: length of a step in ms.

    Example:
        >>> steps = dict(starts=np.array([[0, 5]]), stops=np.array([[5, 20]]))
        >>> phases = Phases(("fixation", "stimulus"), **steps, lengths=np.array([20]), dt=20.0)
        >>> phases["stimulus"]
        array([[100., 400.]])
    """

    names: tuple[str, ...]
    starts: np.ndarray
    stops: np.ndarray
    lengths: np.ndarray
    dt: float

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.names:
            raise KeyError(name)
        steps = np.stack(self.steps(name), axis=1)
        return np.where(steps < 0, np.nan, steps * self.dt)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        spans = ", ".join(f"{name}: {_span(self[name])}" for name in self)
        return f"Phases({len(self.lengths)} trials; {spans})"

    def steps(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the first step of a phase and the step after its last, each of shape (trial,).

        Both are -1 where a trial lacks the phase.
        """
        at = self.names.index(choose("phase", name, self.names))
        return self.starts[:, at], self.stops[:, at]

    def select(self, index: Any) -> "Phases":
        """Return the phases of some of the trials."""
        return Phases(
            self.names, self.starts[index], self.stops[index], self.lengths[index], self.dt
        )

    def shifted(self, steps: np.ndarray) -> "Phases":
        """Return the phases with those of each trial moved by a number of steps, (trial,)."""
        starts, stops = (
            np.where(edges < 0, -1, edges + steps[:, None]) for edges in (self.starts, self.stops)
        )
        return Phases(self.names, starts, stops, self.lengths, self.dt)


def to_steps(name: str, duration: Any, dt: float) -> np.ndarray:
    """Return durations (ms) in steps; each must be 0 or more and a whole multiple of dt.

    Raises:
        ValueError: naming the nearest valid duration.
    """
    if isinstance(duration, (float, int)):
        return _number_to_steps(name, duration, dt)
    return _to_steps(name, duration, dt)


@lru_cache(maxsize=256)
def _number_to_steps(name: str, duration: float, dt: float) -> np.ndarray:
    """Return `to_steps` of one number: a task has few, and each batch asks for all of them."""
    return _to_steps(name, duration, dt)


def _to_steps(name: str, duration: Any, dt: float) -> np.ndarray:
    values = np.asarray(duration, dtype=float)
    steps = np.rint(values / dt)
    bad = ~np.isfinite(values) | (values < 0) | (np.abs(values - steps * dt) > 1e-6 * dt)
    if not bad.any():
        return steps.astype(int)
    wrong = float(values[bad].flat[0])
    if not np.isfinite(wrong) or wrong < 0:
        raise ValueError(f"`{name}` must be a time of 0 ms or more, got {wrong:g} ms.")
    near = max(round(wrong / dt), 1) * dt
    raise ValueError(
        f"`{name}` must be a whole multiple of dt = {dt:g} ms, got {wrong:g} ms. "
        f"The nearest valid one is {near:g} ms."
    )


def check_duration(name: str, duration: Any, dt: float) -> None:
    """Raise if a phase cannot have this duration (a number of ms, a law of them, a remainder)."""
    if isinstance(duration, Distribution):
        to_steps(f"{name}.low", duration.low, dt)
        to_steps(f"{name}.high", duration.high, dt)
    elif isinstance(duration, Levels):
        to_steps(name, duration.values, dt)
    elif isinstance(duration, Remainder):
        to_steps(f"{name}.total", duration.total, dt)
    elif not isinstance(duration, Derived):
        if isinstance(duration, (tuple, str, dict)):
            raise TypeError(
                f"`{name}` must be a time in ms or a law of times, got {duration!r}. Write "
                "neurotask.Levels((...)) or neurotask.Uniform(low, high) for times that are drawn."
            )
        to_steps(name, number(name, duration, low=0.0), dt)


def longest(durations: Mapping[str, Any], dt: float) -> int | None:
    """Return the number of steps of the longest trial there can be; None where only trials show."""
    fixed = {k: d for k, d in durations.items() if not isinstance(d, (Derived, Remainder))}
    steps = sum(int(to_steps(name, _longest(duration), dt)) for name, duration in fixed.items())
    for name, duration in durations.items():
        if isinstance(duration, Remainder):
            return int(_rest(name, duration, steps, dt)) + steps
    return steps if len(fixed) == len(durations) else None


def lay_out(durations: Mapping[str, np.ndarray | Remainder], n_trials: int, dt: float) -> Phases:
    """Put phases one after the other.

    Args:
        durations: for each phase its durations in steps, shape (trial,), or the `Remainder`.
        n_trials: number of trials.
        dt: length of a step in ms.
    """
    fixed = [steps for steps in durations.values() if not isinstance(steps, Remainder)]
    used = sum(fixed)  # a number, or one a trial
    edges = np.zeros((n_trials, len(durations) + 1), dtype=int)
    for at, (name, steps) in enumerate(durations.items()):
        if isinstance(steps, Remainder):
            steps = _rest(name, steps, used, dt)
        edges[:, at + 1] = edges[:, at] + steps
    return Phases(tuple(durations), edges[:, :-1], edges[:, 1:], edges[:, -1], dt)


def _rest(name: str, remainder: Remainder, used: Any, dt: float) -> Any:
    rest = to_steps(name, remainder.total, dt) - used
    if np.min(rest) < 0:
        raise ValueError(
            f"`{name}` must fill a trial of {remainder.total:g} ms, but the other phases "
            f"already take {np.max(used) * dt:g} ms. Shorten them or raise the total."
        )
    return rest


def _longest(duration: Any) -> float:
    if isinstance(duration, Distribution):
        return duration.high
    return max(duration.values) if isinstance(duration, Levels) else duration


def _span(times: np.ndarray) -> str:
    times = times[~np.isnan(times[:, 0])]
    if not len(times):
        return "in no trial"
    (start, stop), last = times[0], times[:, 1].max()
    if (times == times[0]).all():
        return f"{start:g}-{stop:g} ms"
    return f"{times[:, 0].min():g}-{last:g} ms (varied)"
