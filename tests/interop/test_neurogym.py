"""Environments of neurogym as tasks: a fake of their shape, and the real ones where installed."""

import copy
import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask._streams import Stream
from neurotask.interop import neurogym
from neurotask.interop._columns import merged
from neurotask.interop._neurogym_env import run
from neurotask.trials import WITHHOLD

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "how_to" / "neurogym.md"

# gymnasium warns of what neurogym does.
loud = pytest.mark.filterwarnings("ignore:.*WARN")


def space(shape=(), n=None, name=None):
    return SimpleNamespace(shape=shape, n=n, name=name)


class Fake:
    """Choose the side with more evidence. Some trials have a delay, and those say how long.

    Without noise the stimulus channels hold the coherence, + on the right side and - on the other.
    """

    dt = 50

    def __init__(self, noise=0.0, level=1.0):
        self.observation_space = space((3,), name={"fixation": 0, "stimulus": [1, 2]})
        self.action_space = space(n=3, name={"fixation": 0, "choice": range(1, 3)})
        self.start_ind, self.end_ind, self.rng = {}, {}, np.random.default_rng()
        self.noise, self.level, self.made = noise, level, 0

    def seed(self, seed=None):
        self.rng = np.random.default_rng(seed)

    def draw(self):
        trial = {"coh": self.rng.choice([6.4, 25.6, 51.2]), "ground_truth": self.rng.integers(2)}
        if self.rng.random() < 0.5:
            trial |= {"delay_steps": int(self.rng.integers(1, 4)), "cue": "late"}
        return trial

    def new_trial(self, **kwargs):
        self.made += 1
        trial = self.draw() | kwargs
        spans = {"fixation": 2, "stimulus": 4, "delay": trial.get("delay_steps"), "decision": 1}
        at = 0
        for name, steps in spans.items():
            if steps is not None:
                self.start_ind[name], self.end_ind[name] = at, at + steps
                at += steps
        self.ob, self.gt = np.zeros((at, 3), np.float32), np.zeros(at, int)
        side = 1 + trial["ground_truth"]
        self.ob[:-1, 0] = self.level
        self.ob[2:6, 1:] = -trial["coh"]
        self.ob[2:6, side] = trial["coh"]
        self.ob[2:6, 1:] += self.noise * self.rng.standard_normal((4, 2))
        self.gt[-1] = side
        return trial


class GoNogo(Fake):
    """Act in the last two steps, or in none."""

    def __init__(self):
        super().__init__()
        self.action_space = space(n=2)

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt[:] = 0
        self.gt[-2:] = trial["ground_truth"]
        return trial


class Two(Fake):
    """Two answers a trial: 1 in steps 3 and 4, then 1 or 2 in the last one."""

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt[3:5] = 1
        return trial


class Values(Fake):
    """Show two numbers and ask for them in the last phase, for their negatives before."""

    def __init__(self):
        super().__init__()
        self.action_space = space((2,))

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt = np.repeat(-self.ob[3:4, 1:], len(self.ob), axis=0)
        self.gt[self.start_ind["decision"] :] *= -1
        return trial


def decisive(trials, place):
    """Outputs that are those wanted, and in decisions that of one place."""
    outputs = trials.targets.copy()
    outputs[trials.targets[..., 1:].any(2)] = np.eye(trials.targets.shape[2])[place]
    return outputs


# --- what arrives ----------------------------------------------------------------------------


def test_an_environment_is_a_task():
    task = neurogym.task(Fake())
    assert isinstance(task, nt.Task)
    assert task.inputs == ("fixation", "stimulus_0", "stimulus_1")
    assert task.outputs == ("fixation", "choice_0", "choice_1")
    assert task.choices == ("choice_0", "choice_1")
    assert task.dt == 50.0


