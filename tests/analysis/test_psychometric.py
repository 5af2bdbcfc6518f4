"""Psychometric curves against closed forms, invariances, known parameters and published fits."""

import pickle
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri
from scipy.stats import gamma, norm

from neurotask.analysis import SIGMOIDS, PsychometricFit, PsychometricFits, psychometric
from neurotask.analysis.psychometrics.likelihood import Posterior, curve
from neurotask.analysis.psychometrics.plot import wilson
from neurotask.analysis.psychometrics.priors import Beta, Density

matplotlib.use("Agg")

SIGNED = np.array([-0.512, -0.256, -0.128, -0.064, -0.032, 0.0, 0.032, 0.064, 0.128, 0.256, 0.512])
STRENGTH = np.array([0.0, 0.032, 0.064, 0.128, 0.256, 0.512])
# Roitman & Shadlen (2002), Journal of Neuroscience 22, 9475-9489: trials and correct ones.
MONKEYS = {
    1: ([432, 437, 436, 436, 436, 438], [218, 269, 322, 407, 434, 438]),
    2: ([587, 591, 589, 587, 590, 590], [291, 391, 474, 556, 587, 590]),
}


def signed_p(x, bias=0.03, sd=0.12, lower=0.02, upper=0.97):
    return lower + (upper - lower) * ndtr((x - bias) / sd)


def nafc_p(x, threshold=0.08, shape=1.4, lapse=0.03, guess=0.5):
    return guess + (1 - guess - lapse) * (1 - np.exp(-((x / threshold) ** shape)))


def counts(x, n, k, event="n_positive"):
    return pd.DataFrame({"coherence": x, "n_trials": n, event: k})


def signed_counts(n, seed=0, x=SIGNED, **truth):
    return counts(x, n, np.random.default_rng(seed).binomial(n, signed_p(x, **truth)))


def nafc_counts(n, seed=0, **truth):
    k = np.random.default_rng(seed).binomial(n, nafc_p(STRENGTH, **truth))
    return counts(STRENGTH, n, k, "n_correct")


def fit_signed(table, **arguments) -> Any:
    return psychometric(table, axis="coherence", **arguments)


def fit_nafc(table, **arguments) -> Any:
    return psychometric(table, axis="coherence", guess_rate=0.5, **arguments)


def trials(n=40, seed=0, **truth):
    """One row a trial: a chooser with known bias."""
    rng = np.random.default_rng(seed)
    x = np.repeat(SIGNED, n)
    right = rng.random(x.size) < signed_p(x, **truth)
    choice = np.where(right, "right", "left")
    correct = np.where(x == 0, np.nan, right == (x > 0))
    return pd.DataFrame({"coherence": x, "choice": choice, "correct": correct})


