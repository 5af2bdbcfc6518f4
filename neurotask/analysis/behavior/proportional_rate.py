"""Choices and reaction times fitted together by a diffusion whose rate follows the stimulus."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from scipy.special import xlogy

from neurotask._checks import choose, number
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.behavior import bounded_drift as model
from neurotask.analysis.behavior.proportional_rate_fit import ProportionalRateFit
from neurotask.analysis.behavior.rate_levels import RateLevels, rate_levels
from neurotask.analysis.behavior.timed import Form

_MOST_STEPS = 300
_LONGEST_STEP = 1.0  # of a parameter in one iteration
# A standard error of a logarithm above it: the parameter is not known within a factor of about 20.
_VAGUE = 1.5


@overload
def proportional_rate(
    data: Any,
    *,
    axis: str | None = None,
    by: None = None,
    form: Form | None = None,
    choice: Any = None,
    bias: float | None = None,
    n_bins: int | None = None,
) -> ProportionalRateFit: ...
@overload
def proportional_rate(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str],
    form: Form | None = None,
    choice: Any = None,
    bias: float | None = None,
    n_bins: int | None = None,
) -> Grouped[ProportionalRateFit]: ...
def proportional_rate(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    form: Form | None = None,
    choice: Any = None,
    bias: float | None = None,
    n_bins: int | None = None,
) -> ProportionalRateFit | Grouped[ProportionalRateFit]:
    """Fit choices and mean reaction times together, by the proportional-rate diffusion model.

    Evidence gathers at a rate proportional to the stimulus until it reaches one of two bounds.
    Three parameters give both curves: `sensitivity` k (drift per unit of stimulus, 1 / sqrt(s)),
    `bound` A (sqrt(s)), both where the noise has unit variance per second, and
    `non_decision_time` (ms). In the signed form a `bias` shifts the stimulus without drift away
    from 0. With x the distance of the stimulus from there,

        P = 1 / (1 + exp(-2 A k x)),   mean RT = A / (k x) tanh(A k x) + non-decision time,

    and A^2 takes the place of A / (k x) tanh(A k x) at x = 0. The estimate maximises the likelihood
    of all choices (binomial) and of the mean reaction time of each level (normal, with its standard
    error). The model has no lapses, and the times of errors are those of correct answers. Look at
    `plot`, at `plot_choices`, and at the deviance over its degrees of freedom: real data, with many
    trials, mostly depart from it.

    Mean times are those of correct answers, and of all answers where none is right; a level's time
    is used from 5 trials on. Left out, and counted, are trials without a valid choice.

    Args:
        data: a Session; or a table with one row a trial: the column `axis`, `correct`, `rt` (ms),
            and `choice` (signed form); or one row a level: `axis`, `n_trials`, `n_correct`
            (absolute form) or `n_positive` (signed form), `mean_rt` and `sem_rt` (ms, NaN where
            not known).
        axis: name of the stimulus; a Session's attribute `psychometric_axis` unless given.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        form: "signed": P is that of one of two choices; "absolute": P is that of a correct answer,
            over the strength of the stimulus. Unless given, signed where the axis takes negative
            values.
        choice: the choice that P is the probability of (signed); the second of the Session's
            attribute `choices` unless given, or 1 where choices are 0 and 1.
        bias: fixes the bias of the signed form; free unless given.
        n_bins: pools the stimulus into so many groups of neighbours; unless given, into 10 where
            there are more than 50 levels.

    Returns:
        A `ProportionalRateFit`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, there are fewer than three levels, no trial has a reaction
            time, times are not in ms or do not vary, or fewer than two levels have a mean time.

    Source: Palmer, Huk & Shadlen (2005) Journal of Vision 5(5):1.

    Example:
        The first monkey of Roitman & Shadlen (2002), with all trials at a coherence of 0:

        >>> import pandas as pd
        >>> monkey = pd.DataFrame({
        ...     "coherence": [0.0, 0.032, 0.064, 0.128, 0.256, 0.512],
        ...     "n_trials": [432, 437, 436, 436, 436, 438],
        ...     "n_correct": [218, 269, 322, 407, 434, 438],
        ...     "mean_rt": [787.6, 772.4, 735.3, 662.0, 559.6, 464.4],
        ...     "sem_rt": [9.5, 12.5, 9.9, 7.8, 5.3, 4.3],
        ... })
        >>> fit = proportional_rate(monkey, axis="coherence")
        >>> round(fit.bound, 2), round(fit.non_decision_time, -1)
        (0.63, 380.0)
    """
    if bias is not None:
        number("bias", bias)
    if form is not None:
        choose("form", form, ("signed", "absolute"))

    def analyse(part: Any) -> ProportionalRateFit:
        return _fit(rate_levels(part, axis, form, choice, n_bins), bias)

    return each_group(data, by, analyse, together=True)


def _fit(levels: RateLevels, bias: float | None) -> ProportionalRateFit:
    table = levels.table
    n_times = int(table["sem_rt"].notna().sum())
    if n_times < 2:
        raise ValueError(
            f"`rt` must give the mean time of at least 2 levels, got {n_times}: at the others "
            "fewer than 5 answers are right. Run more trials a level."
        )
    free = np.array([True, True, True, levels.form == "signed" and bias is None])
    data = _Data(table)
    fits = [_climb(data, start, free) for start in _starts(table, bias or 0.0)]
    theta = max(fits, key=data.log_likelihood)
    covariance = _inverse(data.information(theta), free)
    proportions = int((table["n_trials"] > 0).sum())
    return ProportionalRateFit(
        levels=levels,
        theta=theta,
        covariance=covariance,
        status=_status(covariance),
        deviance=2 * (data.saturated() - data.log_likelihood(theta)),
        degrees_of_freedom=proportions + n_times - int(free.sum()),
    )


class _Data:
    """The likelihood of theta, its gradient, and its expected curvature."""

    def __init__(self, table: Any):
        self.x, self.n, self.k = (table[c].to_numpy(float) for c in ("x", "n_trials", "n_positive"))
        known = table["sem_rt"].notna().to_numpy()
        self.mean = np.where(known, table["mean_rt"], 0.0) / 1000
        error = np.where(known, table["sem_rt"], 1.0) / 1000
        self.weight = known / error**2

    def log_likelihood(self, theta: np.ndarray) -> float:
        yes, no = model.log_probabilities(theta, self.x)
        off = self.mean - model.mean_time(theta, self.x)
        return float(self.k @ yes + (self.n - self.k) @ no - self.weight @ off**2 / 2)

    def saturated(self) -> float:
        n = np.maximum(self.n, 1)
        p = self.k / n
        return float((xlogy(self.k, p) + xlogy(self.n - self.k, 1 - p)).sum())

    def score(self, theta: np.ndarray) -> np.ndarray:
        odds, time = model.gradients(theta, self.x)
        off = self.mean - model.mean_time(theta, self.x)
        residual = self.k - self.n * model.probability(theta, self.x)
        return residual @ odds + (self.weight * off) @ time

    def information(self, theta: np.ndarray) -> np.ndarray:
        odds, time = model.gradients(theta, self.x)
        p = model.probability(theta, self.x)
        return (odds.T * (self.n * p * (1 - p))) @ odds + (time.T * self.weight) @ time


def _starts(table: Any, bias: float) -> list[np.ndarray]:
    seconds = table["mean_rt"].dropna() / 1000
    bound = np.sqrt(max(seconds.max() - seconds.min(), 0.01))
    strength = np.abs(table["x"]).median() or 1.0
    shares = (0.3, 1.0, 3.0)
    rates = np.log([share / (bound * strength) for share in shares])
    return [np.array([rate, np.log(bound), seconds.min(), bias]) for rate in rates]


def _climb(data: _Data, theta: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the maximum of the likelihood, by Fisher scoring with damping."""
    value, damping = data.log_likelihood(theta), 1e-3
    for _ in range(_MOST_STEPS):
        score, information = data.score(theta)[free], data.information(theta)[np.ix_(free, free)]
        scale = np.diag(np.diag(information) + 1e-12)
        step = np.zeros(4)
        step[free] = np.linalg.solve(information + damping * scale, score)
        step *= min(1.0, _LONGEST_STEP / max(np.abs(step[:2]).max(), 1e-12))
        there = data.log_likelihood(theta + step)
        if there >= value:
            theta, gain, value = theta + step, there - value, there
            damping = max(damping / 10, 1e-12)
            if gain < 1e-12 * (1 + abs(value)) and score @ step[free] < 1e-9:
                break
        else:
            damping *= 10
            if damping > 1e12:
                break
    return theta


def _inverse(information: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the covariance of the free parameters; infinite where it is not determined."""
    inside = np.ix_(free, free)
    size = np.sqrt(np.diag(information)[free])
    covariance = np.zeros((4, 4))
    if not (size > 0).all() or np.linalg.cond(information[inside] / np.outer(size, size)) > 1e10:
        covariance[inside] = np.inf
    else:
        covariance[inside] = np.linalg.inv(information[inside])
    return covariance


def _status(covariance: np.ndarray) -> str:
    sensitivity, bound = np.diag(covariance)[:2] > _VAGUE**2
    if not (sensitivity or bound):
        return "ok"
    names = " and ".join(n for n, bad in (("sensitivity", sensitivity), ("bound", bound)) if bad)
    return (
        f"undetermined: choices and times do not tell {names}; they must change over the levels, "
        "and some choices differ at one level"
    )
