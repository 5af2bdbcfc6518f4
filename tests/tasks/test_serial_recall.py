"""Serial recall: a list that comes back in its order, one row of behaviour an item."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.distributions import Derived


@pytest.fixture
def task():
    return nt.load("serial_recall")


def test_lists_of_different_items_all_alike(task):
    items = task.trials(1500, seed=1).columns["item"].reshape(-1, 8)
    assert (items[:, :4] == items[:, 4:]).all()
    assert all(len(set(row)) == 4 for row in items[:, :4].tolist())
    for place in range(4):
        shares = np.bincount(items[:, place], minlength=8) / len(items)
        assert shares == pytest.approx(np.full(8, 1 / 8), abs=0.035)


def test_inputs_targets_and_mask(task):
    trials = task.replace(noise=0.0).trials(2, seed=1)
    inputs, targets = np.zeros((2, 210, 10)), np.full((2, 210, 9), 0.2)
    inputs[:, :130, 0] = targets[:, :130, 0] = 1.0
    for row, items in enumerate(trials.columns["item"].reshape(2, 8)[:, :4]):
        for place, item in enumerate(items):
            study, recall = 20 * place, 130 + 20 * place
            inputs[row, study : study + 20, 2 + item] = 1.0
            inputs[row, recall : recall + 5, 1] = 1.0
            targets[row, recall : recall + 20, 1 + item] = 1.0
    assert (trials.inputs == inputs).all()
    assert trials.targets == pytest.approx(targets)
    assert trials.mask[0, :, 3].tolist() == [1] * 130 + ([0] * 5 + [1] * 15) * 4


def test_one_row_an_item(task):
    trials = task.trials(1, seed=1)
    table = task.behavior(trials, trials.targets)
    assert table["stage"].tolist() == ["study"] * 4 + ["recall"] * 4
    assert table["position"].tolist() == [1, 2, 3, 4] * 2
    assert table["outcome"].tolist() == ["unscored"] * 4 + ["correct"] * 4
    assert table["delay"].tolist() == [0.0] * 4 + [1000.0] + [0.0] * 3


def test_two_items_in_the_wrong_order_are_two_errors(task):
    trials = task.trials(1, seed=1)
    outputs = trials.targets.copy()
    second, third = slice(150, 170), slice(170, 190)
    outputs[0, second], outputs[0, third] = trials.targets[0, third], trials.targets[0, second]
    recall = task.behavior(trials, outputs).query("stage == 'recall'").set_index("position")
    assert recall["correct"].to_dict() == {1: 1.0, 2: 0.0, 3: 0.0, 4: 1.0}
    assert recall["choice"][2] == recall["answer"][3]


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(length=9), "`length` must be n_items = 8 or less, got 9: no item comes twice"),
        (dict(length=0), "`length` must be a whole number of 1 or more, got 0"),
        (dict(study_time=0.0), "`study_time` must be a number above 0, got 0.0"),
        (dict(recall_time=100.0), "`recall_time` must be a number above 100, got 100.0"),
        (dict(delay=500.0), r"`delay` must be Derived\(\), got 500.0. Set `delay_time`"),
    ],
)
def test_refused(task, settings, message):
    with pytest.raises(ValueError, match=message):
        task.replace(**settings)


def test_phases_stay_derived(task):
    assert task.replace(delay_time=2000.0).delay == Derived()