def session(table, **attributes):
    usual = {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    columns = {name: ("trial", table[name].to_numpy()) for name in table}
    return xr.Dataset(coords=columns, attrs=usual | attributes)


# Sigmoids and the meaning of the figures


@pytest.mark.parametrize("name", SIGMOIDS)
def test_a_sigmoid_has_the_density_and_the_inverse_of_its_value(name):
    sigmoid, z, h = SIGMOIDS[name], np.linspace(-3, 2, 11), 1e-6
    slope = (sigmoid.value(z + h) - sigmoid.value(z - h)) / (2 * h)
    np.testing.assert_allclose(sigmoid.density(z), slope, rtol=1e-7)
    np.testing.assert_allclose(sigmoid.inverse(sigmoid.value(z)), z, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [("logistic", 0.5), ("cumulative_gaussian", 0.5), ("weibull", 1 - 1 / np.e)],
)
def test_where_z_is_zero(name, at_zero):
    assert SIGMOIDS[name].value(np.array(0.0)) == pytest.approx(at_zero, abs=1e-15)


@pytest.mark.parametrize("sigmoid", ["cumulative_gaussian", "logistic"])
def test_signed_figures_are_what_they_are_called(sigmoid):
    fit = fit_signed(signed_counts(500), sigmoid=sigmoid)
    height = fit.upper - fit.lower
    assert fit.curve(fit.bias) == pytest.approx(fit.lower + 0.5 * height, abs=1e-12)
    at_threshold = fit.curve(fit.bias + fit.threshold)
    assert at_threshold == pytest.approx(fit.lower + 0.75 * height, abs=1e-12)
    h = 1e-6
    slope = (fit.curve(fit.bias + h) - fit.curve(fit.bias - h)) / (2 * h)
    assert fit.slope == pytest.approx(slope, rel=1e-6)
    np.testing.assert_allclose(fit.curve([-1e3, 1e3]), [fit.lower, fit.upper], atol=1e-12)


@pytest.mark.parametrize(
    ("sigmoid", "f"), [("weibull", 1 - 1 / np.e), ("logistic", 0.5), ("cumulative_gaussian", 0.5)]
)
def test_nafc_figures_are_what_they_are_called(sigmoid, f):
    fit = fit_nafc(nafc_counts(500), sigmoid=sigmoid)
    height = 1 - fit.lapse_rate - fit.guess_rate
    assert fit.curve(fit.threshold) == pytest.approx(fit.guess_rate + f * height, abs=1e-12)
    h = 1e-6
    slope = (fit.curve(fit.threshold + h) - fit.curve(fit.threshold - h)) / (2 * h)
    assert fit.slope == pytest.approx(slope, rel=1e-6)
    ends = [fit.guess_rate, 1 - fit.lapse_rate]
    np.testing.assert_allclose(fit.curve([0.0, 1e3]), ends, atol=1e-6)


def test_threshold_at_inverts_the_curve_inside_the_levels_only():
    fit = fit_signed(signed_counts(500))
    assert fit.curve(fit.threshold_at(0.6)) == pytest.approx(0.6, abs=1e-12)
    assert fit.threshold_at(0.75, of="sigmoid") == pytest.approx(fit.bias + fit.threshold)
    assert np.isnan(fit.threshold_at(0.999))  # above the upper asymptote
    few = fit_nafc(nafc_counts(400, lapse=0.0))
    assert np.isnan(few.threshold_at(0.51))  # below the smallest strength
    assert np.isnan(fit.threshold_at(fit.upper - 1e-9))  # far outside the levels


# Estimates against truth


def test_signed_parameters_are_recovered():
    fit = fit_signed(signed_counts(100_000))
    assert fit.status == "ok"
    assert fit.bias == pytest.approx(0.03, abs=0.001)
    assert fit.threshold == pytest.approx(0.12 * 0.67449, rel=0.01)
    assert fit.slope == pytest.approx(0.95 / (0.12 * np.sqrt(2 * np.pi)), rel=0.01)
    assert [fit.lower, fit.upper] == pytest.approx([0.02, 0.97], abs=0.002)


@pytest.mark.parametrize("guess", [0.5, "free"])
def test_nafc_parameters_are_recovered(guess):
    table = nafc_counts(200_000)
    fit = psychometric(table, axis="coherence", guess_rate=guess)
    assert fit.threshold == pytest.approx(0.08, rel=0.01)
    assert fit.slope == pytest.approx(0.47 * 1.4 / np.e / 0.08, rel=0.02)
    assert [fit.guess_rate, fit.lapse_rate] == pytest.approx([0.5, 0.03], abs=0.003)


@pytest.mark.parametrize(("monkey", "psignifit", "published"), [(1, 6.39, 6.4), (2, 4.97, 5.0)])
def test_monkeys_thresholds_are_the_published_ones(monkey, psignifit, published):
    n, k = MONKEYS[monkey]
    fit = fit_nafc(counts(STRENGTH, n, k, "n_correct"))
    percent = 100 * fit.threshold_at(0.5, of="sigmoid")  # psignifit's: where F is one half
    assert percent == pytest.approx(psignifit, abs=0.01)
    assert percent == pytest.approx(published, abs=0.05)
    assert fit.interval(0.95)["threshold"].between(0.05, 0.1).all()


def test_no_point_of_a_fine_grid_is_more_probable():
    table = signed_counts(60, seed=3)
    n, k = table["n_trials"].to_numpy(), table["n_positive"].to_numpy()

    def log_posterior(bias, sd, lower, lapse):
        p = lower + (1 - lower - lapse) * ndtr((SIGNED - bias) / sd)
        return (k * np.log(p) + (n - k) * np.log(1 - p)).sum() + 9 * np.log(
            (1 - lower) * (1 - lapse)
        )

    fit = fit_signed(table)
    sd = fit.threshold / 0.6744897501960817
    best = log_posterior(fit.bias, sd, fit.lower, 1 - fit.upper)
    grid = [
        (log_posterior(b, s, low, lapse), b, s)
        for b in fit.bias + np.linspace(-0.02, 0.02, 9)
        for s in sd * np.linspace(0.7, 1.4, 15)
        for low in np.linspace(1e-9, 0.1, 11)
        for lapse in np.linspace(1e-9, 0.1, 11)
    ]
    top = max(grid)
    assert top[0] <= best + 1e-9
    assert top[1:] == pytest.approx((fit.bias, sd), rel=0.08, abs=0.006)


def posterior(k, n=50.0, **changes):
    bounds = np.array([[-2, 2], [-5, 2], [0, 0.5], [0, 0.5], [0, 0.9 * ("eta" in changes)]])
    usual = {"u": SIGNED, "n": np.full(11, float(n)), "sigmoid": SIGMOIDS["logistic"]}
    changes.pop("eta", None)
    return Posterior(**usual | {"bounds": bounds, "k": np.asarray(k, float)} | changes)


@pytest.mark.parametrize("name", SIGMOIDS)
@pytest.mark.parametrize(
    ("changes", "x"),
    [
        ({}, [0.02, -2.5, 0.04, 0.03]),
        ({"eta": True}, [0.02, -2.5, 0.04, 0.03, 0.15]),
        ({"eta": True}, [0.02, -2.5, 0.04, 0.03, 0.6]),
        ({"equal": True}, [0.02, -2.5, 0.03]),
        ({"equal": True, "eta": True}, [0.02, -2.5, 0.03, 0.02]),
    ],
)
def test_derivatives_are_those_of_the_density(name, changes, x):
    priors = {0: Density(norm(0.1, 0.3), 2.0, 0.5), 1: Density(gamma(3.0), 1.0, 0.2, True)}
    priors |= {2: Beta(1.0, 10.0), 3: Beta(2.0, 10.0), 4: Beta(1.5, 10.0)}
    p = posterior(np.round(50 * signed_p(SIGNED)), sigmoid=SIGMOIDS[name], priors=priors, **changes)
    x, h = np.array(x), 1e-6
    value, gradient, _ = p.derivatives(x)
    both = [p.log_density(x + s * h * e) for s in (1, -1) for e in np.eye(len(x))]
    expected = np.subtract(both[: len(x)], both[len(x) :]) / (2 * h)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)
    assert value == pytest.approx(p.log_density(x))


