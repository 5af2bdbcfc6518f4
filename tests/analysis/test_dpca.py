"""dPCA against loops over cells, PCA, and components that were put into the data."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import DPCA, dpca, pca
from neurotask.analysis.population.marginals import marginalize

DT = 10.0
COHERENCES = (-0.5, -0.1, 0.1, 0.5)
CHOICES = ("left", "right")


def session_of(cells, repeats, noise=0.0, seed=0, **more):
    """Trials from averages (coherence, choice, time, unit), in random order."""
    rng = np.random.default_rng(seed)
    keys = list(product(range(cells.shape[0]), range(cells.shape[1])))
    repeats = np.broadcast_to(repeats, len(keys))
    rows = [key for key, n in zip(keys, repeats, strict=True) for _ in range(n)]
    rows = np.array(rows)[rng.permutation(len(rows))]
    rates = cells[rows[:, 0], rows[:, 1]] + noise * rng.normal(size=(len(rows), *cells.shape[2:]))
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", np.array(COHERENCES)[rows[:, 0]]),
            "choice": ("trial", np.array(CHOICES)[rows[:, 1]]),
            "time": np.arange(cells.shape[2]) * DT,
        },
        {"dt": DT, **more},
    )


def random_cells(steps=6, units=10, seed=0):
    return np.random.default_rng(seed).normal(size=(4, 2, steps, units)) + 3


def planted(units=20, steps=25, seed=0):
    """Averages with one latent a marginalization, along directions that are not orthogonal."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, steps)
    axes = rng.normal(size=(3, units)) + 0.7
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    coherence = np.array(COHERENCES)[:, None, None] * np.sin(3 * time)
    choice = np.array([-1.0, 1.0])[None, :, None] * time**2
    latents = np.broadcast_arrays(3 * np.cos(5 * time)[None, None], 4 * coherence, 2 * choice)
    cells = sum(z[..., None] * axis for z, axis in zip(latents, axes, strict=True))
    return cells + 1.0, axes, latents


FACTORS = ("coherence", "choice")


# Marginalizations


@pytest.mark.parametrize("separate", [False, True])
def test_parts_add_up_to_the_data_and_are_orthogonal(separate):
    cells = random_cells()
    parts = marginalize(cells - cells.mean((0, 1, 2)), FACTORS, separate_time=separate)
    names = ["time", "coherence", "choice", "coherence:choice"]
    if separate:
        more = ["coherence:time", "choice:time", "coherence:choice:time"]
        assert set(parts) == {*names, *more}
    else:
        assert list(parts) == ["time", "coherence", "choice", "coherence:choice"]
    np.testing.assert_allclose(sum(parts.values()), cells - cells.mean((0, 1, 2)), atol=1e-12)
    flat = [part.reshape(-1, 10) for part in parts.values()]
    for i, one in enumerate(flat):
        for other in flat[:i]:
            np.testing.assert_allclose(one.T @ other, 0, atol=1e-12)


def test_parts_are_those_of_a_loop_over_cells():
    cells = random_cells()
    parts = marginalize(cells, FACTORS, separate_time=True)
    for c, d, t in product(range(4), range(2), range(6)):
        grand = cells.mean((0, 1, 2))
        of_time = cells[:, :, t].mean((0, 1)) - grand
        of_coherence = cells[c].mean((0, 1)) - grand
        of_choice = cells[:, d].mean((0, 1)) - grand
        with_time = cells[c, :, t].mean(0) - grand - of_time - of_coherence
        both = cells[c, d].mean(0) - grand - of_coherence - of_choice
        wanted = {
            "time": of_time,
            "coherence": of_coherence,
            "choice": of_choice,
            "coherence:time": with_time,
            "coherence:choice": both,
        }
        for name, value in wanted.items():
            np.testing.assert_allclose(parts[name][c, d, t], value, atol=1e-12)


# Components


