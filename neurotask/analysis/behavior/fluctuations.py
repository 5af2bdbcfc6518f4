"""Fluctuations of an input about the mean of its condition, aligned to stimulus or response."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose
from neurotask.analysis._alignment import NEVER, gather, onsets, step_of
from neurotask.analysis._rows import positive_choice, require, rows_of, unanswered
from neurotask.analysis.behavior.timed import reaction_times

_ROUNDING = 1e-6  # of float32, in which inputs are kept


@dataclass(frozen=True, eq=False, kw_only=True)
class Fluctuations:
    """What the input of each trial was beyond that of its condition.

    Args:
        values: (trial, time); NaN where the trial has no data.
        time: ms from the event, (time,).
        positive: whether the choice was the positive one, (trial,).
        condition: number of the condition, (trial,).
        choice: the positive choice.
        channel: what the values are of, in words.
        n_no_response: trials left out because no valid choice was made.
        n_alone: trials left out because no other has their condition.
    """

    values: np.ndarray
    time: np.ndarray
    positive: np.ndarray
    condition: np.ndarray
    choice: Any
    channel: str
    n_no_response: int
    n_alone: int


def fluctuations(
    session: Any,
    channel: str,
    minus: str | None,
    condition: tuple[str, ...] | None,
    align: str,
    to: str,
    choice: Any,
) -> Fluctuations:
    """Read a Session; see `psychophysical_kernel` for the arguments."""
    session = _checked(session)
    table = rows_of(session.drop_dims("time"), ())
    require(table, "choice")
    choose("to", to, ("stimulus", "response"))
    signal, words = _signal(session, channel, minus)
    silent = unanswered(table).to_numpy()
    onset, step = onsets(session, align), step_of(session)
    seen = _seen(session, table, align, step)
    if to == "response":
        since = _response(session, table) - _start(session, align)
        silent = silent | np.isnan(since)
        shift = np.rint(np.nan_to_num(since) / step).astype(int)
        onset = np.where(onset > NEVER, onset + shift, NEVER)
    group = _groups(table, condition)
    trials = np.flatnonzero(~silent & (onset > NEVER))
    alone = np.bincount(group[trials], minlength=group.max() + 1)[group[trials]] < 2
    if alone.all():
        raise ValueError(
            f"`condition` must have two answered trials or more somewhere, got {len(trials)} "
            "answered trials and no such condition. Run more trials, or name fewer conditions."
        )
    n_alone, trials = int(alone.sum()), trials[~alone]
    signal = signal.where(xr.DataArray(seen, dims=("trial", "time")))
    used = onset[trials]
    steps = np.arange(-used.max(), signal.sizes["time"] - used.min())
    values = gather(signal.expand_dims("unit", axis=2), onset, trials, steps)[..., 0]
    number = np.unique(group[trials], return_inverse=True)[1]
    most = np.nanmax(np.abs(values), initial=0.0)
    values = _off_mean(values, number)
    some = ~np.isnan(values).all(0)
    if not some.any():
        raise ValueError(f"`channel` must hold data in phase {align!r}, got none of {channel!r}.")
    if np.nanmax(np.abs(values)) <= _ROUNDING * most:
        raise ValueError(
            f"`channel` must vary among the trials of a condition in phase {align!r}, got {words!r}"
            ", which is the same in all. Name an input with noise, or other conditions."
        )
    positive = positive_choice(table, choice)
    return Fluctuations(
        values=values[:, some],
        time=steps[some] * step,
        positive=(table["choice"] == positive).to_numpy()[trials],
        condition=number,
        choice=positive,
        channel=words,
        n_no_response=int(silent.sum()),
        n_alone=n_alone,
    )


def _checked(session: Any) -> xr.Dataset:
    if not isinstance(session, xr.Dataset) or "inputs" not in session:
        raise TypeError(
            f"`session` must be a Session with the variable 'inputs', got "
            f"{type(session).__name__}. Give what model.run(trials) returned."
        )
    return by_trial(session)


def _signal(session: xr.Dataset, channel: str, minus: str | None) -> tuple[xr.DataArray, str]:
    inputs = session["inputs"].transpose("trial", "time", "input").astype(float)
    names = [str(name) for name in inputs["input"].to_numpy()]
    first = inputs[..., names.index(choose("channel", channel, names))]
    if minus is None:
        return first, channel
    second = inputs[..., names.index(choose("minus", minus, names))]
    return first - second, f"{channel} - {minus}"


def _seen(session: xr.Dataset, table: pd.DataFrame, align: str, step: float) -> np.ndarray:
    """Whether a step lies in the phase, and before the response if there is a time of one."""
    place = session["phase"].to_numpy().tolist().index(align)
    edges = (session[name].transpose("trial", "phase") for name in ("phase_start", "phase_stop"))
    start, stop = (edge.to_numpy()[:, place].astype(float) for edge in edges)
    time = session["time"].to_numpy().astype(float)
    if "rt" in table and table["rt"].notna().any():
        # The step of the response is still seen.
        stop = np.fmin(stop, _response(session, table) + step / 2)
    return (time >= start[:, None] - step / 4) & (time < stop[:, None] - step / 4)


def _response(session: xr.Dataset, table: pd.DataFrame) -> np.ndarray:
    """When the response came, ms, (trial,); NaN where there is none.

    Reaction times count from the start of the phase that the Session's attribute `rt_from` names,
    of the stimulus where there is none.
    """
    event = choose("rt_from", session.attrs.get("rt_from", "stimulus"), _phases(session))
    return _start(session, event) + reaction_times(table).to_numpy()


def _start(session: xr.Dataset, phase: str) -> np.ndarray:
    """When a phase starts in each trial, ms, (trial,)."""
    start = session["phase_start"].transpose("trial", "phase").to_numpy()
    return start[:, _phases(session).index(phase)].astype(float)


def _phases(session: xr.Dataset) -> list[str]:
    return session["phase"].to_numpy().tolist()


def _groups(table: pd.DataFrame, condition: tuple[str, ...] | None) -> np.ndarray:
    if condition is None:
        axis = table.attrs.get("psychometric_axis")
        condition = () if axis is None or axis not in table else (axis,)
    for name in condition:
        choose("condition", name, map(str, table.columns))
    if not condition:
        return np.zeros(len(table), int)
    return table.groupby(list(condition), dropna=False).ngroup().to_numpy()


def _off_mean(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Values less the mean of their condition at their time, over the trials that have data."""
    there = ~np.isnan(values)
    member = (group == np.arange(group.max() + 1)[:, None]).astype(float)
    n = member @ there
    mean = member @ np.where(there, values, 0.0) / np.maximum(n, 1)
    # A trial that is alone at a time is its own mean there, and says nothing.
    return np.where(n[group] > 1, values - mean[group], np.nan)
