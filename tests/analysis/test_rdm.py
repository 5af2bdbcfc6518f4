"""Dissimilarities against SciPy, crossnobis against its expectation, comparisons against ranks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kendalltau, pearsonr, spearmanr
from sklearn.covariance import ledoit_wolf

from neurotask.analysis import RDM, RDMComparison, rdm

LEVELS = np.array([-0.5, -0.1, 0.1, 0.5, 0.9])


def make(x, **coords):
    x = x if x.ndim == 3 else x[:, None]
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), x)},
        {
            "time": np.arange(x.shape[1]) * 10.0,
            **{name: ("trial", np.asarray(values)) for name, values in coords.items()},
        },
        {"dt": 10.0, "psychometric_axis": "coherence"},
    )


def noisy(repeats=8, units=12, steps=1, seed=0, signal=1.0):
    rng = np.random.default_rng(seed)
    coherence = rng.permutation(np.repeat(LEVELS, repeats))
    means = signal * rng.normal(size=(5, units))
    x = means[np.searchsorted(LEVELS, coherence)][:, None] + rng.normal(
        size=(coherence.size, steps, units)
    )
    block = np.empty(coherence.size, int)
    for level in LEVELS:
        block[coherence == level] = np.arange(repeats) % 4
    return make(x, coherence=coherence, block=block)


def means_of(session, step=0):
    x, c = session["rates"].to_numpy()[:, step], session["coherence"].to_numpy()
    return np.stack([x[c == level].mean(0) for level in LEVELS])


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_plain_distances_are_those_of_scipy(metric):
    session = noisy(steps=3)
    found = rdm(session, metric=metric, bin=10.0)
    for step in range(3):
        expected = squareform(pdist(means_of(session, step), metric))
        np.testing.assert_allclose(found.matrix[step], expected, atol=1e-10)
    whole = rdm(session, metric=metric)
    over_time = session["rates"].mean("time").to_numpy()[:, None]
    once = means_of(make(over_time, coherence=session["coherence"].to_numpy()))
    np.testing.assert_allclose(whole.matrix, squareform(pdist(once, metric)), atol=1e-10)
    assert found.labels == LEVELS.tolist() and found.condition == ("coherence",)


def test_mahalanobis_is_that_of_the_shrunk_covariance_around_the_means():
    session = noisy()
    means, x = means_of(session), session["rates"].to_numpy()[:, 0]
    residual = x - means[np.searchsorted(LEVELS, session["coherence"].to_numpy())]
    covariance = ledoit_wolf(residual, assume_centered=True)[0] * 40 / 35
    expected = pdist(means, "mahalanobis", VI=np.linalg.inv(covariance))
    np.testing.assert_allclose(rdm(session, metric="mahalanobis").pairs, expected, atol=1e-10)


def test_crossnobis_is_the_mean_over_pairs_of_folds():
    session = noisy()
    x, c = session["rates"].to_numpy()[:, 0], session["coherence"].to_numpy()
    block = session["block"].to_numpy()
    means = means_of(session)
    residual = x - means[np.searchsorted(LEVELS, c)]
    precision = np.linalg.inv(ledoit_wolf(residual, assume_centered=True)[0] * 40 / 35)
    cells = [[x[(block == b) & (c == level)] for level in LEVELS] for b in range(4)]
    parts = np.array([[cell.mean(0) for cell in row] for row in cells])
    expected = np.zeros((5, 5))
    for a in range(4):
        for b in range(4):
            if a != b:
                d, e = (p[:, None] - p[None] for p in (parts[a], parts[b]))
                expected += np.einsum("ijk,kl,ijl->ij", d, precision, e) / 12
    found = rdm(session, metric="crossnobis", groups="block")
    np.testing.assert_allclose(found.matrix, expected, atol=1e-9)


def test_crossnobis_has_no_bias_where_mahalanobis_has():
    values = [
        [rdm(noisy(signal=0, seed=s), metric=m, seed=s).pairs.mean() for s in range(60)]
        for m in ("crossnobis", "mahalanobis")
    ]
    error = np.std(values[0]) / np.sqrt(60)
    assert abs(np.mean(values[0])) < 3 * error and min(values[0]) < 0
    assert np.mean(values[1]) > 1


def test_what_is_the_same_in_all_units_has_no_correlation():
    x = np.stack([np.ones(6) * 3, np.arange(6.0), np.zeros(6), np.arange(6.0) ** 2])
    found = rdm(make(x, coherence=[0, 1, 2, 3]))
    lost = np.isnan(found.matrix.to_numpy())
    assert lost[[0, 2]].all() and lost[:, [0, 2]].all() and not lost[1, 3] and not lost[1, 1]
    other = rdm(make(x, coherence=[0, 1, 2, 3]), metric="euclidean")
    assert np.isnan(found.compare(other).value)


def test_copies_of_trials_have_no_noise_to_whiten_by():
    x = np.repeat(np.random.default_rng(0).normal(size=(3, 6)), 5, axis=0)
    session = make(x, coherence=np.repeat([0, 1, 2], 5))
    assert rdm(session, metric="euclidean").pairs.min() > 0
    for metric in ("mahalanobis", "crossnobis"):
        with pytest.raises(ValueError, match="`metric` must be one that needs no noise"):
            rdm(session, metric=metric)


def test_times_that_a_condition_lacks_are_dropped_and_missing_trials_left_out():
    session = noisy(steps=4)
    session["rates"][session["coherence"].to_numpy() == 0.9, 3] = np.nan
    first = int(np.flatnonzero(session["coherence"] == 0.1)[0])
    session["rates"][first, 2] = np.nan
    found = rdm(session, metric="euclidean", bin=10.0)
    assert found.matrix["time"].to_numpy().tolist() == [0.0, 10.0, 20.0]
    kept = session.isel(trial=np.arange(40) != first)
    np.testing.assert_allclose(found.pairs[2], pdist(means_of(kept, 2)), atol=1e-10)


# Comparisons


@pytest.mark.parametrize("method", ["spearman", "pearson", "kendall", "cosine"])
def test_matrices_are_compared_by_their_pairs(method):
    one, two = (rdm(noisy(seed=s), metric="euclidean") for s in (0, 1))
    a, b = one.pairs, two.pairs
    expected = {
        "spearman": spearmanr(a, b).statistic,
        "pearson": pearsonr(a, b).statistic,
        "kendall": kendalltau(a, b).statistic,  # tau-a without ties
        "cosine": a @ b / np.linalg.norm(a) / np.linalg.norm(b),
    }[method]
    found = one.compare(two, method=method)
    assert isinstance(found, RDMComparison)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.n_permutations == 119  # all orders of five conditions, but the one found
    assert one.compare(one, method=method).value == pytest.approx(1)
    assert one.compare(one, method=method).p == pytest.approx(1 / 120)


def test_tau_a_counts_ties_against():
    one = rdm(make(np.array([[0.0], [1.0], [3.0], [7.0]]), coherence=range(4)), metric="euclidean")
    two = rdm(make(np.array([[0.0], [1.0], [2.0], [3.0]]), coherence=range(4)), metric="euclidean")
    i, j = np.triu_indices(6, 1)
    signs = np.sign(one.pairs[i] - one.pairs[j]) * np.sign(two.pairs[i] - two.pairs[j])
    assert one.compare(two, method="kendall").value == pytest.approx(signs.sum() / 15)


def test_p_is_uniform_for_unrelated_matrices_and_reproducible():
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        one, two = (
            rdm(make(rng.normal(size=(8, 6)), coherence=range(8)), metric="euclidean")
            for _ in range(2)
        )
        p.append(one.compare(two, n_permutations=99, seed=seed).p)
    assert 0.4 < np.mean(p) < 0.6 and min(p) < 0.1 and max(p) > 0.9
    assert one.compare(two, seed=4).p == one.compare(two, seed=4).p


def test_a_table_of_what_a_model_says_is_compared_by_label():
    found = rdm(noisy(), metric="euclidean")
    order = LEVELS[::-1]
    model = pd.DataFrame(np.abs(np.subtract.outer(order, order)), order, order)
    plain = rdm(make(LEVELS[:, None], coherence=LEVELS), metric="euclidean")
    assert found.compare(model).value == pytest.approx(found.compare(plain).value)
    with pytest.raises(TypeError, match="`other` must be an RDM, or a square table"):
        found.compare(model.to_numpy())  # type: ignore[arg-type]


def test_matrices_over_time_are_compared_at_each():
    session = noisy(steps=4)
    timed, one = rdm(session, metric="euclidean", bin=10.0), rdm(session, metric="euclidean")
    found = timed.compare(one)
    assert found.table["time"].tolist() == [0.0, 10.0, 20.0, 30.0] and found.value.shape == (4,)
    alone = rdm(session, metric="euclidean", phase=(10, 20)).compare(one)
    assert found.value[1] == pytest.approx(alone.value) and found.p[1] == alone.p
    short = rdm(session, metric="euclidean", window=(0, 20))
    with pytest.raises(ValueError, match="`other` must be of the same times, 0 to 30 ms in 4"):
        timed.compare(short)
    assert one.compare(timed).value.tolist() == pytest.approx(found.value.tolist())


def test_groups_of_trials_have_a_matrix_each():
    session = noisy(signal=5.0).assign_coords(half=("trial", np.arange(40) % 2))
    grouped = rdm(session, metric="euclidean", by="half")
    assert list(grouped) == [0, 1] and list(grouped.table)[:3] == ["half", "a", "b"]
    assert grouped[0].compare(grouped[1]).value > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "cosine"}, '`metric` must be one of "correlation", "euclidean"'),
        ({"condition": "coherance"}, '`condition` must be one of .* Did you mean "coherence"'),
        ({"condition": "one"}, "`condition` must have two levels or more"),
        ({"condition": "gaps"}, "`condition` must have a value in each trial, got 1 without one"),
        (
            {"metric": "crossnobis", "n_splits": 9},
            "`n_splits` must be at most .* condition, 8, got 9",
        ),
        ({"phase": (0, 10), "bin": 10.0}, "`phase` must stand alone"),
        ({"of": "states"}, '`of` must be one of "rates"'),
    ],
)
def test_what_is_wrong_is_said(arguments: Any, message):
    gaps = np.r_[np.nan, np.ones(39)]
    session = noisy().assign_coords(one=("trial", np.ones(40)), gaps=("trial", gaps))
    with pytest.raises(ValueError, match=message):
        rdm(session, **arguments)


def test_other_conditions_cannot_be_compared():
    session = noisy()
    some = session.isel(trial=np.flatnonzero(session["coherence"] > 0))
    with pytest.raises(ValueError, match="`other` must have the same conditions, three or more"):
        rdm(session).compare(rdm(some))
    with pytest.raises(ValueError, match='`method` must be one of "spearman", "kendall"'):
        rdm(session).compare(rdm(session), method="tau")  # type: ignore[arg-type]


def test_figures():
    found = rdm(noisy(steps=3), bin=10.0)
    assert isinstance(found, RDM) and "3 times" in repr(found) and "5 conditions" in repr(found)
    ax: Any = found.plot()
    np.testing.assert_allclose(ax.images[0].get_array(), found.matrix.mean("time"))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["-0.5", "-0.1", "0.1", "0.5", "0.9"]
    np.testing.assert_allclose(found.plot(time=11).images[0].get_array(), found.matrix[1])
    assert found.compare(found).plot().get_xlabel() == "time (ms)"
    assert list(found.table) == ["time", "a", "b", "dissimilarity"] and len(found.table) == 30
    np.testing.assert_array_equal(found.table["dissimilarity"], found.pairs.ravel())
