"""`LineAttractor`: what a test of a line attractor says."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.dynamics.points import FixedPoints


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LineAttractor:
    """Points as a line along which a network integrates.

    `line_attractor` makes it. `n` is the number of entries of a state.

    Args:
        is_line: whether all criteria are met; None where there are too few points to tell.
        status: "ok", or why there is no verdict.
        criteria: a row a criterion: its value, the least that was asked for, whether it is met.
        position: of each point along `axis`, in units of the state, (point,).
        axis: direction in which the points vary most, (n,).
        centre: mean of the points, (n,).
        share: share of the variance of all points along `axis`; NaN of a single point. Of a curve
            that bends it is less than those of neighbours.
        local_share: the same of the neighbours of each point, (point,).
        eigenvalues: the two nearest to 1 of each point, (point, 2).
        time_constants: dt / |1 - eigenvalue| in ms, (point, 2).
        right: right eigenvectors of the slowest mode, of length 1, along `axis`, (point, n).
        selection_vectors: left eigenvectors of that mode, left . right = 1, (point, n).
        tangents: where the line runs at each point, (point, n).
        points: the points.
    """

    is_line: bool | None
    status: str
    criteria: pd.DataFrame
    position: np.ndarray
    axis: np.ndarray
    centre: np.ndarray
    share: float
    local_share: np.ndarray
    eigenvalues: np.ndarray
    time_constants: np.ndarray
    right: np.ndarray
    selection_vectors: np.ndarray
    tangents: np.ndarray
    points: FixedPoints

    @property
    def selection_vector(self) -> np.ndarray:
        """The mean selection vector of the points, (n,)."""
        return self.selection_vectors.mean(0)

    @property
    def alignment(self) -> np.ndarray:
        """|Cosine| of the slowest mode and the line at each point, (point,)."""
        return np.abs(np.einsum("pi,pi->p", self.right, self.tangents))

    @property
    def table(self) -> pd.DataFrame:
        """A row a point, along the line."""
        table = pd.DataFrame(
            {
                "position": self.position,
                "kind": self.points.kind,
                "stability": self.points.stability,
                "speed": self.points.speed,
                "time_constant": self.time_constants[:, 0],
                "next_time_constant": self.time_constants[:, 1],
                "alignment": self.alignment,
                "local_share": self.local_share,
            }
        )
        return table.sort_values("position", ignore_index=True)

    def selected(self, direction: Any) -> np.ndarray:
        """Return how fast an input moves the network along the line, (point,).

        It is s . B d / dt, with the selection vector s, the derivative B of a step by its inputs
        and the change d of the inputs: in units of the state per ms.

        Args:
            direction: change of the inputs, (input,), such as rightward less leftward motion.
        """
        return np.einsum("pi,pi->p", self.selection_vectors, self.input_vectors(direction))

    def input_vectors(self, direction: Any) -> np.ndarray:
        """Return how fast an input moves the state, B d / dt, in units of it per ms, (point, n).

        Args:
            direction: change of the inputs, (input,).
        """
        change = np.asarray(direction, float)
        n = self.points.inputs.shape[1]
        if change.shape != (n,) or not np.isfinite(change).all():
            raise ValueError(
                f"`direction` must be finite changes of the {n} inputs, ({n},), got "
                f"{direction!r}. Give 0 for those that stay."
            )
        return self.points.input_jacobians @ change / self.points.dt

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw the time constants of the slowest mode (filled) and of the next (hollow).

        Args:
            ax: where to draw; a new figure unless given.
            label: name of the line in a legend.
            color: its colour.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.2, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        order = np.argsort(self.position)
        for mode, face, name in ((0, color, label or "slowest mode"), (1, "white", None)):
            if mode == 1 and label is None:
                name = "next mode"
            ax.plot(
                self.position[order], self.time_constants[order, mode], "o-", color=color,
                markerfacecolor=face, markersize=4, linewidth=0.8, label=name,
            )  # fmt: skip
        shown = self.time_constants[:, :2]
        shown = shown[np.isfinite(shown) & (shown > 0)]
        if len(shown) and np.ptp(shown) < 1e-6 * shown.max():
            ax.set_ylim(shown[0] / 2, shown[0] * 2)  # one value gives an axis no length
        ax.set_yscale("log")
        ax.set(xlabel="position along the line (units of the state)", ylabel="time constant (ms)")
        if label is None:
            ax.legend(frameon=False, fontsize="small")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        said = {True: "a line attractor", False: "no line attractor", None: "undetermined"}
        first, second = np.median(self.time_constants, axis=0)
        values = dict(zip(self.criteria["criterion"], self.criteria["value"], strict=True))
        missed = [str(name) for name in self.criteria.loc[~self.criteria["met"], "criterion"]]
        why = f"not met: {', '.join(missed)}" if self.is_line is False else self.status
        note = "" if self.is_line else f" ({why})"
        return (
            f"<LineAttractor: {said[self.is_line]}{note}, {len(self.position)} points; "
            f"neighbours vary along one direction by {values['share']:.1%}; time constants "
            f"{first:.4g} and {second:.4g} ms; slowest mode and line |cos| "
            f"{values['alignment']:.3f}>"
        )

    def _repr_html_(self) -> str:
        rows = self.criteria.to_html(float_format="{:.4g}".format, index=False)
        return f"<p>{repr(self)[1:-1]}</p>{rows}"
