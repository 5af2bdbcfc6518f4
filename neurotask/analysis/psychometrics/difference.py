"""Do two conditions have different psychometric curves, and in what?"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotask._checks import count, number
from neurotask.analysis.psychometrics.bootstrap import generator, refit, simulate
from neurotask.analysis.psychometrics.counts import Counts
from neurotask.analysis.psychometrics.draws import interval

if TYPE_CHECKING:
    from neurotask.analysis.psychometrics.fit import PsychometricFit


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CurveDifference:
    """The difference between two psychometric curves.

    Args:
        table: one row a figure: `difference` (second minus first), `low` and `high` of its
            posterior interval, `p_greater`, the posterior probability that the second is greater.
        deviance: twice the log likelihood by which two curves fit better than a common one.
        df: how many parameters two curves have more.
        p: share of pairs of experiments, simulated from the common curve and fitted likewise, whose
            deviance is as large.
    """

    table: pd.DataFrame
    deviance: float
    df: int
    p: float

    def __repr__(self) -> str:
        return (
            f"<CurveDifference: deviance={self.deviance:.4g} of two curves against one "
            f"({self.df} parameters more), p={self.p:.3g}>\n{self.table}"
        )

    def _repr_html_(self) -> str:
        head = f"deviance {self.deviance:.4g}, {self.df} parameters more, p = {self.p:.3g}"
        return f"<p>Two curves against one: {head}</p>" + self.table.to_html(
            float_format="{:.4g}".format
        )


def difference(
    one: "PsychometricFit", two: "PsychometricFit", level: float, n: int, seed: int
) -> CurveDifference:
    """Return how `two` differs from `one`; `PsychometricFit.compare` says more."""
    number("level", level, low=0, high=1)
    count("n", n, low=100)
    _check_alike(one, two)
    pooled = one.refitted(_pooled(one.counts, two.counts))
    deviance = _gain(one, two, pooled)
    extreme = _simulated(one, two, pooled, n, seed) >= deviance
    return CurveDifference(
        table=_table(one, two, level, seed),
        deviance=deviance,
        df=len(one.best) + len(two.best) - len(pooled.best),
        p=float((extreme.sum() + 1) / (n + 1)),
    )


def _check_alike(one: "PsychometricFit", two: "PsychometricFit") -> None:
    if type(two) is not type(one):
        raise TypeError(f"`other` must be a PsychometricFit, got {two!r}. Give fits[group].")
    for what in ("form", "sigmoid"):
        if getattr(one, what) != getattr(two, what):
            raise ValueError(
                f"`other` must be a fit of the same {what}, {getattr(one, what)!r}, got "
                f"{getattr(two, what)!r}. Fit both alike."
            )
    if one.settings != two.settings:
        raise ValueError(
            f"`other` must be a fit with the same settings, {one.settings}, got {two.settings}. "
            "Fit both alike."
        )
    if one.counts.axis != two.counts.axis:
        raise ValueError(
            f"`other` must be a fit over the same axis, {one.counts.axis!r}, got "
            f"{two.counts.axis!r}. Fit both alike."
        )


def _pooled(one: Counts, two: Counts) -> Counts:
    levels = pd.concat([one.levels, two.levels])
    sums = levels.groupby("x", as_index=False).agg(
        {"n_trials": "sum", "n_positive": "sum", "trained": "all"}
    )
    silent, unscored = (
        getattr(one, name) + getattr(two, name) for name in ("n_no_response", "n_unscored")
    )
    return replace(one, levels=sums, n_no_response=silent, n_unscored=unscored)


def _gain(one: "PsychometricFit", two: "PsychometricFit", pooled: "PsychometricFit") -> float:
    apart = sum(float(fit.posterior.log_likelihood(fit.best)) for fit in (one, two))
    return max(2 * (apart - float(pooled.posterior.log_likelihood(pooled.best))), 0.0)


def _simulated(
    one: "PsychometricFit", two: "PsychometricFit", pooled: "PsychometricFit", n: int, seed: int
) -> np.ndarray:
    """Deviances of pairs of experiments that have the common curve, (n,)."""
    together = np.zeros((n, len(pooled.posterior.u)))
    apart = np.zeros(n)
    for place, fit in enumerate((one, two)):
        levels = np.searchsorted(pooled.counts.levels["x"], fit.counts.levels["x"])
        part = replace(
            pooled.posterior, u=pooled.posterior.u[levels], n=fit.posterior.n, k=fit.posterior.k
        )
        rng = generator(fit.posterior, seed, f"difference {place}")
        k = simulate(part, pooled.best, n, rng)
        together[:, levels] += k
        ends = refit(fit.posterior, fit.best, k)
        apart += replace(fit.posterior, k=k).log_likelihood(ends)
    several = replace(pooled.posterior, k=together)
    ends = refit(pooled.posterior, pooled.best, together)
    return np.maximum(2 * (apart - several.log_likelihood(ends)), 0.0)


def _table(one: "PsychometricFit", two: "PsychometricFit", level: float, seed: int) -> pd.DataFrame:
    # Fits of the same data have the same draws; in another order they are pairs of any two.
    first, second = one.draws(seed=seed), two.draws(seed=seed)
    order = generator(one.posterior, seed, "pairs").permutation(len(second))
    drawn = second.iloc[order].reset_index(drop=True) - first
    estimate = np.array([two.parameters[name] - one.parameters[name] for name in drawn])
    low, high = interval(drawn.to_numpy(), estimate, level)
    share = (drawn > 0).mean() + (drawn == 0).mean() / 2
    greater = np.where(np.isnan(estimate), np.nan, share.to_numpy())
    columns = {"difference": estimate, "low": low, "high": high, "p_greater": greater}
    return pd.DataFrame(columns, index=drawn.columns)
