"""Open loops: exact amounts, in order or without one, also those of a curriculum."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest

from neurotask import Curriculum, Stage
from neurotask.curriculum import Blocked, Evaluation, LearningProgress, Shuffled, Staircase
from neurotask.curriculum.adaptive import Adaptive, Answer
from neurotask.curriculum.course import Course
from neurotask.multitask import MultiTask
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

EASY, MIDDLE, HARD = (PerceptualDiscrimination(coherences=(c,)) for c in (0.5, 0.2, 0.05))
TASKS = (EASY, MIDDLE, HARD)


def right(trials, number):
    return Evaluation(trials, trials.targets, lambda trials, outputs: 0.0)


def wrong(trials, number):
    return Evaluation(trials, trials.targets[..., ::-1], lambda trials, outputs: 0.0)


def stepped(source, *, every=7, seed=0, test=wrong, updates=10_000, first=0, **settings):
    """Train as `fit` does; return the course and the task of each update."""
    if isinstance(source, Adaptive):
        source = [Stage(source, every=every, trials=8)]
    curriculum = source if isinstance(source, Curriculum) else Curriculum(source, **settings)
    course, trained = Course(curriculum, 4, seed, curriculum.channels), []
    while not course.over and len(trained) < updates:
        size = min(course.until, updates - len(trained))
        trained += [course.task] * size
        course.advance(size, first + len(trained), 0.1, test)
    return course, trained


@pytest.mark.parametrize("every", [1, 3, 7, 20, 100])
def test_blocked_trains_exact_amounts_in_order(every):
    course, trained = stepped(Blocked(TASKS, updates=(20, 1, 33)), every=every)
    assert trained == [EASY] * 20 + [MIDDLE] + [HARD] * 33
    assert course.over == "end"
    log = course.curriculum.log
    assert {20, 21, 54} <= set(log["update"])
    names = dict(zip(log["update"], log["lesson"], strict=True))
    assert [names[k] for k in (20, 21, 54)] == [f"coherences {c}" for c in (0.5, 0.2, 0.05)]


@pytest.mark.parametrize("every", [1, 3, 7, 20, 100])
@pytest.mark.parametrize("test", [right, wrong])
def test_shuffled_trains_exact_amounts_whatever_is_learned(every, test):
    source = Shuffled(TASKS, updates=(20, 1, 33), block=6)
    course, trained = stepped(source, every=every, test=test)
    assert Counter(trained) == {EASY: 20, MIDDLE: 1, HARD: 33}
    assert course.over == "end"
    _, again = stepped(source, every=50)
    assert trained == again  # when it is tested changes nothing


def test_the_target_and_a_stage_after_change_no_amount():
    source = [Stage(Shuffled(TASKS[:2], updates=25, block=4), every=9, trials=8), HARD]
    target = Stage(HARD, every=5, trials=8, threshold=1.0)
    _, trained = stepped(source, target=target, updates=80)
    assert Counter(trained) == {EASY: 25, MIDDLE: 25, HARD: 30}
    assert trained[50:] == [HARD] * 30


def test_the_order_is_drawn_from_the_seed_by_blocks():
    source = Shuffled(TASKS, updates=40, block=10)
    orders = [stepped(source, seed=seed)[1] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    for order in orders:
        blocks = [order[at : at + 10] for at in range(0, 120, 10)]
        assert all(len(set(block)) == 1 for block in blocks)
    # Where the first task stands is by chance: its mean place is the middle.
    places = [
        np.mean([k for k, (task, _) in enumerate(source.blocks(rng)) if task == 0])
        for rng in map(np.random.default_rng, range(300))
    ]
    assert np.mean(places) == pytest.approx(5.5, abs=0.25)


def test_the_state_is_plain_and_blocks_of_one_task_are_one():
    source, rng = Shuffled(TASKS[:2], updates=50, block=10), np.random.default_rng(1)
    state = source.begin(rng)
    assert json.loads(json.dumps(state)) == state
    tasks = [task for task, _ in state["blocks"]]
    assert all(a != b for a, b in itertools.pairwise(tasks)) and len(tasks) < 10
    kept = json.dumps(state)
    later = source.after(state, Answer(0.5, False), 3, rng)
    assert json.dumps(state) == kept and later["left"] == state["left"] - 3
    assert source.due(later) == later["left"]
    assert source.now(later) == source.tasks[tasks[0]]


# --- yoked -------------------------------------------------------------------------------------


def share(levels):
    """Right where the coherence is in a set of levels."""

    def test(trials, number):
        wrong = ~np.isin(np.abs(trials.columns["coherence"]), levels)
        outputs = trials.targets.copy()
        outputs[wrong] = outputs[wrong][..., ::-1]
        return Evaluation(trials, outputs)

    return test


@pytest.mark.parametrize("kind", [Blocked, Shuffled])
@pytest.mark.parametrize("first", [0, 500])
def test_a_yoked_control_trains_what_the_curriculum_trained(kind, first):
    stages = [Stage(task, every=e, trials=8) for task, e in zip(TASKS, (10, 4, 7), strict=True)]
    stages[2] = Stage(HARD, every=7, trials=8, limit=15, on_limit="back")
    course, trained = stepped(stages, test=share([0.5, 0.2]), updates=100, first=first)
    assert Counter(course.curriculum.log["event"])["back"] > 1
    tested = course.curriculum.log["update"].max() - first
    control = kind.yoked(course.curriculum)
    assert control.names == ("coherences 0.5", "coherences 0.2", "coherences 0.05")
    _, again = stepped(control)
    assert Counter(again) == Counter(trained[:tested])
    assert kind.yoked(course.curriculum.log, TASKS) == control
    if kind is Shuffled:
        assert Shuffled.yoked(course.curriculum, block=3).block == 3


def test_levels_of_a_staircase_and_lessons_are_yoked_one_by_one():
    staircase = Staircase(PerceptualDiscrimination(), "coherences", start=0.4, factor=2, down=1)
    teacher = LearningProgress(TASKS[:2], explore=0.5)
    stages = [
        Stage(staircase, every=6, trials=8, limit=60, on_limit="advance"),
        Stage(teacher, every=5, trials=8, threshold=1.0),
    ]
    course, trained = stepped(stages, test=share([0.4, 0.2]), updates=95)
    control = Blocked.yoked(course.curriculum)
    _, again = stepped(control)
    assert Counter(again) == Counter(trained)
    assert control.names is not None and control.names[:3] == tuple(
        f"staircase {level}" for level in (0.4, 0.2, 0.1)
    )
    assert control.names[-1].startswith("learning_progress: coherences 0.")


def test_rehearsal_and_what_follows_for_the_target_are_yoked_too():
    stages = [Stage(EASY, every=10, trials=8), Stage(HARD, every=10, trials=8, rehearsal=0.5)]
    course, trained = stepped(stages, test=right, target=Stage(MIDDLE, every=35, trials=8))
    assert course.over == "target" and len(trained) == 35
    _, again = stepped(Blocked.yoked(course.curriculum))
    assert again == trained and isinstance(again[-1], MultiTask)


def test_stages_that_were_not_reached_are_left_out():
    course, _ = stepped([Stage(task, every=10, trials=8) for task in TASKS], updates=30)
    assert Blocked.yoked(course.curriculum).tasks == (EASY,)


# --- bad settings ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Blocked, Shuffled])
@pytest.mark.parametrize(
    ("tasks", "settings", "text"),
    [
        ([], {"updates": 5}, r"`tasks` must be a list of one task or more, got \[\]"),
        (TASKS, {"updates": 0}, r"`updates` must be a whole number of 1 or more, got 0"),
        (TASKS, {"updates": (5, -1, 5)}, r"`updates` must be a whole number of 1 or more, got -1"),
        (TASKS, {"updates": (5, 5)}, r"`updates` must be one number, or one for each of the 3"),
        (TASKS, {"updates": 5, "names": ("a",)}, r"`names` must be a different name for each"),
    ],
)
def test_settings_that_cannot_be_are_refused(kind, tasks, settings, text):
    with pytest.raises(ValueError, match=text):
        kind(tasks, **settings)


def test_what_cannot_be_yoked_or_shuffled_is_refused():
    with pytest.raises(ValueError, match=r"`block` must be a whole number of 1 or more, got 0"):
        Shuffled(TASKS, updates=5, block=0)
    untrained = Curriculum([EASY])
    with pytest.raises(ValueError, match=r"`to` must be a curriculum that was trained, got one wi"):
        Blocked.yoked(untrained)
    course, _ = stepped([Stage(task, every=10, trials=8) for task in TASKS], test=right)
    with pytest.raises(ValueError, match=r"`tasks` must be given beside a log"):
        Blocked.yoked(course.curriculum.log)
    with pytest.raises(ValueError, match=r"`tasks` must be one a stage of the log, 3 or more, got"):
        Blocked.yoked(course.curriculum.log, TASKS[:2])


def test_their_reprs_make_them_again():
    for one in (
        Blocked(list(TASKS), updates=[1, 2, 3], names=["a", "b", "c"]),
        Shuffled(TASKS, updates=20, block=4),
    ):
        assert eval(repr(one)) == one
