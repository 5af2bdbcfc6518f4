"""Fit psychometric curves."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from neurotask.analysis._arguments import names_of
from neurotask.analysis.psychometrics.counts import Form
from neurotask.analysis.psychometrics.fit import PsychometricFit
from neurotask.analysis.psychometrics.fits import PsychometricFits
from neurotask.analysis.psychometrics.settings import Settings
from neurotask.analysis.psychometrics.sigmoids import Sigmoid
from neurotask.analysis.psychometrics.tables import tabulate

GuessRate = float | tuple[float, float] | Literal["free"] | None
LapseRate = float | tuple[float, float] | None


@overload
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: None = None,
    form: Form | None = None,
    sigmoid: str | Sigmoid | None = None,
    log: bool | None = None,
    choice: Any = None,
    guess_rate: GuessRate = None,
    lapse_rate: LapseRate = None,
    equal_asymptotes: bool = False,
    overdispersion: bool = False,
    priors: Mapping[str, Any] | None = None,
) -> PsychometricFit: ...
@overload
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str],
    form: Form | None = None,
    sigmoid: str | Sigmoid | None = None,
    log: bool | None = None,
    choice: Any = None,
    guess_rate: GuessRate = None,
    lapse_rate: LapseRate = None,
    equal_asymptotes: bool = False,
    overdispersion: bool = False,
    priors: Mapping[str, Any] | None = None,
) -> PsychometricFits: ...
def psychometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    form: Form | None = None,
    sigmoid: str | Sigmoid | None = None,
    log: bool | None = None,
    choice: Any = None,
    guess_rate: GuessRate = None,
    lapse_rate: LapseRate = None,
    equal_asymptotes: bool = False,
    overdispersion: bool = False,
    priors: Mapping[str, Any] | None = None,
) -> PsychometricFit | PsychometricFits:
    """Fit how choices depend on a stimulus, as one does for an animal.

    The curve is P(x) = lower + (upper - lower) F, with a sigmoid F that rises from 0 to 1.

    - form "signed": P is the probability of one of two choices and x carries a sign, as coherence
      towards the right does. `bias` is where F = 1/2 (the point of subjective equality),
      `threshold` the distance from there to where F = 3/4, `slope` is dP/dx at the bias per unit of
      x, `lower` and `upper` are the asymptotes.
    - form "nafc": P is the probability of a correct answer among n alternatives and x the strength
      of the stimulus, the absolute value of the axis; F is taken of ln x unless `log` says
      otherwise, so P(0) is the guess rate. `threshold` is where F = 1/2, or 1 - 1/e (weibull),
      `slope` is dP/dx there, `guess_rate` is lower, `lapse_rate` is 1 - upper.
    - form "yes_no": P is the probability of one of two choices, as of "yes", over a strength; the
      figures have the names of "nafc", but the guess rate is free.

    `width` is the distance from F = 5 % to F = 95 %, in decades where F is one of ln x.

    The estimate maximises the likelihood, binomial or with `overdispersion` beta-binomial, times a
    weak Beta(1, 10) prior over each free asymptote. Lapses are free because to force them to zero
    shifts all else; `lower` and 1 - `upper` are kept to at most 1/2, `lapse_rate` of the n-AFC form
    to half of what guessing leaves. Intervals come from the posterior or by bootstrap (see
    `PsychometricFit.interval`). What the data do not bracket is NaN, and `status` says why.

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
        form: "signed", "nafc" or "yes_no"; unless given, signed where the axis takes negative
            values, there are two choices, and the data tell the choice.
        sigmoid: a name in `SIGMOIDS`, or a `Sigmoid`, as `student_t(3)` is one; "weibull" for the
            n-AFC form unless given, else "cumulative_gaussian".
        log: whether F is one of the logarithm of the strength; unless given, in the n-AFC form.
        choice: the choice that P is the probability of (signed, yes/no); the second of the
            Session's attribute `choices` unless given, or 1 where choices are 0 and 1.
        guess_rate: fixes the lower asymptote, or bounds it by (low, high), or "free". Unless given
            it is 1 / (number of choices) in the n-AFC form and free in the others.
        lapse_rate: fixes 1 - upper asymptote, or bounds it by (low, high); free unless given.
        equal_asymptotes: whether the curve stays as far from 1 as from 0 (signed, yes/no).
        overdispersion: whether counts may vary more than binomially, by eta: the probability of a
            block of trials has the variance p (1 - p) eta^2. Its prior is Beta(1, 10).
        priors: what is supposed of figures, by name: "bias" (signed) or "threshold" (others),
            "width", "guess_rate" (the lower asymptote), "lapse_rate" (1 - upper), and
            "overdispersion". Each is a distribution of scipy.stats, (a, b) of a Beta distribution
            for the last three, each 1 or more, or None for a flat one.

    Returns:
        A `PsychometricFit`, or with `by` a `PsychometricFits`, a mapping from group to fit.

    Raises:
        TypeError: if the data are no Session or table, the axis is not of numbers, or a prior is
            no distribution.
        ValueError: if a name is unknown, the axis has missing values or fewer than three levels,
            counts exceed trials, the Session has no behaviour, or settings exclude each other.

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
    settings = Settings(
        sigmoid=sigmoid,
        log=log,
        guess_rate=guess_rate,
        lapse_rate=lapse_rate,
        equal_asymptotes=equal_asymptotes,
        overdispersion=overdispersion,
        priors=priors,
    )
    tables = tabulate(data, axis, groups, form, choice)
    fits = {key: PsychometricFit.of(counts, settings) for key, counts in tables.items()}
    return PsychometricFits(fits=fits, by=groups) if groups else fits[()]
