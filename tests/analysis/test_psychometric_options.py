"""Shapes, forms, priors, overdispersion, bootstrap, fit and comparison of psychometric curves."""

import pickle
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln, ndtr, ndtri
from scipy.stats import beta, chi2, gamma, norm, poisson, uniform

from neurotask.analysis import SIGMOIDS, psychometric, student_t
from neurotask.analysis.psychometrics import beta_binomial
from neurotask.analysis.psychometrics.sampling import bias_corrected

matplotlib.use("Agg")

X = np.linspace(-0.5, 0.5, 11)
STRENGTH = np.linspace(0.05, 1.0, 11)
# Example of the manual of psignifit (Wichmann & Hill's toolbox): stimulus, correct, trials.
# fmt: off
BLOCKS = [
    (0.0010, 45, 90), (0.0015, 50, 90), (0.0020, 44, 90), (0.0025, 44, 90), (0.0030, 52, 90),
    (0.0035, 53, 90), (0.0040, 62, 90), (0.0045, 64, 90), (0.0050, 76, 90), (0.0060, 79, 90),
    (0.0070, 88, 90), (0.0080, 90, 90), (0.0100, 90, 90),
]
# fmt: on


def table(x, n, k, event="n_positive"):
    return pd.DataFrame({"x": x, "n_trials": n, event: k})


def simulated(p, n, seed=0, x=X, eta=0.0, event="n_positive"):
    """Counts with the probabilities p, (level,), or p(x)."""
    rng, p = np.random.default_rng(seed), p(x) if callable(p) else p
    if eta:
        nu = 1 / eta**2 - 1
        p = rng.beta(p * nu, (1 - p) * nu)
    return table(x, n, rng.binomial(n, p), event)


def gauss(x, location=0.05, sd=0.15, low=0.03, lapse=0.02):
    return low + (1 - low - lapse) * ndtr((x - location) / sd)


def fit_one(data, **settings) -> Any:
    return psychometric(data, axis="x", **settings)


def test_the_example_of_13_blocks():
    # psignifit 4 in MATLAB: threshold 0.0046448, width 0.0046838, lapse rate 1e-7, eta 1.2e-4.
    blocks = table(*np.transpose(BLOCKS)[[0, 2, 1]], event="n_correct")
    fit = fit_one(blocks, form="nafc", guess_rate=0.5, log=False, overdispersion=True)
    assert fit.sigmoid == "cumulative_gaussian"
    assert fit.threshold == pytest.approx(0.00464, abs=1e-4)
    assert fit.width == pytest.approx(0.00468, abs=1e-4)
    assert fit.lapse_rate == pytest.approx(0, abs=1e-6)
    assert fit.overdispersion == pytest.approx(0, abs=2e-3)
    # Its 95 % interval is 0.00425 to 0.00493.
    assert fit.interval()["threshold"].tolist() == pytest.approx([0.00425, 0.00493], abs=7e-5)
    boot = fit.interval(method="bootstrap")["threshold"].tolist()
    assert boot == pytest.approx([0.00430, 0.00490], abs=7e-5)  # of a plain one: research note


# Shapes


@pytest.mark.parametrize("name", [name for name in SIGMOIDS if name != "weibull"])
def test_every_sigmoid_is_recovered_over_a_linear_stimulus(name):
    sigmoid = SIGMOIDS[name]
    p = 0.04 + 0.93 * sigmoid.value((X - 0.05) / 0.1)
    fit = fit_one(simulated(p, 300_000), sigmoid=name)
    assert fit.bias == pytest.approx(0.05, abs=2e-3)
    assert fit.threshold == pytest.approx(0.1 * sigmoid.inverse(np.array(0.75)), rel=0.03)
    wide = np.diff(sigmoid.inverse(np.array([0.05, 0.95])))[0]
    assert fit.width == pytest.approx(0.1 * wide, rel=0.03)
    assert [fit.lower, 1 - fit.upper] == pytest.approx([0.04, 0.03], abs=6e-3)
    assert fit.curve(fit.bias) == pytest.approx((fit.lower + fit.upper) / 2, abs=1e-12)
    assert pickle.loads(pickle.dumps(fit)).parameters == fit.parameters


