"""The timing of trials: phases follow each other without a gap, on a grid of steps of dt ms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.distributions import Distribution, Levels, Remainder


@dataclass(frozen=True, eq=False)
class Phases(Mapping[str, np.ndarray]):
    """When each phase of each trial starts and stops: `phases["stimulus"]` is (trial, 2) in ms.

    Args:
        names: the phases in order.
        edges: first step of each phase and, last, the step after the end; (trial, phase + 1).
        dt: length of a step in ms.

    Example:
        >>> phases = Phases(("fixation", "stimulus"), np.array([[0, 5, 20]]), dt=20.0)
        >>> phases["stimulus"]
        array([[100., 400.]])
    """

    names: tuple[str, ...]
    edges: np.ndarray
    dt: float

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.names:
            raise KeyError(name)
        return np.stack(self.steps(name), axis=1) * self.dt

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        spans = ", ".join(f"{name}: {_span(self[name])} ms" for name in self)
        return f"Phases({len(self.edges)} trials; {spans})"

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each trial, shape (trial,)."""
        return self.edges[:, -1]

    def steps(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the first step of a phase and the step after its last, each of shape (trial,)."""
        at = self.names.index(choose("phase", name, self.names))
        return self.edges[:, at], self.edges[:, at + 1]

    def select(self, index: Any) -> "Phases":
        """Return the phases of some of the trials."""
        return Phases(self.names, self.edges[index], self.dt)


def to_steps(name: str, duration: Any, dt: float) -> np.ndarray:
    """Return durations (ms) in steps; each must be 0 or more and a whole multiple of dt.

    Raises:
        ValueError: naming the nearest valid duration.
    """
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
    else:
        to_steps(name, number(name, duration, low=0.0), dt)


def longest(durations: Mapping[str, Any], dt: float) -> int:
    """Return the number of steps of the longest trial that these durations can make."""
    totals = [d.total for d in durations.values() if isinstance(d, Remainder)]
    if totals:
        return int(to_steps("total", totals[0], dt))
    return sum(int(to_steps(name, _longest(d), dt)) for name, d in durations.items())


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
    return Phases(tuple(durations), edges, dt)


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
    start, stop = times[:, 0], times[:, 1]
    fixed = (start == start[0]).all() and (stop == stop[0]).all()
    return f"{start[0]:g}-{stop[0]:g}" if fixed else f"{start.min():g}-{stop.max():g} (varied)"