def test_the_information_is_the_mean_square_of_the_gradient():
    x, rng = np.array([0.02, -2.5, 0.04, 0.03]), np.random.default_rng(0)
    truth = curve(np.append(x, 0.0), SIGNED, SIGMOIDS["logistic"])
    several = posterior(rng.binomial(50, truth, (4000, 11)))
    _, scores, information = several.derivatives(np.tile(x, (4000, 1)))
    np.testing.assert_allclose(np.cov(scores.T), information[0], rtol=0.2, atol=4)


def test_several_experiments_at_once_are_each_its_own():
    rng = np.random.default_rng(0)
    k = rng.binomial(50, signed_p(SIGNED), (5, 11))
    x = np.tile([0.02, -2.5, 0.04, 0.03], (5, 1)) + rng.normal(0, 0.01, (5, 4))
    together = posterior(k).derivatives(x)
    for i in range(5):
        for whole, one in zip(together, posterior(k[i]).derivatives(x[i]), strict=True):
            np.testing.assert_allclose(whole[i], one, rtol=1e-12)


def test_mirrored_data_flip_the_bias():
    table = signed_counts(50, seed=1)
    mirrored = counts(-SIGNED, 50, 50 - table["n_positive"])
    one, two = fit_signed(table), fit_signed(mirrored)
    assert two.bias == pytest.approx(-one.bias, abs=1e-6)
    assert [two.threshold, two.slope] == pytest.approx([one.threshold, one.slope], rel=1e-5)
    assert [two.lower, two.upper] == pytest.approx([1 - one.upper, 1 - one.lower], abs=1e-5)


@pytest.mark.parametrize(
    ("make", "fit_one"), [(signed_counts, fit_signed), (nafc_counts, fit_nafc)]
)
def test_scaled_stimuli_scale_the_threshold(make, fit_one):
    table = make(200, seed=1)
    scaled = table.assign(coherence=table["coherence"] * 100)
    one, two = fit_one(table), fit_one(scaled)
    assert two.threshold == pytest.approx(100 * one.threshold, rel=1e-6)
    assert two.slope == pytest.approx(one.slope / 100, rel=1e-6)


def test_trials_and_their_counts_give_the_same_fit():
    table = trials()
    right = table["choice"] == "right"
    grouped = table.assign(k=right).groupby("coherence")["k"].agg(["size", "sum"])
    one = fit_signed(table, choice="right")
    two = fit_signed(counts(grouped.index, grouped["size"].to_numpy(), grouped["sum"].to_numpy()))
    assert one.parameters == two.parameters
    assert one.n_trials == two.n_trials == 440


