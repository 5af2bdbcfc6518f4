"""The statistics of pairs, against scipy, all 2^n signs, and tables worked by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, wilcoxon

from neurotask.analysis._corrections import holm
from neurotask.comparison.contrasts import contrast, paired_contrasts, signed_rank_p

NEVER = np.inf
# PsychRNN's networks, updates to its criterion with and without its curriculum, seeds 0 to 9.
SHAPED = [22, 34, 82, 92, 54, 106, 82, 50, 61, 33]
DIRECT = [56, 26, 150, 148, 73, 105, 154, 67, 134, 49]


@pytest.mark.parametrize("n", [1, 2, 7, 24, 40])
def test_p_is_scipys_where_no_two_differences_are_alike(n):
    difference = np.random.default_rng(n).normal(0.4, 1.0, n)
    wanted = wilcoxon(difference, method="exact").pvalue
    assert signed_rank_p(difference) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "difference",
    [
        [1, 1, 2, -2, 3, 3, 3, -1, 5],
        [0, 0, 4, -4, 2, 7],
        [NEVER, NEVER, -3, 1, -NEVER, 2, 2],
        [NEVER] * 6,
    ],
)
def test_p_with_ties_is_the_share_of_all_signs(difference):
    kept = np.array([d for d in difference if d != 0], float)
    ranks = rankdata(np.abs(kept))
    signs = itertools.product((0, 1), repeat=len(kept))
    sums = np.array([ranks @ sign for sign in signs])
    found = ranks[kept > 0].sum()
    wanted = min(1.0, 2 * min((sums <= found).mean(), (sums >= found).mean()))
    assert signed_rank_p(difference) == pytest.approx(wanted, abs=1e-12)


def test_p_is_1_where_nothing_differs():
    assert signed_rank_p([0.0, 0.0]) == 1.0
    assert signed_rank_p([]) == 1.0


def test_psychrnns_networks_have_their_published_figures():
    found = contrast(SHAPED, DIRECT)
    assert (found["median_a"], found["median_b"]) == (57.5, 89.0)
    assert found["b_over_a"] == pytest.approx(1.548, abs=5e-4)
    assert (found["a_smaller"], found["b_smaller"], found["ties"]) == (8, 2, 0)
    assert found["p"] == pytest.approx(0.0098, abs=5e-5)
    # By hand: of 10 differences -1 has rank 1 and -8 rank 2, all others, 52 in sum, are positive.
    assert found["effect"] == pytest.approx((52 - 3) / 55)
    logs = np.log(np.array(DIRECT) / SHAPED)
    assert found["median_ratio"] == pytest.approx(np.exp(np.median(logs)))
    assert found["median_difference"] == np.median(np.array(DIRECT) - SHAPED)


def test_who_never_gets_there_is_slower_than_all_who_do():
    a = [10.0, 900.0, NEVER, 20.0]
    b = [NEVER, NEVER, NEVER, 15.0]
    found = contrast(a, b)
    # Ranks of |b - a|: 5 is 1st, the two infinite ones share 2 and 3; both never is a tie.
    assert (found["ties"], found["a_smaller"], found["b_smaller"]) == (1, 2, 1)
    assert (found["censored_a"], found["censored_b"]) == (1, 3)
    assert found["effect"] == pytest.approx((5 - 1) / 6)
    # The sums of 1, 2.5 and 2.5 that are 5 or more are 2 of 8.
    assert found["p"] == pytest.approx(0.5)
    assert found["median_a"] == 460.0 and found["median_b"] == NEVER
    assert found["b_over_a"] == NEVER
    assert found["median_ratio"] == NEVER


def test_both_never_in_all_pairs_says_nothing():
    found = contrast([NEVER, NEVER], [NEVER, NEVER])
    assert (found["p"], found["effect"], found["median_ratio"]) == (1.0, 0.0, 1.0)
    assert np.isnan(found["b_over_a"])


def test_a_missing_value_leaves_its_pair_out():
    found = contrast([1.0, np.nan, 3.0], [2.0, 5.0, np.nan])
    assert (found["pairs"], found["median_a"], found["median_b"]) == (1, 1.0, 2.0)


def test_holm_by_hand():
    # 4 x .01; 3 x .02; 2 x .03; 1 x .035, raised to the one before it.
    np.testing.assert_allclose(holm([0.03, 0.01, 0.035, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.4, 0.6]), [0.8, 0.8])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1.0, 1.0])


def test_each_two_variants_are_tested_and_corrected():
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.normal((0, 1, 3), 1.0, (12, 3)), columns=["x", "y", "z"])
    table = paired_contrasts(values)
    assert table[["a", "b"]].values.tolist() == [["x", "y"], ["x", "z"], ["y", "z"]]
    for row in table.itertuples():
        assert row.p == signed_rank_p(values[row.b] - values[row.a])
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert (table["p_holm"] > table["p"]).any()


def test_one_variant_has_no_contrast():
    with pytest.raises(ValueError, match="`variants` must be two or more to be tested, got 1"):
        paired_contrasts(pd.DataFrame({"x": [1.0]}))
