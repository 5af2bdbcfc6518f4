"""The result of `tuning`: tables of what units are tuned to, and their figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose
from neurotask.analysis._corrections import Correction
from neurotask.analysis.population import tuning_plot as plotting
from neurotask.analysis.population.mixed_selectivity import CLASSES


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Tuning:
    """What each unit is tuned to; `tuning` makes it.

    Args:
        table: one row a unit: `unit`, `cell_type` and `area` where known, `mean` (over trials),
            `selectivity` (the class) and `selective_to`, then for each variable V
            `V_preferred` (the level of the highest mean; missing where all are equal), `V_index`
            ((highest - lowest mean) / (|highest| + |lowest|), from 0 to 1), `V_eta2` (share of the
            variance over trials that lies between levels) and `V_p` (of eta2, by permutation,
            corrected); where V has two levels, `V_roc_area` (of the second level above the first),
            `V_roc_p` and `V_d_prime` (infinite where trials do not vary and levels differ, NaN of
            a level of one trial);
            where V is circular, `V_angle` (preferred, in the unit of V; NaN where untuned),
            `V_strength` (length of the mean vector, 0 to 1; NaN where activity is negative),
            `V_circular_variance` (1 - strength) and `V_cosine_r2`.
        curves: tuning curves, one row a variable, level and unit: `mean`, `sem` (standard error
            over trials; NaN of one trial), `n_trials`.
        terms: the regression behind the classes, one row a unit and term (a variable, or a pair
            "a x b"): `share` of variance that the term adds, `f`, `p` (corrected).
        variables: names of the variables.
        levels: the levels of each variable.
        of: the variable of the Session.
        where: what part of a trial was averaged.
        n_trials: number of trials.
        noise_free: whether the trials of each combination of levels are the same: then p says how
            many copies there are, and the shares alone tell.
        alpha: p below which a term counts.
        min_share: share of variance from which a term counts.
        correction: "fdr", "holm" or "none", over units (and terms of the regression).
        status: "ok", or which terms the trials do not determine.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    terms: pd.DataFrame
    variables: tuple[str, ...]
    levels: dict[str, np.ndarray]
    of: str
    where: str
    n_trials: int
    noise_free: bool
    alpha: float
    min_share: float
    correction: Correction
    status: str

    @property
    def classes(self) -> pd.Series:
        """Return the number of units of each class."""
        counts = self.table["selectivity"].value_counts()
        return counts.reindex([name for name in CLASSES if name in counts]).rename("n_units")

    def plot(
        self,
        ax: Axes | None = None,
        *,
        variables: tuple[str, str] | None = None,
        measure: str | None = None,
    ) -> Axes:
        """Draw the selectivity of each unit to two variables, coloured by class.

        Args:
            ax: where to draw; a new figure unless given.
            variables: which two; the first two unless given. Where only one was analysed, its
                tuning curves are drawn instead.
            measure: what is drawn: "eta2", "index", "roc_area" or another figure that both have;
                "roc_area" where both have two levels, else "eta2", unless given.
        """
        if variables is None and len(self.variables) == 1:
            return self.plot_curves(ax=ax)
        pair = self.variables[:2] if variables is None else tuple(variables)
        if len(pair) != 2:
            raise ValueError(f"`variables` must be two names, got {pair}. Give two.")
        for name in pair:
            choose("variables", name, self.variables)
        if measure is None:
            two = all(f"{name}_roc_area" in self.table for name in pair)
            measure = "roc_area" if two else "eta2"
        for name in pair:
            self._figure(name, measure)
        return plotting.scatter(self, ax, (pair[0], pair[1]), measure)

    def plot_curves(
        self,
        units: Sequence[int] | None = None,
        *,
        variable: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the mean activity of units at each level, with standard errors.

        Args:
            units: which units, as the column `unit` names them; unless given the six whose activity
                the variable explains most of.
            variable: whose levels; the first unless given.
            ax: where to draw; a new figure unless given.
        """
        name = choose("variable", variable or self.variables[0], self.variables)
        known = self.table["unit"].tolist()
        if units is None:
            best = self.table.sort_values(f"{name}_eta2", ascending=False, kind="stable")
            units = sorted(best["unit"].iloc[:6].tolist(), key=known.index)
        for unit in units:
            if unit not in known:
                raise ValueError(
                    f"`units` must be of the column `unit` of the table, got {unit!r}. Look there."
                )
        return plotting.curves(self, ax, list(units), name)

    def _figure(self, variable: str, measure: str) -> pd.Series:
        start = f"{variable}_"
        known = [name.removeprefix(start) for name in self.table if name.startswith(start)]
        return self.table[start + choose("measure", measure, known)]

    def __repr__(self) -> str:
        classes = ", ".join(f"{n} {name}" for name, n in self.classes.items())
        noise = "; noise-free: trials are copies, p is not to be read" if self.noise_free else ""
        return (
            f"<Tuning of {self.of} in {self.where} to {', '.join(self.variables)}: "
            f"{len(self.table)} units, {self.n_trials} trials; {classes} (p < {self.alpha:g}, "
            f"{self.correction}, share >= {self.min_share:g}){noise}; {self.status}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.3g}".format, max_rows=12, index=False)
