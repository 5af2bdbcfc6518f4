"""Tasks written for PsychRNN, run here as they are; PsychRNN itself is needed for the last tests alone."""

# ruff: noqa: NPY002 - the global state is what these tasks draw from

import copy
import runpy
from pathlib import Path

import numpy as np
import pytest

import neurotask as nt
from neurotask._streams import Stream
from neurotask.interop import psychrnn

ROOT = Path(__file__).parents[2]


class Steps(psychrnn.Task):
    """A step of a random size and onset with noise, to be reported at the end."""

    def __init__(self, dt=10, tau=100, T=200, N_batch=4):
        super().__init__(2, 2, dt, tau, T, N_batch)

    def generate_trial_params(self, batch, trial):
        params = dict(size=np.random.choice([0.2, 0.4, 0.8]), side=np.random.choice([0, 1]))
        return params | dict(onset=np.random.rand() * self.T / 2, kind="step", path=[1, 2])

    def trial_function(self, time, params):
        x, y, mask = 0.1 * np.random.randn(2), np.zeros(2), np.zeros(2)
        if time >= params["onset"]:
            x[params["side"]] += params["size"]
        if time >= 0.75 * self.T:
            y[params["side"]], mask = 1.0, np.full(2, 0.5)
        return x, y, mask

    def accuracy_function(self, correct_output, test_output, output_mask):
        chosen = np.mean(test_output * output_mask, axis=1).argmax(1)
        return np.mean(chosen == np.mean(correct_output * output_mask, axis=1).argmax(1))


class Duck:
    """The least that will do: no base class, nothing but what is called."""

    N_in, N_out, dt, T = 1, 1, 5.0, 20.0

    def generate_trial_params(self, batch, trial):
        return {"level": np.random.rand(), "batch": batch, "trial": trial}

    def trial_function(self, time, params):
        return params["level"] + time, [params["level"]], True


def bridged(old=None, **settings):
    return psychrnn.task(old or Steps(), **settings)


def same(one, other):
    """Whether two batches are the same to the bit."""
    arrays = ("inputs", "targets", "mask")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays) and (
        one.conditions.equals(other.conditions)
    )


def global_state():
    kind, words, *rest = np.random.get_state()
    return kind, words.tolist(), *rest


# --- trials -----------------------------------------------------------------------------------


def test_trials_are_what_the_old_task_makes():
    old, trials = Steps(), bridged().trials(5, seed=3)
    assert trials.inputs.shape == (5, 20, 2) and trials.inputs.dtype == np.float32
    for at, row in trials.conditions.iterrows():
        params = dict(size=row["size"], side=row["side"], onset=row["onset"])
        _, y, mask = old.generate_trial(params)
        np.testing.assert_array_equal(trials.targets[at], y.astype(np.float32))
        np.testing.assert_array_equal(trials.mask[at], mask.astype(np.float32))
        step = (np.arange(20) * 10 >= row["onset"]) * row["size"]
        noise = trials.inputs[at] - step[:, None] * (np.arange(2) == row["side"])
        assert 0.07 < noise.std() < 0.13


class Recorder(Steps):
    """Keeps the state of chance before each trial's parameters and before its first step."""

    def generate_trial_params(self, batch, trial):
        self.before = [*getattr(self, "before", []), np.random.get_state()]
        return super().generate_trial_params(batch, trial)

    def trial_function(self, time, params):
        if time == 0:
            self.shown = [*getattr(self, "shown", []), np.random.get_state()]
        return super().trial_function(time, params)


def test_the_same_state_of_chance_gives_the_same_bits():
    old, plain = Recorder(), Steps()
    task = bridged(old)
    old.before, old.shown = [], []
    trials = task.trials(4, seed=1)
    for at in range(4):
        np.random.set_state(old.before[at])
        params = plain.generate_trial_params(1, at)
        np.random.set_state(old.shown[at])
        arrays = plain.generate_trial(params)
        assert params["onset"] == trials.columns["onset"][at]
        for ours, theirs in zip((trials.inputs, trials.targets, trials.mask), arrays, strict=True):
            np.testing.assert_array_equal(ours[at], theirs.astype(np.float32))


