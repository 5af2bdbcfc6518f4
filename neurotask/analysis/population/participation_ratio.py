"""The participation ratio: in how many dimensions a population moves."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose
from neurotask.analysis._alignment import activity
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.chance import spectrum
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    condition_names,
    counting,
    event,
    single_trials,
)
from neurotask.analysis.population.participation_result import ParticipationRatio
from neurotask.analysis.population.unbiased import unbiased_ratio

Over = Literal["conditions", "trials"]


@overload
def participation_ratio(
    data: Any,
    *,
    over: Over = "conditions",
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    window: Window | None = None,
    by: None = None,
) -> ParticipationRatio: ...
@overload
def participation_ratio(
    data: Any,
    *,
    over: Over = "conditions",
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    window: Window | None = None,
    by: str | Sequence[str],
) -> Grouped[ParticipationRatio]: ...
def participation_ratio(
    data: Any,
    *,
    over: Over = "conditions",
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    window: Window | None = None,
    by: str | Sequence[str] | None = None,
) -> ParticipationRatio | Grouped[ParticipationRatio]:
    """Count the dimensions in which a population moves, by how evenly variance is spread.

    With the eigenvalues l of the covariance between units

        participation ratio = (sum of l)^2 / (sum of l^2),

    1 where all activity lies along a line, and the number of units where all directions have the
    same variance.

    The ratio is that of the samples at hand, and few samples show fewer dimensions than there are:
    of n independent samples with equal variance in p directions it is about n p / (n + p). Compare
    ratios of as many samples. Where samples are independent, which the steps of a trial are not,
    `unbiased` sets this right. Noise of the trials adds dimensions, to averages too.

    Args:
        data: a Session with (trial, time, unit) activity, or an array of independent samples,
            (sample, unit), finite.
        over: "conditions" for the averages over the trials of each condition, which weigh the same;
            "trials" for all trials at all times as they are. Samples are conditions or trials, at
            each time.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; trials without it are left out. The start of the trial
            unless given.
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` unless given. Used times
            are those that half of the trials of each condition have, also where `over` is "trials".
        trials: "all", or "correct" to leave out errors (see `pca`).
        window: (start, stop) in ms from the event: times that are used.
        by: name or names of what to group by: each group of a Session is analysed by itself.

    Returns:
        A `ParticipationRatio`, or with `by` a mapping from group to it.

    Raises:
        TypeError: if `data` is no Session or array of numbers.
        ValueError: if a name is unknown, an array is not finite or not (sample, unit), or the
            activity does not vary.

    Source: Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy & Ganguli (2017), A theory of multineuronal
        dimensionality, dynamics and measurement, bioRxiv 214262.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import participation_ratio
        >>> x = np.random.default_rng(0).normal(size=(60, 40))
        >>> found = participation_ratio(x)
        >>> round(found.value), round(found.unbiased)
        (23, 38)
    """
    choose("over", over, ("conditions", "trials"))
    if isinstance(data, np.ndarray):
        return _of_array(data)

    def analyse(part: xr.Dataset) -> ParticipationRatio:
        part = by_trial(part)
        n_units = activity(part, of).sizes["unit"]
        names = condition_names(part, condition)
        which = counting(part, trials)
        averages = averaged(part, of, align, names, which, window)
        values = averages.values.to_numpy()
        if over == "trials":
            time = averages.values["time"].to_numpy()
            values = single_trials(part, of, align, time, n_units).to_numpy()[which]
        rows = values.reshape(-1, n_units)
        rows = rows[~np.isnan(rows).any(axis=1)]
        # Steps of a trial follow one another, and averages are no draws of anything.
        independent = over == "trials" and values.shape[1] == 1
        source = f"{of} over {over} of {', '.join(names)}, aligned to {event(align)}"
        return _ratio(rows, source, independent=independent)

    return each_group(data, by, analyse, together=False)


def _of_array(values: np.ndarray) -> ParticipationRatio:
    if values.dtype.kind not in "iufb":
        raise TypeError(f"`data` must be an array of numbers, got the type {values.dtype}.")
    if values.ndim != 2:
        raise ValueError(
            f"`data` must have the dimensions (sample, unit), got the shape {values.shape}. Make "
            "trials and times rows: values.reshape(-1, n_units)."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"`data` must be finite, got {int((~np.isfinite(values)).sum())} missing or infinite "
            "values. Drop these samples."
        )
    return _ratio(values.astype(float), "an array", independent=True)


def _ratio(rows: np.ndarray, source: str, *, independent: bool) -> ParticipationRatio:
    centred = rows - rows.mean(0)
    if np.allclose(centred, 0, atol=1e-12):
        raise ValueError(
            f"`data` must vary between samples, got {source}, which is constant. "
            "Look at the network, or take another variable."
        )
    shares = spectrum(rows)
    return ParticipationRatio(
        value=float(1 / (shares**2).sum()),
        unbiased=unbiased_ratio(centred) if independent else np.nan,
        spectrum=shares,
        n_samples=len(rows),
        n_units=rows.shape[1],
        source=source,
    )