def by_hand(cells, parts, n, r):
    """Ridge regression on padded data, and the SVD of what it predicts."""
    x = (cells - cells.mean((0, 1, 2))).reshape(-1, cells.shape[-1]).T
    padded = np.hstack([x, r * np.linalg.norm(x) * np.eye(len(x))])
    found = {}
    for name, part in parts.items():
        y = np.hstack([part.reshape(-1, len(x)).T, np.zeros((len(x), len(x)))])
        full = np.linalg.lstsq(padded.T, y.T, rcond=None)[0].T
        f = np.linalg.svd(full @ padded)[0][:, :n]
        found[name] = f, f.T @ full
    return x, found


@pytest.mark.parametrize("r", [0.0, 0.1])
def test_it_is_the_ridge_regression_of_reduced_rank(r):
    cells = random_cells()
    fit = dpca(session_of(cells, 3), factors=FACTORS, n_components=2, regularization=r)
    parts = marginalize(cells - cells.mean((0, 1, 2)), FACTORS, separate_time=False)
    x, found = by_hand(cells, parts, 2, r)
    total = (x**2).sum()
    for name, (f, d) in found.items():
        for i in range(2):
            label = f"{name} {i + 1}"
            encoder = fit.encoders_.sel(component=label).to_numpy()
            sign = np.sign(encoder @ f[:, i])
            np.testing.assert_allclose(encoder, sign * f[:, i], atol=1e-10)
            np.testing.assert_allclose(fit.decoders_.sel(component=label), sign * d[i], atol=1e-10)
            share = 1 - ((x - np.outer(f[:, i], d[i] @ x)) ** 2).sum() / total
            row = fit.table.set_index("component").loc[label]
            assert row["explained_variance_ratio"] == pytest.approx(share, abs=1e-12)
            for other, part in parts.items():
                y = part.reshape(-1, 10).T
                gained = (y**2).sum() - ((y - np.outer(f[:, i], d[i] @ y)) ** 2).sum()
                assert row[f"by {other}"] == pytest.approx(gained / total, abs=1e-12)
    given = sum(f @ d @ x for f, d in found.values())
    assert fit.total_explained_variance_ratio == pytest.approx(1 - ((x - given) ** 2).sum() / total)


def test_no_other_map_of_its_rank_has_less_loss():
    cells = random_cells()
    session = session_of(cells, 2)
    r, rng = 0.2, np.random.default_rng(1)
    fit = dpca(session, factors=FACTORS, n_components={"coherence": 2}, regularization=r)
    parts = marginalize(cells - cells.mean((0, 1, 2)), FACTORS, separate_time=False)
    x = (cells - cells.mean((0, 1, 2))).reshape(-1, 10).T
    y = parts["coherence"].reshape(-1, 10).T

    def loss(f, d):
        return ((y - f @ d @ x) ** 2).sum() + r**2 * (x**2).sum() * ((f @ d) ** 2).sum()

    f, d = fit.encoders_.to_numpy().T, fit.decoders_.to_numpy()
    least = loss(f, d)
    for _ in range(50):
        for size in (1e-3, 0.3):
            df, dd = rng.normal(size=f.shape), rng.normal(size=d.shape)
            assert loss(f + size * df, d + size * 0.1 * dd) > least


def test_components_that_were_put_in_are_found():
    cells, axes, latents = planted()
    fit = dpca(session_of(cells, 4), factors=FACTORS)
    # The coherence latent is not orthogonal to the others in space; only the parts' own remain.
    assert sorted(fit.components) == ["choice 1", "coherence 1", "time 1"]
    for name, axis, latent in zip(("time", *FACTORS), axes, latents, strict=True):
        encoder = fit.encoders_.sel(component=f"{name} 1").to_numpy()
        assert abs(encoder @ axis) == pytest.approx(1, abs=1e-9)
        course = fit.trajectories.sel(component=f"{name} 1").to_numpy().reshape(4, 2, -1)
        sign = np.sign(encoder @ axis)
        np.testing.assert_allclose(course, sign * (latent - latent.mean()), atol=1e-9)
    assert fit.total_explained_variance_ratio == pytest.approx(1)
    along = pca(session_of(cells, 4), n_components=1, condition=FACTORS)
    assert np.abs(along.components_ @ axes.T).max() < 0.999  # principal components mix them


