"""PCA against an explicit SVD, and averages that padding and alignment must not bend."""

from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from neurotask.analysis import PCA, pca

matplotlib.use("Agg")

DT = 10.0
LEVELS = np.array([-0.5, -0.1, 0.0, 0.1, 0.5])


def make(rates, coherence, onset: Any = 0.0, **coords):
    """A Session whose phase "stimulus" starts at `onset` (ms) in each trial."""
    n, steps, _ = rates.shape
    onset = np.broadcast_to(onset, n).astype(float)
    start = np.stack([np.zeros(n), onset], axis=1)
    return xr.Dataset(
        {
            "rates": (("trial", "time", "unit"), rates),
            "states": (("trial", "time", "unit"), -rates),
        },
        {
            "coherence": ("trial", coherence),
            "time": np.arange(steps) * DT,
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), start),
            **{name: ("trial", values) for name, values in coords.items()},
        },
        {"dt": DT, "psychometric_axis": "coherence"},
    )


def random_session(repeats=6, steps=12, units=7, seed=0):
    rng = np.random.default_rng(seed)
    coherence = rng.permutation(np.repeat(LEVELS, repeats))
    return make(rng.normal(size=(coherence.size, steps, units)) + 3, coherence)


def ramps(repeats=8, units=20, steps=60, seed=0):
    """Trials of differing onset, each a noiseless ramp from its onset; NaN 300 ms later."""
    rng = np.random.default_rng(seed)
    coherence = np.repeat(LEVELS, repeats)
    onset = rng.integers(5, 25, coherence.size) * DT
    since = np.arange(steps) * DT - onset[:, None]
    latent = np.stack([coherence[:, None] * np.clip(since, 0, None), np.clip(since, 0, None)], -1)
    axes = np.linalg.qr(rng.normal(size=(units, 2)))[0]
    rates = latent @ axes.T
    rates[since >= 300] = np.nan
    return make(rates, coherence, onset), axes


def test_it_is_the_svd_of_the_condition_averages():
    session = random_session()
    fit = pca(session, n_components=3)
    rates, coherence = session["rates"].to_numpy(), session["coherence"].to_numpy()
    means = np.stack([rates[coherence == level].mean(0) for level in LEVELS])
    rows = means.reshape(-1, 7)
    _, s, vt = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    sign = np.sign([row[np.abs(row).argmax()] for row in vt])[:3, None]
    np.testing.assert_allclose(fit.components_, vt[:3] * sign, atol=1e-12)
    np.testing.assert_allclose(fit.explained_variance_ratio_, (s**2 / (s**2).sum())[:3])
    np.testing.assert_allclose(fit.mean_, rows.mean(0))
    expected = (means - rows.mean(0)) @ (vt[:3] * sign).T
    np.testing.assert_allclose(fit.trajectories, expected, atol=1e-12)
    assert fit.trajectories.dims == ("condition", "time", "component")
    assert fit.trajectories["condition"].to_numpy().tolist() == LEVELS.tolist()
    assert fit.n_trials.to_dict() == dict.fromkeys(LEVELS, 6)


def test_components_are_orthonormal_and_all_of_them_hold_all_the_variance():
    fit = pca(random_session(), n_components=7)
    np.testing.assert_allclose(fit.components_ @ fit.components_.T, np.eye(7), atol=1e-12)
    assert fit.explained_variance_ratio_.sum() == pytest.approx(1)
    assert (np.diff(fit.explained_variance_ratio_) < 0).all()
    assert (fit.components_.max(1) == np.abs(fit.components_).max(1)).all()


def test_conditions_weigh_the_same_whatever_their_trials():
    session = random_session()
    again = session.isel(trial=np.flatnonzero(session["coherence"] == 0.5))
    more = xr.concat([session, again, again], "trial")
    one, two = pca(session), pca(more)
    np.testing.assert_allclose(one.trajectories, two.trajectories, atol=1e-10)
    assert two.n_trials[0.5] == 18


