"""Staircases: how they move, where they converge to, and what they find of a frozen subject."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt
from neurotask import Curriculum, Stage
from neurotask._streams import Stream, key
from neurotask.curriculum import Evaluation, Staircase
from neurotask.curriculum.adaptive import Answer
from neurotask.curriculum.course import Course
from neurotask.tasks.context_dependent_decision import ContextDependentDecision
from neurotask.tasks.interval_production import IntervalProduction
from neurotask.tasks.n_back import NBack
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

TASK = PerceptualDiscrimination()
SHORT = PerceptualDiscrimination(fixation=20.0, stimulus=20.0, decision=120.0)


def made(parameter="coherence", task=TASK, **settings):
    return Staircase(task, parameter, **({"start": 0.4} | settings))


def levels(staircase, answers):
    """The level of each answer and the one after, R for right, W for wrong."""
    state, seen = staircase.begin(), []
    for answer in answers:
        seen.append(staircase.columns(state)["level"])
        state = staircase.answered(state, answer == "R")
    return [*seen, staircase.columns(state)["level"]]


# --- how it moves ------------------------------------------------------------------------------


def test_two_right_answers_in_a_row_make_it_harder_and_one_wrong_easier():
    found = levels(made(factor=2), "RRRWRRRR")
    assert found == [0.4, 0.4, 0.2, 0.2, 0.4, 0.4, 0.2, 0.2, 0.1]


def test_up_wrong_answers_in_a_row_make_it_easier():
    assert levels(made(factor=2, down=1, up=2), "WRWW") == [0.4, 0.4, 0.2, 0.2, 0.4]


def test_a_step_is_added_and_the_harder_side_may_be_the_higher():
    found = levels(made("delay", start=400.0, step=200.0, harder="higher"), "RRRRWW")
    assert found == [400.0, 400.0, 600.0, 600.0, 800.0, 600.0, 400.0]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"step": 0.05}, [0.4, 0.35, 0.5]),
        ({"factor": 1.1}, [0.4, 0.4 / 1.1, 0.4 * 1.1**2]),
    ],
)
def test_steps_to_the_easier_side_may_have_another_size(settings, found):
    staircase = made(down=1, easier=3, **settings)
    np.testing.assert_allclose(levels(staircase, "RW"), found, rtol=1e-10)


def test_the_factor_is_the_square_root_of_two_unless_said():
    np.testing.assert_allclose(levels(made(), "RRRR")[-1], 0.2, rtol=1e-10)


def test_it_stays_at_its_bounds_and_inside_what_the_task_takes():
    assert levels(made(factor=2, lowest=0.15, down=1), "RRR") == [0.4, 0.2, 0.15, 0.15]
    assert levels(made(factor=2, highest=0.5), "WW") == [0.4, 0.5, 0.5]
    assert levels(made(factor=2), "WWW") == [0.4, 0.8, 0.8, 0.8]  # no coherence is above 1
    assert levels(made("coherences", factor=2), "WWW") == [0.4, 0.8, 0.8, 0.8]
    assert levels(made(step=0.2, down=1), "RRR") == [0.4, 0.2, 0.2, 0.2]  # 0 cannot be right


def test_levels_come_back_as_the_same_numbers():
    found = levels(made(down=1), "RWRRWWRRRWWW")
    assert len(set(found)) == 4 and found[-1] == 0.4


def test_times_are_rounded_to_steps_and_the_exact_level_is_kept():
    staircase = made("delay", start=100.0, factor=2**0.25, harder="higher", down=1)
    exact = 100.0 * 2 ** (np.arange(6) / 4)
    assert levels(staircase, "RRRRR") == (np.rint(exact / 20) * 20).tolist()
    # The flash is no phase, and yet wanted in whole steps.
    flash = Staircase(IntervalProduction(), "flash", start=200.0, factor=1.1, down=1)
    assert levels(flash, "RR") == [200.0, 180.0, 160.0]
    assert flash.at(181.8).flash == 180.0


def test_whole_numbers_are_rounded():
    staircase = Staircase(NBack(), "n", start=1, factor=2**0.5, harder="higher", down=1)
    assert levels(staircase, "RRRR") == [1, 1, 2, 3, 4]
    assert isinstance(staircase.at(2.8).n, int)


def test_a_factor_is_a_strength_and_a_setting_of_levels_becomes_one():
    coherence = made().at(0.1).trials(50, seed=0).conditions["coherence"]
    assert set(coherence) == {-0.1, 0.1}
    assert made("coherences").at(0.1) == TASK.replace(coherences=(0.1,))
    motion = Staircase(ContextDependentDecision(), "motion", start=0.2).at(0.1)
    assert set(np.abs(motion.trials(50, seed=0).conditions["motion"])) == {0.1}


def test_the_state_is_plain_and_not_changed():
    staircase = made()
    state = staircase.begin(np.random.default_rng(0))
    kept = json.loads(json.dumps(state))
    later = staircase.after(state, Answer(0.9, True), 50, np.random.default_rng(0))
    assert state == kept and later != state
    assert json.loads(json.dumps(later)) == later


def test_the_goal_is_mastered_by_right_answers_at_it_or_harder():
    staircase = made(factor=2, goal=0.1, lowest=0.05)
    state = staircase.begin()
    done = []
    for answer in "RRRRRWRWRRRRR":  # 0.4 0.4 0.2 0.2 0.1 0.1 (up) 0.2 0.2 (up) 0.4 0.4 0.2 0.2 0.1
        state = staircase.answered(state, answer == "R")
        done.append(staircase.is_done(state))
    assert not any(done)
    assert staircase.is_done(staircase.answered(state, True))
    assert not made(factor=2).is_done(state)
    bound = made(factor=2, down=1, lowest=0.3, goal=0.3)  # also where it stays
    state = bound.answered(bound.answered(bound.begin(), True), True)
    assert state["level"] == 0.3 and bound.is_done(state)


# --- where it converges to ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "up", "easier", "target"),
    [(1, 1, 1, 0.5), (2, 1, 1, 0.5**0.5), (3, 1, 1, 0.5 ** (1 / 3)), (1, 1, 3, 0.75)],
)
def test_targets_are_those_of_levitt_and_kaernbach(down, up, easier, target):
    assert made(down=down, up=up, easier=easier).target == pytest.approx(target, abs=1e-9)


@pytest.mark.parametrize(("down", "up", "easier"), [(2, 2, 1.0), (3, 2, 0.5), (2, 3, 1.0)])
def test_at_the_target_there_is_no_drift(down, up, easier):
    # Answers of one probability on a long ladder: steps up and down balance there alone.
    staircase = made(task=SHORT, start=0.5, step=2e-4, down=down, up=up, easier=easier)

    def drift(p):
        state, answers = staircase.begin(), np.random.default_rng(1).random(8_000) < p
        for right in answers:
            state = staircase.answered(state, right)
        return (state["level"] - staircase.start) / staircase.step / len(answers)

    assert abs(drift(staircase.target)) < 0.015
    assert drift(staircase.target + 0.1) < -0.03 and drift(staircase.target - 0.1) > 0.03


# --- in a stage --------------------------------------------------------------------------------


@dataclass
class Pupil:
    """Right where the coherence is above its threshold."""

    threshold: float

    def __call__(self, trials, number):
        wrong = np.abs(trials.columns["coherence"]) < self.threshold
        outputs = trials.targets.copy()
        outputs[wrong] = outputs[wrong][..., ::-1]
        return Evaluation(trials, outputs, lambda trials, outputs: 0.5)


def trained(staircase, threshold, updates=300):
    curriculum = Curriculum([Stage(staircase, every=10, trials=24, threshold=0.8)])
    course, update = Course(curriculum, 8, 3, curriculum.channels), 0
    while not course.over and update < updates:
        size = course.until
        update += size
        course.advance(size, update, 0.25, Pupil(threshold))
    return course


def test_in_a_stage_an_answer_is_an_evaluation():
    course = trained(made(factor=2, down=1, goal=0.1), threshold=0.05)
    log = course.curriculum.log
    assert log["level"].tolist() == [0.4, 0.2, 0.1]
    assert log["passed"].all() and course.over == "end"
    assert log["tested"].tolist() == [24, 48, 72]


def test_a_goal_beyond_the_pupil_is_not_reached():
    course = trained(made(factor=2, down=1, goal=0.1), threshold=0.15)
    assert course.curriculum.log["level"].tolist()[:6] == [0.4, 0.2, 0.1, 0.2, 0.1, 0.2]
    assert not course.over


def test_by_trial_each_trial_is_at_the_level_that_those_before_left():
    course = trained(made(factor=2, unit="trial"), threshold=0.15, updates=10)
    # RR RR at 0.4 and 0.2, then W at 0.1, RR at 0.2, and so on: 2 of 3 are right in the end.
    log = course.curriculum.log
    assert log["value"].tolist() == [pytest.approx(17 / 24)] and not log["passed"][0]
    assert log["tested"].tolist() == [24] and course.state["tests"] == 24
    reached = trained(made(factor=2, unit="trial", goal=0.1), threshold=0.05)
    assert reached.over == "end" and reached.curriculum.log["passed"].tolist() == [True]


def test_tasks_are_those_at_start_and_bounds_and_the_goal_is_the_task_itself():
    staircase = made(lowest=0.1, highest=0.8)
    assert staircase.tasks == (*map(staircase.at, (0.4, 0.1, 0.8)), TASK)


# --- bad settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"parameter": "coherenc"}, r'`parameter` must be one of .*Did you mean "coherence"\?'),
        ({"parameter": "dt"}, r"`parameter` must be one of "),
        (
            {"start": 1.5},
            r"`start` must be a level that `coherence` .*can have, got 1.5. .*\[-1, 1",
        ),
        ({"start": -0.5, "step": 0.1}, r"`start` must be a level .*got -0.5. It is a strength"),
        ({"start": 0.0}, r"`start` must be a number above 0, got 0.0"),
        ({"factor": 1.0}, r"`factor` must be a number above 1, got 1.0"),
        ({"step": -0.1}, r"`step` must be a number above 0, got -0.1"),
        ({"step": 0.1, "factor": 2.0}, r"`step` must be left out where there is a factor, got 0.1"),
        ({"down": 0}, r"`down` must be a whole number of 1 or more, got 0"),
        ({"up": 1.5}, r"`up` must be a whole number of 1 or more, got 1.5"),
        ({"easier": 0.0}, r"`easier` must be a number above 0, got 0.0"),
        ({"harder": "below"}, r'`harder` must be one of "lower", "higher", got \'below\''),
        ({"unit": "session"}, r'`unit` must be one of "block", "trial", got \'session\''),
        ({"lowest": 0.5}, r"`start` must be between `lowest` and `highest`, \[0.5, inf\], got 0.4"),
        ({"lowest": 0.3, "highest": 0.2}, r"`highest` must be above `lowest` \(0.3\), got 0.2"),
        ({"goal": 0.05, "lowest": 0.1}, r"`goal` must be between .*got 0.05"),
        ({"highest": 2.0}, r"`highest` must be a level .*got 2.0"),
        ({"parameter": "delay", "start": 50.0}, r"`start` must be .*whole multiple of dt = 20 ms"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        made(**settings)


def test_what_has_no_single_trials_or_answers_is_refused_by_trial():
    block = Staircase(NBack(), "n", start=2)
    text = r"`task` must have trials one by one .*got NBack, which strings"
    for make in (lambda: replace(block, unit="trial"), lambda: block.measure(NBack().observer)):
        if NBack().trials_per_block is not None:
            with pytest.raises(ValueError, match=text):
                make()
    with pytest.raises(TypeError, match=r"`task` must be a Task, got 'rdm'"):
        Staircase("rdm", "coherence", start=0.4)
    with pytest.raises(TypeError, match=r"`subject` must be a network or a function .*got 3"):
        made().measure(3)


def test_its_repr_makes_it_again():
    staircase = made("coherences", step=0.05, down=3, lowest=0.1)
    assert eval(repr(staircase)) == staircase


# --- on a frozen subject -----------------------------------------------------------------------


def closed_form(p, task=TASK):
    """The coherence at which the ideal observer is right with probability p."""
    return norm.ppf(p) * np.sqrt(2) * task.noise / np.sqrt(task.stimulus / 1000)


@pytest.mark.parametrize(
    "settings", [{}, {"down": 3}, {"down": 1, "easier": 3, "factor": 2**0.125}]
)
def test_it_finds_the_level_of_an_observer_whose_curve_is_known(settings):
    staircase = made(start=0.064, **({"factor": 2**0.25} | settings))
    run = staircase.measure(TASK.observer, trials=300, tracks=16, seed=2)
    truth = closed_form(staircase.target)
    assert run.estimate == pytest.approx(truth, rel=0.1)
    low, high = run.interval(0.99)
    assert low < truth < high and high / low < 1.4
    assert np.nanmean(run.correct[:, 50:]) == pytest.approx(staircase.target, abs=0.02)


def test_a_setting_is_found_as_the_factor_is():
    staircase = made("coherences", start=0.064, factor=2**0.25)
    run = staircase.measure(TASK.observer, trials=120, seed=1)
    assert run.estimate == pytest.approx(closed_form(0.5**0.5), rel=0.15)


def test_tracks_follow_the_staircase_and_differ():
    staircase = made(factor=2)
    run = staircase.measure(TASK.observer, trials=80, tracks=5, seed=4)
    for shown, correct in zip(run.levels, run.correct, strict=True):
        answers = "".join("R" if right else "W" for right in correct)
        assert levels(staircase, answers)[:-1] == shown.tolist()
    assert len({tuple(track) for track in run.correct}) == 5


def test_it_is_a_function_of_the_seed():
    runs = [made().measure(TASK.observer, trials=30, tracks=3, seed=s) for s in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0].correct, runs[1].correct)
    assert (runs[0].correct != runs[2].correct).any()


def test_trials_and_noise_are_new_in_each_trial():
    seen, seeds = [], []

    class Subject:
        input_names, output_names = ("extra", *TASK.inputs), TASK.outputs

        def run(self, trials, *, seed, record):
            seen.append(trials.inputs[..., 1:])
            seeds.append(seed)
            outputs = trials.task.task.observer(replace(trials, inputs=seen[-1]))
            table = trials.task.behavior(trials, outputs)
            return table.to_xarray()

    made().measure(Subject(), trials=6, tracks=2, seed=5)
    assert len({one.tobytes() for batch in seen for one in batch}) == 12
    assert len(set(seeds)) == 6 and seeds[0] == key(5, Stream.STAIRCASE, 0, 3)


def test_reversals_are_the_levels_from_which_it_turns():
    staircase = made(step=0.1)
    run = staircase.measure(TASK.observer, trials=4, tracks=1)
    track = np.array([[0.4, 0.3, 0.3, 0.2, 0.3, 0.3, 0.2, 0.2, 0.1, 0.2]])
    run = replace(run, levels=track, correct=np.ones_like(track))
    assert run.reversals[0].tolist() == [0.2, 0.3, 0.1]
    assert np.flatnonzero(run.table["reversal"]).tolist() == [3, 5, 8]
    assert np.isnan(run.estimate) and np.isnan(run.interval()).all()


def test_the_estimate_is_the_mean_over_late_reversals_and_the_interval_is_over_tracks():
    staircase = made(step=0.1)
    run = staircase.measure(TASK.observer, trials=4, tracks=2)
    # Peaks and troughs one trial each: 11 reversals, of which 4 and one more are left out.
    first = [0.8, 0.9, 0.8, 0.9, 0.8, 0.9, 0.8, 0.3, 0.4, 0.2, 0.5, 0.1, 0.6, 0.1]
    second = [level + 0.1 for level in first]
    run = replace(run, levels=np.array([first, second]), correct=np.ones((2, 14)))
    assert run.reversals[0].tolist() == [0.9, 0.8, 0.9, 0.8, 0.9, 0.3, 0.4, 0.2, 0.5, 0.1, 0.6]
    expected = np.mean([0.3, 0.4, 0.2, 0.5, 0.1, 0.6])
    np.testing.assert_allclose(run.estimates, [expected, expected + 0.1])
    low, high = run.interval(0.9)
    # Student's t with one degree of freedom: tan(0.45 pi).
    half = np.std([0, 0.1], ddof=1) / np.sqrt(2) * np.tan(0.45 * np.pi)
    np.testing.assert_allclose([low, high], expected + 0.05 + np.array([-half, half]))
    logs = replace(run, staircase=made())
    np.testing.assert_allclose(logs.estimates[0], np.exp(np.mean(np.log(run.reversals[0][5:]))))


def test_of_many_reversals_the_first_quarter_is_left_out():
    run = made(step=0.1).measure(TASK.observer, trials=4, tracks=1)
    way = [0.9, 0.7] * 5 + [0.2, 0.1] * 15  # 36 reversals, of which 9 and one more do not count
    run = replace(run, levels=np.array([[*way]]), correct=np.ones((1, 40)))
    assert len(run.reversals[0]) == 36
    np.testing.assert_allclose(run.estimates, np.mean(run.reversals[0][10:]))


def test_a_run_says_what_it_found_and_draws_it():
    run = made(start=0.064).measure(TASK.observer, trials=60, tracks=4)
    assert repr(run).startswith(f"<StaircaseRun: coherence {run.estimate:.4g} [")
    assert repr(run).endswith("for 70.7% correct; 4 tracks of 60 trials>")
    assert len(run.table) == 240 and run.table["level"][60] == run.levels[1, 0]
    ax = run.plot()
    assert ax.get_xlabel() == "Trial of the track" and ax.get_ylabel() == "Coherence"
    assert ax.get_yscale() == "log" and len(ax.lines) == 6
    np.testing.assert_array_equal(ax.lines[4].get_ydata(), run.mean_level)


def test_on_a_trained_network_it_finds_the_level_of_its_psychometric_function():
    task = PerceptualDiscrimination(
        coherences=(0.05, 0.1, 0.2, 0.4), noise=0.1, fixation=100.0, stimulus=300.0, decision=200.0
    )
    model = nt.RateRNN.for_task(task, units=32, noise=0.1, seed=1)
    model.compile(optimizer="adam", rule="bptt")
    model.optimizer.learning_rate = 0.01
    model.fit(task, updates=300, batch_size=64, seed=1, verbose=0)
    coherences = [0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6]
    signed = [*(-c for c in coherences), *coherences]
    session = model.run(task.grid(repeats=250, seed=3, coherence=signed), seed=3, record=())
    fit = nt.analysis.psychometric(session, form="nafc")
    assert fit.status == "ok" and fit.curve(0.6) > 0.85
    staircase = Staircase(task, "coherence", start=0.2, factor=2**0.125)
    run = staircase.measure(model, trials=250, tracks=16, seed=3)
    level = fit.threshold_at(staircase.target)
    low, high = run.interval(0.95)
    assert low < level < high
    assert high / low < 1.6


def test_trial_by_trial_the_metric_is_the_share_correct():
    by_trial = nt.Staircase(nt.load("rdm"), "coherence", start=0.5, unit="trial")
    with pytest.raises(ValueError, match="`metric` must be one of \"accuracy\", got 'loss'"):
        nt.Stage(by_trial, metric="loss", threshold=0.1)


def test_a_subject_at_chance_has_no_estimate():
    def blind(trials):
        return np.random.default_rng(len(trials)).random(trials.targets.shape)

    run = Staircase(nt.load("rdm"), "coherence", start=0.256).measure(blind, trials=80, tracks=6)
    assert run.status.startswith("undetermined: ") and "a bound" in run.status
    assert np.isnan(run.estimate) and np.isnan(run.interval()).all()
