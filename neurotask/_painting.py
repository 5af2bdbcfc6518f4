"""Writing values into stretches of trials, those of a whole batch at once."""

from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from neurotask._normals import normals

Steps: TypeAlias = int | np.integer | np.ndarray
"""A number of steps: the same in all trials, or one a trial, (trial,)."""

# Up to so many channels NumPy is faster one by one, along time, than over all at each step.
FEW = 8


class Stretch:
    """A stretch of each trial of a batch.

    Args:
        start: first step.
        stop: the step after the last; at or before `start` in trials that have no such stretch.

    Attributes:
        first: first step that lies in any of the stretches.
        last: the step after the last one.
        even: whether the stretch is the same in all trials.
    """

    def __init__(self, start: Steps, stop: Steps):
        self.start, self.stop = start, stop
        self.even = np.ndim(start) == np.ndim(stop) == 0
        ends = (start, stop) if self.even else (np.min(start), np.max(stop))
        self.first, self.last = max(int(ends[0]), 0), int(ends[1])

    def delayed(self, steps: Steps) -> "Stretch":
        """Return the stretches with their start moved by a number of steps."""
        return Stretch(self.start + steps, self.stop) if np.ndim(steps) or steps else self

    def within(self, trials: np.ndarray) -> "Stretch":
        """Return the stretches of some trials, given as booleans (trial,), and of no others."""
        if trials.all():
            return self
        return Stretch(self.start, np.where(trials, self.stop, self.start))

    @property
    def empty(self) -> bool:
        """Whether no trial has the stretch."""
        return self.last <= self.first or not (self.even or np.any(self.stop > self.start))

    @cached_property
    def inside(self) -> np.ndarray:
        """Whether a step lies in the stretch of its trial, (trial, step from first to last)."""
        step = np.arange(self.first, self.last)
        start, stop = (np.reshape(at, (-1, 1)) for at in (self.start, self.stop))
        return (step >= start) & (step < stop)

    @cached_property
    def entries(self) -> tuple[np.ndarray, ...]:
        """The places in `inside` that are true: those of the trials and those of the steps."""
        return np.nonzero(self.inside)


def as_value(name: str, value: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a value as (trial or 1, time or 1, channel or 1), float32, or raise.

    Args:
        name: what the message calls it.
        value: the value.
        shape: number of trials, steps and channels that it is for.
    """
    if isinstance(value, (int, float)):
        return np.full((1, 1, 1), value, np.float32)
    given = np.asarray(value)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must be a number or an array of numbers, got {value!r}.")
    n, time, c = shape
    full = given.reshape(given.shape + (1,) * max(0, 3 - given.ndim))
    if given.ndim == 2 and c > 1:
        full = given[:, None, :]
    wide = (1, n), (1, time), (1, c)
    if given.ndim < 4 and all(size in ok for size, ok in zip(full.shape, wide, strict=True)):
        return full.astype(np.float32)
    shapes = f"({n}, {c}) or ({n}, {time}, {c})" if c > 1 else f"({n},) or ({n}, {time})"
    per = "(trial, channel)" if c > 1 else "(trial, time)"
    raise ValueError(
        f"`{name}` must be a number, one a trial or {per}, here {shapes}, got shape {given.shape}."
    )


def paint(
    layer: np.ndarray,
    places: list[int],
    stretch: Stretch,
    value: np.ndarray,
    add: bool = False,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> None:
    """Write (or add) a value and noise to some channels, in a stretch of each trial.

    Args:
        layer: what is painted on, (trial, time, channel).
        places: the channels.
        stretch: the stretches.
        value: as `as_value` returns it.
        add: whether the value is added to what is there.
        noise: standard deviation of the noise that is added to the value in each step.
        rng: generator of the noise.
    """
    if add and noise == 0 and len(value) > 1:  # nothing to be added is left out
        stretch = stretch.within((value != 0).any((1, 2)))
    if stretch.empty:
        return
    part = layer[:, stretch.first : stretch.last]
    value = value[:, stretch.first : stretch.last] if value.shape[1] > 1 else value
    drawn = None
    if noise > 0 and rng is not None:
        shape = part.shape[:2] if stretch.even else (int(np.count_nonzero(stretch.inside)),)
        drawn = normals(rng, (*shape, len(places)), noise)
    first = places[0]
    if len(places) > FEW and places == list(range(first, first + len(places))):
        where = ... if stretch.even else stretch.entries
        _write(part[..., first : first + len(places)], where, value, drawn, add)
        return
    where = ... if stretch.even else stretch.inside
    for at, place in enumerate(places):
        own = value[..., at % value.shape[2]]
        _write(part[..., place], where, own, None if drawn is None else drawn[..., at], add)


def _write(
    part: np.ndarray, where: Any, value: np.ndarray, drawn: np.ndarray | None, add: bool
) -> None:
    """Write (or add) a value and noise somewhere in a part of a layer.

    Args:
        part: the part, (trial, step) or (trial, step, channel).
        where: where in it: an index, `...` for everywhere.
        value: the value, which fits the part.
        drawn: noise of the shape of what `where` names.
        add: whether they are added to what is there.
    """
    if where is not ...:
        value = np.broadcast_to(value, part.shape)[where]
    if drawn is not None:
        value = drawn + value if value.any() else drawn
    if add:
        part[where] += value
    else:
        part[where] = value
