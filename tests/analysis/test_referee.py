"""What a referee would check of an analysis, each with a test: signs and scores, evaluation,
psychometrics, the network as the unit, populations, fixed points.
"""

from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri

import neurotask as nt
from neurotask.analysis import accuracy, decode, fixed_points, pca, psychometric
from neurotask.session import session as make_session

matplotlib.use("Agg")

X = np.array([-0.5, -0.25, -0.12, -0.06, 0.0, 0.06, 0.12, 0.25, 0.5])


def choices(p, n, seed=0, x=X):
    """One row a trial of an observer that says right with probability p(x)."""
    x = np.repeat(x, n)
    right = np.random.default_rng(seed).random(x.size) < p(x)
    correct = np.where(x == 0, np.nan, right == (x > 0))
    table = pd.DataFrame({"coherence": x, "choice": np.where(right, "right", "left")})
    table = table.assign(correct=correct, outcome="answered")
    table.attrs |= {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    return table


def curve(x, bias=0.0, sd=0.12, lapse=0.02):
    return lapse + (1 - 2 * lapse) * ndtr((x - bias) / sd)


# Signs and scores


def test_coherence_is_signed_and_both_curves_can_be_drawn():
    table = choices(lambda x: curve(x, bias=0.1), 200)
    signed, strength = psychometric(table), psychometric(table, form="nafc")
    # More evidence is needed to say right: the bias is positive, to the side of the named channel.
    assert signed.bias == pytest.approx(0.1, abs=0.02)
    assert signed.counts.event == "right" and strength.counts.event == "correct"
    left, right = signed.plot(), strength.plot()
    assert left.get_ylabel() == "P(right)" and left.get_xlim()[0] < 0
    assert right.get_ylabel() == "P(correct)" and right.get_xlim()[0] > 0
    plt.close("all")


def test_there_is_no_right_answer_at_zero_and_silence_is_an_outcome_of_its_own():
    table = choices(curve, 100)
    silent = table.iloc[::3].assign(choice="none", correct=0.0, outcome="no_response")
    broken = table.iloc[::5].assign(correct=0.0, outcome="broken_fixation")
    attrs = table.attrs
    everything = pd.concat([table, silent, broken])
    everything.attrs = attrs
    strength = psychometric(everything, form="nafc")
    assert 0.0 not in strength.table["x"].to_numpy()
    assert strength.n_no_response == len(silent) + len(broken)
    assert psychometric(everything).parameters == psychometric(table).parameters
    found = accuracy(everything)
    assert found.n_unscored == 100 and found.no_response == pytest.approx(
        len(silent) / len(everything)
    )


def test_outputs_that_are_not_numbers_raise():
    task = nt.load("perceptual_discrimination")
    trials = task.trials(3, seed=0)
    outputs = np.full(trials.targets.shape, np.nan, np.float32)
    with pytest.raises(ValueError, match="got NaN in 3 trials"):
        task.behavior(trials, outputs)


def test_accuracy_stands_beside_always_left_and_always_fixate():
    task = nt.load("context_dependent_decision")
    trials = task.grid(repeats=2, seed=0)
    fixating = np.zeros(trials.targets.shape, np.float32)
    fixating[..., task.outputs.index("fixation")] = 1.0
    found = accuracy(task.behavior(trials, fixating))
    assert found.accuracy == found.always["none"] == 0.0 and found.no_response == 1.0
    assert found.always["left"] == found.always["right"] == 0.5 == found.chance


# Evaluation


def test_levels_that_were_not_trained_are_marked():
    table = choices(curve, 50)
    table.attrs["psychometric_levels"] = [-0.5, -0.25, 0.25, 0.5]
    fit = psychometric(table)
    assert fit.table["trained"].tolist() == [True, True, *[False] * 5, True, True]
    ax: Any = fit.plot()
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert sorted(x for line in hollow for x in line.get_xdata()) == [-0.12, -0.06, 0.0, 0.06, 0.12]
    plt.close("all")


def test_what_was_learned_on_some_trials_is_reported_on_others():
    # With more units than trials any labels are told apart in the trials that were learned from.
    rng = np.random.default_rng(0)
    rates = rng.normal(size=(60, 3, 200))
    coords = {"time": [0.0, 10.0, 20.0], "label": ("trial", rng.permutation(["a", "b"] * 30))}
    data = xr.Dataset({"rates": (("trial", "time", "unit"), rates)}, coords, {"dt": 10.0})
    found = decode(data, "label", seed=0)
    assert abs(float(found.scores.mean()) - 0.5) < 0.15 and found.chance == 0.5


def test_an_ideal_observer_sees_the_inputs_alone():
    task = nt.load("perceptual_discrimination")
    trials = task.grid(repeats=60, seed=0)
    blind = type(trials)(
        **{
            name: getattr(trials, name)
            for name in ("task", "inputs", "mask", "phases", "per_block")
        },
        targets=np.zeros_like(trials.targets),
        columns={name: np.zeros_like(values) for name, values in trials.columns.items()},
        answers=np.zeros_like(trials.answers),
    )
    np.testing.assert_array_equal(task.observer(blind), task.observer(trials))
    none = np.zeros((len(trials), trials.inputs.shape[1], 1), np.float32)
    told = make_session(
        trials, task.observer(trials), {"rates": none}, np.array([""]), np.array([""])
    )
    fit = psychometric(told)
    # Phi(c sqrt(T) / (sqrt(2) noise)): the threshold is where that is 3/4.
    expected = ndtri(0.75) * np.sqrt(2) * task.noise / np.sqrt(task.stimulus / 1000)
    low, high = fit.interval(0.99)["threshold"]
    assert low < expected < high


# Psychometrics


def test_a_lapse_forced_to_zero_widens_the_curve_by_half():
    free = psychometric(choices(lambda x: curve(x, lapse=0.04), 2000))
    forced = psychometric(
        choices(lambda x: curve(x, lapse=0.04), 2000), guess_rate=0.0, lapse_rate=0.0
    )
    assert free.threshold == pytest.approx(0.12 * ndtri(0.75), rel=0.05)
    assert forced.threshold > 1.25 * free.threshold


def test_guessing_among_n_is_one_in_n():
    table = choices(curve, 100)
    table.attrs["choices"] = ["left", "up", "right", "down"]
    assert psychometric(table).guess_rate == 0.25


def test_a_threshold_that_is_not_bracketed_is_no_number():
    weak = psychometric(choices(lambda x: curve(x, sd=3.0), 200))
    noiseless = psychometric(choices(lambda x: x > 0.0, 200))
    for fit in (weak, noiseless):
        assert fit.status.startswith("undetermined: ") and np.isnan(fit.threshold)
        assert fit.interval()["threshold"].isna().all()


# The network is the unit


def test_trials_pooled_over_networks_say_little_of_networks():
    def study(seed):
        rng = np.random.default_rng(seed)
        p = curve(X, bias=rng.normal(0.0, 0.08, (10, 1)))
        counts = pd.DataFrame(
            {
                "coherence": np.tile(X, 10),
                "network": np.repeat(np.arange(10), len(X)),
                "n_trials": 200,
                "n_positive": rng.binomial(200, p).ravel(),
            }
        )
        pooled = psychometric(counts, axis="coherence").interval()["bias"]
        each = psychometric(counts, axis="coherence", by="network").across("network").loc["bias"]
        return [ends["low"] <= 0.0 <= ends["high"] for ends in (pooled, each)]

    pooled, each = np.mean([study(seed) for seed in range(40)], axis=0)
    # Of 100 studies, 12 % and 95 %.
    assert pooled < 0.35 and each > 0.8


def test_a_session_of_several_networks_is_not_pooled_by_itself():
    one = choices(curve, 20)
    coords = {name: (("network", "trial"), np.stack([one[name]] * 2)) for name in ("choice",)}
    data = xr.Dataset(coords={**coords, "coherence": ("trial", one["coherence"])}, attrs=one.attrs)
    with pytest.raises(ValueError, match=r"`by` must contain 'network' .* The network is the unit"):
        psychometric(data)


# Populations


def population(pad):
    """Activity of one latent, in trials of two lengths; what is behind an end is `pad`."""
    rng = np.random.default_rng(0)
    coherence = np.repeat([-0.5, 0.5], 20)
    ramp = coherence[:, None] * np.arange(40) / 40
    rates = 2.0 + ramp[..., None] * rng.normal(size=6) + 1e-3 * rng.normal(size=(40, 40, 6))
    rates[::2, 25:] = pad
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", coherence),
            "time": np.arange(40) * 10.0,
            "phase": ["stimulus"],
            "phase_start": (("trial", "phase"), np.zeros((40, 1))),
        },
        {"dt": 10.0, "psychometric_axis": "coherence"},
    )


