"""Interval discrimination: durations are all that tells the stimuli apart."""

import numpy as np
import pytest

import neurotask as nt


def test_defaults_are_those_of_the_source():
    table = nt.load("interval_discrimination").trials(4000, seed=1).conditions
    for name, low, high in (("first", 300, 600), ("second", 300, 600), ("delay", 800, 1500)):
        assert table[name].min() == low and table[name].max() == high
    assert abs(np.corrcoef(table["first"], table["second"])[0, 1]) < 0.05


def test_input_without_noise():
    trials = nt.load("interval_discrimination", noise=0.0).trials(
        1, first=400.0, delay=800.0, second=300.0
    )
    on = [np.flatnonzero(channel) for channel in trials.inputs[0].T]
    assert [(times[0], times[-1] + 1) for times in on] == [(0, 115), (15, 35), (75, 90)]
    assert set(trials.inputs.ravel()) == {0.0, 1.0}
    assert trials.mask[0, :, 0].tolist() == [1] * 115 + [0] * 5 + [1] * 10
    assert trials.targets[0, 120].tolist() == pytest.approx([1.0, 0.2])


def test_the_longer_one_is_right_and_neither_where_they_are_the_same():
    task = nt.load("interval_discrimination")
    trials = task.grid(first=[300.0, 400.0], second=[300.0, 400.0])
    table = task.behavior(trials, task.observer(trials))
    assert table["answer"].tolist() == ["none", "second", "first", "none"]
    assert table["difference"].tolist() == [0, 100, -100, 0]
    assert np.isnan(table["correct"][0]) and table["correct"][1] == 1


def test_a_first_interval_that_is_always_the_same():
    task = nt.load("interval_discrimination").replace(first=400.0)
    table = task.trials(20, seed=1).conditions
    assert (table["difference"] == table["second"] - 400.0).all()
    with pytest.raises(ValueError, match=r"`second` must be a time in ms or a law of it, got Rem"):
        task.replace(second=nt.Remainder(4000.0))
