"""Probabilistic reversal: the observer's belief, and that choices change only what follows them."""

from itertools import pairwise, product

import numpy as np
import pytest

import neurotask as nt
from neurotask.session import session


@pytest.fixture
def task():
    return nt.load("probabilistic_reversal")


def brute_belief(task, chosen, reward):
    """Return P(better arm of the next trial | the past), by adding up all ways it could have been."""
    n, weights = task.n_arms, np.zeros(task.n_arms)
    for ways in product(range(n), repeat=len(chosen) + 1):
        p = 1 / n
        for before, after in pairwise(ways):
            p *= 1 - task.hazard if before == after else task.hazard / (n - 1)
        for best, arm, paid in zip(ways, chosen, reward, strict=False):
            if arm >= 0:
                pays = task.p_best if arm == best else task.p_other
                p *= pays if paid else 1 - pays
        weights[ways[-1]] += p
    return weights / weights.sum()


@pytest.mark.parametrize("n_arms", [2, 3])
def test_belief_is_that_of_bayes(task, n_arms):
    task = task.replace(n_arms=n_arms, trials_per_block=6, p_best=0.7, p_other=0.1)
    for block in range(4):
        choice = np.full((1, 6), "observer")
        choice[0, block] = "none"
        table = task.trials(1, seed=block, choice=choice).conditions
        chosen = [task.arms.index(c) if c != "none" else -1 for c in table["chosen"]]
        for now in range(6):
            belief = table[[f"belief_{arm}" for arm in range(n_arms)]].iloc[now].to_numpy()
            expected = brute_belief(task, chosen[:now], table["reward"][:now])
            assert belief == pytest.approx(expected)
            assert expected[task.arms.index(table["favoured"].iloc[now])] == pytest.approx(
                expected.max()
            )


def test_a_choice_changes_nothing_before_it(task):
    free = task.trials(8, seed=3)
    for choice in ("arm_0", "arm_1", "none"):
        given = np.full((8, 30), "observer")
        given[:, 12] = choice
        held = task.trials(8, seed=3, choice=given)
        outcome = 12 * 30 + 20  # the first step at which the choice of trial 12 shows
        for name in ("inputs", "targets", "mask"):
            before = getattr(held, name)[:, :outcome]
            assert np.array_equal(before, getattr(free, name)[:, :outcome])
        early = np.arange(240) % 30 < 12
        drawn = ["luck", "switch", "best", "since_reversal", "whim"]
        assert (
            held.conditions[early]
            .drop(columns="choice")
            .equals(free.conditions[early].drop(columns="choice"))
        )
        assert held.conditions[drawn].equals(free.conditions[drawn])
        assert (held.columns["chosen"].reshape(8, 30)[:, 12] == choice).all()


def test_what_is_shown(task):
    given = np.tile(["arm_0", "arm_1", "none"], (1, 10))
    trials = task.trials(1, seed=1, choice=given)
    for trial, (arm, paid) in enumerate(zip(given[0], trials.columns["reward"], strict=True)):
        fixation, decision, outcome = trials.inputs[0, 30 * trial :][:30].reshape(3, 10, 4)
        assert (fixation == [1, 0, 0, 0]).all() and not decision.any()
        assert (outcome == [0, arm == "arm_0", arm == "arm_1", paid]).all()
        assert not (arm == "none" and paid)


def test_shares_of_rewards_and_reversals(task):
    task = task.replace(n_arms=3)
    table = task.trials(400, seed=2).conditions
    hit = table["chosen"] == table["best"]
    assert table["reward"][hit].mean() == pytest.approx(0.8, abs=0.015)
    assert table["reward"][~hit].mean() == pytest.approx(0.2, abs=0.02)
    best = table["best"].str[-1].astype(int).to_numpy().reshape(400, 30)
    step = np.diff(best, axis=1) % 3
    shares = np.bincount(step.ravel()) / step.size
    assert shares == pytest.approx([0.9, 0.05, 0.05], abs=0.01)
    for since, row in zip(table["since_reversal"].to_numpy().reshape(400, 30), step, strict=True):
        for now in range(1, 30):
            assert since[now] == (0 if row[now - 1] else since[now - 1] + 1)