def test_a_component_depends_on_its_factor_alone():
    cells, _, _ = planted()
    fit = dpca(session_of(cells, 4), factors=FACTORS)
    shares = fit.variance_by_marginalization
    for label in fit.components:
        own = shares.sel(component=label, part=label[:-2])
        assert own > 0.99 * np.abs(shares.sel(component=label)).sum()
    assert fit.marginal_variance_ratio.sum() == pytest.approx(1)


def test_it_explains_no_more_than_pca():
    session = session_of(random_cells(units=12), 3)
    for n in (1, 2, 3):
        fit = dpca(session, factors=FACTORS, n_components=n)
        many = len(fit.components)
        if many <= 12:
            best = pca(session, n_components=many, condition=FACTORS).explained_variance_ratio_
            assert fit.total_explained_variance_ratio <= best.sum() + 1e-12
            assert fit.explained_variance_ratio_.max() <= best[0] + 1e-12
    assert (np.diff(fit.explained_variance_ratio_) <= 0).all()


def test_one_factor_at_one_time_is_pca():
    cells = random_cells(steps=1)
    session = session_of(cells, 3)
    fit = dpca(session, factors="coherence", n_components=3)
    same = pca(session, condition="coherence", n_components=3)
    assert fit.components == ["coherence 1", "coherence 2", "coherence 3"]
    np.testing.assert_allclose(fit.encoders_, same.components_, atol=1e-9)
    np.testing.assert_allclose(fit.decoders_, same.components_, atol=1e-9)
    np.testing.assert_allclose(fit.explained_variance_ratio_, same.explained_variance_ratio_)
    assert fit.marginal_variance_ratio["time"] == pytest.approx(0)


def test_all_components_give_the_averages_back():
    cells = random_cells(units=5)
    session = session_of(cells, 2)
    fit = dpca(session, factors=FACTORS, n_components=5)
    back = fit.inverse_transform(fit.trajectories)
    assert back.dims == ("condition", "time", "unit")
    np.testing.assert_allclose(back.to_numpy().reshape(cells.shape), cells, atol=1e-9)
    assert fit.total_explained_variance_ratio == pytest.approx(1)


def test_combinations_weigh_the_same_whatever_their_trials():
    cells = random_cells()
    one = dpca(session_of(cells, 2), factors=FACTORS)
    two = dpca(session_of(cells, [1, 9, 2, 3, 4, 1, 7, 2]), factors=FACTORS)
    np.testing.assert_allclose(one.decoders_, two.decoders_, atol=1e-9)
    assert int(two.n_trials.sum()) == 29


def test_the_order_of_factors_does_not_matter():
    session = session_of(random_cells(), 2)
    one, two = (dpca(session, factors=names, n_components=2) for names in (FACTORS, FACTORS[::-1]))
    label = "coherence 1"
    np.testing.assert_allclose(
        one.decoders_.sel(component=label), two.decoders_.sel(component=label), atol=1e-9
    )
    assert two.trajectories["condition"].to_numpy()[0] == "left, -0.5"


def test_the_number_of_components_may_differ():
    session = session_of(random_cells(), 2)
    fit = dpca(session, factors=FACTORS, n_components={"time": 1, "coherence": 2})
    assert sorted(fit.components) == ["coherence 1", "coherence 2", "time 1"]
    apart = dpca(session, factors=FACTORS, n_components=1, separate_time=True)
    assert "coherence:choice:time 1" in apart.components and len(apart.components) == 7


# Cross-validation


def test_noise_asks_for_regularization():
    cells, _, _ = planted()
    silent = dpca(session_of(cells, 6, noise=1e-3), factors=FACTORS, regularization="cv")
    noisy = dpca(session_of(cells, 6, noise=1.0), factors=FACTORS, regularization="cv")
    assert silent.regularization < noisy.regularization
    errors = noisy.cross_validation
    assert errors is not None and list(errors) == ["regularization", "error", "sem"]
    best = errors["error"].idxmin()
    assert 0 < best < len(errors) - 1
    assert noisy.regularization == errors["regularization"][best]
    assert dpca(session_of(cells, 6), factors=FACTORS).cross_validation is None
    fixed = dpca(
        session_of(cells, 6, noise=1.0), factors=FACTORS, regularization=noisy.regularization
    )
    np.testing.assert_array_equal(fixed.decoders_, noisy.decoders_)


