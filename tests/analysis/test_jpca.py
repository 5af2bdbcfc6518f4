"""jPCA on rotations of known frequency, on decays, and against the linear system of its entries."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import JPCA, jpca
from neurotask.analysis.population.rotations import skew_symmetric

DT = 10.0


def make(values, repeats=2, onset: Any = 0.0, **attrs):
    """Trials without noise from averages (condition, time, unit)."""
    n = len(values) * repeats
    start = np.stack([np.zeros(n), np.broadcast_to(onset, n)], 1).astype(float)
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), np.repeat(values, repeats, 0))},
        {
            "reach": ("trial", np.repeat(np.arange(len(values)), repeats)),
            "time": np.arange(values.shape[1]) * DT,
            "phase": ["fixation", "movement"],
            "phase_start": (("trial", "phase"), start),
        },
        {"dt": DT, "psychometric_axis": "reach", **attrs},
    )


def spinning(frequencies=(2.0,), sizes: Any = 1.0, units=9, steps=30, conditions=8, seed=0):
    """Averages that turn in orthogonal planes, and the planes' axes, (plane, 2, unit)."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(units, 2 * len(frequencies))))[0].T
    axes = axes.reshape(-1, 2, units)
    time = np.arange(steps) * DT / 1000
    values = np.zeros((conditions, steps, units))
    for frequency, size, plane in zip(
        frequencies, np.broadcast_to(sizes, len(axes)), axes, strict=True
    ):
        start = rng.normal(size=(conditions, 2)) * size
        start -= start.mean(0)
        angle = 2 * np.pi * frequency * time
        x = start[:, :1] * np.cos(angle) - start[:, 1:] * np.sin(angle)
        y = start[:, :1] * np.sin(angle) + start[:, 1:] * np.cos(angle)
        values += np.stack([x, y], -1) @ plane
    drift = np.sin(5 * time)[:, None] * rng.normal(size=units)  # common to all conditions
    return values + drift + 4, axes


PLAIN: Any = dict(normalize=None)


@pytest.mark.parametrize("frequency", [0.3, 2.0, 11.0, 40.0])
def test_a_rotation_has_its_frequency_at_any_step(frequency):
    values, axes = spinning((frequency,))
    fit = jpca(make(values), n_components=2, **PLAIN)
    assert fit.frequency == pytest.approx(frequency, rel=1e-9)
    assert fit.r2_skew == pytest.approx(1) and fit.r2_full == pytest.approx(1)
    assert fit.status == "ok"
    # The plane is the one put in, and it turns from its first axis to its second.
    turn = fit.jpcs_.to_numpy() @ axes[0].T
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_planes_come_by_their_frequency():
    values, axes = spinning((1.0, 4.0, 2.5), (3.0, 1.0, 2.0))
    fit = jpca(make(values), **PLAIN)
    np.testing.assert_allclose(fit.frequency, [4.0, 2.5, 1.0], rtol=1e-9)
    for plane, wanted in enumerate((1, 2, 0)):
        turn = fit.jpcs_[2 * plane : 2 * plane + 2].to_numpy() @ axes[wanted].T
        np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-8)
    np.testing.assert_allclose(fit.jpcs_.to_numpy() @ fit.jpcs_.to_numpy().T, np.eye(6), atol=1e-9)
    assert fit.explained_variance_ratio_.sum() == pytest.approx(1)
    assert fit.pca_explained_variance_ratio == pytest.approx(1)
    centred = values - values.mean(0)
    share = ((centred @ axes[0].T) ** 2).sum() / (centred**2).sum()
    assert fit.explained_variance_ratio_[2] == pytest.approx(share)


def test_planes_of_one_frequency_are_still_orthonormal():
    values, _ = spinning((2.0, 2.0))
    fit = jpca(make(values), n_components=4, **PLAIN)
    np.testing.assert_allclose(fit.frequency, [2.0, 2.0], rtol=1e-9)
    np.testing.assert_allclose(fit.jpcs_.to_numpy() @ fit.jpcs_.to_numpy().T, np.eye(4), atol=1e-9)


def test_a_decay_does_not_rotate():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(6, 9))
    time = np.arange(25) * DT
    values = start[:, None] * np.exp(-time / 100)[:, None]
    fit = jpca(make(values), n_components=4, **PLAIN)
    assert fit.r2_skew == pytest.approx(0, abs=1e-9)
    assert fit.r2_full == pytest.approx(1)
    np.testing.assert_allclose(fit.frequency, 0, atol=1e-6)
    assert fit.status == "undetermined: nothing turns in plane 0, 1"
    assert fit.jpcs_.isnull().all() and np.isnan(fit.explained_variance_ratio_).all()


