"""Our psychometric curves beside those of psignifit, where it is installed (`make peers`)."""

import numpy as np
import pandas as pd
import pytest

from neurotask.analysis import SIGMOIDS, psychometric

psignifit = pytest.importorskip("psignifit", reason="psignifit is not installed: make peers")

X = np.linspace(-0.5, 0.5, 11)
NAMES = {
    "norm": "cumulative_gaussian",
    "logistic": "logistic",
    "gumbel": "gumbel",
    "rgumbel": "reversed_gumbel",
    "tdist": "student_t",
}


def counts(p, n):
    return np.random.default_rng(0).binomial(n, p)


def theirs(x, k, n, sigmoid, experiment_type, **settings):
    data = np.stack([x, k, np.full(len(x), n)], 1)
    with np.errstate(all="ignore"):
        fit = psignifit.psignifit(
            data, sigmoid=sigmoid, experiment_type=experiment_type, **settings
        )
    return fit.parameter_estimate, fit


@pytest.mark.parametrize("name", NAMES)
def test_equal_asymptotes_are_as_psignifit_fits_them(name):
    sigmoid, n = SIGMOIDS[NAMES[name]], 2000
    k = counts(0.03 + 0.94 * sigmoid.value((X - 0.05) / 0.12), n)
    expected, _ = theirs(X, k, n, name, "equal asymptote")
    data = pd.DataFrame({"x": X, "n_trials": n, "n_positive": k})
    fit = psychometric(
        data, axis="x", sigmoid=NAMES[name], equal_asymptotes=True, overdispersion=True
    )
    assert fit.bias == pytest.approx(expected["threshold"], abs=3e-4)
    assert fit.width == pytest.approx(expected["width"], rel=5e-3)
    assert fit.lower == pytest.approx(expected["lambda"], abs=6e-4)


@pytest.mark.parametrize("name", NAMES)
def test_two_alternatives_are_as_psignifit_fits_them(name):
    sigmoid, n = SIGMOIDS[NAMES[name]], 2000
    x = X + 1.0
    k = counts(0.5 + 0.47 * sigmoid.value((x - 1.05) / 0.12), n)
    expected, _ = theirs(x, k, n, name, "2AFC")
    data = pd.DataFrame({"x": x, "n_trials": n, "n_correct": k})
    fit = psychometric(
        data, axis="x", form="nafc", guess_rate=0.5, log=False, sigmoid=NAMES[name],
        overdispersion=True,
    )  # fmt: skip
    assert fit.threshold == pytest.approx(expected["threshold"], abs=1e-3)
    assert fit.width == pytest.approx(expected["width"], rel=0.01)
    assert fit.lapse_rate == pytest.approx(expected["lambda"], abs=1e-3)


def test_weibull_functions_are_as_psignifit_fits_them():
    # psignifit takes the logarithm to the base 10 of the strength, and its Gumbel function.
    x, n = np.geomspace(0.05, 1.0, 9), 2000
    k = counts(0.5 + 0.47 * (1 - np.exp(-((x / 0.3) ** 1.5))), n)
    expected, fit = theirs(np.log10(x), k, n, "gumbel", "2AFC")
    data = pd.DataFrame({"x": x, "n_trials": n, "n_correct": k})
    ours = psychometric(data, axis="x", guess_rate=0.5, overdispersion=True)
    half = ours.threshold_at(0.5, of="sigmoid")
    assert np.log10(half) == pytest.approx(expected["threshold"], abs=2e-3)
    assert ours.width == pytest.approx(expected["width"], rel=0.01)
    found = np.log10(ours.interval_at(0.5, of="sigmoid")["threshold"])
    given = fit.confidence_intervals["threshold"]["0.95"]
    # Its ends are grid points and its prior over the width another, so they may be shifted a bit.
    assert np.diff(found)[0] == pytest.approx(np.diff(given)[0], rel=0.05)
    np.testing.assert_allclose(found, given, atol=0.15 * np.diff(given)[0])
