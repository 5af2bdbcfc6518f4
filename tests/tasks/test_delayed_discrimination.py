"""Delayed discrimination: Romo's pairs in PsychRNN's coding, over a delay of any length."""

import numpy as np
import pytest
from scipy.stats import norm

from neurotask.distributions import Levels, Remainder, Uniform
from neurotask.tasks.delayed_discrimination import DelayedDiscrimination

PAIRS = {(18, 10), (22, 14), (26, 18), (30, 22), (34, 26)}


def test_defaults_are_those_of_the_source():
    task = DelayedDiscrimination()
    assert list(task.durations.values()) == [500.0, 500.0, 3000.0, 500.0, 300.0]
    shown = task.grid().conditions
    pairs = list(zip(shown["f1"], shown["f2"], strict=True))
    assert len(pairs) == 10
    assert set(pairs) == PAIRS | {pair[::-1] for pair in PAIRS}


@pytest.mark.parametrize("n_inputs", [1, 2])
def test_input_without_noise(n_inputs):
    task = DelayedDiscrimination(noise=0.0, n_inputs=n_inputs)
    trials = task.trials(1, midpoint=22.0, difference=-24.0)  # 34 Hz, then 10 Hz
    fixation, *tuned = np.moveaxis(trials.inputs[0], -1, 0)
    assert fixation.tolist() == [1.0] * 225 + [0.0] * 15
    for channel, (first, second) in zip(tuned, [(1.2, 0.4), (0.4, 1.2)][:n_inputs], strict=True):
        course = [0] * 25 + [first] * 25 + [0] * 150 + [second] * 25 + [0] * 15
        assert channel == pytest.approx(np.array(course))


def test_answer_target_and_mask():
    trials = DelayedDiscrimination().trials(2, midpoint=14.0, difference=[8.0, -8.0])
    assert trials.conditions["f1"].tolist() == [10.0, 18.0]
    assert trials.targets[:, 235] == pytest.approx(np.array([[0.2, 1.0], [1.0, 0.2]]))
    assert trials.mask[0, :, 0].tolist() == [1] * 25 + [0] * 205 + [1] * 10


def test_every_phase_may_vary_and_no_trial_lacks_one():
    task = DelayedDiscrimination(
        fixation=Uniform(0.0, 500.0),
        stimulus_1=Uniform(20.0, 500.0),
        delay=Levels((500.0, 1000.0)),
        stimulus_2=Uniform(20.0, 500.0),
        decision=Uniform(120.0, 500.0),
        noise=0.0,
    )
    trials = task.trials(500, seed=1)
    for name in ("stimulus_1", "delay", "stimulus_2", "decision"):
        assert (np.diff(trials.phases[name]) >= 20.0).all()
    start, stop = trials.phases.steps("decision")
    scored = trials.mask[..., 0].cumsum(1)
    rows = np.arange(500)
    assert (scored[rows, stop - 1] - scored[rows, start - 1] >= 1).all()
    assert task.behavior(trials, trials.targets)["correct"].all()
    assert task.behavior(trials, task.observer(trials))["correct"].all()


def test_delays_beyond_the_trained_ones():
    task = DelayedDiscrimination(delay=Uniform(500.0, 1000.0))
    trials = task.grid(delay=[1000.0, 2000.0], repeats=5)
    assert trials.lengths.tolist() == [140] * 5 + [190] * 5
    assert np.nanmean(task.behavior(trials, task.observer(trials))["correct"]) == 1.0


@pytest.mark.parametrize("n_inputs", [1, 2])
def test_ideal_observer_meets_its_closed_form(n_inputs):
    task = DelayedDiscrimination(n_inputs=n_inputs)
    trials = task.grid(difference=[-2.0, -1.0, 1.0, 2.0], repeats=1500, seed=2)
    table = task.behavior(trials, task.observer(trials))
    measured = table.groupby(table["difference"].abs())["correct"].mean()
    per_channel = 0.8 * measured.index / 24 * np.sqrt(0.5) / (np.sqrt(2) * task.noise)
    expected = norm.cdf(np.sqrt(n_inputs) * per_channel)
    assert measured.to_numpy() == pytest.approx(expected, abs=0.025)


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`n_inputs` must be a number in \[1, 2\], got 3"):
        DelayedDiscrimination(n_inputs=3)
    with pytest.raises(ValueError, match=r"`decision` must be a number above 100, got 0\.0"):
        DelayedDiscrimination(decision=Uniform(0.0, 500.0))
    with pytest.raises(ValueError, match=r"`stimulus_1` must be a number above 0, got 0\.0"):
        DelayedDiscrimination(stimulus_1=Levels((0.0, 500.0)))
    with pytest.raises(ValueError, match=r"`midpoints` must be a number in \[10, 34\], got 50\.0"):
        DelayedDiscrimination(midpoints=(50.0,))
    assert DelayedDiscrimination(decision=Remainder(6000.0)).trials(2).lengths.tolist() == [300] * 2


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (dict(frequencies=(10,)), r"`frequencies` must be two numbers, got \(10,\)\. Give the"),
        (dict(frequencies=5), "`frequencies` must be two numbers, got 5. Give the"),
        (dict(frequencies=("a", "b")), "`frequencies` must be a finite number, got 'a'"),
        (dict(frequencies=(34, 10)), "`frequencies` must be two numbers that rise, got .34, 10."),
        (dict(midpoints=("a", "b")), r"`midpoints` must be a number in \[10, 34\], got 'a'"),
        (dict(midpoints=()), r"`midpoints` must hold one level or more, got \(\)"),
        (dict(differences=(4, 20)), "`differences` must be at most 8 Hz .* 14 Hz, got 20: f1 or"),
    ],
)
def test_refused_pairs(settings, text):
    with pytest.raises(ValueError, match=text):
        DelayedDiscrimination(**settings)


def test_held_pairs_have_channels():
    task = DelayedDiscrimination()
    task.trials(2, midpoint=22.0, difference=[-24.0, 24.0])
    with pytest.raises(
        ValueError, match=r"`difference` must be at most 8 Hz where .* 14 Hz, got 9"
    ):
        task.trials(2, midpoint=[22.0, 14.0], difference=-9.0)
