"""Random-dot discrimination: its input, and how well it can be done at all."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt


def ideal_outputs(trials):
    """Return the outputs of an observer that adds up all evidence and knows the threshold."""
    start, stop = trials.phases.steps("stimulus")
    shown = trials.inputs[:, start[0] : stop[0]]
    right = shown[..., 2].sum(1) > shown[..., 1].sum(1)
    return np.where(right[:, None, None] == np.array([False, True]), 1.0, 0.2) + np.zeros(
        trials.targets.shape
    )


def test_defaults_are_those_of_the_source():
    task = nt.load("rdm")
    assert task.durations == dict(fixation=300.0, stimulus=800.0, delay=0.0, decision=300.0)
    assert task.dt == 20.0
    assert task.coherences == (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)


def test_input_without_noise(task):
    trials = task.replace(noise=0.0).trials(2, coherence=[0.512, -0.128])
    fixation, left, right = np.moveaxis(trials.inputs, -1, 0)
    on = slice(15, 55)
    assert (fixation[:, :55] == 1).all() and not fixation[:, 55:].any()
    assert right[:, on] == pytest.approx(np.array([[0.756], [0.436]]) * np.ones(40))
    assert left[:, on] == pytest.approx(np.array([[0.244], [0.564]]) * np.ones(40))
    assert not right[:, :15].any() and not right[:, 55:].any()


def test_target_and_mask(task):
    trials = task.trials(2, coherence=[0.512, -0.128])
    assert trials.targets[0, 60].tolist() == pytest.approx([0.2, 1.0])
    assert trials.targets[1, 60].tolist() == pytest.approx([1.0, 0.2])
    assert trials.mask[0, :, 0].tolist() == [1] * 15 + [0] * 40 + [0] * 5 + [1] * 10


@pytest.mark.parametrize("dt", [5.0, 20.0])
def test_ideal_observer_meets_its_closed_form(task, dt):
    # The evidence is the difference of two channels: mean c, variance 2 noise^2 / T.
    task = task.replace(dt=dt)
    trials = task.grid(coherence=[0.032, 0.064, 0.128], repeats=4000, seed=3)
    table = task.behavior(trials, ideal_outputs(trials))
    measured = table.groupby("coherence")["correct"].mean()
    spread = np.sqrt(2) * task.noise / np.sqrt(task.stimulus / 1000)
    expected = norm.cdf(measured.index.to_numpy() / spread)
    assert measured.to_numpy() == pytest.approx(expected, abs=0.02)


def test_hard_enough_to_have_a_slope(task):
    # What the docstring says: 82 % at 4.7 % coherence, so that the levels straddle the threshold.
    spread = np.sqrt(2) * task.noise / np.sqrt(task.stimulus / 1000)
    assert norm.ppf(0.82) * spread == pytest.approx(0.047, abs=0.0005)
    trials = task.trials(4000, seed=1)
    assert 0.85 < np.nanmean(task.behavior(trials, ideal_outputs(trials))["correct"]) < 0.97


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(n_choices=1), "`n_choices` must be a whole number of 2 or more, got 1"),
        (dict(n_inputs=0), "`n_inputs` must be a whole number of 2 or more, got 0"),
        (dict(n_choices=4, n_inputs=2), "`n_inputs` must be a whole number of 3 or more, got 2"),
    ],
)
def test_numbers_of_channels_that_cannot_be(task, settings, message):
    with pytest.raises(ValueError, match=message):
        task.replace(**settings)