def test_cross_validation_predicts_parts_from_left_out_trials():
    cells = random_cells(steps=3, units=5)
    session = session_of(cells, 2, noise=1.0)
    settings: Any = dict(factors="choice", n_components=1, n_repeats=2, seed=4)
    fit = dpca(session, regularization="cv", **settings)
    # Each choice has 8 trials; the loop leaves one out by the same draws.
    from neurotask._streams import Stream, generator

    rates, choice = session["rates"].to_numpy(), session["choice"].to_numpy()
    r, errors = 0.1, []
    for repeat in range(2):
        random = generator(4, Stream.ANALYSIS, repeat)
        out = [random.choice(np.flatnonzero(choice == side)) for side in CHOICES]
        left = [
            np.setdiff1d(np.flatnonzero(choice == s), o) for s, o in zip(CHOICES, out, strict=True)
        ]
        train = np.stack([rates[rows].mean(0) for rows in left])
        test = rates[out] - train.mean((0, 1))
        train = train - train.mean((0, 1))
        parts = {"time": np.broadcast_to(train.mean(0), train.shape)}
        parts["choice"] = train - parts["time"]
        x = train.reshape(-1, 5).T
        error = 0.0
        for part in parts.values():
            y = part.reshape(-1, 5).T
            a = y @ x.T @ np.linalg.inv(x @ x.T + (r * np.linalg.norm(x)) ** 2 * np.eye(5))
            f = np.linalg.eigh(a @ x @ y.T)[1][:, -1:]
            error += ((y - f @ f.T @ a @ test.reshape(-1, 5).T) ** 2).sum()
        errors.append(error / (x**2).sum())
    assert fit.cross_validation is not None
    row = fit.cross_validation.set_index("regularization").loc[0.1]
    np.testing.assert_allclose(row["error"], np.mean(errors), rtol=1e-9)
    np.testing.assert_allclose(row["sem"], np.std(errors, ddof=1) / np.sqrt(2), rtol=1e-9)


def test_the_seed_decides_which_trials_are_left_out():
    session = session_of(planted(units=6, steps=5)[0], 3, noise=0.5)
    settings: Any = dict(factors=FACTORS, regularization="cv", n_repeats=2)
    errors = [dpca(session, seed=seed, **settings).cross_validation for seed in (0, 0, 1)]
    assert errors[0] is not None and errors[0].equals(errors[1])
    assert not errors[0].equals(errors[2])


def test_a_single_trial_cannot_be_left_out():
    session = session_of(random_cells(), [1, 2, 2, 2, 2, 2, 2, 2])
    with pytest.raises(ValueError, match=r'`regularization` must be a number .* got "cv"'):
        dpca(session, factors=FACTORS, regularization="cv")


# Single trials, padding, groups


def test_single_trials_average_to_the_trajectories():
    session = session_of(random_cells(), 4, noise=1.0)
    rates = session["rates"].to_numpy().copy()
    rates[0, 4:] = np.nan
    session = session.assign(rates=(session["rates"].dims, rates))
    fit = dpca(session, factors=FACTORS)
    along = fit.transform(session)
    assert along.dims == ("trial", "time", "component")
    assert along[0, 4:].isnull().all() and along[0, :4].notnull().all()
    for i, (coherence, choice) in enumerate(product(COHERENCES, CHOICES)):
        rows = (along["coherence"] == coherence) & (along["choice"] == choice)
        np.testing.assert_allclose(along[rows].mean("trial"), fit.trajectories[i], atol=1e-9)
    with pytest.raises(ValueError, match="`session` must have 10 units, got 4"):
        fit.transform(session.isel(unit=slice(4)))


