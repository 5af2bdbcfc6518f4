"""Figures of decoding: the score over time, and train time against test time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.population.decoding_result import Decoding

_NAMES = {
    "balanced_accuracy": "decoding accuracy\n(balanced)",
    "r2": "decoding $R^2$",
    "correlation": "correlation of\ndecoded and true value",
}


def line(result: "Decoding", ax: Axes | None, label: str | None, color: Any) -> Axes:
    """Draw the score over time."""
    ax = axes_or_new(ax, (4.4, 3.0))
    color = sns.color_palette("colorblind")[0] if color is None else color
    time, scores = result.scores["time"].to_numpy(), result.scores.to_numpy()
    marker = "o" if len(time) < 3 else ""
    if result.null is not None:
        low, high = np.percentile(result.null, [2.5, 97.5], axis=0)
        if len(time) > 1:
            ax.fill_between(time, low, high, color=color, alpha=0.2, linewidth=0)
        else:
            ax.vlines(time, low, high, color=color, alpha=0.3, linewidth=6)
    ax.axhline(result.chance, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    if result.align is not None and time[0] < 0 < time[-1]:
        ax.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    ax.plot(time, scores, marker=marker, color=color, linewidth=1.6, label=label)
    ax.set_xlabel(_time(result))
    ax.set_ylabel(_NAMES[result.scoring])
    bare(ax)
    return ax


def image(result: "Decoding", ax: Axes | None) -> Axes:
    """Draw the score of each pair of times."""
    ax = axes_or_new(ax, (4.2, 3.4))
    time = result.scores["time"].to_numpy()
    half = (time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    reach = max(float(np.abs(result.scores - result.chance).max()), 1e-3)
    mesh = ax.imshow(
        result.scores.to_numpy(),
        origin="lower",
        extent=(time[0] - half, time[-1] + half) * 2,
        cmap="RdBu_r",
        vmin=result.chance - reach,
        vmax=result.chance + reach,
        interpolation="none",
    )
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(mesh, ax=ax, label=_NAMES[result.scoring].replace("\n", " "))
    ax.set_xlabel("test " + _time(result))
    ax.set_ylabel("train " + _time(result))
    return ax


def _time(result: "Decoding") -> str:
    return "time (ms)" if result.align is None else f"time from start of {result.align} (ms)"