def test_units_in_another_order_give_the_same_trajectories():
    session = random_session()
    shuffled = session.isel(unit=np.random.default_rng(1).permutation(7))
    one, two = pca(session), pca(shuffled)
    np.testing.assert_allclose(one.trajectories, two.trajectories, atol=1e-10)


def test_centring_over_time_leaves_what_depends_on_the_condition():
    session = random_session()
    drift = np.sin(np.arange(12))[:, None] * np.arange(7) * 50
    drifting = session.assign(rates=session["rates"] + xr.DataArray(drift, dims=("time", "unit")))
    one, two = pca(session, center="time"), pca(drifting, center="time")
    np.testing.assert_allclose(one.trajectories, two.trajectories, atol=1e-9)
    np.testing.assert_allclose(one.trajectories.mean("condition"), 0, atol=1e-12)
    assert two.mean_.shape == (12, 7)
    assert pca(drifting).explained_variance_ratio_[0] > 0.99  # the drift, with the usual centring


# Padding


def padded(rng):
    """Two latent dimensions; half of the trials of each condition end after 40 of 60 steps."""
    coherence = np.repeat(LEVELS, 10)
    time = np.linspace(0, 1, 60)
    latent = np.stack(
        [coherence[:, None] * time, np.broadcast_to(np.sin(3 * time), (50, 60))], axis=-1
    )
    rates = latent @ np.linalg.qr(rng.normal(size=(15, 2)))[0].T + 2.0
    short = np.arange(50) % 2 == 0
    return rates, coherence, short


def test_padding_makes_no_component():
    rates, coherence, short = padded(np.random.default_rng(0))
    whole = pca(make(rates, coherence))
    cut = rates.copy()
    cut[short, 40:] = np.nan
    fit = pca(make(cut, coherence))
    assert fit.explained_variance_ratio_[2] < 1e-12
    np.testing.assert_allclose(fit.trajectories, whole.trajectories, atol=1e-10)
    zeros = pca(make(np.nan_to_num(cut), coherence))  # what the NaN are there to prevent
    assert zeros.explained_variance_ratio_[2] > 1e-3


def test_times_that_a_condition_has_no_trial_for_are_dropped():
    rates, coherence, _ = padded(np.random.default_rng(0))
    rates[coherence == 0.1, 35:] = np.nan
    fit = pca(make(rates, coherence))
    assert fit.trajectories["time"].to_numpy().tolist() == (np.arange(35) * DT).tolist()
    assert np.isfinite(fit.trajectories).all()


def test_times_that_most_trials_of_a_condition_lack_are_dropped():
    rates, coherence, _ = padded(np.random.default_rng(0))
    rates[np.flatnonzero(coherence == 0.1)[:6], 35:] = np.nan  # 6 of 10
    assert pca(make(rates, coherence)).trajectories.sizes["time"] == 35


# Alignment


def test_alignment_recovers_a_latent_trajectory_from_trials_of_differing_onset():
    session, axes = ramps()
    fit = pca(session, n_components=2, align="stimulus")
    time = fit.trajectories["time"].to_numpy()
    assert time.min() < 0 < time.max() == 290.0
    latent = np.stack(
        np.broadcast_arrays(LEVELS[:, None] * np.clip(time, 0, None), np.clip(time, 0, None)), -1
    )
    rebuilt = fit.trajectories.to_numpy() @ fit.components_ + fit.mean_
    np.testing.assert_allclose(rebuilt, latent @ axes.T, atol=1e-9)
    assert fit.explained_variance_ratio_.sum() == pytest.approx(1)
    smeared = pca(session, n_components=2)
    blurred = smeared.trajectories.to_numpy() @ smeared.components_ + smeared.mean_
    assert np.abs(blurred[:, :30] - (latent @ axes.T)[:, :30]).max() > 10


def test_the_first_time_of_the_session_need_not_be_zero():
    session, _ = ramps()
    late = session.assign_coords(
        time=session["time"] + 500, phase_start=session["phase_start"] + 500
    )
    one, two = pca(session, align="stimulus"), pca(late, align="stimulus")
    xr.testing.assert_allclose(one.trajectories, two.trajectories)