def test_windows_and_groups():
    cells = random_cells()
    session = session_of(cells, 3)
    fit = dpca(session, factors=FACTORS, window=(20, 50))
    assert fit.trajectories["time"].to_numpy().tolist() == [20.0, 30.0, 40.0]
    fits = dpca(session, factors="coherence", by="choice")
    alone = dpca(
        session.isel(trial=np.flatnonzero(session["choice"] == "left")), factors="coherence"
    )
    np.testing.assert_allclose(fits["left"].decoders_, alone.decoders_)
    assert fits.table.columns[0] == "choice"
    assert len(fits.plot()) == 2


# Errors


def test_combinations_without_trials_are_named():
    session = session_of(random_cells(), [2, 0, 2, 2, 2, 2, 0, 2])
    with pytest.raises(ValueError, match=r'got none of "coherence -0.5 and choice right", "coh'):
        dpca(session, factors=FACTORS)
    left = session.isel(trial=np.flatnonzero(session["choice"] == "left"))
    with pytest.raises(ValueError, match="two levels or more, got 'choice', which is 'left'"):
        dpca(left, factors=FACTORS)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"factors": ()}, ValueError, "`factors` must name conditions, each once"),
        ({"factors": ("time",)}, ValueError, "`factors` must name conditions, .* without time"),
        ({"factors": "chioce"}, ValueError, '`factors` must be .* mean "choice"'),
        ({"of": "rate"}, ValueError, '`of` must be one of "rates"'),
        ({"regularization": -1}, ValueError, "`regularization` must be a number of 0 or more"),
        ({"n_components": 0}, ValueError, "`n_components` must be a whole number of 1 or more"),
        ({"n_components": {"tme": 1}}, ValueError, '`n_components` must be .* mean "time"'),
        ({"n_components": {"time": 0}}, ValueError, "`n_components` must ask for one component"),
        ({"n_repeats": 1}, ValueError, "`n_repeats` must be a whole number of 2 or more"),
    ],
)
def test_what_is_wrong_is_said(arguments, error, message):
    with pytest.raises(error, match=message):
        dpca(session_of(random_cells(), 2), **{"factors": FACTORS, **arguments})


def test_activity_that_does_not_vary_is_refused():
    with pytest.raises(ValueError, match="`of` must be activity that varies with factors"):
        dpca(session_of(random_cells() * 0 + 2, 2), factors=FACTORS)


# What it says


def test_the_figures_show_time_courses_and_variance():
    session = session_of(planted()[0], 2)
    fit = dpca(session, factors=FACTORS)
    ax: Any = fit.plot(component="coherence 1")
    share = float(fit.variance_by_marginalization.sel(component="coherence 1").sum())
    assert ax.get_ylabel() == f"coherence 1 ({share:.0%} of variance)"
    assert ax.get_xlabel() == "time from the start of the trial (ms)"
    lines = [line for line in ax.lines if len(line.get_xdata()) == 25]
    assert len(lines) == 8
    wanted = fit.trajectories.sel(component="coherence 1")[0]
    np.testing.assert_array_equal(lines[0].get_ydata(), wanted)
    bars: Any = fit.plot_variance()
    heights = np.zeros(3)
    for group in bars.containers:
        heights += [bar.get_height() for bar in group]
    np.testing.assert_allclose(heights, 100 * fit.explained_variance_ratio_, atol=1e-9)
    assert bars.get_ylabel() == "explained variance (%)"
    with pytest.raises(ValueError, match=r'`component` must be one of .* mean "choice 1"'):
        fit.plot(component="choice1")
    with pytest.raises(ValueError, match="`component` must be less than 3"):
        fit.plot(component=3)


def test_the_text_tells_what_it_is_of():
    fit = dpca(session_of(planted()[0], 2), factors=FACTORS)
    assert isinstance(fit, DPCA)
    for word in ("rates", "8 combinations", "coherence, choice", "16 trials", "time", "100.0%"):
        assert word in repr(fit)
    with pytest.raises(AttributeError):
        fit.of = "states"  # type: ignore[misc]
