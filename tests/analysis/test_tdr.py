"""TDR against explicit regressions, and axes that were put into the data."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import TDR, tdr

DT = 10.0
STEPS = 30
TIME = np.arange(STEPS) * DT


def latents(kind):
    """Time courses with peaks at different times, (time,)."""
    centre = {"coherence": 100.0, "context": 50.0, "choice": 250.0}[kind]
    return np.exp(-(((TIME - centre) / 60) ** 2))


def make(n=400, units=16, noise=0.0, seed=0, onset: Any = 0.0, **more):
    """Trials whose activity is a sum of the variables along known orthonormal directions."""
    rng = np.random.default_rng(seed)
    coherence = rng.choice([-0.5, -0.1, 0.1, 0.5], n)
    context = rng.choice(["colour", "motion"], n)
    right = rng.random(n) < 0.5 + 0.8 * coherence
    columns = {
        "coherence": coherence / 0.5,
        "context": np.where(context == "motion", 1.0, -1.0),
        "choice": np.where(right, 1.0, -1.0),
    }
    axes = np.linalg.qr(rng.normal(size=(units, 3)))[0].T
    weights = {"coherence": 1.0, "context": 2.0, "choice": 1.5}
    rates = 5 + noise * rng.normal(size=(n, STEPS, units))
    for axis, (name, column) in zip(axes, columns.items(), strict=True):
        rates += weights[name] * column[:, None, None] * latents(name)[:, None] * axis
    start = np.stack([np.zeros(n), np.broadcast_to(onset, n)], 1)
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", coherence),
            "context": ("trial", context),
            "choice": ("trial", np.where(right, "right", "left")),
            "correct": ("trial", (right == (coherence > 0)).astype(float)),
            "time": TIME,
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), start.astype(float)),
        },
        {"dt": DT, "choices": ["left", "right"], **more},
    )
    return session, axes, columns


VARIABLES = ("coherence", "context", "choice")


def by_hand(rates, columns, times):
    """z-scores and coefficients by one `lstsq` a unit and time, (variable, time, unit)."""
    rows = rates[:, times].reshape(-1, rates.shape[2])
    z = (rates - rows.mean(0)) / rows.std(0)
    x = np.column_stack([*columns, np.ones(len(rates))])
    betas = np.zeros((len(columns), len(times), rates.shape[2]))
    for j, step in enumerate(times):
        for unit in range(rates.shape[2]):
            betas[:, j, unit] = np.linalg.lstsq(x, z[:, step, unit], rcond=None)[0][:-1]
    return z, betas


def test_it_is_the_regression_the_projection_and_the_qr_of_the_paper():
    session, _, columns = make(noise=1.0, n=150, units=9)
    fit = tdr(session, variables=VARIABLES, n_components=4, condition=("context", "coherence"))
    z, betas = by_hand(session["rates"].to_numpy(), list(columns.values()), range(STEPS))
    np.testing.assert_allclose(fit.betas, betas, atol=1e-10)
    assert fit.betas.dims == ("variable", "time", "unit")

    keys = list(zip(session["context"].to_numpy(), session["coherence"].to_numpy(), strict=True))
    conditions = sorted(set(keys))
    means = np.stack([z[[key == one for key in keys]].mean(0) for one in conditions])
    rows = means.reshape(-1, 9)
    components = np.linalg.svd(rows - rows.mean(0))[2][:4]
    denoising = sum(np.outer(v, v) for v in components)
    strongest, peaks = [], []
    for b in betas:
        denoised = np.array([denoising @ row for row in b])
        norms = np.linalg.norm(denoised, axis=1)
        strongest.append(denoised[norms.argmax()])
        peaks.append(TIME[norms.argmax()])
    basis: list[np.ndarray] = []  # by Gram and Schmidt
    for vector in strongest:
        left = vector - sum((vector @ b * b for b in basis), np.zeros(9))
        basis.append(left / np.linalg.norm(left))
    np.testing.assert_allclose(fit.axes_, basis, atol=1e-10)
    assert fit.peak_time.to_numpy().tolist() == peaks
    np.testing.assert_allclose(fit.trajectories, means @ np.array(basis).T, atol=1e-10)
    cosines = [v @ b / np.linalg.norm(v) for v, b in zip(strongest, basis, strict=True)]
    np.testing.assert_allclose(fit.kept, cosines, atol=1e-10)
    flat = means.reshape(-1, 9) - rows.mean(0)
    shares = ((flat @ np.array(basis).T) ** 2).sum(0) / (flat**2).sum()
    np.testing.assert_allclose(fit.explained_variance_ratio_, shares, atol=1e-10)


def test_axes_that_were_put_in_are_found():
    session, axes, _ = make()
    fit = tdr(session, variables=VARIABLES)
    # z-scoring stretches each unit: the axes are those of the stretched activity, orthogonalised.
    q, r = np.linalg.qr((axes / fit.scale_).T)
    np.testing.assert_allclose(fit.axes_, (q * np.sign(np.diag(r))).T, atol=1e-9)
    np.testing.assert_allclose(fit.axes_.to_numpy() @ fit.axes_.to_numpy().T, np.eye(3), atol=1e-12)
    assert fit.peak_time.sel(variable="coherence") == 100.0
    assert fit.peak_time.sel(variable="context") == 50.0
    assert fit.peak_time.sel(variable="choice") == 250.0
    assert fit.explained_variance_ratio_.sum() == pytest.approx(1)
    assert fit.variables == VARIABLES


def test_noise_is_averaged_out():
    session, axes, _ = make(n=1500, noise=0.5, seed=3)
    fit = tdr(session, variables=VARIABLES)
    q = np.linalg.qr((axes / fit.scale_).T)[0].T
    assert (np.abs((fit.axes_.to_numpy() * q).sum(1)) > 0.98).all()


def test_an_axis_points_to_where_its_variable_grows():
    session, _, columns = make()
    fit = tdr(session, variables=VARIABLES)
    along = fit.transform(session)
    for name in VARIABLES:
        peak = along.sel(variable=name, time=fit.peak_time.sel(variable=name))
        assert np.corrcoef(peak, columns[name])[0, 1] > 0.6
    turned = session.assign_attrs(choices=["right", "left"])
    other = tdr(turned, variables=VARIABLES)
    np.testing.assert_allclose(other.axes_[2], -fit.axes_[2], atol=1e-10)


def test_the_order_decides_what_keeps_its_direction():
    session, _, _ = make(noise=0.3)
    one = tdr(session, variables=("coherence", "choice"))
    two = tdr(session, variables=("choice", "coherence"))
    assert one.kept[0] == pytest.approx(1) and one.kept[1] < 1
    assert two.kept.sel(variable="choice") == pytest.approx(1)
    assert abs(float(one.axes_[0] @ two.axes_[1])) < 0.999999


def test_interactions_are_products_of_what_they_name():
    session, _, columns = make(noise=0.5, n=120, units=6)
    names = ("coherence", "context", "coherence:context")
    fit = tdr(session, variables=names, n_components=5)
    values = [columns["coherence"], columns["context"]]
    _, betas = by_hand(session["rates"].to_numpy(), [*values, np.prod(values, 0)], range(STEPS))
    np.testing.assert_allclose(fit.betas, betas, atol=1e-10)
    assert fit.condition == ("coherence", "context")


@pytest.mark.parametrize(
    ("levels", "wanted"),
    [
        ([10.0, 14.0, 34.0], [-1, -2 / 3, 1]),
        ([-0.5, 0.0, 0.25], [-1, 0, 0.5]),
        ([0, 1], [-1, 1]),
        ([False, True], [-1, 1]),
        (["b", "a"], [1, -1]),
    ],
)
def test_variables_are_put_between_minus_one_and_one(levels, wanted):
    session, _, _ = make(noise=0.5, n=120, units=5)
    place = np.arange(120) % len(levels)
    session = session.assign_coords(x=("trial", np.array(levels)[place]))
    fit = tdr(session, variables="x", n_components=2)
    _, betas = by_hand(session["rates"].to_numpy(), [np.array(wanted)[place]], range(STEPS))
    np.testing.assert_allclose(fit.betas, betas, atol=1e-10)


# Missing data


def test_trials_without_a_value_or_a_choice_are_left_out_and_counted():
    session, _, _ = make(noise=0.5, n=150)
    choice = session["choice"].to_numpy().astype(object).copy()
    choice[:5] = "none"
    coherence = session["coherence"].to_numpy().copy()
    coherence[5:8] = np.nan
    holes = session.assign_coords(
        choice=("trial", choice.astype(str)), coherence=("trial", coherence)
    )
    fit = tdr(holes, variables=VARIABLES)
    rest = tdr(session.isel(trial=slice(8, None)), variables=VARIABLES)
    assert (fit.n_excluded, rest.n_excluded) == (8, 0)
    np.testing.assert_allclose(fit.axes_, rest.axes_, atol=1e-10)
    assert int(fit.n_trials.sum()) == 142


def test_a_padded_step_is_no_data():
    session, _, columns = make(noise=0.5, n=200, units=8)
    rates = session["rates"].to_numpy().copy()
    short = np.arange(200) % 5 == 0
    rates[short, 20:] = np.nan
    cut = session.assign(rates=(session["rates"].dims, rates))
    fit = tdr(cut, variables=VARIABLES, condition="context", n_components=3)
    rows = rates[~np.isnan(rates).any(2)]
    z = (rates - rows.mean(0)) / rows.std(0)
    x = np.column_stack([*columns.values(), np.ones(200)])
    late = np.linalg.lstsq(x[~short], z[~short, 25], rcond=None)[0][:-1]
    np.testing.assert_allclose(fit.betas.sel(time=250.0), late, atol=1e-10)
    early = np.linalg.lstsq(x, z[:, 10], rcond=None)[0][:-1]
    np.testing.assert_allclose(fit.betas.sel(time=100.0), early, atol=1e-10)


def test_times_that_do_not_determine_a_coefficient_are_nan():
    session, _, _ = make(noise=0.5, n=100)
    # Late, all trials that go on have one value of x, which conditions do not know.
    x = np.where(np.arange(100) < 60, 1.0, np.where(np.arange(100) % 2, 1.0, -1.0))
    rates = session["rates"].to_numpy().copy()
    rates[60:, 20:] = np.nan
    session = session.assign(rates=(session["rates"].dims, rates)).assign_coords(x=("trial", x))
    fit = tdr(session, variables=("x",), condition="context", n_components=5)
    assert np.isnan(fit.betas.sel(time=slice(200, None))).all()
    assert fit.betas.sel(time=slice(None, 190)).notnull().all()
    assert fit.peak_time < 200


def test_a_silent_unit_is_zero_and_no_nan():
    session, _, _ = make(noise=0.5)
    rates = session["rates"].to_numpy().copy()
    rates[..., 3] = 0.7
    fit = tdr(session.assign(rates=(session["rates"].dims, rates)), variables=VARIABLES)
    assert (np.abs(fit.betas[..., 3]) < 1e-10).all() and fit.scale_[3] == 1
    assert np.isfinite(fit.trajectories).all()


# Single trials, conditions, windows, groups


def test_single_trials_average_to_the_trajectories():
    onset = np.random.default_rng(1).integers(0, 8, 400) * DT
    session, _, _ = make(noise=0.5, onset=onset)
    fit = tdr(session, variables=VARIABLES, align="stimulus", condition="coherence")
    along = fit.transform(session)
    assert along.dims == ("trial", "time", "variable")
    means = along.groupby("coherence").mean().transpose("coherence", "time", "variable")
    np.testing.assert_allclose(means, fit.trajectories, atol=1e-9)
    assert fit.n_trials.index.tolist() == [-0.5, -0.1, 0.1, 0.5]
    with pytest.raises(ValueError, match="`session` must have 16 units, got 5"):
        fit.transform(session.isel(unit=slice(5)))


def test_a_window_holds_the_times_of_the_fit():
    session, _, columns = make(noise=0.5, n=120, units=6)
    fit = tdr(session, variables=VARIABLES, window=(50, 150), n_components=4)
    assert fit.betas["time"].to_numpy().tolist() == (np.arange(5, 15) * DT).tolist()
    _, betas = by_hand(session["rates"].to_numpy(), list(columns.values()), range(5, 15))
    np.testing.assert_allclose(fit.betas, betas, atol=1e-10)


def test_correct_trials_alone_may_be_used():
    session, _, _ = make(noise=0.5)
    fit = tdr(session, variables=VARIABLES, trials="correct")
    right = session.isel(trial=np.flatnonzero(session["correct"] == 1))
    np.testing.assert_allclose(fit.axes_, tdr(right, variables=VARIABLES).axes_, atol=1e-10)
    assert fit.n_excluded == int((session["correct"] == 0).sum())


def test_groups_are_analysed_by_themselves():
    session, _, _ = make(noise=0.5)
    fits = tdr(session, variables=("coherence", "choice"), by="context")
    part = session.isel(trial=np.flatnonzero(session["context"] == "motion"))
    alone = tdr(part, variables=("coherence", "choice"))
    np.testing.assert_allclose(fits["motion"].axes_, alone.axes_)
    assert fits.table["context"].tolist() == ["colour"] * 2 + ["motion"] * 2
    assert len(fits.plot()) == 2


# Errors


def test_variables_that_determine_one_another_are_named():
    session, _, columns = make(noise=0.5)
    session = session.assign_coords(
        evidence=("trial", 3 * columns["coherence"] + 2 * columns["choice"]),
        always=("trial", np.ones(400)),
    )
    with pytest.raises(ValueError, match=r'determine .* got "coherence", "choice", "evidence"'):
        tdr(session, variables=("coherence", "context", "choice", "evidence"))
    with pytest.raises(ValueError, match=r'must vary between .* got "always", constant'):
        tdr(session, variables=("coherence", "always"))
    with pytest.raises(ValueError, match="must not determine one another"):
        few = session.isel(trial=[0, 1, 2])
        tdr(few, variables=VARIABLES, condition="context")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"variables": ()}, ValueError, "`variables` must name what to regress on, got none"),
        ({"variables": ("choice", "choice")}, ValueError, "`variables` must be named once each"),
        ({"variables": "chioce"}, ValueError, '`variables` must be .* mean "choice"'),
        ({"variables": 3}, TypeError, "`variables` must be a name or names, got 3"),
        ({"variables": "letter"}, ValueError, "or have two levels, got 'letter' of 3: \"a\""),
        ({"of": "rate"}, ValueError, '`of` must be one of "rates"'),
        ({"trials": "good"}, ValueError, '`trials` must be one of "all", "correct"'),
        ({"n_components": 2}, ValueError, "`n_components` must be from 3, .* to 16, .* got 2"),
        ({"n_components": 17}, ValueError, "`n_components` must be from 3, .* got 17"),
        ({"window": (50,)}, TypeError, r"`window` must be \(start, stop\) in ms, got"),
        ({"window": (50, 50)}, ValueError, "`window` must start before it stops"),
        ({"window": (900, 1000)}, ValueError, "`window` must hold a time .* 0 to 290 ms"),
    ],
)
def test_what_is_wrong_is_said(arguments, error, message):
    session, _, _ = make(noise=0.5)
    session = session.assign_coords(letter=("trial", np.array(list("abc"))[np.arange(400) % 3]))
    with pytest.raises(error, match=message):
        tdr(session, **{"variables": VARIABLES, **arguments})


def test_a_variable_that_moves_nothing_has_no_axis():
    session, _, _ = make()
    balanced = np.tile([-1.0, 1.0], 200)
    session = session.isel(trial=np.repeat(np.arange(200), 2)).assign_coords(
        idle=("trial", balanced)
    )
    with pytest.raises(ValueError, match='a direction of its own, got "idle"'):
        tdr(session, variables=("coherence", "idle"))


# What it says


def test_the_table_and_the_text_tell_the_figures():
    session, _, _ = make(noise=0.5)
    fit = tdr(session, variables=VARIABLES, condition="coherence", align="stimulus")
    assert isinstance(fit, TDR)
    table = fit.table
    assert table["variable"].tolist() == list(VARIABLES)
    assert table["peak_time"].tolist() == fit.peak_time.to_numpy().tolist()
    np.testing.assert_allclose(table["peak_norm"], fit.norms.max("time"))
    for word in ("rates", "12 components", "4 conditions", "400 trials", "'stimulus'", "choice"):
        assert word in repr(fit)
    with pytest.raises(AttributeError):
        fit.of = "states"  # type: ignore[misc]


def test_the_figures_show_axes_by_name_and_the_course_of_the_norms():
    session, _, _ = make(noise=0.5)
    fit = tdr(session, variables=VARIABLES, condition="coherence", align="stimulus")
    ax: Any = fit.plot(axes=("choice", "coherence"))
    assert ax.get_xlabel() == "choice axis (z-scored rates)"
    paths = [line for line in ax.lines if len(line.get_xdata()) > 1]
    np.testing.assert_array_equal(paths[0].get_xydata(), fit.trajectories[0, :, [2, 0]])
    assert fit.plot(ax) is ax
    norms: Any = fit.plot_norms()
    assert norms.get_xlabel() == "time from stimulus onset (ms)"
    assert [line.get_label() for line in norms.lines][::2] == list(VARIABLES)
    with pytest.raises(ValueError, match="`axes` must be two of coherence, context, choice"):
        fit.plot(axes=(0, 3))
    with pytest.raises(ValueError, match=r'`axes` must be one of .* mean "choice"'):
        fit.plot(axes=("coherence", "chice"))
