"""Data as they come: some steps of a Session, one choice, one trial, names that meet, NaN."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurotask.analysis import (
    accuracy,
    chronometric,
    cross_validated_pca,
    currents,
    decode,
    dpca,
    ez_diffusion,
    fixed_points,
    history_kernel,
    jpca,
    pca,
    proportional_rate,
    tdr,
    tuning,
)
from neurotask.analysis.behavior import bounded_drift
from neurotask.analysis.population.decoding_result import Decoding

DT = 10.0


def ramps(n_steps: int = 60) -> xr.Dataset:
    """A Session whose stimulus starts at 300 ms, from where activity grows with time."""
    side, time = np.repeat([-1.0, 1.0], 4), np.arange(n_steps) * DT
    since = np.clip(time - 300.0, 0.0, None)
    rates = side[:, None, None] * since[:, None] * np.array([1.0, -1.0])
    edges = np.ones((8, 1)) * [[0.0, 300.0]], np.ones((8, 1)) * [[300.0, n_steps * DT]]
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "side": ("trial", side),
            "time": time,
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), edges[0]),
            "phase_stop": (("trial", "phase"), edges[1]),
        },
        {"dt": DT, "psychometric_axis": "side"},
    )


def height(session: xr.Dataset, align: str | None) -> pd.Series:
    """Mean of unit 0 in trials of side 1, by time from the event."""
    means = pca(session, n_components=1, align=align).averages
    return means.sel(condition=1.0).isel(unit=0).to_series()


@pytest.mark.parametrize("every", [2, 5])
@pytest.mark.parametrize("align", [None, "stimulus"])
def test_every_nth_step_keeps_its_time(every, align):
    session = ramps()
    whole, some = height(session, align), height(session.isel(time=slice(0, None, every)), align)
    np.testing.assert_array_equal(some.index, whole.index[::every])
    np.testing.assert_array_equal(some, whole[::every])


@pytest.mark.parametrize("align", [None, "stimulus"])
@pytest.mark.parametrize("first", [20, 40])
def test_a_session_that_begins_late_keeps_its_times(first, align):
    session = ramps()
    some = session.isel(time=slice(first, None))
    whole, part = height(session, align), height(some, align)
    np.testing.assert_array_equal(part.index, whole.index[first:])
    np.testing.assert_array_equal(part, whole[first:])
    scores = decode(some, "side", align=align, bin=2 * DT, n_splits=2).scores
    assert scores["time"][0] == whole.index[first] + DT / 2


def test_steps_that_are_not_equally_far_apart_are_refused():
    with pytest.raises(ValueError, match="`session` must have times equally far apart"):
        pca(ramps().isel(time=[0, 1, 5, 9]), n_components=1)


def test_the_frequency_of_every_other_step_is_that_of_all():
    phase, time = np.array([0.0, 2.0, 4.0]), np.arange(40) * DT
    angle = phase[:, None] + 2 * np.pi * 1.5 * time / 1000
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), np.stack([np.cos(angle), np.sin(angle)], axis=-1))},
        {"reach": ("trial", phase), "time": time},
        {"dt": DT},
    )
    some = session.isel(time=slice(0, None, 2))
    fit = jpca(some, n_components=2, condition="reach", normalize=None)
    assert fit.frequency[0] == pytest.approx(1.5, abs=1e-9)


def test_currents_want_every_step():
    some = ramps().isel(time=slice(0, None, 2))
    with pytest.raises(ValueError, match=r"must hold every step.*20 ms apart where dt is 10 ms"):
        currents(some, np.eye(2), condition="side")


def test_a_step_lasts_as_long_where_some_visited_states_were_taken():
    visited = np.tile(np.linspace(-1.5, 1.5, 31)[:, None, None], (1, 4, 1))
    session = xr.Dataset(
        {
            "states": (("trial", "time", "unit"), visited),
            "inputs": (("trial", "time", "input"), np.zeros((31, 4, 1))),
        },
        {"time": np.arange(4) * DT, "input": ["u"]},
        {"dt": DT},
    )
    some = session.isel(time=slice(0, None, 2))
    points = fixed_points(lambda x, u: x + 0.1 * (np.tanh(2 * x) - x + u), some, input=[0.0])
    assert points.table["time_constant"].round(1).tolist() == [114.9, 114.9, -104.9]


def go_no_go() -> xr.Dataset:
    """Half of the trials want to go, half to withhold; one of each is wrong."""
    rng = np.random.default_rng(0)
    wanted = np.repeat(["go", "none"], 20)
    choice = wanted.copy()
    choice[[0, 20]] = ["none", "go"]
    rates = rng.normal(size=(40, 3, 4)) + 5.0 * (choice == "go")[:, None, None]
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "signal": ("trial", (wanted == "go").astype(float)),
            "choice": ("trial", choice),
            "correct": ("trial", (choice == wanted).astype(float)),
            "time": np.arange(3) * DT,
        },
        {"dt": DT, "choices": ["go"], "psychometric_axis": "signal"},
    )


def test_to_withhold_may_be_correct():
    counts = pca(go_no_go(), n_components=1, trials="correct").n_trials
    assert counts.to_dict() == {0.0: 19, 1.0: 19}


def test_of_one_choice_none_is_the_other():
    session = go_no_go()
    found = decode(session, "choice", bin=3 * DT)
    assert found.levels is not None and found.levels.tolist() == ["go", "none"]
    assert float(found.scores[0]) == 1.0
    assert tuning(session, variables="choice", n_permutations=9).n_trials == 40
    axis = tdr(session, variables=("choice",), condition="signal").axes_
    assert (axis > 0).all()  # activity is higher where one goes


def test_of_several_choices_none_is_no_class():
    session = go_no_go().assign_attrs(choices=["go", "stay"])
    with pytest.raises(ValueError, match="two levels or more"):
        decode(session, "choice", bin=3 * DT)


def test_one_choice_from_a_file_is_one_word():
    table = pd.DataFrame({"correct": [1.0, 0.0, 1.0], "answer": ["go", "withhold", "go"]})
    table.attrs["choices"] = "go"
    assert accuracy(table).always == {"go": pytest.approx(2 / 3), "none": pytest.approx(1 / 3)}


def test_history_of_an_animal_without_errors_has_the_degrees_of_freedom_it_fits():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(150):
        x = rng.choice([-1.0, -0.5, 0.5, 1.0], 200)
        choice = (x + rng.logistic(size=200) > 0).astype(int)
        table = pd.DataFrame({"x": x, "choice": choice, "correct": 1.0})
        p.append(history_kernel(table, axis="x", n_back=2).history_p)
    # Uniform without history: 0.5 +- 0.024. With the columns that no trial has it was 0.75.
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_the_deviance_of_a_proportional_rate_fit_has_its_degrees_of_freedom():
    rng = np.random.default_rng(0)
    x = np.array([0.0, 0.032, 0.064, 0.128, 0.256, 0.512])
    theta, error = np.array([np.log(8.0), np.log(0.8), 0.35, 0.0]), 8.0
    n_trials, p = 400, bounded_drift.probability(theta, x)
    times = 1000 * bounded_drift.mean_time(theta, x)
    fits = []
    for _ in range(150):
        table = pd.DataFrame(
            {
                "coherence": x,
                "n_trials": n_trials,
                "n_correct": rng.binomial(n_trials, p),
                "mean_rt": times + error * rng.normal(size=len(x)),
                "sem_rt": error,
            }
        )
        fits.append(proportional_rate(table, axis="coherence"))
    # 6 proportions, that at 0 among them (it is 1/2, but what was counted varies), 6 means.
    assert fits[0].degrees_of_freedom == 9
    # chi-squared: 9 +- sqrt(18 / 150)
    assert np.mean([fit.deviance for fit in fits]) == pytest.approx(9.0, abs=1.0)


def test_groups_may_have_the_name_of_a_column():
    table = pd.DataFrame(
        {"x": [0.1, 0.2] * 4, "rt": 500.0, "correct": 1, "answer": ["left", "right"] * 4}
    )
    whole = chronometric(table, axis="x", by="answer").table
    assert whole["group_answer"].tolist() == ["left", "right"]
    assert whole["answer"].tolist() == ["correct", "correct"]


def test_reliable_variance_of_noise_is_bounded_or_unknown():
    rng = np.random.default_rng(0)
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), rng.normal(size=(40, 20, 5)))},
        {"side": ("trial", np.repeat([0, 1], 20)), "time": np.arange(20) * DT},
    )
    unknown = []
    for seed in range(20):
        found = cross_validated_pca(session, condition="side", n_repeats=4, seed=seed)
        shares = found.reliable_variance_ratio
        unknown.append(bool(np.isnan(shares).all()))
        assert unknown[-1] or shares.sum() == pytest.approx(1.0)
    assert any(unknown)  # in some, the halves have less than nothing in common
    signal = session.assign(rates=session["rates"] + 3.0 * session["side"])
    shares = cross_validated_pca(signal, condition="side", n_repeats=4).reliable_by_repeat
    # No division is blown up to 1 by itself.
    assert np.ptp(shares.sum(axis=1)) > 1e-6
    assert shares.sum(axis=1).mean() == pytest.approx(1.0)


def test_dpca_leaves_a_trial_without_a_factor_out_of_its_cross_validation():
    rng = np.random.default_rng(0)
    side = np.repeat([-1.0, 1.0], 10)
    rates = rng.normal(size=(20, 4, 5)) + side[:, None, None]
    coords = {"side": ("trial", side), "time": np.arange(4) * DT}
    session = xr.Dataset({"rates": (("trial", "time", "unit"), rates)}, coords)
    more = xr.concat([session, session.isel(trial=[0])], "trial")
    more["side"][-1] = np.nan
    more["rates"][-1] = 1e3
    errors = [
        dpca(one, factors="side", regularization="cv").cross_validation for one in (session, more)
    ]
    pd.testing.assert_frame_equal(*errors)


def test_one_trial_does_not_tell_d_prime():
    rng = np.random.default_rng(0)
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), rng.normal(size=(21, 1, 2)))},
        {"side": ("trial", np.r_[np.zeros(20), 1.0]), "time": [0.0]},
        {"dt": DT},
    )
    table = tuning(session, variables="side", n_permutations=9).table
    assert table["side_d_prime"].isna().all()
    assert table["side_roc_area"].notna().all()


def test_a_score_that_is_not_known_has_no_p():
    null = np.full((99, 3), 0.5)
    null[:50, 1] = np.nan  # shuffles that left a class without a trial there
    scores = xr.DataArray([0.9, 0.9, np.nan], {"time": [0.0, 10.0, 20.0]}, ("time",))
    found = Decoding(
        scores=scores,
        predicted=scores,
        null=null,
        by_level=None,
        chance=0.5,
        scoring="balanced_accuracy",
        target="side",
        levels=None,
        n_trials=np.array([5, 5, 0]),
        of="rates",
        where="",
        align=None,
        about="",
    )
    np.testing.assert_allclose(found.p, [0.01, 0.51, np.nan])
    np.testing.assert_allclose(found.p_max, [0.01, 0.01, np.nan])


def test_the_rounding_of_a_saturated_unit_is_no_signal():
    rng = np.random.default_rng(0)
    side = np.repeat([-1.0, 1.0], 20)
    rates = np.zeros((40, 5, 3))
    rates[..., 0] = side[:, None] + 0.1 * rng.normal(size=(40, 5))
    rates[..., 1] = 1 - 6e-8 * rng.integers(0, 2, (40, 5))
    coords = {"side": ("trial", side), "time": np.arange(5) * DT}
    session = xr.Dataset({"rates": (("trial", "time", "unit"), rates.astype(np.float32))}, coords)
    fit = tdr(session, variables="side")
    assert fit.scale_[1] == fit.scale_[2] == 1.0
    assert np.abs(fit.betas[..., 1]).max() < 1e-6


def test_ez_diffusion_without_a_correct_answer_is_undetermined():
    table = pd.DataFrame({"x": 0.1, "correct": 0.0, "rt": np.arange(10) * 10.0 + 300.0})
    found = ez_diffusion(table, axis="x").table
    assert found["status"].tolist() == ["undetermined: fewer than two correct answers"]
    assert found["drift"].isna().all()
