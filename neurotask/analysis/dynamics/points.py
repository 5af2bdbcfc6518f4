"""`FixedPoints`: what a search for fixed points found."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose, count
from neurotask.analysis.dynamics import linear
from neurotask.analysis.dynamics import points_plot as plotting
from neurotask.analysis.dynamics.search import PointSearch


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FixedPoints:
    """Fixed and slow points of a network under constant inputs, and the dynamics near each.

    `fixed_points` makes it. Points are in the order of conditions, in each the fixed before the
    slow ones, and those that most starts led to first. `n` is the number of entries of a state.

    Args:
        states: (point, unit), or (point, variable, unit).
        rates: (point, unit), None where nothing said what the rates are.
        inputs: the constant inputs, (point, input).
        kind: "fixed" or "slow", (point,).
        q: |F(x, u) - x|^2 / (2 dt^2), in squared units of the state per ms, (point,).
        jacobians: derivatives of a step, after by before, (point, n, n).
        input_jacobians: derivatives of a step by its inputs, (point, n, input).
        eigenvalues: of the Jacobians, the slowest mode first, (point, n), complex.
        conditions: the condition of each point, a column a name; none where all are searched as
            one.
        starts: a row a start: condition, trial and time (ms) of the visited state, `point` that it
            led to (-1 for none), `status` ("fixed", "slow", "unconverged"), why it ended, its speed
            there and how many iterations it took.
        arrived: how many starts led to each point, (point,).
        distance: from each point to the nearest start, in spreads of the visited states, (point,).
        visited: states that starts were drawn from, a part of them, (state, unit) or (state,
            variable, unit).
        input_summary: what the inputs are the mean of, a row a condition and channel; empty where
            they were given.
        phase: the phase whose inputs were held, or None.
        spread: root mean square distance of the visited states from their mean.
        dt: length of a step in ms.
        search: tolerances.
    """

    states: np.ndarray
    rates: np.ndarray | None
    inputs: np.ndarray
    kind: np.ndarray
    q: np.ndarray
    jacobians: np.ndarray
    input_jacobians: np.ndarray
    eigenvalues: np.ndarray
    conditions: pd.DataFrame
    starts: pd.DataFrame
    arrived: np.ndarray
    distance: np.ndarray
    visited: np.ndarray
    input_summary: pd.DataFrame
    phase: str | None
    spread: float
    dt: float
    search: PointSearch

    def __len__(self) -> int:
        return len(self.states)

    @property
    def speed(self) -> np.ndarray:
        """Speed of the network at each point, |F(x, u) - x| / dt, in units of the state per ms."""
        return np.sqrt(2.0 * self.q)

    @property
    def time_constants(self) -> np.ndarray:
        """-dt / ln |lambda| in ms, (point, n): of decay; below 0 of growth; inf for neither."""
        return linear.time_constants(self.eigenvalues, self.dt)

    @property
    def frequencies(self) -> np.ndarray:
        """How often each mode turns, in Hz, (point, n)."""
        return linear.frequencies(self.eigenvalues, self.dt)

    @property
    def stability(self) -> np.ndarray:
        """Whether a point is "stable", "marginal", a "saddle" or "unstable", (point,)."""
        return np.array([linear.stability(one)[0] for one in self.eigenvalues], dtype="<U8")

    @property
    def n_unstable(self) -> np.ndarray:
        """Along how many modes states leave, (point,)."""
        return np.array([linear.stability(one)[1] for one in self.eigenvalues], dtype=int)

    @property
    def outlier(self) -> np.ndarray:
        """Whether a point is far from all starts, (point,): the network may never be there."""
        return self.distance > self.search.distant

    @property
    def n_unconverged(self) -> int:
        """How many starts led to neither a fixed nor a slow point."""
        return int((self.starts["status"] == "unconverged").sum())

    @property
    def table(self) -> pd.DataFrame:
        """A row a point; time constant (ms) and frequency (Hz) are those of the slowest mode."""
        first = self.eigenvalues[:, :1]
        columns = {
            "kind": self.kind,
            "stability": self.stability,
            "n_unstable": self.n_unstable,
            "speed": self.speed,
            "q": self.q,
            "eigenvalue": first[:, 0],
            "time_constant": linear.time_constants(first, self.dt)[:, 0],
            "frequency": linear.frequencies(first, self.dt)[:, 0],
            "n_starts": self.arrived,
            "distance": self.distance,
            "outlier": self.outlier,
        }
        return pd.concat([self.conditions, pd.DataFrame(columns)], axis=1).rename_axis("point")

    def modes(self, point: int) -> linear.Modes:
        """Return eigenvalues, right and left eigenvectors of a point, the slowest mode first.

        Args:
            point: its number.
        """
        if count("point", point, low=0) >= len(self):
            raise ValueError(
                f"`point` must be a number from 0 to {len(self) - 1}, got {point}. See `table`."
            )
        return linear.modes(self.jacobians[point])

    def sel(self, **levels: Any) -> "FixedPoints":
        """Return the points of some conditions alone, as in `points.sel(context="motion")`."""
        points = np.ones(len(self), bool)
        starts = np.ones(len(self.starts), bool)
        summary = np.ones(len(self.input_summary), bool)
        for name, level in levels.items():
            if not len(self.conditions.columns):
                raise ValueError(
                    f"`levels` must be left out for points of one condition, got {name!r}. Search "
                    f"each by itself: fixed_points(..., condition={name!r})."
                )
            choose("levels", name, map(str, self.conditions.columns))
            known = self.starts[name].unique().tolist()
            if level not in known:
                raise ValueError(f"`{name}` must be one of {known}, got {level!r}.")
            points &= (self.conditions[name] == level).to_numpy()
            starts &= (self.starts[name] == level).to_numpy()
            if len(summary):
                summary &= (self.input_summary[name] == level).to_numpy()
        kept = self.starts[starts].reset_index(drop=True)
        number = np.append(np.cumsum(points) - 1, -1)
        kept["point"] = number[kept["point"]]
        return self._with(points, kept, self.input_summary[summary].reset_index(drop=True))

    def only(self, which: np.ndarray) -> "FixedPoints":
        """Return some of the points alone, as in `points.only(points.kind == "fixed")`.

        The starts that led to the others are left in `starts` with the point -1.

        Args:
            which: one boolean a point, (point,).
        """
        which = np.asarray(which)
        if which.dtype != bool or which.shape != (len(self),):
            raise ValueError(
                f"`which` must be one boolean for each of {len(self)} points, got {which.dtype} "
                f"of the shape {which.shape}."
            )
        number = np.append(np.where(which, np.cumsum(which) - 1, -1), -1)
        starts = self.starts.assign(point=number[self.starts["point"]])
        return self._with(which, starts, self.input_summary)

    def plot(
        self, pca: Any = None, ax: Axes | None = None, *, components: tuple[int, int] = (0, 1)
    ) -> Axes:
        """Draw the points in the plane of two principal components, over the trajectories.

        Stable points are filled, those with growing modes hollow, and slow points small.

        Args:
            pca: a `PCA` of "rates" or "states" of the same network, whose trajectories are drawn;
                the plane of the visited states unless given.
            ax: where to draw; a new figure unless given.
            components: which two, from 0.

        Returns:
            The axes.

        Raises:
            ValueError: if the PCA is of another variable, size or centre.
        """
        return plotting.draw(self, pca, ax, components)

    def plot_eigenvalues(self, ax: Axes | None = None) -> Axes:
        """Draw the eigenvalues of all points in the complex plane, with the unit circle.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        return plotting.eigenvalues(self, ax)

    def _with(
        self, which: np.ndarray, starts: pd.DataFrame, summary: pd.DataFrame
    ) -> "FixedPoints":
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, values in own.items():
            if isinstance(values, np.ndarray) and name != "visited":
                own[name] = values[which]
        own["conditions"] = self.conditions[which].reset_index(drop=True)
        return FixedPoints(**own | {"starts": starts, "input_summary": summary})

    def __repr__(self) -> str:
        found = [
            f"{int(((self.kind == kind) & (self.stability == name)).sum())} {kind} ({name})"
            for kind in ("fixed", "slow")
            for name in ("stable", "marginal", "saddle", "unstable")
        ]
        found = ", ".join(text for text in found if not text.startswith("0 ")) or "none"
        names = f" for each {', '.join(self.conditions)}" if len(self.conditions.columns) else ""
        held = "given" if self.phase is None else f"the mean of {self.phase!r}"
        differing = (
            self.input_summary.loc[self.input_summary["differs"], "input"].unique().tolist()
            if len(self.input_summary)
            else []
        )
        note = f" (trials differ in {', '.join(differing)})" if differing else ""
        return (
            f"<FixedPoints{names}: {found}; {int(self.outlier.sum())} outliers; "
            f"{self.n_unconverged} of {len(self.starts)} starts unconverged; inputs {held}{note}>"
        )

    def _repr_html_(self) -> str:
        rows = self.table.to_html(float_format="{:.4g}".format)
        return f"<p>{repr(self)[1:-1]}</p>{rows}"