def test_target_is_the_belief_and_the_answer_the_better_arm(task):
    trials = task.trials(50, seed=4)
    table = task.behavior(trials, trials.targets)
    assert (table["choice"] == table["favoured"]).all()
    scored = table["answer"] != "none"
    assert (table["answer"] == table["best"])[scored].all()
    assert not scored[table["since_reversal"] == 0].any()
    assert scored[table["since_reversal"] > 0].all()  # two arms are tied at the start alone


@pytest.mark.parametrize("n_arms", [2, 3])
def test_certain_rewards_are_followed_at_once(task, n_arms):
    task = task.replace(n_arms=n_arms)
    sure = task.replace(**task.easy)
    trials = sure.trials(100, seed=5)
    correct = sure.behavior(trials, sure.observer(trials))["correct"]
    assert correct.mean() == 1.0
    assert trials.columns["reward"].mean() > 0.85


def test_an_animal_s_session(task):
    rewarded = np.random.default_rng(0).random(30) < 0.5
    choice = np.random.default_rng(1).choice(["arm_0", "arm_1", "none"], 30)
    table = dict(block=np.zeros(30), choice=choice, luck=np.where(rewarded, 0.0, 1.0))
    trials = task.trials_from(table)
    assert trials.columns["chosen"].tolist() == choice.tolist()
    assert trials.columns["reward"].tolist() == (rewarded & (choice != "none")).tolist()


def test_outcomes_that_cannot_be_leave_the_belief_open(task):
    sure = task.replace(p_best=1.0, p_other=0.0, hazard=0.0, trials_per_block=3)
    trials = sure.trials(1, choice=[["arm_0", "arm_1", "arm_0"]], luck=1.0)
    assert trials.columns["belief_0"].tolist() == [0.5, 0.0, 0.5]


def test_a_session_holds_what_the_network_chose(task):
    trials = task.trials(2, seed=1)
    held = session(trials, trials.targets, {}, np.zeros(0), np.zeros(0))
    assert held["choice"].values.ravel().tolist() == trials.columns["favoured"].tolist()


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(n_arms=1), "`n_arms` must be a whole number of 2 or more, got 1"),
        (dict(p_other=0.8), "`p_other` must be less than p_best = 0.8, got 0.8: no arm would be"),
        (dict(p_best=1.2), "`p_best` must be a number in .0, 1., got 1.2"),
        (dict(hazard=-0.1), "`hazard` must be a number in .0, 1., got -0.1"),
        (dict(hazard=0.5), "`hazard` must be less than 1 - 1 / n_arms = 0.5, got 0.5"),
        (dict(hazard=0.75, n_arms=4), "`hazard` must be less than .* = 0.75, got 0.75"),
        (dict(fixation=0.0), "`fixation` must be a number above 0, got 0"),
        (dict(fixation=nt.Uniform(0.0, 200.0)), "`fixation` must be a number above 0, got 0"),
        (dict(feedback=0.0), "`feedback` must be a number above 0, got 0"),
    ],
)
def test_refused(task, settings, message):
    with pytest.raises(ValueError, match=message):
        task.replace(**settings)


def test_feedback_may_vary_and_a_block_has_two_trials_at_least():
    task = nt.load("probabilistic_reversal").replace(feedback=nt.Uniform(100.0, 300.0))
    shown = np.diff(task.trials(4, seed=1).by_trial().phases["feedback"])
    assert set(np.unique(shown)) == set(np.arange(100.0, 301.0, 20.0))
    with pytest.raises(ValueError, match="`trials_per_block` must be a whole number of 2 or more"):
        task.replace(trials_per_block=1)
