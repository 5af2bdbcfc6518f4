"""What the analyses of condition averages share: which trials, which conditions, which times."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose
from neurotask.analysis._alignment import Averages, activity, average, gather, onsets, step_of
from neurotask.analysis._arguments import ends, names_of
from neurotask.analysis._levels import joined
from neurotask.analysis._rows import NO_CHOICE
from neurotask.analysis._sessions import of_trials

Which = Literal["all", "correct"]
Window = tuple[float, float]


def condition_names(session: xr.Dataset, condition: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names whose levels are the conditions; what the Session says unless given."""
    names = names_of("condition", condition)
    if not names and "psychometric_axis" not in session.attrs:
        raise ValueError(
            "`condition` must name what trials are averaged by, got None. The Session has no "
            'attribute "psychometric_axis"; say it here, as in condition="coherence".'
        )
    return names or (session.attrs["psychometric_axis"],)


def known_names(argument: str, session: xr.Dataset, names: Sequence[str]) -> None:
    """Raise unless each name is a coordinate of `trial`."""
    known = [str(name) for name, c in session.coords.items() if c.dims == ("trial",)]
    for name in names:
        of_trials(argument, name, known)


def counting(session: xr.Dataset, trials: str) -> np.ndarray:
    """Return which trials are used, (trial,)."""
    choose("trials", trials, ("all", "correct"))
    wanted = np.ones(session.sizes["trial"], bool)
    if trials == "all":
        return wanted
    if "correct" not in session.coords:
        raise ValueError(
            "`trials` must be \"all\" where the Session has no coordinate 'correct', got "
            "'correct'. Give a Session with behaviour."
        )
    correct = session["correct"].to_numpy().astype(float)
    chosen = session["choice"].to_numpy() != NO_CHOICE if "choice" in session.coords else wanted
    # To make no choice may be the right answer, as to a no-go cue.
    return (np.isnan(correct) & chosen) | (correct == 1)


def averaged(
    session: xr.Dataset,
    of: str,
    align: str | None,
    condition: tuple[str, ...],
    which: np.ndarray,
    window: Window | None = None,
) -> Averages:
    """Return the condition averages at the times of `window`, from `start` to before `stop`.

    Args:
        session: the Session.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None.
        condition: coordinates of `trial` whose combinations are the conditions.
        which: whether a trial is used, (trial,).
        window: (start, stop) in ms from the event; every time unless given.
    """
    found = average(session, of, align, condition, which)
    if window is None:
        return found
    start, stop = ends("window", window)
    time = found.values["time"].to_numpy()
    inside = (time >= start) & (time < stop)
    if not inside.any():
        raise ValueError(
            f"`window` must hold a time that every condition has data for, got {window}; these "
            f"are {time[0]:g} to {time[-1]:g} ms. Take a window there."
        )
    return Averages(found.values.isel(time=inside), found.n_trials)


def condition_of(session: xr.Dataset, averages: Averages, condition: tuple[str, ...]) -> np.ndarray:
    """Return which of the averages each trial is in, (trial,); -1 where in none."""
    names = ("condition",) if len(condition) == 1 else condition
    known = pd.MultiIndex.from_arrays([averages.values[name].to_numpy() for name in names])
    given = [joined(session[name].to_numpy()) for name in condition]
    return known.get_indexer(pd.MultiIndex.from_arrays(given))


def single_trials(
    session: xr.Dataset, of: str, align: str | None, time: np.ndarray, n_units: int
) -> xr.DataArray:
    """Return single trials at the times of a fit, (trial, time, unit), with what trials are of.

    Args:
        session: a Session, whose trials need not be those of the fit.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None.
        time: times of the fit, ms from the event.
        n_units: number of units of the fit.
    """
    data = activity(session, of)
    if data.sizes["unit"] != n_units:
        raise ValueError(
            f"`session` must have {n_units} units, got {data.sizes['unit']}. Give a Session of "
            "the network that was analysed."
        )
    every = np.arange(data.sizes["trial"])
    steps = _steps(time, step_of(session))
    values = gather(data, onsets(session, align), every, steps)
    kept = {name: c for name, c in session.coords.items() if c.dims == ("trial",)}
    return xr.DataArray(values, {**kept, "time": time}, ("trial", "time", "unit"))


def projected(
    session: xr.Dataset,
    of: str,
    align: str | None,
    like: xr.DataArray,
    axes: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray | float = 1.0,
) -> xr.DataArray:
    """Return single trials along the axes of a fit, (trial, time, axis); NaN where none has data.

    Args:
        session: a Session, whose trials need not be those of the fit.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None.
        like: trajectories of the fit, (condition, time, axis), whose times and axes are taken.
        axes: (axis, unit).
        offset: what is taken off the activity, (unit,) or (time, unit).
        scale: what it is then divided by, (unit,).
    """
    values = single_trials(session, of, align, like["time"].to_numpy(), axes.shape[1])
    along = (values.to_numpy() - offset) / scale @ axes.T
    last = like.dims[-1]
    coords = {name: c for name, c in values.coords.items() if "unit" not in c.dims}
    coords |= {name: c for name, c in like.coords.items() if c.dims == (last,)}
    return xr.DataArray(along, coords, ("trial", "time", last))


def event(align: str | None) -> str:
    """Return time 0 in words."""
    return "the start of the trial" if align is None else f"the start of {align!r}"


def _steps(time: np.ndarray, step: float) -> np.ndarray:
    steps = np.rint(time / step).astype(int)
    if not np.allclose(steps * step, time) or np.any(np.diff(steps) < 1):
        raise ValueError(
            f"`session` must have the time step of the fit, whose times are {time[:3]} ..., "
            f"got a step of {step:g} ms. Run the network with the same dt."
        )
    return steps
