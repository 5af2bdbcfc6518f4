"""Multisensory integration: what each sense is shown, and the gain from having both."""

import numpy as np
import pytest
from scipy.stats import norm

from neurotask.tasks.multisensory_integration import MultisensoryIntegration


def test_defaults_are_those_of_the_source():
    task = MultisensoryIntegration()
    assert task.rates == (9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
    assert task.boundary == 12.5
    assert task.durations == dict(fixation=500.0, stimulus=1000.0, decision=300.0)


def test_input_without_noise():
    modality = ["visual", "auditory", "both"]
    trials = MultisensoryIntegration(noise=0.0).trials(3, modality=modality, rate=[16.0, 9.0, 12.5])
    expected = [[1, 0, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0.5, 0.5, 0.5, 0.5]]
    assert trials.inputs[:, 25:75] == pytest.approx(np.tile(expected, (50, 1, 1)).swapaxes(0, 1))
    assert not trials.inputs[:, :25, 1:].any()
    assert not trials.inputs[:, 75:].any()


def test_answer_is_high_above_the_boundary():
    task = MultisensoryIntegration()
    trials = task.grid()
    rate = trials.conditions["rate"]
    assert (trials.answers == (rate > 12.5)).all()
    assert trials.answers.mean() == 0.5
    assert task.trials(1, rate=12.5).answers.tolist() == [-1]
    # Which senses were there says nothing about the answer.
    assert trials.conditions.groupby("modality")["excess"].mean().tolist() == [0.0, 0.0, 0.0]


def test_both_senses_are_better_by_the_square_root_of_two():
    task = MultisensoryIntegration()
    trials = task.grid(modality=["visual", "auditory", "both"], rate=[12.0, 13.0], repeats=2000)
    table = task.behavior(trials, task.observer(trials))
    measured = table.groupby("modality")["correct"].mean()
    dprime = (0.5 / 3.5) * np.sqrt(1.0) / (np.sqrt(2) * task.noise)
    single, both = norm.cdf(dprime), norm.cdf(np.sqrt(2) * dprime)
    assert measured["visual"] == pytest.approx(single, abs=0.02)
    assert measured["auditory"] == pytest.approx(single, abs=0.02)
    assert measured["both"] == pytest.approx(both, abs=0.02)
    assert (single, both) == pytest.approx((0.84, 0.92), abs=0.005)


def test_catch_trials_have_no_right_choice():
    task = MultisensoryIntegration(catch=0.5)
    trials = task.trials(200, seed=1)
    table = task.behavior(trials, task.observer(trials))
    catch = table["catch"]
    assert 0.4 < catch.mean() < 0.6
    assert set(table["answer"][catch]) == {"withhold"}
    assert table["correct"][catch].all()


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`span` must be a number above 0, got 0\.0"):
        MultisensoryIntegration(span=0.0)
    with pytest.raises(ValueError, match=r"must be a number in \[9, 16\], got 20\.0"):
        MultisensoryIntegration(rates=(9.0, 20.0))


def test_the_boundary_is_a_number():
    with pytest.raises(ValueError, match="`boundary` must be a finite number, got nan"):
        MultisensoryIntegration(boundary=float("nan"))


@pytest.mark.parametrize("rates", [(), 5, "ab", ("a", "b"), (9.0, "a"), (20.0,), (9.0, 9.0)])
def test_rates_are_refused_under_their_name(rates):
    with pytest.raises(ValueError, match=r"^`rates` must "):
        MultisensoryIntegration(rates=rates)