def test_a_spiral_is_part_rotation_part_decay():
    values, _ = spinning((2.0,), conditions=12)
    time = np.arange(30) * DT
    centred = (values - values.mean(0)) * np.exp(-time / 150)[:, None]
    fit = jpca(make(centred + 1), n_components=2, **PLAIN)
    assert 0.5 < fit.r2_skew < 0.95 and fit.r2_full == pytest.approx(1)
    # Change and middle of a step of the spiral are in the ratio (q - 1) / ((q + 1) / 2).
    q = np.exp(-DT / 150 + 2j * np.pi * 2.0 * DT / 1000)
    ratio = (q - 1) / ((q + 1) / 2)
    assert fit.r2_skew == pytest.approx(ratio.imag**2 / abs(ratio) ** 2, abs=1e-9)
    wanted = 2 * np.arctan(ratio.imag / 2) / (2 * np.pi * DT / 1000)
    assert fit.frequency == pytest.approx(wanted, rel=1e-9)
    assert fit.frequency == pytest.approx(2.0, rel=0.01)


def test_the_fit_is_the_least_squares_of_its_free_entries():
    rng = np.random.default_rng(1)
    n = 5
    middle, change = rng.normal(size=(2, 60, n))
    columns, places = [], [(i, j) for i in range(n) for j in range(i)]
    for i, j in places:
        m = np.zeros((n, n))
        m[i, j], m[j, i] = 1.0, -1.0
        columns.append((middle @ m.T).ravel())
    entries = np.linalg.lstsq(np.stack(columns, 1), change.ravel(), rcond=None)[0]
    found = skew_symmetric(change, middle)
    np.testing.assert_allclose([found[i, j] for i, j in places], entries, atol=1e-12)
    np.testing.assert_array_equal(found, -found.T)


def test_r2_is_that_of_a_loop():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(5, 12, 7)).cumsum(1)
    fit = jpca(make(values), n_components=3, **PLAIN)
    centred = values - values.mean(0)
    components = np.linalg.svd(centred.reshape(-1, 7))[2][:3]
    change, middle = [], []
    for path in centred @ components.T:
        for now, then in pairwise(path):
            change.append(then - now)
            middle.append((then + now) / 2)
    d, s = np.array(change), np.array(middle)
    m = skew_symmetric(d, s)
    assert fit.r2_skew == pytest.approx(1 - ((d - s @ m.T) ** 2).sum() / (d**2).sum())
    free = np.linalg.lstsq(s, d, rcond=None)[0]
    assert fit.r2_full == pytest.approx(1 - ((d - s @ free) ** 2).sum() / (d**2).sum())
    assert fit.r2_skew < fit.r2_full
    assert len(fit.frequency) == 1  # an odd dimension is left over


# Normalisation


def test_units_are_divided_by_their_soft_range():
    values, _ = spinning((2.0, 4.0))
    session = make(values * np.linspace(1, 30, 9))
    fit = jpca(session, n_components=4, softening=5.0)
    extent = np.ptp(values * np.linspace(1, 30, 9), axis=(0, 1))
    np.testing.assert_allclose(fit.scale_, extent + 5.0)
    usual = jpca(session, n_components=4)
    np.testing.assert_allclose(usual.scale_, extent + extent.max() / 10)
    np.testing.assert_array_equal(jpca(session, n_components=4, **PLAIN).scale_, 1.0)
    # Divided by their range alone, units of any size count the same.
    one, two = (
        jpca(make(values * k), n_components=4, softening=0.0) for k in (1, np.arange(1, 10))
    )
    np.testing.assert_allclose(one.trajectories, two.trajectories, atol=1e-9)


def test_a_silent_unit_is_no_trouble():
    values, _ = spinning((2.0,))
    values[..., 4] = 0.3
    fit = jpca(make(values), n_components=2, softening=0.0)
    assert np.isfinite(fit.jpcs_).all() and abs(fit.jpcs_[0, 4]) < 1e-12


# Trials, windows, axes


def test_single_trials_average_to_the_trajectories():
    values, _ = spinning((2.0, 4.0))
    session = make(values, repeats=3)
    noise = np.random.default_rng(0).normal(size=session["rates"].shape)
    session = session.assign(rates=session["rates"] + noise)
    fit = jpca(session, n_components=4)
    along = fit.transform(session)
    assert along.dims == ("trial", "time", "component")
    means = along.groupby("reach").mean().transpose("reach", "time", "component")
    np.testing.assert_allclose(means, fit.trajectories, atol=1e-9)