def test_a_trial_depends_on_seed_stream_index_and_place_alone():
    task = bridged()
    trials = task.trials(5, seed=7)
    np.random.seed(0)
    assert same(trials, bridged().trials(5, seed=7))
    assert same(trials[:3], task.trials(3, seed=7))
    batch = dict(seed=7, stream=Stream.TRIALS, index=0)
    assert same(trials, task.batch(5, **batch))
    for change in (dict(seed=8), dict(stream=Stream.TRAINING), dict(index=1)):
        other = task.batch(5, **(batch | change))
        assert not np.isin(other.inputs, trials.inputs).any()
    assert len(np.unique(trials.columns["onset"])) == 5
    assert len(np.unique(trials.inputs)) == trials.inputs.size


def test_the_global_state_is_put_back():
    np.random.seed(5)
    np.random.randn()  # leaves a second normal in store, which is part of the state
    before = global_state()
    bridged().trials(3)
    assert global_state() == before and before[3] == 1


@pytest.mark.parametrize("method", ["generate_trial_params", "trial_function", "accuracy_function"])
def test_the_global_state_is_put_back_where_the_task_raises(method):
    class Broken(Steps):
        pass

    def fail(*arguments):
        np.random.rand(3)
        raise RuntimeError("from the task")

    task = bridged(Broken())
    trials = task.trials(2)
    setattr(Broken, method, fail)
    before = global_state()
    with pytest.raises(RuntimeError, match="from the task"):
        task.behavior(task.trials(2), trials.targets)
    assert global_state() == before
    delattr(Broken, method)
    task.behavior(task.trials(2), trials.targets)  # nothing stays locked


def test_an_accuracy_function_that_draws_lots_is_repeatable():
    class Lots(Steps):
        def accuracy_function(self, correct_output, test_output, output_mask):
            return float(np.random.rand() < 0.5)

    task = bridged(Lots())
    trials = task.trials(64)
    np.random.seed(1)
    before = global_state()
    one = task.behavior(trials, trials.targets)["correct"]
    assert global_state() == before and 0 < one.mean() < 1
    np.random.seed(2)
    other = task.behavior(trials, trials.targets)["correct"]
    assert one.tolist() == other.tolist()


def test_parameters_that_are_one_value_are_conditions():
    conditions = bridged().trials(50, seed=2).conditions
    assert list(conditions) == ["size", "side", "onset", "kind"]  # `path` is a list
    assert sorted(conditions["size"].unique()) == [0.2, 0.4, 0.8]
    assert conditions["side"].dtype.kind == "i" and set(conditions["kind"]) == {"step"}


def test_conditions_that_some_trials_lack_and_names_that_are_taken():
    class Patchy(Duck):
        def generate_trial_params(self, batch, trial):
            more = {"gap": 3} if trial % 2 else {"cue": "left"}
            return {"level": np.float64(0.5), "choice": 1, "time": 2.0, "no": None, **more}

    trials = bridged(Patchy()).trials(3)
    columns = trials.conditions
    assert set(columns) == {"level", "trial_choice", "trial_time", "gap", "cue"}
    np.testing.assert_array_equal(columns["gap"], [np.nan, 3, np.nan])
    assert columns["cue"].tolist() == ["left", "none", "left"]
    assert trials.to_xarray()["trial_choice"].values.tolist() == [1, 1, 1]


def test_parameters_held_by_hand():
    task = bridged()
    free, held = task.trials(6, seed=4), task.trials(6, seed=4, size=5.0, side=[0, 1, 0, 1, 0, 1])
    assert held.columns["side"].tolist() == [0, 1] * 3 and (held.columns["size"] == 5.0).all()
    np.testing.assert_array_equal(held.columns["onset"], free.columns["onset"])
    assert (held.inputs[..., -1, :].argmax(1) == [0, 1] * 3).all()
    assert (held.targets[:, -1].argmax(1) == [0, 1] * 3).all()
    # The noise is that of the same trials with nothing held.
    late = held.inputs[:, 0] - free.inputs[:, 0]
    assert not late[free.columns["onset"] > 0].any()
    alone = task.trials(6, seed=4, size=free.columns["size"])
    assert same(alone, free)


