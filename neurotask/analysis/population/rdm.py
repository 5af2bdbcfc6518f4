"""How different the population's responses to conditions are: representational dissimilarity."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, count, listed
from neurotask._streams import Stream, generator
from neurotask.analysis._alignment import activity
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import condition_names
from neurotask.analysis.population.dissimilarity import complete, dissimilarities
from neurotask.analysis.population.rdm_result import RDM
from neurotask.analysis.population.samples import (
    Phase,
    Samples,
    Window,
    conditions_of,
    in_bins,
    in_phase,
    levels_of,
)

Metric = Literal["correlation", "euclidean", "mahalanobis", "crossnobis"]
_METRICS = ("correlation", "euclidean", "mahalanobis", "crossnobis")


@overload
def rdm(
    session: xr.Dataset,
    *,
    condition: str | Sequence[str] | None = None,
    metric: Metric = "correlation",
    of: str = "rates",
    phase: Phase = None,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
    n_splits: int = 5,
    groups: str | None = None,
    seed: int = 0,
    by: None = None,
) -> RDM: ...
@overload
def rdm(
    session: xr.Dataset,
    *,
    condition: str | Sequence[str] | None = None,
    metric: Metric = "correlation",
    of: str = "rates",
    phase: Phase = None,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
    n_splits: int = 5,
    groups: str | None = None,
    seed: int = 0,
    by: str | Sequence[str],
) -> Grouped[RDM]: ...
def rdm(
    session: xr.Dataset,
    *,
    condition: str | Sequence[str] | None = None,
    metric: Metric = "correlation",
    of: str = "rates",
    phase: Phase = None,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
    n_splits: int = 5,
    groups: str | None = None,
    seed: int = 0,
    by: str | Sequence[str] | None = None,
) -> RDM | Grouped[RDM]:
    """Compare the mean responses of a population to each pair of conditions.

    - "correlation": 1 - Pearson's r over units.
    - "euclidean": the distance, in the unit of the activity.
    - "mahalanobis": the distance with units decorrelated by the covariance of the trials around
      their condition's mean (shrunk after Ledoit & Wolf). Noise makes it too large.
    - "crossnobis": the *square* of that distance, free of this bias: the difference of two
      conditions in some trials times that in other trials, over all pairs of folds. It is 0 on
      average where conditions do not differ, and may be negative.

    What the data do not determine is NaN: the correlation with a response that is the same in all
    units.

    Args:
        session: a Session; blocks are cut into their trials.
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` unless given.
        metric: the dissimilarity.
        of: the activity, "rates" or "states".
        phase: a phase, or (start, stop) in ms from the start of the trial, that activity is
            averaged over; the whole trial unless `align`, `window` or `bin` is given.
        align: for a matrix a time: phase whose start is time 0.
        window: for a matrix a time: (start, stop) in ms from there.
        bin: for a matrix a time: width in ms that activity is averaged over.
        trials: "all" or "correct".
        n_splits: folds that the trials of each condition are dealt into, for "crossnobis".
        groups: coordinate of `trial`, such as "block", whose levels are the folds instead.
        seed: of the folds.
        by: name or names to group by, "network" among them: a matrix each.

    Returns:
        An `RDM`, or a `Grouped` of them.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, there are fewer than two conditions, or the trials do not
            vary as "mahalanobis" and "crossnobis" need.

    Source: Kriegeskorte, Mur & Bandettini (2008), Frontiers in Systems Neuroscience 2:4; Walther et
        al. (2016), NeuroImage 137, 188-200 (crossnobis).

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import rdm
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), [[[0.0, 0.0]], [[3.0, 4.0]]])},
        ...     {"side": ("trial", ["left", "right"]), "time": [0.0]},
        ...     {"dt": 10.0},
        ... )
        >>> rdm(session, condition="side", metric="euclidean").matrix.to_numpy().tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    choose("metric", metric, _METRICS)
    count("n_splits", n_splits, low=2)

    def analyse(part: xr.Dataset) -> RDM:
        part = by_trial(part)
        activity(part, of)
        names = condition_names(part, condition)
        timed = not (align is None and window is None and bin is None)
        if timed and phase is None:
            found = in_bins(part, of=of, align=align, window=window, bin=bin, trials=trials)
        elif timed:
            raise ValueError(
                f"`phase` must stand alone, got {phase!r} beside `align`, `window` or `bin`. Give "
                "a phase for one matrix, or the others for a matrix a time."
            )
        else:
            found = in_phase(part, of=of, phase=phase, trials=trials)
        keys, place = conditions_of(found, names)
        if len(keys) < 2:
            raise ValueError(f"`condition` must have two levels or more, got {listed(keys)}.")
        fold = np.zeros(len(place), int)
        if metric == "crossnobis":
            fold = _folds(found, place, len(keys), n_splits, groups, seed)
        kept = complete(found.values, place, len(keys), fold)
        values = np.moveaxis(found.values[:, kept], 1, 0)
        matrix = dissimilarities(values, place, len(keys), metric, fold)
        return RDM(
            matrix=_labelled(matrix, keys, found.time[kept] if timed else None),
            n_trials=np.bincount(place, minlength=len(keys)),
            condition=names,
            metric=metric,
            of=of,
            where=found.where,
        )

    return each_group(session, by, analyse, together=False)


def _folds(
    found: Samples,
    place: np.ndarray,
    n_conditions: int,
    n_splits: int,
    groups: str | None,
    seed: int,
) -> np.ndarray:
    """The fold of each trial, (trial,); the trials of each condition are dealt out in turn."""
    if groups is not None:
        levels = levels_of("groups", groups, found.column("groups", groups))
        return np.searchsorted(levels, found.column("groups", groups).to_numpy())
    fewest = int(np.bincount(place, minlength=n_conditions).min())
    if fewest < n_splits:
        raise ValueError(
            f"`n_splits` must be at most the number of trials of each condition, {fewest}, got "
            f"{n_splits}. Run more trials, or take fewer folds."
        )
    order = generator(seed, Stream.ANALYSIS, 3).permutation(len(place))
    fold = np.empty(len(place), int)
    for condition in range(n_conditions):
        members = order[place[order] == condition]
        fold[members] = np.arange(len(members)) % n_splits
    return fold


def _labelled(matrix: np.ndarray, keys: list[Any], time: np.ndarray | None) -> xr.DataArray:
    coords: dict[str, Any] = {"condition": keys, "condition_": keys}
    if time is None:
        return xr.DataArray(matrix[0], coords, ("condition", "condition_"))
    return xr.DataArray(matrix, {"time": time, **coords}, ("time", "condition", "condition_"))
