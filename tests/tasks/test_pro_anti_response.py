"""Pro- and anti-responses: the rule can be seen, and turns the answer."""

import numpy as np
import pytest

import neurotask as nt

TASK = nt.load("pro_anti_response")


def test_inputs_without_noise():
    trials = TASK.replace(noise=0.0).trials(2, direction=45.0, rule=["pro", "anti"])
    fixation, pro, anti = np.moveaxis(trials.inputs[..., :3], -1, 0)
    assert fixation[0].tolist() == [1] * 50 + [0] * 25
    assert pro.tolist() == [[1] * 50 + [0] * 25, [0] * 75]
    assert anti.tolist() == [[0] * 75, [1] * 50 + [0] * 25]
    target = trials.inputs[..., 3:]
    # Channel 4 prefers 45 degrees, channel 6 is one width (22.5 degrees) further on.
    assert target[0, 30, [4, 6, 2]] == pytest.approx([1.0, np.exp(-0.5), np.exp(-0.5)])
    assert (target[0] == target[1]).all()
    assert not target[:, :25].any() and not target[:, 50:].any()


def test_targets_point_where_the_rule_says():
    trials = TASK.trials(2, direction=45.0, rule=["pro", "anti"])
    assert trials.targets[:, 60, 1:].argmax(1).tolist() == [4, 20]
    assert trials.targets[:, 60, 0] == pytest.approx([0.2, 0.2])
    assert trials.mask[0, :, 1].tolist() == [1] * 50 + [0] * 5 + [1] * 20


def test_the_rule_is_needed():
    # Who always looks at the target is right in pro trials alone.
    trials = TASK.trials(400, seed=1)
    swapped = TASK.trials(400, seed=1, rule="pro")
    table = TASK.behavior(trials, TASK.observer(swapped))
    share = table.groupby("rule")["correct"].mean()
    assert share["pro"] > 0.99 and share["anti"] == 0.0


def test_share_of_anti_trials():
    trials = TASK.replace(anti_share=0.25).trials(4000, seed=0)
    assert (trials.conditions["rule"] == "anti").mean() == pytest.approx(0.25, abs=0.02)
    with pytest.raises(ValueError, match=r"`anti_share` must be a number in \[0, 1\], got -0.1"):
        TASK.replace(anti_share=-0.1)


def test_too_few_channels_are_refused():
    with pytest.raises(ValueError, match="`n_directions` must be a whole number of 8 or more, got"):
        TASK.replace(n_directions=6)
