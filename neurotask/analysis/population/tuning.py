"""What each unit of a population is tuned to."""

import zlib
from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, count, number
from neurotask._streams import Stream, generator
from neurotask.analysis._corrections import Correction, corrected
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population import unit_statistics as statistics
from neurotask.analysis.population.factors import Factor, factors
from neurotask.analysis.population.mixed_selectivity import Terms, classify, regress
from neurotask.analysis.population.samples import Phase, in_phase
from neurotask.analysis.population.tuning_result import Tuning


@overload
def tuning(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    phase: Phase = None,
    circular: str | Sequence[str] | Mapping[str, float] = (),
    bins: Mapping[str, int] | None = None,
    trials: str = "all",
    n_permutations: int = 1000,
    correction: Correction = "fdr",
    alpha: float = 0.05,
    min_share: float = 0.01,
    seed: int = 0,
    by: None = None,
) -> Tuning: ...
@overload
def tuning(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    phase: Phase = None,
    circular: str | Sequence[str] | Mapping[str, float] = (),
    bins: Mapping[str, int] | None = None,
    trials: str = "all",
    n_permutations: int = 1000,
    correction: Correction = "fdr",
    alpha: float = 0.05,
    min_share: float = 0.01,
    seed: int = 0,
    by: str | Sequence[str],
) -> Grouped[Tuning]: ...
def tuning(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    phase: Phase = None,
    circular: str | Sequence[str] | Mapping[str, float] = (),
    bins: Mapping[str, int] | None = None,
    trials: str = "all",
    n_permutations: int = 1000,
    correction: Correction = "fdr",
    alpha: float = 0.05,
    min_share: float = 0.01,
    seed: int = 0,
    by: str | Sequence[str] | None = None,
) -> Tuning | Grouped[Tuning]:
    """Tell what each unit is tuned to, and to how many things at once.

    Activity is averaged over a phase, one number a trial and unit. Each variable is then looked at
    alone (tuning curve, preferred level, ROC area, d', cosine), and all of them together in a
    regression on the variables and their pairs, which gives the class of a unit:

    - "silent": always 0 there;
    - "pure": one variable counts, and no pair;
    - "linear mixed": several variables count, and no pair;
    - "nonlinear mixed": a pair counts, that is the effect of one variable depends on another;
    - "unselective": nothing counts;
    - "undetermined": the trials do not tell the variables apart (see `status`).

    A term counts if p (corrected) is below `alpha` and it explains at least `min_share` of the
    variance of the unit. A trial that lacks a variable (NaN, or choice "none") is left out where
    that variable is looked at. A network that was run without noise gives copies of a trial: its
    differences are what they are, however small, and shares of variance say how large.

    Args:
        session: a Session; blocks are cut into their trials.
        variables: coordinate of `trial`, or several. A new one is made by
            `session.assign_coords(side=np.sign(session.coherence))`.
        of: the activity, "rates" or "states".
        phase: a phase of the task, (start, stop) in ms from the start of the trial, or the whole
            trial.
        circular: variables that are directions: names, then in degrees, or a mapping from name to
            period, such as {"angle": 2 * np.pi} or {"orientation": 180}.
        bins: number of bins to cut a variable with many levels into, such as {"direction": 8}.
        trials: "all" or "correct".
        n_permutations: shuffles of the levels that the p of eta2 and ROC areas are found by; p is
            at least 1 / (1 + n_permutations), so "holm" needs many.
        correction: of p over units: "fdr" (Benjamini & Hochberg), "holm" or "none".
        alpha: p below which a term counts.
        min_share: share of the variance of a unit from which a term counts.
        seed: of the shuffles.
        by: name or names to group by, "network" among them: an analysis each.

    Returns:
        A `Tuning`, or a `Grouped` of them.

    Raises:
        TypeError: if `session` is no Session, or a circular variable does not hold numbers.
        ValueError: if a name is unknown, a variable has fewer than two levels or very many, or the
            trials are fewer than the coefficients.

    Source: Rigotti et al. (2013), Nature 497, 585-590 (classes); Britten, Newsome, Shadlen,
        Celebrini & Movshon (1996), Visual Neuroscience 13, 87-100 (ROC area of choices).

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import tuning
        >>> rng = np.random.default_rng(0)
        >>> context, choice = np.repeat([0, 1], 40), np.tile([0, 1], 40)
        >>> drive = np.stack([choice, context + choice, context * choice, 0 * choice], axis=1)
        >>> rates = 5.0 + 3 * drive + rng.normal(size=(80, 4))
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates[:, None])},
        ...     {"context": ("trial", context), "choice": ("trial", choice), "time": [0.0]},
        ...     {"dt": 10.0},
        ... )
        >>> found = tuning(session, variables=["context", "choice"])
        >>> found.table["selectivity"].tolist()
        ['pure', 'linear mixed', 'nonlinear mixed', 'unselective']
    """
    count("n_permutations", n_permutations)
    number("alpha", alpha, low=0, high=1)
    number("min_share", min_share, low=0, high=1)
    choose("correction", correction, ("fdr", "holm", "none"))

    def analyse(part: xr.Dataset) -> Tuning:
        found = in_phase(part, of=of, phase=phase, trials=trials)
        known = factors(found, variables, circular, bins)
        x = found.values[:, 0]
        tiny = statistics.roundoff(x, found.precision)
        columns = [_alone(x, one, tiny, n_permutations, seed, correction) for one in known.values()]
        terms, copies = _together(x, known, tiny)
        p = corrected(terms.p, correction)
        classes = classify(terms, p, (x == 0).all(axis=0), alpha, min_share)
        mean = pd.Series(x.mean(axis=0), name="mean")
        unit = found.units["unit"].to_numpy()
        curves = [_curve(x, one, unit) for one in known.values()]
        return Tuning(
            table=pd.concat([found.units, mean, classes, *columns], axis=1),
            curves=pd.concat(curves, ignore_index=True),
            terms=_tidy(terms, p, unit),
            variables=tuple(known),
            levels={name: one.levels for name, one in known.items()},
            of=of,
            where=found.where,
            n_trials=len(x),
            noise_free=copies,
            alpha=alpha,
            min_share=min_share,
            correction=correction,
            status=terms.status,
        )

    return each_group(session, by, analyse, together=False)