def test_forcing_lapses_to_zero_widens_the_curve():
    table = signed_counts(1000, bias=0.0, lower=0.04, upper=0.96)
    free, forced = fit_signed(table), fit_signed(table, guess_rate=0.0, lapse_rate=0.0)
    assert [forced.lower, forced.upper] == [0.0, 1.0]
    assert forced.threshold > 1.3 * free.threshold


def test_the_prior_can_be_turned_off():
    table = signed_counts(60, lower=0.15, upper=0.85)
    strong = fit_signed(table, priors={"guess_rate": (1.0, 100.0), "lapse_rate": (1.0, 100.0)})
    flat = fit_signed(table, priors={"guess_rate": None, "lapse_rate": None})
    usual = fit_signed(table)
    assert strong.lower < usual.lower < flat.lower
    assert flat.deviance < usual.deviance < strong.deviance


# Intervals


def coverage(make, fit_one, truth, n, repeats=60):
    inside = dict.fromkeys(truth, 0)
    for seed in range(repeats):
        interval = fit_one(make(n, seed=seed)).interval(0.9)
        for name, value in truth.items():
            low, high = interval[name]
            inside[name] += low <= value <= high
    return {name: count / repeats for name, count in inside.items()}


def test_intervals_cover_the_truth_as_often_as_they_say():
    signed = {"bias": 0.03, "threshold": 0.12 * 0.67449}
    nafc = {"threshold": 0.08}
    found = coverage(signed_counts, fit_signed, signed, 50)
    found["nafc"] = coverage(nafc_counts, fit_nafc, nafc, 200)["threshold"]
    # 60 draws of a true 90 % lie between 80 % and 98 % in 99 of 100 cases.
    assert all(0.8 <= share <= 0.99 for share in found.values()), found


def test_the_posterior_is_the_one_that_a_brute_sum_gives():
    table = signed_counts(200, seed=2)
    n, k = table["n_trials"].to_numpy(), table["n_positive"].to_numpy()
    fit = fit_signed(table, guess_rate=0.02, lapse_rate=0.03)
    bias, sd = np.linspace(-0.05, 0.1, 301), np.geomspace(0.05, 0.3, 301)
    p = 0.02 + 0.95 * ndtr((SIGNED - bias[:, None, None]) / sd[:, None])
    log = (k * np.log(p) + (n - k) * np.log(1 - p)).sum(-1)
    mass = np.exp(log - log.max())
    for name, marginal, axis in (
        ("bias", mass.sum(1), bias),
        ("threshold", mass.sum(0), sd * 0.67449),
    ):
        share = np.cumsum(marginal) / marginal.sum()
        expected = np.interp([0.05, 0.95], share, axis)
        width = np.diff(expected)[0]
        np.testing.assert_allclose(fit.interval(0.9)[name], expected, atol=0.04 * width)


def test_the_posterior_of_a_lapse_rate_near_zero_is_the_one_that_a_brute_sum_gives():
    table = signed_counts(60, upper=1.0, lower=0.0, sd=0.08)
    n, k = table["n_trials"].to_numpy(), table["n_positive"].to_numpy()
    fit = fit_signed(table, guess_rate=0.0)
    bias, sd = np.linspace(-0.02, 0.08, 51), np.geomspace(0.04, 0.16, 51)
    lapse = np.linspace(0, 0.12, 241)
    f = ndtr((SIGNED - bias[:, None, None]) / sd[:, None])[:, :, None, :]
    p = np.clip((1 - lapse[:, None]) * f, 1e-12, 1 - 1e-12)
    mass = np.exp((k * np.log(p) + (n - k) * np.log(1 - p)).sum(-1) + 9 * np.log(1 - lapse) + 300)
    marginal = mass.sum((0, 1))
    marginal[0] /= 2  # half a cell
    share = np.cumsum(marginal) / marginal.sum() - marginal / marginal.sum() / 2
    drawn = 1 - fit.draws()["upper"]
    expected = np.interp([0.1, 0.5, 0.9], share, lapse)
    np.testing.assert_allclose(drawn.quantile([0.1, 0.5, 0.9]), expected, atol=7e-4)


def test_the_band_holds_the_curve_and_narrows_with_trials():
    x = np.linspace(-0.5, 0.5, 21)
    few, many = fit_signed(signed_counts(30)), fit_signed(signed_counts(3000))
    for fit in (few, many):
        low, high = fit.band(x, 0.9)
        assert (low <= fit.curve(x)).all() and (fit.curve(x) <= high).all()
        assert low.min() >= 0 and high.max() <= 1
    assert np.ptp(np.stack(many.band(0.1))) < 0.2 * np.ptp(np.stack(few.band(0.1)))


