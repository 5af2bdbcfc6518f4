"""The contract of tasks: kept by the library's, and broken in every way that it names."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import neurotask as nt
from neurotask._batches import make_trials
from neurotask._contract import POINTS
from neurotask.testing import ContractError, check_task

POINTS = (*POINTS, "ideal observer")


@dataclass(frozen=True, kw_only=True)
class Sides(nt.Task):
    """A small task that keeps the whole contract."""

    inputs = ("fixation", "left_light", "right_light")
    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("answer", grace=40.0)
    psychometric_axis = "side"
    go_cue = "answer"
    hard = dict(noise=3.0)  # noqa: RUF012

    strengths: tuple[float, ...] = (0.5, 1.0)
    noise: float = 0.1
    before: nt.Duration = 100.0
    light: nt.Duration = nt.Levels((200.0, 400.0))
    delay: nt.Duration = 60.0
    answer: nt.Duration = 200.0

    def factors(self):
        return dict(side=nt.signed(self.strengths), bias=(0.0, 0.1))

    def build(self, t):
        c = t.conditions
        t.input("fixation", until="answer")
        for name, sign in (("left_light", -1), ("right_light", 1)):
            t.input(name, c.bias + (sign * c.side > 0), phase="light", noise=self.noise)
        t.hold(until="answer")
        t.target_choice(c.side, phase="answer", grace=40.0)

    def observe(self, seen):
        return seen.choose(seen.sum("right_light") > seen.sum("left_light"))


def test_a_good_task_passes_every_point():
    contract = check_task(Sides())
    assert contract.passed == POINTS and not contract.not_applicable
    assert contract.easy == 1.0 and 0.5 < contract.hard < 0.9


@dataclass(frozen=True, kw_only=True)
class Bare(nt.Task):
    """Hardly a task."""

    inputs, outputs = ("u",), ("z",)
    on: nt.Duration = 100.0

    def build(self, t):
        t.input("u", t.rng.normal(size=t.n_trials))
        t.target("z", 0.5)


def test_what_a_task_gives_no_occasion_to_check():
    contract = check_task(Bare())
    assert contract.not_applicable["targets score as correct"] == "it has no decision rule"
    assert contract.not_applicable["ideal observer"] == "it has no ideal observer"
    assert set(contract.passed) | set(contract.not_applicable) == set(POINTS)
    assert np.isnan(contract.easy) and np.isnan(contract.hard)


def test_it_needs_a_task():
    with pytest.raises(TypeError, match=r"`task` must be a Task, got 'rdm'. Load one with"):
        check_task("rdm")


def broken(**members):
    """`Sides` with a defect."""
    body = dict(__module__=__name__, __annotations__=members.pop("annotations", {}))
    return dataclass(frozen=True, kw_only=True)(type("Broken", (Sides,), body | members))


def also(paint):
    """A `build` that paints something more, or otherwise."""

    def build(self, t):
        Sides.build(self, t)
        paint(self, t)

    return build


class Opaque:
    """A setting that no text makes again."""


def per_step(self, t):
    # As in PsychRNN and neurogym: a spread for each step, whatever its length.
    Sides.build(Sides(noise=0.0), t)
    present = np.arange(t.n_steps) < t.phases.lengths[:, None]
    t.inputs[..., 1] += self.noise * present * t.rng.normal(size=present.shape)


def global_noise(self, t):
    t.inputs[..., 1] += 0.1 * np.random.normal(size=t.inputs.shape[:2])  # noqa: NPY002


def seedless_noise(self, t):
    t.inputs[..., 1] += 0.1 * np.random.default_rng().normal(size=t.inputs.shape[:2])


def held_fixation(self, t):
    start, stop = t.phases.steps("answer")
    step = np.arange(t.n_steps)
    t.inputs[..., 0] += (step >= start[:, None]) & (step < stop[:, None])


def swapped(self, t):
    t.targets[:] = t.targets[..., [0, 2, 1]]


def cut_too_long(self, t):
    t.inputs[:, -1, 0] = 1.0


def mask_behind(self, t):
    t.mask[:] = np.maximum(t.mask, 0.1)


def mask_before_the_target(self, t):
    # The target comes later than the mask says.
    for trial, at in enumerate(t.phases.steps("answer")[0]):
        t.targets[trial, at : at + 2] = 0.0
        t.mask[trial, at : at + 2] = 1.0


def one_step_late(self, t):
    # A cue of one step whatever dt is, as neurogym's MotorTiming lost its cue of 50 ms at dt 80.
    start, _ = t.phases.steps("answer")
    t.inputs[np.arange(t.n_trials), start + 2, 1] = 1.0


def ignore(self, n, conditions, what, how):
    # As PsychRNN's PerceptualDiscrimination(direction=1).
    return make_trials(self, n, {}, what, how)


def only_the_first_level(self, n, conditions, what, how):
    conditions = {k: np.full(np.shape(v), np.ravel(v)[0]) for k, v in conditions.items()}
    return make_trials(self, n, conditions, what, how)


def wide(self, n, conditions, what, how):
    trials = make_trials(self, n, conditions, what, how)
    object.__setattr__(trials, "inputs", trials.inputs.astype(float))
    return trials


def renamed(self, n, conditions, what, how):
    trials = make_trials(self, n, conditions, what, how)
    trials.columns["correct"] = trials.columns["side"] > 0
    return trials


def fewer(self, n, conditions, what, how):
    return make_trials(self, min(n, 40), conditions, what, how)


def takes_anything(self, n, conditions, what, how):
    known = {k: v for k, v in conditions.items() if k in self.settable}
    return make_trials(self, n, known, what, how)


def same_for_all_seeds(self, n, conditions, what, how):
    rng = np.random.default_rng
    return make_trials(self, n, conditions, rng(0), rng(1))


def failing(self, seen):
    return seen.choose(seen.sum("left_light") > seen.sum("right_light"))


def raising(self, seen):
    return seen["lights"]


def all_knowing(self, seen):
    # Looks past the noise: right even where nobody who sees the inputs alone can be.
    rounded = np.abs(np.round(seen["right_light"] * 0)).sum(1)
    return seen.choose(rounded >= 0)


class _Kept(nt.DecisionRule):
    """Counts silence as right, as "all fixate" scores 95 % on neurogym's padded targets."""

    def __repr__(self):
        return "_Kept()"

    def read(self, trials, outputs):
        n = len(trials)
        none, never = np.full(n, np.nan), np.zeros(n, bool)
        return nt.decisions.Reading(np.full(n, -1), ~never, none, never, correct=np.ones(n))


