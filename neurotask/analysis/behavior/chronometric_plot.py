"""Figures of reaction times."""

from typing import TYPE_CHECKING, Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.behavior.timed import axis_label

if TYPE_CHECKING:
    from neurotask.analysis.behavior.chronometric import Chronometric

# Marker, whether it is filled, and line, of each kind of answer.
_STYLES = {"correct": ("o", True, "-"), "error": ("o", False, "--"), "unscored": ("D", True, "")}


def draw(
    result: "Chronometric", ax: Axes | None, label: str | None, color: Any, xlabel: str | None
) -> Axes:
    """Draw reaction time over the stimulus, an answer a line."""
    ax = axes_or_new(ax, (4.2, 3.2))
    color = sns.color_palette("colorblind")[0] if color is None else color
    usual, times = axis_label(result.axis, result.units, result.table["x"].to_numpy())
    for answer, part in result.table.groupby("answer"):
        marker, filled, line = _STYLES[str(answer)]
        x = times * part["x"]
        ax.vlines(x, part["low"], part["high"], color=color, linewidth=1)
        face = color if filled else "white"
        style = {"markerfacecolor": face, "markersize": 5, "zorder": 3}
        named = _named(str(answer), label)
        ax.plot(x, part["rt"], line, marker=marker, color=color, label=named, **style)
    ax.set_xlabel(xlabel or usual)
    ax.set_ylabel(f"{result.statistic} reaction time (ms)")
    if label is None and result.table["answer"].nunique() > 1:
        ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax


def draw_quantile_probability(result: "Chronometric", ax: Axes | None, color: Any) -> Axes:
    """Draw quantiles over the probability of the answer, a quantile a line."""
    ax = axes_or_new(ax, (4.2, 3.2))
    color = sns.color_palette("colorblind")[0] if color is None else color
    # Levels of one probability stand in the order of the stimulus, in every line alike.
    points = result.quantile_probability.sort_values(["probability", "x", "answer"])
    for _, part in points.groupby("quantile"):
        ax.plot(part["probability"], part["rt"], "-", color=color, linewidth=0.8, alpha=0.6)
    for answer, part in points.groupby("answer"):
        face = color if answer == "correct" else "white"
        style = {"markerfacecolor": face, "markersize": 4, "zorder": 3}
        ax.plot(part["probability"], part["rt"], "o", color=color, label=str(answer), **style)
    ax.set_xlabel("P(answer)")
    ax.set_ylabel("quantiles of reaction time (ms)")
    ax.set_xlim(-0.03, 1.06)
    if len(points):
        _name_lines(ax, points)
        ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax


def _name_lines(ax: Axes, points: pd.DataFrame) -> None:
    """Write the quantiles above their lines, at the point where these are farthest apart."""
    cells = points.pivot(index=["probability", "x", "answer"], columns="quantile", values="rt")
    gaps = cells.diff(axis=1).min(axis=1).fillna(0.0)  # of one quantile there is none
    widest = cells.loc[gaps.idxmax()]
    place = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    for quantile, rt in widest.items():
        ax.annotate(f"{quantile:g}", (gaps.idxmax()[0], rt), fontsize="x-small", **place)


def _named(answer: str, label: str | None) -> str:
    if label is None:
        return {"unscored": "no right answer"}.get(answer, answer)
    return label if answer == "correct" else "_"