def test_a_list_of_arrays_held_by_hand():
    class Vector(Duck):
        def generate_trial_params(self, batch, trial):
            return {"path": np.zeros(2)}

        def trial_function(self, time, params):
            return (2 * params["path"]).sum(), 0.0, 1.0  # a list would be repeated, not doubled

    trials = bridged(Vector()).trials(2, path=[[1.0, 2.0], [3.0, 4.0]])
    assert trials.inputs[:, 0, 0].tolist() == [6.0, 14.0]


def test_a_grid_crosses_parameters():
    trials = bridged().grid(repeats=3, seed=1, size=[0.2, 0.8], side=[0, 1])
    counts = trials.conditions.groupby(["size", "side"]).size()
    assert counts.to_dict() == {(size, side): 3 for size in (0.2, 0.8) for side in (0, 1)}
    assert len(np.unique(trials.columns["onset"])) == 12


def test_what_the_task_writes_into_its_parameters_stays_there():
    class Careless(Duck):
        def trial_function(self, time, params):
            params["level"] += 1.0
            return params["level"], 0.0, 1.0

    trials = bridged(Careless()).trials(2)
    assert (trials.columns["level"] < 1).all() and (trials.inputs > 1).all()
    assert same(trials, bridged(Careless()).trials(2))


def test_a_duck_will_do():
    trials = bridged(Duck()).trials(2)
    assert trials.inputs.shape == (2, 4, 1) and trials.dt == 5.0
    np.testing.assert_allclose(np.diff(trials.inputs[..., 0]), 5.0, atol=1e-6)
    assert (trials.mask == 1).all() and trials.columns["batch"].tolist() == [1, 1]
    assert trials.columns["trial_trial"].tolist() == [0, 1]
    assert trials.task.decision_rule is None


def test_time_is_what_psychrnn_passes():
    class Clock(Duck):
        dt, T = 0.1, 0.7

        def trial_function(self, time, params):
            assert time in [step * 0.1 for step in range(7)]
            return time, 0.0, 1.0

    shown = bridged(Clock()).trials(1).inputs[0, :, 0]
    np.testing.assert_array_equal(shown, np.array([s * 0.1 for s in range(7)], np.float32))


def test_a_loop_of_its_own_is_used():
    class Fast(Steps):
        def generate_trial(self, params):
            x = np.full((self.N_steps, 2), params["onset"])
            return x, np.zeros((self.N_steps, 2)), np.ones((self.N_steps, 2))

        def trial_function(self, time, params):
            raise AssertionError("not to be called")

    trials = bridged(Fast()).trials(3)
    np.testing.assert_allclose(trials.inputs[:, 7, 1], trials.columns["onset"], rtol=1e-6)


def test_a_task_that_counts_its_trials_is_found_out():
    class Counting(Duck):
        made = 0

        def trial_function(self, time, params):
            self.made += 1
            return self.made, 0.0, 1.0

    class Foreign(Duck):
        rng = np.random.default_rng(0)

        def trial_function(self, time, params):
            return 0.0, self.rng.random(), 1.0

    for old, what in ((Counting(), "inputs"), (Foreign(), "targets")):
        with pytest.raises(ValueError) as error:
            bridged(old)
        assert str(error.value) == (
            f"`old_task` must make the same trial again from the same seed, but {what} of "
            f"{type(old).__name__} differ. Draw all chance from np.random, and keep nothing from "
            "one trial to the next."
        )


# --- time -------------------------------------------------------------------------------------


def test_phases_follow_from_the_parameters():
    task = bridged(phases=lambda p: {"step": (p["onset"], 150), "report": (150.0, 200.0)})
    trials = task.trials(20, seed=1)
    onset = trials.columns["onset"]
    np.testing.assert_array_equal(trials.phases["step"][:, 0], np.ceil(onset / 10) * 10)
    assert (trials.phases["step"][:, 1] == 150).all()
    assert (trials.phases["report"] == [150, 200]).all()
    start, stop = trials.phases.steps("report")
    inside = (np.arange(20) >= start[:, None]) & (np.arange(20) < stop[:, None])
    np.testing.assert_array_equal(inside, trials.mask[..., 0] > 0)


def test_without_phases_the_trial_is_one():
    trials = bridged().trials(2)
    assert list(trials.phases) == ["trial"] and (trials.phases["trial"] == [0, 200]).all()