@pytest.mark.parametrize("name", SIGMOIDS)
def test_every_sigmoid_is_recovered_over_a_strength(name):
    sigmoid = SIGMOIDS[name]
    p = 0.5 + 0.47 * sigmoid.value((np.log(STRENGTH) - np.log(0.4)) / 0.3)
    counts = simulated(p, 300_000, x=STRENGTH, event="n_correct")
    fit = fit_one(counts, guess_rate=0.5, sigmoid=name)
    assert fit.threshold == pytest.approx(0.4, rel=0.02)
    assert fit.lapse_rate == pytest.approx(0.03, abs=0.015)
    assert fit.curve(fit.threshold) == pytest.approx(
        0.5 + (0.5 - fit.lapse_rate) * sigmoid.value(np.array(0.0)), abs=1e-12
    )
    decades = np.diff(sigmoid.inverse(np.array([0.05, 0.95])))[0] * 0.3 / np.log(10)
    assert fit.width == pytest.approx(decades, rel=0.1)


def test_the_gumbel_function_of_a_logarithm_is_the_weibull_function():
    counts = simulated(
        lambda x: 0.5 + 0.48 * ndtr((x - 0.4) / 0.2), 400, x=STRENGTH, event="n_correct"
    )
    one = fit_one(counts, guess_rate=0.5)
    two = fit_one(counts, guess_rate=0.5, sigmoid="gumbel")
    assert one.sigmoid == "weibull" and two.deviance == pytest.approx(one.deviance, abs=1e-6)
    assert two.threshold == pytest.approx(one.threshold_at(0.5, of="sigmoid"), rel=1e-4)


def test_heavy_tails_by_degrees_of_freedom():
    z = np.array([-3.0, -0.4, 0.0, 1.7])
    np.testing.assert_allclose(student_t(1e7).value(z), ndtr(z), atol=1e-7)
    np.testing.assert_allclose(student_t(3).inverse(student_t(3).value(z)), z, atol=1e-8)
    step = (student_t(3).value(z + 1e-5) - student_t(3).value(z - 1e-5)) / 2e-5
    np.testing.assert_allclose(student_t(3).density(z), step, rtol=1e-6)
    fit = fit_one(simulated(gauss, 200), sigmoid=student_t(3))
    assert fit.sigmoid == "student_t(3)" and fit.status == "ok"
    assert pickle.loads(pickle.dumps(fit)).threshold == fit.threshold
    with pytest.raises(ValueError, match=r"`df` must be a number above 0, got 0"):
        student_t(0)


# Forms


def test_yes_no_curves_have_a_free_guess_rate():
    def p(x):
        return 0.15 + 0.8 * ndtr((x - 0.5) / 0.15)

    fit = fit_one(simulated(p, 100_000, x=STRENGTH), form="yes_no")
    assert [fit.threshold, fit.guess_rate, fit.lapse_rate] == pytest.approx(
        [0.5, 0.15, 0.05], abs=3e-3
    )
    assert fit.standard_parameters == pytest.approx({"mu": 0.5, "sigma": 0.15}, rel=0.01)
    assert fit.width == pytest.approx(0.15 * 2 * ndtri(0.95), rel=0.01)
    assert fit.slope == pytest.approx(0.8 / 0.15 / np.sqrt(2 * np.pi), rel=0.01)
    assert (
        not fit.frame.log
        and fit_one(simulated(p, 90, x=STRENGTH), form="yes_no", log=True).frame.log
    )


def test_equal_asymptotes_are_one_parameter():
    def p(x):
        return gauss(x, low=0.04, lapse=0.04)

    fit = fit_one(simulated(p, 100_000), equal_asymptotes=True)
    assert fit.lower == 1 - fit.upper == pytest.approx(0.04, abs=2e-3)
    free = fit_one(simulated(p, 1000))
    tied = fit_one(simulated(p, 1000), equal_asymptotes=True)
    assert len(free.best) == 4 and len(tied.best) == 3
    assert np.diff(tied.interval().T.loc["lower"])[0] < np.diff(free.interval().T.loc["lower"])[0]
    draws = tied.draws()
    np.testing.assert_allclose(draws["lower"], 1 - draws["upper"], atol=1e-15)


