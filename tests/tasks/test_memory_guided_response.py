"""Memory-guided response: bumps, the anti-response, and how well a direction can be known."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.distributions import Levels, Uniform


@pytest.fixture
def task():
    return nt.load("memory_guided_response")


def test_defaults(task):
    delay = Uniform(1000.0, 3000.0)
    assert task.durations == dict(fixation=500.0, target=500.0, delay=delay, decision=500.0)
    assert (len(task.inputs), len(task.outputs)) == (33, 33)


def test_input_without_noise(task):
    trials = task.replace(noise=0.0).trials(1, direction=90.0, delay=1000.0)
    fixation, ring = trials.inputs[0, :, 0], trials.inputs[0, :, 1:]
    assert fixation.tolist() == [1.0] * 100 + [0.0] * 25
    # Channels 11.25 degrees apart, the eighth at 90; a tuning curve of 22.5 degrees.
    for channel, away in ((8, 0.0), (9, 11.25), (6, 22.5), (24, 180.0)):
        expected = np.exp(-(away**2) / (2 * 22.5**2))
        assert ring[25:50, channel] == pytest.approx(expected, abs=1e-6)
    assert not ring[:25].any() and not ring[50:].any()


@pytest.mark.parametrize("rotation, peak", [(0.0, 8), (180.0, 24), (90.0, 16)])
def test_target_is_turned_by_the_rotation(task, rotation, peak):
    trials = task.replace(rotation=rotation).trials(1, direction=90.0, delay=1000.0)
    assert trials.targets[0, 50].tolist() == pytest.approx([1.0] + [0.2] * 32)
    after = trials.targets[0, 110]
    assert after[0] == pytest.approx(0.2)
    assert after[1:].argmax() == peak and after[1:].max() == pytest.approx(1.0)
    assert trials.mask[0, :, 5].tolist() == [1] * 100 + [0] * 5 + [1] * 20


def test_answering_a_pro_response_in_an_anti_task(task):
    anti = task.replace(rotation=180.0)
    wanted = dict(direction=[10.0, 350.0], delay=1000.0)
    table = anti.behavior(anti.trials(2, **wanted), task.trials(2, **wanted).targets)
    assert table["answer_direction"].tolist() == [190.0, 170.0]
    assert table["error"].to_numpy() == pytest.approx([180.0, 180.0], abs=0.01)
    assert table["outcome"].tolist() == ["error", "error"]


def test_observer_meets_its_closed_form(task):
    # The population vector is sum(b cos) long and has noise of variance n/2 noise^2/T across it.
    task = task.replace(delay=0.0)
    trials = task.trials(1500, seed=1)
    error = task.behavior(trials, task.observer(trials))["error"]
    away = np.arange(32) * 11.25
    away = np.minimum(away, 360 - away)
    length = (np.exp(-0.5 * (away / 22.5) ** 2) * np.cos(np.deg2rad(away))).sum()
    expected = np.rad2deg(task.noise * np.sqrt(16 / 0.5) / length)
    assert np.sqrt((error**2).mean()) == pytest.approx(expected, rel=0.06)


def test_axis_is_what_varies(task):
    assert task.psychometric_axis == "delay"
    assert task.replace(delay=Levels((500.0, 1000.0))).psychometric_axis == "delay"
    assert task.replace(delay=1000.0).psychometric_axis == "direction"


def test_rings_with_gaps_are_refused(task):
    with pytest.raises(ValueError, match="`n_directions` must be a whole number of 8 or more"):
        task.replace(n_directions=4)


def test_the_rotation_is_a_number(task):
    with pytest.raises(ValueError, match="`rotation` must be a finite number, got nan"):
        task.replace(rotation=float("nan"))
