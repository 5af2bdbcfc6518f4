"""Activity of single trials in a phase or in bins of time, and what trials and units are.

A step without data is NaN and left out of the mean it would enter. A mean stands for a phase or a
bin if at least half of its steps have data, and is NaN otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import listed, number
from neurotask.analysis._alignment import NEVER, activity, gather, onsets, phase_edge, step_of
from neurotask.analysis._arguments import ends
from neurotask.analysis._levels import joined
from neurotask.analysis._rows import NO_CHOICE, choices_of
from neurotask.analysis._sessions import of_trials
from neurotask.analysis.population.conditions import counting, event

Phase = str | tuple[float, float] | None
Window = tuple[float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Samples:
    """What a decoder or a statistic sees: trials x times x units, and the labels of each.

    Args:
        values: activity, (trial, time, unit), NaN where a trial has no data.
        time: mean time of the steps of each bin, ms from the event, (time,).
        trials: the coordinates of the trials that are used, one row a trial; the index is the place
            of the trial in the Session.
        units: `unit`, and `cell_type` and `area` where they are known, one row a unit.
        where: the phase or the event and the bins, in words.
        precision: the type that the activity was kept in.
        go: whether there is one choice, to make or not: to make none is then an answer.
    """

    values: np.ndarray
    time: np.ndarray
    trials: pd.DataFrame
    units: pd.DataFrame
    where: str
    precision: np.dtype
    go: bool

    def column(self, argument: str, name: str) -> pd.Series:
        """Return a coordinate of the trials."""
        return self.trials[of_trials(argument, name, map(str, self.trials.columns))]

    def variable(self, argument: str, name: str) -> pd.Series:
        """Return a coordinate of the trials, missing where no choice was made of several."""
        column = self.column(argument, name)
        if name != "choice" or self.go:
            return column
        return column.astype(object).where(column != NO_CHOICE).infer_objects()


def in_phase(session: Any, *, of: str, phase: Phase, trials: str = "all") -> Samples:
    """Return the mean activity of each trial in a phase, (trial, 1, unit).

    Args:
        session: a Session; blocks are cut into their trials.
        of: the variable.
        phase: a phase of the task, (start, stop) in ms from the start of the trial, or None for the
            whole trial. Trials that do not have the phase, or have no data there, are left out.
        trials: "all" or "correct".
    """
    session = by_trial(session)
    data = activity(session, of)
    values, inside = data.to_numpy().astype(float), steps_of(session, phase)
    if phase is None:  # what is behind the end of a trial is none of it
        inside = np.logical_not(np.isnan(values).all(axis=2))
    means = _mean(values, inside[:, :, None])
    used = np.logical_and(counting(session, trials), ~np.isnan(means).any(axis=1))
    if not used.any():
        raise ValueError(
            f"`phase` must hold data of a trial that counts, got {phase!r}. Take another phase, or "
            'trials="all".'
        )
    start = session["time"].to_numpy()[inside[used].any(axis=0)].mean()
    return Samples(
        values=means[used, None],
        time=np.array([start]),
        trials=trials_of(session)[used],
        units=units_of(session),
        where=_words(phase),
        precision=data.dtype,
        go=len(choices_of(session)) == 1,
    )


def in_bins(
    session: Any,
    *,
    of: str,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> Samples:
    """Return the activity of each trial in bins of time from an event, (trial, time, unit).

    Bins begin at whole multiples of `bin` from the event, so that none straddles it. Kept are the
    bins that at least half of the trials have data for.

    Args:
        session: a Session; blocks are cut into their trials.
        of: the variable.
        align: phase whose start is time 0; the start of the trial if None. Trials without it are
            left out.
        window: (start, stop) in ms from the event; all times unless given.
        bin: width in ms, a whole multiple of the time step; the time step unless given.
        trials: "all" or "correct".
    """
    session = by_trial(session)
    data, onset, step = activity(session, of), onsets(session, align), step_of(session)
    width = bin_steps(bin, step)
    used = np.flatnonzero(counting(session, trials) & (onset > NEVER))
    if not len(used):
        raise ValueError("`session` must hold a trial that counts, got none. Run more trials.")
    first = np.floor_divide(-onset[used].max(), width)
    last = -np.floor_divide(onset[used].min() - data.sizes["time"], width)
    steps = np.arange(first * width, last * width)
    if window is not None:
        steps = _within(steps, window, step, width)
    values = gather(data, onset, used, steps)
    shape = (len(used), -1, width, data.sizes["unit"])
    values = np.moveaxis(values.reshape(shape), 2, 1)
    means = _mean(values, np.ones((1, width, 1, 1), bool))
    kept = 2 * (~np.isnan(means).any(axis=2)).sum(axis=0) >= len(used)
    if not kept.any():
        longest = np.sum(~np.isnan(data.to_numpy()).all(axis=2), axis=1).max() * step
        if bin is not None and bin > longest:
            raise ValueError(
                f"`bin` must be no longer than a trial, {longest:g} ms at most, got {bin:g}. Take "
                "narrower bins, or one mean a trial: phase=(start, stop)."
            )
        raise ValueError(
            f"`window` must hold a time that half of the trials have data for, got {window}. "
            "Leave it out, or align to another phase."
        )
    return Samples(
        values=means[:, kept],
        time=(steps.reshape(-1, width).mean(axis=1) * step)[kept],
        trials=trials_of(session).iloc[used],
        units=units_of(session),
        where=f"bins of {width * step:g} ms from {event(align)}",
        precision=data.dtype,
        go=len(choices_of(session)) == 1,
    )


def samples(
    session: Any,
    *,
    of: str,
    phase: Phase = None,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> Samples:
    """Return the mean in `phase` if one is given, else bins of time; see both."""
    if phase is None:
        return in_bins(session, of=of, align=align, window=window, bin=bin, trials=trials)
    if not (align is None and window is None and bin is None):
        raise ValueError(
            f"`phase` must stand alone, got {phase!r} beside `align`, `window` or `bin`. Give a "
            "phase for one mean a trial, or the others for bins of time."
        )
    return in_phase(session, of=of, phase=phase, trials=trials)


def steps_of(session: xr.Dataset, phase: Phase) -> np.ndarray:
    """Return which steps of each trial lie in a phase, (trial, time)."""
    time = session["time"].to_numpy()
    if phase is None:
        return np.ones((session.sizes["trial"], len(time)), bool)
    if isinstance(phase, str):
        start, stop = (
            phase_edge(session, "phase", phase, edge)[:, None]
            for edge in ("phase_start", "phase_stop")
        )
    else:
        start, stop = ends("phase", phase)
    early = step_of(session) / 1000  # times are sums of steps: not exact
    return np.broadcast_to(
        (time >= start - early) & (time < stop - early), (session.sizes["trial"], len(time))
    )


def bin_steps(bin: float | None, step: float) -> int:
    """Return the number of time steps of a bin of `bin` ms."""
    if bin is None:
        return 1
    width = round(number("bin", bin, low=0, above=True) / step)
    if width < 1 or not np.isclose(width * step, bin):
        raise ValueError(
            f"`bin` must be a whole multiple of the time step, {step:g} ms, got {bin:g}. The "
            f"nearest is {max(width, 1) * step:g}."
        )
    return width


def trials_of(session: xr.Dataset) -> pd.DataFrame:
    """Return the coordinates of `trial`, one row a trial."""
    columns = {
        str(name): c.to_numpy() for name, c in session.coords.items() if c.dims == ("trial",)
    }
    index = pd.RangeIndex(session.sizes["trial"])
    return pd.DataFrame(columns, index=index)


def units_of(session: xr.Dataset) -> pd.DataFrame:
    """Return what is known of each unit, one row a unit."""
    columns: dict[str, Any] = {"unit": np.arange(session.sizes["unit"])}
    for name, c in session.coords.items():
        if c.dims == ("unit",):
            columns[str(name)] = c.to_numpy()
    return pd.DataFrame(columns)


def conditions_of(found: Samples, names: tuple[str, ...]) -> tuple[list[Any], np.ndarray]:
    """Return the labels of the conditions, sorted, and the place of each trial's, (trial,).

    The label is the level of one name, or "a, b" of several, as of condition averages.
    """
    columns = [found.column("condition", name) for name in names]
    lost = pd.concat(columns, axis=1).isna().any(axis=1)
    if lost.any():
        raise ValueError(
            f"`condition` must have a value in each trial, got {int(lost.sum())} without one. "
            "Leave these trials out first."
        )
    codes = [np.unique(joined(column.to_numpy()), return_inverse=True) for column in columns]
    cells, place = np.unique(np.stack([c for _, c in codes], axis=1), axis=0, return_inverse=True)
    keys = [[levels[i] for (levels, _), i in zip(codes, cell, strict=True)] for cell in cells]
    if len(names) == 1:
        return [key[0] for key in keys], place.ravel()
    return [", ".join(map(str, key)) for key in keys], place.ravel()


def levels_of(argument: str, name: str, values: pd.Series) -> np.ndarray:
    """Return the levels of a coordinate in sorted order, without missing ones."""
    levels = np.unique(values[values.notna()].to_numpy())
    if len(levels) < 2:
        raise ValueError(
            f"`{argument}` must take two levels or more, got {name!r}, which takes "
            f"{listed(map(str, levels))}. Take another."
        )
    return levels


def _mean(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean over axis 1 of what is inside, NaN where fewer than half of its steps have data."""
    wanted = np.broadcast_to(inside, values.shape).sum(axis=1)
    there = inside & ~np.isnan(values)
    n = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where((2 * n >= wanted) & (n > 0), total / np.maximum(n, 1), np.nan)


def _within(steps: np.ndarray, window: Any, step: float, width: int) -> np.ndarray:
    """The steps of the whole bins inside the window."""
    start, stop = ends("window", window)
    bins = steps.reshape(-1, width)
    slack = step / 1000
    whole = (bins[:, 0] * step >= start - slack) & ((bins[:, -1] + 1) * step <= stop + slack)
    if not whole.any():
        raise ValueError(
            f"`window` must hold a whole bin of {width * step:g} ms with data, got {window}; data "
            f"are from {steps[0] * step:g} to {(steps[-1] + 1) * step:g} ms. Widen it."
        )
    return bins[whole].ravel()


def _words(phase: Phase) -> str:
    if phase is None:
        return "the whole trial"
    return f"phase {phase!r}" if isinstance(phase, str) else f"{phase[0]:g} to {phase[1]:g} ms"
