"""Motion of variable duration: its law, and evidence that adds up."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("variable_duration_discrimination")


def test_durations_follow_the_law_of_the_source(task):
    assert task.durations == dict(
        fixation=300.0,
        stimulus=nt.TruncatedExponential(mean=330.0, low=80.0, high=1500.0),
        delay=0.0,
        decision=300.0,
    )
    shown = task.trials(4000, seed=1).conditions["stimulus"]
    assert (shown.min(), shown.max() <= 1500.0) == (80.0, True)
    # An exponential of mean m from a to b: its mean is a + m - (b - a) / (exp((b - a) / m) - 1).
    assert shown.mean() == pytest.approx(80 + 330 - 1420 / np.expm1(1420 / 330), rel=0.03)


def test_the_go_cue_comes_when_the_motion_ends(task):
    trials = task.replace(noise=0.0).trials(2, coherence=0.512, stimulus=[100.0, 400.0])
    assert np.flatnonzero(np.diff(trials.inputs[0, :, 0]))[0] == 19
    assert trials.inputs[0, 19].tolist() == pytest.approx([1, 0.244, 0.756])
    assert not trials.inputs[0, 20:].any()
    assert trials.inputs[1, 34].tolist() == pytest.approx([1, 0.244, 0.756])


def test_the_observer_improves_with_the_root_of_the_duration(task):
    trials = task.grid(coherence=0.064, stimulus=[80.0, 320.0, 1280.0], repeats=4000, seed=2)
    table = task.behavior(trials, task.observer(trials)).groupby("stimulus")["correct"].mean()
    seconds = table.index.to_numpy() / 1000
    expected = norm.cdf(0.064 * np.sqrt(seconds) / (np.sqrt(2) * task.noise))
    assert table.to_numpy() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("settings", [{}, dict(n_choices=4, n_inputs=16, delay=400.0)])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))
