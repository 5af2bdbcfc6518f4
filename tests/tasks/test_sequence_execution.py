"""Sequence execution: the eight paths over the grid, what is lit, and what counts as made."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import neurotask as nt

CENTRES = [110, 135, 160]  # steps within the three movements, after the grace


@pytest.fixture
def task():
    return nt.load("sequence_execution")


def test_defaults_are_those_of_the_source(task):
    assert task.durations == dict(fixation=1000.0, cue=1000.0, movement=1500.0)


def test_eight_paths(task):
    trials = task.grid(repeats=1)
    gaze = trials.targets[:, [0, *CENTRES]]
    assert not gaze[:, 0].any()
    for name, (_, first, second, third) in zip(trials.columns["sequence"], gaze, strict=True):
        x, y, last = (
            {"left": -1, "right": 1, "down": -1, "up": 1}[turn] for turn in name.split("-")
        )
        assert first.tolist() == [x, 0]
        assert second.tolist() == [0, y]
        assert third.tolist() == [last, y]
    assert len(np.unique(gaze.reshape(8, -1), axis=0)) == 8


def test_input_without_noise(task):
    trials = task.replace(noise=0.0).trials(1, sequence="left-up-right")
    fixation, cues, dots = np.split(trials.inputs[0], [1, 9], axis=1)
    assert fixation[:, 0].tolist() == [1.0] * 100 + [0.0] * 75
    assert np.flatnonzero(cues.any(1)).tolist() == list(range(50, 100))
    assert (cues[50:100] == np.eye(8)[3]).all()
    # The dots, row by row from the top: 0 1 2 / 3 4 5 / 6 7 8.
    lit = [np.flatnonzero(dots[step]).tolist() for step in (0, 99, *CENTRES)]
    assert lit == [[4], [4], [3, 4, 5], [1, 3, 7], [0, 1, 2]]
    assert set(dots.ravel()) == {0.0, 1.0}


def test_mask_and_what_counts_as_made(task):
    trials = task.trials(1, sequence="right-up-left")
    assert trials.mask[0, :, 0].tolist() == [1] * 100 + ([0] * 5 + [1] * 20) * 3
    near, late, skipped = (trials.targets.copy() for _ in range(3))
    near += 0.25
    late[0, 102:152] = trials.targets[0, 100:150]  # two steps late, within the grace
    skipped[0, 150:] = trials.targets[0, 149]  # the last movement not made
    correct = [task.behavior(trials, made)["correct"][0] for made in (near, late, skipped)]
    assert correct == [1.0, 1.0, 0.0]


def test_observer_meets_its_closed_form(task):
    # The highest of eight channels, one of them with mean 1, all with variance noise^2 / 1 s.
    task = task.replace(noise=0.7)
    trials = task.grid(repeats=250, seed=1)
    measured = task.behavior(trials, task.observer(trials))["correct"].mean()
    expected, _ = quad(lambda x: norm.pdf(x - 1 / 0.7) * norm.cdf(x) ** 7, -8, 10)
    assert measured == pytest.approx(expected, abs=0.035)


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            dict(movement=1480.0),
            "multiple of 3 dt = 60 ms, got 1480 ms. The nearest valid one is 1500",
        ),
        (dict(movement=300.0), "`movement` must be a number above 300, got 300.0"),
        (dict(dt=0.0), "`dt` must be a number above 0, got 0.0"),
    ],
)
def test_refused(task, settings, message):
    with pytest.raises(ValueError, match=message):
        task.replace(**settings)


def test_movements_of_another_duration_are_three_thirds_of_it():
    task = nt.load("sequence_execution").replace(noise=0.0)
    trials = task.trials(8, seed=1, movement=[900.0] * 4 + [2400.0] * 4)
    for trial, third in ((0, 15), (4, 40)):
        changes = np.flatnonzero(np.diff(trials.targets[trial], axis=0).any(1))
        assert changes[:3].tolist() == [99, 99 + third, 99 + 2 * third]
    assert task.behavior(trials, task.observer(trials))["correct"].all()
    with pytest.raises(ValueError, match="`movement / 3` must be a whole multiple of dt = 20 ms"):
        task.trials(1, movement=400.0)