def test_trials_without_the_phase_are_left_out():
    session = random_session()
    start = session["phase_start"].to_numpy().copy()
    start[0, 1] = np.nan
    session = session.assign_coords(phase_start=(("trial", "phase"), start))
    fit = pca(session, align="stimulus")
    assert fit.n_trials.sum() == 29
    projected = fit.transform(session)
    assert projected[0].isnull().all() and projected[1:].notnull().all()


# Single trials


@pytest.mark.parametrize("center", ["mean", "time"])
def test_single_trials_average_to_the_trajectories(center):
    session, _ = ramps()
    fit = pca(session, n_components=2, align="stimulus", center=center)
    projected = fit.transform(session)
    assert projected.dims == ("trial", "time", "component")
    means = projected.groupby("coherence").mean().transpose("coherence", "time", "component")
    np.testing.assert_allclose(means, fit.trajectories, atol=1e-9)


def test_what_a_trial_has_no_data_for_stays_nan():
    rates, coherence, short = padded(np.random.default_rng(0))
    rates[short, 40:] = np.nan
    session = make(rates, coherence)
    missing = pca(session).transform(session).isnull().any("component").to_numpy()
    np.testing.assert_array_equal(missing, np.isnan(rates[..., 0]))


def test_a_session_of_another_network_or_step_is_refused():
    session = random_session()
    fit = pca(session)
    with pytest.raises(ValueError, match="`session` must have 7 units, got 6"):
        fit.transform(session.isel(unit=slice(6)))
    with pytest.raises(ValueError, match=r"`session` must have the time step .* a step of 20"):
        fit.transform(session.isel(time=slice(0, None, 2)))


# Which trials, which conditions


def test_correct_trials_include_those_where_no_answer_is_right():
    session = random_session()
    coherence = session["coherence"].to_numpy()
    correct = np.where(coherence == 0, np.nan, np.arange(30) % 3 > 0)
    choice = np.where(np.arange(30) == np.flatnonzero(coherence == 0)[0], "none", "left")
    session = session.assign_coords(correct=("trial", correct), choice=("trial", choice))
    fit = pca(session, trials="correct")
    used = (correct == 1) | (np.isnan(correct) & (choice != "none"))
    assert fit.n_trials.sum() == used.sum() and fit.n_trials[0.0] == 5
    np.testing.assert_allclose(fit.components_, pca(session.isel(trial=used)).components_)


def test_conditions_may_be_combinations():
    session = random_session().assign_coords(context=("trial", np.tile(["colour", "motion"], 15)))
    fit = pca(session, condition=["context", "coherence"])
    assert fit.trajectories["condition"].to_numpy()[0] == "colour, -0.5"
    assert fit.trajectories["context"].to_numpy().tolist() == ["colour"] * 5 + ["motion"] * 5
    assert fit.n_trials.sum() == 30


def test_states_may_be_analysed():
    session = random_session()
    one, two = pca(session, of="rates"), pca(session, of="states")
    np.testing.assert_allclose(two.mean_, -one.mean_)
    assert two.of == "states"


# Errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"of": "rate"}, ValueError, '`of` must be one of "rates", "states", .* mean "rates"'),
        ({"align": "stimulas"}, ValueError, '`align` must be one of .* Did you mean "stimulus"'),
        ({"condition": "coherance"}, ValueError, '`condition` must be .* mean "coherence"'),
        ({"condition": 1}, TypeError, "`condition` must be a name or names, got 1"),
        ({"trials": "good"}, ValueError, '`trials` must be one of "all", "correct"'),
        ({"trials": "correct"}, ValueError, '`trials` must be "all" where .* no coordinate'),
        ({"center": "none"}, ValueError, '`center` must be one of "mean", "time"'),
        ({"n_components": 8}, ValueError, "`n_components` must be at most 7, .* got 8"),
        ({"window": 3}, TypeError, "`window` must be"),
        ({"n_components": 0}, ValueError, "`n_components` must be a whole number of 1 or more"),
    ],
)
def test_what_is_wrong_is_said(arguments, error, message):
    with pytest.raises(error, match=message):
        pca(random_session(), **arguments)


