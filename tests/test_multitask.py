"""Several tasks in one batch: each trial is exactly that of the task it belongs to."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask import testing
from neurotask._streams import Stream
from neurotask.observers import Seen


@dataclass(frozen=True, kw_only=True)
class Short(nt.Task):
    """Which side, at once."""

    inputs = ("fixation", "u")
    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("report")
    psychometric_axis = "side"

    stimulus: nt.Duration = nt.Levels((60.0, 100.0))
    report: nt.Duration = 60.0

    def factors(self):
        return dict(side=nt.signed((0.5, 1.0)), rank=(1, 2, 3))

    def build(self, t):
        t.input("fixation", until="report")
        t.input("u", t.conditions.side, phase="stimulus")
        t.hold(until="report")
        t.target_choice(t.conditions.side, phase="report")

    def observe(self, seen: Seen):
        return seen.choose(seen.sum("u") > 0)


@dataclass(frozen=True, kw_only=True)
class Delayed(Short):
    """The other side, after a delay; sometimes none."""

    noise: float = 0.0
    delay: nt.Duration = nt.Uniform(100.0, 300.0)
    report: nt.Duration = 100.0
    choose: nt.Duration = 60.0
    decision_rule = nt.Argmax("choose")
    easy = dict(noise=0.0)  # noqa: RUF012
    hard = dict(noise=2.0)  # noqa: RUF012

    def factors(self):
        return dict(side=nt.signed((0.5, 1.0)), mood=("x", "y"), catch=nt.chance(0.2))

    def derive(self, c):
        return dict(answer_side=-c.side)

    def build(self, t):
        t.input("fixation", until="choose")
        t.input("u", t.conditions.side, phase="stimulus", noise=self.noise)
        t.hold(until="choose")
        t.target_choice(t.conditions.answer_side, phase="choose")

    def observe(self, seen: Seen):
        shown = seen.sum("u")
        return seen.choose(shown < 0, withhold=np.abs(shown) < 0.1)


@dataclass(frozen=True, kw_only=True)
class Hold(Short):
    """Keep still, or go right: other choices than those of the others, in another order."""

    choices = ("right", "fixation")

    def build(self, t):
        t.input("fixation", until="report")
        t.input("u", t.conditions.side, phase="stimulus")
        t.target_choice(t.conditions.side < 0, phase="report")

    def observe(self, seen: Seen):
        outputs = np.zeros((seen.n_rows, seen.n_steps, 3), np.float32)
        right = seen.sum("u") > 0
        outputs[right, :, 2] = outputs[~right, :, 0] = 1.0
        return outputs


BOTH = nt.MultiTask([Short(), Delayed()], names=("now", "later"))
N = 60


def test_tasks_may_have_other_choices():
    mixture = nt.MultiTask([Short(), Hold()])
    assert mixture.choices == ("left", "right", "fixation")
    trials = mixture.trials(40, seed=3)
    table = mixture.behavior(trials, mixture.observer(trials))
    for name, task in zip(mixture.names, mixture.tasks, strict=True):
        mine = (trials.columns["task"] == name).nonzero()[0]
        part = mixture.part(trials, name)
        alone = task.behavior(part, task.observer(part))
        for column in ("answer", "choice", "correct"):
            assert table[column].iloc[mine].tolist() == alone[column].tolist()
        assert set(alone["answer"]) == set(task.choices)


@pytest.fixture(scope="module")
def trials():
    return BOTH.trials(N, seed=1)


def test_channels_and_names():
    assert BOTH.inputs == ("fixation", "u", "rule_now", "rule_later")
    assert BOTH.outputs == Short.outputs and BOTH.choices == ("left", "right")
    assert nt.MultiTask([Short(), Delayed()]).names == ("short", "delayed")
    assert nt.MultiTask([Short(), Delayed()], rule_cue=False).inputs == Short.inputs
    assert BOTH.psychometric_axis == "side" and BOTH.dt == 20.0


def test_each_trial_is_that_of_its_task(trials):
    for name, task in zip(BOTH.names, BOTH.tasks, strict=True):
        rows = np.flatnonzero(trials.columns["task"] == name)
        part = BOTH.part(trials, name)
        assert part.task is task and len(part) == len(rows) > 10
        held = {k: trials.columns[k][rows] for k in task.settable if k in trials.columns}
        alone = task.trials(len(rows), **held)
        steps = alone.inputs.shape[1]
        assert np.array_equal(trials.lengths[rows], alone.lengths)
        for array in ("inputs", "targets", "mask"):
            mixed = getattr(trials, array)[rows]
            one = getattr(alone, array)
            assert np.array_equal(mixed[:, :steps, : one.shape[2]], one)
            assert not mixed[:, steps:].any()
            assert np.array_equal(getattr(part, array)[:, :steps], one)
        assert np.array_equal(trials.answers[rows], alone.answers)
        for phase in trials.phases:
            if phase in task.durations:
                assert np.array_equal(trials.phases[phase][rows], alone.phases[phase])
                assert np.array_equal(part.phases[phase], alone.phases[phase])
            else:
                assert np.isnan(trials.phases[phase][rows]).all() and phase not in part.phases


def test_the_rule_is_on_exactly_while_the_trial_lasts(trials):
    for place, name in enumerate(BOTH.names):
        mine = trials.columns["task"] == name
        assert np.array_equal(trials.inputs[..., 2 + place], trials.present & mine[:, None])


def test_conditions_that_a_task_lacks(trials):
    now = trials.columns["task"] == "now"
    assert np.isnan(trials.columns["rank"]).tolist() == (~now).tolist()
    assert np.isnan(trials.columns["catch"]).tolist() == now.tolist()
    assert set(trials.columns["mood"][now]) == {""} and set(trials.columns["mood"][~now]) == {
        "x",
        "y",
    }
    assert set(trials.columns["side"]) == {-1.0, -0.5, 0.5, 1.0}
    dataset = trials.to_xarray()
    delay = dataset["phase_start"].sel(phase="delay").values
    assert np.isnan(delay).tolist() == now.tolist()


@pytest.mark.parametrize("conditions", [dict(task="now"), dict(task="later"), {}])
def test_all_batches_have_the_same_conditions_and_phases(trials, conditions):
    one = BOTH.trials(1, seed=5, **conditions)
    assert list(one.columns) == list(trials.columns)
    kinds = [[column.dtype.kind for column in t.columns.values()] for t in (one, trials)]
    assert kinds[0] == kinds[1]
    assert list(one.phases) == list(trials.phases)


def test_held_conditions():
    free = BOTH.trials(N, seed=1)
    held = BOTH.trials(N, seed=1, side=0.5, delay=200.0)
    later = free.columns["task"] == "later"
    assert (held.columns["side"] == 0.5).all()
    assert (held.columns["delay"][later] == 200.0).all() and np.isnan(
        held.columns["delay"][~later]
    ).all()
    for name in ("task", "mood", "stimulus"):
        assert held.columns[name].tolist() == free.columns[name].tolist()
    task = ["now", "later", "later"]
    given = BOTH.trials(3, task=task, side=[1.0, 0.5, -1.0]).columns
    assert given["task"].tolist() == task and given["side"].tolist() == [1.0, 0.5, -1.0]


def test_a_task_draws_for_itself():
    # What one task draws does not depend on how much another one does.
    task = np.resize(["now", "later", "later"], 30)
    other = nt.MultiTask([Short(stimulus=60.0), Delayed()], names=BOTH.names)
    one, same = (mix.trials(30, seed=1, task=task).conditions for mix in (BOTH, other))
    later = task == "later"
    for name in Delayed().trials(1).columns:
        assert one[name][later].tolist() == same[name][later].tolist()
    assert one["mood"][later].nunique() == 2 and one["stimulus"][~later].nunique() == 2


def test_weights():
    mix = nt.MultiTask([Short(), Delayed()], weights=(1.0, 4.0))
    share = (mix.trials(4000, seed=1).columns["task"] == "delayed").mean()
    assert share == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(4000))


def test_grid_over_the_tasks():
    table = BOTH.grid(repeats=3).conditions
    assert table["task"].value_counts().to_dict() == {"now": 3, "later": 3}
    cells = BOTH.grid(task=["now", "later"], side=[-1.0, 1.0], repeats=2).conditions
    assert set(cells.groupby(["task", "side"]).size()) == {2}


def test_some_of_the_trials(trials):
    part = trials[[5, 2]]
    assert part.columns["task"].tolist() == trials.columns["task"][[5, 2]].tolist()
    assert BOTH.behavior(part, part.targets)["correct"].eq(1).all()


def test_behaviour_is_that_of_the_tasks(trials):
    outputs = np.random.default_rng(0).normal(size=trials.targets.shape)
    outputs[: N // 2] += 2 * trials.targets[: N // 2]
    table = BOTH.behavior(trials, outputs)
    for name, task in zip(BOTH.names, BOTH.tasks, strict=True):
        rows = np.flatnonzero(trials.columns["task"] == name)
        alone = task.behavior(BOTH.part(trials, name), outputs[rows])
        for column in ("answer", "choice", "correct", "outcome"):
            assert table[column][rows].tolist() == alone[column].tolist()
    assert 0 < table["correct"].mean() < 1 and (table["outcome"] == "broken_fixation").any()


def test_directions_and_times_in_one_mixture():
    ring = nt.Ring("out", 8, width=45.0)
    channels = dict(inputs=("fixation",), outputs=("fixation", *ring), choices=())

    @dataclass(frozen=True, kw_only=True)
    class Point(nt.Task):
        inputs, outputs, choices = channels.values()
        on: nt.Duration = 100.0

        @property
        def decision_rule(self):
            return nt.PopulationVector("on", ring)

        def factors(self):
            return dict(wanted=nt.Uniform(0.0, 360.0))

        def build(self, t):
            t.target_direction(ring, t.conditions.wanted, phase="on")

    @dataclass(frozen=True, kw_only=True)
    class Hold(nt.Task):
        inputs, outputs, choices = channels.values()
        decision_rule = nt.Distance("on", tolerance=0.5)
        on: nt.Duration = 100.0

        def build(self, t):
            t.hold(phase="on")

    mix = nt.MultiTask([Point(), Hold()])
    trials = mix.trials(4, seed=0, task=["point", "point", "hold", "hold"], wanted=90.0)
    outputs = np.array(trials.targets)
    outputs[1, :, 1:] = ring.bump(180.0)
    outputs[3] += 0.7
    table = mix.behavior(trials, outputs)
    assert table["error"].tolist() == pytest.approx([0.0, 90.0, 0.0, 0.7], abs=0.05)
    assert table["correct"].tolist() == [1, 0, 1, 0]
    assert table["reported_direction"].tolist()[:2] == pytest.approx([90.0, 180.0], abs=0.05)
    assert table["reported_direction"][2:].isna().all()


def test_the_observer_follows_the_rule(trials):
    table = BOTH.behavior(trials, BOTH.observer(trials))
    assert (table["correct"] == 1).all()
    blind = nt.MultiTask([Short(), Delayed()], rule_cue=False)
    with pytest.raises(ValueError, match=r"`rule_cue` must be True for an ideal observer"):
        blind.observer(blind.trials(3))


def test_it_keeps_the_contract_and_eases_what_can_be_eased():
    assert BOTH.easy["tasks"] == (Short(), Delayed(noise=0.0))
    assert BOTH.hard["tasks"] == (Short(), Delayed(noise=2.0))
    contract = testing.check_task(BOTH)
    assert contract.easy == 1.0 and contract.hard < 0.98


def test_repr_and_time_step():
    mix = nt.MultiTask([Short(), Delayed()], names=["a", "b"], weights=[1, 2], dt=10.0)
    assert (
        eval(
            repr(mix),
            {c.__name__: c for c in (Short, Delayed, nt.MultiTask, nt.Levels, nt.Uniform)},
        )
        == mix
    )
    assert {task.dt for task in mix.tasks} == {10.0} and mix.trials(2).dt == 10.0


def test_two_updates_with_batches_of_unequal_length():
    mix = nt.MultiTask([Short(), Delayed()], weights=(5.0, 1.0))
    batches = [mix.batch(2, seed=0, stream=Stream.TRAINING, index=index) for index in range(2)]
    assert len({batch.inputs.shape[1] for batch in batches}) == 2

    def trained(*updates):
        model = nt.RateRNN.for_task(mix, units=6, seed=0)
        model.compile(optimizer="adam", rule="bptt")
        for count in updates:
            model.fit(mix, updates=count, batch_size=2, seed=0, verbose=0)
        return np.concatenate([np.ravel(weight) for weight in model.trainable_variables])

    # One at a time the batches need no padding; stacked, the shorter one does: it changes nothing.
    padded, alone = trained(2), trained(1, 1)
    assert np.allclose(padded, alone, atol=1e-6) and not np.allclose(alone, trained(1), atol=1e-4)


class _Changed:
    """Tasks that do not mix with `Short`, made when asked for."""

    @staticmethod
    def of(**members):
        settings = {"__annotations__": {}, "__module__": __name__} | members
        return dataclass(frozen=True, kw_only=True)(type("Other", (Short,), settings))()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nt.MultiTask([]), TypeError, r"`tasks` must be a list of tasks, got \[\]"),
        (lambda: nt.MultiTask(Short()), TypeError, r"`tasks` must be a list of tasks, got Short"),
        (
            lambda: nt.MultiTask([Short(), "rdm"]),
            TypeError,
            r"`tasks` must be a list of tasks, got",
        ),
        (
            lambda: nt.MultiTask([Short(), Short(dt=10.0)]),
            ValueError,
            r"`names` must be a different name for each of the 2 tasks, got \('short', 'short'\)",
        ),
        (
            lambda: nt.MultiTask([Short(), Delayed()], names=("a",)),
            ValueError,
            r"`names` must be a different name for each of the 2 tasks, got \('a',\)",
        ),
        (
            lambda: nt.MultiTask([Short(), Delayed(dt=10.0)]),
            ValueError,
            r"`tasks` must have the same dt, but short has 20.0 and delayed has 10.0",
        ),
        (
            lambda: nt.MultiTask([Short(), _Changed.of(inputs=("fixation", "v", "u"))]),
            ValueError,
            r"`tasks` must have the same inputs, but short has \('fixation', 'u'\) and other has",
        ),
        (
            lambda: nt.MultiTask([Short(), _Changed.of(outputs=("right", "left", "fixation"))]),
            ValueError,
            r"`tasks` must have the same outputs",
        ),
        (
            lambda: nt.MultiTask([Short(), _Changed.of(trials_per_block=3)]),
            ValueError,
            r"`tasks` must not have blocks, but other has. Train it by itself",
        ),
        (
            lambda: nt.MultiTask([Short(), BOTH.replace(rule_cue=False)]),
            ValueError,
            r"`tasks` must not have a factor named `task`, but multi_task has. Rename it",
        ),
        (
            lambda: nt.MultiTask([Short(), Delayed()], weights=(1.0,)),
            ValueError,
            r"`weights` must hold one number for each of the 2 levels",
        ),
        (
            lambda: BOTH.trials(2, sdie=0.5),
            ValueError,
            r'`sdie` must be a condition of one of the tasks, .* Did you mean "side"',
        ),
        (
            lambda: BOTH.trials(2, task="latr"),
            ValueError,
            r'`task` must be one of "now", "later", got .latr.. Did you mean "later"',
        ),
        (
            lambda: BOTH.trials(2, side=[0.5] * 3),
            ValueError,
            r"`side` must be one value or one a trial, shape \(2,\), got shape \(3,\)",
        ),
        (
            lambda: BOTH.part(BOTH.trials(2), "short"),
            ValueError,
            r'`name` must be one of "now", "later", got .short.',
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("names", [(None, "b"), ("", "b"), ("a", "a"), ("a",), "ab", (1, 2)])
def test_names_that_are_none(names):
    task = nt.load("rdm")
    with pytest.raises(
        ValueError, match=r"`names` must be a different name for each of the 2 task"
    ):
        nt.MultiTask([task, task], names=names)


def test_a_rule_cue_is_there_or_not():
    with pytest.raises(TypeError, match=r"`rule_cue` must be True or False, got 'no'"):
        nt.MultiTask([nt.load("rdm")], rule_cue="no")


def test_long_lists_of_channels_are_told_apart():
    odr, pro = nt.load("memory_guided_response"), nt.load("pro_anti_response")
    with pytest.raises(
        ValueError, match=r"33 of them, 'fixation' among them and pro_anti_response "
    ):
        nt.MultiTask([odr, pro])