def test_rates_are_free_bounded_or_fixed():
    counts = simulated(lambda x: gauss(x, low=0.1, lapse=0.1), 2000)
    free = fit_one(counts)
    bounded = fit_one(counts, guess_rate=(0.0, 0.05), lapse_rate=(0.15, 0.3))
    fixed = fit_one(counts, guess_rate=0.02, lapse_rate=0.03)
    assert free.lower == pytest.approx(0.1, abs=0.02)
    assert [bounded.lower, 1 - bounded.upper] == pytest.approx([0.05, 0.15], abs=1e-9)
    assert [fixed.lower, 1 - fixed.upper] == pytest.approx([0.02, 0.03], abs=1e-15)
    low, high = bounded.interval()["lower"]
    assert 0 <= low <= high <= 0.05
    assert fixed.interval()["lower"].tolist() == [0.02, 0.02]


# Overdispersion


def test_the_beta_binomial_likelihood_is_that_of_its_closed_form():
    rng = np.random.default_rng(0)
    n = np.array([1.0, 4, 90, 5000, 90])
    k = np.array([1.0, 0, 90, 1234, 13])
    p, eta = rng.uniform(0.001, 0.999, (6, 5)), np.array([0.01, 0.05, 0.1, 0.3, 0.6, 0.89])
    nu = (1 / eta**2 - 1)[:, None]
    expected = betaln(k + p * nu, n - k + (1 - p) * nu) - betaln(p * nu, (1 - p) * nu)
    found = beta_binomial.log_likelihood(p, eta, n, k)
    np.testing.assert_allclose(found, expected.sum(-1), rtol=1e-9, atol=1e-8)
    binomial = (k * np.log(p) + (n - k) * np.log1p(-p)).sum(-1)
    none = beta_binomial.log_likelihood(p, np.zeros(6), n, k)
    np.testing.assert_allclose(none, binomial, rtol=1e-7)


def test_overdispersion_is_recovered_and_widens_intervals():
    x = np.linspace(-0.5, 0.5, 40)
    counts = simulated(gauss, 500, x=x, eta=0.2, seed=3)
    over, plain = fit_one(counts, overdispersion=True), fit_one(counts)
    assert over.overdispersion == pytest.approx(0.2, abs=0.05)
    low, high = over.interval(0.9)["overdispersion"]
    assert low < 0.2 < high
    widths = [np.diff(fit.interval().T.loc["bias"])[0] for fit in (over, plain)]
    assert widths[0] > 2 * widths[1]
    assert "overdispersion" not in plain.parameters
    with pytest.raises(AttributeError, match="`overdispersion` is no figure of the form 'signed'"):
        plain.overdispersion  # noqa: B018


def test_simulated_counts_are_as_spread_as_eta_says():
    p, eta, n = np.array([0.3, 0.7]), 0.2, np.array([50.0, 200.0])
    k = beta_binomial.draw(p, eta, n, 200_000, np.random.default_rng(0))
    np.testing.assert_allclose(k.mean(0), n * p, rtol=5e-3)
    np.testing.assert_allclose(k.var(0), n * p * (1 - p) * (1 + (n - 1) * eta**2), rtol=0.02)


# Priors


def test_a_prior_enters_the_posterior_as_a_density_of_its_figure():
    counts = simulated(gauss, 25, seed=2)
    n, k = counts["n_trials"].to_numpy(), counts["n_positive"].to_numpy()
    priors: Any = {
        "bias": norm(0.0, 0.03),
        "width": gamma(9.0, scale=0.05),
        "lapse_rate": beta(2, 20),
    }
    fit = fit_one(counts, guess_rate=0.03, priors=priors)
    bias, sd = np.linspace(-0.12, 0.2, 121), np.geomspace(0.05, 0.5, 121)
    lapse = np.linspace(0, 0.4, 101)[1:]
    f = ndtr((X - bias[:, None, None, None]) / sd[:, None, None])
    q = 0.03 + (1 - 0.03 - lapse[:, None]) * f
    log = (k * np.log(q) + (n - k) * np.log1p(-q)).sum(-1)
    log += norm(0.0, 0.03).logpdf(bias)[:, None, None] + beta(2, 20).logpdf(lapse)
    width = 2 * ndtri(0.95) * sd  # a density of the width, times dwidth / d ln width
    log += (gamma(9.0, scale=0.05).logpdf(width) + np.log(width))[:, None]
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    expected = {
        "bias": (mass.sum((1, 2)) * bias).sum(),
        "width": (mass.sum((0, 2)) * width).sum(),
        "upper": (mass.sum((0, 1)) * (1 - lapse)).sum(),
    }
    for name, value in expected.items():
        assert fit.posterior_mean[name] == pytest.approx(value, rel=0.01, abs=5e-4)
    top = np.unravel_index(log.argmax(), log.shape)
    assert fit.bias == pytest.approx(bias[top[0]], abs=3e-3)
    assert fit.width == pytest.approx(width[top[1]], rel=0.02)


