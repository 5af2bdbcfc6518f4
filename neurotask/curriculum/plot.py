"""The figure of a curriculum: where it stood, how the network did, and what it cost."""

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from neurotask.curriculum._visits import Visit, is_of_target, own_rows, spans, visits

_PALETTE = sns.color_palette("colorblind")
STAGE, TARGET, LIMIT = _PALETTE[0], _PALETTE[1], _PALETTE[3]
_LINE = {"color": "0.75", "linewidth": 0.8, "zorder": 0}
# What each event is called in the figure, and how its line differs from that of an advance.
_EVENTS: dict[str, tuple[str, Any]] = {
    "advance": ("", {}),
    "back": ("back", {"color": LIMIT, "linestyle": (0, (4, 2))}),
    "stop": ("stopped", {"color": LIMIT, "linewidth": 1.2}),
    "end": ("all stages passed", {"color": "0.3"}),
    "target": ("target reached", {"color": TARGET, "linewidth": 1.2}),
}
# Metrics with a unit, or in per cent: the label, and what values are multiplied by.
_LABELS = {
    "accuracy": ("Correct (%)", 100.0),
    "correct": ("Correct (%)", 100.0),
    "loss": ("Loss when tested", 1.0),
    "rt": ("Reaction time (ms)", 1.0),
    "error": ("Mean error", 1.0),
}
NAMED_STAGES = 10  # more are numbered, and names longer than this are cut
_LONGEST_NAME = 28


def draw_log(log: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw how a training on a curriculum went, in panels over updates.

    From top to bottom: the stage, the level of a staircase and the lesson that was chosen, each
    where there is one; each metric with its thresholds; the loss of training. A vertical line is
    the end of a stage.

    Args:
        log: the log; `neurotask.curriculum.log` says what its columns are.
        names: the names of the stages.

    Returns:
        The figure. A log without a row gives one that says so.

    Example:
        >>> from neurotask.curriculum.log import as_table
        >>> len(draw_log(as_table([]), ("easy", "hard")).axes)
        1
        >>> plt.close()
    """
    figure = plt.figure(figsize=log_size(log, names), layout="constrained")
    paint_log(figure, log, names)
    return figure


def log_size(log: pd.DataFrame, names: Sequence[str]) -> tuple[float, float]:
    """Return width and height of the figure, inches."""
    return 7.0, 0.9 + sum(height for *_, height in _panels(log, names))


def paint_log(figure: Figure, log: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw a log on an empty figure that lays itself out; see `draw_log`."""
    if log.empty:
        axis = figure.subplots()
        axis.set_axis_off()
        centred: Any = {"ha": "center", "va": "center", "transform": axis.transAxes}
        axis.text(0.5, 0.5, "No evaluation yet", color="0.4", **centred)
        return
    panels = list(_panels(log, names))
    heights = [height for *_, height in panels]
    axes = figure.subplots(len(panels), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    seen = visits(log)
    for axis, (draw, rows, _) in zip(axes, panels, strict=True):
        _draw_events(axis, log)
        draw(axis, rows, names, seen)
        sns.despine(ax=axis)
    # Names of stages are longer than numbers: their labels stand further to the left.
    figure.align_ylabels(
        [axis for axis, panel in zip(axes, panels, strict=True) if panel[0] in _NUMBERS]
    )
    _name_events(axes[0], log)
    axes[-1].set(xlabel="Updates", xlim=(seen[0].start, log["update"].max()))
    axes[-1].xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))


def _panels(log: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[Any, pd.DataFrame, float]]:
    """Yield the function that draws a panel, its rows of the log, and its height in inches."""
    own = own_rows(log, names)
    if len(names) > 1 or log.empty:
        yield _draw_stages, log, 0.35 + 0.2 * min(len(names), NAMED_STAGES)
    if own["level"].notna().any():
        yield _draw_levels, own, 1.3
    if (own["lesson"] != "").any():
        yield _draw_lessons, own, 0.35 + 0.2 * own["lesson"].replace("", np.nan).nunique()
    for _, rows in log.groupby("metric", sort=False):
        yield _draw_metric, rows, 1.7
    yield _draw_loss, log.drop_duplicates("update"), 1.3


# --- panels ------------------------------------------------------------------------------------


def _draw_stages(
    axis: Axes, log: pd.DataFrame, names: Sequence[str], seen: Sequence[Visit]
) -> None:
    edges = [seen[0].start, *(visit.stop for visit in seen)]
    axis.stairs([visit.stage for visit in seen], edges, baseline=None, color=STAGE, linewidth=2)
    axis.set(ylabel="Stage", ylim=(-0.5, len(names) - 0.5))
    if len(names) > NAMED_STAGES:
        axis.set_ylim(0.5 - 1, len(names) - 0.5)
        axis.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place + 1:g}"))
    else:
        axis.set_yticks(range(len(names)), [_cut(name) for name in names], fontsize="small")


def _draw_levels(
    axis: Axes, own: pd.DataFrame, names: Sequence[str], seen: Sequence[Visit]
) -> None:
    for visit in seen:
        rows = own[own["update"].between(visit.start, visit.stop, inclusive="right")]
        rows = rows[(rows["stage"] == visit.stage) & rows["level"].notna()]
        if not rows.empty:
            edges = [spans(own, visit)[rows.index[0]][0], *rows["update"]]
            axis.stairs(rows["level"], edges, baseline=None, color=STAGE, linewidth=1.5)
    axis.set_ylabel("Level")
    levels = own["level"].dropna()
    if levels.min() > 0 and levels.max() > 10 * levels.min():
        _use_log(axis, [1.0, 2.0, 5.0])
    else:
        axis.margins(y=0.1)


