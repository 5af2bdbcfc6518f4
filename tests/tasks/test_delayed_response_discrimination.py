"""Delayed response: nothing is shown in the delay, and nothing is lost in it but by forgetting."""

import numpy as np
import pytest

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("delayed_response_discrimination")


def test_defaults_are_those_of_the_source(task):
    delays = (300.0, 500.0, 700.0, 900.0, 1200.0, 2000.0, 3200.0, 4000.0)
    assert task.durations == dict(
        fixation=300.0, stimulus=1160.0, delay=nt.Levels(delays), decision=500.0
    )
    assert sorted(task.trials(200, seed=1).conditions["delay"].unique()) == list(delays)


def test_the_delay_shows_fixation_alone_and_the_go_cue_follows_it(task):
    trials = task.trials(2, seed=1, coherence=0.512, delay=[300.0, 1200.0])
    for row, (start, stop) in enumerate([(73, 88), (73, 133)]):
        assert trials.inputs[row, start:stop].tolist() == [[1, 0, 0]] * (stop - start)
        assert trials.inputs[row, stop].tolist() == [0, 0, 0]
        assert trials.mask[row, stop + 4 : stop + 6, 0].tolist() == [0, 1]


def test_an_observer_that_forgets_nothing_is_as_good_after_any_delay(task):
    trials = task.grid(coherence=0.032, delay=[300.0, 4000.0], repeats=3000, seed=1)
    table = task.behavior(trials, task.observer(trials)).groupby("delay")["correct"].mean()
    assert np.ptp(table.to_numpy()) < 0.04


@pytest.mark.parametrize("settings", [{}, dict(n_choices=3, delay=600.0)])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))
