"""Signal detection: a signal in half of the trials, and d' as theory has it."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt


@pytest.fixture
def task():
    return nt.load("signal_detection")


def yes_rates(task, trials):
    table = task.behavior(trials, task.observer(trials))
    return (table["choice"] == "yes").groupby(table["strength"]).mean()


def test_the_signal_is_shown_where_it_is_present(task):
    trials = task.replace(noise=0.0).trials(2, present=[True, False], level=0.5, wait=200.0)
    assert trials.inputs[0, :, 1].tolist() == [0] * 35 + [0.5] * 5 + [0] * 60
    assert not trials.inputs[1, :, 1].any()
    assert trials.inputs[:, :, 0].tolist() == [[1] * 85 + [0] * 15] * 2
    assert trials.conditions["strength"].tolist() == [0.5, 0.0]
    assert trials.answers.tolist() == [1, 0]


def test_noise_fills_the_window_and_no_more(task):
    shown = task.trials(50, seed=1).inputs[..., 1] != 0
    assert (
        shown.all(0).tolist() == shown.any(0).tolist() == [False] * 25 + [True] * 60 + [False] * 15
    )


def test_shares(task):
    table = task.replace(prior=0.2).trials(6000, seed=1).conditions
    assert (table["strength"] > 0).mean() == pytest.approx(0.2, abs=0.02)
    assert table.query("strength > 0")["strength"].value_counts(normalize=True).to_dict() == (
        pytest.approx({0.25: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3}, abs=0.05)
    )
    assert table["wait"].mean() == pytest.approx(500.0, abs=15)


@pytest.mark.parametrize("prior", [0.5, 0.8])
def test_for_a_known_moment_the_observer_has_the_d_prime_and_criterion_of_theory(task, prior):
    # One moment only: d' = a sqrt(T) / noise, and the best criterion is log((1 - p) / p) / d'.
    task = task.replace(levels=(0.3,), prior=prior, wait=0.0, rest=0.0)
    no, yes = norm.ppf(yes_rates(task, task.trials(12000, seed=4)))
    wanted = 0.3 * np.sqrt(0.1) / task.noise
    assert yes - no == pytest.approx(wanted, abs=0.1)
    assert -(yes + no) / 2 == pytest.approx(np.log((1 - prior) / prior) / wanted, abs=0.06)


def test_not_knowing_the_moment_costs(task):
    known = task.replace(levels=(0.3,), wait=0.0, rest=0.0).trials(3000, seed=1)
    unknown = task.replace(levels=(0.3,)).trials(3000, seed=1)
    false, hits = (np.array(yes_rates(t.task, t)) for t in (known, unknown))
    assert np.diff(norm.ppf(hits)) < np.diff(norm.ppf(false)) - 0.3


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (dict(prior=1.5), r"`prior` must be a number in \[0, 1\], got 1.5."),
        (dict(signal=nt.Uniform(100.0, 200.0)), "`signal` must be a number above 0, got Uniform"),
        (dict(levels=(-1.0,)), "must be a number of 0 or more, got -1.0."),
    ],
)
def test_refused_settings(task, settings, text):
    with pytest.raises(ValueError, match=text):
        task.replace(**settings)


@pytest.mark.parametrize("settings", [{}, dict(levels=(2.0,), prior=0.3, signal=60.0)])
def test_contract(task, settings):
    nt.testing.check_task(task.replace(**settings))


@pytest.mark.parametrize("levels", [(), 5, "ab", ("a", "b"), (1.0, "a"), (-1.0,), (1.0, 1.0)])
def test_levels_are_refused_under_their_name(task, levels):
    with pytest.raises(ValueError, match=r"^`levels` must "):
        task.replace(levels=levels)


def test_by_default_the_window_is_always_as_long(task):
    trials = task.trials(50, seed=1)
    assert set(trials.phases["decision"][:, 0] - trials.phases["wait"][:, 0]) == {1200.0}
