"""The figure of a comparison: who learns how fast, pair by pair, and how well at the end."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from neurotask.comparison.table import for_test

STYLE: dict[Any, Any] = {"font.size": 8, "axes.linewidth": 0.6, "legend.frameon": False}
MARKERS = "os^DvPX"


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Return the figure; a network that never reached the criterion is drawn open, at the top.

    Args:
        table: one row a network.
        settings: what the comparison is; see `Comparison.settings`.
    """
    variants = list(dict.fromkeys(table["variant"]))
    colors = dict(zip(variants, sns.color_palette("colorblind", len(variants)), strict=True))
    has_criterion = "criterion" in settings
    with plt.rc_context(STYLE):
        width = 2.4 + 0.25 * max(0, len(variants) - 3)
        figure, axes = plt.subplots(
            1,
            3 if has_criterion else 1,
            figsize=(3 * width if has_criterion else width, 2.5),
            layout="constrained",
            squeeze=False,
        )
        *speed, held_out = axes[0]
        if speed:
            _draw_reached(speed[0], table, colors, settings["updates"])
            _draw_pairs(speed[1], for_test(table, "updates"), colors, "updates to the criterion")
        _draw_pairs(held_out, for_test(table, "held_out"), colors, "correct, held-out trials")
        held_out.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        for ax in axes[0]:
            sns.despine(ax=ax)
    return figure


def _draw_reached(ax: Axes, table: pd.DataFrame, colors: Mapping[str, Any], budget: int) -> None:
    """Draw the share of networks that have reached the criterion by an update."""
    for variant, group in table.groupby("variant", sort=False):
        times = np.sort(group.loc[group["reached"], "updates"].to_numpy(float))
        shares = np.arange(len(times) + 1) / len(group)
        color = colors[str(variant)]
        ax.step([0, *times, budget], [*shares, shares[-1]], where="post", color=color)
        if len(times) < len(group):
            # Those that did not: their training ended here.
            open_marker = {"marker": "|", "markersize": 7, "color": color, "clip_on": False}
            ax.plot(budget, shares[-1], linestyle="none", **open_marker)
    last = table["updates"].max()
    ax.set_xlim(0, budget if not table["reached"].all() else min(budget, 1.1 * last))
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set(xlabel="updates", ylabel="networks at the criterion")
    for place, (variant, color) in enumerate(colors.items()):
        at = {"transform": ax.transAxes, "ha": "right", "va": "bottom", "color": color}
        ax.text(1.0, 0.04 + 0.1 * (len(colors) - 1 - place), variant, **at)


def _draw_pairs(ax: Axes, values: pd.DataFrame, colors: Mapping[str, Any], label: str) -> None:
    """Draw each network as a point, those of a seed joined, and a bar at each median."""
    places, numbers = np.arange(values.shape[1]), values.to_numpy(float)
    finite = numbers[np.isfinite(numbers)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    margin = 0.15 * ((high - low) or abs(high) or 1.0)
    shown = np.clip(np.nan_to_num(numbers, nan=np.nan), low - margin, high + margin)
    for pair in shown:
        ax.plot(places, pair, color="0.75", linewidth=0.6, zorder=1)
    for place, color in enumerate(colors.values()):
        known = np.isfinite(numbers[:, place])
        style = {"linestyle": "none", "color": color, "markersize": 4, "zorder": 2}
        marker = MARKERS[place % len(MARKERS)]
        ax.plot(np.full(known.sum(), place), shown[known, place], marker, **style)
        ax.plot(
            np.full((~known).sum(), place), shown[~known, place], marker, fillstyle="none", **style
        )
        middle = np.median(numbers[:, place])
        if np.isfinite(middle):
            bar = {"color": "black", "linewidth": 1.6, "zorder": 3}
            ax.plot((place - 0.22, place + 0.22), (middle, middle), **bar)
    if not np.isfinite(numbers).all():
        edge = high + margin if (numbers == np.inf).any() else low - margin
        word = "never" if (numbers == np.inf).any() else "diverged"
        ax.annotate(word, (places[-1] + 0.45, edge), ha="right", va="center", color="0.4")
    ax.set_xticks(places, list(colors))
    if max(map(len, colors)) * len(colors) > 24:
        ax.tick_params(axis="x", rotation=20)
        plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    ax.set_xlim(-0.5, places[-1] + 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.set_ylabel(label)
