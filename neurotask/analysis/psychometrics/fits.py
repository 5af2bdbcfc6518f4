"""Psychometric curves of several groups of trials."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from scipy.stats import t

from neurotask._checks import choose, number
from neurotask.analysis.psychometrics import plot as plotting
from neurotask.analysis.psychometrics.fit import PsychometricFit
from neurotask.analysis.psychometrics.sampling import Method


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PsychometricFits(Mapping[Any, PsychometricFit]):
    """One fit a group, as `psychometric(data, by=...)` makes them: a mapping from group to fit.

    A group is the value of the one name in `by`, or the tuple of values of several.

    Args:
        fits: the fits, in the sorted order of the groups.
        by: the names that the trials were grouped by.
    """

    fits: dict[Hashable, PsychometricFit]
    by: tuple[str, ...]

    def __getitem__(self, group: Any) -> PsychometricFit:
        return self.fits[group]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a group, indexed by it: the figures, `n_trials` and `status`."""
        rows = [
            fit.parameters | {"n_trials": fit.n_trials, "status": fit.status}
            for fit in self.values()
        ]
        return pd.DataFrame(rows, self._index)

    def intervals(
        self, level: float = 0.95, *, method: Method = "posterior", seed: int = 0
    ) -> pd.DataFrame:
        """Return the figures of each group with their intervals, one row a group and figure.

        Args:
            level: probability of the interval, between 0 and 1.
            method: "posterior" or "bootstrap", as in `PsychometricFit.interval`.
            seed: of the draws.

        Returns:
            A table with the names in `by`, `figure`, `estimate`, `low`, `high`, `status`.
        """
        parts = []
        for fit in self.values():
            part = fit.interval(level, method=method, seed=seed).T
            part.insert(0, "estimate", pd.Series(fit.parameters))
            parts.append(part.assign(status=fit.status))
        whole = pd.concat(parts, keys=list(self), names=[*self.by, "figure"])
        return whole.reset_index()

    def across(self, name: str, level: float = 0.95) -> pd.DataFrame:
        """Return the mean of each figure over networks, animals or sessions, each fitted by itself.

        The observer is the unit: the interval is Student's over its fits, so it tells how observers
        differ, which trials pooled over observers do not.

        Args:
            name: the name in `by` whose groups are the observers.
            level: of the interval, between 0 and 1.

        Returns:
            One row a group of the other names and figure: `mean`, `sd`, `low`, `high`, `n`, and
            `n_undetermined`, how many of the observers had to be left out.

        Raises:
            ValueError: if `name` is not in `by`.
        """
        choose("name", name, self.by)
        number("level", level, low=0, high=1)
        others = [one for one in self.by if one != name]
        long = self.table.drop(columns=["n_trials", "status"]).melt(
            var_name="figure", value_name="value", ignore_index=False
        )
        # In the order of the figures, not of the alphabet.
        long["figure"] = pd.Categorical(long["figure"], list(dict.fromkeys(long["figure"])))
        groups = long.reset_index().groupby([*others, "figure"], observed=True)["value"]
        found = groups.agg(mean="mean", sd="std", n="count")
        n = found["n"].clip(lower=1)  # of one observer the interval is NaN
        half = t.ppf((1 + level) / 2, np.maximum(n - 1, 1)) * found["sd"] / np.sqrt(n)
        ends = {"low": found["mean"] - half, "high": found["mean"] + half}
        return found.assign(**ends, n_undetermined=groups.size() - found["n"])

    @property
    def _index(self) -> pd.Index:
        if len(self.by) == 1:
            return pd.Index(list(self), name=self.by[0])
        return pd.MultiIndex.from_tuples(list(self), names=self.by)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        xlabel: str | None = None,
        xscale: Literal["linear", "log"] | None = None,
        level: float = 0.95,
    ) -> Axes:
        """Draw the curve of each group into one pair of axes, as `PsychometricFit.plot` does.

        Of more than 20 groups the curves alone are drawn, without data, bands and legend.

        Args:
            ax: where to draw; a new figure unless given.
            xlabel: of the axis; its name and unit unless given.
            xscale: "linear" or "log", as in `PsychometricFit.plot`.
            level: of the intervals and the bands.

        Returns:
            The axes, with a legend.
        """
        name = "colorblind" if len(self) <= 10 else "viridis"
        colors = sns.color_palette(name, len(self))
        curves = [(str(group), c, self[group]) for group, c in zip(self, colors, strict=True)]
        return plotting.draw(curves, ax, xlabel, xscale, level, ", ".join(self.by))

    def __repr__(self) -> str:
        return f"<PsychometricFits by {', '.join(self.by)}>\n{self.table}"

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)
