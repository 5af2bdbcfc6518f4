"""Ready-set-go: the flashes, the ramp, and how times are read from it."""

import numpy as np
import pytest

import neurotask as nt


def test_defaults_are_those_of_the_source():
    task = nt.load("rsg")
    table = task.trials(2000, seed=1).conditions
    assert table["interval"].min() == 800 and table["interval"].max() == 1500
    assert (table["right_interval"] == table["interval"]).all()


def test_flashes_and_ramp():
    trials = nt.load("ready_set_go", noise=0.0).trials(1, interval=1000.0)
    ready, set_ = trials.inputs[0].T
    assert np.flatnonzero(ready).tolist() == [5, 6, 7, 8]
    assert np.flatnonzero(set_).tolist() == [55, 56, 57, 58]
    ramp, mask = trials.targets[0, :, 0], trials.mask[0, :, 0]
    assert ramp[:56] == pytest.approx(0.2) and ramp[80] == pytest.approx(0.6)
    assert ramp[105] == pytest.approx(1.0) and ramp[104] < 1 < ramp[106]
    assert mask.tolist() == [1] * 55 + [5] * 61 + [0] * 39


def test_times_are_read_with_their_sign():
    task = nt.load("ready_set_go")
    trials = task.trials(5, interval=1000.0)
    outputs = np.full_like(trials.targets, 0.2)
    for trial, after in enumerate((780, 820, 1180, 1220)):
        outputs[trial, 55 + after // 20 :] = 1.0
    table = task.behavior(trials, outputs)
    assert table["error"].tolist()[:4] == [-220, -180, 180, 220]
    assert table["outcome"].tolist() == ["error", "correct", "correct", "error", "no_response"]


def test_gain():
    task = nt.load("ready_set_go", gains=(1.0, 1.5), noise=0.0)
    trials = task.grid(gain=[1.0, 1.5], interval=[800.0, 1200.0])
    assert trials.conditions["right_interval"].tolist() == [800, 1200, 1200, 1800]
    assert trials.inputs[:, 0, 2].tolist() == [1, 1, 1.5, 1.5]
    table = task.behavior(trials, task.observer(trials))
    assert table["rt"].tolist() == [800, 1200, 1200, 1800]


def test_an_error_of_the_same_share_weighs_the_same():
    trials = nt.load("ready_set_go").trials(2, interval=[800.0, 1500.0])
    due = trials.mask.copy()[..., 0]
    due[:, : trials.phases.steps("production")[0].min()] = 0
    wrong = (trials.targets[..., 0] - 0.2) * 0.1  # ten per cent too slow
    start = trials.phases.steps("production")[0][:, None]
    loss = (due * wrong**2 * (np.arange(due.shape[1]) >= start)).sum(1)
    assert loss[0] == pytest.approx(loss[1], rel=0.03)


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(flash=0.0), "`flash` must be a number above 0"),
        (dict(flash=50.0), "`duration` must be a whole multiple of dt = 20 ms, got 50 ms"),
        (dict(gains=(0.0, 1.0)), "`gains` must be a number above 0"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        nt.load("ready_set_go", **settings)


def test_refused_laws_and_gains():
    task = nt.load("ready_set_go")
    with pytest.raises(ValueError, match=r"`interval` must be a law of times, got 800.0. Give one"):
        task.replace(interval=800.0)
    with pytest.raises(ValueError, match=r"`gains` must be a tuple of gains, got 1\.0"):
        task.replace(gains=1.0)
    with pytest.raises(ValueError, match=r"`gain` must be a number in \[1, 1\], got 1.5"):
        task.trials(1, gain=1.5)  # there is no input to say so


@pytest.mark.parametrize("gains", [(), "ab", ("a", "b"), (1.0, "a"), (1.0, 1.0)])
def test_gains_are_refused_under_their_name(gains):
    with pytest.raises(ValueError, match=r"^`gains` must "):
        nt.load("ready_set_go", gains=gains)