def test_observations_periods_conditions_and_ground_truth_arrive():
    trials = neurogym.task(Fake()).trials(200, seed=3)
    assert tuple(trials.phases) == ("fixation", "stimulus", "delay", "decision")
    assert {a.dtype for a in (trials.inputs, trials.targets, trials.mask)} == {np.dtype("float32")}
    delayed = 0
    for at, row in enumerate(trials.conditions.itertuples()):
        delay = 0 if np.isnan(row.delay_steps) else int(row.delay_steps)
        length, side = 7 + delay, row.ground_truth + 1
        delayed += delay > 0
        wanted = np.zeros((10, 3))
        wanted[: length - 1, 0] = 1.0
        wanted[2:6, 1:] = -row.coh
        wanted[2:6, side] = row.coh
        np.testing.assert_allclose(trials.inputs[at], wanted, rtol=1e-6)
        one_hot = np.zeros((10, 3))
        one_hot[: length - 1, 0] = 1.0
        one_hot[length - 1, side] = 1.0
        np.testing.assert_array_equal(trials.targets[at], one_hot)
        np.testing.assert_array_equal(trials.mask[at, :, 0], np.arange(10) < length)
        assert trials.answers[at] == row.ground_truth
        assert trials.lengths[at] == length
        assert trials.phases["decision"][at].tolist() == [50.0 * (length - 1), 50.0 * length]
        assert trials.phases["stimulus"][at].tolist() == [100.0, 300.0]
        # Its environment still remembers the delay of an earlier trial: it must not come through.
        shown = trials.phases["delay"][at]
        assert shown.tolist() == [300.0, 300.0 + 50.0 * delay] if delay else np.isnan(shown).all()
        assert row.cue == ("late" if delay else "none")
    assert 60 < delayed < 140


def test_conditions_keep_their_types_in_every_batch():
    task = neurogym.task(Fake())
    kinds = {"coh": "f", "ground_truth": "i", "delay_steps": "f", "cue": "U"}
    for n, seed in ((200, 0), (1, 1), (1, 2), (1, 3), (1, 4)):
        columns = task.trials(n, seed=seed).columns
        assert {name: values.dtype.kind for name, values in columns.items()} == kinds


def test_shapes_are_the_same_in_every_batch():
    task = neurogym.task(Fake())
    assert {task.trials(1, seed=seed).inputs.shape for seed in range(20)} == {(1, 10, 3)}


def test_noise_arrives_with_its_size_and_anew_in_each_batch():
    task, silent = neurogym.task(Fake(noise=0.3)), neurogym.task(Fake())
    a, b = (task.trials(2000, seed=seed) for seed in (0, 1))
    # coherence is the mean of the two channels' distance from zero
    shown = a.inputs[:, 2:6, 1:]
    signal = np.where(a.targets[np.arange(2000), a.lengths - 1, 1:] > 0, 1, -1)
    noise = shown - (signal * a.columns["coh"][:, None])[:, None]
    assert noise.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * noise.size))
    assert abs(np.corrcoef(a.inputs[:, 3, 1], b.inputs[:, 3, 1])[0, 1]) < 0.1
    assert silent.trials(4).inputs.shape == (4, 10, 3)


def test_more_than_one_dimension_of_observations_becomes_channels():
    class Picture(Fake):
        def __init__(self):
            super().__init__()
            self.observation_space = space((3, 2))

        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            self.ob = np.stack([self.ob, 2 * self.ob], axis=2)
            return trial

    task = neurogym.task(Picture())
    assert task.inputs == tuple(f"input_{at}" for at in range(6))
    inputs = task.trials(5).inputs
    np.testing.assert_array_equal(inputs[..., 1::2], 2 * inputs[..., ::2])


def test_a_condition_named_as_something_else_of_the_table_gets_another_name():
    class Choice(Fake):
        def draw(self):
            return super().draw() | {"choice": self.rng.integers(5), "time": "day", "spot": (1, 2)}

    task = neurogym.task(Choice())
    trials = task.trials(20)
    assert {"trial_choice", "trial_time"} < set(trials.columns)
    assert not {"choice", "time", "spot"} & set(trials.columns)
    table = task.behavior(trials, trials.targets)
    assert set(table["choice"]) == {"choice_0", "choice_1"}
    assert trials.to_xarray().sizes["time"] == 10


# --- a function of the seed alone ------------------------------------------------------------


def test_a_batch_depends_on_seed_stream_and_index_alone():
    env = Fake(noise=1.0)
    task, other = neurogym.task(env), neurogym.task(env)
    for _ in range(3):
        other.trials(7, seed=9)
    where = dict(seed=4, stream=Stream.TRAINING, index=2)
    a, b = task.batch(16, **where), other.batch(16, **where)
    np.testing.assert_array_equal(a.inputs, b.inputs)
    np.testing.assert_array_equal(a.targets, b.targets)
    assert a.conditions.equals(b.conditions)
    for change in (dict(seed=5), dict(stream=Stream.TRIALS), dict(index=3)):
        assert not np.array_equal(a.inputs, task.batch(16, **(where | change)).inputs)


