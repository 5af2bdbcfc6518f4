"""Activity aligned to an event of each trial, and its mean over the trials of each condition.

What a trial has no data for is NaN throughout, and is left out of the mean it would enter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, listed


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
    wanted = {"trial", "time", "unit"}
    names = [str(name) for name, values in session.data_vars.items() if set(values.dims) == wanted]
    return session[choose("of", of, names)].transpose("trial", "time", "unit")


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
    rows = _conditions(session, condition)[which & (onset >= 0)]
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
    """Return the step at which the phase starts, (trial,); -1 where a trial does not have it."""
    if align is None:
        return np.zeros(session.sizes["trial"], int)
    phases = session["phase"].to_numpy().tolist() if "phase" in session.coords else []
    choose("align", align, phases)
    start = session["phase_start"].transpose("trial", "phase").to_numpy()[:, phases.index(align)]
    step = (start - float(session["time"][0])) / step_of(session)
    return np.where(np.isnan(step), -1, np.rint(step)).astype(int)


def step_of(session: xr.Dataset) -> float:
    """Return the duration of a time step in ms."""
    if "dt" in session.attrs:
        return float(session.attrs["dt"])
    time = session["time"].to_numpy()
    if len(time) < 2:
        raise ValueError(
            '`session` must have the attribute "dt", the time step in ms, where it has a single '
            "step, got none. Add session.assign_attrs(dt=...)."
        )
    return float(time[1] - time[0])


def gather(data: xr.DataArray, onset: np.ndarray, trials: np.ndarray, steps: np.ndarray) -> Any:
    """Return the activity of `trials` at `steps` from their onsets, (trial, step, unit).

    NaN where a step lies outside the trial.
    """
    place = onset[trials, None] + steps
    inside = (place >= 0) & (place < data.sizes["time"]) & (onset[trials, None] >= 0)
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
    columns = {choose("condition", n, names): session[n].to_numpy() for n in condition}
    return pd.DataFrame(columns)


def _labels(keys: pd.DataFrame, condition: tuple[str, ...]) -> dict[str, Any]:
    """The coordinate `condition`: the levels of one name, or "a, b" and each name's levels."""
    if len(condition) == 1:
        return {"condition": keys[condition[0]].to_numpy()}
    joined = [", ".join(map(str, row)) for row in keys.itertuples(index=False)]
    return {"condition": joined} | {n: ("condition", keys[n].to_numpy()) for n in condition}