def test_an_interval_contains_an_estimate_at_its_bound():
    fit = fit_signed(signed_counts(50, lower=0.0, upper=1.0, sd=0.05))
    low, high = fit.interval()["upper"]
    assert fit.upper == 1.0 == high and 0.9 < low < 1.0


def test_intervals_are_the_same_each_time_and_do_not_touch_global_randomness():
    table, before = signed_counts(50), str(np.random.get_state())  # noqa: NPY002
    one, two = fit_signed(table), fit_signed(table)
    pd.testing.assert_frame_equal(one.interval(), two.interval())
    assert not one.interval().equals(one.interval(seed=1))
    assert before == str(np.random.get_state())  # noqa: NPY002


def test_draws_of_two_fits_are_independent():
    a, b = (fit_signed(signed_counts(50, seed=seed)).draws()["bias"] for seed in (0, 1))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.06


# What the data cannot tell


UNDETERMINED = {
    "step": ([0] * 5 + [50] + [100] * 5, "a step between -0.032 and 0.032"),
    "step without a level on it": ([0] * 5 + [100] * 6, "a step between -0.032 and 0"),
    "step with lapses": ([12] * 5 + [55] + [91] * 5, "a step between -0.032 and 0.032"),
    "chance": ([51, 48, 55, 47, 52, 49, 50, 53, 46, 51, 50], "does not rise"),
    "always": ([100] * 11, "does not rise"),
    "never": ([0] * 11, "does not rise"),
    "falling": ([100] * 5 + [50] + [0] * 5, "falls with coherence"),
    "too shallow": ([30, 38, 42, 45, 48, 50, 51, 53, 57, 62, 70], "end before"),
    "bias beyond the levels": ([3, 4, 2, 5, 6, 7, 8, 11, 14, 20, 34], "bias lies above"),
}


@pytest.mark.parametrize("case", UNDETERMINED)
def test_a_signed_threshold_that_is_not_bracketed_is_undetermined(case):
    k, why = UNDETERMINED[case]
    fit = fit_signed(counts(SIGNED, 100, k))
    assert np.isnan(fit.threshold) and np.isnan(fit.slope)
    assert fit.status.startswith("undetermined: ") and why in fit.status
    assert fit.status in repr(fit) and "nan" in repr(fit)
    assert fit.interval()["threshold"].isna().all()
    assert np.isnan(fit.threshold_at(0.6))
    assert np.isfinite(fit.curve(SIGNED)).all()


@pytest.mark.parametrize(
    ("k", "why"),
    [
        ([100] * 6, "does not rise"),
        ([50, 52, 49, 44, 56, 50], "does not rise"),
        ([50, 100, 100, 100, 100, 100], "threshold lies below the levels"),
        ([50, 98, 99, 97, 98, 98], "threshold lies below the levels"),
        ([50, 50, 51, 52, 55, 70], "threshold lies above the levels"),
        ([50, 48, 51, 100, 100, 100], "a step between 0.064 and 0.128"),
    ],
)
def test_an_nafc_threshold_that_is_not_bracketed_is_undetermined(k, why):
    fit = fit_nafc(counts(STRENGTH, 100, k, "n_correct"))
    assert np.isnan(fit.threshold) and why in fit.status
    assert fit.interval()["threshold"].isna().all()


def test_a_step_still_tells_the_bias():
    fit = fit_signed(counts(SIGNED, 1000, [0] * 5 + [1000] * 6))
    assert fit.bias == pytest.approx(-0.016, abs=0.001)
    low, high = fit.interval()["bias"]
    assert -0.032 < low < -0.024 and -0.008 < high < 0


def test_one_level_on_the_rise_tells_where_but_not_how_steeply():
    fit = fit_nafc(counts(STRENGTH, 400, [200, 200, 200, 300, 400, 400], "n_correct"))
    assert 0.064 < fit.threshold < 0.256 and np.isnan(fit.slope)


# Where data come from


def test_a_session_needs_no_arguments():
    fit = psychometric(session(trials(n=200)))
    assert isinstance(fit, PsychometricFit)
    assert fit.form == "signed" and fit.counts.event == "right"
    assert fit.bias == pytest.approx(0.03, abs=0.02)


def test_more_than_two_choices_make_an_nafc_curve():
    fit = psychometric(session(trials(), choices=["left", "up", "right"]))
    assert fit.form == "nafc" and fit.guess_rate == pytest.approx(1 / 3)
    assert (fit.table["x"] >= 0).all()


