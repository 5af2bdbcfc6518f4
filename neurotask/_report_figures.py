"""The figures of a report, each a function of tables, Sessions or weights."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from neurotask.analysis import PCA, PsychometricFit, PsychometricFits
from neurotask.analysis.psychometrics.plot import wilson

# Used while a figure is drawn and written, and for nothing else: no style is changed for good.
# The salt makes the names inside an SVG, and so its bytes, the same every time.
_STYLE: Any = {
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.0,
    "axes.linewidth": 0.8,
    "svg.hashsalt": "neurotask",
}
_GUIDE = {"color": "0.6", "linewidth": 0.8, "linestyle": (0, (4, 2)), "zorder": 0}


@dataclass(frozen=True)
class Drawing:
    """A figure as files hold it."""

    svg: bytes
    png: bytes


def drawn(draw: Callable[..., None], size: tuple[float, float], *data: Any) -> Drawing:
    """Return what `draw(figure, *data)` draws on a figure of `size` inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure, *data)
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(png, format="png", dpi=200)
    return Drawing(svg.getvalue(), png.getvalue())


def learning(figure: Figure, history: pd.DataFrame, chance: float | None) -> None:
    """Draw the loss, and the accuracy where there is one, over updates."""
    scored = "accuracy" in history and history["accuracy"].notna().any()
    axes = figure.subplots(1, 2 if scored else 1, squeeze=False)[0]
    color = sns.color_palette("colorblind")[0]
    mark = {"color": color, "linewidth": 1.5, "marker": "o" if len(history) < 20 else "", "ms": 3.5}
    axes[0].plot(history["updates"], history["loss"], **mark)
    axes[0].set(yscale="log", ylabel="Loss (mean squared error)")
    axes[0].yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes[0].yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
    axes[0].yaxis.set_minor_locator(NullLocator())
    if scored:
        axes[1].plot(history["updates"], 100 * history["accuracy"], **mark)
        axes[1].set(ylim=(0, 103), ylabel="Correct (%)")
        if chance is not None:
            axes[1].axhline(100 * chance, **_GUIDE)
    for ax in axes:
        ax.set_xlabel("Updates")
        ax.set_xlim(0, None)
        sns.despine(ax=ax)


def categories(figure: Figure, counts: pd.DataFrame, label: str) -> None:
    """Draw the share of right answers of each category, with its interval."""
    ax = figure.subplots()
    n, k = counts["n_trials"].to_numpy(float), counts["n_correct"].to_numpy(float)
    low, high = wilson(k, n, 0.95)
    places = np.arange(len(counts))[::-1]
    share = k / n
    ax.errorbar(
        100 * share,
        places,
        xerr=100 * np.maximum(np.stack([share - low, high - share]), 0.0),
        fmt="o",
        ms=4.0,
        color=sns.color_palette("colorblind")[0],
    )
    ax.set_yticks(places, [str(level) for level in counts.index])
    ax.set(xlabel="Correct (%)", ylabel=label, xlim=(-2, 102), ylim=(-0.6, len(counts) - 0.4))
    sns.despine(ax=ax)


def psychometric(figure: Figure, fit: PsychometricFit, xlabel: str, ylabel: str) -> None:
    """Draw one psychometric function."""
    ax = fit.plot(figure.subplots(), xlabel=xlabel)
    ax.set_ylabel(ylabel)


def accuracy(figure: Figure, fits: PsychometricFits, xlabel: str) -> None:
    """Draw P(correct) over the strength of the stimulus, for the network and for animals."""
    ax = fits.plot(figure.subplots(), xlabel=xlabel)
    ax.set_ylabel("P(correct)")
    lowest = min(fit.table["proportion"].min() for fit in fits.values())
    ax.set_ylim(min(0.4, lowest - 0.05), 1.03)
    ax.legend(loc="lower right", frameon=False)


def trajectories(figure: Figure, result: PCA) -> None:
    """Draw mean trajectories of the population in the plane of two components."""
    result.plot(figure.subplots())


def weights(figure: Figure, kernels: Mapping[str, xr.DataArray]) -> None:
    """Draw the recurrent matrix, or one for each gate, units sorted by area, type and readout."""
    recurrent = kernels["recurrent"]
    order = unit_order(recurrent, kernels["output"])
    n = len(order)
    matrices = recurrent.to_numpy().reshape(-1, n, n)[:, order][:, :, order]
    limit = np.quantile(np.abs(matrices), 0.99) or np.abs(matrices).max() or 1.0
    axes = figure.subplots(1, len(matrices), squeeze=False, sharey=True)[0]
    extent = (0.5, n + 0.5, n + 0.5, 0.5)
    for at, (ax, matrix) in enumerate(zip(axes, matrices, strict=True)):
        ax.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
        ax.set(xlabel="Presynaptic unit", ylabel="" if at else "Postsynaptic unit")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6 if len(axes) == 1 else 4, integer=True))
        _blocks(ax, group_names(recurrent)[order])
        if "gate" in recurrent.dims:
            ax.set_title(f"{recurrent['gate'].to_numpy()[at]} gate", fontsize="medium", pad=14)
    bar = figure.colorbar(
        axes[0].images[0], ax=axes, shrink=0.85, extend="both", pad=0.07 / len(axes)
    )
    bar.set_label("Weight")
    bar.outline.set_visible(False)


def unit_order(recurrent: xr.DataArray, output: xr.DataArray) -> np.ndarray:
    """Return the units by group, within each by how they drive the last output over the first."""
    drive = output.to_numpy()[-1] - output.to_numpy()[0]
    _, group = np.unique(group_names(recurrent), return_inverse=True)
    return np.lexsort((drive, group))


def group_names(recurrent: xr.DataArray) -> np.ndarray:
    """Return the group of each unit: its area and type, "PPC E", "E" or ""."""
    pairs = zip(recurrent["area"].to_numpy(), recurrent["cell_type"].to_numpy(), strict=True)
    return np.array([f"{area} {kind}".strip() for area, kind in pairs])


def _blocks(ax: Axes, groups: np.ndarray) -> None:
    """Mark where one group of units ends and the next begins, and name them at the top."""
    starts = [0, *(np.flatnonzero(groups[1:] != groups[:-1]) + 1), len(groups)]
    for start, stop in pairwise(starts):
        if start > 0:
            ax.axvline(start + 0.5, color="black", linewidth=0.8)
            ax.axhline(start + 0.5, color="black", linewidth=0.8)
        middle = (start + stop) / 2 + 0.5
        at_top, at_right = ax.get_xaxis_transform(), ax.get_yaxis_transform()
        bold: Any = {"weight": "bold", "s": groups[start]}
        ax.text(middle, 1.01, ha="center", va="bottom", transform=at_top, **bold)
        ax.text(1.02, middle, ha="left", va="center", transform=at_right, **bold)
