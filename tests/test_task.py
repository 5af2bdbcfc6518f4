"""What every task promises, on small tasks made for it."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask._streams import Stream


@dataclass(frozen=True, kw_only=True)
class Context(nt.Task):
    """Report motion or colour, as the cue says, after a variable delay."""

    inputs = ("fixation", "motion", "colour", "cue")
    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("decision")
    psychometric_axis = "relevant"

    coherences: tuple[float, ...] = (0.1, 0.5)
    noise: float = 0.1
    fixation: nt.Duration = 100.0
    stimulus: nt.Duration = 200.0
    delay: nt.Duration = nt.TruncatedExponential(mean=200.0, low=100.0, high=500.0)
    decision: nt.Duration = 200.0

    def factors(self):
        return dict(
            context=("motion", "colour"),
            motion=nt.signed(self.coherences),
            colour=nt.signed(self.coherences),
        )

    def derive(self, c):
        return dict(relevant=np.where(c.context == "motion", c.motion, c.colour))

    def build(self, t):
        t.input("fixation", 1.0, until="decision")
        t.input("motion", t.conditions.motion, phase="stimulus", noise=self.noise)
        t.input("colour", t.conditions.colour, phase="stimulus", noise=self.noise)
        t.input("cue", t.conditions.context == "motion")
        t.target("fixation", 1.0, until="decision")
        t.target_choice(t.conditions.relevant, phase="decision", grace=40.0)


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("inputs", "targets", "mask")
    )


def test_shapes_and_types():
    trials = Context().trials(7, seed=1)
    steps = (100 + 200 + 500 + 200) / 20  # padded to the longest trial of the task
    assert trials.inputs.shape == (7, steps, 4)
    assert trials.targets.shape == trials.mask.shape == (7, steps, 3)
    assert {a.dtype for a in (trials.inputs, trials.targets, trials.mask)} == {np.dtype("f4")}
    assert list(trials.conditions) == ["context", "motion", "colour", "delay", "relevant"]


def test_a_batch_is_a_pure_function():
    a, b = Context(), Context()
    for index in (5, 0, 5):
        args = dict(seed=3, stream=Stream.TRAINING, index=index)
        assert same(a.batch(4, **args), b.batch(4, **args))


def test_no_stream_repeats_another():
    task = Context()
    batches = [
        task.trials(8, seed=0),
        task.grid(seed=0)[:8],
        *(
            task.batch(8, seed=0, stream=stream, index=index)
            for stream in (Stream.TRAINING, Stream.EVALUATION)
            for index in (0, 1)
        ),
    ]
    rows = {row.tobytes() for batch in batches for row in batch.inputs}
    assert len(rows) == 8 * len(batches)


def test_holding_a_factor_leaves_the_others():
    free, held = Context().trials(50, seed=2), Context().trials(50, seed=2, motion=0.1)
    assert (held.conditions["motion"] == 0.1).all()
    for name in ("context", "colour", "delay"):
        assert (free.conditions[name] == held.conditions[name]).all()


def test_what_follows_is_never_stale():
    trials = Context().trials(50, seed=2, motion=0.1, context="motion")
    assert (trials.conditions["relevant"] == 0.1).all()


def test_one_value_a_trial():
    trials = Context().trials(3, motion=[0.1, -0.5, 0.3], delay=[100.0, 1000.0, 300.0])
    assert trials.conditions["motion"].tolist() == [0.1, -0.5, 0.3]
    assert np.diff(trials.phases["delay"])[:, 0].tolist() == [100.0, 1000.0, 300.0]


def test_columns_of_pandas_are_conditions():
    table = Context().trials(6, seed=3).conditions.astype({"context": object})
    again = Context().trials(6, context=table["context"], motion=table["motion"])
    assert again.conditions["context"].tolist() == table["context"].tolist()
    assert again.columns["context"].dtype.kind == "U"


def test_full_grid_has_each_cell_once():
    table = Context().grid(repeats=3).conditions
    counts = table.groupby(["context", "motion", "colour"]).size()
    assert len(counts) == 2 * 4 * 4 and set(counts) == {3}


def test_named_grid_balances_the_rest():
    table = Context().grid(motion=[-0.5, 0.3], repeats=16, seed=4).conditions
    for level in (-0.5, 0.3):
        cell = table[table["motion"] == level]
        assert set(cell.groupby(["context", "colour"]).size()) == {2}


def test_grid_over_a_duration():
    trials = Context().grid(delay=[100, 300, 1200], repeats=2)
    assert trials.conditions["delay"].tolist() == [100, 100, 300, 300, 1200, 1200]
    assert trials.lengths.tolist() == [30, 30, 40, 40, 85, 85]


def test_padding_is_empty_and_unasked():
    trials = Context().trials(40, seed=0)
    assert len(set(trials.lengths)) > 3
    padding = ~trials.present
    for array in (trials.inputs, trials.targets, trials.mask):
        assert not array[padding].any()
    assert np.isnan(trials.to_xarray()["inputs"].values[padding]).all()


def test_drawn_durations_are_on_the_grid_and_within_bounds():
    delays = Context().trials(2000, seed=0).conditions["delay"]
    assert delays.min() >= 100 and delays.max() <= 500
    assert np.allclose(delays % 20, 0)


def test_settings_round_trip():
    task = Context(coherences=[0.2, np.float32(0.25)], delay=300.0)
    assert task.coherences == (0.2, 0.25)
    assert eval(repr(task), {"Context": Context}) == task
    assert task.replace(noise=0.0) == Context(coherences=(0.2, 0.25), delay=300.0, noise=0.0)
    assert hash(task) == hash(task.replace())


def test_dt_changes_the_grid_and_nothing_else():
    task = Context(noise=0.0, delay=100.0)
    coarse, fine = task.trials(6, seed=1), task.replace(dt=10.0).trials(6, seed=1)
    for name in ("inputs", "targets"):
        assert np.array_equal(getattr(coarse, name), getattr(fine, name)[:, ::2])
    assert (coarse.conditions == fine.conditions).all(axis=None)


def test_noise_is_a_density():
    # The standard deviation of the mean over one second is `noise` at every dt.
    for dt in (5.0, 10.0, 20.0):
        task = Context(noise=0.3, stimulus=1000.0, delay=100.0, dt=dt)
        trials = task.trials(4000, seed=1, motion=0.5)
        start, stop = trials.phases.steps("stimulus")
        means = trials.inputs[:, start[0] : stop[0], 1].mean(1)
        assert means.std() == pytest.approx(0.3, rel=0.05)
        assert means.mean() == pytest.approx(0.5, abs=0.02)


def test_inherited_settings_and_phases():
    @dataclass(frozen=True, kw_only=True)
    class Longer(Context):
        """The same, with an epilogue."""

        epilogue: nt.Duration = 100.0

    assert list(Longer().durations) == ["fixation", "stimulus", "delay", "decision", "epilogue"]
    assert Longer().choices == ("left", "right")


def test_phases_with_postponed_annotations(tmp_path):
    path = tmp_path / "later.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "import neurotask as nt\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Later(nt.Task):\n"
        "    inputs = ('a',)\n"
        "    outputs = ('z',)\n"
        "    on: nt.Duration = 100.0\n"
        "    def build(self, t):\n"
        "        t.input('a', phase='on')\n"
    )
    assert list(nt.load(path).durations) == ["on"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Context(stimulus=210.0),
            r"`stimulus` must be a whole multiple of dt = 20 ms, got 210",
        ),
        (lambda: Context(stimulus=-20.0), r"`stimulus` must be a number of 0 or more, got -20"),
        (lambda: Context(dt=0.0), r"`dt` must be a number above 0, got 0.0"),
        (lambda: Context(delay=nt.Uniform(100.0, 130.0)), r"`delay.high` must be a whole multiple"),
        (lambda: Context(coherences=(1.2,)), r"`coherences` must be a number in \[0, 1\], got 1.2"),
        (lambda: Context(noise=-1.0), r"`noise` must be a number of 0 or more, got -1.0"),
        (lambda: Context().trials(0), r"`n` must be a whole number of 1 or more, got 0"),
        (
            lambda: Context().trials(2, motoin=0.1),
            r'`motoin` must be a factor or a phase .* "motion"',
        ),
        (
            lambda: Context().trials(2, relevant=0.1),
            r"`relevant` must be a factor or a phase of Cont",
        ),
        (
            lambda: Context().trials(2, motion=1.1),
            r"`motion` must be a number in \[-1, 1\], got 1.1",
        ),
        (lambda: Context().trials(2, motion="up"), r"`motion` must be a number, got 'up'"),
        (
            lambda: Context().trials(2, context="taste"),
            r'`context` must be one of "motion", "colour"',
        ),
        (
            lambda: Flagged().trials(2, flag="yes"),
            r"`flag` must be one of \"False\", \"True\", got 'yes'",
        ),
        (
            lambda: Context().trials(2, motion=[0.1] * 3),
            r"`motion` must be one value or one a trial",
        ),
        (lambda: Context().trials(2, delay=110.0), r"`delay` must be a whole multiple of dt"),
        (lambda: Context().grid(depth=[1, 2]), r"`depth` must be a factor or a phase of Context"),
        (lambda: Context().grid(motion=[]), r"`motion` must hold one level or more, got \[\]"),
        (
            lambda: Context().trials(2, motion=None),
            r"`motion` must be a value or one a trial, got None",
        ),
        (lambda: Context().grid(motion={"a": 1}), r"`motion` must be a value or one a trial"),
        (lambda: Context().trials(2, delay="long"), r"`delay` must be a time in ms, got 'long'"),
        (
            lambda: Context().grid(repeats=0),
            r"`repeats` must be a whole number of 1 or more, got 0",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@dataclass(frozen=True, kw_only=True)
class Flagged(Context):
    """The same with a condition that is true or false."""

    def factors(self):
        return dict(flag=nt.chance(0.5), **super().factors())


def test_unknown_setting():
    with pytest.raises(
        TypeError, match=r"`coherence` must be a setting .* Did you mean \"coherences\""
    ):
        Context().replace(coherence=0.1)
    with pytest.raises(TypeError, match="coherence"):
        Context(coherence=0.1)


@dataclass(frozen=True, kw_only=True)
class ByPlace(nt.Task):
    """The right choice is a whole number."""

    inputs = ("u",)
    outputs = ("a", "b")
    decision_rule = nt.Argmax("on")
    on: nt.Duration = 100.0

    def factors(self):
        return dict(side=(0, 1), strength=(1, 2))

    def build(self, t):
        t.input("u", t.conditions.strength)
        t.target_choice(t.conditions.side, phase="on")


def test_whole_numbers_stay_whole_however_they_are_asked_for():
    task = ByPlace()
    for trials in (task.trials(20), task.grid(), task.grid(side=[0, 1]), task.trials(20, side=0)):
        assert trials.columns["side"].dtype == int
        assert np.array_equal(trials.answers, trials.columns["side"])
    assert task.trials(2, strength=1.5).columns["strength"].tolist() == [1.5, 1.5]


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Context().noise = 0.0


def broken(**members):
    """Return a task class with members that are wrong."""
    body = dict(
        inputs=("a",),
        outputs=("z",),
        on=100.0,
        __annotations__={"on": nt.Duration},
        build=lambda self, t: t.input("a", phase="on"),
        __module__=__name__,
    )
    return dataclass(frozen=True, kw_only=True)(type("Broken", (nt.Task,), body | members))


def test_the_base_of_broken_tasks_works():
    assert len(broken()().trials(2)) == 2


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        (dict(inputs=("a", "a")), ValueError, r"`inputs` must be a tuple of different names"),
        (dict(outputs="z"), ValueError, r"`outputs` must be a tuple of different names, got 'z'"),
        (
            dict(decision_rule="argmax"),
            TypeError,
            r"`decision_rule` must be a decision rule, got 'argmax'",
        ),
        (
            dict(decision_rule=nt.Argmax("off")),
            ValueError,
            r"`phase` must be one of \"on\", got 'off'",
        ),
        (
            dict(decision_rule=nt.Argmax("on", grace=100.0)),
            ValueError,
            r"` must last longer than the .* ms at its start that are not read, got",
        ),
        (
            dict(decision_rule=nt.Argmax("on", grace=-20.0)),
            ValueError,
            r"`grace` must be a time of 0 ms",
        ),
        (
            dict(factors=lambda s: None),
            TypeError,
            r"`factors` must return a dict of levels, got None",
        ),
        (dict(factors=lambda s: dict(c=())), ValueError, r"`c` must hold one level or more"),
        (
            dict(derive=lambda s, c: None),
            TypeError,
            r"`derive` must return a dict of conditions, got None",
        ),
        (
            dict(derive=lambda s, c: dict(correct=1.0)),
            ValueError,
            r"`correct` must not be a condition of Broken, since behaviour and Sessions have something",
        ),
        (dict(choices=("y",)), ValueError, r"`choices` must be one of \"z\", got 'y'"),
        (dict(on=0.0), ValueError, r"`on` must not be 0 ms: the trial is empty"),
        (dict(psychometric_axis="c"), ValueError, r"`psychometric_axis` must be one of nothing"),
        (
            dict(factors=lambda s: dict(on=(1, 2))),
            ValueError,
            r"`on` must name a factor or a phase",
        ),
        (
            dict(build=lambda s, t: t.input("b")),
            ValueError,
            r"`input channel` must be one of \"a\", got 'b'",
        ),
        (
            dict(build=lambda s, t: t.input("a", phase="off")),
            ValueError,
            r"`phase` must be one of \"on\", got 'off'",
        ),
        (
            dict(build=lambda s, t: t.input("a", t.conditions.coherence)),
            AttributeError,
            r"There is no condition `coherence`; the conditions are nothing",
        ),
        (
            dict(build=lambda s, t: t.input("a", np.nan)),
            ValueError,
            r"`a` must be finite in every trial of Broken, got nan in trial 0, step 0",
        ),
        (
            dict(build=lambda s, t: t.input("a", phase="on", until="on")),
            TypeError,
            r"Give one of `phase`, `since` and `until`",
        ),
        (
            dict(
                __annotations__=dict.fromkeys(("on", "a", "b"), nt.Duration),
                a=nt.Remainder(400.0),
                b=nt.Remainder(400.0),
            ),
            ValueError,
            r"`b` must not be a Remainder, since `a` is one: a single phase can fill the trial",
        ),
        (dict(__annotations__={}), TypeError, r"`Broken` must have a phase. Declare one"),
    ],
)
def test_a_wrong_task_is_refused_when_made(members, error, message):
    with pytest.raises(error, match=message):
        broken(**members)()


def test_a_task_must_be_a_dataclass():
    class Forgotten(nt.Task):
        inputs, outputs = ("a",), ("z",)
        on: nt.Duration = 100.0

        def build(self, t):
            t.input("a")

    with pytest.raises(TypeError, match=r"`Forgotten` must be a dataclass. Put `@dataclass"):
        Forgotten()


def test_plot_shows_every_channel():
    figure = Context().plot(seed=1)
    labels = [t.get_text() for axis in figure.axes for t in axis.get_legend().get_texts()]
    assert labels == [*Context.inputs, *Context.outputs, "fixation", "left, right"]
    assert figure.axes[-1].get_xlabel() == "Time (ms)"


def test_plot_draws_rings_as_images_and_blocks_in_part():
    ring = nt.load("memory_guided_response").plot(seed=1)
    assert [len(axis.images) for axis in ring.axes if axis.get_ylabel().startswith("Input")] == [
        0,
        1,
    ]
    block = nt.load("n_back").plot(seed=1)
    assert block.axes[0].get_xlim() == (0, 6 * 1500)
    assert "the first 6 of 20 trials" in block.get_suptitle()


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (nt.Uniform(0.0, 300.0), r"`decision` must last longer than the 100 ms .* got"),
        (nt.Levels((60.0, 300.0)), r"`decision` must last longer than the 100 ms .* got 60 ms"),
        (100.0, r"`decision` must last longer than the 100 ms .* got 100 ms"),
        (0.0, r"`decision` must last longer than the 100 ms .* got 0 ms"),
        (
            (200.0, 300.0),
            r"`decision` must be a time in ms or a law of times, got \(200.0, 300.0\)",
        ),
    ],
)
def test_a_response_that_there_is_no_time_for(task, decision, message):
    with pytest.raises((TypeError, ValueError), match=message):
        task.replace(decision=decision)


def test_a_response_that_a_held_duration_leaves_no_time_for(task):
    with pytest.raises(ValueError, match=r"`decision` must last longer than the 100 ms .* 80 ms"):
        task.trials(2, decision=[300.0, 80.0])
    with pytest.raises(ValueError, match=r"where an answer is right, got 0 ms in trial 1"):
        task.trials(2, decision=[300.0, 0.0], coherence=0.5)


def test_methods_that_are_none_are_refused():
    @dataclass(frozen=True, kw_only=True)
    class Wrong(Context):
        """Factors of the block as an attribute."""

        block_factors = ("context",)

    with pytest.raises(
        TypeError, match=r"`Wrong.block_factors` must be a method, got \('context',"
    ):
        Wrong()


def test_behaviour_knows_its_axis(task):
    trials = task.grid(repeats=20, seed=0)
    table = task.behavior(trials, task.observer(trials))
    assert "P(right) over coherence" in repr(nt.analysis.psychometric(table))
