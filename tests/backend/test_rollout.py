"""The closed loop: a network acts, step by step, and sees what follows."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask._episode import joined
from neurotask._streams import Stream

# Without memory the wired networks are read off by hand; dt = tau makes them so.
pytestmark = pytest.mark.filterwarnings("ignore:.*at most half of tau")


@dataclass(frozen=True, kw_only=True)
class Look(nt.Task):
    """The side that lights up when fixation goes off; a wait of any length before it."""

    inputs = ("fixation", "l", "r")
    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("answer")
    noise: float = 0.0
    before: nt.Duration = nt.Levels((40.0, 80.0))
    answer: nt.Duration = 100.0
    after: nt.Duration = 20.0

    def factors(self):
        return dict(side=nt.signed((0.5, 1.0)))

    def build(self, t):
        side = t.conditions.side
        t.input("fixation", until="answer", noise=self.noise)
        for name, sign in (("l", -1), ("r", 1)):
            strength = np.maximum(sign * side, 0.0)
            t.input(name, strength, phase="answer", delay=20.0, noise=self.noise)
        t.hold(until="answer")
        t.target_choice(side, phase="answer")


@dataclass(frozen=True, kw_only=True)
class Arms(nt.Task):
    """Two arms in a block of trials: what was chosen is shown afterwards."""

    inputs = ("fixation", "l", "r")
    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("choose")
    trials_per_block: int = 5
    wait: nt.Duration = 40.0
    choose: nt.Duration = nt.Levels((40.0, 80.0))
    result: nt.Duration = 40.0

    def factors(self):
        return dict(arm=nt.OwnChoice(("left", "right")), best=("left", "right"))

    def derive(self, c):
        return dict(chosen=np.where(c.arm == "observer", c.best, c.arm))

    def build(self, t):
        c = t.conditions
        t.input("fixation", until="choose")
        t.input("l", c.chosen == "left", phase="result")
        t.input("r", c.chosen == "right", phase="result")
        t.hold(until="choose")
        t.target_choice((c.best == "right").astype(int), phase="choose")


def wired(task, output=None, bias=(0.0, 0.0, 0.0), **settings):
    """A network without memory: each output is its input, or what `output` makes of the inputs."""
    model = nt.RateRNN.for_task(task, units=3, tau=task.dt, initial_state=0.0, **settings)
    model.input_kernel.assign(np.eye(3))
    model.recurrent_kernel.assign(np.zeros((3, 3)))
    model.output_kernel.assign(np.eye(3) if output is None else np.array(output))
    model.output_bias.assign(np.array(bias))
    return model


def random(task, **settings):
    return nt.RateRNN.for_task(task, units=8, seed=3, **settings)


def rows_of(task, n, seed, **conditions):
    batches = [
        task.batch(
            1,
            seed=seed,
            stream=Stream.ENVIRONMENT,
            index=i,
            conditions={k: v[i] for k, v in conditions.items()},
        )
        for i in range(n)
    ]
    return joined(batches)


def test_a_step_is_compiled_once_for_all_calls():
    model = random(Look(), noise=0.1)
    sessions = [nt.rollout(model, Look(), episodes=4, seed=seed) for seed in (1, 1, 2)]
    (compiled,) = model.runner._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1
    one, again, other = (s["states"].values[:, 0] for s in sessions)
    assert np.array_equal(one, again) and not np.array_equal(one, other)  # nor is the noise kept


def test_a_wired_network_answers_when_the_light_comes_on():
    s = nt.rollout(wired(Look()), Look(), episodes=20, seed=1)
    side = s["side"].values
    seen = np.abs(side) >= 0.6  # the weaker lights stay below the level
    assert (
        s["choice"].values.tolist()
        == np.where(seen, np.where(side > 0, "right", "left"), "none").tolist()
    )
    assert (s["rt"].values[seen] == 20.0).all() and np.isnan(s["rt"].values[~seen]).all()
    assert (s["correct"].values == seen).all()
    assert set(s["outcome"].values[~seen]) == {"no_response"}
    # A trial is over with its answer, at the latest with the time for it.
    go = s["phase_start"].sel(phase="answer").values
    steps = np.isfinite(s["outputs"].values[..., 0]).sum(1)
    assert steps.tolist() == (go / 20 + np.where(seen, 2, 5)).tolist()


def test_weaker_lights_with_a_lower_level():
    s = nt.rollout(wired(Look()), Look(), episodes=20, seed=1, commit=0.4)
    assert (s["correct"].values == 1).all() and (s["rt"].values == 20.0).all()


def test_early_and_fixating():
    early = nt.rollout(wired(Look(), bias=(0.0, 2.0, 0.0)), Look(), episodes=4, seed=1)
    assert set(early["outcome"].values) == {"broken_fixation"}
    assert np.isfinite(early["outputs"].values[..., 0]).sum(1).tolist() == [1] * 4
    holds = nt.rollout(wired(Look(), bias=(2.0, 0.0, 0.0)), Look(), episodes=4, seed=1)
    assert set(holds["outcome"].values) == {"no_response"}


def test_outputs_are_those_of_run_until_the_choice():
    task = Look(noise=0.1)
    model = random(task)
    s = nt.rollout(model, task, episodes=30, seed=2, noise=False, commit=0.02)
    trials = rows_of(task, 30, seed=2)
    assert np.array_equal(s["side"], trials.columns["side"])
    assert s["inputs"].values == pytest.approx(trials.to_xarray()["inputs"].values, nan_ok=True)
    open_loop = model.run(trials, noise=False)
    acting = np.isfinite(s["outputs"].values[..., 0])
    for name in ("outputs", "states", "rates"):
        assert s[name].values[acting] == pytest.approx(open_loop[name].values[acting], abs=1e-5)
        assert np.isnan(s[name].values[~acting]).all()
    # The behaviour, step by step from the outputs alone.
    go, stop = trials.phases.steps("answer")
    for i, outputs in enumerate(open_loop["outputs"].values):
        choice, outcome = "none", "no_response"
        for k in range(stop[i]):
            best = int(outputs[k, 1:].argmax())
            if outputs[k, 1:].max() >= 0.02 and outputs[k, 1:].max() > outputs[k, 0]:
                choice = "none" if k < go[i] else ("left", "right")[best]
                outcome = "broken_fixation" if k < go[i] else "answered"
                break
        assert acting[i].sum() == k + 1 and s["choice"].values[i] == choice
        assert (s["outcome"].values[i] == outcome) or outcome == "answered"
    assert len(set(s["outcome"].values)) > 1


def test_a_network_sees_what_follows_from_its_choices():
    # It takes the left arm, since the bias of that output exceeds what "fixation" has left.
    model = wired(Arms(), bias=(0.0, 0.7, 0.0))
    s = nt.rollout(model, Arms().env(), episodes=6, seed=4)
    assert s["outputs"].dims == ("block", "time", "output") and s["chosen"].dims == (
        "block",
        "trial",
    )
    assert set(s["chosen"].values.ravel()) == set(s["choice"].values.ravel()) == {"left"}
    assert np.array_equal(s["correct"], s["best"].values == "left")
    alone = nt.by_trial(s)
    shown = np.nansum(alone["inputs"].values, axis=1)
    assert (shown[:, 1] == 2).all() and (shown[:, 2] == 0).all()


def test_a_block_is_that_of_the_choices_made_in_it():
    # Units that add up how often each arm was chosen: the network takes the other one in turn.
    model = wired(Arms(), [[1, 0, 0], [0, -0.02, 0.02], [0, 0.02, -0.02]], (0.0, 0.7, 0.7))
    model.recurrent_kernel.assign(np.diag([0.0, 1.0, 1.0]))
    s = nt.rollout(model, Arms(), episodes=8, seed=5)
    choices = s["choice"].values
    assert choices.tolist() == [["left", "right", "left", "right", "left"]] * 8
    trials = rows_of(Arms(), 8, seed=5, arm=choices[:, None])
    assert np.array_equal(np.nan_to_num(s["inputs"].values), trials.inputs)
    open_loop = model.run(trials, noise=False)
    assert s["outputs"].values == pytest.approx(open_loop["outputs"].values, abs=1e-5, nan_ok=True)


def test_answers_that_are_values():
    task = nt.load("memory_guided_response", n_directions=8, delay=nt.Levels((200.0, 400.0)))
    s = nt.rollout(random(task), task, episodes=5, seed=0, noise=False)
    trials = rows_of(task, 5, seed=0)
    table = task.behavior(trials, np.nan_to_num(s["outputs"].values))
    assert s["outcome"].values.tolist() == table["outcome"].tolist()
    assert np.array_equal(s["direction"], trials.columns["direction"])
    reported = s["reported_direction"].values
    assert reported == pytest.approx(table["reported_direction"].to_numpy(), abs=0.1, nan_ok=True)
    assert np.isfinite(s["outputs"].values[..., 0]).sum(1).tolist() == trials.lengths.tolist()


def test_mixtures_of_tasks():
    @dataclass(frozen=True, kw_only=True)
    class Late(Look):
        pause: nt.Duration = 60.0

    mix = nt.MultiTask([Look(), Late()], rule_cue=False, names=("look", "late"))
    s = nt.rollout(wired(mix), mix, episodes=12, seed=0, commit=0.4)
    assert set(s["task"].values) == {"look", "late"} and (s["correct"].values == 1).all()
    pause = s["phase_start"].sel(phase="pause").values
    assert np.isnan(pause).tolist() == (s["task"].values == "look").tolist()


def test_the_level_of_a_threshold_is_that_of_the_choice():
    @dataclass(frozen=True, kw_only=True)
    class Race(Look):
        decision_rule = nt.Threshold(0.3, from_="answer")

    mix = nt.MultiTask([Race(), Look()], rule_cue=False)
    s = nt.rollout(wired(Race()), Race(), episodes=10, seed=1)
    assert (s["correct"].values == 1).all() and (s["rt"].values == 20.0).all()
    s = nt.rollout(wired(mix), mix, episodes=20, seed=1)
    answered = (s["task"].values == "race") | (np.abs(s["side"].values) > 0.6)
    assert np.array_equal(s["correct"].values, answered) and not answered.all()


def test_noise_comes_from_the_seed():
    model = random(Look(), noise=0.5)
    one, again, other = (
        nt.rollout(model, Look(), episodes=4, seed=s)["states"].values for s in (1, 1, 2)
    )
    assert np.array_equal(one, again, equal_nan=True) and not np.array_equal(one[:, 0], other[:, 0])
    still = nt.rollout(model, Look(), episodes=4, seed=1, noise=False)["states"].values
    assert not np.array_equal(one[:, 0], still[:, 0])
    assert len({row.tobytes() for row in one[:, 0]}) == 4  # each episode has noise of its own


def test_held_conditions():
    s = nt.rollout(wired(Look()), Look(), episodes=3, conditions={"side": 1.0, "before": 40.0})
    assert (s["side"].values == 1.0).all() and set(s["choice"].values) == {"right"}


VALUES = nt.load("center_out_reach")


def spoiled(task):
    model = wired(task)
    model.output_bias.assign([np.nan, 0.0, 0.0])
    return model


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda model: nt.rollout(None, Look().env()),
            TypeError,
            r"`model` must be a network, got None. Make one: nt.RateRNN.for_task\(task\)",
        ),
        (
            lambda model: nt.rollout(model, Look(), conditions=[1]),
            TypeError,
            r"`conditions` must be a dict of conditions, got \[1\]",
        ),
        (
            lambda model: nt.rollout(wired(Arms()), Arms(), conditions={"arm": "left"}),
            ValueError,
            r"`arm` must be left to who acts in Arms, .* got 'left'. Leave it out",
        ),
        (
            lambda model: nt.rollout(model, "rdm"),
            TypeError,
            r"`env` must be the environment of a task, got 'rdm'. Make one with task.env\(\)",
        ),
        (
            lambda model: nt.rollout(model, nt.load("rdm")),
            ValueError,
            r"`task` must have the model's inputs \('fixation', 'l', 'r'\)",
        ),
        (
            lambda model: nt.rollout(model, Look(dt=10.0)),
            ValueError,
            r"`task` must have the model's dt = 20 ms, got 10 ms",
        ),
        (
            lambda model: nt.rollout(model, Look(), episodes=0),
            ValueError,
            r"`episodes` must be a whole number of 1 or more, got 0",
        ),
        (
            lambda model: nt.rollout(model, Look(), commit=np.nan),
            ValueError,
            r"`commit` must be a finite number, got nan",
        ),
        (
            lambda model: nt.rollout(random(VALUES), VALUES, commit=0.5),
            ValueError,
            r"`commit` must be None where answers are values, as in CenterOutReach, got 0.5",
        ),
        (
            lambda model: nt.rollout(model, Look(), conditions={"sde": 1.0}),
            ValueError,
            r'`sde` must be a factor or a phase of Look, .* Did you mean "side"',
        ),
        (
            lambda model: nt.rollout(spoiled(Look()), Look(), episodes=2),
            ValueError,
            r"`outputs` must be numbers, got NaN at 0 ms. Look for NaN in the weights",
        ),
    ],
)
def test_refused(run, error, message):
    with pytest.raises(error, match=message):
        run(wired(Look()))
