"""The figure of currents: sources in rows, targets in columns."""

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurotask._checks import choose
from neurotask.analysis._axes import bare, beside
from neurotask.analysis.population.trajectory_plot import colors

if TYPE_CHECKING:
    from neurotask.analysis.circuit.currents import Currents

_MOST_LINES = 16  # in a panel; of more, their mean alone


def draw(result: "Currents", ax: Any, show: str) -> np.ndarray:
    """Draw a panel for each source and target."""
    choose("show", show, ("mean", "units"))
    sources, targets = result.sources, result.targets
    axes = _panels(ax, len(sources), len(targets))  # (source, target)
    values = result.values
    limit = float(np.abs(values.mean(str(values.dims[0]))).max()) or 1.0
    for row, source in zip(axes, sources, strict=True):
        for panel, target in zip(row, targets, strict=True):
            part = values.sel(source=source).isel(unit=np.flatnonzero(result.labels == target))
            if show == "mean":
                _lines(panel, part, result)
            else:
                _heat(panel, part, limit)
    _frame(axes, result, show)
    if show == "units":
        bar = axes[0, 0].figure.colorbar(
            axes[0, 0].images[0], ax=axes.ravel().tolist(), fraction=0.04, shrink=0.6
        )
        bar.set_label("Current (a.u.)")
        bar.outline.set_visible(False)
    return axes


def _panels(ax: Any, n_rows: int, n_columns: int) -> np.ndarray:
    if ax is None:
        size = (1.8 + 2.2 * n_columns, 0.8 + 1.5 * n_rows)
        how: Any = {"sharex": True, "squeeze": False, "layout": "constrained"}
        return plt.subplots(n_rows, n_columns, figsize=size, **how)[1]
    axes = np.array(ax, dtype=object)
    if axes.size != n_rows * n_columns:
        raise ValueError(
            f"`ax` must be {n_rows} x {n_columns} axes, (source, target), got {axes.size}. Leave "
            "it out to have them made."
        )
    return axes.reshape(n_rows, n_columns)


def _lines(panel: Axes, part: xr.DataArray, result: "Currents") -> None:
    first, time = str(part.dims[0]), part["time"].to_numpy()
    lines = part.mean("unit")
    panel.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    if result.align is not None:
        panel.axvline(0.0, color="0.8", linewidth=0.8, zorder=0)
    if lines.sizes[first] > _MOST_LINES:
        mean = lines.mean(first).to_numpy()
        panel.plot(time, mean, color="black", linewidth=1.5, label=f"mean of {first}s")
        return
    labels = lines[first].to_numpy() if first in lines.coords else np.arange(lines.sizes[first])
    for line, label, color in zip(lines.to_numpy(), labels, colors(labels), strict=True):
        shown = f"{label:g}" if isinstance(label, (int, float, np.number)) else str(label)
        panel.plot(time, line, color=color, linewidth=1.2, label=shown)


def _heat(panel: Axes, part: xr.DataArray, limit: float) -> None:
    time, mean = part["time"].to_numpy(), part.mean(str(part.dims[0])).transpose("unit", "time")
    step = time[1] - time[0] if len(time) > 1 else 1.0
    extent = (time[0], time[-1] + step, mean.sizes["unit"] + 0.5, 0.5)
    how: Any = {"cmap": "RdBu_r", "aspect": "auto", "extent": extent, "interpolation": "nearest"}
    panel.imshow(mean.to_numpy(), vmin=-limit, vmax=limit, **how)
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _frame(axes: np.ndarray, result: "Currents", show: str) -> None:
    event = "trial start" if result.align is None else f"{result.align} start"
    for target, panel in zip(result.targets, axes[0], strict=True):
        panel.set_title(f"into {target}", fontsize="medium")
    for panel in axes[-1]:
        panel.set_xlabel(f"Time from\n{event} (ms)")
    for source, row in zip(result.sources, axes, strict=True):
        kind = "Current (a.u.)\nfrom {}" if show == "mean" else "Unit, current\nfrom {}"
        row[0].set_ylabel(kind.format(source))
        if show == "mean":
            # One scale a source: a strong source would flatten a weak one.
            low, high = (f(p.get_ylim()[i] for p in row) for i, f in enumerate((min, max)))
            for panel in row:
                panel.set_ylim(low, high)
                bare(panel)
    handles, labels = axes[0, -1].get_legend_handles_labels()
    if handles:
        title = None if result.condition == ("trial",) else ", ".join(result.condition)
        beside(axes[0, -1], handles, labels, title=title)