def _alone(
    x: np.ndarray,
    factor: Factor,
    tiny: np.ndarray,
    n_permutations: int,
    seed: int,
    correction: Correction,
) -> pd.DataFrame:
    """The figures of one variable, one row a unit."""
    x, place, n = x[factor.place >= 0], factor.place[factor.place >= 0], len(factor.levels)
    key = zlib.crc32(factor.name.encode())
    rng = generator(seed, Stream.ANALYSIS, key)
    means = statistics.level_means(x, place, n)
    high, low = means.max(axis=0), means.min(axis=0)
    scale, differ = np.abs(high) + np.abs(low), high - low > tiny
    p = statistics.permutation_p(x, place, n, tiny, n_permutations, rng)
    columns = {
        "preferred": pd.Series(factor.levels[means.argmax(axis=0)]).where(differ),
        "index": np.where(differ, high - low, 0.0) / np.where(scale > 0, scale, 1.0),
        "eta2": statistics.eta_squared(x, place, n, tiny),
        "p": corrected(p, correction),
    }
    if n == 2:
        second = place == 1
        p = statistics.roc_p(x, second, tiny, n_permutations, rng)
        columns["roc_area"] = statistics.roc_area(x, second, tiny)
        columns["roc_p"] = corrected(p, correction)
        columns["d_prime"] = statistics.d_prime(x, second, tiny)
    if factor.period is not None:
        fit = statistics.cosine_fit(means, factor.angles, tiny)
        columns["angle"] = fit["preferred"] * factor.period / (2 * np.pi)
        columns["strength"] = fit["strength"]
        columns["circular_variance"] = 1 - fit["strength"]
        columns["cosine_r2"] = fit["r2"]
    return pd.DataFrame(columns).add_prefix(f"{factor.name}_")


def _together(x: np.ndarray, known: dict[str, Factor], tiny: np.ndarray) -> tuple[Terms, bool]:
    """The regression on all variables, and whether trials of a combination of levels are copies."""
    places = np.stack([one.place for one in known.values()], axis=1)
    there = (places >= 0).all(axis=1)
    x, places = x[there], places[there]
    terms = regress(x, dict(zip(known, places.T, strict=True)), tiny)
    _, cell, n = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    spread = statistics.level_deviations(x, cell, len(n))
    return terms, bool((n > 1).any() and (spread <= tiny).all())


def _curve(x: np.ndarray, factor: Factor, unit: np.ndarray) -> pd.DataFrame:
    """The tuning curves of all units, one row a level and unit."""
    x, place, n = x[factor.place >= 0], factor.place[factor.place >= 0], len(factor.levels)
    n_trials = np.bincount(place, minlength=n)[:, None]
    error = statistics.level_deviations(x, place, n) / np.sqrt(n_trials)
    shape = (n, len(unit))
    return pd.DataFrame(
        {
            "variable": factor.name,
            "level": pd.Series(np.repeat(factor.levels, len(unit)), dtype=object),
            "unit": np.tile(unit, n),
            "mean": statistics.level_means(x, place, n).ravel(),
            "sem": np.where(n_trials > 1, error, np.nan).ravel(),
            "n_trials": np.broadcast_to(n_trials, shape).ravel(),
        }
    )


def _tidy(terms: Terms, p: np.ndarray, unit: np.ndarray) -> pd.DataFrame:
    n = len(terms.names)
    return pd.DataFrame(
        {
            "unit": np.repeat(unit, n),
            "term": np.tile(terms.names, len(unit)),
            "share": terms.share.ravel(),
            "f": terms.f.ravel(),
            "p": p.ravel(),
        }
    )
