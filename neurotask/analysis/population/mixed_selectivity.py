"""Whether a unit is selective to one variable, to several, or to their combinations."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

SILENT = "silent"
UNSELECTIVE = "unselective"
PURE = "pure"
LINEAR = "linear mixed"
NONLINEAR = "nonlinear mixed"
UNDETERMINED = "undetermined"
CLASSES = (PURE, LINEAR, NONLINEAR, UNSELECTIVE, SILENT, UNDETERMINED)


@dataclass(frozen=True, eq=False)
class Terms:
    """What each term of the regression explains.

    Args:
        names: variables, then pairs of variables as "a x b".
        share: share of each unit's variance that the term adds to the terms of its rank, (unit,
            term).
        f: F of the term, (unit, term); infinite where nothing is left unexplained.
        p: p of F, (unit, term); NaN where the trials do not tell the term from others.
        status: "ok", or which terms the trials do not determine.
    """

    names: list[str]
    share: np.ndarray
    f: np.ndarray
    p: np.ndarray
    status: str


def regress(x: np.ndarray, places: dict[str, np.ndarray], tiny: np.ndarray) -> Terms:
    """Regress activity on variables (their levels as categories) and on their pairs.

    A variable is tested for what it adds to the other variables, a pair for what it adds to all
    variables and other pairs (sums of squares of type II), against what the whole model leaves.

    Args:
        x: activity, (trial, unit).
        places: the place of each trial's level, by variable.
        tiny: differences that count as none, (unit,).

    Source: Rigotti et al. (2013), Nature 497, 585-590, supplementary section on selectivity; the
        sums of squares are those of Yates (1934), J. Am. Stat. Assoc. 29, 51-66.
    """
    blocks: dict[tuple[str, ...], np.ndarray] = {
        (name,): _dummies(place) for name, place in places.items()
    }
    mains = list(blocks)
    for a, b in combinations(places, 2):
        pair = blocks[a,][:, :, None] * blocks[b,][:, None, :]
        blocks[a, b] = pair.reshape(len(x), -1)
    left, rank = _left(x, list(blocks.values()))
    n_free = len(x) - rank
    if n_free < 1:
        raise ValueError(
            f"`variables` must leave trials to judge noise by, got {len(x)} trials for {rank} "
            "coefficients. Run more trials, or take fewer variables."
        )
    total = ((x - x.mean(axis=0)) ** 2).sum(axis=0)
    floor = len(x) * tiny**2
    found = {}
    for term in blocks:
        rivals = mains if len(term) == 1 else list(blocks)
        with_it = [blocks[t] for t in rivals]
        without = [blocks[t] for t in rivals if t != term]
        found[term] = _test(x, with_it, without, left, n_free, total, floor)
    names = [" x ".join(term) for term in blocks]
    share, f, p = (np.stack([one[i] for one in found.values()], axis=1) for i in range(3))
    lost = [name for name, column in zip(names, p.T, strict=True) if np.isnan(column).all()]
    told = "ok" if not lost else f"undetermined: the trials do not tell {', '.join(lost)} apart"
    return Terms(names, share, f, p, told)


def classify(
    terms: Terms, p: np.ndarray, silent: np.ndarray, alpha: float, min_share: float
) -> pd.DataFrame:
    """Return `selectivity` (the class) and `selective_to` (variables) of each unit.

    Args:
        terms: the regression.
        p: its p values, corrected, (unit, term).
        silent: whether a unit is always 0, (unit,).
        alpha: a term counts if p is below it,
        min_share: and if it explains at least this share of the unit's variance.
    """
    counts = (p < alpha) & (terms.share >= min_share)
    pairs = np.array([" x " in name for name in terms.names])
    n_main, any_pair = counts[:, ~pairs].sum(axis=1), counts[:, pairs].any(axis=1)
    conditions = [
        silent,
        np.full(len(silent), terms.status != "ok"),
        any_pair,
        n_main > 1,
        n_main == 1,
    ]
    kinds = [SILENT, UNDETERMINED, NONLINEAR, LINEAR, PURE]
    chosen = np.select(conditions, kinds, UNSELECTIVE)
    named = np.array(terms.names)
    listed = [
        "" if kind in (SILENT, UNDETERMINED) else ", ".join(named[row])
        for kind, row in zip(chosen, counts, strict=True)
    ]
    return pd.DataFrame({"selectivity": chosen, "selective_to": listed})


def _test(
    x: np.ndarray,
    with_it: list[np.ndarray],
    without: list[np.ndarray],
    left: np.ndarray,
    n_free: int,
    total: np.ndarray,
    floor: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share, F and p of the term that one model has and the other lacks, each (unit,)."""
    (smaller, n_with), (larger, n_without) = _left(x, with_it), _left(x, without)
    n = n_with - n_without
    if n == 0:
        nothing = np.full(x.shape[1], np.nan)
        return nothing, nothing, nothing
    added = np.where(larger - smaller > floor, larger - smaller, 0.0)
    noisy, varies = left > floor, total > floor
    share = np.where(varies, added / np.where(varies, total, 1.0), 0.0)
    # F = (added / n) / (left / n_free); 0 where nothing is added, also where nothing is left.
    limit = np.where(added > 0, np.inf, 0.0)
    f = np.where(noisy, (added / n) / (np.where(noisy, left, 1.0) / n_free), limit)
    return share, f, f_distribution.sf(f, n, n_free)


def _left(x: np.ndarray, blocks: list[np.ndarray]) -> tuple[np.ndarray, int]:
    """Sum of squares that intercept and blocks leave of each unit, and the rank of the design."""
    design = np.concatenate([np.ones((len(x), 1)), *blocks], axis=1)
    u, s, _ = np.linalg.svd(design, full_matrices=False)
    basis = u[:, s > s[0] * 1e-10]
    return ((x - basis @ (basis.T @ x)) ** 2).sum(axis=0), basis.shape[1]


def _dummies(place: np.ndarray) -> np.ndarray:
    """Level against the last one (1, 0 or -1), so that pairs are products, (trial, level - 1)."""
    last = place.max()
    return np.eye(last + 1)[place][:, :-1] - (place == last)[:, None]