def test_nafc_of_a_session_is_over_strength_without_the_trials_that_have_no_right_answer():
    table = trials(n=200, bias=0.0)
    fit = psychometric(session(table), form="nafc")
    assert fit.guess_rate == 0.5
    assert fit.table["x"].tolist() == [0.032, 0.064, 0.128, 0.256, 0.512]
    assert fit.table["n_trials"].tolist() == [400] * 5
    assert fit.counts.n_unscored == 200


def test_a_table_may_hold_trials_without_a_choice_in_any_spelling():
    table = trials()
    silent = [table.assign(choice=none).iloc[::7] for none in ("none", None, np.nan)]
    one = fit_signed(table, choice="right")
    two = fit_signed(pd.concat([table, *silent]), choice="right")
    assert two.n_no_response == 3 * len(silent[0]) and one.parameters == two.parameters


@pytest.mark.parametrize("form", ["signed", "nafc"])
def test_trials_without_a_valid_choice_are_left_out_and_counted(form):
    table = trials()
    table["outcome"] = "correct"
    silent = table.assign(choice="none", correct=0.0, outcome="no_response").iloc[::4]
    broken = table.assign(correct=0.0, outcome="broken_fixation").iloc[::5]
    one = psychometric(session(table), form=form)
    two = psychometric(session(pd.concat([table, silent, broken])), form=form)
    assert two.n_no_response == len(silent) + len(broken)
    assert one.parameters == two.parameters


def test_levels_that_the_task_does_not_have_are_marked():
    data = session(trials(), psychometric_levels=[-0.512, -0.128, 0.0, 0.128, 0.512])
    table = psychometric(data).table
    assert table["x"][table["trained"]].tolist() == [-0.512, -0.128, 0.0, 0.128, 0.512]


def test_levels_that_differ_by_rounding_are_one():
    table = signed_counts(50)
    split = pd.concat([table, table.assign(coherence=table["coherence"] * (1 + 1e-13))])
    assert fit_signed(split).table["x"].tolist() == SIGNED.tolist()


def test_a_continuous_stimulus_is_pooled_and_fitted():
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, 20_000)
    table = pd.DataFrame({"coherence": x, "choice": rng.random(x.size) < signed_p(x)})
    fit = fit_signed(table)
    assert len(fit.table) == 50 and fit.n_trials == 20_000
    assert fit.bias == pytest.approx(0.03, abs=0.01)
    assert fit.threshold == pytest.approx(0.081, rel=0.1)


def test_by_gives_a_fit_for_each_group():
    one, two = trials(n=200, bias=-0.05, seed=1), trials(n=200, bias=0.1, seed=2)
    both = pd.concat([one.assign(context="a", day=1), two.assign(context="b", day=2)])
    fits = psychometric(session(both), by="context")
    assert isinstance(fits, PsychometricFits) and list(fits) == ["a", "b"]
    assert fits["a"].parameters == psychometric(session(one)).parameters
    assert fits.table.loc["b", "bias"] == fits["b"].bias == pytest.approx(0.1, abs=0.02)
    assert list(fits.table["status"]) == ["ok", "ok"] and "context" in repr(fits)
    several = psychometric(session(both), by=["context", "day"])
    assert list(several) == [("a", 1), ("b", 2)]
    assert several.table.index.names == ["context", "day"]


def test_networks_are_fitted_one_by_one():
    table = trials(n=60)
    data = session(table)
    choices = np.stack([table["choice"], trials(n=60, seed=1)["choice"]])
    data = data.assign_coords(choice=(("network", "trial"), choices), network=[3, 7])
    with pytest.raises(ValueError, match="`by` must contain 'network'"):
        psychometric(data)
    fits = psychometric(data, by="network")
    assert list(fits) == [3, 7]
    assert fits[3].parameters == psychometric(session(table)).parameters


