"""Tasks around a task: other channels, other levels, all else as it was."""

import numpy as np
import pytest

import neurotask as nt
from neurotask import OnChannels, WithLevels
from neurotask.load import library
from neurotask.on_channels import on_channels
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
from neurotask.tasks.probabilistic_reversal import ProbabilisticReversal
from neurotask.with_levels import at_level

DOTS = PerceptualDiscrimination()
SCOPE = {
    **vars(nt),
    "OnChannels": OnChannels,
    "WithLevels": WithLevels,
    "PerceptualDiscrimination": PerceptualDiscrimination,
}


@pytest.mark.parametrize("name", library())
def test_on_more_channels_a_task_is_what_it_was(name):
    task = library()[name]()
    wide = OnChannels(task, inputs=("a", *task.inputs, "b"), outputs=(*task.outputs[::-1], "c"))
    one, other = task.trials(6, seed=1), wide.trials(6, seed=1)
    places = [wide.outputs.index(output) for output in task.outputs]
    np.testing.assert_array_equal(other.inputs[..., 1:-1], one.inputs)
    np.testing.assert_array_equal(other.targets[..., places], one.targets)
    np.testing.assert_array_equal(other.mask[..., places], one.mask)
    assert not other.inputs[..., [0, -1]].any() and not other.mask[..., -1].any()
    assert other.conditions.equals(one.conditions)
    if task.decision_rule is not None:
        acted = wide.behavior(other, wide.observer(other))
        assert acted.equals(task.behavior(one, task.observer(one)))


def test_on_its_own_channels_a_task_is_itself():
    assert on_channels(DOTS, DOTS.inputs, DOTS.outputs) is DOTS
    assert on_channels(DOTS, (*DOTS.inputs, "x"), DOTS.outputs).inputs[-1] == "x"


def test_a_network_on_more_channels_runs_its_sessions():
    wide = OnChannels(DOTS, inputs=(*DOTS.inputs, "x"), outputs=(*DOTS.outputs, "y"))
    model = nt.RateRNN.for_task(wide, units=4)
    session = model.run(wide.grid(repeats=2), seed=0)
    assert session.sizes["output"] == 3 and session.attrs["psychometric_axis"] == "coherence"


def test_levels_of_a_factor_are_replaced_and_nothing_else():
    faint = WithLevels(DOTS, levels={"coherence": [-0.02, 0.02]})
    conditions = faint.trials(4000, seed=1).conditions["coherence"]
    assert sorted(set(conditions)) == [-0.02, 0.02]
    assert (conditions > 0).mean() == pytest.approx(0.5, abs=0.03)
    held = DOTS.trials(50, seed=1, coherence=faint.trials(50, seed=1).columns["coherence"])
    np.testing.assert_array_equal(faint.trials(50, seed=1).inputs, held.inputs)
    assert faint.trials(5, coherence=0.3).columns["coherence"].tolist() == [0.3] * 5
    assert faint.grid(repeats=3).conditions["coherence"].tolist() == [-0.02] * 3 + [0.02] * 3


def test_levels_in_blocks_are_one_a_trial_or_one_a_block():
    task = ProbabilisticReversal()
    always = WithLevels(task, levels={"switch": (True,), "start": ("arm_1",)})
    trials = always.trials(3, seed=1)
    assert trials.columns["switch"].all() and set(trials.columns["start"]) == {"arm_1"}


@pytest.mark.parametrize(
    "wrapped",
    [
        WithLevels(DOTS, levels={"coherence": (-0.02, 0.02)}),
        OnChannels(DOTS, inputs=(*DOTS.inputs, "x"), outputs=DOTS.outputs, dt=10.0),
    ],
)
def test_they_print_as_the_call_that_makes_them(wrapped):
    assert eval(repr(wrapped), SCOPE) == wrapped
    assert hash(eval(repr(wrapped), SCOPE)) == hash(wrapped)


def test_a_level_is_a_setting_a_tuple_of_one_or_a_strength_of_either_sign():
    assert at_level(DOTS, "stimulus", 400.0) == DOTS.replace(stimulus=400.0)
    assert at_level(DOTS, "coherences", 0.1) == DOTS.replace(coherences=(0.1,))
    assert at_level(DOTS, "coherence", 0.1) == WithLevels(DOTS, levels={"coherence": (-0.1, 0.1)})
    assert at_level(DOTS, "coherence", 0.0) == WithLevels(DOTS, levels={"coherence": (0.0,)})
    four = DOTS.replace(n_choices=4)
    assert at_level(four, "coherence", 0.1) == WithLevels(four, levels={"coherence": (0.1,)})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: at_level(DOTS, "coherenc", 0.1),
            ValueError,
            '`parameter` .*Did you mean "coherence"',
        ),
        (
            lambda: WithLevels(DOTS, levels={"x": (1,)}),
            ValueError,
            r'`levels` must be one of "coherence"',
        ),
        (
            lambda: WithLevels(DOTS, levels={}),
            TypeError,
            "`levels` must be a dict of levels by factor",
        ),
        (
            lambda: WithLevels(DOTS, levels={"coherence": (2.0,)}),
            ValueError,
            r"`coherence` must be a number in \[-1, 1\], got 2.0",
        ),
        (lambda: WithLevels(3, levels={"x": (1,)}), TypeError, "`task` must be a Task, got 3"),
        (
            lambda: OnChannels(DOTS, inputs=("fixation",), outputs=DOTS.outputs),
            ValueError,
            '`inputs` must hold the task\'s, got "fixation" without "motion_left", "motion_right"',
        ),
        (lambda: OnChannels(GoNoGo()), ValueError, "`inputs` must hold the task's, got nothing"),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
