"""Psychometric curves of several groups of trials."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask.analysis.psychometrics import plot as plotting
from neurotask.analysis.psychometrics.fit import PsychometricFit


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
        if len(self.by) == 1:
            return pd.DataFrame(rows, pd.Index(list(self), name=self.by[0]))
        return pd.DataFrame(rows, pd.MultiIndex.from_tuples(list(self), names=self.by))

    def plot(
        self,
        ax: Axes | None = None,
        *,
        xlabel: str | None = None,
        xscale: Literal["linear", "log"] | None = None,
        level: float = 0.95,
    ) -> Axes:
        """Draw the curve of each group into one pair of axes, as `PsychometricFit.plot` does.

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