# Errors


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        ({}, {"axis": "coherance"}, ValueError, 'Did you mean "coherence"'),
        ({}, {"axis": None}, ValueError, "`axis` must name the stimulus, one of .* got None"),
        ({"coherence": np.nan}, {}, ValueError, "`axis` must be finite, got 440 missing"),
        ({"coherence": "a"}, {}, TypeError, "`axis` must be a column of numbers"),
        ({"coherence": 0.1}, {}, ValueError, "at least 3 levels with trials, got 1: .* Run trials"),
        ({}, {"by": "contxt"}, ValueError, "`by` must be one of"),
        ({}, {"by": 3}, TypeError, "`by` must be a name or names, got 3"),
        ({}, {"choice": None}, ValueError, '`choice` must be .* "left", "right", got None'),
        ({}, {"choice": "up"}, ValueError, "`choice` must be the choice .* got 'up'"),
        ({}, {"form": "yes"}, ValueError, "`form` must be one of"),
        ({}, {"form": "nafc"}, ValueError, "`guess_rate` must be a number where .* got None"),
        ({}, {"sigmoid": "weibull"}, ValueError, "`sigmoid` must be one of .* got 'weibull'"),
        ({}, {"lapse_rate": 0.7}, ValueError, r"`lapse_rate` must be a number in \[0, 0.5\]"),
        ({}, {"guess_rate": -0.1}, ValueError, r"`guess_rate` must be a number in \[0, 0.5\]"),
        (
            {},
            {"priors": 3},
            TypeError,
            "`priors` must be a dict from the name of a figure .* got 3",
        ),
        (
            {},
            {"priors": {"lapse": (1, 2)}},
            ValueError,
            'must be one of "bias", "width".* got .lapse',
        ),
        ({}, {"priors": {"lapse_rate": 3}}, TypeError, r"two numbers \(a, b\) of a Beta .* got 3"),
        (
            {},
            {"priors": {"lapse_rate": (0.5, 2)}},
            ValueError,
            "'lapse_rate'.` must be a number of 1",
        ),
        ({}, {"priors": {"width": (1, 2)}}, TypeError, "distribution with `logpdf` for 'width'"),
        ({}, {"lapse_rate": (0.1, 0.05)}, ValueError, r"bounds \(low, high\) with low < high, got"),
        (
            {},
            {"guess_rate": (0.1, 0.7)},
            ValueError,
            r"`guess_rate` must be a number in \[0, 0.5\]",
        ),
        ({}, {"log": True}, ValueError, "`log` must be False for a signed curve"),
        ({}, {"log": "yes"}, TypeError, "`log` must be True, False or None, got 'yes'"),
        (
            {},
            {"form": "yes_no", "log": True},
            ValueError,
            "`log` must be False where levels are neg",
        ),
        ({}, {"overdispersion": 0.1}, TypeError, "`overdispersion` must be True or False, got 0.1"),
        (
            {},
            {"equal_asymptotes": True, "guess_rate": 0.1},
            ValueError,
            "`equal_asymptotes` must be False where the guess rate is given .* guess_rate=0.1",
        ),
        (
            {},
            {"form": "nafc", "guess_rate": 0.5, "equal_asymptotes": True},
            ValueError,
            '`equal_asymptotes` must be False .* form "nafc"',
        ),
        ({"correct": 2.0}, {"form": "nafc"}, ValueError, "`correct` must be 0, 1 or NaN .* got 2"),
    ],
)
def test_what_is_wrong_with_trials_is_said(change, arguments, error, message):
    table = trials().assign(**change)
    with pytest.raises(error, match=message):
        psychometric(table, **{"axis": "coherence", "choice": "right"} | arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_positive": 60}, "`n_positive` must be at most `n_trials`, got 60 of 50 in row 0"),
        ({"n_positive": 0.5}, "`n_positive` must be whole numbers .* got 0.5. Give counts"),
        ({"n_trials": -1}, "`n_trials` must be whole numbers of 0 or more, got -1"),
        (
            {"n_trials": 0, "n_positive": 0},
            "`data` must have trials with an answer, got none: 0 without a valid response",
        ),
    ],
)
def test_what_is_wrong_with_counts_is_said(change, message):
    with pytest.raises(ValueError, match=message):
        fit_signed(signed_counts(50).assign(**change))


def test_data_without_behaviour_are_refused():
    with pytest.raises(ValueError, match=r"`data` must have 'choice' .* Give a Session"):
        psychometric(session(trials()[["coherence"]]))
    with pytest.raises(ValueError, match="`data` must have a dimension 'trial'"):
        psychometric(xr.Dataset({"rates": ("time", [1.0])}))
    with pytest.raises(TypeError, match="`data` must be a Session or a pandas DataFrame, got list"):
        psychometric([1, 2])


def test_a_group_with_too_few_levels_is_named():
    table = trials().assign(context="a")
    table.loc[table["coherence"] < 0.2, "context"] = "b"
    with pytest.raises(ValueError, match=r"with trials where context is a, got 2"):
        fit_signed(table, choice="right", by="context")