def test_phases_that_end_with_the_trial_and_phases_that_are_lacking():
    spans = [
        {"a": (0, 30), "b": (190, 200)},
        {"b": (200, 200)},
        {"a": (20.0000000001, 30), "c": (5, 5)},
    ]

    class Numbered(Steps):
        def generate_trial_params(self, batch, trial):
            return super().generate_trial_params(batch, trial) | {"number": trial}

    phases = bridged(Numbered(), phases=lambda p: spans[p["number"]]).trials(3).phases
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(phases["a"], [[0, 30], nothing, [20, 30]])
    np.testing.assert_array_equal(phases["b"], [[190, 200], nothing, nothing])
    np.testing.assert_array_equal(phases["c"], [nothing] * 3)


@pytest.mark.parametrize(
    ("T", "dt", "steps"), [(0.07, 0.01, 7), (2.0, 0.01, 200), (95, 10, 10), (100, 10, 10), (0.3, 0.1, 3), (2.1, 0.7, 3)]
)  # fmt: skip
def test_steps_are_counted_exactly(T, dt, steps):
    old = Steps(dt=dt, tau=10 * dt, T=T)
    assert old.N_steps == steps == len(old.get_trial_batch()[0][0])
    assert bridged(old, ms_per_unit=1000.0).trials(1).inputs.shape[1] == steps
    # With PsychRNN's own count, which may be one too high.
    old.N_steps = int(np.ceil(T / dt))
    assert bridged(old, ms_per_unit=1000.0).trials(1).inputs.shape[1] == steps


def test_a_count_of_steps_that_the_task_has_set_is_kept():
    old = Steps()
    old.N_steps = 17
    assert bridged(old).trials(1).inputs.shape[1] == 17


def test_units_of_time():
    old = Steps(dt=0.0041, tau=0.1, T=0.041)
    with pytest.raises(
        ValueError,
        match=r"^`ms_per_unit` must be given, since tau = 0\.1 would be below 1 ms, got None\. Give 1000\.0 if the task counts in seconds, 1\.0 if it does count in ms\.$",
    ):
        bridged(old)
    spans = lambda p: {"step": (p["onset"], 0.041)}  # noqa: E731
    task = bridged(old, ms_per_unit=1000.0, phases=spans)
    assert task.dt == 4.1 != 0.0041 * 1000 and task.durations == {"trial": 41.0}
    trials = task.trials(3, onset=0.0123)
    np.testing.assert_allclose(trials.phases["step"], [[12.3, 41.0]] * 3)
    assert bridged(old, ms_per_unit=1.0).dt == 0.0041


def test_several_of_them_interleaved():
    first = bridged(phases=lambda p: {"step": (p["onset"], 150), "report": (150, 200)})
    other = bridged(Steps(T=300), phases=lambda p: {"step": (p["onset"], 200), "end": (200, 300)})
    for tasks in ([first, first], [first, other]):
        mix = nt.MultiTask(tasks, names=("a", "b"))
        trials = mix.trials(12, seed=1)
        for name, task in zip("ab", tasks, strict=True):
            part = mix.part(trials, name)
            assert len(part) and part.task is task
            np.testing.assert_array_equal(
                part.phases["step"][:, 0], np.ceil(part.columns["onset"] / 10) * 10
            )
            held = {k for k in part.phases if not np.isnan(part.phases[k]).any()}
            assert held == set(task.trials(1).phases)
        table = mix.behavior(trials, trials.targets)
        assert (table["correct"] == 1).all()


# --- scoring ----------------------------------------------------------------------------------


def test_accuracy_is_that_of_the_accuracy_function():
    old, task = Steps(), bridged()
    trials = task.trials(40, seed=1)
    outputs = np.random.default_rng(0).random(trials.targets.shape)
    table = task.behavior(trials, outputs)
    alone = [
        old.accuracy_function(*(a[i : i + 1] for a in (trials.targets, outputs, trials.mask)))
        for i in range(40)
    ]
    assert table["correct"].tolist() == alone and 0 < np.mean(alone) < 1
    assert table["correct"].mean() == pytest.approx(
        old.accuracy_function(trials.targets, outputs, trials.mask)
    )
    assert list(table) == [*trials.columns, "error", "correct", "rt", "outcome"]
    assert set(table["outcome"]) == {"correct", "error"} and table["rt"].isna().all()


