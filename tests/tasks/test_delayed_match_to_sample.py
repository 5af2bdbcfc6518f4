"""Delayed match to sample: coding, distances, and the three ways to respond."""

import numpy as np
import pytest

from neurotask.tasks.delayed_match_to_sample import DelayedMatchToSample


def test_defaults_are_those_of_the_docstring():
    task = DelayedMatchToSample()
    assert list(task.durations.values()) == [300.0, 500.0, 1000.0, 500.0, 500.0]
    assert (len(task.inputs), task.outputs) == (33, ("fixation", "non_match", "match"))


def test_ring_without_noise():
    trials = DelayedMatchToSample(noise=0.0).trials(
        1, sample_direction=90.0, match=False, turn=45.0
    )
    shown = trials.inputs[0]
    assert shown[15:40, 1:].argmax(1).tolist() == [8] * 25  # 90 degrees of 32 channels
    assert shown[90:115, 1:].argmax(1).tolist() == [12] * 25
    # One channel is 11.25 degrees, half of a standard deviation.
    assert shown[20, 8:11] == pytest.approx(np.exp([-0.125, 0.0, -0.125]))
    assert not shown[:15, 1:].any()
    assert not shown[40:90, 1:].any()
    assert not shown[115:].any()


def test_one_channel_a_stimulus():
    task = DelayedMatchToSample(n_stimuli=4, n_inputs=None, noise=0.0)
    trials = task.trials(2, sample_direction=[270.0, 300.0], match=True)
    assert trials.inputs[0, 20, 1:].tolist() == [0, 0, 0, 1]
    # A third of the way from 270 to 360 degrees: a mixture of both.
    assert trials.inputs[1, 20, 1:] == pytest.approx([1 / 3, 0, 0, 2 / 3])


def test_distance_and_answers():
    trials = DelayedMatchToSample(n_stimuli=4).grid()
    c = trials.conditions
    apart = (c["test_direction"] - c["sample_direction"]).abs()
    assert (c["distance"] == np.minimum(apart, 360 - apart)).all()
    assert ((c["distance"] == 0) == c["match"]).all()
    assert (trials.answers == (c["distance"] == 0)).all()
    assert trials.answers.mean() == 0.5


@pytest.mark.parametrize(("respond", "goes"), [("match", True), ("non_match", False)])
def test_one_answer_is_no_response(respond, goes):
    task = DelayedMatchToSample(respond=respond)
    trials = task.trials(2, match=[goes, not goes])
    assert task.outputs == ("fixation", respond)
    assert trials.targets[:, -1] == pytest.approx(np.array([[0.2, 1.0], [1.0, 0.2]]))
    table = task.behavior(trials, task.observer(trials))
    assert table["answer"].tolist() == [respond, "withhold"]
    assert table["outcome"].tolist() == ["correct", "correct"]


def test_mask():
    mask = DelayedMatchToSample().trials(1).mask[0]
    assert mask[:, 1].tolist() == [1] * 115 + [0] * 5 + [1] * 20


def test_refused_settings():
    with pytest.raises(ValueError, match=r'`respond` must be one of "both", "match", "non_match"'):
        DelayedMatchToSample(respond="nonmatch")
    with pytest.raises(ValueError, match=r"`n_stimuli` must be a whole number of 2 or more, got 1"):
        DelayedMatchToSample(n_stimuli=1)
    for name in ("sample", "test"):
        with pytest.raises(ValueError, match=f"`{name}` must be a number above 0, got 0"):
            DelayedMatchToSample(**{name: 0.0})


def test_few_channels_see_every_stimulus():
    task = DelayedMatchToSample(n_inputs=3, noise=0.0)
    trials = task.trials(200, seed=1)
    assert task.behavior(trials, task.observer(trials))["correct"].all()


@pytest.mark.parametrize("n_inputs", [0, 2])
def test_a_ring_has_three_channels_or_more(n_inputs):
    with pytest.raises(
        ValueError, match=f"`n_inputs` must be a whole number of 3 or more, got {n_inputs}"
    ):
        DelayedMatchToSample(n_inputs=n_inputs)
