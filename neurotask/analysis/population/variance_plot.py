"""Figures of the variance that components explain."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurotask.analysis._axes import axes_or_new, bare


def stacked(ax: Axes | None, shares: xr.DataArray) -> Axes:
    """Draw one bar a component, stacked by the part that the variance is of.

    Args:
        ax: where to draw; a new figure unless given.
        shares: share of variance, (component, part).
    """
    names = shares["component"].to_numpy().tolist()
    parts = shares["part"].to_numpy().tolist()
    ax = axes_or_new(ax, (1.6 + 0.35 * len(names), 3.2))
    palette = sns.color_palette("colorblind" if len(parts) <= 10 else "viridis", len(parts))
    # Where a decoder reads another part with the wrong sign, that part explains less than nothing.
    percent = 100 * np.clip(shares.to_numpy(), 0, None)
    base = np.zeros(len(names))
    for part, color, height in zip(parts, palette, percent.T, strict=True):
        ax.bar(range(len(names)), height, bottom=base, color=color, width=0.8, label=part)
        base = base + height
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize="small")
    ax.set_xlabel("component")
    ax.set_ylabel("explained variance (%)")
    ax.legend(title="variance of", frameon=False, fontsize="small", alignment="left")
    bare(ax)
    return ax


def scree(ax: Axes | None, table: pd.DataFrame) -> Axes:
    """Draw the share of each component, and the level of chance as a dashed line.

    Args:
        ax: where to draw; a new figure unless given.
        table: columns `component`, `explained_variance_ratio` and `chance`.
    """
    ax = axes_or_new(ax, (4.0, 3.0))
    blue, orange = sns.color_palette("colorblind", 2)
    x = table["component"]
    ax.plot(x, 100 * table["explained_variance_ratio"], "o-", color=blue, label="data")
    ax.plot(x, 100 * table["chance"], "--", color=orange, label="chance")
    ax.set_xlabel("component")
    ax.set_ylabel("explained variance (%)")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax


def cross_validated(ax: Axes | None, table: pd.DataFrame, best: int) -> Axes:
    """Draw the error of prediction over the number of components, and where it is least.

    Args:
        ax: where to draw; a new figure unless given.
        table: columns `n_components`, `error` and `sem`.
        best: the number with the least error.
    """
    ax = axes_or_new(ax, (4.0, 3.0))
    blue, orange = sns.color_palette("colorblind", 2)
    x, y, sem = (table[name] for name in ("n_components", "error", "sem"))
    ax.plot(x, y, "o-", color=blue, markersize=4)
    ax.fill_between(x, y - sem, y + sem, color=blue, alpha=0.25, linewidth=0)
    ax.axvline(best, color=orange, linestyle="--", label=f"least at {best}")
    ax.set_xlabel("number of components")
    ax.set_ylabel("error on the other half")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax


def spectrum(ax: Axes | None, shares: np.ndarray, ratio: float) -> Axes:
    """Draw the share of variance by component, and the participation ratio.

    Args:
        ax: where to draw; a new figure unless given.
        shares: share of each component, in falling order.
        ratio: the participation ratio.
    """
    ax = axes_or_new(ax, (4.0, 3.0))
    blue, orange = sns.color_palette("colorblind", 2)
    ax.plot(np.arange(1, len(shares) + 1), 100 * shares, "o-", color=blue, markersize=4)
    ax.axvline(ratio, color=orange, linestyle="--", label=f"participation ratio {ratio:.1f}")
    ax.set_xlabel("component")
    ax.set_ylabel("variance (%)")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax
