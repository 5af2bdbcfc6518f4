"""Dual retro-cue match: one pair of items, two cues and tests, and the lures between."""

from dataclasses import replace

import numpy as np
import pytest

from neurotask.tasks.dual_retro_cue_match import DualRetroCueMatch


def test_eight_phases_of_half_a_second():
    trials = DualRetroCueMatch().trials(1)
    edges = [trials.phases[name][0] for name in ("fixation", "sample", "delay", "cue", "test")]
    edges += [trials.phases[name][1] for name in ("delay", "cue", "test")]
    assert np.array(edges).tolist() == [[500 * k, 500 * (k + 1)] for k in range(8)]
    assert (np.diff(trials.phases["sample"][1]) == 0).all()


def test_input_without_noise():
    task = DualRetroCueMatch(n_stimuli=3, noise=0.0)
    held = dict(left="item_2", draw_right=0.0, draw_new=0.5)  # the right one is item_0
    trials = task.trials(1, cued=[["left", "right"]], kind=[["match", "new"]], **held)
    shown = trials.inputs[0].reshape(8, 25, -1)
    assert (shown == shown[:, :1]).all()
    names = np.array(trials.input_names)
    on = [[], ["left_2", "right_0"], [], ["cue_left"], ["test_2"], [], ["cue_right"], ["test_1"]]
    fixation = [1, 1, 1, 1, 0, 1, 1, 0]
    for phase in range(8):
        expected = np.isin(names, on[phase]) | ((names == "fixation") & (fixation[phase] == 1))
        assert (shown[phase, 0] == expected).all(), phase


def test_conditions():
    c = DualRetroCueMatch(n_stimuli=4, swap=0.3).trials(1500, seed=1).conditions
    right = c["cued"] == "right"
    cued, other = c["left"].mask(right, c["right"]), c["right"].mask(right, c["left"])
    assert (c["left"] != c["right"]).all()
    kind = np.select([c["test_item"] == cued, c["test_item"] == other], ["match", "swap"], "new")
    assert (kind == c["kind"]).all()
    shares = c["kind"].value_counts(normalize=True)
    assert shares[["match", "swap", "new"]].to_numpy() == pytest.approx([0.5, 0.3, 0.2], abs=0.04)
    pairs = c.groupby(["left", "right"]).size() / len(c)
    assert len(pairs) == 12
    assert pairs.between(0.05, 0.12).all()
    two = c["cued"].unstack()
    same = (two[0] == two[1]).map({True: "stay", False: "switch"})
    assert c["focus"].unstack()[0].eq("first").all()
    assert c["focus"].unstack()[1].eq(same).all()


def test_targets_and_mask():
    trials = DualRetroCueMatch().trials(1, kind=[["match", "swap"]])
    assert trials.targets[0, 120] == pytest.approx([0.2, 0.2, 1.0])
    assert trials.targets[0, 195] == pytest.approx([0.2, 1.0, 0.2])
    one = [1] * 100 + [0] * 5 + [1] * 20
    assert trials.mask[0, :, 1].tolist() == one + one[50:]


def test_without_the_cue_lures_are_missed():
    task = DualRetroCueMatch(noise=0.0)
    trials = task.trials(600, seed=2)
    blind = trials.inputs.copy()
    blind[..., -2:] = 0.0  # then the observer always takes the right item
    outputs = task.observer(replace(trials, inputs=blind))
    correct = task.behavior(trials, outputs).groupby("kind")["correct"].mean()
    assert correct["new"] == 1.0
    assert correct[["match", "swap"]].to_numpy() == pytest.approx([0.5, 0.5], abs=0.08)


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`n_stimuli` must be a whole number of 3 or more, got 2"):
        DualRetroCueMatch(n_stimuli=2)
    with pytest.raises(ValueError, match=r"`swap` must be a number in \[0, 0\.5\], got 0\.6"):
        DualRetroCueMatch(swap=0.6)
    for name in ("sample", "cue"):
        with pytest.raises(ValueError, match=f"`{name}` must be a number above 0, got 0"):
            DualRetroCueMatch(**{name: 0.0})
    with pytest.raises(ValueError, match=r"`trials_per_block` must be a whole number .*, got None"):
        DualRetroCueMatch(trials_per_block=None)