def test_sessions_that_cannot_be_analysed_are_refused():
    session = random_session()
    with pytest.raises(TypeError, match=r"`session` must be a Session .* got ndarray"):
        pca(np.zeros((3, 4, 5)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`session` must hold one network, got a dimension"):
        pca(session.expand_dims(network=2))
    with pytest.raises(ValueError, match="`of` must be activity that varies"):
        pca(session.assign(rates=session["rates"] * 0 + 1))
    with pytest.raises(ValueError, match="`condition` must name what trials are averaged by"):
        pca(session.drop_attrs())
    moment = session.isel(time=[0]).drop_attrs()
    with pytest.raises(ValueError, match='`session` must have the attribute "dt"'):
        pca(moment, condition="coherence")
    never = session.assign(rates=session["rates"].where(session["coherence"] != 0.5))
    with pytest.raises(ValueError, match="`align` must leave a time that every condition has"):
        pca(never)
    with pytest.raises(ValueError, match="`session` must hold a trial that counts, got none"):
        wrong = session.assign_coords(correct=("trial", np.zeros(30)))
        pca(wrong, trials="correct")


# Figures


def test_the_figure_has_a_line_a_condition_and_marks_the_event():
    before = dict(matplotlib.rcParams)
    noise = random_session()
    session = make(noise["rates"].to_numpy(), noise["coherence"].to_numpy(), onset=3 * DT)
    fit = pca(session, align="stimulus")
    ax: Any = fit.plot(components=(1, 0))
    share = fit.explained_variance_ratio_[1]
    assert ax.get_xlabel() == f"PC 2 ({share:.0%} of variance)"
    paths = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_label() for line in paths] == ["-0.5", "-0.1", "0", "0.1", "0.5"]
    np.testing.assert_array_equal(paths[0].get_xydata(), fit.trajectories[0, :, [1, 0]])
    events = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    at_zero = fit.trajectories.sel(time=0)[:, [1, 0]]
    np.testing.assert_array_equal([line.get_xydata()[0] for line in events], at_zero)
    left, right = to_rgb(paths[0].get_color()), to_rgb(paths[-1].get_color())
    assert left[2] > left[0] and right[0] > right[2]  # blue and orange
    assert dict(matplotlib.rcParams) == before and fit.plot(ax) is ax
    plt.close("all")


def test_components_that_were_not_fitted_cannot_be_drawn():
    with pytest.raises(ValueError, match="`components` must be two numbers from 0 to 2, got"):
        pca(random_session()).plot(components=(0, 3))


def test_the_result_says_what_it_is_of():
    fit = pca(random_session(), align="stimulus", center="time")
    assert isinstance(fit, PCA)
    for word in ("rates", "centre: time", "5 conditions", "weighted equally", "'stimulus'", "%"):
        assert word in repr(fit)
    with pytest.raises(AttributeError):
        fit.of = "states"  # type: ignore[misc]


# Variance by component, courses, groups


def test_the_spectrum_holds_every_component():
    session = random_session()
    fit = pca(session, n_components=2)
    assert fit.spectrum.shape == (7,) and fit.spectrum.sum() == pytest.approx(1)
    np.testing.assert_allclose(fit.spectrum[:2], fit.explained_variance_ratio_)
    assert fit.table["cumulative"].tolist() == pytest.approx(np.cumsum(fit.spectrum[:2]))
    rates, coherence = session["rates"].to_numpy(), session["coherence"].to_numpy()
    means = np.stack([rates[coherence == level].mean(0) for level in LEVELS])
    np.testing.assert_allclose(fit.averages, means, atol=1e-12)


@pytest.mark.parametrize("center", ["mean", "time"])
def test_chance_is_the_spectrum_of_shuffled_units(center):
    from neurotask._streams import Stream, generator

    fit = pca(random_session(), center=center)
    rows = (fit.averages.to_numpy() - fit.mean_).reshape(-1, 7)
    spectra = []
    for shuffle in range(20):
        random = generator(3, Stream.ANALYSIS, shuffle)
        mixed = random.permuted(rows, axis=0)
        s = np.linalg.svd(mixed - mixed.mean(0), compute_uv=False) ** 2
        spectra.append(s / s.sum())
    table = fit.scree(level=0.9, n_shuffles=20, seed=3)
    np.testing.assert_allclose(table["chance"], np.quantile(spectra, 0.9, axis=0), atol=1e-12)
    np.testing.assert_allclose(table["explained_variance_ratio"], fit.spectrum)


def test_components_above_chance_are_those_put_in():
    rng = np.random.default_rng(0)
    coherence = np.repeat(LEVELS, 4)
    latent = coherence[:, None, None] * np.sin(np.arange(30) / 5)[:, None] * [3.0, 0.0]
    latent = latent + np.cos(np.arange(30) / 4)[:, None] * [0.0, 1.0]
    rates = latent @ np.linalg.qr(rng.normal(size=(20, 2)))[0].T
    session = make(rates + 0.3 * rng.normal(size=rates.shape), coherence)
    assert pca(session).n_above_chance(n_shuffles=50) == 2
    alone = make(rng.normal(size=rates.shape), coherence)
    assert pca(alone).n_above_chance(n_shuffles=50, level=0.99) == 0


def test_components_behind_one_of_chance_do_not_count():
    rng = np.random.default_rng(1)
    rates = rng.normal(size=(5, 40, 10)) * np.r_[[20.0, 20.0], np.ones(8)]
    rates[..., 2:] += 4 * rng.normal(size=(5, 40, 1))  # shared by the small units
    fit = pca(make(rates, LEVELS))
    above = fit.scree().eval("explained_variance_ratio > chance")
    assert above[:3].tolist() == [False, False, True]
    assert fit.n_above_chance() == 0


def test_the_scree_plot_shows_data_and_chance():
    fit = pca(random_session())
    ax: Any = fit.plot_variance(n_components=5, n_shuffles=10)
    data, chance = ax.lines
    np.testing.assert_allclose(data.get_ydata(), 100 * fit.spectrum[:5])
    np.testing.assert_allclose(chance.get_ydata(), 100 * fit.scree(n_shuffles=10)["chance"][:5])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("component", "explained variance (%)")
    with pytest.raises(ValueError, match="`level` must be a number in"):
        fit.scree(level=2.0)


def test_a_component_may_be_drawn_over_time():
    session, _ = ramps()
    fit = pca(session, n_components=2, align="stimulus")
    ax: Any = fit.plot_time(component=1)
    assert ax.get_xlabel() == "time from stimulus onset (ms)"
    assert ax.get_ylabel() == f"PC 2 ({fit.explained_variance_ratio_[1]:.0%} of variance)"
    courses = [line for line in ax.lines if len(line.get_xdata()) > 2]
    np.testing.assert_array_equal(courses[0].get_ydata(), fit.trajectories[0, :, 1])
    np.testing.assert_array_equal(courses[0].get_xdata(), fit.trajectories["time"])
    with pytest.raises(ValueError, match="`component` must be a number from 0 to 1, got 2"):
        fit.plot_time(component=2)


def test_three_components_may_be_drawn_in_space():
    noise = random_session()
    session = make(noise["rates"].to_numpy(), noise["coherence"].to_numpy(), onset=3 * DT)
    fit = pca(session, align="stimulus")
    ax: Any = fit.plot_space(components=(2, 0, 1))
    assert ax.get_zlabel().startswith("PC 2 (")
    path = np.array(ax.lines[0].get_data_3d())
    np.testing.assert_array_equal(path.T, fit.trajectories[0, :, [2, 0, 1]])
    assert fit.plot_space(ax) is ax
    with pytest.raises(ValueError, match="`components` must be three numbers from 0 to 2"):
        fit.plot_space(components=(0, 1, 3))
    with pytest.raises(TypeError, match='`ax` must have the projection "3d", got Axes'):
        fit.plot_space(plt.subplots()[1])


def test_combinations_are_told_by_colour_and_kind_of_line():
    context = np.tile(["colour", "motion"], 15)
    session = random_session().assign_coords(context=("trial", context))
    fit = pca(session, condition=["context", "coherence"])
    lines = {line.get_label(): line for line in fit.plot_time().lines}
    same, other = lines["colour, -0.5"], lines["motion, -0.5"]
    assert same.get_color() == other.get_color() != lines["colour, 0.5"].get_color()
    assert same.get_linestyle() == lines["colour, 0.5"].get_linestyle() != other.get_linestyle()
    many = session.assign_coords(context=("trial", np.arange(30).astype(str)))
    alone = pca(many, condition=["context", "coherence"]).plot_time()
    assert {line.get_linestyle() for line in alone.lines} == {"-"}


def test_groups_are_analysed_by_themselves():
    session = random_session().assign_coords(context=("trial", np.tile(["a", "b"], 15)))
    fits = pca(session, by="context", n_components=2)
    alone = pca(session.isel(trial=np.flatnonzero(session["context"] == "b")), n_components=2)
    np.testing.assert_allclose(fits["b"].components_, alone.components_)
    assert fits.table["context"].tolist() == ["a", "a", "b", "b"]
    assert [ax.get_title() for ax in fits.plot()] == ["context a", "context b"]


def test_a_window_holds_the_times_of_the_fit():
    fit = pca(random_session(), window=(20, 60))
    assert fit.trajectories["time"].to_numpy().tolist() == [20.0, 30.0, 40.0, 50.0]
    with pytest.raises(ValueError, match="`window` must hold a time"):
        pca(random_session(), window=(500, 600))


# A recording


def test_a_recording_gives_what_scikit_learn_gives(m1):
    from sklearn.decomposition import PCA as Reference

    fit = pca(m1, of="spikes", condition="direction", n_components=4)
    table = m1["spikes"][:, 0].to_pandas().groupby(m1["direction"].to_numpy()).mean()
    other = Reference(4, svd_solver="full").fit(table)
    np.testing.assert_allclose(fit.components_, other.components_, atol=1e-10)
    np.testing.assert_allclose(fit.explained_variance_ratio_, other.explained_variance_ratio_)
    np.testing.assert_allclose(fit.trajectories[:, 0], other.transform(table), atol=1e-10)
    single = other.transform(m1["spikes"][:, 0].to_pandas())
    np.testing.assert_allclose(fit.transform(m1)[:, 0], single, atol=1e-10)
    assert fit.n_trials.to_dict() == dict.fromkeys(np.arange(0.0, 360.0, 45.0), 138)
    # Directions lie around a circle in the plane of the first two components.
    plane = fit.trajectories[:, 0, :2].to_numpy()
    angles = np.unwrap(np.arctan2(plane[:, 1], plane[:, 0]))
    assert (np.diff(angles) > 0).all() or (np.diff(angles) < 0).all()
    by = pca(m1, of="spikes", condition="direction", by="learning")
    assert list(by) == ["after", "before"]


def test_levels_that_differ_by_rounding_are_one_condition():
    rates = np.random.default_rng(0).normal(size=(40, 5, 3))
    level = np.tile([0.3, 0.1 + 0.2, -0.3, -0.1], 10)
    session = make(rates, level)
    found = pca(session, n_components=2)
    assert found.n_trials.tolist() == [10, 10, 20]
    means = found.transform(session).groupby(
        xr.DataArray(np.round(level, 9), dims="trial", name="x")
    )
    np.testing.assert_allclose(means.mean("trial").to_numpy(), found.trajectories.to_numpy())
