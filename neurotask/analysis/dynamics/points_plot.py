"""Figures of fixed points: over trajectories, and their eigenvalues in the complex plane."""

from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurotask.analysis._axes import axes_or_new, bare

if TYPE_CHECKING:
    from neurotask.analysis.dynamics.points import FixedPoints

_SIZES = {"fixed": 7.0, "slow": 3.5}
_MARKS = "oD^vsP*X"
_DARK = "0.1"
_ROWS = 18  # of a column of the legend


def draw(points: "FixedPoints", pca: Any, ax: Axes | None, components: tuple[int, int]) -> Axes:
    """Draw the points in the plane of two components, and the trajectories of the PCA."""
    plane, labels = projection(points, pca, components)
    if pca is None:
        ax = axes_or_new(ax, (4.4, 3.6))
        visited = plane(points.visited, None)
        ax.plot(*visited.T, ".", color="0.8", markersize=2, zorder=1, rasterized=True)
        ax.set(xlabel=labels[0], ylabel=labels[1])
        bare(ax)
    else:
        ax = pca.plot(ax, components=components)
    assert ax is not None
    at = plane(points.states, points.rates)
    hollow = points.n_unstable > 0
    for (_, mark), which in zip(_marks(points), _members(points), strict=False):
        for kind, size in _SIZES.items():
            for is_hollow in (False, True):
                own = which & (points.kind == kind) & (hollow == is_hollow)
                face = "white" if is_hollow else _DARK
                ax.plot(*at[own].T, mark, markersize=size, markerfacecolor=face, **_ink())
    _legend(points, ax)
    return ax


