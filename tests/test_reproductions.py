"""The reproductions in docs/ as far as seconds allow: their tasks exactly, their training briefly."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PATH = ROOT / "docs" / "reproductions" / "psychrnn_hello_world.py"


@pytest.fixture(scope="module")
def hello_world():
    return SimpleNamespace(**runpy.run_path(str(PATH)))


def one_trial(onset, duration, coherence, right, dt=10.0, total=2000.0):
    """PsychRNN's rule, a step at a time: inputs without noise, targets and mask, each (time, 2)."""
    inputs, targets, mask = (np.zeros((int(total / dt), 2)) for _ in range(3))
    for step in range(len(inputs)):
        t = step * dt
        if onset <= t < onset + duration:
            inputs[step] = 1.0
            inputs[step, right] += coherence
        if t >= onset + duration + 20.0:
            targets[step] = 0.2
            targets[step, right] = 1.0
        mask[step] = float(t >= onset + duration)
    return inputs, targets, mask


def test_hello_world_paints_what_psychrnn_does(hello_world):
    trials = hello_world.HelloWorld(noise=0.0).trials(200, seed=1)
    rows = trials.conditions.itertuples()
    wanted = [
        one_trial(r.onset, r.stimulus, r.coherence, int(r.direction == "right")) for r in rows
    ]
    for at, got in enumerate((trials.inputs, trials.targets, trials.mask)):
        np.testing.assert_array_equal(got, np.array([trial[at] for trial in wanted], np.float32))


def test_hello_world_scores_the_side_with_more_evidence(hello_world):
    trials = hello_world.HelloWorld(noise=0.0).trials(200, seed=1)
    right = trials.conditions["direction"].to_numpy() == "right"
    np.testing.assert_array_equal(trials.answers, right)
    np.testing.assert_array_equal(trials.inputs.sum(1).argmax(1), right)


def test_hello_world_noise_has_psychrnns_size_in_every_step(hello_world):
    noisy, silent = (hello_world.HelloWorld(noise=n) for n in (hello_world.NOISE, 0.0))
    noise = noisy.trials(5000, seed=2).inputs - silent.trials(5000, seed=2).inputs
    # The standard error of a standard deviation from n normals is sd / sqrt(2 n).
    wanted = np.sqrt(2 * 0.01 * np.sqrt(10) * np.sqrt(10.0) * 0.1**2)
    assert wanted == pytest.approx(0.0447214, abs=1e-7)
    assert noise.std() == pytest.approx(wanted, rel=5 / np.sqrt(2 * noise.size))
    np.testing.assert_allclose(noise.std(0), wanted, rtol=5 / np.sqrt(2 * len(noise)))
    np.testing.assert_allclose(noise.mean(0), 0.0, atol=5 * wanted / np.sqrt(len(noise)))


def test_hello_world_draws_conditions_from_psychrnns_ranges(hello_world):
    conditions = hello_world.HelloWorld().trials(5000, seed=3).conditions
    assert sorted(conditions["coherence"].unique()) == [0.1, 0.3, 0.5, 0.7]
    for name, n_levels in (("coherence", 4), ("direction", 2)):
        shares = conditions[name].value_counts(normalize=True)
        np.testing.assert_allclose(shares, 1 / n_levels, atol=0.04)
    for name, low, high in (("onset", 0.0, 1000.0), ("stimulus", 250.0, 750.0)):
        # Every point of the grid comes up, and quartiles are those of a uniform law.
        assert sorted(conditions[name].unique()) == list(np.arange(low, high + 1, 10.0))
        quartiles = (conditions[name].quantile([0.25, 0.5, 0.75]) - low) / (high - low)
        np.testing.assert_allclose(quartiles, [0.25, 0.5, 0.75], atol=0.04)


def test_hello_world_losses_differ_by_the_share_that_counts(hello_world):
    trials = hello_world.HelloWorld().trials(64, seed=4)
    loss, counted, accuracy, lowest = hello_world.scores(trials, trials.targets + 0.5)
    assert counted == pytest.approx(0.25)
    assert loss == pytest.approx(0.25 * trials.mask.mean())
    assert (accuracy, lowest) == (1.0, 1.0)


def test_hello_world_learns_in_sixty_updates(hello_world):
    # After one update seeds 0 to 4 have losses of 0.21 to 1.0, after sixty of 0.014 to 0.061.
    result = hello_world.train(seed=0, updates=60)
    assert result.loss < 0.1
    assert result.accuracy > 0.9


@pytest.fixture(scope="module")
def modularity():
    path = ROOT / "docs" / "reproductions" / "psychrnn_modularity.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


def test_modularity_runs_delays_twice_as_long_as_any_it_was_trained_on(modularity, monkeypatch):
    monkeypatch.setitem(modularity.durations.__globals__, "SEEDS", (0,))
    table, verdict = modularity.durations(updates=1)
    assert "1000 ms" in table and table.count("\n") == 1 + 2 * len(modularity.DURATIONS)
    assert verdict.startswith("- not met: 0.95 or more at drawn durations")


def test_modularity_draws_durations_as_psychrnn_does(modularity):
    trials = modularity.delayed(2).trials(500, seed=0)
    delay = trials.phases["delay"] @ [-1, 1]
    assert delay.min() >= 20 and 450 < delay.max() <= modularity.LONGEST
    right = trials.columns["f2"] > trials.columns["f1"]
    np.testing.assert_array_equal(trials.answers, right)


@pytest.mark.parametrize("n_inputs", [8, 32])
@pytest.mark.parametrize("n_categories", [2, 8])
def test_modularity_has_any_number_of_inputs_and_categories(modularity, n_inputs, n_categories):
    task = modularity.MatchToCategory(n_inputs=n_inputs, n_categories=n_categories, dt=10.0)
    assert len(task.inputs) == n_inputs and len(task.outputs) == n_categories
