"""Psychometric curves by penalised maximum likelihood."""

from collections.abc import Sequence
from typing import Any, Literal, overload

from neurotask.analysis._arguments import names_of
from neurotask.analysis.psychometrics.counts import Counts, Form
from neurotask.analysis.psychometrics.estimation import maximum, steepest
from neurotask.analysis.psychometrics.fit import PsychometricFit
from neurotask.analysis.psychometrics.fits import PsychometricFits
from neurotask.analysis.psychometrics.prior import pose
from neurotask.analysis.psychometrics.tables import tabulate
from neurotask.analysis.psychometrics.verdict import judge


@overload
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: None = None,
    form: Form | None = None,
    sigmoid: str | None = None,
    choice: Any = None,
    guess_rate: float | Literal["free"] | None = None,
    lapse_rate: float | None = None,
    lapse_prior: tuple[float, float] | None = (1.0, 10.0),
) -> PsychometricFit: ...
@overload
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str],
    form: Form | None = None,
    sigmoid: str | None = None,
    choice: Any = None,
    guess_rate: float | Literal["free"] | None = None,
    lapse_rate: float | None = None,
    lapse_prior: tuple[float, float] | None = (1.0, 10.0),
) -> PsychometricFits: ...
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    form: Form | None = None,
    sigmoid: str | None = None,
    choice: Any = None,
    guess_rate: float | Literal["free"] | None = None,
    lapse_rate: float | None = None,
    lapse_prior: tuple[float, float] | None = (1.0, 10.0),
) -> PsychometricFit | PsychometricFits:
    """Fit how choices depend on a stimulus, as one does for an animal.

    The curve is P(x) = lower + (upper - lower) F, with a sigmoid F that rises from 0 to 1.

    - form "signed": P is the probability of one of two choices and x carries a sign, as coherence
      towards the right does. F is taken of x. `bias` is where F = 1/2 (the point of subjective
      equality), `threshold` the distance from there to where F = 3/4, `slope` is dP/dx at the bias
      per unit of x, `lower` and `upper` are the asymptotes.
    - form "nafc": P is the probability of a correct answer among n alternatives and x the strength
      of the stimulus, the absolute value of the axis. F is taken of ln x, so P(0) is the guess
      rate. `threshold` is where F = 1 - 1/e (weibull) or F = 1/2 (the others), `slope` is dP/dx at
      the threshold per unit of x, `guess_rate` is lower, `lapse_rate` is 1 - upper.

    The estimate maximises the binomial likelihood times a weak Beta(1, 10) prior over each free
    asymptote. Lapses are free because to force them to zero shifts all else; `lower` and
    1 - `upper` are kept to at most 1/2, `lapse_rate` to half of what guessing leaves. Intervals
    come from the posterior (see `PsychometricFit.interval`). What the data do not bracket is NaN,
    and `status` says why.

    Left out, and counted in the result, are trials without a valid choice (choice "none" or
    missing, outcome "no_response" or "broken_fixation") and, in the n-AFC form, trials where no
    answer is right (`correct` is NaN). More than 50 levels are pooled, neighbours together, into 50
    of about as many trials at their mean stimulus.

    Args:
        data: a Session; or a table with one row a trial, which has the column `axis` and `choice`
            (signed) or `correct` (n-AFC); or a table of counts, which has the columns `axis`,
            `n_trials` and `n_positive` (signed) or `n_correct` (n-AFC). Entries of a table's
            `attrs` are used as those of a Session.
        axis: name of the stimulus; a Session's attribute `psychometric_axis` unless given.
        by: name or names of what to group by: a curve is fitted to each group. A Session of
            several networks must be grouped by "network".
        form: "signed" or "nafc"; unless given, signed where the axis takes negative values, there
            are two choices, and the data tell the choice.
        sigmoid: "cumulative_gaussian" (signed unless given), "logistic" or "weibull" (n-AFC unless
            given, and only there).
        choice: the choice that P is the probability of (signed); the second of the Session's
            attribute `choices` unless given, or 1 where choices are 0 and 1.
        guess_rate: fixes the lower asymptote, or "free". Unless given it is free in the signed form
            and 1 / (number of choices) in the n-AFC form.
        lapse_rate: fixes 1 - upper asymptote; free unless given.
        lapse_prior: a and b, each 1 or more, of the Beta prior over the free asymptotes (the guess
            rate of the n-AFC form excepted, whose prior is flat); None for a flat one.

    Returns:
        A `PsychometricFit`, or with `by` a `PsychometricFits`, a mapping from group to fit.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, the axis has missing values or fewer than three levels,
            counts exceed trials, or the Session has no behaviour.

    Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1293-1313 (curve, lapses);
        Schütt, Harmeling, Macke & Wichmann (2016), Vision Research 122, 105-123 (prior, posterior).

    Example:
        The first monkey of Roitman & Shadlen (2002):

        >>> import pandas as pd
        >>> from neurotask.analysis import psychometric
        >>> monkey = pd.DataFrame({
        ...     "coherence": [0.0, 0.032, 0.064, 0.128, 0.256, 0.512],
        ...     "n_trials": [432, 437, 436, 436, 436, 438],
        ...     "n_correct": [218, 269, 322, 407, 434, 438],
        ... })
        >>> fit = psychometric(monkey, axis="coherence", guess_rate=0.5)
        >>> round(fit.threshold, 3)
        0.082
        >>> low, high = fit.interval(0.9)["threshold"]
        >>> low < fit.threshold < high
        True
    """
    groups = names_of("by", by)
    tables = tabulate(data, axis, groups, form, choice)
    fits = {
        key: _fit(counts, sigmoid, guess_rate, lapse_rate, lapse_prior)
        for key, counts in tables.items()
    }
    return PsychometricFits(fits=fits, by=groups) if groups else fits[()]


def _fit(
    counts: Counts,
    sigmoid: str | None,
    guess_rate: float | str | None,
    lapse_rate: float | None,
    lapse_prior: tuple[float, float] | None,
) -> PsychometricFit:
    posterior, frame = pose(counts, sigmoid, guess_rate, lapse_rate, lapse_prior)
    step, best = steepest(posterior), maximum(posterior)
    if posterior.log_density(step) >= posterior.log_density(best) - 1e-9:
        best = step
    verdict = judge(counts, posterior, best, step, frame.to_stimulus(best))
    return PsychometricFit(
        counts=counts, posterior=posterior, frame=frame, best=best, verdict=verdict
    )
