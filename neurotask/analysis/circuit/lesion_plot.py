"""The figure of lesions: effects of targets, or dose-response curves."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.circuit.lesions import Lesions

_NAMES = {
    "accuracy": "share correct",
    "choice": "share of choices of the last kind",
    "no_choice": "share without a choice",
    "rt": "reaction time (ms)",
}


def draw(result: "Lesions", ax: Axes | None, measure: str, most: int) -> Axes:
    """Draw one measure."""
    rows = result.table[result.table["measure"] == measure]
    sizes = rows.groupby("target", sort=False)["difference"].agg(lambda d: d.abs().max())
    kept = sizes.fillna(0.0).sort_values(ascending=False, kind="stable").index[:most]
    named = [name for name in sizes.index if name in kept]
    rows = rows[rows["target"].isin(named)]
    name = _NAMES.get(measure, measure.replace("_", " "))
    if "factor" in rows and rows["factor"].nunique() > 1:
        return _doses(rows, ax, name, named)
    return _effects(rows, ax, name, named)


def _effects(rows: pd.DataFrame, ax: Axes | None, name: str, targets: list[str]) -> Axes:
    ax = axes_or_new(ax, (4.6, 1.2 + 0.26 * len(targets)))
    phases = pd.unique(rows["phase"]) if "phase" in rows else [None]
    palette = sns.color_palette("colorblind", len(phases))
    place = pd.Series(np.arange(len(targets), dtype=float), targets)
    ax.axvline(0.0, color="0.7", linewidth=0.8, zorder=0)
    for at, (phase, color) in enumerate(zip(phases, palette, strict=True)):
        here = rows if phase is None else rows[rows["phase"] == phase]
        y = place[here["target"]].to_numpy() + 0.6 * ((at + 0.5) / len(phases) - 0.5)
        ends = here[["low", "high"]].to_numpy()
        ax.hlines(y, ends[:, 0], ends[:, 1], color=color, linewidth=1.2)
        how: Any = {"linestyle": "none", "marker": "o", "markersize": 4, "color": color}
        ax.plot(here["difference"], y, label=phase, **how)
    ax.set_yticks(place.to_numpy(), targets)
    ax.set_ylim(len(targets) - 0.4, -0.6)
    ax.set_xlabel(f"Change in {name}")
    ax.set_ylabel("Lesion" if phases[0] is None else "Inactivation")
    if phases[0] is not None:
        _legend(ax, "phase")
    bare(ax)
    return ax


def _doses(rows: pd.DataFrame, ax: Axes | None, name: str, targets: list[str]) -> Axes:
    ax = axes_or_new(ax, (4.8, 3.2))
    keys = ["target", *(["phase"] if "phase" in rows else [])]
    groups = list(rows.groupby(keys, sort=False))
    palette = sns.color_palette("colorblind" if len(groups) <= 10 else "viridis", len(groups))
    for (key, here), color in zip(groups, palette, strict=True):
        mean = here.groupby("factor")[["lesioned", "difference", "low", "high"]].mean()
        factor, lesioned = mean.index.to_numpy(), mean["lesioned"].to_numpy()
        shift = (mean["lesioned"] - mean["difference"]).to_numpy()
        label = ", ".join(map(str, key))
        ax.plot(factor, lesioned, "o-", color=color, markersize=4, linewidth=1.2, label=label)
        low, high = mean["low"].to_numpy() + shift, mean["high"].to_numpy() + shift
        ax.vlines(factor, low, high, color=color, linewidth=1)
    intact = rows["intact"].mean()
    ax.axhline(intact, color="0.5", linestyle="--", linewidth=1, label="intact", zorder=0)
    ax.set_xlabel("Share of output left")
    ax.set_ylabel(name[0].upper() + name[1:])
    _legend(ax, ", ".join(keys))
    bare(ax)
    return ax


def _legend(ax: Axes, title: str) -> None:
    beside: Any = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
    ax.legend(title=title, fontsize="small", alignment="left", **beside)
