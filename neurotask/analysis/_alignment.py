"""Activity aligned to an event of each trial, and its mean over the trials of each condition.

What a trial has no data for is NaN throughout, and is left out of the mean it would enter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, listed
from neurotask.analysis._levels import joined
from neurotask.analysis._sessions import DIMS, check_activity, check_time, misnamed, of_trials

NEVER = -(2**31)  # the step at which an event happens that a trial does not have


@dataclass(frozen=True, eq=False)
class Averages:
    """Activity averaged over the trials of each condition.

    Args:
        values: mean activity, (condition, time, unit), without NaN; time in ms from the event.
        n_trials: trials of each condition.
    """

    values: xr.DataArray
    n_trials: pd.Series


def activity(session: Any, of: str) -> xr.DataArray:
    """Return the variable `of` of a Session as (trial, time, unit)."""
    if not isinstance(session, xr.Dataset):
        raise TypeError(
            f"`session` must be a Session (an xarray.Dataset), got {type(session).__name__}. "
            "Give what model.run(trials) returned."
        )
    if "network" in session.dims:
        raise ValueError(
            "`session` must hold one network, got a dimension 'network'. "
            "The network is the unit: analyse session.isel(network=0), and each other one."
        )
    names = [str(n) for n, v in session.data_vars.items() if set(v.dims) == set(DIMS)]
    if not names:
        raise ValueError(misnamed(session))
    data = session[choose("of", of, names)].transpose(*DIMS)
    check_activity(data)
    check_time(session)
    return data


def average(
    session: xr.Dataset, of: str, align: str | None, condition: tuple[str, ...], which: np.ndarray
) -> Averages:
    """Average over the trials of each condition, at the times that every condition has data for.

    It has data for a time if at least half of its trials do: else a single trial, with all its
    noise, would stand for a condition at the ends.

    Args:
        session: the Session.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None.
        condition: coordinates of `trial` whose combinations are the conditions.
        which: whether a trial is used, (trial,).
    """
    data = activity(session, of)
    onset, step = onsets(session, align), step_of(session)
    rows = _conditions(session, condition)[which & (onset > NEVER)]
    if rows.empty:
        raise ValueError("`session` must hold a trial that counts, got none. Run more trials.")
    members = {key: part.index.to_numpy() for key, part in rows.groupby(list(condition))}
    used = onset[rows.index]
    steps = np.arange(-used.max(), data.sizes["time"] - used.min())
    means = np.stack([_mean(gather(data, onset, m, steps)) for m in members.values()])
    common = ~np.isnan(means).any(axis=(0, 2))
    if not common.any():
        raise ValueError(
            f"`align` must leave a time that every condition has data for, got {align!r}, which "
            f"leaves none to the conditions {listed(map(str, members))}. Align to another phase."
        )
    keys = pd.DataFrame(list(members), columns=list(condition))
    coords = {"time": steps[common] * step, "unit": data["unit"], **_labels(keys, condition)}
    dims = ("condition", "time", "unit")
    values = xr.DataArray(means[:, common], coords, dims, name=of)
    counts = pd.Series([len(m) for m in members.values()], values["condition"].to_index())
    return Averages(values, counts.rename("n_trials"))


def onsets(session: xr.Dataset, align: str | None) -> np.ndarray:
    """Return the step at which the phase starts, (trial,); `NEVER` where a trial does not have it.

    It is below 0 where the Session begins behind the start of the phase (or of the trial, where
    `align` is None), as one of which some times were taken.
    """
    if align is None:
        start = np.zeros(session.sizes["trial"])
    else:
        start = phase_edge(session, "align", align, "phase_start")
    step = (start - float(session["time"][0])) / step_of(session)
    return np.where(np.isnan(step), NEVER, np.rint(step)).astype(int)


def phase_edge(session: xr.Dataset, argument: str, phase: str, edge: str) -> np.ndarray:
    """Return "phase_start" or "phase_stop" of a phase in ms, (trial,); NaN where it is not.

    Args:
        session: the Session.
        argument: the argument that names the phase, for the error message.
        phase: its name.
        edge: the coordinate.
    """
    if "phase" not in session.coords or edge not in session.coords:
        raise ValueError(
            f"`{argument}` must be left out where the Session has no phases, got {phase!r}. Leave "
            "it out, or give the Session the coordinates `phase` (names), and `phase_start` and "
            "`phase_stop` over (trial, phase), in ms from the start of the trial."
        )
    names = session["phase"].to_numpy().tolist()
    place = names.index(choose(argument, phase, names))
    return session[edge].transpose("trial", "phase").to_numpy()[:, place]


def step_of(session: xr.Dataset) -> float:
    """Return how far apart the steps of a Session are, ms.

    That is its attribute "dt", unless some of its steps were taken, as every fifth.
    """
    check_time(session)
    known = float(session.attrs["dt"]) if "dt" in session.attrs else None
    time = session["time"].to_numpy().astype(float)
    if len(time) < 2:
        if known is None:
            raise ValueError(
                '`session` must have the attribute "dt", the time step in ms, where it has a '
                "single step, got none. Add session.assign_attrs(dt=...)."
            )
        return known
    apart = (time[-1] - time[0]) / (len(time) - 1)
    if not np.allclose(np.diff(time), apart, rtol=1e-3):
        raise ValueError(
            f"`session` must have times equally far apart, got {time[:3]} ... Take every n-th "
            "step, as session.isel(time=slice(None, None, n))."
        )
    return known if known is not None and np.isclose(known, apart, rtol=1e-3) else float(apart)


def gather(data: xr.DataArray, onset: np.ndarray, trials: np.ndarray, steps: np.ndarray) -> Any:
    """Return the activity of `trials` at `steps` from their onsets, (trial, step, unit).

    NaN where a step lies outside the trial.
    """
    place = onset[trials, None] + steps
    inside = (place >= 0) & (place < data.sizes["time"])
    values = data.to_numpy()[trials[:, None], np.where(inside, place, 0)].astype(float)
    values[~inside] = np.nan
    return values


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over trials of (trial, step, unit), each step over the trials that have it.

    NaN where fewer than half of the trials do.
    """
    there = ~np.isnan(values).any(axis=2, keepdims=True)
    n = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.where(2 * n >= len(values), total / np.maximum(n, 1), np.nan)


def _conditions(session: xr.Dataset, condition: tuple[str, ...]) -> pd.DataFrame:
    names = [str(name) for name, c in session.coords.items() if c.dims == ("trial",)]
    columns = {of_trials("condition", n, names): joined(session[n].to_numpy()) for n in condition}
    return pd.DataFrame(columns)


def _labels(keys: pd.DataFrame, condition: tuple[str, ...]) -> dict[str, Any]:
    """The coordinate `condition`: the levels of one name, or "a, b" and each name's levels."""
    if len(condition) == 1:
        return {"condition": keys[condition[0]].to_numpy()}
    together = [", ".join(map(str, row)) for row in keys.itertuples(index=False)]
    return {"condition": together} | {n: ("condition", keys[n].to_numpy()) for n in condition}
