"""Contrasts of variants, paired by seed: exact signed-rank tests that know of censored runs."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from neurotask.analysis._corrections import holm


def paired_contrasts(values: pd.DataFrame) -> pd.DataFrame:
    """Return the contrast of each two variants, tested over networks paired by their seeds.

    A run that never got there is infinitely late (`inf`; `-inf` where more is better). So it ranks
    behind every run that got there, by a difference larger than any finite one; two of them in a
    pair are a tie. NaN is a value that is missing: its pair is left out.

    The test is Wilcoxon's signed-rank test, two-sided and exact: pairs without a difference are
    left out, equal differences share their mean rank, and p is the share of all 2^n ways to sign
    the ranks whose sum is as far out. It is doubled from the smaller tail.

    Args:
        values: a row a seed, a column a variant.

    Returns:
        A row for each two variants `a` and `b`, in the order of the columns:

        - `pairs`: seeds with both values; `ties`: those of them without a difference;
        - `censored_a`, `censored_b`: infinite values among them;
        - `median_a`, `median_b`: medians over the pairs; `b_over_a`: their ratio;
        - `median_ratio`: median over pairs of b / a, by way of the logarithm;
        - `median_difference`: median over pairs of b - a;
        - `a_smaller`, `b_smaller`: in how many pairs each is the smaller;
        - `effect`: matched-pairs rank-biserial correlation, (R+ - R-) / (R+ + R-) of the ranks of
          b - a: 1 where b is always the larger, -1 where a is;
        - `p`, and `p_holm`: p after Holm's correction for the number of contrasts.

    Source: Wilcoxon (1945) Biometrics Bulletin 1:80; Kerby (2014) Comprehensive Psychology 3:1;
    Holm (1979) Scand J Statist 6:65.

    Example:
        >>> updates = pd.DataFrame({"shaped": [20.0, 30.0, 40.0], "direct": [50.0, 45.0, np.inf]})
        >>> paired_contrasts(updates)[["a_smaller", "censored_b", "effect", "p"]].values.tolist()
        [[3.0, 1.0, 1.0, 0.25]]
    """
    if values.shape[1] < 2:
        raise ValueError(
            f"`variants` must be two or more to be tested, got {values.shape[1]}. Compare with "
            "another."
        )
    rows = [
        {"a": a, "b": b} | contrast(values[a].to_numpy(float), values[b].to_numpy(float))
        for a, b in combinations(values.columns, 2)
    ]
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))


def contrast(a: Any, b: Any) -> dict[str, float]:
    """Return the contrast of two arrays, (pair,); see `paired_contrasts`."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    difference = _difference(a, b)
    up, down = _rank_sums(difference)
    middle_a, middle_b = _median(a), _median(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(a == b, 0.0, np.log(b) - np.log(a))
        ratio = np.float64(middle_b) / middle_a
    return {
        "pairs": len(a),
        "ties": int((difference == 0).sum()),
        "censored_a": int(np.isinf(a).sum()),
        "censored_b": int(np.isinf(b).sum()),
        "median_a": middle_a,
        "median_b": middle_b,
        "b_over_a": float(ratio),
        "median_ratio": float(np.exp(_median(logs))),
        "median_difference": _median(difference),
        "a_smaller": int((difference > 0).sum()),
        "b_smaller": int((difference < 0).sum()),
        "effect": (up - down) / (up + down) if up + down else 0.0,
        "p": signed_rank_p(difference),
    }


def signed_rank_p(difference: Any) -> float:
    """Return the exact two-sided p of Wilcoxon's signed-rank test, given the ties there are.

    Args:
        difference: differences of pairs, (pair,); infinite ones are the largest, 0 is left out.

    Returns:
        p; 1 where no pair differs.

    Example:
        >>> signed_rank_p([1.0, 2.0, 2.0, np.inf])  # all of one sign: 2 of 2^4
        0.125
    """
    difference = np.asarray(difference, float)
    difference = difference[difference != 0]
    # Mean ranks are whole or half numbers, so that twice the ranks are whole.
    twice = np.rint(2 * rankdata(np.abs(difference))).astype(int)
    chance = np.zeros(twice.sum() + 1)  # of each sum of the positive ranks, under random signs
    chance[0] = 1.0
    for rank in twice:
        chance[rank:] = (chance[rank:] + chance[:-rank]) / 2
        chance[:rank] /= 2
    found = int(twice[difference > 0].sum())
    below, above = chance[: found + 1].sum(), chance[found:].sum()
    return float(min(1.0, 2 * min(below, above)))


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return b - a, 0 where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, b - a)


def _rank_sums(difference: np.ndarray) -> tuple[float, float]:
    """Return the sums of the ranks of positive and of negative differences."""
    kept = difference[difference != 0]
    ranks = rankdata(np.abs(kept))
    return float(ranks[kept > 0].sum()), float(ranks[kept < 0].sum())


def _median(values: np.ndarray) -> float:
    """Return the median; NaN of nothing, and between the two infinities."""
    if not len(values):
        return np.nan
    with np.errstate(invalid="ignore"):
        return float(np.median(values))
