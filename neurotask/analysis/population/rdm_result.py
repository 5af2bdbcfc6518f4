"""The result of `rdm`: matrices of dissimilarities, and how alike two of them are."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from neurotask._checks import choose, count, listed
from neurotask.analysis._axes import axes_or_new
from neurotask.analysis.population.rdm_comparison import RDMComparison, compare, name_of

Method = Literal["spearman", "kendall", "pearson", "cosine"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RDM:
    """Dissimilarities between the responses to conditions; `rdm` makes it.

    Args:
        matrix: (condition, condition_), or (time, condition, condition_) with time in ms from the
            event; symmetric. NaN where the data do not determine it.
        n_trials: trials of each condition, (condition,).
        condition: names whose levels are the conditions.
        metric: "correlation", "euclidean", "mahalanobis" or "crossnobis".
        of: the variable of the Session.
        where: what part of a trial it is of.
    """

    matrix: xr.DataArray
    n_trials: np.ndarray
    condition: tuple[str, ...]
    metric: str
    of: str
    where: str

    @property
    def labels(self) -> list[Any]:
        """Return the conditions."""
        return self.matrix["condition"].to_numpy().tolist()

    @property
    def pairs(self) -> np.ndarray:
        """Return the entries above the diagonal, (pair,) or (time, pair)."""
        i, j = np.triu_indices(len(self.labels), 1)
        return self.matrix.to_numpy()[..., i, j]

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a pair of conditions (and time): `a`, `b`, `dissimilarity`."""
        i, j = np.triu_indices(len(self.labels), 1)
        labels = pd.Series(self.labels)
        pairs = np.atleast_2d(self.pairs)
        table = pd.DataFrame(
            {
                "a": np.tile(labels[i], len(pairs)),
                "b": np.tile(labels[j], len(pairs)),
                "dissimilarity": pairs.ravel(),
            }
        )
        if "time" in self.matrix.dims:
            table.insert(0, "time", np.repeat(self.matrix["time"].to_numpy(), len(i)))
        return table

    def compare(
        self,
        other: "RDM | pd.DataFrame",
        *,
        method: Method = "spearman",
        n_permutations: int = 1000,
        seed: int = 0,
    ) -> RDMComparison:
        """Tell how alike two matrices of the same conditions are.

        Args:
            other: of another network, recording or variable; or the dissimilarities that a model
                says, a square table with the conditions as index and columns. Matched by label. Two
                matrices over time must be of the same times; one may be of a single time.
            method: "spearman", "kendall" (tau-a, which does not favour matrices with ties),
                "pearson" or "cosine" (about 0, for crossnobis).
            n_permutations: shuffles of the conditions of the other that p is found by; all of them
                where there are no more.
            seed: of the shuffles.

        Returns:
            An `RDMComparison`: `value` and `p`, the share of shuffles as alike or more.

        Raises:
            ValueError: if conditions or times do not match, or are too few.

        Source: Nili et al. (2014), PLoS Computational Biology 10:e1003553.
        """
        choose("method", method, ("spearman", "kendall", "pearson", "cosine"))
        count("n_permutations", n_permutations)
        theirs = other.matrix if isinstance(other, RDM) else _model(other)
        known = theirs["condition"].to_numpy().tolist()
        if set(self.labels) != set(known) or len(self.labels) < 3:
            raise ValueError(
                f"`other` must have the same conditions, three or more, "
                f"{listed(map(str, self.labels))}, got {listed(map(str, known))}. "
                "Choose them in both."
            )
        order = [known.index(label) for label in self.labels]
        theirs = theirs.isel(condition=order, condition_=order)
        return compare(self.matrix, theirs, method, n_permutations, seed)

    def plot(self, ax: Axes | None = None, *, time: float | None = None) -> Axes:
        """Draw the matrix; of matrices over time the mean, or the one nearest to `time` (ms)."""
        ax = axes_or_new(ax, (4.2, 3.4))
        matrix = self.matrix
        if "time" in matrix.dims:
            matrix = (
                matrix.mean("time") if time is None else matrix.sel(time=time, method="nearest")
            )
        values, labels = matrix.to_numpy(), [str(label) for label in self.labels]
        mesh = ax.imshow(values, cmap=sns.color_palette("viridis", as_cmap=True))
        figure = ax.get_figure()
        assert figure is not None
        figure.colorbar(mesh, ax=ax, label=name_of(self.metric))
        ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize="small")
        ax.set_yticks(range(len(labels)), labels, fontsize="small")
        title = ", ".join(self.condition)
        ax.set_xlabel(title)
        ax.set_ylabel(title)
        return ax

    def __repr__(self) -> str:
        times = f", {self.matrix.sizes['time']} times" if "time" in self.matrix.dims else ""
        return (
            f"<RDM ({self.metric}) of {self.of} in {self.where}{times}: {len(self.labels)} "
            f"conditions of {', '.join(self.condition)}, {int(self.n_trials.sum())} trials>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.3g}".format, max_rows=12, index=False)


def _model(table: Any) -> xr.DataArray:
    """A table of dissimilarities as a matrix with labels."""
    if not isinstance(table, pd.DataFrame) or list(table.index) != list(table.columns):
        raise TypeError(
            "`other` must be an RDM, or a square table with the conditions as index and columns, "
            f"got {type(table).__name__}. Make it by pd.DataFrame(matrix, labels, labels)."
        )
    labels = table.index.to_numpy()
    values = table.to_numpy(dtype=float)
    return xr.DataArray(
        values, {"condition": labels, "condition_": labels}, ("condition", "condition_")
    )
