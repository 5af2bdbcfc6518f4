"""A curriculum under way, stepped by hand: where each evaluation leads."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from neurotask import Curriculum, MultiTask, Stage
from neurotask._streams import Stream
from neurotask.curriculum import Evaluation
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.curriculum.mixtures import mixed
from neurotask.task import Task
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination


def easy(**settings):
    return PerceptualDiscrimination(coherences=(0.5,), noise=0.0, stimulus=200.0, **settings)


HARD = easy().replace(coherences=(0.1,))
HARDER = easy().replace(coherences=(0.05,))


@dataclass
class Pupil:
    """Answers a given share of trials right, one share an evaluation, and remembers what it saw."""

    shares: list

    def __post_init__(self):
        self.seen = []

    def __call__(self, trials, number):
        self.seen.append((number, trials))
        outputs = trials.targets.copy()
        wrong = np.arange(len(trials)) >= round(self.shares.pop(0) * len(trials))
        outputs[wrong] = outputs[wrong][..., ::-1]
        return Evaluation(trials, outputs, lambda trials, outputs: 0.5)


def course(*stages, batch_size=8, seed=3, **settings):
    made = Curriculum(list(stages), **settings)
    return Course(made, batch_size, seed, made.channels)


def go(course, *shares, updates=1000):
    """Train as `fit` does until the shares are used up; return the pupil."""
    pupil, update = Pupil(list(shares)), 0
    while pupil.shares and not course.over and update < updates:
        size = course.until
        update += size
        course.advance(size, update, 0.25, pupil)
    return pupil


def stage(task, **settings):
    return Stage(task, **({"every": 10, "trials": 20, "threshold": 0.8} | settings))


def column(course, name):
    return course.curriculum.log[name].tolist()


def test_a_stage_is_left_when_it_is_passed_and_the_last_ends_training():
    one = course(stage(easy()), stage(HARD, every=5))
    go(one, 0.5, 0.8, 0.75, 1.0)
    assert column(one, "update") == [10, 20, 25, 30]
    assert column(one, "stage") == [0, 0, 1, 1]
    assert column(one, "value") == [0.5, 0.8, 0.75, 1.0]
    assert column(one, "passed") == [False, True, False, True]
    assert column(one, "event") == ["", "advance", "", "end"]
    assert one.over == "end"
    assert column(one, "trials") == [80, 160, 200, 240]
    assert column(one, "tested") == [20, 40, 60, 80]
    assert column(one, "threshold") == [0.8] * 4 and column(one, "loss") == [0.25] * 4


def test_passes_must_be_in_a_row():
    one = course(stage(easy(), passes=2))
    go(one, 0.9, 0.5, 0.9, 0.9)
    assert column(one, "event") == ["", "", "", "end"]


@pytest.mark.parametrize(
    ("on_limit", "events", "stages"),
    [
        ("stop", ["advance", "", "stop"], [0, 1, 1]),
        ("back", ["advance", "", "back", "advance", "", "back"], [0, 1, 1, 0, 1, 1]),
        ("advance", ["advance", "", "end"], [0, 1, 1]),
    ],
)
def test_a_limit_says_what_follows_from_failing(on_limit, events, stages):
    one = course(stage(easy()), stage(HARD, limit=15, on_limit=on_limit))
    go(one, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert column(one, "event") == events
    assert column(one, "stage") == stages
    assert column(one, "update")[:3] == [10, 20, 25]


def test_a_stage_without_threshold_is_tested_and_never_passed():
    one = course(stage(easy(), threshold=None, limit=30, on_limit="advance"), stage(HARD))
    go(one, 1.0, 1.0, 1.0, 1.0)
    assert column(one, "event") == ["", "", "advance", "end"]
    assert np.isnan(column(one, "threshold")[:3]).all()


def test_the_target_ends_training_whatever_the_stage():
    target = stage(HARD, every=4, trials=10, passes=2)
    one = course(stage(easy()), stage(HARD), target=target)
    go(one, 0.9, 0.0, 0.0, 0.9, 0.9)  # target at 4 and 8, stage at 10, target at 12 and 16
    assert column(one, "update") == [4, 8, 10, 12, 16]
    assert column(one, "name")[-1] == "target" and column(one, "event")[-1] == "target"
    assert one.over == "target"


def test_training_goes_on_for_the_target_after_the_last_stage():
    one = course(stage(easy()), target=stage(HARD, every=20))
    go(one, 1.0, 0.0, 0.0, 1.0)
    assert column(one, "update") == [10, 20, 40, 60]
    assert column(one, "event") == ["end", "", "", "target"]
    assert one.task == easy()


def test_rehearsal_mixes_earlier_stages_in():
    one = course(stage(easy()), stage(HARD), stage(HARDER, rehearsal=0.4))
    go(one, 1.0, 1.0)
    assert isinstance(one.task, MultiTask) and one.task.tasks == (HARDER, easy(), HARD)
    np.testing.assert_allclose(one.task.weights, (0.6, 0.2, 0.2))
    strengths = np.abs(one.task.trials(4000, seed=1).columns["coherence"])
    shares = [(strengths == level).mean() for level in (0.05, 0.5, 0.1)]
    np.testing.assert_allclose(shares, (0.6, 0.2, 0.2), atol=0.03)
    pupil = go(one, 0.5)  # what is tested is the stage alone
    assert pupil.seen[0][1].task == HARDER


def test_several_tasks_are_mixed_as_weighted():
    one = course(stage([easy(), HARD], weights=(3, 1)))
    strengths = np.abs(one.task.trials(4000, seed=1).columns["coherence"])
    assert (strengths == 0.5).mean() == pytest.approx(0.75, abs=0.03)
    pupil = go(one, 1.0)
    assert isinstance(pupil.seen[0][1].task, MultiTask)


def test_stages_may_have_other_channels_and_lengths():
    one = course(stage(GoNoGo()), stage(easy()))
    inputs, outputs = one.curriculum.channels
    assert set(inputs) == {*GoNoGo().inputs, *easy().inputs}
    assert one.task.inputs == inputs and one.task.outputs == outputs
    wide = (("x", *inputs), (*outputs, "y"))
    wider = Course(one.curriculum, 8, 0, wide)
    assert (wider.task.inputs, wider.task.outputs) == wide
    go(wider, 1.0)
    assert wider.stage == 1 and (wider.task.inputs, wider.task.outputs) == wide


def test_trials_of_evaluations_are_never_those_of_training_and_never_come_twice():
    noisy = easy().replace(noise=0.1)
    one = course(stage(noisy), target=stage(noisy, every=10))
    pupil = go(one, 0.0, 0.0, 0.0, 0.0)
    assert [number for number, _ in pupil.seen] == [0, 1, 2, 3]
    shown = [trials.inputs.tobytes() for _, trials in pupil.seen]
    shown += [
        noisy.batch(20, seed=3, stream=stream, index=k).inputs.tobytes()
        for stream in Stream
        if stream != Stream.LESSONS
        for k in range(5)
    ]
    assert len(set(shown)) == len(shown)


def test_it_goes_on_from_its_state_as_if_it_had_never_stopped():
    def made(state=None, rows=()):
        made = Curriculum(
            [
                stage(easy(), optimizer="reset"),
                stage(HARD, rehearsal=0.2, limit=20, on_limit="back"),
            ],
            target=stage(HARDER, every=7),
        )
        return Course(made, 8, 3, made.channels, state, rows)

    shares = [0.9, 0.3, 1.0, 0.2, 0.4, 0.1, 0.7, 0.6, 0.9, 1.0, 0.2]
    whole = made()
    go(whole, *shares)
    one, left = made(), list(shares)
    update = 0
    while left and not one.over:  # stopped, written and read again at each segment
        pupil, size = Pupil(left), one.until
        update += size
        one.advance(size, update, 0.25, pupil)
        one = made(json.loads(json.dumps(one.state)), one.rows)
    assert one.state == whole.state
    assert one.curriculum.log.equals(whole.curriculum.log)


def test_a_stage_that_is_entered_is_said_once():
    one = course(stage(easy()), stage(HARD, optimizer="reset"), stage(HARDER))
    told = [one.entered]
    for update in (10, 20, 30):
        one.advance(10, update, 0.25, Pupil([1.0]))
        told.append(one.entered)
    assert told == [*one.curriculum.stages, None]


def test_metrics_are_loss_columns_and_functions():
    def silent(evaluation):
        return (evaluation.behavior["choice"] == "none").mean()

    one = course(stage(easy(), metric="loss", threshold=0.5))
    go(one, 0.0)
    assert one.over == "end" and column(one, "metric") == ["loss"]
    one = course(stage(easy(), metric=silent, threshold=0.0, below=True))
    go(one, 0.0)
    assert one.over == "end" and column(one, "metric") == ["silent"]
    one = course(stage(easy(), metric="correct", threshold=0.6))
    go(one, 0.5, 0.65)
    assert column(one, "value") == [0.5, 0.65]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            lambda evaluation: np.nan,
            r"`metric` must be a number, got NaN for <lambda> of 20 trials",
        ),
        (
            lambda evaluation: "good",
            r"`metric` must be a number, got array\('good'.* from <lambda>",
        ),
        (lambda evaluation: [1, 2], r"`metric` must be a number, got array\(\[1, 2\]\)"),
    ],
)
def test_a_metric_that_gives_no_number_is_said(metric, message):
    one = course(stage(easy(), metric=metric, threshold=0.5))
    with pytest.raises(ValueError, match=message):
        go(one, 1.0)


def test_trials_without_right_answers_have_no_accuracy():
    one = course(stage(easy().replace(coherences=(0.0, 0.5)), trials=1))
    with pytest.raises(ValueError, match=r"got NaN for accuracy .*In none of the trials an answer"):
        go(one, *[0.0] * 50)


def test_the_course_of_a_task_is_it_alone():
    plain = PlainCourse(easy(), 30)
    assert (plain.task, plain.until, plain.over, plain.rows) == (easy(), 30, "", [])
    assert plain.advance(30, 30, 0.1, Pupil([])) == {}


def test_mixed_names_tasks_of_one_class_apart():
    both = mixed([easy(), HARD, GoNoGo()], [1, 1, 1], Curriculum([easy(), GoNoGo()]).channels)
    assert isinstance(both, Task)
    names = ("perceptual_discrimination_1", "perceptual_discrimination_2", "go_no_go")
    assert both.names == names
