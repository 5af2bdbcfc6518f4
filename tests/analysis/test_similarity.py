"""CKA, Procrustes and CCA: what they are blind to, their limits, and Sessions matched before."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.spatial import procrustes as scipy_procrustes

from neurotask.analysis import (
    PopulationComparison,
    Similarity,
    cca,
    cka,
    compare_populations,
    procrustes,
)


def array(n=60, units=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, units)) * np.arange(1, units + 1)


def rotation(units=5, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(units, units)))[0]


def whole(a, b, **how):
    return cca(a, b, variance=1, **how)


# What they are blind to


@pytest.mark.parametrize(("measure", "same"), [(cka, 1), (procrustes, 0), (whole, 1), (cca, 1)])
def test_rotation_scale_and_shift_do_not_count(measure, same):
    a, b = array(), array(seed=2) + array()
    turned = 3 * b @ rotation() + 10
    assert measure(a, 2 * a @ rotation() - 5).value == pytest.approx(same, abs=1e-7)
    assert measure(a, turned).value == pytest.approx(measure(a, b).value, abs=1e-10)
    assert measure(b, a).value == pytest.approx(measure(a, b).value, abs=1e-10)
    more = np.concatenate([b, np.zeros((60, 3))], axis=1)  # silent units
    assert measure(a, more).value == pytest.approx(measure(a, b).value, abs=1e-10)


def test_cca_alone_is_blind_to_every_invertible_map():
    a, b = array(), array(seed=2) + array()
    skew = np.random.default_rng(5).normal(size=(5, 5))
    assert whole(a, b @ skew).value == pytest.approx(whole(a, b).value, abs=1e-10)
    assert whole(a, a @ skew).value == pytest.approx(1, abs=1e-10)
    assert cka(a, a @ skew).value < 0.99 and procrustes(a, a @ skew).value > 0.05


@pytest.mark.parametrize(("measure", "apart"), [(cka, 0), (procrustes, np.pi / 2), (whole, 0)])
def test_uncorrelated_populations_are_at_the_other_limit(measure, apart):
    basis = np.linalg.qr(np.c_[np.ones(40), np.random.default_rng(0).normal(size=(40, 8))])[0]
    assert measure(basis[:, 1:5], basis[:, 5:]).value == pytest.approx(apart, abs=1e-7)


# Against other ways to compute them


def test_cka_is_the_correlation_of_centred_kernels():
    a, b = array(), array(seed=2, units=7)
    h = np.eye(60) - 1 / 60
    k, m = h @ a @ a.T @ h, h @ b @ b.T @ h
    expected = np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert cka(a, b).value == pytest.approx(expected, abs=1e-12)


def test_debiased_cka_is_the_estimator_of_song_and_has_no_bias():
    a, b = array(8, 3), array(8, 4, seed=3)

    def hsic(k, m):
        n, one = len(k), np.ones(len(k))
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        first = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return (first - 2 / (n - 2) * one @ k @ m @ one) / (n * (n - 3))

    k, m = a @ a.T, b @ b.T
    expected = hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))
    assert cka(a, b, debiased=True).value == pytest.approx(expected, abs=1e-10)
    rng = np.random.default_rng(0)
    pairs = [rng.normal(size=(2, 20, 100)) for _ in range(60)]
    unbiased = [cka(*pair, debiased=True).value for pair in pairs]
    assert abs(np.mean(unbiased)) < 3 * np.std(unbiased) / np.sqrt(60)
    assert np.mean([cka(*pair).value for pair in pairs]) > 0.8  # of independent noise


def test_procrustes_is_the_angle_of_scipys_disparity():
    a, b = array(), array(seed=2) + array()
    # SciPy also scales b to fit best: 1 - disparity = cos^2 of the angle
    disparity = scipy_procrustes(a, b)[2]
    assert procrustes(a, b).value == pytest.approx(np.arccos(np.sqrt(1 - disparity)), abs=1e-10)


def test_procrustes_obeys_the_triangle_inequality():
    for seed in range(30):
        a, b, c = (array(10, 4, seed=3 * seed + k) for k in range(3))
        assert procrustes(a, c).value <= procrustes(a, b).value + procrustes(b, c).value + 1e-12


def test_cca_is_the_eigenvalues_of_the_covariances():
    a, b = array(units=3), array(units=4, seed=2) + array(units=4)
    a0, b0 = a - a.mean(0), b - b.mean(0)
    saa, sbb, sab = a0.T @ a0, b0.T @ b0, a0.T @ b0
    squared = np.linalg.eigvals(np.linalg.inv(saa) @ sab @ np.linalg.inv(sbb) @ sab.T)
    expected = np.sort(np.sqrt(squared.real))[::-1]
    found = whole(a, b)
    np.testing.assert_allclose(found.correlations, expected, atol=1e-10)
    assert found.value == pytest.approx(expected.mean())


def test_cca_leaves_out_directions_of_little_variance():
    a = array(units=2)
    noise = 1e-3 * np.random.default_rng(1).normal(size=(2, 60, 3))
    one, two = np.c_[a, noise[0]], np.c_[a, noise[1]]
    assert cca(one, two).value == pytest.approx(1, abs=1e-4)
    assert len(cca(one, two).correlations) == 2 and len(whole(one, two).correlations) == 5
    assert whole(one, two).value < 0.7


# What the data do not determine


def test_few_samples_and_constant_activity_determine_nothing():
    found = whole(array(9, 5), array(9, 5, seed=1))
    assert np.isnan(found.value) and found.status.startswith("undetermined: 9 samples for 10")
    assert whole(array(11, 5), array(11, 5, seed=1)).status == "ok"
    for measure in (cka, procrustes, cca):
        found = measure(array(), np.full((60, 3), 0.1))
        assert np.isnan(found.value) and "activity of `b` does not vary" in found.status
    assert np.isnan(cka(array(3), array(3), debiased=True).value)


# Sessions


def session(units=5, dt=10.0, steps=12, seed=0, levels=(-1.0, 1.0, 2.0), repeats=3, onset=20.0):
    """Rates that are a rotation of the same two latents, with another onset a network."""
    coherence = np.repeat(levels, repeats)
    time = np.arange(steps) * dt
    since = time - onset
    latent = np.stack(
        [
            coherence[:, None] * np.sin(since / 40),
            np.broadcast_to(since / 40, (coherence.size, steps)),
        ],
        axis=-1,
    )
    rates = latent @ rotation(units, seed)[:2] + 3
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", coherence),
            "time": time,
            "phase": ["stimulus"],
            "phase_start": (("trial", "phase"), np.full((coherence.size, 1), onset)),
            "phase_stop": (("trial", "phase"), np.full((coherence.size, 1), steps * dt)),
        },
        {"dt": dt, "psychometric_axis": "coherence"},
    )


@pytest.mark.parametrize(("measure", "same"), [(cka, 1), (procrustes, 0), (cca, 1)])
def test_sessions_are_matched_by_conditions_and_times_from_an_event(measure, same):
    one, two = session(), session(units=8, seed=3, onset=40.0, steps=14)
    found = measure(one, two, align="stimulus", window=(-20, 80))
    assert found.value == pytest.approx(same, abs=1e-6)
    assert found.n_samples == 3 * 10 and found.n_units == (5, 8)
    backwards = two.isel(trial=slice(None, None, -1))
    assert measure(one, backwards, align="stimulus", window=(-20, 80)).value == pytest.approx(
        same, abs=1e-6
    )


def test_bins_match_networks_of_different_time_steps():
    fine = session(dt=5.0, steps=24, seed=2)
    coarse = fine.coarsen(time=2).mean().assign_coords(time=np.arange(12) * 10.0)
    coarse = coarse.assign_attrs(fine.attrs | {"dt": 10.0})
    how: dict[str, Any] = {"bin": 20.0}
    with pytest.raises(ValueError, match="`b` must have the times of `a`"):
        cka(fine, coarse)
    means = fine["rates"].to_numpy()[::3].reshape(3, 6, 4, 5).mean(2).reshape(18, 5)
    other = session(units=7, dt=5.0, steps=24, seed=6)
    theirs = other["rates"].to_numpy()[::3].reshape(3, 6, 4, 7).mean(2).reshape(18, 7)
    assert cka(fine, other, **how).value == pytest.approx(cka(means, theirs).value, abs=1e-12)
    assert procrustes(fine, coarse, **how).value == pytest.approx(0, abs=1e-6)
    assert procrustes(fine, coarse, bin=10.0).value == pytest.approx(0, abs=1e-6)


def test_what_does_not_match_is_said():
    one = session()
    with pytest.raises(
        ValueError, match=r'`b` must have the conditions of `a`, "-1\.0", "1\.0", "2\.0", got'
    ):
        cka(one, session(levels=(-1.0, 1.0)))
    with pytest.raises(
        ValueError, match="`b` must have the times of `a`, 0 to 110 ms in 12, got 0 to 90"
    ):
        cka(one, session(steps=10))
    with pytest.raises(
        TypeError, match="`a` and `b` must be two Sessions or two arrays, got one of each"
    ):
        procrustes(one, array())
    with pytest.raises(ValueError, match="`b` must have the samples of `a`, 60, got 59"):
        cca(array(), array(59))
    with pytest.raises(ValueError, match="`a` must have the dimensions"):
        cka(np.zeros((2, 3, 4)), array())
    with pytest.raises(ValueError, match="`b` must be finite, got 1 missing"):
        cka(array(), np.where(np.arange(60)[:, None] == 3, np.nan, np.ones((60, 1))))
    with pytest.raises(TypeError, match="`a` must be a Session or an array of numbers"):
        cka("rates", array())
    with pytest.raises(ValueError, match=r"`variance` must be a number in \(0, 1\]"):
        cca(array(), array(), variance=0)
    with pytest.raises(ValueError, match="`bin` must be a whole multiple"):
        cka(one, one, bin=15.0)


# Many


def test_pairs_of_many_networks_are_a_table_and_a_matrix():
    networks = {"a": session(), "b": session(units=6, seed=4), "c": session(seed=9)}
    networks["c"]["rates"][:] = np.random.default_rng(0).normal(size=networks["c"]["rates"].shape)
    found = compare_populations(networks, measure="procrustes")
    assert isinstance(found, PopulationComparison)
    assert found.table[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found.table["value"][1] == procrustes(networks["a"], networks["c"]).value
    assert found.table["value"][0] < 1e-6 < 0.3 < found.table["value"][1]
    matrix = found.matrix.to_numpy()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.diag(matrix).tolist() == [0, 0, 0]
    assert np.diag(compare_populations(networks).matrix).tolist() == [1, 1, 1]
    several = xr.concat([networks["a"], networks["c"]], "network")
    assert compare_populations(several, measure="cca").names == (0, 1)
    image: Any = found.plot()
    np.testing.assert_array_equal(image.images[0].get_array(), matrix)
    with pytest.raises(ValueError, match="`b` must have the times") as error:
        compare_populations({"x": session(), "y": session(steps=8)})
    assert error.value.__notes__ == ["These are the populations 'x' and 'y'."]
    with pytest.raises(TypeError, match="`populations` must be a mapping from name"):
        compare_populations(session())
    with pytest.raises(ValueError, match="`populations` must be two or more, got 1"):
        compare_populations({"a": session()})
    with pytest.raises(ValueError, match='`measure` must be one of "cka", "debiased cka"'):
        compare_populations(networks, measure="rsa")  # type: ignore[arg-type]


def test_the_result_is_a_number_with_its_circumstances():
    found = cka(array(), array(seed=1))
    assert isinstance(found, Similarity) and float(found) == found.value
    assert "cka" in repr(found) and "60 samples" in repr(found)
    assert found.table["n_units_a"].item() == 5