class Graded(Duck):
    """Accuracy is a share; None where nothing was shown, as a NaN."""

    def accuracy_function(self, correct_output, test_output, output_mask):
        return np.array(test_output[0, 0, 0])


def test_accuracy_between_right_and_wrong():
    task, strict = bridged(Graded(), correct_at=0.9), bridged(Graded())
    trials = task.trials(4)
    outputs = np.zeros(trials.targets.shape)
    outputs[:, 0, 0] = [1.0, 0.9, 0.89, 0.0]
    table = task.behavior(trials, outputs)
    assert table["correct"].tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(table["error"], [0, 0.1, 0.11, 1])
    assert strict.behavior(strict.trials(4), outputs)["correct"].tolist() == [1, 0, 0, 0]


def test_an_accuracy_of_nan_is_unscored():
    class Unsure(Duck):
        def accuracy_function(self, correct_output, test_output, output_mask):
            return np.nan

    task = bridged(Unsure())
    trials = task.trials(2)
    table = task.behavior(trials, trials.targets)
    assert table["correct"].isna().all() and set(table["outcome"]) == {"unscored"}


@pytest.mark.parametrize(
    ("value", "shown"), [(1.5, "1.5"), ("good", "'good'"), (np.ones(2), "array([1., 1.])")]
)
def test_accuracies_that_are_refused(value, shown):
    class Odd(Duck):
        def accuracy_function(self, correct_output, test_output, output_mask):
            return value

    with pytest.raises(ValueError) as error:
        bridged(Odd())
    assert (
        str(error.value)
        == f"`Odd.accuracy_function` must return a number in [0, 1] for a batch of one trial, got {shown}."
    )


def test_without_a_right_answer_there_is_no_rule():
    class Silent(Steps):
        def accuracy_function(self, correct_output, test_output, output_mask):
            return None

    task = bridged(Silent())
    assert task.decision_rule is None
    trials = task.trials(2)
    with pytest.raises(ValueError, match=r"^`decision_rule` must be set to score behaviour"):
        task.behavior(trials, trials.targets)


def test_nan_outputs_are_refused():
    task = bridged()
    trials = task.trials(2)
    with pytest.raises(ValueError, match=r"^`outputs` must be numbers, got NaN in 2 trials"):
        task.behavior(trials, np.full(trials.targets.shape, np.nan))


# --- with networks ----------------------------------------------------------------------------


def test_a_network_learns_it_and_is_read(tmp_path):
    task = bridged(phases=lambda p: {"step": (p["onset"], 150), "report": (150, 200)})
    model = nt.RateRNN.for_task(task, units=20, seed=0)
    model.compile()
    before = global_state()
    history = model.fit(task, updates=60, batch_size=32, verbose=0, segment=20).history
    assert global_state() == before
    assert history["loss"][-1] < history["loss"][0] / 2 and history["accuracy"][-1] > 0.7
    session = model.run(task.trials(8, size=0.8))
    assert session["correct"].values.mean() > 0.7 and "onset" in session.coords
    assert session["phase"].values.tolist() == ["step", "report"]
    again = nt.RateRNN.for_task(task, units=20, seed=0)
    again.compile()
    assert again.fit(task, updates=60, batch_size=32, verbose=0, segment=20).history == history
    psychrnn.save(model, tmp_path / "w.npz")
    loaded = psychrnn.load(tmp_path / "w.npz", dt=10, tau=100, activation="relu")
    outputs = loaded.run(task.trials(8, size=0.8)).outputs
    np.testing.assert_allclose(outputs, session.outputs, atol=1e-5)


def test_channels_have_names():
    task = bridged(inputs=["left", "right"], outputs=("go_left", "go_right"))
    trials = task.trials(1)
    assert trials.input_names == ("left", "right") and trials.output_names == (
        "go_left",
        "go_right",
    )
    assert bridged().inputs == ("input_0", "input_1") and bridged().outputs == (
        "output_0",
        "output_1",
    )
    with pytest.raises(
        ValueError,
        match=r"^`outputs` must be 2 different names, one a channel, got 'ab'\. Leave it out to call them output_0 and so on\.$",
    ):
        bridged(outputs="ab")


