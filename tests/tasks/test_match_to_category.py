"""PsychRNN's MatchToCategory: its coding, without its defects."""

import numpy as np
import pytest

import neurotask as nt

TASK = nt.load("match_to_category")


def test_inputs_by_a_loop():
    task = TASK.replace(noise=0.0)
    trials = task.trials(2, direction=[100.0, 350.0])
    for trial, angle in enumerate(np.deg2rad([100.0, 350.0])):
        for channel in range(16):
            apart = abs(angle - channel * 2 * np.pi / 16)
            apart = min(apart, 2 * np.pi - apart)
            density = np.exp(-(apart**2) / 2) / np.sqrt(2 * np.pi)
            course = trials.inputs[trial, :, channel]
            assert course == pytest.approx([0.0] * 10 + [density] * 50 + [0.0] * 40)


def test_no_two_channels_are_the_same():
    inputs = TASK.replace(noise=0.0).trials(200, seed=0).inputs[:, 30]
    apart = np.abs(inputs[:, :, None] - inputs[:, None, :]).max(0)
    assert (apart[~np.eye(16, dtype=bool)] > 0.05).all()


@pytest.mark.parametrize("n_categories", [2, 3, 8])
def test_category_and_targets(n_categories):
    task = TASK.replace(n_categories=n_categories)
    trials = task.trials(300, seed=1)
    category = (np.deg2rad(trials.conditions["direction"]) / (2 * np.pi / n_categories)).astype(int)
    assert np.array_equal(trials.answers, category)
    assert (trials.targets[:, 60:] == np.eye(n_categories)[category][:, None]).all()
    assert trials.mask[0, :, 0].tolist() == [0] * 60 + [1] * 40


def test_on_a_boundary_no_answer_is_right():
    trials = TASK.trials(3, direction=[0.0, 180.0, 360.0])
    assert trials.answers.tolist() == [-1, -1, -1]


def test_noise_is_about_that_of_the_source():
    # There the standard deviation of a step is 0.1 / (2 dt), 0.005 at 10 ms.
    noise = TASK.replace(dt=10.0).trials(64, seed=2).inputs[:, :20]
    assert noise.std() == pytest.approx(0.005, rel=0.03)


def test_a_trial_without_a_response_window_is_refused():
    with pytest.raises(ValueError, match=r"`decision` must last a step or more, got 0 ms"):
        TASK.replace(decision=0.0)
    with pytest.raises(ValueError, match=r"`decision` must last .* got 0 ms in trial 1"):
        TASK.trials(2, decision=[800.0, 0.0])
    with pytest.raises(ValueError, match=r"`n_inputs` must be a whole number of 3 or more, got 2"):
        TASK.replace(n_inputs=2)
    with pytest.raises(ValueError, match=r"`n_categories` must be a whole number of 2 or more"):
        TASK.replace(n_categories=1)
