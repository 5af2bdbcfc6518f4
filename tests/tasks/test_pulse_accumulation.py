"""Pulse accumulation: pulses where they should be, counted as they are shown."""

import numpy as np
import pytest

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("pulse_accumulation")


def test_defaults_are_those_of_the_source(task):
    assert (task.bins, task.pulse, task.gap, task.rich, task.poor) == ((6,), 20.0, 240.0, 0.7, 0.3)
    assert task.trials(1).phases["stimulus"].tolist() == [[500.0, 2060.0]]


def test_pulses_are_shown_where_the_conditions_say(task):
    bins = dict(bin_1="both", bin_2="rich", bin_3="none", bin_4="poor", bin_5="rich", bin_6="none")
    trials = task.replace(noise=0.0).trials(2, rich_side=["left", "right"], **bins)
    rich, poor = [25, 38, 77], [25, 64]
    assert [np.flatnonzero(trials.inputs[0, :, k]).tolist() for k in (1, 2)] == [rich, poor]
    assert [np.flatnonzero(trials.inputs[1, :, k]).tolist() for k in (1, 2)] == [poor, rich]
    assert set(np.unique(trials.inputs)) == {0.0, 1.0}
    row = trials.conditions.iloc[1]
    assert (row["n_left"], row["n_right"], row["difference"]) == (2, 3, 1)
    assert [row[f"evidence_{k}"] for k in range(1, 7)] == [0, 1, 0, -1, 1, 0]


def test_the_side_with_more_pulses_is_right_and_a_tie_is_not_scored(task):
    trials = task.replace(noise=0.0).trials(400, seed=1)
    counted = trials.inputs[..., 2].sum(1) - trials.inputs[..., 1].sum(1)
    assert trials.answers.tolist() == [{1: 1, -1: 0, 0: -1}[s] for s in np.sign(counted)]
    assert len(set(np.sign(counted))) == 3


def test_pulses_come_with_their_probabilities(task):
    table = task.trials(6000, seed=2).conditions
    more = np.where(table["rich_side"] == "right", table["n_right"], table["n_left"])
    less = table["n_left"] + table["n_right"] - more
    assert (more.mean() / 6, less.mean() / 6) == pytest.approx((0.7, 0.3), abs=0.01)
    assert np.corrcoef(more, less)[0, 1] == pytest.approx(0.0, abs=0.05)
    assert table["rich_side"].eq("right").mean() == pytest.approx(0.5, abs=0.03)


def test_fewer_bins_end_earlier(task):
    task = task.replace(bins=(2, 6), noise=0.0)
    trials = task.trials(200, seed=1, n_bins=[2] * 100 + [6] * 100)
    assert trials.phases["decision"][[0, -1], 0].tolist() == [1020.0, 2060.0]
    assert trials.conditions[["evidence_3", "evidence_6"]][:100].abs().to_numpy().max() == 0
    assert task.behavior(trials, task.observer(trials))["correct"].min() == 1.0
    task = task.replace(bins=(2, 20))  # all short, where the observer looks for twenty
    few = task.trials(50, seed=1, n_bins=2)
    assert task.behavior(few, task.observer(few))["correct"].min() == 1.0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            dict(bins=6),
            r"`bins` must be a tuple of whole numbers, got 6. Give one number as \(6,\).",
        ),
        (dict(bins=(0,)), "`bins` must be a whole number of 1 or more, got 0."),
        (dict(rich=1.2), r"`rich` must be a number in \[0, 1\], got 1.2."),
        (dict(rich=0.3, poor=0.7), "`rich` must be poor = 0.7 or more, got 0.3. Swap the two"),
        (dict(rich=1.0, poor=1.0), "`rich` must not be 1 where `poor` is, got 1"),
        (dict(pulse=10.0), "must be a whole multiple of dt = 20 ms, got 10 ms."),
    ],
)
def test_refused_settings(task, settings, text):
    with pytest.raises(ValueError, match=text):
        task.replace(**settings)


@pytest.mark.parametrize("settings", [{}, dict(bins=(20, 40), gap=0.0, rich=0.4, poor=0.1)])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))
