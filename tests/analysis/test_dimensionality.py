"""How many dimensions: participation ratios and components that hold from half to half."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask._streams import Stream, generator
from neurotask.analysis import (
    CrossValidatedPCA,
    ParticipationRatio,
    cross_validated_pca,
    participation_ratio,
)

LEVELS = np.array([-0.5, -0.1, 0.1, 0.5])


def make(rates, coherence, **coords):
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", coherence),
            "time": np.arange(rates.shape[1]) * 10.0,
            **{name: ("trial", values) for name, values in coords.items()},
        },
        {"dt": 10.0, "psychometric_axis": "coherence"},
    )


def planted(noise, rank=2, repeats=12, steps=20, units=15, seed=0):
    """Averages of a known rank with noise on each trial."""
    rng = np.random.default_rng(seed)
    coherence = np.repeat(LEVELS, repeats)
    time = np.arange(steps)
    courses = [np.sin((k + 1) * time / 6)[:, None] for k in range(rank)]
    axes = np.linalg.qr(rng.normal(size=(units, rank)))[0].T
    rates = sum(
        np.sign(coherence + 0.2 * k)[:, None, None] * course * axis / (k + 1)
        for k, (course, axis) in enumerate(zip(courses, axes, strict=True))
    )
    return make(rates + noise * rng.normal(size=(len(coherence), steps, units)), coherence)


# Participation ratio


@pytest.mark.parametrize(
    ("variances", "wanted"),
    [([1, 0, 0], 1.0), ([1, 1, 1], 3.0), ([2, 1, 1], 16 / 6), ([5, 0, 5], 2.0)],
)
def test_it_is_how_evenly_variance_is_spread(variances, wanted):
    # Four samples in three orthogonal directions of the given variances.
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    samples = signs * np.sqrt(variances) @ turn + 7.0
    found = participation_ratio(samples)
    assert found.value == pytest.approx(wanted) and float(found) == found.value
    np.testing.assert_allclose(found.spectrum.sum(), 1)


@pytest.mark.parametrize("units", [3, 12])
def test_it_is_that_of_the_eigenvalues_of_the_covariance(units):
    x = np.random.default_rng(1).normal(size=(8, units)) * np.arange(1, units + 1)
    values = np.linalg.eigvalsh(np.cov(x.T))
    found = participation_ratio(x)
    assert found.value == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert (found.n_samples, found.n_units) == (8, units)


@pytest.mark.parametrize("units", [2, 9])
def test_numerator_and_denominator_are_means_over_four_samples(units):
    x = np.random.default_rng(2).exponential(size=(6, units)) ** 2
    above, below = [], []
    for a, b, c, d in permutations(x, 4):
        above.append(((a - b) ** 2).sum() * ((c - d) ** 2).sum() / 4)
        below.append(((a - b) @ (c - d)) ** 2 / 4)
    assert participation_ratio(x).unbiased == pytest.approx(np.mean(above) / np.mean(below))


def test_few_samples_do_not_bend_the_unbiased_estimate():
    rng = np.random.default_rng(3)
    size = 1 / np.arange(1, 31) ** 0.5
    truth = (size**2).sum() ** 2 / (size**4).sum()
    few = [participation_ratio(rng.normal(size=(30, 30)) * size) for _ in range(200)]
    biased = np.array([one.value for one in few])
    unbiased = np.array([one.unbiased for one in few])
    sem = unbiased.std() / np.sqrt(200)
    assert biased.mean() < truth - 2
    assert abs(unbiased.mean() - truth) < 0.03 * truth + 3 * sem


def test_too_few_samples_leave_it_open():
    assert np.isnan(participation_ratio(np.eye(3)).unbiased)
    assert participation_ratio(np.eye(3)).value == pytest.approx(2)


def test_averages_of_conditions_weigh_the_same():
    session = planted(0.5)
    rates, coherence = session["rates"].to_numpy(), session["coherence"].to_numpy()
    means = np.concatenate([rates[coherence == level].mean(0) for level in LEVELS])
    values = np.linalg.eigvalsh(np.cov(means.T))
    found = participation_ratio(session)
    assert found.value == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert np.isnan(found.unbiased) and found.n_samples == 80
    more = session.isel(trial=np.r_[np.arange(48), np.arange(12), np.arange(12)])
    assert participation_ratio(more).value == pytest.approx(found.value)


def test_noise_of_trials_adds_dimensions():
    session = planted(0.5)
    found = participation_ratio(session, over="trials")
    rows = session["rates"].to_numpy().reshape(-1, 15)
    values = np.linalg.eigvalsh(np.cov(rows.T))
    assert found.value == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert found.value > participation_ratio(session).value + 2
    assert np.isnan(found.unbiased)  # steps of a trial are not independent
    cut = session["rates"].to_numpy().copy()
    cut[::3, 15:] = np.nan
    padded = session.assign(rates=(session["rates"].dims, cut))
    again = participation_ratio(padded, over="trials")
    assert again.n_samples == 48 * 20 - 16 * 5
    rows = cut.reshape(-1, 15)
    values = np.linalg.eigvalsh(np.cov(rows[~np.isnan(rows).any(1)].T))
    assert again.value == pytest.approx(values.sum() ** 2 / (values**2).sum())


def test_a_recording_gives_what_numpy_gives(m1):
    spikes = m1["spikes"][:, 0].to_numpy()
    singles = participation_ratio(m1, over="trials", of="spikes", condition="direction")
    values = np.linalg.eigvalsh(np.cov(spikes.T))
    assert singles.value == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-10)
    assert singles.unbiased == participation_ratio(spikes).unbiased > singles.value
    direction = m1["direction"].to_numpy()
    means = np.stack([spikes[direction == one].mean(0) for one in np.unique(direction)])
    values = np.linalg.eigvalsh(np.cov(means.T))
    averages = participation_ratio(m1, of="spikes", condition="direction")
    assert averages.value == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-10)
    by = participation_ratio(m1, of="spikes", condition="direction", by="learning")
    assert by.table["learning"].tolist() == ["after", "before"]
    assert by.table["n_samples"].tolist() == [8, 8]


@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        (
            np.zeros(3),
            {},
            ValueError,
            r"`data` must have the dimensions \(sample, unit\), got the shape",
        ),
        (
            np.array([[1.0, np.nan]]),
            {},
            ValueError,
            "`data` must be finite, got 1 missing or infinite",
        ),
        (np.zeros((2, 3, 4)), {}, ValueError, r"got the shape \(2, 3, 4\). Make trials and times"),
        (np.array([["a"]]), {}, TypeError, "`data` must be an array of numbers, got the type"),
        (np.ones((5, 2)), {}, ValueError, "`data` must vary between samples, got an array"),
        ([[1.0]], {}, TypeError, r"`session` must be a Session .* got list"),
        (planted(0.1), {"over": "units"}, ValueError, '`over` must be one of "conditions"'),
        (planted(0.1), {"of": "rate"}, ValueError, '`of` must be one of "rates"'),
    ],
)
def test_what_no_ratio_can_be_of_is_refused(data, arguments, error, message):
    with pytest.raises(error, match=message):
        participation_ratio(data, **arguments)


def test_the_ratio_says_and_shows_what_it_is_of():
    found = participation_ratio(planted(0.5))
    assert isinstance(found, ParticipationRatio)
    for word in ("conditions of coherence", "80 samples of 15 units", f"{found.value:.2f}"):
        assert word in repr(found)
    assert "unbiased" in repr(participation_ratio(np.random.default_rng(0).normal(size=(9, 2))))
    ax: Any = found.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 100 * found.spectrum)
    np.testing.assert_allclose(ax.lines[1].get_xdata(), found.value)


# Cross-validated PCA


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_components_that_were_put_in_are_counted(rank):
    fit = cross_validated_pca(planted(0.25, rank), n_repeats=10)
    assert fit.n_components == rank
    reliable = fit.reliable_variance_ratio
    assert (reliable[:rank] > 0.03).all() and np.abs(reliable[rank:]).max() < 0.03
    # Variance of the half that was fitted does not tell: noise has components too.
    assert fit.explained_variance_ratio_[rank] > 3 * np.abs(reliable[rank])


def test_nothing_but_noise_predicts_nothing():
    session = planted(1.0)
    noise = np.random.default_rng(5).normal(size=session["rates"].shape)
    fit = cross_validated_pca(session.assign(rates=(session["rates"].dims, noise)), n_repeats=5)
    assert fit.n_components == 0


def test_without_noise_the_halves_are_the_same():
    fit = cross_validated_pca(planted(0.0), n_repeats=3)
    np.testing.assert_allclose(fit.reliable_by_repeat, fit.fitted_by_repeat, atol=1e-12)
    np.testing.assert_allclose(fit.table["error"][2:], 0, atol=1e-12)


@pytest.mark.parametrize("center", ["mean", "time"])
def test_it_is_the_prediction_of_one_half_by_the_other(center):
    session = planted(1.0, repeats=5, steps=4, units=6)
    rates, coherence = session["rates"].to_numpy().copy(), session["coherence"].to_numpy()
    rates[::5, 3:] = np.nan  # padding
    session = session.assign(rates=(session["rates"].dims, rates + 3))
    fit = cross_validated_pca(session, n_repeats=2, seed=7, center=center)
    products = []
    for repeat in range(2):
        random = generator(7, Stream.ANALYSIS, repeat)
        one, two = [], []
        for level in LEVELS:
            rows = random.permutation(np.flatnonzero(coherence == level))
            one.append(np.nanmean(rates[rows[:2]], 0))
            two.append(np.nanmean(rates[rows[2:]], 0))
        axes = (0, 1) if center == "mean" else 0
        a, b = (np.array(x) - np.array(x).mean(axes, keepdims=True) for x in (one, two))
        a, b = a.reshape(-1, 6), b.reshape(-1, 6)
        v = np.linalg.svd(a)[2]
        for k in range(7):
            error = ((b - a @ v[:k].T @ v[:k]) ** 2).sum() / (b**2).sum()
            assert fit.error_by_repeat[repeat, k] == pytest.approx(error)
        products.append([(a @ row) @ (b @ row) for row in v])
    shared = np.array(products)
    np.testing.assert_allclose(fit.reliable_by_repeat, shared / shared.sum(axis=1).mean())


def test_the_seed_divides_the_trials():
    session = planted(1.0)
    one, same, other = (cross_validated_pca(session, n_repeats=2, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.error_by_repeat, same.error_by_repeat)
    assert (one.error_by_repeat != other.error_by_repeat).any()


def test_a_recording_has_reliable_directions(m1):
    fit = cross_validated_pca(m1, of="spikes", condition="direction", n_repeats=5)
    assert 2 <= fit.n_components <= 5
    assert fit.reliable_variance_ratio[:2].sum() > 0.85


def test_groups_are_analysed_by_themselves():
    session = planted(0.5).assign_coords(context=("trial", np.tile(["a", "b"], 24)))
    fits = cross_validated_pca(session, by="context", n_repeats=2)
    assert fits.table["context"].unique().tolist() == ["a", "b"]
    assert len(fits.plot()) == 2


def test_what_cannot_be_divided_is_refused():
    session = planted(0.5)
    with pytest.raises(ValueError, match="`session` must have two trials or more of each cond"):
        cross_validated_pca(session.isel(trial=np.arange(11, 48)))
    with pytest.raises(ValueError, match="`n_repeats` must be a whole number of 2 or more"):
        cross_validated_pca(session, n_repeats=1)
    with pytest.raises(ValueError, match="`of` must be activity that varies"):
        cross_validated_pca(session.assign(rates=session["rates"] * 0))


def test_the_cross_validation_says_and_shows_what_it_found():
    fit = cross_validated_pca(planted(0.25), n_repeats=4)
    assert isinstance(fit, CrossValidatedPCA)
    assert "2 components predict the other half best" in repr(fit)
    table = fit.table
    assert table["n_components"].tolist() == list(range(16))
    np.testing.assert_allclose(table["error"][0], 1)
    sem = fit.error_by_repeat.std(0, ddof=1) / 2
    np.testing.assert_allclose(table["sem"], sem)
    ax: Any = fit.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), table["error"])
    assert ax.get_xlabel() == "number of components"
