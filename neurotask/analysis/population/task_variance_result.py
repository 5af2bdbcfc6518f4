"""The result of `task_variance`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis._axes import axes_or_new, bare


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TaskVariance:
    """How much each unit varies in each task; `task_variance` makes it.

    Args:
        variance: of each unit over the conditions of each task, (unit, task), in squared units of
            the activity.
        normalized: the same, each unit's divided by its largest; NaN for a unit of cluster 0.
        cluster: of each unit, from 1; 0 for units that take part in no task.
        silhouettes: mean silhouette of the active units by number of clusters; empty where there
            are too few units to cluster.
        units: what is known of each unit.
        of: the variable of the Session.
        condition: names of the conditions; empty for single trials.
        min_variance: summed over tasks, below which a unit takes part in none.
    """

    variance: pd.DataFrame
    normalized: pd.DataFrame
    cluster: pd.Series
    silhouettes: pd.Series
    units: pd.DataFrame
    of: str
    condition: tuple[str, ...]
    min_variance: float

    @property
    def n_clusters(self) -> int:
        """Return the number of clusters of active units."""
        return int(self.cluster.max())

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a unit: what is known of it, `cluster`, and its variance in each task."""
        columns = [self.cluster.reset_index(drop=True), self.variance.reset_index(drop=True)]
        return pd.concat([self.units, *columns], axis=1)

    def fractional(self, a: Any, b: Any) -> pd.Series:
        """Return (V_a - V_b) / (V_a + V_b) of each unit: 1 if it takes part in task `a` alone.

        NaN for units of cluster 0, and for those that vary in neither.

        Args:
            a: a task.
            b: another.
        """
        for name, task in (("a", a), ("b", b)):
            if task not in self.variance:
                raise ValueError(
                    f"`{name}` must be one of the tasks {list(self.variance)}, got {task!r}."
                )
        first, second = self.variance[a], self.variance[b]
        total = first + second
        kept = (total > 0) & (self.cluster > 0)
        return ((first - second) / total.where(kept)).rename("fractional_variance")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the normalised variance of the active units, sorted by cluster, as a heat map."""
        size = (2.0 + 0.04 * len(self.variance), 1.4 + 0.22 * self.variance.shape[1])
        ax = axes_or_new(ax, (min(max(size[0], 4.0), 8.0), max(size[1], 2.6)))
        active = self.cluster[self.cluster > 0].sort_values(kind="stable")
        values = self.normalized.loc[active.index].to_numpy()
        mesh = ax.imshow(values.T, aspect="auto", vmin=0, vmax=1, cmap="viridis")
        figure = ax.get_figure()
        assert figure is not None
        figure.colorbar(mesh, ax=ax, label="task variance\n(of the unit's largest)")
        for edge in np.flatnonzero(np.diff(active.to_numpy())) + 0.5:
            ax.axvline(edge, color="white", linewidth=1.2)
        centres = active.reset_index(drop=True)
        middle = centres.index.to_series().groupby(centres.to_numpy()).mean()
        ax.set_xticks(middle.to_numpy(), [str(one) for one in middle.index])
        ax.set_yticks(range(values.shape[1]), [str(task) for task in self.variance])
        ax.set_xlabel(f"units ({len(active)} of {len(self.cluster)}), by cluster")
        ax.set_ylabel("task")
        return ax

    def plot_fractional(self, a: Any, b: Any, ax: Axes | None = None) -> Axes:
        """Draw the histogram of the fractional variance of two tasks."""
        ax = axes_or_new(ax, (3.6, 2.8))
        values = self.fractional(a, b).dropna()
        color = sns.color_palette("colorblind")[0]
        ax.hist(values, bins=np.linspace(-1, 1, 21).tolist(), color=color)
        ax.set_xlabel(f"fractional variance ({a} against {b})")
        ax.set_ylabel("units")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        n = int((self.cluster > 0).sum())
        over = "single trials" if not self.condition else f"{', '.join(self.condition)}"
        score = self.silhouettes.get(self.n_clusters, np.nan)
        return (
            f"<TaskVariance of {self.of} over {over} in {self.variance.shape[1]} tasks: {n} of "
            f"{len(self.cluster)} units active, {self.n_clusters} clusters (silhouette "
            f"{score:.2f})>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.3g}".format, max_rows=12, index=False)
