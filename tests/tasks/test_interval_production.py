"""Interval production: the cue that tells the time, and the flash that must be shown at any dt."""

import numpy as np
import pytest

import neurotask as nt


def test_defaults_are_those_of_the_source():
    table = nt.load("MotorTiming").trials(2000, seed=1).conditions
    assert table["interval"].value_counts(normalize=True).min() == pytest.approx(0.5, abs=0.04)
    assert set(table["interval"]) == {800.0, 1500.0}
    assert table["cue"].min() == 1000 and table["cue"].max() == 3000


def test_input_without_noise():
    task = nt.load("interval_production", noise=0.0, intervals=(400.0, 800.0, 1500.0))
    trials = task.trials(1, interval=800.0, cue=1000.0)
    on = [np.flatnonzero(channel).tolist() for channel in trials.inputs[0].T]
    assert on == [[], list(range(25, 75)), [], [75, 76, 77, 78]]


@pytest.mark.parametrize("dt", [10.0, 20.0, 40.0, 80.0])
def test_the_flash_is_seen_at_any_time_step(dt):
    task = nt.load("interval_production", dt=dt, noise=0.0, fixation=480.0, cue=1040.0)
    task = task.replace(intervals=(800.0, 1600.0))
    assert (task.trials(4).inputs[..., -1].sum(1) * dt == 80).all()


def test_a_flash_without_a_step_is_refused():
    with pytest.raises(ValueError, match="nearest valid one is 80 ms"):
        nt.load("interval_production", dt=80.0, flash=50.0, fixation=480.0, cue=960.0)
    with pytest.raises(ValueError, match="`intervals` must be a number above 0"):
        nt.load("interval_production", intervals=(0.0, 800.0))


def test_ramp_and_mask():
    trials = nt.load("interval_production").trials(2, interval=[800.0, 1500.0], cue=1000.0)
    assert trials.targets[0, 75 + 40, 0] == pytest.approx(1.0)
    assert trials.targets[1, 75 + 75, 0] == pytest.approx(1.0)
    assert trials.mask[0, :, 0].tolist() == [1] * 75 + [6.25] * 49 + [0] * (225 - 124)
    assert trials.lengths.tolist() == [75 + 80, 75 + 150]


def test_intervals_without_a_cue_are_refused():
    task = nt.load("interval_production")
    with pytest.raises(ValueError, match=r"`interval` must be one of \(800.0, 1500.0\), got 1000"):
        task.trials(1, interval=1000.0)
    with pytest.raises(ValueError, match=r"`intervals` must be a tuple of times, got 800\.0"):
        task.replace(intervals=800.0)


@pytest.mark.parametrize("intervals", [(), "ab", ("a", "b"), (800.0, "a"), (800.0, 800.0)])
def test_intervals_are_refused_under_their_name(intervals):
    with pytest.raises(ValueError, match=r"^`intervals` must "):
        nt.load("interval_production", intervals=intervals)
