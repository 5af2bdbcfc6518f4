"""Context-dependent decision: what is shown, and that the uncued evidence never matters."""

import numpy as np
import pytest
from scipy.stats import norm

from neurotask.tasks.context_dependent_decision import ContextDependentDecision

HELD = dict(context=["motion", "colour"], motion=0.5, colour=-0.15)


def test_defaults_are_those_of_the_docstring():
    task = ContextDependentDecision()
    assert task.durations == dict(fixation=300.0, stimulus=800.0, delay=0.0, decision=300.0)
    assert task.varying["motion"].values == (-0.5, -0.15, -0.05, 0.05, 0.15, 0.5)


def test_input_without_noise():
    trials = ContextDependentDecision(noise=0.0).trials(2, **HELD)
    shown = [1, 0.25, 0.75, 0.575, 0.425]
    expected = [[*shown, 1, 0], [*shown, 0, 1]]
    assert trials.inputs[:, 30] == pytest.approx(np.array(expected))
    assert trials.inputs[:, 5].tolist() == [[1, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0, 1]]
    assert trials.inputs[:, 60].tolist() == [[0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]]


def test_the_cued_modality_decides():
    trials = ContextDependentDecision().grid(seed=2)
    c = trials.conditions
    assert len(trials) == 2 * 6 * 6
    by_hand = [row[row["context"]] > 0 for _, row in c.iterrows()]
    assert (trials.answers == by_hand).all()
    assert np.mean(by_hand) == 0.5
    # Right and wrong as often where the other modality agrees as where it does not.
    assert np.corrcoef(c["irrelevant"], trials.answers)[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_targets_and_mask():
    trials = ContextDependentDecision().trials(2, **HELD)
    assert trials.targets[0, [10, 60]] == pytest.approx(np.array([[1, 0.2, 0.2], [0.2, 0.2, 1]]))
    assert trials.targets[1, 60] == pytest.approx([0.2, 1, 0.2])
    assert trials.mask[0, :, 1].tolist() == [1] * 55 + [0] * 5 + [1] * 10


def test_catch_trials_show_nothing_and_ask_for_no_choice():
    task = ContextDependentDecision(catch=0.25, noise=0.0)
    trials = task.trials(400, seed=1)
    catch = trials.conditions["catch"].to_numpy()
    assert 0.18 < catch.mean() < 0.32
    assert not trials.inputs[catch][..., 1:].any()
    table = task.behavior(trials, trials.targets)
    assert set(table["answer"][catch]) == {"withhold"}
    assert (table["choice"][catch] == "none").all()


def test_ideal_observer_meets_its_closed_form():
    task = ContextDependentDecision()
    trials = task.trials(6000, seed=3)
    table = task.behavior(trials, task.observer(trials))
    measured = table.groupby(table["relevant"].abs())["correct"].mean()
    spread = np.sqrt(2) * task.noise / np.sqrt(0.8)
    assert measured.to_numpy() == pytest.approx(norm.cdf(measured.index / spread), abs=0.025)
    assert norm.cdf(0.05 / spread) == pytest.approx(0.83, abs=0.005)
