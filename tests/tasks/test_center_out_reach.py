"""Center-out reach: a smooth path to the right place, and what counts as near it."""

import numpy as np
import pytest

import neurotask as nt

TASK = nt.load("center_out_reach")


def test_inputs_without_noise():
    trials = TASK.replace(noise=0.0).trials(2, direction=[90.0, 225.0])
    fixation, x, y = np.moveaxis(trials.inputs, -1, 0)
    assert fixation[0].tolist() == [1] * 65 + [0] * 30
    half = np.sqrt(0.5)
    assert x[:, 15:40] == pytest.approx(np.array([[0.0], [-half]]) * np.ones(25), abs=1e-6)
    assert y[:, 15:40] == pytest.approx(np.array([[1.0], [-half]]) * np.ones(25), abs=1e-6)
    assert not np.r_[x, y][:, [*range(15), *range(40, 95)]].any()


def test_path_is_the_one_of_minimum_jerk():
    # Among paths from rest to rest it has the sixth derivative 0; speed peaks halfway at 1.875.
    task = TASK.replace(dt=10.0, move=800.0)
    path = task.trials(1, direction=0.0).targets[0, 140:190, 0].astype(float)
    s = np.arange(50) / 50
    assert np.polyfit(s, path, 5) == pytest.approx([6, -15, 10, 0, 0, 0], abs=1e-3)
    assert np.diff(path).max() * 50 == pytest.approx(1.875, abs=0.005)
    after = task.trials(1, direction=0.0).targets[0, 190:]
    assert after == pytest.approx(np.array([[1.0, 0.0]]) * np.ones((20, 1)))


def test_hand_waits_and_the_reaction_time_is_free():
    trials = TASK.trials(1)
    assert not trials.targets[:, :70].any()
    assert trials.mask[0, :, 0].tolist() == [1] * 65 + [0] * 5 + [1] * 25


def test_tolerance_tells_neighbours_and_rest_apart():
    trials = TASK.trials(8, direction=TASK.directions)
    rest = TASK.behavior(trials, np.zeros_like(trials.targets))
    neighbour = TASK.behavior(trials, np.roll(trials.targets, 1, axis=0))
    assert rest["error"].to_numpy() == pytest.approx(0.43, abs=0.005)
    assert neighbour["error"].to_numpy() == pytest.approx(0.33, abs=0.005)
    assert not rest["correct"].any() and not neighbour["correct"].any()


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`movement` must be a number above 0, got 0.0"):
        TASK.replace(movement=0.0)
    with pytest.raises(ValueError, match=r"`reaction` must be a number of 0 or more, got -20.0"):
        TASK.replace(reaction=-20.0)
    with pytest.raises(ValueError, match="`n_directions` must be a whole number of 2 or more"):
        TASK.replace(n_directions=1)
