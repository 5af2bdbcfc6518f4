"""The figure of trajectories in the plane of two components."""

from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.population.pca import PCA

_ROWS = 16  # of a column of the legend
_SHAPE = {"linestyle": "none", "markersize": 6, "zorder": 4}


def draw(result: "PCA", ax: Axes | None, components: tuple[int, int]) -> Axes:
    """Draw one line a condition, and where it starts and meets the event."""
    columns = -(-len(result.n_trials) // _ROWS)
    ax = axes_or_new(ax, (4.0 + columns, 3.6))
    paths = result.trajectories.isel(component=list(components))
    labels, time = paths["condition"].to_numpy(), paths["time"].to_numpy()
    for path, label, color in zip(paths.to_numpy(), labels, colors(labels), strict=True):
        shown = f"{label:g}" if isinstance(label, (int, float, np.number)) else str(label)
        ax.plot(*path.T, color=color, linewidth=1.5, label=shown)
        ax.plot(*path[0], "s", color=color, markerfacecolor="white", **_SHAPE)
        if result.align is not None and (time == 0).any():
            ax.plot(*path[time == 0].T, "o", color=color, markeredgecolor="black", **_SHAPE)
    shares = result.explained_variance_ratio_
    ax.set_xlabel(f"PC {components[0] + 1} ({shares[components[0]]:.0%} of variance)")
    ax.set_ylabel(f"PC {components[1] + 1} ({shares[components[1]]:.0%} of variance)")
    _legend(ax, result, float(time[0]))
    bare(ax)
    return ax


def colors(labels: np.ndarray) -> list[Any]:
    """Return a colour a condition: diverging where signed, in order where numbers, else distinct.

    Numbers are coloured by rank, since levels often grow by factors; blue and orange are told
    apart by every kind of colour vision, and the dark middle shows on white.
    """
    if not np.issubdtype(labels.dtype, np.number):
        few = len(labels) <= 10
        return sns.color_palette("colorblind" if few else "viridis", len(labels))
    if labels.min() >= 0 or labels.max() <= 0:
        return sns.color_palette("viridis", len(labels))
    ramp = sns.diverging_palette(245, 40, s=95, l=65, center="dark", as_cmap=True)
    return [ramp(0.5 + side / 2) for side in _ranks(labels)]


def _ranks(labels: np.ndarray) -> np.ndarray:
    """Ranks of absolute values with the sign put back, from -1 to 1."""
    sizes = np.unique(np.abs(labels[labels != 0]))
    return np.sign(labels) * (np.searchsorted(sizes, np.abs(labels)) + 1) / len(sizes)


def _legend(ax: Axes, result: "PCA", start: float) -> None:
    grey: Any = {"color": "0.4", **_SHAPE}
    ax.plot([], [], "s", markerfacecolor="white", label=f"{start:g} ms", **grey)
    if result.align is not None:
        ax.plot([], [], "o", markeredgecolor="black", label=f"{result.align} starts", **grey)
    title = ", ".join(result.condition)
    beside: Any = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    columns = -(-len(result.n_trials) // _ROWS)
    ax.legend(
        title=title, alignment="left", frameon=False, fontsize="small", ncols=columns, **beside
    )
