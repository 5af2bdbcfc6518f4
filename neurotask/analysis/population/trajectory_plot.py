"""Figures of mean trajectories: in the plane of two components, and over time."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurotask.analysis._axes import axes_or_new, bare, beside

_ROWS = 16  # of a column of the legend
_KINDS = ("-", "--", ":", "-.")
_SHAPE = {"linestyle": "none", "markersize": 6, "zorder": 4}


def draw(
    ax: Axes | None,
    paths: xr.DataArray,
    *,
    labels: tuple[str, str],
    condition: tuple[str, ...],
    align: str | None,
) -> Axes:
    """Draw one line a condition, and where it starts and meets the event.

    Args:
        ax: where to draw; a new figure unless given.
        paths: (condition, time, 2).
        labels: what the two components are.
        condition: names whose levels are the conditions.
        align: phase whose start is time 0, None for the start of the trial.
    """
    ax = axes_or_new(ax, (4.0 + _columns(paths), 3.6))
    time = paths["time"].to_numpy()
    for path, look in _lines(paths, condition):
        ax.plot(*path.T, linewidth=1.5, **look)
        color = look["color"]
        ax.plot(*path[0], "s", color=color, markerfacecolor="white", **_SHAPE)
        if align is not None and (time == 0).any():
            ax.plot(*path[time == 0].T, "o", color=color, markeredgecolor="black", **_SHAPE)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    _explain(ax, time, align)
    _legend(ax, condition, _columns(paths))
    bare(ax)
    return ax


def draw_space(
    ax: Any,
    paths: xr.DataArray,
    *,
    labels: list[str],
    condition: tuple[str, ...],
    align: str | None,
) -> Any:
    """Draw one line a condition in the space of three components.

    Args:
        ax: axes with the projection "3d"; a new figure unless given.
        paths: (condition, time, 3).
        labels: what the three components are.
        condition: names whose levels are the conditions.
        align: phase whose start is time 0, None for the start of the trial.
    """
    if ax is None:
        figure = plt.figure(figsize=(5.4 + _columns(paths), 4.4), layout="constrained")
        ax = figure.add_subplot(projection="3d")
        ax.set_box_aspect(None, zoom=0.8)  # the layout leaves labels in 3D no room
    if not hasattr(ax, "set_zlabel"):
        raise TypeError(
            f'`ax` must have the projection "3d", got {type(ax).__name__}. Make it by '
            'figure.add_subplot(projection="3d").'
        )
    time = paths["time"].to_numpy()
    for path, look in _lines(paths, condition):
        ax.plot(*path.T, linewidth=1.5, **look)
        color = look["color"]
        ax.plot(*path[:1].T, "s", color=color, markerfacecolor="white", **_SHAPE)
        if align is not None and (time == 0).any():
            ax.plot(*path[time == 0].T, "o", color=color, markeredgecolor="black", **_SHAPE)
    ax.set_xlabel(labels[0], labelpad=8)
    ax.set_ylabel(labels[1], labelpad=8)
    ax.set_zlabel(labels[2], labelpad=10)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    _explain(ax, time, align)
    how: Any = {"title": ", ".join(condition), "ncols": _columns(paths)}
    beside(ax, *ax.get_legend_handles_labels(), away=1.2, **how)
    return ax


def draw_time(
    ax: Axes | None,
    courses: xr.DataArray,
    *,
    label: str,
    condition: tuple[str, ...],
    align: str | None,
) -> Axes:
    """Draw the time course of each condition along one component.

    Args:
        ax: where to draw; a new figure unless given.
        courses: (condition, time).
        label: what the component is.
        condition: names whose levels are the conditions.
        align: phase whose start is time 0, None for the start of the trial.
    """
    ax = axes_or_new(ax, (4.0 + _columns(courses), 3.0))
    for course, look in _lines(courses, condition):
        ax.plot(courses["time"], course, linewidth=1.5, **look)
    ax.set_xlabel(time_label(align))
    ax.set_ylabel(label)
    if align is not None:
        ax.axvline(0.0, color="0.7", linewidth=0.8, zorder=0)
    _legend(ax, condition, _columns(courses))
    bare(ax)
    return ax


def draw_norms(
    ax: Axes | None, norms: xr.DataArray, peak_time: xr.DataArray, align: str | None
) -> Axes:
    """Draw how strongly each variable is coded over time, (variable, time), and its peak."""
    ax = axes_or_new(ax, (4.6, 3.0))
    names = norms["variable"].to_numpy().tolist()
    palette = sns.color_palette("colorblind" if len(names) <= 10 else "viridis", len(names))
    for name, color in zip(names, palette, strict=True):
        ax.plot(norms["time"], norms.sel(variable=name), color=color, label=name)
        peak = float(peak_time.sel(variable=name))
        ax.plot(peak, norms.sel(variable=name, time=peak), "o", color=color)
    ax.set_xlabel(time_label(align))
    ax.set_ylabel("norm of coefficients (s.d. of rates)")
    ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax


def _explain(ax: Any, time: np.ndarray, align: str | None) -> None:
    """Add what the markers of trajectories mean to what a legend shows."""
    grey: Any = {"color": "0.4", **_SHAPE}
    nowhere = [[]] * (3 if hasattr(ax, "set_zlabel") else 2)
    ax.plot(*nowhere, "s", markerfacecolor="white", label=f"{time[0]:g} ms", **grey)
    if align is not None:
        ax.plot(*nowhere, "o", markeredgecolor="black", label=f"{align} starts", **grey)


def time_label(align: str | None) -> str:
    """Return the label of an axis of time."""
    return f"time from {'the start of the trial' if align is None else f'{align} onset'} (ms)"


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


def _lines(paths: xr.DataArray, condition: tuple[str, ...]) -> list[tuple[np.ndarray, Any]]:
    """The values of each condition, and how its line is drawn.

    Of conditions that are combinations, colour tells the levels of a factor, of numbers where there
    is one, and the kind of line those of the others.
    """
    labels = paths["condition"].to_numpy()
    shown = [f"{x:g}" if isinstance(x, (int, float, np.number)) else str(x) for x in labels]
    tints, kinds = _looks(paths, condition, labels)
    looks = [
        {"color": tint, "linestyle": kind, "label": label}
        for tint, kind, label in zip(tints, kinds, shown, strict=True)
    ]
    return list(zip(paths.to_numpy(), looks, strict=True))


def _looks(
    paths: xr.DataArray, condition: tuple[str, ...], labels: np.ndarray
) -> tuple[list[Any], list[str]]:
    factors = {name: paths[name].to_numpy() for name in condition if name in paths.coords}
    if len(factors) < 2:
        return colors(labels), ["-"] * len(labels)
    numeric = [name for name, values in factors.items() if values.dtype.kind in "iuf"]
    main = (numeric or list(factors))[0]
    others = list(zip(*(v for name, v in factors.items() if name != main), strict=True))
    groups = sorted(set(others))
    if len(groups) > len(_KINDS):
        return colors(labels), ["-"] * len(labels)
    levels, place = np.unique(factors[main], return_inverse=True)
    palette = colors(levels)
    return [palette[i] for i in place], [_KINDS[groups.index(one)] for one in others]


def _ranks(labels: np.ndarray) -> np.ndarray:
    """Ranks of absolute values with the sign put back, from -1 to 1."""
    sizes = np.unique(np.abs(labels[labels != 0]))
    return np.sign(labels) * (np.searchsorted(sizes, np.abs(labels)) + 1) / len(sizes)


def _columns(paths: xr.DataArray) -> int:
    return -(-paths.sizes["condition"] // _ROWS)


def _legend(ax: Axes, condition: tuple[str, ...], columns: int) -> None:
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    title = ", ".join(condition)
    ax.legend(
        title=title, alignment="left", frameon=False, fontsize="small", ncols=columns, **place
    )