def _draw_lessons(
    axis: Axes, own: pd.DataFrame, names: Sequence[str], seen: Sequence[Visit]
) -> None:
    lessons = list(dict.fromkeys(own.loc[own["lesson"] != "", "lesson"]))
    for visit in seen:
        for index, (start, stop) in spans(own, visit).items():
            lesson = own.loc[index, "lesson"]
            if lesson:
                place = lessons.index(lesson)
                axis.broken_barh([(start, stop - start)], (place - 0.4, 0.8), facecolor=STAGE)
    axis.set_yticks(range(len(lessons)), [_cut(name) for name in lessons], fontsize="small")
    axis.set(ylabel="Lesson", ylim=(len(lessons) - 0.5, -0.5))


def _draw_metric(
    axis: Axes, rows: pd.DataFrame, names: Sequence[str], seen: Sequence[Visit]
) -> None:
    metric = str(rows["metric"].iloc[0])
    label, times = _LABELS.get(metric, (metric.replace("_", " ").capitalize(), 1.0))
    of_target = is_of_target(rows, names)
    size = float(np.clip(60 / np.sqrt(len(rows)), 2.0, 5.0))
    for visit in seen:
        inside = (rows["stage"] == visit.stage) & rows["update"].between(
            visit.start, visit.stop, inclusive="right"
        )
        own = rows[inside & ~of_target]
        _draw_values(axis, own, STAGE, "o", size, times)
        last = own["update"].max()  # a stage that was passed is not tested any more
        _draw_threshold(axis, own, (visit.start, last), STAGE, times)
    target = rows[of_target]
    _draw_values(axis, target, TARGET, "s", size, times)
    _draw_threshold(axis, target, (seen[0].start, seen[-1].stop), TARGET, times)
    axis.set_ylabel(label)
    shown = times * rows[["value", "threshold"]].to_numpy()
    if metric == "loss" and np.nanmin(shown) > 0:
        _use_log(axis, [1.0, 2.0, 5.0])
    elif times == 100:
        axis.set_ylim(min(40.0, np.nanmin(shown)) - 3.0, 103.0)
    _explain(axis, rows, of_target)


def _draw_values(
    axis: Axes, rows: pd.DataFrame, color: Any, marker: str, size: float, times: float
) -> None:
    """Draw evaluations joined by a thin line, filled where they are passed."""
    axis.plot(rows["update"], times * rows["value"], "-", color=color, linewidth=0.7, alpha=0.6)
    for passed, part in rows.groupby("passed"):
        face = color if passed else "white"
        style: dict[str, Any] = {"markeredgecolor": color, "markerfacecolor": face, "zorder": 3}
        x, y = part["update"], times * part["value"]
        axis.plot(x, y, marker, markersize=size, clip_on=False, markeredgewidth=0.8, **style)


def _draw_threshold(
    axis: Axes, rows: pd.DataFrame, span: tuple[float, float], color: Any, times: float
) -> None:
    for threshold in rows["threshold"].dropna().unique():
        axis.hlines(times * threshold, *span, color=color, linewidth=1.2, linestyle=(0, (4, 2)))


def _draw_loss(axis: Axes, rows: pd.DataFrame, names: Sequence[str], seen: Sequence[Visit]) -> None:
    mark = {"marker": "o" if len(rows) < 20 else "", "markersize": 3.5}
    axis.plot(rows["update"], rows["loss"], color="0.3", linewidth=1.5, clip_on=False, **mark)
    axis.set_ylabel("Training loss")
    if (rows["loss"] > 0).all():
        _use_log(axis, [1.0, 2.0, 5.0])


_NUMBERS = (_draw_levels, _draw_metric, _draw_loss)


# --- events and words --------------------------------------------------------------------------


def _draw_events(axis: Axes, log: pd.DataFrame) -> None:
    for row in log[log["event"] != ""].itertuples():
        axis.axvline(row.update, **(_LINE | _EVENTS[row.event][1]))


def _name_events(axis: Axes, log: pd.DataFrame) -> None:
    """Write above the axes what events are, unless one is named close by, and mark each "back"."""
    events, width = log[log["event"] != ""], log["update"].max() - log["update"].min()
    at_top: Any = {"transform": axis.get_xaxis_transform(), "clip_on": False}
    named = np.inf
    for row in events.iloc[::-1].itertuples():  # how it ended matters most
        name, style = _EVENTS[row.event]
        color = style.get("color", "0.3")
        if row.event == "back":
            axis.plot(row.update, 1.03, "<", color=color, markersize=4, **at_top)
        if name and named - row.update > 0.15 * width:
            place = {"ha": "right" if row.event != "back" else "center", "va": "bottom"}
            axis.text(row.update, 1.08, name, color=color, fontsize="small", **place, **at_top)
            named = row.update


def _explain(axis: Axes, rows: pd.DataFrame, of_target: pd.Series) -> None:
    """Put a legend of the marks that occur at the right of the axes."""
    blank: dict[str, Any] = {"color": STAGE, "linestyle": "", "marker": "o", "markersize": 4}
    kinds = {
        "passed": (rows["passed"].any(), blank),
        "not passed": (not rows["passed"].all(), blank | {"markerfacecolor": "white"}),
        "target": (of_target.any(), blank | {"color": TARGET, "marker": "s"}),
        "threshold": (
            rows["threshold"].notna().any(),
            {"color": STAGE, "linestyle": (0, (4, 2)), "linewidth": 1.2},
        ),
    }
    handles = [
        axis.plot([], [], label=name, **style)[0] for name, (has, style) in kinds.items() if has
    ]
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axis.legend(handles=handles, frameon=False, fontsize="small", **place)


def _use_log(axis: Axes, marks: list[float]) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=marks, numticks=6))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"
