"""A teacher against pupils whose curves are known."""

import json

import numpy as np
import pytest

from neurotask import Curriculum, Stage
from neurotask._streams import Stream, generator
from neurotask.curriculum import Evaluation, LearningProgress
from neurotask.curriculum.adaptive import Answer
from neurotask.curriculum.course import Course
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

EASY, MIDDLE, HARD = (PerceptualDiscrimination(coherences=(c,)) for c in (0.5, 0.2, 0.05))
TASKS = (EASY, MIDDLE, HARD)
NAMES = ("easy", "middle", "hard")


class Pupil:
    """Learns a task by a share of what is left an update, once the one before is learned."""

    def __init__(self, n=3, rate=0.03, forgets=0.0):
        self.scores, self.rate, self.forgets = np.full(n, 0.5), rate, forgets

    def train(self, task, updates):
        for _ in range(updates):
            if task == 0 or self.scores[task - 1] > 0.85:
                self.scores[task] += self.rate * (1.0 - self.scores[task])
            others = np.arange(len(self.scores)) != task
            self.scores[others] -= self.forgets * (self.scores[others] - 0.5)


def taught(teacher, pupil, n=60, updates=10, seed=0, threshold=0.95):
    """Return the lessons, and the states before each of them."""
    state, lessons, states = teacher.begin(generator(seed, Stream.ORDER, 0)), [], []
    for index in range(n):
        if teacher.is_done(state):
            break
        lessons.append(state["lesson"])
        states.append(state)
        pupil.train(state["lesson"], updates)
        score = pupil.scores[state["lesson"]]
        answer = Answer(score, score >= threshold)
        rng = generator(seed, Stream.ORDER, 1, index)
        state = teacher.after(state, answer, updates, rng)
    return lessons, [*states, state]


def test_each_task_is_tried_twice_in_order_first():
    lessons, _ = taught(LearningProgress(TASKS, explore=0.0), Pupil(), n=6)
    assert lessons == [0, 0, 1, 1, 2, 2]


def test_the_next_task_is_the_one_with_the_steepest_slope_of_either_sign():
    teacher = LearningProgress(TASKS, explore=0.0, window=3)
    lessons, states = taught(teacher, Pupil(), n=40)
    for lesson, state in zip(lessons[6:], states[6:], strict=False):
        lines = [
            np.polyfit(t, s, 1)[0] for t, s in zip(state["times"], state["scores"], strict=True)
        ]
        np.testing.assert_allclose(teacher.slopes(state), lines, atol=1e-12)
        assert np.abs(lines)[lesson] == pytest.approx(np.abs(lines).max(), abs=1e-12)


def test_slopes_are_over_the_last_scores_and_all_updates():
    teacher = LearningProgress(TASKS[:2], explore=0.0, window=2)
    state = teacher.begin(np.random.default_rng(0))
    scores = [0.1, 0.5, 0.5, 0.2, 0.6]  # easy, easy, middle, middle, then the steepest: easy
    for score, updates in zip(scores, (10, 10, 5, 20, 10), strict=True):
        state = teacher.after(state, Answer(score, False), updates, np.random.default_rng(0))
    assert state["scores"] == [[0.5, 0.6], [0.5, 0.2]]
    assert state["times"] == [[20, 55], [25, 45]]
    np.testing.assert_allclose(teacher.slopes(state), [0.1 / 35, -0.3 / 20])
    assert state["lesson"] == 1  # which is being forgotten


def test_prerequisites_are_learned_in_order_and_all_in_the_end():
    teacher = LearningProgress(TASKS, explore=0.1)
    lessons, states = taught(teacher, Pupil(), n=300)
    assert teacher.is_done(states[-1]) and len(lessons) < 120
    passed = [np.argmax([s["passed"][task] for s in states]) for task in range(3)]
    assert passed[0] < passed[1] < passed[2]
    # While the first alone can be learned, most lessons are of it.
    alone = lessons[6 : passed[0]]
    assert len(alone) >= 2 and np.mean(np.array(alone) == 0) > 0.7


def test_it_goes_back_to_what_is_forgotten():
    teacher = LearningProgress(TASKS[:2], explore=0.2, window=3)
    pupil, rng = Pupil(2), np.random.default_rng(3)
    state = teacher.begin(rng)
    scores = {0: [1.0] * 3, 1: [0.7] * 3}  # nothing is learned in either
    state |= {"updates": 60, "scores": [*scores.values()]}
    state |= {"times": [[10, 20, 30], [40, 50, 60]], "lesson": 1}
    pupil.scores[:] = 0.6, 0.7  # but the first was forgotten, and can be learned again
    lessons = []
    for index in range(40):
        lessons.append(state["lesson"])
        if state["lesson"] == 0:
            pupil.train(0, 10)
        answer = Answer(pupil.scores[state["lesson"]], False)
        state = teacher.after(state, answer, 10, generator(3, Stream.ORDER, index))
    found = lessons.index(0)
    assert np.mean(np.array(lessons[found : found + 8]) == 0) >= 0.75


