"""Points of a figure that tell what the data determine from what was corrected."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes


def points(
    ax: Axes, x: pd.Series, y: pd.Series, status: pd.Series, color: Any, *, named: bool
) -> None:
    """Draw points, hollow where `status` is not "ok".

    Args:
        ax: where to draw.
        x: places, (point,).
        y: values, with the index of `x`; NaN where there is no point.
        status: "ok", or else a word, a colon, and why.
        color: of the points.
        named: whether a legend says what hollow points are, where there are any.
    """
    shown = y.notna()
    for ok, part in y[shown].groupby(status[shown] == "ok"):
        words = "ok" if ok else _words(status[part.index])
        style = {"markerfacecolor": color if ok else "white", "markersize": 5, "zorder": 3}
        ax.plot(x[part.index], part, "o", color=color, label=words if named else "_", **style)
    if named and (status[shown] != "ok").any():
        ax.legend(frameon=False, fontsize="small", loc="upper left")


def _words(status: pd.Series) -> str:
    """The words before the colons, as "corrected or implausible"."""
    parts = (part for one in status for part in one.split("; "))
    return " or ".join(sorted({part.partition(":")[0] for part in parts}))