def test_conditions_start_spread_along_the_first_axis():
    values, _ = spinning((2.0,), conditions=20)
    fit = jpca(make(values), n_components=2, **PLAIN)
    start = fit.trajectories[:, 0].to_numpy()
    assert start[:, 0].std() > start[:, 1].std()
    np.testing.assert_allclose(start[:, 0] @ start[:, 1], 0, atol=1e-9)


def test_the_window_follows_the_event():
    values, _ = spinning((2.0,))
    onset = np.tile([50.0, 80.0], 8)
    shifted = np.repeat(values, 2, 0)
    session = make(values, onset=onset)
    for trial, lead in enumerate((onset / DT).astype(int)):
        shifted[trial] = np.roll(shifted[trial], lead, axis=0)
        shifted[trial, :lead] = 0.0
    session = session.assign(rates=(session["rates"].dims, shifted))
    fit = jpca(session, n_components=2, align="movement", window=(0, 150), **PLAIN)
    assert fit.frequency == pytest.approx(2.0, rel=1e-9)
    assert fit.trajectories["time"].to_numpy().tolist() == (np.arange(15) * DT).tolist()


def test_groups_are_analysed_by_themselves():
    slow, fast = spinning((1.0,))[0], spinning((3.0,))[0]
    both = xr.concat([make(slow), make(fast)], "trial", data_vars="minimal", coords="minimal")
    both = both.assign_coords(pace=("trial", np.repeat(["slow", "fast"], 16)))
    fits = jpca(both, n_components=2, by="pace", **PLAIN)
    np.testing.assert_allclose(fits.table["frequency"], [3.0, 1.0], rtol=1e-9)
    assert fits.table["pace"].tolist() == ["fast", "slow"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_components": 1}, "`n_components` must be a whole number of 2 or more"),
        ({"n_components": 6}, "`n_components` must be at most 4, the number of dimensions in"),
        ({"n_planes": 3, "n_components": 4}, "`n_planes` must be at most 2, half of"),
        ({"normalize": "range"}, '`normalize` must be one of "soft range"'),
        ({"softening": -1}, "`softening` must be a number of 0 or more"),
        ({"condition": "rich"}, r'`condition` must be one of .* mean "reach"'),
        ({"window": (0, 20)}, "`session` must have two conditions .* got 8 at 2"),
    ],
)
def test_what_is_wrong_is_said(arguments, message):
    values, _ = spinning((2.0, 4.0))
    with pytest.raises(ValueError, match=message):
        jpca(make(values), **arguments)


def test_sessions_that_hold_no_rotation_at_all_are_refused():
    values, _ = spinning((2.0,))
    with pytest.raises(ValueError, match="`session` must have two conditions or more"):
        jpca(make(values[:1]), n_components=2)
    with pytest.raises(ValueError, match="`n_components` must be at most 0"):
        jpca(make(np.repeat(values[:1], 3, 0)), n_components=2)
    with pytest.raises(ValueError, match="`of` must be activity that varies"):
        jpca(make(values * 0 + 1), n_components=2)
    still = np.random.default_rng(0).normal(size=(4, 1, 9)) * np.ones((10, 1))
    fit = jpca(make(still), n_components=2, **PLAIN)
    assert np.isnan([fit.r2_skew, fit.r2_full]).all() and fit.frequency == pytest.approx(0)


# What it says


def test_the_figure_shows_the_plane():
    values, _ = spinning((2.0, 4.0), (1.0, 1.0))
    fit = jpca(make(values), n_components=4)
    ax: Any = fit.plot(plane=1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("jPC 3", "jPC 4")
    assert ax.get_title().startswith(f"{fit.frequency[1]:.2f} Hz, ")
    paths = [line for line in ax.lines if len(line.get_xdata()) > 1]
    np.testing.assert_array_equal(paths[0].get_xydata(), fit.trajectories[0, :, 2:])
    with pytest.raises(ValueError, match="`plane` must be from 0 to 1, got 2"):
        fit.plot(plane=2)


def test_the_text_tells_how_well_rotation_fits():
    fit = jpca(make(spinning((2.0,))[0]), n_components=2, **PLAIN)
    assert isinstance(fit, JPCA)
    for word in ("8 conditions of reach", "16 trials", "100.0%", "2 Hz", "ok"):
        assert word in repr(fit)
    assert list(fit.table)[:3] == ["plane", "frequency", "explained_variance_ratio"]
    with pytest.raises(AttributeError):
        fit.of = "states"  # type: ignore[misc]
