"""Writing values into stretches of trials, those of a whole batch at once."""

from typing import Any

import numpy as np

from neurotask._normals import normals


def as_value(name: str, value: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a value as (trial or 1, time or 1, channel or 1), float32, or raise.

    Args:
        name: what the message calls it.
        value: the value.
        shape: number of trials, steps and channels that it is for.
    """
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
    start: np.ndarray,
    stop: np.ndarray,
    value: np.ndarray,
    add: bool = False,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> None:
    """Write (or add) a value and noise to some channels, in a stretch of each trial.

    Args:
        layer: what is painted on, (trial, time, channel).
        places: the channels.
        start: first step in each trial, (trial,).
        stop: the step after the last, (trial,); at or before `start` where nothing is painted.
        value: as `as_value` returns it.
        add: whether the value is added to what is there.
        noise: standard deviation of the noise that is added to the value in each step.
        rng: generator of the noise.
    """
    if add and noise == 0:
        stop = np.where(value.any((1, 2)), stop, start)  # nothing to be added is left out
    first, last = int(max(start.min(), 0)), int(stop.max())
    if last <= first or (stop <= start).all():
        return
    adjacent = places == list(range(places[0], places[0] + len(places)))
    columns = slice(places[0], places[0] + len(places)) if adjacent else places
    part = layer[:, first:last, columns]  # a view where the channels are adjacent, else a copy
    value = value[:, first:last] if value.shape[1] > 1 else value
    where: Any = ...  # a slice where the stretch is the same in every trial
    shape = part.shape
    if (start != first).any() or (stop != last).any():
        step = np.arange(first, last)
        where = np.nonzero((step >= start[:, None]) & (step < stop[:, None]))
        trial, at = where
        value = value[trial * (len(value) > 1), at * (value.shape[1] > 1)]
        shape = (len(trial), len(places))
    if noise > 0 and rng is not None:
        drawn = normals(rng, shape, noise)
        value = drawn + value if value.any() else drawn
    if add:
        part[where] += value
    else:
        part[where] = value
    if not adjacent:
        layer[:, first:last, columns] = part