@pytest.mark.parametrize("explore", [0.0, 0.3, 1.0])
def test_it_explores_at_the_rate_it_says(explore):
    teacher = LearningProgress(TASKS, explore=explore)
    state = teacher.begin(np.random.default_rng(0))
    state |= {"scores": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.9]], "times": [[1, 2], [3, 4], [5, 6]]}
    state |= {"lesson": 0, "updates": 6}
    answer = Answer(0.5, False)
    nexts = [
        teacher.after(state, answer, 1, generator(seed, Stream.ORDER, 0))["lesson"]
        for seed in range(1500)
    ]
    assert np.mean(np.array(nexts) != 2) == pytest.approx(explore * 2 / 3, abs=0.04)
    assert np.mean(np.array(nexts) == 0) == pytest.approx(explore / 3, abs=0.035)


def test_ties_are_broken_at_random():
    teacher = LearningProgress(TASKS, explore=0.0)
    state = teacher.begin(np.random.default_rng(0))
    state |= {"scores": [[0.5, 0.5]] * 3, "times": [[1, 2], [3, 4], [5, 6]], "updates": 6}
    answer = Answer(0.5, False)
    nexts = [
        teacher.after(state, answer, 1, generator(seed, Stream.ORDER, 0))["lesson"]
        for seed in range(300)
    ]
    assert np.bincount(nexts, minlength=3).min() > 60


def test_it_is_done_when_the_last_evaluation_of_each_was_passed():
    teacher, rng = LearningProgress(TASKS[:2], explore=0.0), np.random.default_rng(0)
    state = teacher.begin(rng)
    for passed in (True, True, False):  # easy, easy, middle
        state = teacher.after(state, Answer(0.9, passed), 10, rng)
    assert not teacher.is_done(state)
    assert teacher.is_done(teacher.after(state, Answer(0.9, True), 10, rng))
    state = teacher.after({**state, "lesson": 0}, Answer(0.1, False), 10, rng)
    assert not teacher.is_done(teacher.after({**state, "lesson": 1}, Answer(0.9, True), 10, rng))


def test_it_is_a_function_of_the_seed_and_its_state_is_plain():
    teacher = LearningProgress(TASKS, explore=0.5)
    lessons, states = taught(teacher, Pupil(), seed=1)
    assert lessons == taught(teacher, Pupil(), seed=1)[0] != taught(teacher, Pupil(), seed=2)[0]
    kept = json.dumps(states[20])
    for _ in range(2):
        teacher.after(states[20], Answer(0.5, False), 10, np.random.default_rng(0))
        assert json.dumps(states[20]) == kept and json.loads(kept) == states[20]


def test_in_a_course_the_log_has_the_lessons_and_only_they_are_tested():
    teacher = LearningProgress(TASKS, names=NAMES)
    curriculum = Curriculum([Stage(teacher, every=10, trials=20, threshold=0.9)])
    course, update, pupil = Course(curriculum, 4, 0, curriculum.channels), 0, Pupil()
    tested = []

    def test(trials, number):
        tested.append(TASKS.index(trials.task))
        wrong = np.arange(len(trials)) >= round(pupil.scores[tested[-1]] * len(trials))
        outputs = trials.targets.copy()
        outputs[wrong] = outputs[wrong][..., ::-1]
        return Evaluation(trials, outputs)

    trained = []
    while not course.over and update < 2000:
        update += course.until
        trained.append(TASKS.index(course.task))
        pupil.train(trained[-1], course.until)
        course.advance(course.until, update, 0.1, test)
    assert course.over == "end" and tested == trained
    log = curriculum.log
    assert log["lesson"].tolist() == [NAMES[task] for task in trained]
    assert log["level"].isna().all() and set(trained) == {0, 1, 2}


def test_lessons_are_named_by_what_tells_them_apart():
    assert LearningProgress(TASKS[:2]).lessons == ("coherences 0.5", "coherences 0.2")
    assert LearningProgress((EASY, GoNoGo())).lessons == ("perceptual_discrimination", "go_no_go")
    assert LearningProgress((EASY, EASY)).lessons == (
        "perceptual_discrimination (1)",
        "perceptual_discrimination (2)",
    )


@pytest.mark.parametrize(
    ("tasks", "settings", "text"),
    [
        ([], {}, r"`tasks` must be a list of one task or more, got \[\]"),
        (["rdm"], {}, r"`tasks` must be a list of one task or more, got \['rdm'\]"),
        (EASY, {}, r"`tasks` must be a list of one task or more, got Percept"),
        (TASKS, {"window": 1}, r"`window` must be a whole number of 2 or more, got 1"),
        (TASKS, {"explore": 1.5}, r"`explore` must be a number in \[0, 1\], got 1.5"),
        (TASKS, {"explore": -0.1}, r"`explore` must be a number in \[0, 1\], got -0.1"),
        (TASKS, {"names": ("a", "b")}, r"`names` must be a different name for each of the 3 tasks"),
        (TASKS, {"names": ("a", "b", "b")}, r"`names` must be a different name for each"),
    ],
)
def test_settings_that_cannot_be_are_refused(tasks, settings, text):
    with pytest.raises(ValueError, match=text):
        LearningProgress(tasks, **settings)


def test_its_repr_makes_it_again():
    teacher = LearningProgress(list(TASKS), window=3, names=list(NAMES))
    assert eval(repr(teacher)) == teacher and teacher.tasks == TASKS
