"""Reaction-time discrimination: its target, and an observer that meets the closed form."""

import numpy as np
import pytest

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("reaction_time_discrimination")


def test_defaults_are_those_of_the_source(task):
    assert task.durations == dict(fixation=300.0, stimulus=1500.0)
    assert task.coherences == (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    assert (task.grace, task.decision_rule) == (300.0, nt.Threshold(1.0, from_="stimulus"))


def test_input_target_and_mask(task):
    trials = task.replace(noise=0.0).trials(2, coherence=[0.512, -0.128])
    assert trials.inputs[0, 15:].tolist() == [pytest.approx([1, 0.244, 0.756])] * 75
    assert trials.inputs[1, 15:].tolist() == [pytest.approx([1, 0.564, 0.436])] * 75
    assert trials.targets[:, 30:].tolist() == [
        [pytest.approx(t)] * 60 for t in ([0.2, 1.2], [1.2, 0.2])
    ]
    assert trials.mask[0, :, 0].tolist() == [1] * 15 + [0] * 15 + [1] * 60


def test_four_choices(task):
    trials = task.replace(n_choices=4, noise=0.0).trials(1, coherence=0.2, direction=90.0)
    assert trials.inputs[0, 20].tolist() == pytest.approx([1, 0.5, 0.6, 0.5, 0.4])
    assert trials.targets[0, -1].tolist() == pytest.approx([0.2, 1.2, 0.2, 0.2])


def test_an_answer_in_the_grace_counts_and_one_before_the_motion_does_not(task):
    trials = task.trials(2, coherence=0.512)
    outputs = np.zeros_like(trials.targets)
    outputs[0, 20:, 1] = outputs[1, 10:, 1] = 1.0
    table = task.behavior(trials, outputs)
    assert table["rt"].tolist()[0] == 100.0
    assert table["outcome"].tolist() == ["correct", "broken_fixation"]


def test_the_observer_meets_the_closed_form_of_diffusion_to_a_bound(task):
    # Drift c, variance 2 noise^2 a second, bound A = noise; long enough for all to reach it.
    task = task.replace(dt=5.0, stimulus=4000.0)
    trials = task.grid(coherence=[0.016, 0.032, 0.064], repeats=1500, seed=3)
    table = task.behavior(trials, task.observer(trials)).groupby("coherence")
    c = np.array([0.016, 0.032, 0.064])
    right = 1 / (1 + np.exp(-c / task.noise))
    time = 1000 * task.noise / c * np.tanh(c / (2 * task.noise))
    assert table["correct"].mean().to_numpy() == pytest.approx(right, abs=0.035)
    # Steps find the bound late: by less than two of them, and what they overshoot by.
    assert table["rt"].mean().to_numpy() == pytest.approx(time + 25, abs=35)


def test_at_the_end_of_the_motion_the_observer_answers_anyway(task):
    task = task.replace(stimulus=200.0, grace=100.0)
    trials = task.trials(500, seed=1, coherence=0.032)
    table = task.behavior(trials, task.observer(trials))
    assert (table["choice"] != "none").all()
    assert (table["rt"] == 180.0).mean() > 0.5


def test_refused_settings(task):
    with pytest.raises(ValueError, match="`n_choices` must be a whole number of 2 or more"):
        task.replace(n_choices=1)


@pytest.mark.parametrize("settings", [{}, dict(n_choices=4), dict(n_choices=8, grace=200.0)])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))


def test_the_grace_is_a_time():
    with pytest.raises(ValueError, match=r"`grace` must be a number of 0 or more, got -1.0"):
        nt.load("reaction_time_discrimination").replace(grace=-1.0)