def test_repr_tells_the_settings():
    assert repr(bridged()) == (
        "PsychRNNTask(Steps(N_in=2, N_out=2, N_batch=4, dt=10, tau=100, T=200, alpha=0.1, "
        "N_steps=20))"
    )


def test_another_dt_is_refused():
    with pytest.raises(
        ValueError,
        match=r"^`dt` must be that of Steps, 10 ms, got 20\.0\. Make the old task with another dt\.$",
    ):
        bridged().replace(dt=20.0)
    assert bridged().replace(correct_at=0.5).correct_at == 0.5


# --- what is refused --------------------------------------------------------------------------


def test_what_is_no_task():
    class Deaf(Duck):
        trial_function = None

    class Dimensionless:
        N_out, dt, T = 1, 1.0, 10.0

    class Feeder(Steps):
        def batch_generator(self):
            yield None

    cases = {
        "`old_task` must be a task, got the class Steps. Make one: Steps(...).": Steps,
        "`old_task` must be a task as PsychRNN has them, got Deaf without the method `trial_function`. Define trial_function(self, time, params).": Deaf(),
        "`old_task` must be a task as PsychRNN has them, got Dimensionless without `N_in`. Call super().__init__(N_in, N_out, dt, tau, T, N_batch) in its __init__.": Dimensionless(),
        "`old_task` must make its trials in generate_trial_params, trial_function and generate_trial, got Feeder with a `batch_generator` of its own, which would not be called. Move what it does there.": Feeder(),
    }  # fmt: skip
    for message, old in cases.items():
        with pytest.raises(TypeError) as error:
            psychrnn.task(old)
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("shown", "kind", "message"),
    [
        ((np.zeros(3), np.zeros(1), 1.0), ValueError, "`Odd.trial_function` must return the input in the shape (1,), got (3,)."),
        ((0.0, np.zeros((1, 1)), 1.0), ValueError, "`Odd.trial_function` must return the target in the shape (1,), got (1, 1)."),
        ((0.0, 0.0, np.ones(2)), ValueError, "`Odd.trial_function` must return the mask in the shape (1,), got (2,)."),
        ((0.0, 0.0), TypeError, "`Odd.trial_function` must return input, target and mask, got 2 things. Return the three of them."),
        (None, TypeError, "`Odd.trial_function` must return input, target and mask, got NoneType. Return the three of them."),
        ((np.nan, 0.0, 1.0), ValueError, "`inputs` must be finite in every trial of Odd, got nan in trial 0, step 0, channel 0. Look at `Odd.trial_function`."),
        (("on", 0.0, 1.0), TypeError, "`Odd.trial_function` must return numbers for the input, got 'on'. Return an array of floats."),
        (tuple(np.array([text]) for text in "123"), TypeError, "`Odd.trial_function` must return numbers for the input, got array(['1'], dtype='<U1'). Return an array of floats."),
        ((0.0, 0.0, -1.0), ValueError, "`mask` of Odd must be 0 or more, got -1."),
    ],
)  # fmt: skip
def test_what_a_trial_function_must_return(shown, kind, message):
    class Odd(Duck):
        def trial_function(self, time, params):
            return shown

    with pytest.raises(kind) as error:
        bridged(Odd())
    assert str(error.value) == message


def test_what_a_loop_of_its_own_must_return():
    class Odd(Duck):
        def generate_trial(self, params):
            return np.zeros((3, 1)), np.zeros((4, 1)), np.zeros((4, 1))

    with pytest.raises(
        ValueError,
        match=r"^`Odd\.generate_trial` must return the input in the shape \(4, 1\), got \(3, 1\)\.$",
    ):
        bridged(Odd())


def test_parameters_must_be_a_dict():
    class Odd(Duck):
        def generate_trial_params(self, batch, trial):
            return [0.5]

    with pytest.raises(
        TypeError,
        match=r"^`Odd\.generate_trial_params` must return a dict, got list\. Return the parameters of the trial by name\.$",
    ):
        bridged(Odd())