def test_a_prior_of_a_threshold_on_a_logarithmic_axis():
    counts = simulated(
        lambda x: 0.5 + 0.48 * ndtr((x - 0.4) / 0.2), 30, x=STRENGTH, event="n_correct"
    )
    near = fit_one(counts, guess_rate=0.5, priors={"threshold": norm(0.2, 0.001)})
    assert near.threshold == pytest.approx(0.2, abs=2e-3)
    assert near.posterior_mean["threshold"] == pytest.approx(0.2, abs=2e-3)


# Points of the curve, bootstrap


def test_points_of_the_curve_are_those_of_its_equation():
    fit = fit_one(simulated(gauss, 300))
    x = fit.threshold_at(0.7)
    assert fit.curve(x) == pytest.approx(0.7, abs=1e-12)
    slope = (fit.curve(x + 1e-6) - fit.curve(x - 1e-6)) / 2e-6
    assert fit.slope_at(0.7) == pytest.approx(slope, rel=1e-6)
    strengths = simulated(
        lambda x: 0.5 + 0.48 * ndtr((x - 0.4) / 0.2), 300, x=STRENGTH, event="n_correct"
    )
    log = fit_one(strengths, guess_rate=0.5)
    x = log.threshold_at(0.8)
    slope = (log.curve(x + 1e-6) - log.curve(x - 1e-6)) / 2e-6
    assert log.slope_at(0.8) == pytest.approx(slope, rel=1e-6)
    with pytest.raises(ValueError, match=r"`proportion` must be a number in \[0, 1\], got 75"):
        fit.threshold_at(75)


@pytest.mark.parametrize("method", ["posterior", "bootstrap"])
def test_the_interval_of_a_point_is_that_of_its_draws(method):
    fit = fit_one(simulated(gauss, 100), guess_rate=0.0, lapse_rate=0.0)
    half = fit.interval_at(0.5, 0.9, method=method)["threshold"]
    np.testing.assert_allclose(half, fit.interval(0.9, method=method)["bias"], rtol=1e-9)
    draws = fit.draws(method=method)
    sd = draws["threshold"] / ndtri(0.75)
    expected = np.quantile(draws["bias"] + sd * ndtri(0.8), [0.05, 0.95])
    np.testing.assert_allclose(
        fit.interval_at(0.8, 0.9, method=method)["threshold"], expected, rtol=0.01
    )


def test_an_interval_that_the_levels_do_not_bracket_has_no_end():
    fit = fit_one(
        simulated(lambda x: gauss(x, location=0.1, sd=0.3, low=0.0, lapse=0.1), 40, seed=1)
    )
    high = fit.interval_at(0.83)["threshold"]
    assert np.isnan(high["high"]) and -0.5 < high["low"] < 0.5
    assert fit.interval_at(0.97).isna().all().all()


def test_percentiles_are_moved_by_the_bias_of_the_bootstrap():
    # Draws of a figure whose transform g is normal around g(estimate) - b: the interval is exact.
    rng = np.random.default_rng(0)
    drawn = np.exp(rng.normal(1.0 - 0.4, 1.0, (200_000, 1)))
    low, high = bias_corrected(drawn, np.array([np.exp(1.0)]), 0.9)
    z = 1.6448536
    np.testing.assert_allclose(np.log([low[0], high[0]]), [1.4 - z, 1.4 + z], atol=0.02)


def test_bootstrap_and_posterior_agree_where_trials_are_many():
    fit = fit_one(simulated(gauss, 2000))
    one, two = fit.interval(0.9), fit.interval(0.9, method="bootstrap")
    for name in ("bias", "threshold", "slope"):
        width = np.diff(one[name])[0]
        np.testing.assert_allclose(two[name], one[name], atol=0.15 * width)
    low, high = fit.band(X, 0.9, method="bootstrap")
    assert (low <= fit.curve(X)).all() and (fit.curve(X) <= high).all()
    again = fit_one(simulated(gauss, 2000)).interval(0.9, method="bootstrap")
    pd.testing.assert_frame_equal(two, again)
    with pytest.raises(ValueError, match='`method` must be one of "posterior", "bootstrap"'):
        fit.interval(method="jackknife")


