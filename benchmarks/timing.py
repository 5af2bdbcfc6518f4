"""Timing of candidates in turns, so that a busy moment of the machine hits all of them alike."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Candidate:
    """What is timed.

    Args:
        call: does the work and returns when it is done.
        repeats: calls a round.
        updates: units of work in a call; times are given per unit.
        settles: whether a turn begins with a call that is not timed, which finds caches and memory
            as the candidate before left them; what lasts, such as a training, does so once.
    """

    call: Callable[[], object]
    repeats: int = 5
    updates: int = 1
    settles: bool = False


@dataclass(frozen=True, eq=False)
class Times:
    """Milliseconds per unit of work, shape (round, repeat)."""

    samples: np.ndarray

    @property
    def median(self) -> float:
        """Median over all calls."""
        return float(np.median(self.samples))

    @property
    def best(self) -> float:
        """Shortest of all calls."""
        return float(self.samples.min())

    def ratio(self, other: "Times") -> float:
        """Return the median over rounds of the ratio between the two medians of a round."""
        return float(np.median(np.median(self.samples, 1) / np.median(other.samples, 1)))


def interleave(candidates: Mapping[Name, Candidate], rounds: int) -> dict[Name, Times]:
    """Time candidates round by round, each round in another order, after one call to warm up."""
    for candidate in candidates.values():
        candidate.call()
    samples: dict[Name, list[list[float]]] = {name: [] for name in candidates}
    names = list(candidates)
    for at in (k % len(names) for k in range(rounds)):
        for name in [*names[at:], *names[:at]]:
            samples[name].append(_time(candidates[name]))
    return {name: Times(np.array(rows)) for name, rows in samples.items()}


def _time(candidate: Candidate) -> list[float]:
    if candidate.settles:
        candidate.call()
    return [_milliseconds(candidate.call) / candidate.updates for _ in range(candidate.repeats)]


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3
