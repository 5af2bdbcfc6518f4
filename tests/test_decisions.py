"""Reading answers from outputs, on outputs drawn by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask.behavior import accuracy, behavior


@dataclass(frozen=True, kw_only=True)
class Choice(nt.Task):
    """Two choices, a phase before and one to answer in."""

    inputs = ("u",)
    outputs = ("left", "right")
    before: nt.Duration = nt.Levels((40.0, 80.0))
    answer: nt.Duration = 60.0

    def factors(self):
        return dict(side=nt.signed((0.0, 1.0)))

    def build(self, t):
        t.target_choice(t.conditions.side, phase="answer")


@dataclass(frozen=True, kw_only=True)
class ByMean(Choice):
    """Read by the highest mean."""

    decision_rule = nt.Argmax("answer", grace=20.0)


@dataclass(frozen=True, kw_only=True)
class ByThreshold(Choice):
    """Read by the first to reach a level."""

    decision_rule = nt.Threshold(0.5, from_="answer")


@dataclass(frozen=True, kw_only=True)
class WithFixation(Choice):
    """An output to hold still with."""

    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("answer")


@dataclass(frozen=True, kw_only=True)
class Value(Choice):
    """A value to produce."""

    outputs = ("z",)
    decision_rule = nt.Distance("answer", tolerance=0.1)

    def build(self, t):
        t.target("z", t.conditions.side, phase="answer", grace=20.0)


def test_perfect_outputs_are_correct():
    for task in (ByMean(), ByThreshold(before=40.0), WithFixation(), Value()):
        trials = task.trials(30, seed=1)
        table = behavior(trials, trials.targets)
        scored = table["correct"].notna()
        assert (table["correct"][scored] == 1).all() and scored.any()


def test_mean_after_the_grace():
    trials = ByMean().trials(2, before=40.0, side=[1.0, -1.0])
    outputs = np.zeros((2, 5, 2))
    outputs[:, 2, 0] = 100.0  # the grace: not read
    outputs[:, 3:, 1] = [0.4, 0.5]
    outputs[:, 3:, 0] = [0.6, 0.2]
    table = behavior(trials, outputs)
    assert table["choice"].tolist() == ["right", "right"]
    assert table["correct"].tolist() == [1.0, 0.0]
    assert table["outcome"].tolist() == ["correct", "error"]
    assert table["rt"].isna().all()


def test_first_to_reach_the_level():
    trials = ByThreshold().trials(4, before=40.0, side=1.0)
    outputs = np.zeros((4, 5, 2))
    outputs[0, 3:, 1] = 0.6  # right after one step
    outputs[1, 4, 0] = 0.5  # left after two
    outputs[3, 1, 1] = 0.9  # before the event
    table = behavior(trials, outputs)
    assert table["choice"].tolist() == ["right", "left", "none", "none"]
    assert table["rt"].tolist()[:2] == [20.0, 40.0] and table["rt"][2:].isna().all()
    assert table["outcome"].tolist() == ["correct", "error", "no_response", "broken_fixation"]
    assert table["correct"].tolist() == [1, 0, 0, 0]


def test_padding_is_not_read():
    trials = ByThreshold().trials(2, before=[40.0, 80.0], side=1.0)
    outputs = np.zeros((2, 7, 2))
    outputs[0, 5:, 1] = 1.0  # behind the end of the shorter trial
    outputs[0, 5:, 0] = np.nan
    assert behavior(trials, outputs)["choice"].tolist() == ["none", "none"]


def test_fixation_held_and_broken():
    trials = WithFixation().trials(3, before=40.0, side=-1.0)
    outputs = np.zeros((3, 5, 3))
    outputs[:, :, 0] = 0.5
    outputs[1, 2:, 1] = 0.9  # answers left when asked
    outputs[2, :, 1] = 0.9  # answers left all the time
    table = behavior(trials, outputs)
    assert table["outcome"].tolist() == ["no_response", "correct", "broken_fixation"]
    assert table["choice"].tolist() == ["none", "left", "left"]
    assert table["correct"].tolist() == [0, 1, 0]


def test_no_answer_is_right_at_zero():
    trials = ByMean().trials(3, side=[0.0, 1.0, 0.0])
    table = behavior(trials, trials.targets)
    assert table["answer"].tolist() == ["none", "right", "none"]
    assert np.isnan(table["correct"]).tolist() == [True, False, True]
    assert table["outcome"].tolist() == ["unscored", "correct", "unscored"]
    assert accuracy(trials, trials.targets) == 1.0
    assert np.isnan(accuracy(trials[[0, 2]], trials.targets[[0, 2]]))


def test_distance_from_a_value():
    trials = Value().trials(2, before=40.0, side=1.0)
    outputs = np.array(trials.targets)
    outputs[0, :3] += 5.0  # before, and in the grace: not asked
    outputs[1, 3] += 0.3  # root mean square over two steps: 0.3 / sqrt(2)
    table = behavior(trials, outputs)
    assert table["error"].tolist() == pytest.approx([0.0, 0.3 / np.sqrt(2)], abs=1e-6)
    assert table["correct"].tolist() == [1.0, 0.0]


def test_nan_is_refused():
    trials = ByMean().trials(3, before=40.0)
    outputs = np.zeros((3, 5, 2))
    outputs[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"got NaN in 1 trials, first in trial 1 at 60 ms"):
        behavior(trials, outputs)


def test_wrong_shape():
    trials = ByMean().trials(3)
    with pytest.raises(
        ValueError, match=r"`outputs` must have the shape of the targets, \(3, 7, 2\)"
    ):
        behavior(trials, np.zeros((3, 7, 1)))


def test_a_task_without_a_rule():
    trials = Choice().trials(2)
    with pytest.raises(ValueError, match=r"`decision_rule` must be set .* but Choice has none"):
        behavior(trials, trials.targets)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Threshold(np.nan, from_="a"), r"`level` must be a finite number"),
        (lambda: nt.Distance("a", tolerance=-1), r"`tolerance` must be a number of 0 or more"),
    ],
)
def test_bad_rules(make, message):
    with pytest.raises(ValueError, match=message):
        make()
