"""The figures of the weight matrix: sorted, its eigenvalues, its degrees."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.circuit.degrees import Degrees
    from neurotask.analysis.circuit.spectrum import Spectrum
    from neurotask.analysis.circuit.weight_structure import WeightStructure


def draw_structure(result: "WeightStructure", ax: Axes | None, limit: float | None) -> Axes:
    """Draw the sorted matrix with lines between blocks."""
    ax = axes_or_new(ax, (5.0, 4.2))
    matrix = result.weights.to_numpy()
    n, sizes = len(matrix), np.abs(matrix)
    end = limit or np.quantile(sizes, 0.99) or sizes.max() or 1.0
    extent = (0.5, n + 0.5, n + 0.5, 0.5)
    image = ax.imshow(matrix, cmap="RdBu_r", vmin=-end, vmax=end, extent=extent)
    starts = [0, *(np.flatnonzero(result.blocks[1:] != result.blocks[:-1]) + 1), n]
    for start, stop in pairwise(starts):
        if start > 0:
            ax.axvline(start + 0.5, color="black", linewidth=0.8)
            ax.axhline(start + 0.5, color="black", linewidth=0.8)
        middle, name = (start + stop) / 2 + 0.5, str(result.blocks[start])
        at_top, at_right = ax.get_xaxis_transform(), ax.get_yaxis_transform()
        how: Any = {"fontsize": "small", "weight": "bold"}
        ax.text(middle, 1.01, name, ha="center", va="bottom", transform=at_top, **how)
        ax.text(1.02, middle, name, ha="left", va="center", transform=at_right, **how)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    order = ", ".join(name.replace("_", " ") for name in result.sort_by)
    ax.set(xlabel=f"Presynaptic unit, by {order}", ylabel="Postsynaptic unit")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.7, extend="both", pad=0.12)
    bar.set_label("Weight")
    bar.outline.set_visible(False)
    return ax


def draw_spectrum(result: "Spectrum", ax: Axes | None) -> Axes:
    """Draw eigenvalues in the complex plane."""
    ax = axes_or_new(ax, (4.2, 4.0))
    blue, orange = sns.color_palette("colorblind")[:2]
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.exp(1j * angle)
    ax.plot(np.real(circle), np.imag(circle), color="0.5", linewidth=1, label="unit circle")
    disc = result.circular_radius * circle
    ax.plot(np.real(disc), np.imag(disc), "--", color="0.5", linewidth=1, label="circular law")
    values, outside = result.eigenvalues_, result.outliers
    dots: Any = {"linestyle": "none", "marker": "o", "markersize": 3.5}
    ax.plot(
        np.real(values[~outside]),
        np.imag(values[~outside]),
        color=blue,
        label=f"within {1 + result.margin:g} x the law",
        **dots,
    )
    if outside.any():
        out = values[outside]
        dots |= {"marker": "D", "markersize": 5}
        ax.plot(np.real(out), np.imag(out), color=orange, label="outliers", **dots)
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlabel="Re(eigenvalue)", ylabel="Im(eigenvalue)")
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    bare(ax)
    return ax


def draw_degrees(result: "Degrees", ax: Axes | None, of: str) -> Axes:
    """Draw what each unit makes over what it receives."""
    ax = axes_or_new(ax, (4.4, 3.4))
    table = result.table
    known = (name for name in ("group", "cell_type", "area") if name in table)
    named = next((table[name] for name in known if (table[name] != "").any()), None)
    groups = np.full(len(table), "units") if named is None else named.to_numpy()
    names = np.unique(groups)
    palette = sns.color_palette("colorblind" if len(names) <= 10 else "viridis", len(names))
    marks = "osD^vPX*<>"
    for at, (name, color) in enumerate(zip(names, palette, strict=True)):
        here = table[groups == name]
        how: Any = {"linestyle": "none", "marker": marks[at % len(marks)], "markersize": 4.5}
        ax.plot(here[f"in_{of}"], here[f"out_{of}"], color=color, alpha=0.8, label=name, **how)
    unit = "sum of absolute weights" if of == "strength" else "synapses"
    ax.set(xlabel=f"Received ({unit})", ylabel=f"Made ({unit})")
    if len(names) > 1:
        ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    bare(ax)
    return ax