@pytest.mark.parametrize(
    ("members", "point", "message"),
    [
        (dict(__repr__=lambda s: "Sides(noise=0.5)"), "repr", "must equal the task, got Sides"),
        (
            dict(annotations={"extra": object}, extra=field(default_factory=Opaque)),
            "repr",
            "SyntaxError: invalid syntax",
        ),
        (dict(_make=wide), "shapes", "inputs must be float32, got float64"),
        (dict(_make=fewer), "shapes", "a batch of 48 must have 48 rows, got 40"),
        (
            dict(build=also(lambda s, t: t.mask.fill(0.0))),
            "shapes",
            "the mask must ask for something",
        ),
        (
            dict(_make=renamed),
            "names",
            "condition correct must have another name: results have correct",
        ),
        (dict(build=also(global_noise)), "seeds", "must leave NumPy's global generator alone"),
        (dict(build=also(seedless_noise)), "seeds", "the same seed must make the same trials"),
        (dict(_make=same_for_all_seeds), "seeds", "another seed must make other trials"),
        (dict(build=also(swapped)), "targets score as correct", "must score as correct, got 0.000"),
        (
            dict(decision_rule=_Kept()),
            "targets score as correct",
            "silence must not score as correct",
        ),
        (dict(build=also(cut_too_long)), "padding", "inputs must be 0 behind the end of a trial"),
        (dict(build=also(mask_behind)), "padding", "mask must be 0 behind the end of a trial"),
        (
            dict(build=also(mask_before_the_target)),
            "mask",
            "in phase answer the mask counts steps that have no target",
        ),
        (
            dict(_make=only_the_first_level),
            "grid",
            r"grid\(side=...\) must hold each level equally often",
        ),
        (dict(_make=ignore), "grid", "must hold each level equally often"),
        (dict(_make=takes_anything), "unknown conditions", "an unknown condition must be refused"),
        (
            dict(build=also(held_fixation)),
            "go cue",
            "the inputs must change at the start of answer in every trial",
        ),
        (dict(build=also(one_step_late)), "time step", "inputs at dt and dt/2 must agree"),
        (dict(build=per_step), "noise is a density", "its spread changed by 0.7"),
        (dict(observe=failing), "ideal observer", "right in 99 % of easy trials, got 0.000"),
        (dict(observe=raising), "ideal observer", "ValueError: `input channel` must be one of"),
        (dict(hard={"noise": 0.0}), "ideal observer", "right less often in hard trials, got 1.000"),
        (
            dict(easy={"nois": 0.0}),
            "ideal observer",
            "TypeError: `nois` must be a setting of Broken",
        ),
    ],
)
def test_each_defect_is_found_and_named(members, point, message):
    with pytest.raises(ContractError, match=rf"(?s)Broken breaks `{point}`: .*{message}"):
        check_task(broken(**members)())
