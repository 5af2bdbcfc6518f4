"""Probabilistic reasoning: weights that add up, exactly."""

from fractions import Fraction

import numpy as np
import pytest

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("probabilistic_reasoning")


def test_defaults_are_those_of_the_source(task):
    assert task.weights == (-0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9)
    assert task.n_items == 4
    assert task.durations == dict(fixation=500.0, evidence=2000.0, delay=500.0, decision=500.0)


def test_each_shape_is_shown_in_its_turn(task):
    items = dict(item_1="shape_2", item_2="shape_7", item_3="shape_7", item_4="shape_0")
    trials = task.replace(noise=0.0).trials(1, **items)
    shape = trials.inputs[0, :, 1:]
    assert shape[25:125].argmax(1).tolist() == [2] * 25 + [7] * 50 + [0] * 25
    assert shape[25:125].sum(1).tolist() == [1] * 100
    assert not shape[:25].any() and not shape[125:].any()
    assert trials.conditions[[f"weight_{k}" for k in range(1, 5)]].iloc[0].tolist() == [
        -0.5, 0.9, 0.9, -0.9,
    ]  # fmt: skip
    assert trials.conditions["log_odds"][0] == 0.4
    assert trials.conditions["p_red"][0] == pytest.approx(10**0.4 / (1 + 10**0.4))


def test_the_likelier_colour_is_right_and_a_draw_is_not_scored(task):
    # Summed as fractions: sums of floats leave rests of 1e-17 where weights cancel.
    trials = task.trials(3000, seed=1)
    tenths = [round(10 * w) for w in task.weights]
    items = trials.conditions[[f"item_{k}" for k in range(1, 5)]].to_numpy()
    sums = [sum(Fraction(tenths[int(name[-1])], 10) for name in row) for row in items]
    assert trials.answers.tolist() == [-1 if s == 0 else int(s > 0) for s in sums]
    assert trials.conditions["log_odds"].tolist() == pytest.approx([float(s) for s in sums])
    assert 0.05 < np.mean(trials.answers == -1) < 0.15
    assert np.mean(trials.answers[trials.answers >= 0]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (dict(weights=(0.3,)), r"`weights` must be a tuple of two or more, got \(0.3,\)."),
        (dict(weights=(0.3, float("inf"))), "`weights` must be a finite number, got inf."),
        (dict(n_items=0), "`n_items` must be a whole number of 1 or more, got 0."),
        (
            dict(evidence=nt.Uniform(400.0, 800.0)),
            "`evidence` must be a number above 0, got Uniform",
        ),
        (dict(n_items=3), "must be a whole multiple of dt = 20 ms"),
    ],
)
def test_refused_settings(task, settings, text):
    with pytest.raises(ValueError, match=text):
        task.replace(**settings)


@pytest.mark.parametrize(
    "settings", [{}, dict(weights=(-10.0, -0.5, 0.5, 10.0), n_items=2, evidence=400.0)]
)
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))


def test_evidence_of_another_duration_shows_all_shapes_for_equal_parts(task):
    task = task.replace(noise=0.0)
    trials = task.trials(20, seed=1, evidence=[800.0, 4000.0] * 10)
    for row, each in ((0, 10), (1, 50)):
        shown = trials.inputs[row, 25 : 25 + 4 * each, 1:].reshape(4, each, -1)
        assert (shown == shown[:, :1]).all()
        names = trials.conditions.loc[row, ["item_1", "item_2", "item_3", "item_4"]]
        assert [f"shape_{place}" for place in shown[:, 0].argmax(1)] == names.tolist()
    table = task.behavior(trials, task.observer(trials))
    assert table["correct"].dropna().all()


def test_shapes_must_last_whole_steps(task):
    with pytest.raises(ValueError, match="`evidence / n_items` must be a whole multiple of dt"):
        task.replace(n_items=3)
