"""Whether a Session, above all one made of a recording, is what analyses of activity take it for.

What it says wrongly, such as times in seconds, would go through and give wrong numbers.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import xarray as xr

from neurotask._checks import choose

DIMS = ("trial", "time", "unit")
_SHORTEST = 5.0  # ms: a trial that is shorter, in steps of less than 1 ms, is one of seconds


def misnamed(session: xr.Dataset) -> str:
    """Return what is wrong with a Session that has no variable over (trial, time, unit)."""
    if not session.data_vars:
        return (
            "`session` must hold activity over (trial, time, unit), got no variable. Record it: "
            'model.run(trials, record=("rates",)).'
        )
    given = max((tuple(map(str, v.dims)) for v in session.data_vars.values()), key=len)
    missing = [name for name in DIMS if name not in given]
    strange = [name for name in given if name not in DIMS]
    names = {}
    for name in strange:
        if near := get_close_matches(name, missing, n=1):
            names[name] = near[0]
            missing.remove(near[0])
    left = [name for name in strange if name not in names]
    if len(left) == len(missing) == 1:
        names[left[0]] = missing[0]
    how = ", ".join(f'{old}="{new}"' for old, new in names.items()) or 'neuron="unit"'
    return (
        f"`session` must hold activity over the dimensions (trial, time, unit), got "
        f"({', '.join(given)}). Name them so: session.rename({how})."
    )


def check_activity(data: xr.DataArray) -> None:
    """Raise unless activity (trial, time, unit) is of numbers that are finite, or NaN for missing.

    A unit without a number would leave every trial without data: it is to be dropped first.
    """
    if not data.size:
        sizes = ", ".join(f"{data.sizes[name]} {name}s" for name in DIMS)
        raise ValueError(
            f"`session` must hold a trial, a time and a unit, got {sizes}. Look at how it was "
            "selected."
        )
    values = data.to_numpy()
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"`of` must be activity in numbers, got {data.name!r} of {values.dtype}. Give "
            "session.astype(float)."
        )
    if np.isfinite(values).all():
        return
    infinite = np.isinf(values)
    if infinite.any():
        trial, time, unit = (int(one[0]) for one in np.nonzero(infinite))
        n_units = int(infinite.any(axis=(0, 1)).sum())
        raise ValueError(
            f"`of` must be finite, or NaN where there is no data, got {int(infinite.sum())} "
            f"infinite values in {data.name!r}, in {n_units} unit{'s' * (n_units != 1)}, the first "
            f"in trial {trial}, step {time}, unit {unit}. Look at the network, or set them to NaN."
        )
    dead = np.isnan(values).all(axis=(0, 1))
    if dead.any() and not dead.all():
        places = np.flatnonzero(dead)
        shown = ", ".join(map(str, places[:5])) + (", ..." if len(places) > 5 else "")
        raise ValueError(
            f"`of` must have data of each unit, got NaN throughout in unit{'s' * (len(places) > 1)}"
            f" {shown} of {data.name!r}. Drop what was not recorded: "
            f"session.drop_isel(unit=[{shown}])."
        )


def check_time(session: xr.Dataset) -> None:
    """Raise unless times are numbers in ms, in rising order, that go with the attribute "dt"."""
    if "time" not in session.coords:
        raise ValueError(
            "`session` must have the coordinate `time`, in ms, got none. Add "
            "session.assign_coords(time=dt * np.arange(n_steps))."
        )
    time = session["time"].to_numpy()
    if time.dtype.kind in "mM":
        raise TypeError(
            f"`session` must have times that are numbers, in ms, got {time.dtype}. Give "
            'time=(session["time"] - session["time"][0]) / np.timedelta64(1, "ms").'
        )
    if time.dtype.kind not in "iuf" or not np.isfinite(time).all():
        raise ValueError(
            "`session` must have times that are finite numbers, in ms, got some that are not. Look "
            'at session["time"].'
        )
    if (np.diff(time) <= 0).any():
        at = int(np.flatnonzero(np.diff(time) <= 0)[0])
        raise ValueError(
            f"`session` must have rising times, got {time[at]:g} ms before {time[at + 1]:g} ms. "
            'Give session.sortby("time"), each time once.'
        )
    if len(time) > 1:
        _check_unit(session, time.astype(float))


def _check_unit(session: xr.Dataset, time: np.ndarray) -> None:
    """Raise where times are in seconds, or contradict the attribute "dt"."""
    apart = (time[-1] - time[0]) / (len(time) - 1)
    unit, dt = session["time"].attrs.get("units"), session.attrs.get("dt")
    seconds = "times are in ms; multiply by 1000: session.assign_coords(time=1000 * session.time)"
    short = apart < 1 and len(time) * apart < _SHORTEST and unit not in ("ms", "milliseconds")
    if short or unit in ("s", "sec", "second", "seconds"):
        raise ValueError(
            f"`session` must have times in ms, got a trial of {len(time) * apart:.3g}, in steps of "
            f"{apart:.3g}, as of seconds: {seconds}."
        )
    # Some of the steps may have been taken, as every fifth.
    if dt is not None and not np.isclose(apart / dt, max(np.rint(apart / dt), 1), rtol=1e-2):
        hint = f" If they are in s, {seconds}." if np.isclose(1000 * apart, dt, rtol=1e-2) else ""
        raise ValueError(
            f'`session` must have times that its attribute "dt" divides, got {apart:.6g} ms apart '
            f"and dt {dt:g} ms. Correct the one that is wrong, as session.assign_attrs(dt=...)."
            f"{hint}"
        )


def of_trials(argument: str, name: Any, known: Iterable[str]) -> str:
    """Return `name` if it is one of the coordinates of `trial`, else raise."""
    known = list(known)
    if not known:
        raise ValueError(
            f"`{argument}` must name a coordinate of `trial`, but the Session has none, got "
            f'{name!r}. Say what trials are of: session.assign_coords({name}=("trial", values)).'
        )
    return choose(argument, name, known)