def eigenvalues(points: "FixedPoints", ax: Axes | None) -> Axes:
    """Draw the eigenvalues of all points, and the circle within which modes decay."""
    ax = axes_or_new(ax, (4.0, 3.8))
    angle = np.linspace(0.0, 2.0 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color="0.7", linewidth=0.8, zorder=1)
    stable = points.n_unstable == 0
    blue, orange = sns.color_palette("colorblind")[0], sns.color_palette("colorblind")[3]
    for which, color, face, label in (
        (stable, blue, blue, "no growing mode"),
        (~stable, orange, "white", "growing modes"),
    ):
        values = points.eigenvalues[which].ravel()
        if values.size:
            ax.plot(
                np.real(values), np.imag(values), "o", color=color, markerfacecolor=face,
                markersize=3.5, label=label,
            )  # fmt: skip
    ax.set(xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$", aspect="equal")
    if len(points):
        # Modes that matter crowd near 1, where the whole circle would hide them.
        real = np.append(np.real(points.eigenvalues), 1.0)
        high = max(float(np.abs(np.imag(points.eigenvalues)).max()), 0.25 * float(np.ptp(real)))
        pad = 0.1 * max(float(np.ptp(real)), 2 * high, 0.01)
        ax.set_xlim(float(real.min()) - pad, float(real.max()) + pad)
        ax.set_ylim(-high - pad, high + pad)
        ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    bare(ax)
    return ax


def projection(points: "FixedPoints", pca: Any, components: tuple[int, int]) -> Any:
    """Return how states and rates fall onto the plane, and the labels of its axes."""
    if pca is None:
        if components != (0, 1):
            raise ValueError(
                f"`components` must be (0, 1) where no `pca` is given, got {components}."
            )
        flat = points.visited.reshape(len(points.visited), -1)
        mean = flat.mean(0)
        _, size, axes = np.linalg.svd(flat - mean, full_matrices=False)
        share = size**2 / np.sum(size**2)
        axes = np.pad(axes[:2], ((0, max(0, 2 - len(axes))), (0, 0)))
        share = np.append(share, 0.0)
        labels = [f"PC {i + 1} of visited states ({share[i]:.0%})" for i in (0, 1)]
        return lambda states, rates: (states.reshape(-1, flat.shape[1]) - mean) @ axes.T, labels
    check_plane(pca, components)
    if pca.of == "rates" and points.rates is None:
        raise ValueError(
            '`pca` must be of "states" where the points have no rates, got a PCA of "rates". Give '
            "fixed_points(..., rates=model.rates)."
        )
    if pca.of not in ("rates", "states"):
        raise ValueError(f'`pca` must be of "rates" or "states", got a PCA of {pca.of!r}.')
    axes, mean = pca.components_[list(components)], pca.mean_
    known = points.states if pca.of == "states" or points.rates is None else points.rates
    if known.shape[1:] != mean.shape:
        raise ValueError(
            f"`pca` must be of the {known.shape[1:]} entries of the points' {pca.of}, got one of "
            f"{mean.shape}. Fit it to a Session of the same network."
        )

    def fall(states: np.ndarray, rates: np.ndarray | None) -> np.ndarray:
        values = states if pca.of == "states" else rates
        assert values is not None
        return (values - mean) @ axes.T

    return fall, None


def check_plane(pca: Any, components: tuple[int, int]) -> None:
    """Raise unless a plane of a PCA can hold states, which belong to no time of a trial."""
    if not hasattr(pca, "components_") or not hasattr(pca, "of"):
        raise TypeError(
            f"`pca` must be a PCA of this package, got {type(pca).__name__}. Give "
            "nt.analysis.pca(session), and axes by name, ax=ax."
        )
    if np.ndim(pca.mean_) != 1:
        raise ValueError(
            '`pca` must be centred by "mean", got "time": a point belongs to no time. Fit it '
            'with center="mean".'
        )
    n = len(pca.components_)
    if len(components) != 2 or not all(0 <= one < n for one in components):
        raise ValueError(f"`components` must be two numbers from 0 to {n - 1}, got {components}.")


def _ink() -> dict[str, Any]:
    return {"markeredgecolor": _DARK, "markeredgewidth": 1.0, "linestyle": "none", "zorder": 5}


def _members(points: "FixedPoints") -> list[np.ndarray]:
    """Which points each condition has, (point,)."""
    if not len(points.conditions.columns):
        return [np.ones(len(points), bool)]
    keys = list(points.conditions.itertuples(index=False, name=None))
    return [np.array([key == one for key in keys], bool) for one in dict.fromkeys(keys)]


def _marks(points: "FixedPoints") -> list[tuple[str, str]]:
    """Name and mark of each condition."""
    keys = dict.fromkeys(points.conditions.itertuples(index=False, name=None)) or {(): None}
    names = [", ".join(map(str, key)) for key in keys]
    return [(name, _MARKS[i % len(_MARKS)]) for i, name in enumerate(names)]


def _legend(points: "FixedPoints", ax: Axes) -> None:
    """Add the points to the legend of the trajectories."""
    stable = points.n_unstable == 0
    shown = [
        ("stable point", "o", 7.0, _DARK, ((points.kind == "fixed") & stable).any()),
        ("point with growing modes", "o", 7.0, "white", (~stable).any()),
        ("slow point", "o", 3.5, _DARK, (points.kind == "slow").any()),
    ]
    lines = [
        Line2D([], [], marker=mark, markersize=size, markerfacecolor=face, label=label, **_ink())
        for label, mark, size, face, there in shown
        if there
    ]
    marks = _marks(points)
    if len(marks) > 1:
        lines += [
            Line2D([], [], marker=mark, markersize=5, markerfacecolor="0.6", label=name, **_ink())
            for name, mark in marks
        ]
    if not lines:
        return
    before, title = ax.get_legend(), None
    if before is not None:  # one legend alone is given room by the layout of a figure
        lines = [*before.legend_handles, *lines]
        title = before.get_title().get_text()
    ax.legend(
        handles=lines, title=title, frameon=False, fontsize="small", alignment="left",
        loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=-(-len(lines) // _ROWS),
    )  # fmt: skip
