"""The share of right answers, beside observers that do not look."""

from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask.analysis import accuracy

matplotlib.use("Agg")


def table(**columns):
    return pd.DataFrame(columns)


def test_it_is_the_share_of_the_trials_that_have_a_right_answer():
    found = accuracy(table(correct=[1, 0, np.nan, 1, np.nan]))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.n_trials == 3 and found.n_unscored == 2
    # (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) of 2 in 3
    assert [found.low, found.high] == pytest.approx([0.20766, 0.93851], abs=1e-5)
    assert np.isnan(found.chance)


def test_constant_answers_stand_beside_it():
    trials = table(
        correct=[1.0, 0, 0, 1, 1, np.nan],
        answer=["left", "left", "right", "left", "withhold", "none"],
        outcome=["correct", "no_response", "broken_fixation", "correct", "correct", "unscored"],
    )
    trials.attrs["choices"] = ["left", "right", "up"]
    found = accuracy(trials)
    assert found.always == pytest.approx({"left": 0.6, "right": 0.2, "up": 0.0, "none": 0.2})
    assert found.chance == pytest.approx(0.6)
    assert [found.no_response, found.broken_fixation] == pytest.approx([1 / 6, 1 / 6])
    assert found.table["observer"].tolist() == [
        "this", "always left", "always right", "always up", "always none"
    ]  # fmt: skip
    assert "by one and the same answer 0.600" in repr(found)


@pytest.mark.parametrize("answer", ["left", "none"])
def test_the_one_who_always_goes_left_and_the_one_who_fixates(answer):
    task = nt.load("context_dependent_decision")
    trials = task.trials(200, seed=0)
    start = trials.phases["decision"][:, 0] / task.dt
    outputs = np.zeros(trials.targets.shape, np.float32)
    late = np.arange(outputs.shape[1]) >= start[:, None]
    outputs[..., task.outputs.index("fixation")] = ~late if answer == "left" else 1.0
    outputs[..., task.outputs.index("left")] = 0.5
    found = accuracy(task.behavior(trials, outputs))
    assert found.accuracy == pytest.approx(found.always[answer])
    assert found.no_response == (1.0 if answer == "none" else 0.0)
    assert 0.35 < found.chance < 0.65  # of 200 trials with two answers as likely


def test_groups_and_figure():
    trials = table(correct=[1, 0, 1, 1], day=[1, 1, 2, 2], answer=["a", "b", "a", "b"])
    found = accuracy(trials, by="day")
    assert found[1].accuracy == 0.5 and found[2].accuracy == 1.0
    assert found.table["day"].tolist() == [1] * 4 + [2] * 4
    ax: Any = found[1].plot()
    assert ax.get_xlabel() == "P(correct)"
    assert ax.get_yticklabels()[0].get_text() == "this"
    assert len(found.plot()) == 2
    plt.close("all")


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(
        ValueError, match=r"`correct` must be 0, 1 or NaN .* got 'yes'. Put numbers"
    ):
        accuracy(table(correct=["yes", "no"]))
    twice = pd.concat([table(correct=[1, 0])] * 2, axis=1)
    with pytest.raises(ValueError, match="`data` must have each column once, got 'correct' twice"):
        accuracy(twice)
    with pytest.raises(
        ValueError, match=r"`by` must have a value for each trial, got 1 .* in 'day'"
    ):
        accuracy(table(correct=[1, 0], day=[1, np.nan]), by="day")
    with pytest.raises(TypeError, match="`by` must have values of one kind, got words and numbers"):
        accuracy(table(correct=[1, 0], day=[1, "b"]), by="day")
    assert len(accuracy(table(correct=[1, 0], day=[0.3, 0.1 + 0.2]), by="day")) == 1
    unscored = table(correct=[1, np.nan], coherence=[0.1, 0.0])
    with pytest.raises(ValueError, match=r"got none of 1.* group where coherence is 0\.0"):
        accuracy(unscored, by="coherence")
    with pytest.raises(ValueError, match="`data` must have 'correct' for each row"):
        accuracy(table(choice=["a"]))
    with pytest.raises(ValueError, match="a trial in which an answer is right, got none of 2"):
        accuracy(table(correct=[np.nan, np.nan]))
    with pytest.raises(ValueError, match=r"`level` must be a number in \[0, 1\], got 95"):
        accuracy(table(correct=[1]), level=95)