def test_parameters_that_cannot_be_held():
    task = bridged()
    with pytest.raises(
        ValueError,
        match=r'^`sizes` must be a parameter of a trial of Steps, which has "size", "side", "onset", "kind", "path"\. Did you mean "size"\?$',
    ):
        task.trials(2, sizes=0.5)
    with pytest.raises(
        ValueError, match=r"^`size` must be one value or one a trial, 2 of them, got 3\.$"
    ):
        task.trials(2, size=[0.1, 0.2, 0.3])
    with pytest.raises(
        ValueError,
        match=r"^`size, side` must be what trials of Steps are made from, got \{'size': 'big', 'side': 1\}, which ended in UFuncTypeError: .*[^.]\.$|^`size, side` must be what .* ended in UFunc",
    ):
        task.trials(2, size="big", side=1)


@pytest.mark.parametrize(
    ("phases", "kind", "message"),
    [
        (lambda p: [1], TypeError, '`phases` must return a dict of (start, stop), got list. Write lambda p: {"stimulus": (start, stop)}.'),
        (lambda p: {}, ValueError, "`phases` must give a phase in some trial, got none. Leave it out."),
        (lambda p: {"a": (20, 10)}, ValueError, "`a` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, got (20, 10)."),
        (lambda p: {"a": (-10, 10)}, ValueError, "`a` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, got (-10, 10)."),
        ({"a": (0, 10)}, TypeError, "`phases` must be a function of the parameters of a trial, got {'a': (0, 10)}. Write phases=lambda p: {\"stimulus\": (start, stop)}."),
        (lambda p: {"a": (190, 201)}, ValueError, "`a` must end with the trial, at 200, or before, as `phases` returns it, got (190, 201). Cut it off there, for example with min()."),
        (lambda p: {"a": ("x", "y")}, ValueError, "`a` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, got ('x', 'y')."),
        (lambda p: {"a": 10}, ValueError, "`a` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, got 10."),
        (lambda p: {"a": (0, np.nan)}, ValueError, "`a` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, got (0, nan)."),
    ],
)  # fmt: skip
def test_phases_that_are_refused(phases, kind, message):
    with pytest.raises(kind) as error:
        bridged(phases=phases)
    assert str(error.value) == message


def test_numbers_that_are_refused():
    old = Duck()
    old.N_in = 0
    with pytest.raises(
        ValueError, match=r"^`Duck\.N_in` must be a whole number of 1 or more, got 0\.$"
    ):
        bridged(old)
    old = Duck()
    old.T = -1.0
    with pytest.raises(ValueError, match=r"^`Duck\.T` must be a number above 0, got -1\.0\.$"):
        bridged(old)
    for name, value in dict(correct_at=0.0, ms_per_unit=-1).items():
        with pytest.raises(ValueError, match=rf"^`{name}` must be a number "):
            bridged(**{name: value})


# --- the base class ---------------------------------------------------------------------------


def test_the_base_class_does_what_psychrnns_does():
    old = Steps(N_batch=3)
    assert old.alpha == 0.1 and old.N_steps == 20
    x, y, mask, params = old.get_trial_batch()
    assert x.shape == y.shape == mask.shape == (3, 20, 2) and len(params) == 3
    np.random.seed(1)
    first, second = (next(batches) for batches in [old.batch_generator()] for _ in range(2))
    np.random.seed(1)
    wanted = [old.generate_trial_params(1, 0)]
    np.testing.assert_array_equal(first[3][0]["onset"], wanted[0]["onset"])
    assert not np.array_equal(first[0], second[0])
    copy.deepcopy(old)


def test_batches_are_counted():
    class Counted(Duck, psychrnn.Task):
        def __init__(self):
            super().__init__(1, 1, 5.0, 50.0, 20.0, 2)

    old = Counted()
    drawn = [old.get_trial_batch()[3][0]["batch"] for _ in range(3)]
    batches = old.batch_generator()
    assert drawn == [1, 2, 3] == [next(batches)[3][1]["batch"] for _ in range(3)]


def test_task_params_are_a_copy():
    old = Steps()
    params = old.get_task_params()
    wanted = dict(N_in=2, N_out=2, N_batch=4, dt=10, tau=100, T=200, alpha=0.1, N_steps=20)
    assert params == wanted
    params["N_batch"] = 99
    assert old.N_batch == 4


