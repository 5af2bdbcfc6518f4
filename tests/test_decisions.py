"""Reading answers from outputs, on outputs drawn by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask.behavior import accuracy, behavior
from neurotask.trials import SCORED


@dataclass(frozen=True, kw_only=True)
class Choice(nt.Task):
    """Two choices, a phase before and one to answer in."""

    inputs = ("u",)
    outputs = ("left", "right")
    before: nt.Duration = nt.Levels((40.0, 80.0))
    answer: nt.Duration = 60.0

    def factors(self):
        return dict(side=nt.signed((0.0, 1.0)))

    def build(self, t):
        t.target_choice(t.conditions.side, phase="answer")


@dataclass(frozen=True, kw_only=True)
class ByMean(Choice):
    """Read by the highest mean."""

    decision_rule = nt.Argmax("answer", grace=20.0)


@dataclass(frozen=True, kw_only=True)
class ByThreshold(Choice):
    """Read by the first to reach a level."""

    decision_rule = nt.Threshold(0.5, from_="answer")


@dataclass(frozen=True, kw_only=True)
class WithFixation(Choice):
    """An output to hold still with."""

    outputs = ("fixation", "left", "right")
    decision_rule = nt.Argmax("answer")


@dataclass(frozen=True, kw_only=True)
class Many(Choice):
    """Any number of choices."""

    outputs: tuple[str, ...] = ("a", "b")
    decision_rule = nt.Argmax("answer")

    def factors(self):
        return dict(place=(0,))

    def build(self, t):
        t.target_choice(t.conditions.place, phase="answer")


@dataclass(frozen=True, kw_only=True)
class Value(Choice):
    """A value to produce."""

    outputs = ("z",)
    decision_rule = nt.Distance("answer", tolerance=0.1)

    def build(self, t):
        t.target("z", t.conditions.side, phase="answer", grace=20.0)


def test_perfect_outputs_are_correct():
    for task in (ByMean(), ByThreshold(before=40.0), WithFixation(), Value()):
        trials = task.trials(30, seed=1)
        table = behavior(trials, trials.targets)
        scored = table["correct"].notna()
        assert (table["correct"][scored] == 1).all() and scored.any()


def test_mean_after_the_grace():
    trials = ByMean().trials(2, before=40.0, side=[1.0, -1.0])
    outputs = np.zeros((2, 5, 2))
    outputs[:, 2, 0] = 100.0  # the grace: not read
    outputs[:, 3:, 1] = [0.4, 0.5]
    outputs[:, 3:, 0] = [0.6, 0.2]
    table = behavior(trials, outputs)
    assert table["choice"].tolist() == ["right", "right"]
    assert table["correct"].tolist() == [1.0, 0.0]
    assert table["outcome"].tolist() == ["correct", "error"]
    assert table["rt"].isna().all()


def test_first_to_reach_the_level():
    trials = ByThreshold().trials(4, before=40.0, side=1.0)
    outputs = np.zeros((4, 5, 2))
    outputs[0, 3:, 1] = 0.6  # right after one step
    outputs[1, 4, 0] = 0.5  # left after two
    outputs[3, 1, 1] = 0.9  # before the event
    table = behavior(trials, outputs)
    assert table["choice"].tolist() == ["right", "left", "none", "none"]
    assert table["rt"].tolist()[:2] == [20.0, 40.0] and table["rt"][2:].isna().all()
    assert table["outcome"].tolist() == ["correct", "error", "no_response", "broken_fixation"]
    assert table["correct"].tolist() == [1, 0, 0, 0]


def test_padding_is_not_read():
    trials = ByThreshold().trials(2, before=[40.0, 80.0], side=1.0)
    outputs = np.zeros((2, 7, 2))
    outputs[0, 5:, 1] = 1.0  # behind the end of the shorter trial
    outputs[0, 5:, 0] = np.nan
    assert behavior(trials, outputs)["choice"].tolist() == ["none", "none"]


def test_fixation_held_and_broken():
    trials = WithFixation().trials(3, before=40.0, side=-1.0)
    outputs = np.zeros((3, 5, 3))
    outputs[:, :, 0] = 0.5
    outputs[1, 2:, 1] = 0.9  # answers left when asked
    outputs[2, :, 1] = 0.9  # answers left all the time
    table = behavior(trials, outputs)
    assert table["outcome"].tolist() == ["no_response", "correct", "broken_fixation"]
    assert table["choice"].tolist() == ["none", "left", "left"]
    assert table["correct"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("n", [2, 5, 7])
def test_outputs_that_are_equal_stay_so(n):
    # Their sums must not come out different for being summed in different orders.
    task = Many(outputs=tuple("abcdefgh"[:n]), answer=1940.0)
    trials = task.trials(200, before=40.0)
    noise = np.random.default_rng(0).normal(size=trials.targets.shape[:2]).astype(np.float32)
    outputs = np.repeat(noise[..., None], n, axis=2)
    assert (task.decision_rule.read(trials, outputs).choice == 0).all()


def test_no_answer_is_right_at_zero():
    trials = ByMean().trials(3, side=[0.0, 1.0, 0.0])
    table = behavior(trials, trials.targets)
    assert table["answer"].tolist() == ["none", "right", "none"]
    assert np.isnan(table["correct"]).tolist() == [True, False, True]
    assert table["outcome"].tolist() == ["unscored", "correct", "unscored"]
    assert accuracy(trials, trials.targets) == 1.0
    assert np.isnan(accuracy(trials[[0, 2]], trials.targets[[0, 2]]))


def test_distance_from_a_value():
    trials = Value().trials(2, before=40.0, side=1.0)
    outputs = np.array(trials.targets)
    outputs[0, :3] += 5.0  # before, and in the grace: not asked
    outputs[1, 3] += 0.3  # root mean square over two steps: 0.3 / sqrt(2)
    table = behavior(trials, outputs)
    assert table["error"].tolist() == pytest.approx([0.0, 0.3 / np.sqrt(2)], abs=1e-6)
    assert table["correct"].tolist() == [1.0, 0.0]


@dataclass(frozen=True, kw_only=True)
class AtTimes(nt.Task):
    """Some trials are not answered at all."""

    inputs = ("u",)
    outputs = ("left", "right")
    decision_rule = nt.Argmax("report")
    before: nt.Duration = 40.0
    report: nt.Duration = nt.Levels((0.0, 60.0))

    def derive(self, c):
        return dict(side=np.where(c.report > 0, -1.0, 0.0))

    def build(self, t):
        t.target_choice(t.conditions.side, phase="report")


@dataclass(frozen=True, kw_only=True)
class AtTimesFixating(AtTimes):
    """The same with an output to hold still with."""

    outputs = ("fixation", "left", "right")


@pytest.mark.parametrize("kind", [AtTimes, AtTimesFixating])
def test_nothing_is_read_where_nothing_is_asked(kind):
    # Left is the first choice: without the phase it would be what argmax of nothing gives.
    trials = kind().trials(2, report=[0.0, 60.0])
    table = behavior(trials, trials.targets)
    assert table["choice"].tolist() == ["none", "left"]
    assert table["outcome"].tolist() == ["unscored", "correct"]


RING = nt.Ring("out", 8, width=45.0)  # broad: its vector is exact to 0.01 degrees


@dataclass(frozen=True, kw_only=True)
class Point(nt.Task):
    """A direction to report, or not."""

    inputs = ("u",)
    outputs = ("fixation", *RING)
    choices = ()
    decision_rule = nt.PopulationVector("report", RING, tolerance=30.0)
    before: nt.Duration = 40.0
    report: nt.Duration = 100.0

    def factors(self):
        return dict(wanted=nt.Uniform(0.0, 360.0), withhold=nt.chance(0.25))

    def build(self, t):
        c = t.conditions
        t.hold(until="report")
        t.target_direction(RING, c.wanted, phase="report", withhold=c.withhold)


def pointing(trials, direction, fixation=0.0):
    """Outputs that hold still, and then point."""
    outputs = np.array(trials.targets)
    outputs[:, 2:, 0] = np.reshape(fixation, (-1, 1))
    outputs[:, 2:, 1:] = RING.bump(direction)[..., None, :]
    return outputs


@pytest.mark.parametrize("before", [0.0, 40.0])
def test_directions_within_the_tolerance(before):
    task = Point(before=before)
    wanted = np.array([0.0, 10.0, 350.0, 90.0, 90.0])
    trials = task.trials(5, wanted=wanted, withhold=False)
    reported = (wanted + np.array([0.0, -29.0, 31.0, 170.0, 20.0])) % 360
    outputs = np.array(trials.targets)
    outputs[:, -5:, 1:] = RING.bump(reported)[:, None]
    table = behavior(trials, outputs)
    assert table["error"].tolist() == pytest.approx([0.0, 29.0, 31.0, 170.0, 20.0], abs=0.02)
    assert table["correct"].tolist() == [1, 1, 0, 0, 1]
    apart = np.abs((table["reported_direction"] - reported + 180.0) % 360.0 - 180.0)
    assert apart.max() < 0.02
    assert table["wanted"].tolist() == wanted.tolist()
    assert "choice" not in table and table["rt"].isna().all()


def test_direction_in_a_window_after_the_grace():
    trials = Point().trials(1, wanted=90.0, withhold=False)
    outputs = pointing(trials, [90.0])
    outputs[:, 2:4, 1:] = 5.0 * RING.bump(270.0)  # wrong and strong in the first two steps
    rules = [
        nt.PopulationVector("report", RING, **settings)
        for settings in (dict(), dict(grace=40.0), dict(window=60.0), dict(window=80.0))
    ]
    error = [rule.read(trials, outputs).error[0] for rule in rules]
    assert error == pytest.approx([180.0, 0.0, 0.0, 180.0], abs=1e-3)
    whole = nt.PopulationVector("report", RING, grace=40.0, window=500.0)
    assert whole.read(trials, outputs).error[0] == pytest.approx(0.0, abs=1e-3)


def test_fixation_held_where_a_direction_is_due_or_not():
    trials = Point().trials(4, wanted=90.0, withhold=[False, False, True, True])
    outputs = pointing(trials, np.full(4, 90.0), fixation=[0.4, 0.6, 0.4, 0.6])
    table = behavior(trials, outputs)
    assert table["outcome"].tolist() == ["correct", "no_response", "error", "correct"]
    assert table["correct"].tolist() == [1, 0, 0, 1]
    assert table["reported_direction"].isna().tolist() == [False, True, False, True]


def test_no_vector_is_silence():
    trials = Point().trials(2, wanted=90.0, withhold=[False, True])
    outputs = np.array(trials.targets)
    outputs[:, 2:] = [0.0, *8 * [0.2]]
    assert behavior(trials, outputs)["outcome"].tolist() == ["no_response", "correct"]


@pytest.mark.parametrize("hold", [True, False])
def test_broken_fixation_before_a_direction(hold):
    trials = Point().trials(2, wanted=90.0, withhold=False)
    outputs = pointing(trials, [90.0, 90.0])
    outputs[1, :2, 0] = 0.4
    reading = nt.PopulationVector("report", RING, hold=hold).read(trials, outputs)
    assert reading.broken.tolist() == [False, hold]
    task = Point()
    object.__setattr__(task, "decision_rule", nt.PopulationVector("report", RING, hold=hold))
    again = task.trials(2, wanted=90.0, withhold=False)
    outcome = "broken_fixation" if hold else "correct"
    assert behavior(again, outputs)["outcome"].tolist() == ["correct", outcome]


@dataclass(frozen=True, kw_only=True)
class Time(nt.Task):
    """An interval to produce."""

    inputs = ("u",)
    outputs = ("go",)
    decision_rule = nt.Interval(0.5, from_="produce", wanted="interval", tolerance=0.25)
    before: nt.Duration = 40.0
    produce: nt.Duration = 400.0

    def factors(self):
        return dict(interval=(80.0, 160.0))

    def build(self, t):
        t.target("go", 1.0, phase="produce", delay=t.conditions.interval)


def test_intervals():
    trials = Time().trials(6, interval=[80.0, 80.0, 160.0, 160.0, 80.0, 80.0])
    outputs = np.zeros((6, 22, 1))
    for trial, produced in enumerate((100.0, 120.0, 120.0, 220.0)):
        outputs[trial, 2 + int(produced / 20) :] = 0.6
    outputs[5, 0] = 0.6  # too early
    table = behavior(trials, outputs)
    assert table["rt"].tolist()[:4] == [100.0, 120.0, 120.0, 220.0]
    assert table["error"].tolist()[:4] == [20.0, 40.0, -40.0, 60.0]
    assert table["error"][4:].isna().all()
    assert table["correct"].tolist() == [1, 0, 1, 0, 0, 0]
    assert table["outcome"].tolist() == [
        "correct",
        "error",
        "correct",
        "error",
        "no_response",
        "broken_fixation",
    ]


@dataclass(frozen=True, kw_only=True)
class GoOrNot(WithFixation):
    """To answer, or to hold still."""

    def build(self, t):
        t.hold(until="answer")
        t.target_choice(t.conditions.side, phase="answer", withhold=t.conditions.side < 0)


def test_withholding_right_and_wrong():
    trials = GoOrNot().trials(5, before=40.0, side=[-1.0, -1.0, -1.0, 1.0, 1.0])
    outputs = np.zeros((5, 5, 3))
    outputs[:, :, 0] = 0.5
    outputs[[1, 3], 2:, 2] = 1.0  # answers right when asked
    outputs[2, :, 1] = 1.0  # moves from the start, in a trial to hold still in
    table = behavior(trials, outputs)
    assert table["answer"].tolist() == ["withhold"] * 3 + ["right"] * 2
    assert table["choice"].tolist() == ["none", "right", "left", "right", "none"]
    assert table["correct"].tolist() == [1, 0, 0, 1, 0]
    assert table["outcome"].tolist() == [
        "correct",
        "error",
        "broken_fixation",
        "correct",
        "no_response",
    ]


def test_no_condition_can_have_the_name_of_what_is_scored():
    added = set()
    for task in (ByMean(), Value(), Point(), Time()):
        trials = task.trials(4)
        added |= set(behavior(trials, trials.targets)) - set(trials.columns)
    assert added == set(SCORED)


def test_nan_is_refused():
    trials = ByMean().trials(3, before=40.0)
    outputs = np.zeros((3, 5, 2))
    outputs[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"got NaN in 1 trials, first in trial 1 at 60 ms"):
        behavior(trials, outputs)


def test_wrong_shape():
    trials = ByMean().trials(3)
    with pytest.raises(
        ValueError, match=r"`outputs` must have the shape of the targets, \(3, 7, 2\)"
    ):
        behavior(trials, np.zeros((3, 7, 1)))


def test_a_task_without_a_rule():
    trials = Choice().trials(2)
    with pytest.raises(ValueError, match=r"`decision_rule` must be set .* but Choice has none"):
        behavior(trials, trials.targets)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Threshold(np.nan, from_="a"), r"`level` must be a finite number"),
        (
            lambda: nt.PopulationVector("a", RING, tolerance=181.0),
            r"`tolerance` must be a number in \[0, 180\], got 181.0",
        ),
        (
            lambda: nt.PopulationVector("a", RING, window=0.0),
            r"`window` must be a number above 0, got 0.0",
        ),
        (lambda: nt.Interval(np.inf, "a", "b"), r"`level` must be a finite number, got inf"),
        (
            lambda: nt.Interval(0.5, "a", "b", tolerance=-0.1),
            r"`tolerance` must be a number of 0 or more, got -0.1",
        ),
        (lambda: nt.Distance("a", tolerance=-1), r"`tolerance` must be a number of 0 or more"),
    ],
)
def test_bad_rules(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            nt.Argmax("report", grace=60.0),
            r"`grace` must leave a step of the phase 'report' to read",
        ),
        (nt.PopulationVector("report", RING, grace=100.0), r"got 100 ms. Make it shorter"),
        (nt.PopulationVector("reprt", RING), r'`phase` must be one of "before", "report"'),
        (nt.Threshold(0.5, from_="report"), r"`choices` must name an output .* but Point has none"),
    ],
)
def test_rules_that_do_not_fit_the_trials(rule, message):
    # A grace that eats the phase of some trials alone would read their answer from nothing.
    trials = Point(report=nt.Levels((60.0, 100.0))).trials(2, report=[60.0, 100.0])
    with pytest.raises(ValueError, match=message):
        rule.read(trials, trials.targets)


def test_an_interval_without_a_condition():
    trials = Time().trials(2)
    with pytest.raises(
        ValueError, match=r'`wanted` must be one of "interval", got .* Did you mean'
    ):
        nt.Interval(0.5, from_="produce", wanted="intervall").read(trials, trials.targets)