def test_a_figure_of_the_other_form_is_refused():
    with pytest.raises(AttributeError, match="`bias` is no figure of the form 'nafc'"):
        fit_nafc(nafc_counts(50)).bias  # noqa: B018
    with pytest.raises(ValueError, match=r"`level` must be a number in \[0, 1\], got 95"):
        fit_signed(signed_counts(50)).interval(95)


# Figures


def test_the_figure_shows_data_curve_and_untrained_levels():
    before = dict(matplotlib.rcParams)
    data = session(trials(), psychometric_levels=[-0.512, 0.0, 0.512])
    fit = psychometric(data)
    ax: Any = fit.plot(label="network")
    assert ax.get_xlabel() == "coherence (%)" and ax.get_ylabel() == "P(right)"
    markers = [line for line in ax.lines if line.get_marker() == "o"]
    hollow = [line for line in markers if line.get_markerfacecolor() == "white"]
    shown = sorted(x for line in markers for x in line.get_xdata())
    assert shown == SIGNED.tolist() and sum(len(line.get_xdata()) for line in hollow) == 8
    curves = [line for line in ax.lines if len(line.get_xdata()) > 100]
    np.testing.assert_allclose(curves[0].get_ydata(), fit.curve(curves[0].get_xdata()))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["network"]
    assert dict(matplotlib.rcParams) == before
    assert fit.plot(ax, xlabel="motion") is ax and ax.get_xlabel() == "motion"
    plt.close("all")


def test_a_strength_of_zero_has_its_place_on_the_logarithmic_axis():
    ax = fit_nafc(nafc_counts(100)).plot()
    ax.figure.canvas.draw()
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "P(correct)"
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["0", "3.2", "6.4", "12.8", "25.6", "51.2"]
    (markers,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert markers.get_xdata().tolist() == [0.016, 0.032, 0.064, 0.128, 0.256, 0.512]
    plt.close("all")


def test_undetermined_curves_are_dashed_and_groups_have_a_legend():
    table = pd.concat([signed_counts(90).assign(day=1), counts(SIGNED, 90, 45).assign(day=2)])
    fits = fit_signed(table, by="day")
    ax: Any = fits.plot()
    styles = [line.get_linestyle() for line in ax.lines if len(line.get_xdata()) > 100]
    assert styles == ["-", "--"] and ax.get_legend().get_title().get_text() == "day"
    with pytest.raises(ValueError, match='`xscale` must be "linear" where levels are negative'):
        fits.plot(xscale="log")
    plt.close("all")


def test_the_ends_of_a_wilson_interval_are_z_standard_errors_of_their_own_away():
    k, n = np.array([0, 3, 5, 10]), np.array([10, 10, 10, 10])
    for end in wilson(k, n, 0.95):
        apart = np.abs(k / n - end)
        np.testing.assert_allclose(apart, 1.959964 * np.sqrt(end * (1 - end) / n), atol=1e-6)
    assert (np.subtract(*wilson(k, n, 0.95)) < -0.2).all()


def test_html_shows_estimates_with_intervals():
    html = fit_signed(signed_counts(50))._repr_html_()
    assert all(word in html for word in ("bias", "threshold", "estimate", "low", "high", "ok"))


def test_a_fit_goes_to_another_process():
    table = pd.DataFrame(
        {"x": np.arange(-2.0, 3.0), "n_trials": 50, "n_positive": [3, 12, 26, 37, 48]}
    )
    fit = psychometric(table, axis="x")
    back = pickle.loads(pickle.dumps(fit))
    assert back.threshold == fit.threshold and back.sigmoid == fit.sigmoid


def test_to_go_or_not_is_a_choice_of_two():
    # With one choice, making none is the other answer: P(go), not the share among those who went.
    rng = np.random.default_rng(3)
    evidence = np.repeat([-1.0, -0.3, -0.1, 0.1, 0.3, 1.0], 2000)
    went = rng.random(evidence.size) < ndtr(evidence / 0.4)
    table = pd.DataFrame({"evidence": evidence, "choice": np.where(went, "go", "none")})
    table["correct"] = (went == (evidence > 0)).astype(float)
    table["outcome"] = np.select([table["correct"] == 1, went], ["correct", "error"], "no_response")
    table.attrs["choices"] = ["go"]
    fit = psychometric(table, axis="evidence")
    assert fit.n_trials == len(table)
    assert fit.bias == pytest.approx(0.0, abs=0.03)
    assert fit.threshold == pytest.approx(0.4 * ndtri(0.75), rel=0.1)
    table.loc[:99, "outcome"] = "broken_fixation"
    assert psychometric(table, axis="evidence").n_trials == len(table) - 100