# Goodness of fit


def test_the_deviance_is_twice_the_log_likelihood_ratio():
    counts = simulated(gauss, 40)
    fit = fit_one(counts)
    n, k = counts["n_trials"].to_numpy(), counts["n_positive"].to_numpy()
    p, own = fit.curve(X), np.clip(k / n, 1e-12, 1 - 1e-12)

    def log(q):
        return (k * np.log(q) + (n - k) * np.log1p(-q)).sum()

    assert fit.deviance == pytest.approx(2 * (log(own) - log(p)), abs=1e-6)
    residual = fit.table["residual"]
    assert np.sum(residual**2) == pytest.approx(fit.deviance)
    assert ((residual > 0) == (k / n > p)).all()


def test_the_p_of_a_good_fit_is_uniform_and_that_of_a_bad_one_small():
    p = [fit_one(simulated(gauss, 40, seed=s)).goodness_of_fit(100).p for s in range(40)]
    # A sum of -2 log p of 40 uniform ones is chi-squared with 80 degrees of freedom.
    fisher = -2 * np.log(p).sum()
    assert chi2.ppf(0.001, 80) < fisher < chi2.ppf(0.999, 80)
    wavy = np.round(
        100 * np.clip(gauss(X) + 0.12 * np.array([0, 1, -1, 1, -1, 1, -1, 1, -1, 1, 0]), 0, 1)
    )
    bad = fit_one(table(X, 100, wavy)).goodness_of_fit(500)
    assert bad.p == pytest.approx(1 / 501) and len(bad.simulated) == 500
    assert "p=0.002" in repr(bad)
    ax: Any = bad.plot()
    assert ax.get_xlabel() == "deviance" and ax.get_ylabel() == "experiments"
    plt.close("all")
    with pytest.raises(ValueError, match="`n` must be a whole number of 100 or more, got 5"):
        fit_one(simulated(gauss, 40)).goodness_of_fit(5)


# Two conditions


def test_two_samples_of_one_curve_do_not_differ():
    p = [
        fit_one(simulated(gauss, 60, seed=s))
        .compare(fit_one(simulated(gauss, 60, seed=s + 99)), n=100)
        .p
        for s in range(20)
    ]
    fisher = -2 * np.log(p).sum()
    assert chi2.ppf(0.001, 40) < fisher < chi2.ppf(0.999, 40)


def test_a_shift_of_the_bias_is_found_and_measured():
    one = fit_one(simulated(gauss, 200, seed=1))
    two = fit_one(simulated(lambda x: gauss(x, location=0.13), 200, seed=2))
    found = one.compare(two, 0.9)
    assert found.p < 0.01 and found.df == 4
    row = found.table.loc["bias"]
    assert row["low"] < 0.08 < row["high"] and row["p_greater"] > 0.99
    assert row["difference"] == pytest.approx(two.bias - one.bias)
    back = two.compare(one, 0.9).table.loc["bias"]
    assert [back["low"], back["high"]] == pytest.approx([-row["high"], -row["low"]], abs=3e-3)
    assert "deviance" in repr(found) and "bias" in found._repr_html_()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"sigmoid": "logistic"},
            "`other` must be a fit of the same sigmoid, 'cumulative_gaussian'",
        ),
        ({"form": "yes_no"}, "`other` must be a fit of the same form, 'signed', got 'yes_no'"),
    ],
)
def test_unlike_curves_are_not_compared(change, message):
    one, two = fit_one(simulated(gauss, 60)), fit_one(simulated(gauss, 60), **change)
    with pytest.raises(ValueError, match=message):
        one.compare(two)
    with pytest.raises(
        ValueError, match=r"`other` must be a fit with the same settings, Settings\("
    ):
        one.compare(fit_one(simulated(gauss, 60), overdispersion=True))
    other = simulated(gauss, 60).rename(columns={"x": "y"})
    with pytest.raises(ValueError, match="`other` must be a fit over the same axis, 'x', got 'y'"):
        one.compare(psychometric(other, axis="y"))


