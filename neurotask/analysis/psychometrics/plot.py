"""The figure of psychometric curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator
from scipy.special import ndtri

from neurotask._checks import choose
from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.psychometrics.fit import PsychometricFit

    Curve = tuple[str | None, Any, PsychometricFit]

_POINTS = 200
_MOST_TICKS = 9
_MOST_CURVES = 20  # with data, band and an entry in the legend each


def draw(
    curves: Sequence["Curve"],
    ax: Axes | None,
    xlabel: str | None,
    xscale: str | None,
    level: float,
    title: str | None = None,
) -> Axes:
    """Draw labelled, coloured fits of one form into one pair of axes."""
    fit = curves[0][2]
    usual = "log" if fit.frame.log else "linear"
    log = choose("xscale", usual if xscale is None else xscale, ("linear", "log")) == "log"
    levels = np.unique(np.concatenate([one.table["x"] for _, _, one in curves]))
    if log and levels[0] < 0:
        raise ValueError(
            f'`xscale` must be "linear" where levels are negative, got {xscale!r} with the level '
            f"{levels[0]:g}. Leave it out."
        )
    ax = axes_or_new(ax, (4.2, 3.2))
    zero = levels[levels > 0][0] / 2 if log else 0.0
    _guides(ax, fit)
    many = len(curves) > _MOST_CURVES
    for label, color, one in curves:
        color = color or sns.color_palette("colorblind")[0]
        _draw_curve(ax, one, label, color, log, None if many else level)
        if not many:
            _draw_data(ax, one, color, zero, level)
    _label(ax, fit, levels, zero, xlabel, log)
    if any(label is not None for label, _, _ in curves) and not many:
        ax.legend(title=title, frameon=False, fontsize="small", alignment="left")
    return ax


def wilson(k: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's interval of k / n, both (level,).

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    z = ndtri((1 + level) / 2)
    # (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
    p, shrink = k / n, 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / shrink
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / shrink
    return centre - half, centre + half


def _draw_data(ax: Axes, fit: "PsychometricFit", color: Any, zero: float, level: float) -> None:
    table = fit.table
    x = _shown(table["x"].to_numpy(), zero)
    low, high = wilson(table["n_positive"].to_numpy(), table["n_trials"].to_numpy(), level)
    ax.vlines(x, low, high, color=color, linewidth=1)
    for trained, part in table.groupby("trained"):
        shown = _shown(part["x"].to_numpy(), zero)
        face = color if trained else "white"
        style = {"markeredgecolor": color, "markerfacecolor": face, "zorder": 3}
        ax.plot(shown, part["proportion"], "o", markersize=5, label="_", **style)


def _draw_curve(
    ax: Axes,
    fit: "PsychometricFit",
    label: str | None,
    color: Any,
    log: bool,
    level: float | None,
) -> None:
    """Draw the curve, and with a `level` its band."""
    x = fit.table["x"].to_numpy()
    positive = x[x != 0] if log else x
    space = np.geomspace if log else np.linspace
    fine = space(positive.min(), positive.max(), _POINTS)
    dash = "-" if fit.status == "ok" else "--"
    ax.plot(fine, fit.curve(fine), dash, color=color, linewidth=1.5, label=label or "_")
    if level is not None:
        ax.fill_between(fine, *fit.band(fine, level), color=color, alpha=0.2, linewidth=0)


def _shown(x: np.ndarray, zero: float) -> np.ndarray:
    """Where levels are drawn: a strength of zero has a place of its own on a logarithmic axis."""
    return np.where(x == 0, zero, x)


def _apart(places: np.ndarray) -> np.ndarray:
    """Those of some places on a logarithmic axis that leave room for a label between them."""
    room, kept = np.log(places[-1] / places[0]) / _MOST_TICKS, [places[0]]
    for place in places[1:]:
        if np.log(place / kept[-1]) >= room:
            kept.append(place)
    return np.array(kept)


def _guides(ax: Axes, fit: "PsychometricFit") -> None:
    faint = {"color": "0.8", "linewidth": 0.8, "zorder": 0}
    if fit.form == "signed":
        ax.axvline(0, **faint)
    ax.axhline(0.5 if fit.form == "signed" else fit.guess_rate, **faint)


def _label(
    ax: Axes, fit: "PsychometricFit", levels: np.ndarray, zero: float, xlabel: str | None, log: bool
) -> None:
    name, units = fit.counts.axis, fit.counts.units
    percent = "coherence" in name and not units and np.abs(levels).max() <= 1
    shown = "%" if percent else units
    times = 100 if percent else 1
    words = name.replace("_", " ")
    ax.set_xlabel(xlabel or (f"{words} ({shown})" if shown else words))
    ax.set_ylabel(f"P({fit.counts.event})")
    ax.set_ylim(-0.03 if fit.form == "signed" else None, 1.03)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks(_apart(_shown(levels, zero)))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: "0" if log and x <= zero * 1.001 else f"{times * x:.3g}")
    )
    bare(ax)
