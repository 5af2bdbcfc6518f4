"""Post-decision wager: when the sure bet is right, and what an observer does with it."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("post_decision_wager")


def test_defaults_are_those_of_the_source(task):
    assert task.stimulus == nt.TruncatedExponential(mean=180.0, low=100.0, high=900.0)
    assert (task.delay.low, task.delay.high) == (500.0, 740.0)
    after = (task.delay.low + task.offer.low, task.delay.high + task.offer.high)
    assert (after, task.safe) == ((1200.0, 1800.0), 0.8)
    assert task.trials(4000, seed=1).conditions["offered"].mean() == pytest.approx(0.5, abs=0.03)


def test_input_without_noise(task):
    timing = dict(stimulus=200.0, delay=500.0, offer=700.0)
    trials = task.replace(noise=0.0).trials(2, coherence=0.2, offered=[True, False], **timing)
    assert trials.inputs[0, 5].tolist() == pytest.approx([1, 0.4, 0.6, 0])
    assert trials.inputs[0, 15].tolist() == trials.inputs[1, 40].tolist() == [1, 0, 0, 0]
    assert trials.inputs[0, 40].tolist() == [1, 0, 0, 1]
    assert trials.inputs[:, 75].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_the_right_answer_is_the_better_bet(task):
    trials = task.trials(2000, seed=1)
    table = trials.conditions
    c, seconds = table["coherence"].abs(), table["stimulus"] / 1000
    p_right = norm.cdf(c * np.sqrt(seconds) / (np.sqrt(2) * task.noise))
    direction = np.select([table["coherence"] > 0, table["coherence"] < 0], [1, 0], -1)
    expected = np.where(table["offered"] & (p_right < 0.8), 2, direction)
    assert trials.answers.tolist() == expected.tolist()
    assert set(expected) == {-1, 0, 1, 2}
    assert trials.conditions.loc[trials.answers == -1, "coherence"].eq(0).all()


def test_without_noise_only_standing_dots_are_worth_the_sure_bet(task):
    trials = task.replace(noise=0.0).trials(500, seed=1, offered=True)
    assert ((trials.answers == 2) == (trials.conditions["coherence"] == 0)).all()


def test_the_observer_wagers_as_monkeys_do(task):
    trials = task.trials(12000, seed=1)
    table = task.behavior(trials, task.observer(trials))
    table["strength"] = table["coherence"].abs()
    sure = table["choice"] == "sure"
    assert not sure[~table["offered"]].any()
    by_strength = sure[table["offered"] & (table["strength"] > 0)].groupby(table["strength"]).mean()
    assert (np.diff(by_strength) < 0).all()
    assert by_strength[0.512] < 0.02 < 0.7 < by_strength[0.032]
    # Longer motion is waived more often, and who waives the offer is right more often.
    weak = table[table["strength"].eq(0.064)]
    short = weak["stimulus"] < 200
    assert sure[weak.index][short & weak["offered"]].mean() > 0.1 + (
        sure[weak.index][~short & weak["offered"]].mean()
    )
    decided = weak[weak["choice"] != "sure"]
    hit = (decided["choice"] == "right") == (decided["coherence"] > 0)
    assert hit[decided["offered"]].mean() > hit[~decided["offered"]].mean() + 0.05


@pytest.mark.parametrize("safe", [0.5, 1.0])
def test_refused_settings(task, safe):
    with pytest.raises(ValueError, match=rf"`safe` must be a number in \(0.5, 0.99\], got {safe}."):
        task.replace(safe=safe)


@pytest.mark.parametrize("settings", [{}, dict(safe=0.6, stimulus=400.0, coherences=(0.1, 0.3))])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))


def test_motion_cannot_fill_the_trial(task):
    with pytest.raises(ValueError, match="`stimulus` must be a time in ms or a law of it, got Rem"):
        task.replace(stimulus=nt.Remainder(3000.0))