def test_the_environment_of_the_user_is_left_alone():
    env = Fake(noise=1.0)
    before = copy.deepcopy(vars(env) | {"rng": env.rng.bit_generator.state})
    task = neurogym.task(env)
    first = task.trials(8)
    after = vars(env) | {"rng": env.rng.bit_generator.state}
    assert str(before) == str(after)
    env.level = 100.0
    np.testing.assert_array_equal(task.trials(8).inputs, first.inputs)
    assert task.source is not env


def test_durations_written_as_functions_of_the_environment_follow_the_seed():
    # timing={"stimulus": lambda: self.rng.uniform(...)}, as in many environments: a plain copy of
    # such a function still draws from the generator of the original.
    class Timed(Fake):
        def __init__(self):
            super().__init__()
            self.timing = {"scale": lambda low=1.0: self.rng.uniform(low, 2.0)}
            self.others = [lambda: self.timing["scale"]()]

        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            self.ob[:, 0] *= self.others[0]()
            return trial

    env = Timed()
    state = str(env.rng.bit_generator.state)
    a, b = (neurogym.task(env).trials(50, seed=1).inputs[:, 0, 0] for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert len(np.unique(a)) == 50
    assert str(env.rng.bit_generator.state) == state


def test_a_reset_that_seeds_anew_does_no_harm():
    class Reset(Fake):
        def reset(self, seed=None):
            self.seed(seed)

    a, b = (neurogym.task(Reset(1.0)).trials(8, seed=2).inputs for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_periods_are_in_one_order_whichever_trials_have_them():
    orders = [["fixation", "decision"], ["sure"], ["fixation", "stimulus", "sure", "decision"]]
    for at in range(3):
        names = merged([orders[-1 - at], *orders])
        places = [[names.index(name) for name in order] for order in orders]
        assert sorted(names) == ["decision", "fixation", "stimulus", "sure"]
        assert all(place == sorted(place) for place in places)

    assert set(merged(["abd", "acd"])) == set("abcd")
    assert merged(["abd", "acd"])[-1] == "d"


def test_the_same_periods_whatever_came_before():
    env = Fake()
    made = run(env, 30, (0, 1), {})
    assert {"delay" in trial.phases for trial in made} == {True, False}
    for trial in made:
        assert ("delay" in trial.phases) == ("delay_steps" in trial.conditions)


# --- weights ---------------------------------------------------------------------------------


def test_balance_makes_decisions_weigh_as_much_as_all_else():
    trials = neurogym.task(Fake(), balance=True).trials(50)
    assert set(np.unique(trials.mask[..., 0])) > {0.0, 1.0}
    for at in range(50):
        due = trials.targets[at, :, 1:].any(1)
        weight = trials.mask[at, :, 0]
        assert due.sum() == 1
        assert weight[due].sum() == weight[~due].sum() == trials.lengths[at] - 1
        np.testing.assert_array_equal(weight[~due], trials.present[at][~due])
    assert (trials.mask == trials.mask[..., :1]).all()


def test_balance_counts_fixating_throughout_as_a_decision_in_the_last_step():
    trials = neurogym.task(GoNogo(), balance=True).trials(50)
    nogo = trials.columns["ground_truth"] == 0
    last = trials.mask[np.arange(50), trials.lengths - 1, 0]
    np.testing.assert_array_equal(last[nogo], trials.lengths[nogo] - 1)
    np.testing.assert_array_equal(last[~nogo], (trials.lengths[~nogo] - 2) / 2)


def test_fixating_always_is_right_in_most_steps_and_in_no_trial():
    for balance, share in ((False, 0.8), (True, 0.5)):
        task = neurogym.task(Fake(), balance=balance)
        trials = task.trials(200)
        outputs = np.zeros_like(trials.targets)
        outputs[..., 0] = 1.0
        right = outputs.argmax(2) == trials.targets.argmax(2)
        weight = trials.mask[..., 0]
        got = (right * weight).sum() / weight.sum()
        assert got == pytest.approx(0.5) if balance else got > share
        table = task.behavior(trials, outputs)
        assert set(table["outcome"]) == {"no_response"} and table["correct"].sum() == 0


# --- how an answer is read -------------------------------------------------------------------


def test_the_choice_is_the_highest_output_while_an_answer_is_wanted():
    task = neurogym.task(Fake())
    trials = task.trials(100)
    right = task.behavior(trials, trials.targets)
    assert (right["correct"] == 1).all() and (right["choice"] == right["answer"]).all()
    left = task.behavior(trials, decisive(trials, 1))
    np.testing.assert_array_equal(left["correct"], trials.columns["ground_truth"] == 0)
    assert set(left["choice"]) == {"choice_0"}


def test_an_early_answer_breaks_fixation():
    task = neurogym.task(Fake())
    trials = task.trials(100)
    outputs = np.zeros_like(trials.targets)
    outputs[..., 1] = 1.0
    assert set(task.behavior(trials, outputs)["outcome"]) == {"broken_fixation"}


def test_padding_is_not_read():
    task = neurogym.task(Fake())
    trials = task.trials(100)
    outputs = trials.targets.copy()
    outputs[~trials.present] = [0.0, 50.0, 0.0]
    assert (task.behavior(trials, outputs)["correct"] == 1).all()


def test_withholding_is_right_where_no_step_asks_for_an_answer():
    task = neurogym.task(GoNogo())
    assert task.outputs == ("fixation", "action_1")
    trials = task.trials(100)
    nogo = trials.columns["ground_truth"] == 0
    np.testing.assert_array_equal(trials.answers, np.where(nogo, WITHHOLD, 0))
    assert (task.behavior(trials, trials.targets)["correct"] == 1).all()
    never = np.zeros_like(trials.targets)
    never[..., 0] = 1.0
    np.testing.assert_array_equal(task.behavior(trials, never)["correct"], nogo)
    late = never.copy()
    late[np.arange(100), trials.lengths - 1] = [0.0, 1.0]
    assert (task.behavior(trials, late)["choice"][nogo] == "action_1").all()
    assert (task.behavior(trials, late)["correct"][nogo] == 0).all()


def test_of_several_answers_the_last_is_read():
    task = neurogym.task(Two())
    trials = task.trials(100)
    outputs = trials.targets.copy()
    outputs[:, 3:5] = [0.0, 0.0, 1.0]  # the first answer, wrong
    table = task.behavior(trials, outputs)
    np.testing.assert_array_equal(trials.answers, trials.columns["ground_truth"])
    assert (table["correct"] == 1).all()
    assert (task.behavior(trials, decisive(trials, 2))["choice"] == "choice_1").all()


def test_without_a_fixation_action_the_last_step_is_read():
    class All(Fake):
        def __init__(self):
            super().__init__()
            self.action_space = space(n=2, name={"side": [0, 1]})

        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            self.gt[:] = 0
            self.gt[-1] = trial["ground_truth"]
            return trial

    task = neurogym.task(All())
    assert task.outputs == task.choices == ("side_0", "side_1")
    trials = task.trials(50)
    np.testing.assert_array_equal(trials.answers, trials.columns["ground_truth"])
    outputs = np.zeros_like(trials.targets)
    outputs[..., 0] = 1.0
    np.testing.assert_array_equal(task.behavior(trials, outputs)["correct"], trials.answers == 0)
    outputs[np.arange(50), trials.lengths - 1] = [0.0, 0.1]
    np.testing.assert_array_equal(task.behavior(trials, outputs)["correct"], trials.answers == 1)


def test_the_fixation_action_may_be_any():
    class Last(Fake):
        def __init__(self):
            super().__init__()
            self.action_space = space(n=3, name={"side": [0, 1], "fixation": 2})

        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            self.gt = np.where(self.gt == 0, 2, self.gt - 1)
            return trial

    task = neurogym.task(Last(), balance=True)
    assert task.outputs == ("side_0", "side_1", "fixation")
    trials = task.trials(100)
    np.testing.assert_array_equal(trials.answers, trials.columns["ground_truth"])
    assert (task.behavior(trials, trials.targets)["correct"] == 1).all()
    np.testing.assert_array_equal(trials.mask.sum((1, 2)), 6 * (trials.lengths - 1))


def test_values_are_right_near_the_ground_truth_in_the_last_phase():
    task = neurogym.task(Values(), tolerance=0.5)
    assert task.outputs == ("output_0", "output_1") and task.choices == ()
    trials = task.trials(40)
    coh = trials.columns["coh"]
    np.testing.assert_allclose(np.abs(trials.targets[:, 0, 0]), coh, rtol=1e-6)
    np.testing.assert_allclose(
        trials.targets[np.arange(40), trials.lengths - 1], -trials.targets[:, 0]
    )
    outputs = trials.targets + np.array([0.3, 0.4], np.float32)
    outputs[:, :6] = 1e3  # before the last phase
    table = task.behavior(trials, outputs)
    np.testing.assert_allclose(table["error"], np.sqrt(0.125), rtol=1e-4)
    assert (table["correct"] == 1).all()
    assert (task.replace(tolerance=0.3).behavior(trials, outputs)["correct"] == 1).all()  # its own
    strict = task.replace(tolerance=0.3).trials(40)
    assert (strict.task.behavior(strict, outputs)["correct"] == 0).all()


# --- conditions held by hand -----------------------------------------------------------------


def test_conditions_are_passed_on_to_the_environment():
    task = neurogym.task(Fake())
    free, held = task.trials(40), task.trials(40, coh=51.2, ground_truth=1)
    assert set(held.columns["coh"]) == {51.2} and set(held.answers) == {1}
    np.testing.assert_allclose(held.inputs[:, 3, 2], 51.2)
    # What is not named stays as it would have been.
    np.testing.assert_array_equal(held.lengths, free.lengths)
    each = np.where(np.arange(40) % 2, 6.4, 25.6)
    np.testing.assert_allclose(np.abs(task.trials(40, coh=each).inputs[:, 3, 1]), each)


def test_a_table_of_trials_is_shown_by_its_columns():
    table = pd.DataFrame(
        {"coh": [6.4, 51.2, 25.6], "ground_truth": [1, 0, 1], "cue": ["a", "b", "a"]}
    )
    trials = neurogym.task(Cued()).trials(3, **table)
    for name in table:
        assert trials.columns[name].tolist() == table[name].tolist()
    np.testing.assert_allclose(trials.inputs[:, 3, 2], [6.4, -51.2, 25.6])


def test_a_grid_crosses_conditions():
    grid = neurogym.task(Fake()).grid(coh=[6.4, 51.2], ground_truth=[0, 1], repeats=3)
    assert grid.conditions.groupby(["coh", "ground_truth"]).size().tolist() == [3] * 4
    np.testing.assert_array_equal(grid.answers, grid.columns["ground_truth"])


def test_an_unknown_condition_is_refused_by_name():
    with pytest.raises(
        ValueError,
        match=re.escape(
            '`coherence` must be a condition of Fake, whose trials have "coh", "ground_truth", "'
        ),
    ):
        neurogym.task(Fake()).trials(2, coherence=0.1)


class Cued(Fake):
    """Shows its cue."""

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.ob[0, 0] = trial.get("cue") == "a"
        return trial


class Deaf(Fake):
    """Takes no condition."""

    def new_trial(self, **kwargs):
        return super().new_trial()


class Liar(Fake):
    """Writes down what it is given, and shows what it drew."""

    def new_trial(self, **kwargs):
        return super().new_trial() | kwargs


@pytest.mark.parametrize(
    ("env", "given", "text"),
    [
        (Deaf(), dict(coh=1.5), r"`coh` must be a condition that new_trial\(\) of Deaf takes, but given 1.5 its trial has np.float64\([\d.]+\). Leave it out."),
        (Liar(), dict(coh=1.5), "`coh` must be a condition that Liar makes its trials from, but holding it changes neither observations nor ground truth. Leave it out."),
        (Fake(), dict(ground_truth=7), r"`ground_truth` must be what new_trial\(\) of Fake takes, got {'ground_truth': 7}, which ended in IndexError: "),
        (Fake(), dict(coh=[1.0, 2.0]), r"`coh` must be one value or one a trial, shape \(9,\), got \[1.0, 2.0\]."),
        (Fake(), dict(coh=None), r"`coh` must be one value or one a trial, shape \(9,\), got None."),
    ],
)  # fmt: skip
def test_a_condition_that_does_not_take_is_refused(env, given, text):
    with pytest.raises(ValueError, match=text):
        neurogym.task(env).trials(9, **given)


# --- what cannot be a task -------------------------------------------------------------------


class NoTruth(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        del self.gt
        return trial


class StaleTruth(Fake):
    """As neurogym's: the ground truth of an earlier trial stays where a trial sets none."""

    _gt_built = False


class NoObservations(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        del self.ob
        return trial


class Short(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt = self.gt[:-1]
        return trial


class Beyond(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt[-1] = 3
        return trial


class Nan(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.ob[1, 0] = np.nan
        return trial


class Late(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.end_ind["decision"] += 1
        return trial


class Silent(Fake):
    def new_trial(self, **kwargs):
        super().new_trial(**kwargs)


class Steps(Fake):
    """Steps through its trial; `move` is what acting does to the observation."""

    t = 0

    def move(self, ob, action):
        return ob

    def step(self, action):
        self.t += 1
        ended = self.t == len(self.ob)
        return (
            self.move(self.ob[self.t % len(self.ob)], action),
            0.0,
            False,
            False,
            {"new_trial": ended},
        )


class Acting(Steps):
    """As Reaching1D: changes the laid out observation itself."""

    def move(self, ob, action):
        ob[1] += action
        return ob


class Noisy(Steps):
    def move(self, ob, action):
        return ob + self.rng.normal(size=3)


class PassesAction(Steps):
    def __init__(self):
        super().__init__()
        self.observation_space = space((4,))


class Unseeded(Fake):
    def seed(self, seed=None):
        pass


class Endless(Fake):
    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        del self.end_ind["stimulus"]
        return trial


class Deaf(Fake):
    seed = 3


class Seedless(Fake):
    seed = None


class Global(Fake):
    chance = np.random.default_rng(0)  # of the class: no copy has its own

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.ob[0, 0] = self.chance.random()
        return trial


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (NoTruth(), "`env` must be supervised, but new_trial() of NoTruth makes no ground truth `gt`. Choose an environment in which each step has a right action."),
        (StaleTruth(), "`env` must be supervised, but new_trial() of StaleTruth makes no ground truth"),
        (NoObservations(), "`env` must lay out the observations of a trial in `ob`, but new_trial() of NoObservations makes none. Environments that are played step by step cannot be tasks."),
        (Short(), "`gt` of Short must have one entry for each of the 8 steps of `ob`, got 7. Set it after all periods are added."),
        (Beyond(), "`gt` of Beyond must hold an action of each step, 0 to 2, got [0 3]."),
        (Nan(), "`ob` of Nan must be finite, got [nan  0.  0.] in step 1."),
        (Late(), "`decision` of Late must lie within the 8 steps of the trial, got steps 7 to 9."),
        (Endless(), '`end_ind` of Endless must have the periods of `start_ind`, but lacks "stimulus". Set both for each period.'),
        (Acting(), "`env` must show what its trial holds in `ob`, but `step` of Acting returns other observations: they depend on what is done or are changed by a wrapper. Leave the wrapper out; a task cannot depend on what is done."),
        (Noisy(), "`env` must show what its trial holds in `ob`, but `step` of Noisy returns other observations"),
        (PassesAction(), "`ob` of PassesAction must have the channels of its observation_space, (4,), got 3. Leave out wrappers that add observations in `step`."),
        (Unseeded(), "`env` must draw its trials from what seed() sets, but Unseeded makes the same trials from two seeds. Draw from self.rng, not from a generator of your own."),
        (Global(), "`env` must draw its trials from what seed() sets, but Global makes different trials from one seed. Draw from self.rng, not from a generator of your own."),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_a_task_says_why(env, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        neurogym.task(env)


def test_a_trial_that_is_no_dict_is_refused():
    with pytest.raises(
        TypeError, match=r"`new_trial` of Silent must return a dict of what varies, got None."
    ):
        neurogym.task(Silent())


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (3, '`env` must be a supervised neurogym environment or the id of one, got 3, which has no "new_trial", "seed", "dt", "action_space", "observation_space", "start_ind", "end_ind". Make one with neurogym.make() or give its id.'),
        (Fake, "`env` must be a supervised neurogym environment or the id of one, got <class"),
        (Seedless(), ', which has no "seed". Make one'),
        (Deaf(), "`seed` of Deaf must be a method, got 3. Define seed(self, seed=None)."),
        (SimpleNamespace(**{name: 1 for name in ("new_trial", "seed", "action_space", "observation_space", "start_ind", "end_ind")}), ', which has no "dt". Make one'),
    ],
    ids=["number", "class", "seed is None", "seed is a number", "no dt"],
)  # fmt: skip
def test_what_is_no_environment_is_refused(env, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        neurogym.task(env)


def test_an_environment_that_steps_through_its_trial_is_fine():
    assert neurogym.task(Steps()).trials(4).inputs.shape == (4, 10, 3)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (dict(dt=20), TypeError, "`dt` must not be given with an environment, which is made already. Make it with this setting, or give its id."),
        (dict(balance=1), TypeError, "`balance` must be True or False, got 1."),
        (dict(tolerance=0.1), ValueError, '`tolerance` must be None for Fake, whose actions are "fixation", "choice_0", "choice_1", got 0.1. It is for answers that are values.'),
        (dict(tolerance=-1.0), ValueError, "`tolerance` must be a number of 0 or more, got -1.0."),
    ],
)  # fmt: skip
def test_settings_are_checked(settings, error, text):
    with pytest.raises(error, match=re.escape(text)):
        neurogym.task(Fake(), **settings)


def test_the_time_step_is_that_of_the_environment():
    task = neurogym.task(Fake())
    assert task.replace(balance=True).dt == 50.0
    with pytest.raises(
        ValueError,
        match=r"`dt` must be that of the environment, 50 ms, got 20. Make another task from the environment with this dt.",
    ):
        task.replace(dt=20)


# --- ids -------------------------------------------------------------------------------------


@pytest.fixture
def package(monkeypatch):
    """A neurogym in which "Fake-v0" is registered."""

    class FromStart(Fake):
        """Draws before it can be seeded, and shows it; its generator is of the old kind."""

        def __init__(self, dt=50, **settings):
            super().__init__(**settings)
            self.dt, self.level = dt, np.random.RandomState().rand()

    made = SimpleNamespace(make=lambda env_id, **settings: FromStart(**settings))
    registry = {"Fake-v0": None, "Other-v0": None}
    monkeypatch.setitem(sys.modules, "neurogym", made)
    monkeypatch.setitem(sys.modules, "gymnasium", SimpleNamespace(envs=SimpleNamespace(registry=registry)))  # fmt: skip
    return made


def test_an_id_is_made_with_its_settings(package):
    task = neurogym.task("Fake-v0", dt=20, noise=0.0)
    assert task.dt == 20.0
    assert task.trials(3).inputs.shape == (3, 10, 3)
    assert eval(repr(task), {"NeurogymTask": neurogym.NeurogymTask}) == task
    assert hash(task) == hash(neurogym.task("Fake-v0", dt=20, noise=0.0))
    assert task != neurogym.task("Fake-v0", dt=50)


def test_an_id_keeps_the_contract_of_tasks(package):
    nt.testing.check_task(neurogym.task("Fake-v0", noise=0.5))


def test_what_an_id_draws_while_it_is_made_is_the_same_each_time(package):
    original = np.random.RandomState
    a, b = (neurogym.task("Fake-v0").trials(4).inputs for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a[0, 0, 0] not in (0.0, 1.0)
    assert np.random.RandomState is original


def test_an_id_that_cannot_be_made_alike_is_refused(package):
    package.make = lambda env_id: Fake(level=np.random.default_rng().random())
    with pytest.raises(
        ValueError,
        match=r"`env` must be made alike each time, but two of Fake make different trials from one seed: it draws while it is made. Make one environment, keep it, and give it.",
    ):
        neurogym.task("Fake-v0")


def test_an_unknown_id_names_the_nearest(package):
    with pytest.raises(
        ValueError,
        match=r"`env` must be an environment or the id of one in neurogym's registry, got 'Fake-v1'. Did you mean \"Fake-v0\"\?",
    ):
        neurogym.task("Fake-v1")


def test_without_neurogym_an_id_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    with pytest.raises(
        ImportError,
        match=re.escape("`neurogym` must be installed to make 'GoNogo-v0', got ModuleNotFoundError: ")
        + ".*"
        + re.escape("Do `pip install neurogym==2.2.0` (2.3.1 also needs torch, which it does not declare), or pass an environment."),
    ):  # fmt: skip
        neurogym.task("GoNogo-v0")


def test_an_environment_needs_no_neurogym(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    assert neurogym.task(Fake()).trials(2).inputs.shape == (2, 10, 3)


# --- with the rest of the package ------------------------------------------------------------


def test_a_network_learns_it():
    pytest.importorskip("tensorflow")
    task = neurogym.task(Fake(noise=5.0), balance=True)
    model = nt.RateRNN.for_task(task, units=30, tau=100.0, noise=0.0, seed=0)
    model.compile(optimizer="adam")
    loss = model.fit(task, updates=60, batch_size=32, seed=0, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    session = model.run(task.trials(20, coh=51.2), seed=0)
    assert set(session["coh"].to_numpy()) == {51.2} and "correct" in session.coords


def test_a_trial_can_be_drawn():
    assert len(neurogym.task(Fake()).plot().axes) >= 2


@loud
def test_the_page_does_what_it_says():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        if "-v0" in block and importlib.util.find_spec("neurogym") is None:
            continue
        exec(block, names)
    assert names["table"]["correct"].mean() == 1.0


def test_the_page_counts_as_the_table_does():
    table = (DOCS / "reproductions" / "neurogym_environments.md").read_text()
    rows = re.findall(r"^\| \S+-v0 \| (yes|no: [^|]+?) \|", table, flags=re.MULTILINE)
    assert f"{rows.count('yes')} of the {len(rows)} registered" in PAGE.read_text().replace(
        "\n", " "
    )
    assert "not met" not in table


# --- neurogym itself -------------------------------------------------------------------------

NOT_TASKS = {"Bandit", "DawTwoStep", "EconomicDecisionMaking", "Null", "Reaching1D", "Reaching1DWithSelfDistraction"}  # fmt: skip


@pytest.fixture(scope="module")
def real():
    return pytest.importorskip("neurogym")


@loud
def test_all_supervised_environments_are_tasks(real):
    from neurogym.envs.registration import ALL_EXTENDED_ENVS

    refused = {}
    for env_id in ALL_EXTENDED_ENVS:
        try:
            task = neurogym.task(env_id)
        except ValueError as error:
            refused[env_id.removesuffix("-v0")] = str(error)
            continue
        trials = task.trials(50, seed=1)
        assert (task.behavior(trials, trials.targets)["correct"] == 1).all(), env_id
        np.testing.assert_array_equal(
            trials.inputs, neurogym.task(env_id).trials(50, seed=1).inputs
        )
        assert trials.to_xarray().sizes["trial"] == 50
    assert set(refused) == NOT_TASKS
    for name, text in refused.items():
        assert ("show what its trial holds" if "Reaching" in name else "supervised") in text


@loud
def test_a_real_trial_is_what_its_environment_makes(real):
    env = real.make("PostDecisionWager-v0")
    made = run(env, 40, (5, 6), {})
    env.get_wrapper_attr("seed")(5)
    env.reset()
    env.get_wrapper_attr("seed")(6)
    sure = 0
    for trial in made:
        env.unwrapped.start_ind.clear()
        params = env.get_wrapper_attr("new_trial")()
        np.testing.assert_array_equal(trial.inputs, env.unwrapped.ob)
        np.testing.assert_array_equal(trial.wanted, env.unwrapped.gt)
        assert {k: v for k, v in params.items() if np.ndim(v) == 0} == trial.conditions
        assert ("pre_sure" in trial.phases) == params["wager"]
        sure += params["wager"]
    assert 0 < sure < 40


@loud
def test_real_conditions_can_be_held(real):
    task = neurogym.task("PerceptualDecisionMaking-v0", dt=20, sigma=0.0)
    trials = task.trials(20, coh=51.2, ground_truth=1)
    stimulus = trials.inputs[:, 10, 1:]
    np.testing.assert_allclose(stimulus, [[0.5 - 0.256, 0.5 + 0.256]] * 20, rtol=1e-6)
    assert set(trials.answers) == {1}
    with pytest.raises(ValueError, match="`ground_truth` must be a condition that new_trial"):
        neurogym.task("PulseDecisionMaking-v0").trials(20, ground_truth=1)
    with pytest.raises(ValueError, match="holding it changes neither"):
        neurogym.task("OneTwoThreeGo-v0").trials(20, interval=600)


@loud
def test_real_wrappers(real):
    from neurogym.utils import scheduler
    from neurogym.wrappers import PassAction, ScheduleEnvs
    from neurogym.wrappers.noise import Noise

    envs = [real.make(f"yang19.{name}-v0") for name in ("go", "anti")]
    both = ScheduleEnvs(envs, scheduler.RandomSchedule(2), env_input=True)
    task = neurogym.task(both)
    trials = task.trials(50)
    assert task.inputs[-2:] == ("input_33", "input_34")
    rule = trials.inputs[:, 0, -2:]
    assert (rule.sum(1) == 1).all() and 0 < rule[:, 0].sum() < 50
    np.testing.assert_array_equal(rule[:, 1] == 1, trials.columns["anti"])
    for wrapper in (PassAction, Noise):
        with pytest.raises(
            ValueError, match=r"channels of its observation_space|show what its trial"
        ):
            neurogym.task(wrapper(real.make("GoNogo-v0")))