# Many observers


def test_a_table_of_fits_with_intervals():
    data = pd.concat([simulated(gauss, 60, seed=s).assign(subject=s, day="a") for s in range(3)])
    fits = psychometric(data, axis="x", by=["subject", "day"])
    long = fits.intervals(0.9)
    assert list(long) == ["subject", "day", "figure", "estimate", "low", "high", "status"]
    assert len(long) == 3 * 6
    row = long[(long.subject == 1) & (long.figure == "bias")].iloc[0]
    assert row["estimate"] == fits[1, "a"].bias
    assert [row["low"], row["high"]] == fits[1, "a"].interval(0.9)["bias"].tolist()


def test_the_mean_over_observers_is_students():
    parts = [
        simulated(lambda x, s=s: gauss(x, location=0.02 * s), 200, seed=s).assign(
            network=s, rule=rule
        )
        for s in range(5)
        for rule in ("a", "b")
    ]
    flat = table(X, 100, 50).assign(network=9, rule="a")
    fits = psychometric(pd.concat([*parts, flat]), axis="x", by=["network", "rule"])
    found = fits.across("network").loc[("a", "bias")]
    biases = np.array([fits[s, "a"].bias for s in range(5)])
    assert found["mean"] == pytest.approx(biases.mean()) and found["n"] == 5
    assert found["n_undetermined"] == 1  # the one that always guesses is counted, not averaged
    half = 2.7764451051977987 * biases.std(ddof=1) / np.sqrt(5)
    assert [found["low"], found["high"]] == pytest.approx(
        [biases.mean() - half, biases.mean() + half]
    )
    with pytest.raises(ValueError, match="`name` must be one of"):
        fits.across("subject")


# What goes wrong


def test_priors_that_allow_nothing_are_refused():
    counts = simulated(gauss, 60)
    with pytest.raises(
        ValueError, match="`priors` must allow values of 'bias' that the levels can"
    ):
        fit_one(counts, priors={"bias": uniform(5, 1)})
    with pytest.raises(ValueError, match=r"`priors` must allow values of 'width'.* Check its unit"):
        fit_one(counts, priors={"width": uniform(-2, 1)})
    with pytest.raises(
        TypeError, match="must give a continuous distribution for 'bias', got a discr"
    ):
        fit_one(counts, priors={"bias": poisson(3)})


def test_a_curve_that_is_undetermined_has_no_goodness_of_fit():
    found = fit_one(table(X, 100, 50)).goodness_of_fit()
    assert np.isnan([found.p, found.trend, found.p_trend]).all()


def test_what_is_asked_of_a_fit_is_checked():
    fit = fit_one(simulated(gauss, 60))
    with pytest.raises(TypeError, match=r"`other` must be a PsychometricFit, got 'b'. Give fits"):
        fit.compare("b")
    with pytest.raises(TypeError, match=r"`x` must be numbers, got \[0, 'a'\]. Give stimuli"):
        fit.band([0, "a"])
    with pytest.raises(ValueError, match="`seed` must be a whole number of 0 or more, got -1"):
        fit.interval(seed=-1)
    same = fit.compare(fit, n=100).table
    assert same["p_greater"].between(0.45, 0.55).all()
    low, high = fit.interval()["bias"]
    # The difference of two figures that are as uncertain has sqrt(2) times the width.
    assert same.loc["bias", "high"] == pytest.approx((high - low) / 2 * 2**0.5, rel=0.1)


def test_many_groups_are_drawn_as_curves_alone():
    data = pd.concat([simulated(gauss, 60, seed=s).assign(day=s) for s in range(25)])
    ax: Any = psychometric(data, axis="x", by="day").plot()
    assert ax.get_legend() is None and not ax.collections
    assert sum(len(line.get_xdata()) == 200 for line in ax.lines) == 25
    plt.close("all")


def test_ticks_of_many_levels_leave_room_for_their_labels():
    x = np.arange(1, 30.0)
    counts = simulated(0.5 + 0.45 * ndtr((x - 5) / 3), 90, x=x, event="n_correct")
    ax: Any = fit_one(counts, guess_rate=0.5).plot()
    ticks = ax.get_xticks()
    assert len(ticks) <= 10 and np.diff(np.log(ticks)).min() > np.log(29) / 9 - 1e-9
    plt.close("all")
