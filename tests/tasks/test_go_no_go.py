"""Go/no-go: when to hold still, and how an ideal observer weighs what is frequent."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt

TASK = nt.load("go_no_go")


def test_inputs_targets_and_mask():
    trials = TASK.replace(noise=0.0, strengths=(0.4, 1.0)).trials(2, evidence=[-1.0, 0.4])
    fixation, no_go, go = np.moveaxis(trials.inputs, -1, 0)
    assert fixation[0].tolist() == [1] * 75 + [0] * 25
    assert no_go[:, 25:50] == pytest.approx(np.array([[1.0], [0.3]]) * np.ones(25))
    assert go[:, 25:50] == pytest.approx(np.array([[0.0], [0.7]]) * np.ones(25))
    assert not np.r_[no_go, go][:, [*range(25), *range(50, 100)]].any()
    assert trials.targets[:, 90] == pytest.approx(np.array([[1.0, 0.2], [0.2, 1.0]]))
    assert trials.mask[0, :, 1].tolist() == [1] * 75 + [0] * 5 + [1] * 20


def test_outcomes():
    trials = TASK.trials(4, evidence=[1.0, 1.0, -1.0, -1.0])
    outputs = np.array([[0, 1], [1, 0], [0, 1], [1, 0]])[:, None] * np.ones((4, 100, 2))
    outputs[:, :75] = [1, 0]
    table = TASK.behavior(trials, outputs)
    assert table["outcome"].tolist() == ["correct", "no_response", "error", "correct"]


def test_without_evidence_no_answer_is_right():
    trials = TASK.replace(strengths=(0.0, 1.0)).trials(2, evidence=[0.0, 1.0])
    assert trials.answers.tolist() == [-1, 0]


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_ideal_observer_meets_its_closed_form(share):
    # D ~ N(+-T, 2 noise^2 T); it responds above the criterion -noise^2 log(p / (1 - p)).
    task = TASK.replace(go_share=share, noise=0.5)
    trials = task.trials(6000, seed=1)
    table = task.behavior(trials, task.observer(trials))
    spread, criterion = 0.5 * np.sqrt(2 * 0.5), -(0.5**2) * np.log(share / (1 - share))
    response = table["choice"] == "go"
    for evidence in (-1, 1):
        expected = norm.sf((criterion - evidence * 0.5) / spread)
        assert response[table["evidence"] == evidence].mean() == pytest.approx(expected, abs=0.025)
    assert (table["evidence"] > 0).mean() == pytest.approx(share, abs=0.02)


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`go_share` must be a number in \[0, 1\], got 1.5"):
        TASK.replace(go_share=1.5)
    with pytest.raises(ValueError, match=r"`strengths` must be a number in \[0, 1\], got 2.0"):
        TASK.replace(strengths=(2.0,))


def test_without_evidence_neither_answer_is_trained_for_more_often_than_it_is_right():
    trials = TASK.replace(strengths=(0.0,), go_share=0.7).trials(2000, seed=1)
    assert (trials.answers == -1).all()
    assert (trials.targets[:, 90, 1] == 1).mean() == pytest.approx(0.7, abs=0.04)
