"""Measures of behaviour, and their paired difference between an intact and a lesioned network."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from neurotask._checks import choose
from neurotask._streams import Stream, generator
from neurotask.analysis._rows import choices_of, positive_choice, scored, unanswered
from neurotask.analysis.psychometrics.psychometric import psychometric

SHARES = ("accuracy", "choice", "no_choice")
CURVE = ("bias", "threshold", "slope", "lower", "upper", "guess_rate", "lapse_rate")
MEASURES = (*SHARES, "rt", *CURVE)
_MOST_UNDETERMINED = 0.05  # of the resampled fits, for an interval to be given
Effect = dict[str, Any]


def applicable(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the measures that need no fit and that the data have, if only in some trials."""
    there = {"accuracy": "correct", "rt": "rt", "no_choice": "choice"}
    found = [name for name, column in there.items() if column in rows]
    if "rt" in found and rows["rt"].isna().all():
        found.remove("rt")
    if "choice" in rows and len(choices_of(rows)) == 2:
        found.append("choice")
    return tuple(name for name in MEASURES if name in found)


@dataclass(frozen=True, eq=False, kw_only=True)
class Paired:
    """An intact network's trials, and what the same trials of a lesioned one are compared with.

    Args:
        intact: the intact network, one row a trial.
        level: of the intervals.
        n_bootstrap: resamples of the trials for figures of psychometric curves.
        seed: of the resamples.
    """

    intact: pd.DataFrame
    level: float
    n_bootstrap: int
    seed: int
    _kept: dict[str, Any] = field(default_factory=dict, init=False)

    def effects(self, lesioned: pd.DataFrame, measures: tuple[str, ...]) -> list[Effect]:
        """Return for each measure its values, their difference, an interval and p."""
        curves = [name for name in measures if name in CURVE]
        effects = {name: self._effect(name, lesioned) for name in measures if name not in CURVE}
        if curves:
            effects |= self._curves(curves, lesioned)
        return [{"measure": name, **effects[name]} for name in measures]

    def _effect(self, name: str, lesioned: pd.DataFrame) -> Effect:
        before, after = (_values(name, rows) for rows in (self.intact, lesioned))
        there = ~np.isnan(before) & ~np.isnan(after)
        before, after = before[there], after[there]
        of_two = share_difference if name in SHARES else mean_difference
        figures = dict.fromkeys(("intact", "lesioned", "difference", "low", "high", "p"), np.nan)
        if len(before):
            low, high, p = of_two(before, after, self.level)
            means = float(before.mean()), float(after.mean())
            figures |= {"intact": means[0], "lesioned": means[1], "difference": means[1] - means[0]}
            figures |= {"low": low, "high": high, "p": p}
        status = "ok" if len(before) > 1 else "undetermined: no trials to compare"
        return {**figures, "n_trials": len(before), "status": status}

    def _curves(self, names: list[str], lesioned: pd.DataFrame) -> dict[str, Effect]:
        """Return figures of the psychometric curve, by resampling trials in pairs."""
        before = self._curve_draws()
        after = _draws(lesioned, self._weights(), before["form"])
        effects = {}
        for name in names:
            one, two = before["fit"].get(name, np.nan), after["fit"].get(name, np.nan)
            drawn = after["draws"].get(name, np.nan) - before["draws"].get(name, np.nan)
            drawn = np.atleast_1d(drawn)
            known = drawn[~np.isnan(drawn)]
            sure = len(known) >= (1 - _MOST_UNDETERMINED) * len(drawn) and len(known) > 1
            low = high = p = np.nan
            if sure and not np.isnan(two - one):
                tail = 50 * (1 - self.level)
                low, high = np.percentile(known, [tail, 100 - tail])
                sides = [(np.sum(side) + 1) / (len(known) + 1) for side in (known <= 0, known >= 0)]
                p = min(1.0, 2 * min(sides))
            effects[name] = {
                "intact": one,
                "lesioned": two,
                "difference": two - one,
                "low": float(low),
                "high": float(high),
                "p": float(p),
                "n_trials": len(lesioned),
                "status": _status(two - one, low, (before["status"], after["status"])),
            }
        return effects

    def _curve_draws(self) -> dict[str, Any]:
        if "curve" not in self._kept:
            self._kept["curve"] = _draws(self.intact, self._weights(), None)
        return self._kept["curve"]

    def _weights(self) -> np.ndarray:
        """Return how often each resample holds each trial, (resample, trial)."""
        if "weights" not in self._kept:
            n, drawn = len(self.intact), generator(self.seed, Stream.ANALYSIS)
            self._kept["weights"] = drawn.multinomial(n, np.full(n, 1 / n), self.n_bootstrap)
        return self._kept["weights"]


