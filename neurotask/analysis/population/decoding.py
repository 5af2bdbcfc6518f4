"""What can be read out of a population, and when."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import count, number
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.decoding_problem import Problem, pose
from neurotask.analysis.population.decoding_result import Decoding
from neurotask.analysis.population.decoding_scores import scorer
from neurotask.analysis.population.folds import across_levels, folds, shuffled
from neurotask.analysis.population.readouts import predictions, readout
from neurotask.analysis.population.samples import Phase, Window, samples

Kind = Literal["category", "number"]
Scoring = Literal["balanced_accuracy", "r2", "correlation"]


@overload
def decode(
    session: xr.Dataset,
    target: str,
    *,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    phase: Phase = None,
    trials: str = "all",
    kind: Kind | None = None,
    scoring: Scoring | None = None,
    estimator: Any = None,
    alpha: float = 1.0,
    cv: Any = None,
    n_splits: int = 5,
    groups: str | None = None,
    generalize_over: str | None = None,
    cross_temporal: bool = False,
    n_shuffles: int = 0,
    seed: int = 0,
    by: None = None,
) -> Decoding: ...
@overload
def decode(
    session: xr.Dataset,
    target: str,
    *,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    phase: Phase = None,
    trials: str = "all",
    kind: Kind | None = None,
    scoring: Scoring | None = None,
    estimator: Any = None,
    alpha: float = 1.0,
    cv: Any = None,
    n_splits: int = 5,
    groups: str | None = None,
    generalize_over: str | None = None,
    cross_temporal: bool = False,
    n_shuffles: int = 0,
    seed: int = 0,
    by: str | Sequence[str],
) -> Grouped[Decoding]: ...
def decode(
    session: xr.Dataset,
    target: str,
    *,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    phase: Phase = None,
    trials: str = "all",
    kind: Kind | None = None,
    scoring: Scoring | None = None,
    estimator: Any = None,
    alpha: float = 1.0,
    cv: Any = None,
    n_splits: int = 5,
    groups: str | None = None,
    generalize_over: str | None = None,
    cross_temporal: bool = False,
    n_shuffles: int = 0,
    seed: int = 0,
    by: str | Sequence[str] | None = None,
) -> Decoding | Grouped[Decoding]:
    """Decode a variable of the trials from the activity of all units, at each time.

    A decoder learns from some trials and is tested on others, a new one at each time. Classes are
    scored by balanced accuracy (the mean over classes of the share correct), whose chance level is
    1 / classes whatever their numbers of trials; values by R2, which is 0 for a decoder that says
    the mean (and less for one that has learned noise), or by their correlation. The score is over
    all tested trials together. A trial without data at a time, or without a target (NaN,
    or choice "none"), is neither learned from nor tested there.

    Args:
        session: a Session; blocks are cut into their trials.
        target: coordinate of `trial` to decode.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; the start of the trial unless given.
        window: (start, stop) in ms from there; all times that half of the trials have unless given.
        bin: width in ms that activity is averaged over; the time step unless given. Wider bins are
            faster.
        phase: in place of `align`, `window` and `bin`: decode once, from the mean over a phase or
            (start, stop) in ms from the start of the trial.
        trials: "all" or "correct".
        kind: "category" or "number"; unless given, numbers of more than 10 levels are numbers.
        scoring: "balanced_accuracy" of classes; "r2" (unless given) or "correlation" of values.
        estimator: "logistic" (classes, unless given; standardised activity, classes weighted
            equally), "ridge" (values, unless given; of classes, the largest of one ridge a class),
            or an estimator of scikit-learn. The ridge is solved at all times and for all shuffles
            at once, which makes it the one to shuffle labels with.
        alpha: penalty of the ridge, on standardised activity.
        cv: a splitter of scikit-learn that tests each trial once; unless given, `n_splits` folds
            in each of which every class has its share.
        n_splits: number of folds.
        groups: coordinate of `trial`, such as "block", whose trials stay in one fold.
        generalize_over: in place of folds: coordinate of `trial`, such as "context", each level of
            which is tested by what was learned at the others (cross-condition generalisation).
            The score is the mean over levels.
        cross_temporal: whether what was learned at a time is tested at every other, too.
        n_shuffles: number of times that labels are shuffled for `p` and `p_max`.
        seed: of folds and shuffles.
        by: name or names to group by, "network" among them: an analysis each.

    Returns:
        A `Decoding`, or a `Grouped` of them.

    Raises:
        TypeError: if `session` is no Session, or `cv` or `estimator` none of scikit-learn's.
        ValueError: if a name is unknown, or there are fewer trials of a class than folds.

    Source: Meyers (2018), Journal of Neurophysiology 119, 1-8 (time-resolved and cross-temporal);
        Bernardi et al. (2020), Cell 183, 954-967 (generalisation over conditions).

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import decode
        >>> side = np.tile([-1.0, 1.0], 20)
        >>> ramp = side[:, None, None] * np.arange(3)[:, None] * [1.0, -1.0]
        >>> noise = np.random.default_rng(0).normal(size=(40, 3, 2))
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), 3 * ramp + noise)},
        ...     {"side": ("trial", side), "time": [0.0, 10.0, 20.0]},
        ...     {"dt": 10.0},
        ... )
        >>> bool((decode(session, "side").scores[1:] > 0.95).all())
        True
    """
    count("n_shuffles", n_shuffles, low=0)
    number("alpha", alpha, low=0, above=True)

    def analyse(part: xr.Dataset) -> Decoding:
        found = samples(
            part, of=of, phase=phase, align=align, window=window, bin=bin, trials=trials
        )
        problem = pose(found, target, kind, estimator, groups, generalize_over)
        if problem.level is None:
            given = folds(problem.y, problem.n_classes, cv, n_splits, problem.groups, seed)
        else:
            given = across_levels(problem.level, problem.held_out, problem.groups)
        problem = problem.learnable(given)
        decoder, name = readout(estimator, problem.n_classes, float(alpha))
        score, scored_by, chance = scorer(scoring, problem.n_classes)
        labels = problem.y[None]
        if n_shuffles:
            again = shuffled(problem.y, given, problem.groups, n_shuffles, seed)
            labels = np.concatenate([labels, again])
        parts = [np.concatenate(given.test)] if problem.level is None else given.test
        found_scores, own = [], None
        for y, predicted in zip(
            labels,
            predictions(
                problem.x, problem.there, labels, given, problem.n_classes, decoder, cross_temporal
            ),
            strict=True,
        ):
            own = predicted if own is None else own
            found_scores.append([score(y[test], predicted[:, :, test]) for test in parts])
        assert own is not None
        every = np.array(found_scores)  # (labelling, part, train time or 1, time)
        mean = every.mean(axis=1) if cross_temporal else every.mean(axis=1)[:, 0]
        return Decoding(
            scores=_labelled(mean[0], problem.time),
            predicted=_predicted(own, problem),
            null=mean[1:] if n_shuffles else None,
            by_level=None if problem.level is None else _by_level(every[0], given.test, problem),
            chance=chance,
            scoring=scored_by,
            target=target,
            levels=problem.levels,
            n_trials=problem.there[np.concatenate(parts)].sum(axis=0),
            of=of,
            where=found.where,
            align=align,
            about=f"{name}, {len(given.test)} {_folds(generalize_over)}",
        )

    return each_group(session, by, analyse, together=not cross_temporal)


def _labelled(scores: np.ndarray, time: np.ndarray) -> xr.DataArray:
    names = ("train_time", "time")[-scores.ndim :]
    return xr.DataArray(scores, dict.fromkeys(names, time), names)


def _predicted(found: np.ndarray, problem: Problem) -> xr.DataArray:
    """What each trial is decoded as by what was learned at the same time, (trial, time)."""
    own = np.einsum("ttn->nt", found) if len(found) == found.shape[1] else found[0].T
    values = own
    if problem.levels is not None:
        values = np.full(own.shape, None, object)
        there = ~np.isnan(own)
        values[there] = problem.levels[own[there].astype(int)]
    return xr.DataArray(values, {"trial": problem.trials, "time": problem.time}, ("trial", "time"))


def _by_level(scores: np.ndarray, tests: list[np.ndarray], problem: Problem) -> pd.DataFrame:
    """One row a held-out level and time: the score of what was learned at the same time."""
    crossed = scores.shape[1] == scores.shape[2]
    own = np.einsum("ltt->lt", scores) if crossed else scores[:, 0]
    n = np.stack([problem.there[test].sum(axis=0) for test in tests])
    return pd.DataFrame(
        {
            "held_out": np.repeat(problem.held_out, len(problem.time)),
            "time": np.tile(problem.time, len(own)),
            "score": own.ravel(),
            "n_trials": n.ravel(),
        }
    )


def _folds(generalize_over: str | None) -> str:
    return "folds" if generalize_over is None else f"levels of {generalize_over} held out"
