"""Delayed match with distractors: the series of tests, and a response at the match alone."""

import numpy as np
import pytest

from neurotask.distributions import Remainder
from neurotask.tasks.delayed_match_with_distractors import DelayedMatchWithDistractors


def test_timing_is_that_of_the_docstring():
    trials = DelayedMatchWithDistractors().trials(3, position=[1, 2, 3])
    assert trials.phases["match"].tolist() == [[1800, 2300], [3300, 3800], [4800, 5300]]
    assert trials.lengths.tolist() == [115, 190, 265]


def test_input_without_noise():
    task = DelayedMatchWithDistractors(n_stimuli=4, noise=0.0)
    held = dict(sample_stimulus="stimulus_3", draw=0.5, repeated=[True, False])
    shown = task.trials(2, position=3, **held).inputs[..., 1:]
    on = [slice(15, 40), slice(90, 115), slice(165, 190), slice(240, 265)]
    for trial, places in enumerate([(3, 1, 1, 3), (3, 1, 2, 3)]):  # A-B-B-A, A-B-C-A
        expected = np.zeros((265, 4))
        for span, place in zip(on, places, strict=True):
            expected[span, place] = 1.0
        assert (shown[trial] == expected).all()


@pytest.mark.parametrize("repeat", [0.0, 0.5, 1.0])
def test_distractors(repeat):
    trials = DelayedMatchWithDistractors(repeat=repeat, n_tests=4).trials(600, seed=1)
    c = trials.conditions
    all_shown = c[c["position"] == 4]
    n_kinds = all_shown[[f"distractor_{k}" for k in (1, 2, 3)]].nunique(axis=1)
    assert set(n_kinds) <= {1, 3}
    assert (n_kinds == 1).mean() == pytest.approx(repeat, abs=0.15)
    for k in (1, 2, 3):
        shown = c["position"] > k
        assert ((c[f"distractor_{k}"] == "none") == ~shown).all()
        assert (c[f"distractor_{k}"] != c["sample_stimulus"]).all()
    assert c["position"].value_counts(normalize=True).between(0.17, 0.33).all()


def test_target_and_mask():
    trials = DelayedMatchWithDistractors().trials(1, position=2)
    match = trials.output_names.index("match")
    assert trials.targets[0, :, match] == pytest.approx(np.array([0.2] * 165 + [1.0] * 25))
    assert trials.mask[0, :, match].tolist() == [1] * 165 + [0] * 5 + [1] * 20


def test_a_response_to_a_distractor_breaks_fixation():
    task = DelayedMatchWithDistractors(noise=0.0)
    trials = task.trials(2, position=3)
    outputs = task.observer(trials)
    outputs[1, 95, 1] = 1.0  # one step of the first distractor
    table = task.behavior(trials, outputs)
    assert table["outcome"].tolist() == ["correct", "broken_fixation"]
    assert table["rt"][0] == 0.0


def test_observer_that_takes_any_test_is_right_in_one_third():
    task = DelayedMatchWithDistractors()
    trials = task.grid(position=[1, 2, 3], repeats=4)
    outputs = np.full(trials.targets.shape, 0.2)
    outputs[:, 95:, 1] = 1.0
    assert task.behavior(trials, outputs)["correct"].mean() == pytest.approx(1 / 3)


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`n_tests` must be a whole number of 2 or more, got 1"):
        DelayedMatchWithDistractors(n_tests=1)
    with pytest.raises(ValueError, match=r"`n_stimuli` must be a whole number of 5 or more, got 4"):
        DelayedMatchWithDistractors(n_tests=5, n_stimuli=4)


@pytest.mark.parametrize("name", ["delay", "match"])
def test_what_comes_with_each_test_cannot_fill_the_trial(name):
    with pytest.raises(ValueError, match=f"`{name}` must be a time in ms or a law of it, got Rem"):
        DelayedMatchWithDistractors(**{name: Remainder(3000.0)})
