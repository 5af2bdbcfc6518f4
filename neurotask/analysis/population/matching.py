"""The activity of two populations at the same conditions and times, as rows to compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import listed
from neurotask.analysis._alignment import activity, step_of
from neurotask.analysis.population.conditions import averaged, condition_names, counting
from neurotask.analysis.population.samples import Window, bin_steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """How a Session is read as samples: condition averages at times from an event.

    Args:
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` if None.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None.
        window: (start, stop) in ms from there; all times if None.
        bin: width in ms that averages are averaged over; the time step if None.
        trials: "all" or "correct".
    """

    condition: str | Sequence[str] | None = None
    of: str = "rates"
    align: str | None = None
    window: Window | None = None
    bin: float | None = None
    trials: str = "all"


def matched(a: Any, b: Any, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays (sample, unit) whose rows are of the same conditions and times.

    Args:
        a: a Session, or an array (sample, unit).
        b: another. Two arrays are taken to have the same samples in the same order.
        reading: how Sessions are read.

    Raises:
        TypeError: if one is an array and the other a Session, or is neither.
        ValueError: if conditions, times or numbers of samples differ.
    """
    sessions = [isinstance(one, xr.Dataset) for one in (a, b)]
    if all(sessions):
        return _match(means(a, reading), means(b, reading))
    if any(sessions):
        raise TypeError(
            "`a` and `b` must be two Sessions or two arrays, got one of each. Make the array a "
            "Session, whose conditions and times can be matched."
        )
    return _arrays(a, b)


def means(session: Any, reading: Reading) -> xr.DataArray:
    """Return condition averages in bins of time, (condition, time, unit)."""
    session = by_trial(session)
    activity(session, reading.of)
    names = condition_names(session, reading.condition)
    which = counting(session, reading.trials)
    values = averaged(session, reading.of, reading.align, names, which, reading.window).values
    width = bin_steps(reading.bin, step_of(session))
    if width == 1:
        return values
    steps = np.rint(values["time"].to_numpy() / step_of(session)).astype(int)
    bins, n = np.unique(np.floor_divide(steps, width), return_counts=True)
    whole = bins[n == width]
    if not len(whole):
        raise ValueError(
            f"`bin` must fit into the times of the averages, got {reading.bin:g} ms for "
            f"{len(steps)} steps. Take a narrower one."
        )
    kept = values.isel(time=np.flatnonzero(np.isin(np.floor_divide(steps, width), whole)))
    # Named by their start, so that networks of different time steps have bins of the same name.
    return kept.coarsen(time=width).mean().assign_coords(time=whole * width * step_of(session))


def _match(a: xr.DataArray, b: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (one["condition"].to_numpy().tolist() for one in (a, b))
    if ours != theirs:  # both are sorted
        raise ValueError(
            f"`b` must have the conditions of `a`, {listed(map(str, ours))}, got "
            f"{listed(map(str, theirs))}. Choose the trials of the same ones, or other names as "
            "`condition`."
        )
    s, t = a["time"].to_numpy(), b["time"].to_numpy()
    if len(s) != len(t) or not np.allclose(s, t):
        raise ValueError(
            f"`b` must have the times of `a`, {s[0]:g} to {s[-1]:g} ms in {len(s)}, got {t[0]:g} "
            f"to {t[-1]:g} ms in {len(t)}. Give a `window` that both have, and a `bin` that both "
            "time steps divide."
        )
    return tuple(one.to_numpy().reshape(-1, one.sizes["unit"]) for one in (a, b))  # type: ignore[return-value]


def _arrays(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for name, one in (("a", a), ("b", b)):
        try:
            values = np.asarray(one, float)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"`{name}` must be a Session or an array of numbers (sample, unit), got "
                f"{type(one).__name__}."
            ) from error
        if values.ndim != 2:
            raise ValueError(
                f"`{name}` must have the dimensions (sample, unit), got the shape {values.shape}. "
                "Make conditions and times rows: values.reshape(-1, n_units)."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"`{name}` must be finite, got {int((~np.isfinite(values)).sum())} missing or "
                "infinite values. Leave their samples out of both."
            )
        found.append(values)
    if len(found[0]) != len(found[1]):
        raise ValueError(
            f"`b` must have the samples of `a`, {len(found[0])}, got {len(found[1])}. Give the "
            "responses to the same stimuli in the same order."
        )
    return found[0], found[1]