def share_difference(
    before: np.ndarray, after: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Return interval and p of the difference of two shares in the same trials.

    The interval is Agresti & Min's (2005, Stat Med 24:729): Wald's, with half a trial added to each
    cell of the table of both outcomes. p is McNemar's exact one.

    Args:
        before: 1 or 0 for each trial, intact.
        after: the same, lesioned.
        level: of the interval.

    Example:
        >>> low, high, p = share_difference(np.ones(10), np.r_[np.ones(4), np.zeros(6)], 0.95)
        >>> round(low, 2), round(high, 2), p
        (-0.83, -0.17, 0.03125)
    """
    lost, won = int(np.sum(before > after)), int(np.sum(after > before))
    n = len(before) + 2
    centre = (won - lost) / n
    spread = np.sqrt(lost + won + 1 - (won - lost) ** 2 / n) / n
    half = stats.norm.ppf((1 + level) / 2) * spread
    p = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    return float(max(centre - half, -1.0)), float(min(centre + half, 1.0)), float(p)


def mean_difference(
    before: np.ndarray, after: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Return interval and p of a mean difference in the same trials, by the paired t test."""
    change = after - before
    if len(change) < 2:
        return np.nan, np.nan, np.nan
    mean, error = change.mean(), change.std(ddof=1) / np.sqrt(len(change))
    if error == 0:
        return float(mean), float(mean), 1.0 if mean == 0 else 0.0
    half = stats.t.ppf((1 + level) / 2, len(change) - 1) * error
    p = 2 * stats.t.sf(abs(mean) / error, len(change) - 1)
    return float(mean - half), float(mean + half), float(p)


def _status(difference: float, low: float, of_fits: tuple[str, str]) -> str:
    """Return "ok", or why a difference or its interval is not known."""
    if np.isnan(difference):
        return next((status for status in of_fits if status != "ok"), "undetermined")
    return "undetermined: too few resamples tell the figure" if np.isnan(low) else "ok"


def _values(name: str, rows: pd.DataFrame) -> np.ndarray:
    """Return a measure of each trial, NaN where it has none, (trial,)."""
    if name == "accuracy":
        return scored(rows["correct"]).to_numpy()
    if name == "rt":
        return rows["rt"].to_numpy(float)
    silent = _silent(rows)
    if name == "no_choice":
        return silent.to_numpy(float)
    chosen = (rows["choice"] == choices_of(rows)[-1]).astype(float)
    return chosen.where(~silent, np.nan).to_numpy()


def _silent(rows: pd.DataFrame) -> pd.Series:
    """Return whether a trial has no choice, (trial,); of one choice, that it was not made."""
    if len(choices_of(rows)) == 1:
        return rows["choice"] != choices_of(rows)[0]
    return unanswered(rows)


def check_measures(measures: Any, rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the measures asked for, those that apply unless given, else raise."""
    if measures is None:
        return applicable(rows)
    names = (measures,) if isinstance(measures, str) else tuple(measures)
    for name in names:
        choose("measures", name, MEASURES)
        if name not in CURVE:
            choose("measures", name, (*applicable(rows), *CURVE))
    return names


def _draws(rows: pd.DataFrame, weights: np.ndarray, form: str | None) -> dict[str, Any]:
    """Return the figures of the curve, and those of each resample of the trials."""
    try:
        fit = psychometric(rows, form=form)  # type: ignore[arg-type]
    except ValueError as error:
        if form is None:  # the intact network: the data do not lend themselves to a curve
            raise
        return {"form": form, "fit": {}, "draws": {}, "status": f"undetermined: {error}"}
    events = _events(rows, fit.form)
    counts = [weights @ one for one in events[1:]]
    column = "n_correct" if fit.form == "nafc" else "n_positive"
    figures = []
    for n, k in zip(*counts, strict=True):
        table = pd.DataFrame({fit.counts.axis: events[0], "n_trials": n, column: k})
        table.attrs = dict(rows.attrs)
        try:
            one = psychometric(table, axis=fit.counts.axis, form=fit.form)
            figures.append(one.parameters)
        except ValueError:  # too few levels drawn
            figures.append(dict.fromkeys(fit.parameters, np.nan))
    draws = {name: values.to_numpy() for name, values in pd.DataFrame(figures).items()}
    return {"form": fit.form, "fit": fit.parameters, "draws": draws, "status": fit.status}


def _events(rows: pd.DataFrame, form: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the levels, and whether each trial counts and is positive there, (trial, level)."""
    x = rows[rows.attrs["psychometric_axis"]].to_numpy(float)
    silent = unanswered(rows).to_numpy()
    if form == "nafc":
        x, correct = np.abs(x), scored(rows["correct"]).to_numpy()
        counts, positive = ~silent & ~np.isnan(correct), correct == 1
    else:
        counts, positive = ~silent, (rows["choice"] == positive_choice(rows, None)).to_numpy()
    levels, at = np.unique(x, return_inverse=True)
    there = (np.arange(len(levels)) == at[:, None]) & counts[:, None]
    return levels, there, there & positive[:, None]
