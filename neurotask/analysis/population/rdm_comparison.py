"""How alike two matrices of dissimilarities are."""

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from scipy.stats import rankdata

from neurotask._streams import Stream, generator
from neurotask.analysis._axes import axes_or_new, bare

_NAMES = {
    "correlation": "1 - correlation",
    "euclidean": "distance",
    "mahalanobis": "Mahalanobis distance",
    "crossnobis": "crossnobis (squared distance)",
}
_CHUNK = 4_000_000  # numbers of a chunk of permuted pairs of pairs


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RDMComparison:
    """How alike two matrices are; `RDM.compare` makes it.

    Args:
        table: one row, or one a time: `time`, `value`, `p`. NaN where a matrix has NaN there or
            does not vary.
        method: how they were compared.
        n_conditions: number of conditions.
        n_permutations: shuffles that p was found by.
    """

    table: pd.DataFrame
    method: str
    n_conditions: int
    n_permutations: int

    @property
    def value(self) -> Any:
        """Return how alike they are, a number or (time,)."""
        return self._column("value")

    @property
    def p(self) -> Any:
        """Return the share of shuffles as alike or more, a number or (time,)."""
        return self._column("p")

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw the value over time, or the one value."""
        ax = axes_or_new(ax, (4.2, 3.0))
        color = sns.color_palette("colorblind")[0] if color is None else color
        timed = "time" in self.table
        x = self.table["time"] if timed else np.zeros(1)
        marker = "" if len(self.table) > 2 else "o"
        ax.plot(x, self.table["value"], marker=marker, color=color, label=label)
        ax.axhline(0, color="0.6", linewidth=0.8, linestyle=":")
        if timed:
            ax.set_xlabel("time (ms)")
        else:
            ax.set_xticks([])
        ax.set_ylabel(f"similarity of dissimilarities ({self.method})")
        bare(ax)
        return ax

    def _column(self, name: str) -> Any:
        column = self.table[name].to_numpy()
        return column if "time" in self.table else float(column[0])

    def __repr__(self) -> str:
        best = self.table.loc[self.table["value"].fillna(-np.inf).idxmax()]
        most = "up to " if len(self.table) > 1 else ""
        return (
            f"<RDMComparison ({self.method}) over {self.n_conditions} conditions: {most}"
            f"{best['value']:.3g}, p {best['p']:.3g} ({self.n_permutations} permutations)>"
        )


def name_of(metric: str) -> str:
    """Return a metric in words."""
    return _NAMES[metric]


def compare(
    a: xr.DataArray, b: xr.DataArray, method: str, n_permutations: int, seed: int
) -> RDMComparison:
    """Compare two matrices of the same conditions in the same order; see `RDM.compare`."""
    times = [one["time"].to_numpy() for one in (a, b) if "time" in one.dims]
    if len(times) == 2 and (len(times[0]) != len(times[1]) or not np.allclose(times[0], times[1])):
        raise ValueError(
            f"`other` must be of the same times, {times[0][0]:g} to {times[0][-1]:g} ms in "
            f"{len(times[0])}, got {times[1][0]:g} to {times[1][-1]:g} ms in {len(times[1])}. "
            "Give both the same `window` and `bin`."
        )
    n = a.sizes["condition"]
    orders = _orders(n, n_permutations, seed)
    first, second = (one.to_numpy().reshape(-1, n, n) for one in (a, b))
    n_times = max(len(first), len(second))
    rows = [
        _one(first[t % len(first)], second[t % len(second)], orders, method) for t in range(n_times)
    ]
    table = pd.DataFrame(rows, columns=["value", "p"])
    if times:
        table.insert(0, "time", times[0])
    return RDMComparison(table=table, method=method, n_conditions=n, n_permutations=len(orders) - 1)


def _orders(n: int, n_permutations: int, seed: int) -> np.ndarray:
    """Orders of the conditions, the true one first."""
    if math.factorial(n) <= n_permutations + 1:
        return np.array(list(permutations(range(n))))
    rng = generator(seed, Stream.ANALYSIS, 4)
    shuffled = rng.permuted(np.tile(np.arange(n), (n_permutations, 1)), axis=1)
    return np.concatenate([np.arange(n)[None], shuffled])


def _one(a: np.ndarray, b: np.ndarray, orders: np.ndarray, method: str) -> tuple[float, float]:
    """How alike two matrices are, and the share of orders as alike (the true one among them)."""
    i, j = np.triu_indices(len(a), 1)
    x, every = a[i, j], b[orders[:, i], orders[:, j]]
    if np.isnan(x).any() or np.isnan(every[0]).any():
        return np.nan, np.nan
    values = _kendall(x, every) if method == "kendall" else _cosine(x, every, method)
    if np.isnan(values[0]):
        return np.nan, np.nan
    return float(values[0]), float((values >= values[0] - 1e-12).mean())


def _cosine(x: np.ndarray, every: np.ndarray, method: str) -> np.ndarray:
    """Cosine of the pairs, of their ranks around their mean, or of themselves around it."""
    if method == "spearman":
        x, every = rankdata(x), rankdata(every, axis=1)
    if method != "cosine":
        x, every = x - x.mean(), every - every.mean(axis=1, keepdims=True)
    length = np.linalg.norm(x) * np.linalg.norm(every, axis=1)
    return (every @ x) / np.where(length > 0, length, np.nan)


def _kendall(x: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Kendall's tau-a: concordant less discordant pairs, over all pairs."""
    i, j = np.triu_indices(len(x), 1)
    sign = np.sign(x[i] - x[j])
    size = max(1, _CHUNK // len(i))
    parts = [every[k : k + size] for k in range(0, len(every), size)]
    return np.concatenate([np.sign(p[:, i] - p[:, j]) @ sign for p in parts]) / len(i)