def test_padding_is_no_data():
    honest, zeros = (pca(population(pad), align="stimulus") for pad in (np.nan, 0.0))
    assert honest.explained_variance_ratio_[1] < 1e-3
    assert zeros.explained_variance_ratio_[1] > 0.01  # what zeros would have made


def test_a_pca_says_what_it_is_of():
    said = repr(pca(population(np.nan), align="stimulus"))
    for words in ("PCA of rates", "centre: mean", "weighted equally", "start of 'stimulus'"):
        assert words in said


def test_fixed_points_are_those_of_the_noise_free_step_under_constant_inputs():
    dt, tau = 10.0, 100.0
    rng = np.random.default_rng(0)

    def step(x, u):
        return x + dt / tau * (np.tanh(2 * x) - x + u)

    inputs = 0.3 + 0.05 * rng.normal(size=(30, 20, 1))  # noise around a constant
    states = rng.normal(size=(30, 20, 1))
    data = xr.Dataset(
        {
            "inputs": (("trial", "time", "input"), inputs),
            "states": (("trial", "time", "unit"), states),
        },
        {
            "time": np.arange(20) * dt,
            "input": ["u"],
            "phase": ["stimulus"],
            "phase_start": (("trial", "phase"), np.zeros((30, 1))),
            "phase_stop": (("trial", "phase"), np.full((30, 1), 200.0)),
        },
        {"dt": dt},
    )
    points = fixed_points(step, data, input="stimulus")
    held = inputs.mean()
    np.testing.assert_allclose(points.inputs, held, rtol=1e-6)
    x = np.ravel(points.states)
    np.testing.assert_allclose(np.tanh(2 * x) - x + held, 0.0, atol=1e-6)
    # Speed on dx/dt = (F(x) - x) / dt, time constants -dt / ln |lambda|.
    eigenvalue = 1 + dt / tau * (2 / np.cosh(2 * x) ** 2 - 1)
    expected = -dt / np.log(np.abs(eigenvalue))
    np.testing.assert_allclose(np.ravel(points.time_constants), expected, rtol=1e-5)
    assert points.speed.max() < 1e-6
    assert "starts unconverged" in repr(points)
