"""Figures of tuning: units by their selectivity to two variables, and tuning curves."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.population.mixed_selectivity import CLASSES

if TYPE_CHECKING:
    from neurotask.analysis.population.tuning_result import Tuning

_MARKERS = dict(zip(CLASSES, "o^sXPd", strict=True))
_NAMES = {
    "eta2": "share of variance ({})",
    "index": "selectivity index ({})",
    "roc_area": "ROC area ({})",
    "d_prime": "d' ({})",
}
_CHANCE = {"roc_area": 0.5, "d_prime": 0.0}


def scatter(result: "Tuning", ax: Axes | None, variables: tuple[str, str], measure: str) -> Axes:
    """Draw a point a unit, by its selectivity to two variables."""
    ax = axes_or_new(ax, (4.8, 3.4))
    x, y = (result.table[f"{name}_{measure}"].astype(float) for name in variables)
    palette = dict(zip(CLASSES, sns.color_palette("colorblind", len(CLASSES)), strict=True))
    for kind in result.classes.index:
        here = (result.table["selectivity"] == kind).to_numpy()
        look: Any = {"marker": _MARKERS[kind], "color": palette[kind], "linestyle": "none"}
        ax.plot(x[here], y[here], markersize=5, alpha=0.8, label=kind, **look)
    if measure in _CHANCE:
        for line in (ax.axhline, ax.axvline):
            line(_CHANCE[measure], color="0.7", linewidth=0.8, linestyle=":", zorder=0)
    for label, name in zip((ax.set_xlabel, ax.set_ylabel), variables, strict=True):
        label(_NAMES.get(measure, measure.replace("_", " ") + " ({})").format(_of(result, name)))
    _legend(ax, None)
    bare(ax)
    return ax


def curves(result: "Tuning", ax: Axes | None, units: list[int], variable: str) -> Axes:
    """Draw a line a unit over the levels of a variable."""
    ax = axes_or_new(ax, (4.6, 3.2))
    table = result.curves[result.curves["variable"] == variable]
    levels = result.levels[variable]
    numeric = np.issubdtype(levels.dtype, np.number)
    place = levels.astype(float) if numeric else np.arange(len(levels))
    palette = sns.color_palette("colorblind" if len(units) <= 10 else "viridis", len(units))
    for unit, color in zip(units, palette, strict=True):
        one: pd.DataFrame = table[table["unit"] == unit]
        look: Any = {"marker": "o", "markersize": 4, "linewidth": 1.4, "capsize": 0}
        ax.errorbar(place, one["mean"], one["sem"], color=color, label=f"{unit}", **look)
    if not numeric:
        ax.set_xticks(place, [str(level) for level in levels])
    ax.set_xlabel(variable.replace("_", " "))
    ax.set_ylabel(f"mean {result.of} ({result.where})")
    _legend(ax, "unit")
    bare(ax)
    return ax


def _of(result: "Tuning", name: str) -> str:
    """A variable in words; of two levels, which one is meant by more."""
    levels = result.levels[name]
    return f"{name}: {levels[1]} > {levels[0]}" if len(levels) == 2 else name


def _legend(ax: Axes, title: str | None) -> None:
    beside: Any = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    ax.legend(title=title, frameon=False, fontsize="small", alignment="left", **beside)
