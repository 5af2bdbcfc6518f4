"""Economic choice: values, sides, and a relative value that choices give away."""

import numpy as np
import pytest

import neurotask as nt

TASK = nt.load("economic_choice")


def test_each_offer_on_either_side_and_the_better_one_is_right():
    trials = TASK.grid()
    assert len(trials) == 14
    for trial, row in trials.conditions.iterrows():
        b, a = (int(units) for units in row["amounts"].split(":"))
        value = {row["B_side"]: b, "left" if row["B_side"] == "right" else "right": 2.2 * a}
        assert trials.answers[trial] == (value["right"] > value["left"])
        assert row["log_ratio"] == pytest.approx(np.log(value["right"] / value["left"]))
    assert trials.answers.mean() == 0.5
    assert trials.conditions["log_ratio"].sum() == pytest.approx(0.0)


def test_inputs_targets_and_mask():
    task = TASK.replace(noise=0.0, offer=1000.0)
    trials = task.trials(2, amounts="1:3", B_side=["left", "right"])
    assert trials.inputs[0, 80] == pytest.approx([1, 0, 1 / 6, 3 / 6, 0])
    assert trials.inputs[1, 80] == pytest.approx([1, 3 / 6, 0, 0, 1 / 6])
    assert np.flatnonzero(trials.inputs[0, :, 2]).tolist() == list(range(75, 125))
    assert trials.inputs[0, :, 0].tolist() == [1] * 125 + [0] * 38
    assert trials.targets[:, 150] == pytest.approx(np.array([[0.2, 0.2, 1], [0.2, 1, 0.2]]))
    assert trials.mask[0, :, 1].tolist() == [1] * 125 + [0] * 5 + [1] * 33


def test_equal_values_have_no_right_answer():
    # 1.16 * 25 is not quite 29 in floating point, and its logarithm neither.
    task = TASK.replace(offers=((29, 25), (1, 1)), relative_value=1.16)
    trials = task.trials(4, amounts="29:25")
    assert (trials.answers == -1).all() and (trials.conditions["log_ratio"] == 0).all()


def test_another_relative_value_shows_as_the_shift_that_is_promised():
    # An observer for whom A is worth 3.5 B crosses a half at +-log(3.5 / 2.2), by the side of B.
    other = TASK.replace(relative_value=3.5, noise=0.0)
    trials = TASK.replace(noise=0.0).grid()
    table = TASK.behavior(trials, other.observer(trials))
    shift = np.where(table["B_side"] == "right", 1, -1) * np.log(3.5 / 2.2)
    assert ((table["choice"] == "right") == (table["log_ratio"] > shift)).all()


@pytest.mark.parametrize(
    ("offers", "text"),
    [
        ((), r"`offers` must be pairs \(units of B, units of A\), got \(\)"),
        (((1, 2, 3),), r"`offers` must be pairs .* got \(\(1, 2, 3\),\)"),
        (((0, 1),), "`offers` must be a whole number of 1 or more, got 0"),
        (((1, 1), (1, 1)), "`amounts` must differ from each other"),
    ],
)
def test_refused_offers(offers, text):
    with pytest.raises(ValueError, match=text):
        TASK.replace(offers=offers)


def test_refused_relative_value():
    with pytest.raises(ValueError, match=r"`relative_value` must be a number above 0, got 0.0"):
        TASK.replace(relative_value=0.0)
