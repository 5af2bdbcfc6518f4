"""The parts of a report that tell of a curriculum: its course, and behaviour between its stages."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurotask import _report_figures as figures
from neurotask._blocks import by_trial
from neurotask._report_behavior import Behavior
from neurotask._report_numbers import DASH, enumerated, percent, whole
from neurotask._report_sections import Picture, Section, Table
from neurotask.analysis import PsychometricFit, psychometric
from neurotask.analysis.psychometrics.plot import draw
from neurotask.curriculum._visits import is_of_target, visits
from neurotask.curriculum.plot import log_size, paint_log

MOST_CURVES = 6  # more could not be told apart
_IN_PERCENT = ("accuracy", "correct")
# How the last event of a log ends the sentence of the caption.
_ENDS = {
    "end": "It ended when the last stage was passed",
    "stop": "It was stopped when a stage had reached its limit",
    "target": "It ended when the target was reached",
}


def course(log: pd.DataFrame | None, names: Sequence[str], number: int) -> Section | None:
    """Return how the curriculum went; None where there was no evaluation.

    Args:
        log: the log of a curriculum, None for a task.
        names: the names of its stages.
        number: number of the figure.
    """
    if log is None or log.empty:
        return None
    last = log.iloc[-1]
    ending = _ENDS.get(str(last["event"]), "It had not ended with the last update")
    caption = (
        "Where the curriculum stood, how the network did when it was tested on fresh trials "
        "(dashed: thresholds), and the loss of training. Vertical lines are the ends of stages. "
        f"{ending}. The evaluations took {whole(int(last['tested']))} trials, of which none was "
        "trained on."
    )
    reached = [names[int(place)] for place in np.unique(log["stage"])]
    alt = (
        f"Course of a curriculum over {whole(int(last['update']))} updates: "
        f"{whole(len(reached))} of {whole(len(names))} stages were trained, {enumerated(reached)}."
    )
    size = log_size(log, names)
    picture = Picture(
        name="curriculum",
        number=number,
        heading="The curriculum.",
        caption=caption,
        alt=alt,
        size=size,
        drawing=figures.drawn(paint_log, size, log, names),
    )
    return Section(title="Curriculum", figures=[picture], table=_stages(log, names))


def boundaries(
    log: pd.DataFrame | None,
    names: Sequence[str],
    sessions: Mapping[int, xr.Dataset] | None,
    number: int,
) -> Section | None:
    """Return the psychometric functions where stages end; None where there are not two.

    Args:
        log: the log of a curriculum, None for a task.
        names: the names of its stages.
        sessions: behaviour by the update at which it was tested, with the `event` that was there.
        number: number of the figure.
    """
    if log is None or not sessions or Behavior(_first(sessions)).axis is None:
        return None
    fits = {update: fit for update, one in sessions.items() if (fit := _fitted(one)) is not None}
    if len(fits) < 2:
        return None
    shown = np.unique(np.linspace(0, len(fits) - 1, min(len(fits), MOST_CURVES)).round()).tolist()
    updates = [list(fits)[int(place)] for place in shown]
    curves = [(_label(at, sessions[at], log, names), fits[at]) for at in updates]
    found, fit = Behavior(by_trial(_first(sessions))), curves[-1][1]
    signed = fit.form == "signed"
    event = f"P({fit.counts.event})"
    caption = (
        f"{event} over {'' if signed else 'the absolute '}{found.axis} at the ends of stages, from "
        f"light (first) to dark (last), each from {whole(fit.n_trials)} fresh trials with all "
        "levels of all stages. Bars: 95\u202f% Wilson intervals; dashed curves are not determined."
    )
    if len(curves) < len(fits):
        caption += f" Of {whole(len(fits))} ends {whole(len(curves))} are drawn."
    size = (5.6, 3.2)
    picture = Picture(
        name="stages",
        number=number,
        heading="Psychometric functions between stages.",
        caption=caption,
        alt=f"{len(curves)} psychometric functions: {enumerated(name for name, _ in curves)}.",
        size=size,
        drawing=figures.drawn(_overlay, size, curves, found.label("")),
    )
    return Section(title="Behaviour between stages", figures=[picture])


def _overlay(figure: Figure, curves: list[tuple[str, PsychometricFit]], xlabel: str) -> None:
    # Light is early; the lightest of the map could not be seen on white.
    colors = map(tuple, mpl.colormaps["viridis"](np.linspace(0.88, 0.0, len(curves))).tolist())
    labelled = [(name, color, fit) for (name, fit), color in zip(curves, colors, strict=True)]
    ax = draw(labelled, figure.subplots(), xlabel, None, 0.95)
    beside: Any = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    ax.legend(title="Updates", frameon=False, fontsize="small", alignment="left", **beside)


def _fitted(session: xr.Dataset) -> PsychometricFit | None:
    try:
        return psychometric(by_trial(session))
    except (TypeError, ValueError):  # an axis without numbers, or with too few levels
        return None


def _first(sessions: Mapping[int, xr.Dataset]) -> xr.Dataset:
    return next(iter(sessions.values()))


def _label(update: int, session: xr.Dataset, log: pd.DataFrame, names: Sequence[str]) -> str:
    """Return at which update, and after which stage, a network was tested."""
    rows, event = log[log["update"] == update], session.attrs["event"]
    if event == "start" or rows.empty:
        return f"{update}: start"
    if event == "target":
        return f"{update}: target reached"
    how = "back from" if event == "back" else "after"
    return f"{update}: {how} {names[int(rows['stage'].iloc[0])]}"


def _stages(log: pd.DataFrame, names: Sequence[str]) -> Table:
    of_target = is_of_target(log, names)
    rows = [_stage(place, name, log, of_target) for place, name in enumerate(names)]
    if of_target.any():
        tested = log[of_target]
        rows.append(["target", DASH, DASH, whole(len(tested)), *_value(tested.iloc[-1])])
    return Table(
        caption="What each stage took, up to the last evaluation.",
        columns=["Stage", "Updates", "Trials", "Evaluations", "Last value", "Threshold"],
        rows=rows,
    )


def _stage(place: int, name: str, log: pd.DataFrame, of_target: pd.Series) -> list[str]:
    updates, trials = 0, 0
    for visit in visits(log):
        if visit.stage == place:
            updates += int(visit.stop - visit.start)
            before = log.loc[log["update"] <= visit.start, "trials"]
            until = log.loc[log["update"] <= visit.stop, "trials"]
            trials += int(until.iloc[-1]) - (int(before.iloc[-1]) if len(before) else 0)
    tested = log[(log["stage"] == place) & ~of_target]
    value = [DASH, DASH] if tested.empty else _value(tested.iloc[-1])
    return [name, whole(updates), whole(trials), whole(len(tested)), *value]


def _value(row: pd.Series) -> list[str]:
    """Return the last value of a metric and its threshold."""

    def shown(value: float) -> str:
        if np.isnan(value):
            return DASH
        return percent(value) if row["metric"] in _IN_PERCENT else f"{value:.3g}"

    return [f"{row['metric']} {shown(row['value'])}", shown(row["threshold"])]
