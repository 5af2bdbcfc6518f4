"""Chronometric functions, conditional accuracy, and the joint fit of choices and times."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, stdtrit

import neurotask as nt
from neurotask.analysis import chronometric, conditional_accuracy, proportional_rate
from neurotask.analysis.behavior import bounded_drift
from neurotask.analysis.behavior.levels import level_of

# Roitman & Shadlen (2002) J. Neurosci. 22:9475: trials, correct ones, mean and standard error (ms)
# of correct reaction times (at a coherence of 0, of all), counted from the trials.
COHERENCE = [0.0, 0.032, 0.064, 0.128, 0.256, 0.512]
MONKEYS = {
    1: {
        "n_trials": [0, 437, 436, 436, 436, 438],
        "n_correct": [0, 269, 322, 407, 434, 438],
        "mean_rt": [787.60, 772.45, 735.32, 661.97, 559.62, 464.41],
        "sem_rt": [9.472, 12.510, 9.857, 7.750, 5.319, 4.316],
    },
    2: {
        "n_trials": [0, 591, 589, 587, 590, 590],
        "n_correct": [0, 391, 474, 556, 587, 590],
        "mean_rt": [853.94, 829.79, 774.10, 684.33, 528.54, 392.46],
        "sem_rt": [10.008, 12.271, 10.528, 8.800, 6.293, 4.597],
    },
}
SIGNED = np.array([-0.4, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2, 0.4])


def table(seed=0, n=40) -> pd.DataFrame:
    """Trials with skewed times, a third of them errors at the weak levels, none at 0 scored."""
    rng = np.random.default_rng(seed)
    x = np.repeat(SIGNED, n)
    correct = (rng.random(x.size) < expit(15 * np.abs(x))).astype(float)
    choice = np.where((x > 0) == (correct == 1), "right", "left")
    rt = 300 + rng.gamma(3, 100, x.size) / (1 + 5 * np.abs(x))
    correct[x == 0] = np.nan
    return pd.DataFrame({"coherence": x, "choice": choice, "correct": correct, "rt": rt})


def as_session(rows: pd.DataFrame, **attributes) -> xr.Dataset:
    usual = {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    columns = {name: ("trial", rows[name].to_numpy()) for name in rows}
    return xr.Dataset(coords=columns, attrs=usual | attributes)


def diffusion(k, bound, non_decision, x, n, seed=0, bias=0.0, dt=1e-3) -> pd.DataFrame:
    """Trials of a random walk; the bound is moved in by its mean overshoot, 0.5826 sqrt(dt)."""
    rng = np.random.default_rng(seed)
    stimulus = np.repeat(x, n)
    edge = bound - 0.5826 * np.sqrt(dt)
    rt, side = np.empty(stimulus.size), np.empty(stimulus.size)
    for level in np.unique(stimulus):
        here = np.flatnonzero(stimulus == level)
        steps = rng.normal(k * (level - bias) * dt, np.sqrt(dt), (here.size, 6000))
        walk = steps.cumsum(1)
        out = np.abs(walk) >= edge
        assert out.any(1).all()
        first = out.argmax(1)
        rt[here] = 1000 * ((first + 1) * dt + non_decision)
        side[here] = walk[np.arange(here.size), first] > 0
    correct = np.where(stimulus == 0, np.nan, side == (stimulus > 0))
    return pd.DataFrame({"x": stimulus, "choice": side.astype(int), "correct": correct, "rt": rt})


# Chronometric functions


def test_a_cell_is_the_mean_of_its_trials_and_student_s_interval():
    rows = table()
    result = chronometric(rows, axis="coherence", interval="t", level=0.9)
    part = rows[(rows["coherence"] == 0.1) & (rows["correct"] == 1)]["rt"]
    line = result.table.query("x == 0.1 and answer == 'correct'").iloc[0]
    half = stdtrit(len(part) - 1, 0.95) * part.std() / np.sqrt(len(part))
    assert line["n"] == len(part)
    np.testing.assert_allclose(
        line[["rt", "low", "high", "sd"]].to_numpy(float),
        [part.mean(), part.mean() - half, part.mean() + half, part.std()],
        rtol=1e-12,
    )
    assert line["q0.3"] == pytest.approx(part.quantile(0.3), rel=1e-12)


def test_trials_are_neither_lost_nor_counted_twice():
    rows = table()
    rows.loc[[0, 50], "choice"] = "none"
    rows.loc[[3, 4, 5], "rt"] = np.nan
    result = chronometric(rows, axis="coherence")
    assert (result.n_no_response, result.n_no_rt) == (2, 3)
    assert result.n_trials == len(rows) - 5
    at_zero = result.table.query("x == 0")
    assert at_zero["answer"].tolist() == ["unscored"]  # neither right nor wrong
    assert result.form == "signed"
    absolute = chronometric(rows, axis="coherence", form="absolute")
    assert absolute.table["x"].unique().tolist() == sorted({*np.abs(SIGNED)})
    assert absolute.n_trials == result.n_trials


def test_the_bootstrap_of_a_mean_has_its_standard_error():
    rows = table(n=400)
    result = chronometric(rows, axis="coherence", level=0.6827).table
    width = (result["high"] - result["low"]) / 2
    enough = result["n"] > 100
    expected = result["sd"] / np.sqrt(result["n"])
    np.testing.assert_allclose(width[enough], expected[enough], rtol=0.12)


def test_the_bootstrap_of_a_median_covers_it():
    true = 300 + 100 * 2.674060  # the median of a gamma law of shape 3
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"rt": 300 + rng.gamma(3, 100, 200 * 60), "correct": 1.0, "x": 1.0})
    many["animal"] = np.repeat(np.arange(200), 60)
    result = chronometric(many, axis="x", statistic="median", level=0.9, by="animal").table
    share = ((result["low"] <= true) & (true <= result["high"])).mean()
    assert 0.84 <= share <= 0.96


def test_one_trial_has_no_interval():
    rows = pd.DataFrame({"x": [0.1, 0.2, 0.2], "correct": [1, 1, 1], "rt": [400.0, 300.0, 320.0]})
    result = chronometric(rows, axis="x").table
    assert np.isnan(result.loc[0, ["low", "high", "sd"]].to_numpy(float)).all()
    assert np.isfinite(result.loc[1, ["low", "high", "sd"]].to_numpy(float)).all()


def test_quantile_probabilities_are_shares_of_the_answers():
    result = chronometric(table(), axis="coherence", form="absolute", quantiles=(0.25, 0.75))
    points = result.quantile_probability
    assert not (points["x"] == 0).any()
    sums = points.drop_duplicates(["x", "answer"]).groupby("x")["probability"].sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-12)
    line = points.query("x == 0.05 and answer == 'error' and quantile == 0.75").iloc[0]
    rows = table().query("abs(coherence) == 0.05")
    errors = rows.query("correct == 0")["rt"]
    assert line["probability"] == pytest.approx(len(errors) / len(rows), abs=1e-12)
    assert line["rt"] == pytest.approx(errors.quantile(0.75), rel=1e-12)


def test_many_levels_are_pooled_without_losing_trials():
    x = np.random.default_rng(0).random(1000)
    level = level_of(x)
    values, n = np.unique(level, return_counts=True)
    assert len(values) == 10
    assert n.min() >= 95
    assert (n @ values) / 1000 == pytest.approx(x.mean(), abs=1e-12)
    assert len(np.unique(level_of(x, 4))) == 4
    assert len(np.unique(level_of(np.array([0.1 + 0.2, 0.3, 0.6])))) == 2  # but for rounding


def test_a_session_needs_no_arguments_and_groups_share_axes():
    rows = table().assign(context=np.tile(["a", "b"], 180))
    result = chronometric(as_session(rows))
    assert result.n_trials == len(rows)
    groups = chronometric(as_session(rows), by="context")
    assert {*groups} == {"a", "b"}
    assert groups["a"].n_trials + groups["b"].n_trials == len(rows)
    assert list(groups.table.columns[:3]) == ["context", "x", "answer"]
    axes = groups.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert axes.get_xlabel() == "coherence (%)"
    assert axes.get_ylabel() == "mean reaction time (ms)"


def test_the_figure_of_one_tells_correct_answers_from_errors():
    result = chronometric(table(), axis="coherence", form="absolute")
    axes = result.plot()
    legend: Any = axes.get_legend()
    texts = {text.get_text() for text in legend.get_texts()}
    assert texts == {"correct", "error", "no right answer"}
    assert "P(answer)" in result.plot_quantile_probability().get_xlabel()


def test_the_names_of_quantiles_do_not_overprint():
    """Times that hardly differ where all answers are right, and differ much elsewhere."""
    rng = np.random.default_rng(0)
    x, correct = np.repeat([0.1, 0.2, 0.3], 100), np.ones(300)
    correct[:40] = 0
    rt = np.where(x == 0.1, rng.gamma(2, 400, 300), rng.uniform(300, 310, 300))
    rows = pd.DataFrame({"x": x, "correct": correct, "rt": rt})
    axes = chronometric(rows, axis="x").plot_quantile_probability()
    figure: Any = axes.figure
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["0.1", "0.3", "0.5", "0.7", "0.9"]
    assert all(above.y0 >= below.y1 - 2 for below, above in itertools.pairwise(boxes))
    legend: Any = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["correct", "error"]
    half = rows[:80]  # as many errors as correct answers
    assert len(chronometric(half, axis="x").plot_quantile_probability().texts) == 5
    unscored = chronometric(rows.assign(correct=np.nan), axis="x")
    assert not unscored.plot_quantile_probability().texts


def test_one_line_says_what_it_is():
    result = chronometric(table(), axis="coherence", form="absolute")
    assert "mean reaction time over absolute coherence, 5 levels, 360 trials" in repr(result)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rt": np.nan}, "`rt` must be known for some trials, got none of 360. A task whose"),
        ({"rt": 0.5}, "`rt` must be in ms, got values of at most 0.5. If they are in seconds"),
        ({"rt": -5.0}, "`rt` must be 0 or more and finite, got -5"),
        ({"rt": "fast"}, "`rt` must be numbers in ms, got 'fast'. Put NaN where"),
        ({"correct": 2.0}, "`correct` must be 0, 1 or NaN for each trial, got 2"),
    ],
)
def test_times_that_are_none(change, text):
    with pytest.raises(ValueError, match=text):
        chronometric(table().assign(**change), axis="coherence")


def test_arguments_that_are_none():
    rows = table()
    with pytest.raises(ValueError, match=r"`axis` must be one of .*got 'coherense'"):
        chronometric(rows, axis="coherense")
    with pytest.raises(ValueError, match="`axis` must name the stimulus"):
        chronometric(rows)
    with pytest.raises(ValueError, match='`interval` must be "bootstrap" for a median, got "t"'):
        chronometric(rows, axis="coherence", statistic="median", interval="t")
    with pytest.raises(ValueError, match='`statistic` must be one of "mean", "median"'):
        chronometric(rows, axis="coherence", statistic="mode")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="`data` must have 'rt' for each row"):
        chronometric(rows.drop(columns="rt"), axis="coherence")
    with pytest.raises(ValueError, match=r"`by` must be one of .*got 'contxt'"):
        chronometric(as_session(rows), by="contxt")


def test_a_task_without_reaction_times_says_what_to_do():
    task = nt.load("perceptual_discrimination")
    trials = task.trials(20, seed=0)
    with pytest.raises(
        ValueError, match="read at a set time has no reaction times: give it a rule"
    ):
        chronometric(task.behavior(trials, task.observer(trials)))


# Conditional accuracy


def test_bins_lie_between_quantiles_and_ties_stay_together():
    rt = np.array([100.0, 100, 100, 200, 300, 400, 500, 600])
    rows = pd.DataFrame({"rt": rt, "correct": [0, 0, 1, 1, 1, 1, 0, 1]})
    result = conditional_accuracy(rows, n_bins=4).table
    assert result["n"].tolist() == [3, 1, 2, 2]
    np.testing.assert_allclose(result["accuracy"], [1 / 3, 1, 1, 1 / 2])
    np.testing.assert_allclose(result["rt"], [100, 200, 350, 550])


def test_pooled_strengths_make_a_fall_that_is_none_within_them():
    rows = diffusion(8.0, 0.8, 0.3, np.array([0.05, 0.1, 0.3]), 1500)
    pooled = conditional_accuracy(rows).table["accuracy"]
    within = conditional_accuracy(rows, within="x")
    assert pooled.iloc[0] - pooled.iloc[-1] > 0.08
    assert np.ptp(within.table["accuracy"]) < 0.05
    assert within.table["n"].sum() == len(rows)
    assert within.plot().get_ylabel() == "P(correct)"
    assert "within levels of x" in repr(within)


def test_conditional_accuracy_counts_what_it_leaves_out():
    rows = table()
    assert conditional_accuracy(rows).n_left_out == 40
    with pytest.raises(ValueError, match="a right or wrong answer and a reaction time, got none"):
        conditional_accuracy(rows.assign(correct=np.nan))
    with pytest.raises(ValueError, match=r"`within` must be one of .*got 'coherense'"):
        conditional_accuracy(rows, within="coherense")
    with pytest.raises(ValueError, match=r'`within` must name the stimulus.* within="coherence"'):
        conditional_accuracy(rows, within=True)


# The joint fit


def test_the_equations_have_their_gradients_and_their_limits():
    theta = np.array([np.log(9.0), np.log(0.7), 0.3, 0.02])
    x = np.array([-0.3, 0.0, 0.02, 0.020001, 0.2])
    u = 9.0 * 0.7 * (x - 0.02)
    np.testing.assert_allclose(bounded_drift.probability(theta, x), 1 / (1 + np.exp(-2 * u)))
    away = np.abs(u) > 1e-4
    closed = 0.7 / (9.0 * (x - 0.02)[away]) * np.tanh(u[away]) + 0.3
    np.testing.assert_allclose(bounded_drift.mean_time(theta, x)[away], closed, rtol=1e-10)
    assert bounded_drift.mean_time(theta, x)[2] == pytest.approx(0.49 + 0.3, abs=1e-12)
    odds, time = bounded_drift.gradients(theta, x)
    for i in range(4):
        step = 1e-6 * np.eye(4)[i]
        for function, analytic in (
            (bounded_drift.log_odds, odds),
            (bounded_drift.mean_time, time),
        ):
            slope = (function(theta + step, x) - function(theta - step, x)) / 2e-6
            np.testing.assert_allclose(analytic[:, i], slope, atol=1e-7)


def test_a_simulated_diffusion_is_recovered():
    truth = {"sensitivity": 10.0, "bound": 0.8, "non_decision_time": 300.0, "bias": 0.03}
    rows = diffusion(10.0, 0.8, 0.3, SIGNED, 600, bias=0.03)
    fit = proportional_rate(rows, axis="x")
    assert fit.status == "ok"
    low, high = fit.interval(0.99).to_numpy()
    true = np.array([*truth.values()])
    assert (low < true).all()
    assert (true < high).all()
    assert ((high - low) / true < [0.3, 0.1, 0.3, 0.7]).all()
    assert fit.deviance / fit.degrees_of_freedom < 2.5
    absolute = proportional_rate(rows, axis="x", form="absolute")
    assert absolute.bound == pytest.approx(0.8, rel=0.04)
    with pytest.raises(AttributeError, match="`bias` is no parameter of the absolute form"):
        absolute.bias  # noqa: B018


def test_intervals_cover_as_they_say():
    theta = np.array([np.log(9.0), np.log(0.7), 0.3, 0.0])
    x, n = np.array([0.0, 0.03, 0.06, 0.13, 0.26, 0.5]), 200
    rng = np.random.default_rng(0)
    true = np.array([9.0, 0.7, 300.0])
    inside = []
    for _ in range(150):
        sem = 1000 * np.array([0.02, 0.02, 0.018, 0.015, 0.01, 0.008])
        levels = pd.DataFrame({"x": x, "n_trials": n, "sem_rt": sem})
        levels["n_correct"] = rng.binomial(n, bounded_drift.probability(theta, x))
        levels["mean_rt"] = rng.normal(1000 * bounded_drift.mean_time(theta, x), sem)
        low, high = proportional_rate(levels, axis="x").interval(0.9).to_numpy()
        inside.append((low <= true) & (true <= high))
    share = np.mean(inside, axis=0)
    assert (share > 0.83).all()
    assert (share < 0.97).all()


def test_the_maximum_is_one():
    levels = pd.DataFrame({"x": COHERENCE, **MONKEYS[1]})
    fit = proportional_rate(levels, axis="x")
    for i in range(3):
        for sign in (-1, 1):
            theta = fit.theta + sign * 1e-3 * np.eye(4)[i]
            assert _misfit(levels, theta) > _misfit(levels, fit.theta)
    # The deviance by hand.
    assert fit.deviance == pytest.approx(_misfit(levels, fit.theta) - _best(levels), rel=1e-9)
    assert fit.degrees_of_freedom == 5 + 6 - 3
    at_zero = levels.assign(n_trials=400, n_correct=[200, 240, 300, 380, 399, 400])
    more = proportional_rate(at_zero, axis="x")
    assert more.degrees_of_freedom == 6 + 6 - 3  # what was counted at 0 departs from 1/2 too


def _misfit(levels, theta):
    x, n, k = (levels[c].to_numpy(float) for c in ("x", "n_trials", "n_correct"))
    p = bounded_drift.probability(theta, x)
    z = (levels["mean_rt"] - 1000 * bounded_drift.mean_time(theta, x)) / levels["sem_rt"]
    return -2 * (k * np.log(p) + (n - k) * np.log1p(-p)).sum() + (z**2).sum()


def _best(levels):
    n, k = levels["n_trials"].to_numpy(float), levels["n_correct"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = k * np.log(k / n), (n - k) * np.log(1 - k / n)
    return -2 * sum(np.nan_to_num(term, nan=0.0, posinf=0.0, neginf=0.0).sum() for term in terms)


def test_two_monkeys():
    both = pd.concat(
        [pd.DataFrame({"x": COHERENCE, **m}).assign(monkey=i) for i, m in MONKEYS.items()]
    )
    fits = proportional_rate(both, axis="x", by="monkey")
    # Choices alone give k A; fitted freely (a logistic through 1/2) it is about 9.3 and 9.7.
    for monkey, k_times_a in ((1, 9.1), (2, 9.7)):
        fit = fits[monkey]
        assert fit.status == "ok"
        assert fit.sensitivity * fit.bound == pytest.approx(k_times_a, rel=0.07)
        assert 250 < fit.non_decision_time < 420
        table = fit.table
        assert np.abs(table["mean_rt"] - table["fitted_rt"]).max() < 25
        assert np.abs(table["proportion"] - table["fitted_proportion"]).max() < 0.04
    axes = fits.plot()
    assert axes.get_ylabel() == "mean reaction time (ms)"
    assert fits[1].plot_choices().get_ylabel() == "P(correct)"


def test_a_session_s_time_step_is_no_certainty():
    """Times that all fall on one step still have the variance of rounding."""
    rows = diffusion(10.0, 0.8, 0.3, SIGNED, 60).rename(columns={"x": "coherence"})
    rows["choice"] = np.where(rows["choice"] == 1, "right", "left")
    rows["rt"] = np.round(rows["rt"] / 200) * 200
    rows.loc[rows["coherence"] == 0.4, "rt"] = 400.0
    fit = proportional_rate(as_session(rows, dt=200.0))
    sem = fit.table.set_index("x")["sem_rt"]
    n = (rows.query("coherence == 0.4")["correct"] == 1).sum()
    assert sem[0.4] == pytest.approx(np.sqrt(200.0**2 / 12 / n))
    with pytest.raises(ValueError, match="`rt` must vary within a level, got one value at coheren"):
        proportional_rate(as_session(rows))


def test_what_the_data_do_not_tell_is_nan():
    levels: Any = {"x": COHERENCE, "n_trials": 100, "sem_rt": 5.0}
    perfect = pd.DataFrame(levels | {"n_correct": 100, "mean_rt": 400.0})
    fit = proportional_rate(perfect, axis="x")
    assert fit.status.startswith("undetermined: choices and times do not tell")
    assert np.isnan([fit.sensitivity, fit.bound, fit.non_decision_time]).all()
    assert fit.interval().isna().all(axis=None)
    flat = pd.DataFrame(levels | {"n_correct": 50, "mean_rt": 400.0})
    assert proportional_rate(flat, axis="x").status.startswith("undetermined")
    fit.plot()
    assert "undetermined" in repr(fit)


def test_levels_that_are_none():
    good = pd.DataFrame({"x": COHERENCE, **MONKEYS[1]})
    with pytest.raises(ValueError, match="`x` must have at least 3 levels with trials, got 2"):
        proportional_rate(good[:2], axis="x")
    with pytest.raises(ValueError, match="`n_correct` must be between 0 and `n_trials`"):
        proportional_rate(good.assign(n_correct=500), axis="x")
    with pytest.raises(ValueError, match="`sem_rt` must be above 0 or NaN, got 0"):
        proportional_rate(good.assign(sem_rt=0.0), axis="x")
    with pytest.raises(ValueError, match="the mean time of at least 2 levels, got 0"):
        proportional_rate(good.assign(sem_rt=np.nan), axis="x")
    with pytest.raises(ValueError, match="`data` must have 'sem_rt' for each row"):
        proportional_rate(good.drop(columns="sem_rt"), axis="x")
    with pytest.raises(ValueError, match="`bias` must be a finite number, got 'no'"):
        proportional_rate(good, axis="x", bias="no")  # type: ignore[call-overload]