def test_the_base_class_refuses_what_cannot_be():
    with pytest.raises(ValueError, match=r"^`T` must be a number above 0, got 0\.$"):
        Steps(T=0)
    with pytest.raises(TypeError, match="abstract"):
        psychrnn.Task(1, 1, 10, 100, 200, 4)


# --- curricula --------------------------------------------------------------------------------


def default_metric(*_):
    """Has the name of PsychRNN's own."""


class OldCurriculum:
    """What PsychRNN's has, by its names."""

    def __init__(self, tasks, thresholds, accuracies=None, metric=default_metric):
        self.tasks, self.thresholds, self.metric_epoch, self.metric = tasks, thresholds, 4, metric
        self.accuracies = (
            [one.accuracy_function for one in tasks] if accuracies is None else accuracies
        )


def test_a_curriculum_becomes_stages_that_a_network_is_trained_on():
    # Trials of another length would make PsychRNN stop at the change of stage.
    old = OldCurriculum([Steps(N_batch=8), Steps(N_batch=8, T=300)], [0.0, 0.9])
    made = psychrnn.curriculum(old, inputs=("a", "b"))
    assert [(s.threshold, s.every, s.trials, s.metric) for s in made.stages] == [
        (0.0, 4, 8, "accuracy"),
        (0.9, 4, 8, "accuracy"),
    ]
    model = nt.RateRNN.for_task(made, units=4)
    model.compile()
    for _ in range(2):  # PsychRNN's own can be used once
        model.fit(made, updates=8, batch_size=4, verbose=0)
        assert made.log["stage"].tolist() == [0, 1]
        assert made.log["event"].tolist()[0] == "advance"


def test_an_accuracy_of_its_own_is_a_metric():
    def half(correct_output, test_output, output_mask):
        assert correct_output.shape == test_output.shape == output_mask.shape
        return np.array(0.5)

    made = psychrnn.curriculum(OldCurriculum([Steps()], [0.5], [half]))
    model = nt.RateRNN.for_task(made, units=4)
    model.compile()
    model.fit(made, updates=20, batch_size=4, verbose=0)
    assert made.log["value"].tolist() == [0.5] and made.log["event"].tolist() == ["end"]


def test_other_curricula_are_refused():
    with pytest.raises(
        TypeError, match="`old_curriculum` must be a Curriculum of PsychRNN, but Steps"
    ):
        psychrnn.curriculum(Steps())
    with pytest.raises(ValueError, match=r"`metric` must be PsychRNN's default, .*got <built-in"):
        psychrnn.curriculum(OldCurriculum([Steps()], [0.9], metric=max))


# --- the page ---------------------------------------------------------------------------------


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "how_to" / "psychrnn.md").read_text()
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len(blocks) >= 3
    names = {}
    for block in blocks:
        exec(block, names)
    assert names["session"].sizes["trial"] == 500 and names["fit"].threshold > 0
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


# --- PsychRNN itself --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reproduction():
    pytest.importorskip("psychrnn.tasks.task")
    return runpy.run_path(str(ROOT / "docs" / "reproductions" / "psychrnn_tasks.py"))


@pytest.mark.parametrize("place", range(3))
def test_psychrnns_own_tasks_are_equal_to_the_bit(reproduction, place):
    result = reproduction["compare"](reproduction["TASKS"][place], 20)
    assert result.n_trials == 20 and result.n_equal == 20 and result.params_equal == 20
    assert result.scores_equal and result.entries > 0


def test_psychrnns_own_curriculum_becomes_ours():
    pytest.importorskip("psychrnn.tasks.task")
    from psychrnn.backend.curriculum import Curriculum
    from psychrnn.tasks.perceptual_discrimination import PerceptualDiscrimination

    tasks = [PerceptualDiscrimination(10, 100, 400, 8, coherence=c) for c in (0.7, 0.1)]
    made = psychrnn.curriculum(Curriculum(tasks, thresholds=[0.8, 0.9], metric_epoch=1))
    assert [(s.threshold, s.every, s.trials) for s in made.stages] == [(0.8, 1, 8), (0.9, 1, 8)]
    assert [s.task.old.coherence for s in made.stages] == [0.7, 0.1]
