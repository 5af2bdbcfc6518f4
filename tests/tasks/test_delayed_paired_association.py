"""Delayed paired association: two odours, and go for partners alone."""

import numpy as np
import pytest

from neurotask.tasks.delayed_paired_association import DelayedPairedAssociation


def test_defaults_are_those_of_the_docstring():
    task = DelayedPairedAssociation()
    assert list(task.durations.values()) == [0.0, 1000.0, 1000.0, 1000.0, 1000.0, 500.0]
    assert task.inputs == ("fixation", "sample_0", "sample_1", "test_0", "test_1")


def test_input_without_noise():
    task = DelayedPairedAssociation(noise=0.0)
    trials = task.trials(2, sample_odour="sample_1", paired=[True, False])
    expected = np.zeros((2, 225, 5))
    expected[:, :200, 0] = 1.0
    expected[:, :50, 2] = 1.0
    expected[0, 100:150, 4] = 1.0
    expected[1, 100:150, 3] = 1.0
    assert (trials.inputs == expected).all()


def test_targets_and_mask():
    trials = DelayedPairedAssociation().trials(2, paired=[True, False])
    assert trials.targets[:, 220] == pytest.approx(np.array([[0.2, 1.0], [1.0, 0.2]]))
    assert trials.mask[0, :, 1].tolist() == [1] * 200 + [0] * 5 + [1] * 20
    assert trials.conditions["paired"].tolist() == [True, False]


@pytest.mark.parametrize("n_pairs", [2, 5])
def test_pairs(n_pairs):
    task = DelayedPairedAssociation(n_pairs=n_pairs)
    trials = task.trials(2000, seed=1)
    c = trials.conditions
    sample, test = (c[name].str[-1].astype(int) for name in ("sample_odour", "test_odour"))
    assert ((sample == test) == c["paired"]).all()
    assert (c["pair"] == [f"sample_{s}-test_{t}" for s, t in zip(sample, test, strict=True)]).all()
    assert c["pair"].nunique() == n_pairs**2
    # Each sample goes with its partner in half of the trials, and no test gives the answer away.
    assert c.groupby("test_odour")["paired"].mean().between(0.4, 0.6).all()
    assert c.groupby("sample_odour")["paired"].mean().between(0.4, 0.6).all()
    answer = task.behavior(trials, trials.targets)["answer"]
    assert (answer == np.where(c["paired"], "go", "withhold")).all()


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`n_pairs` must be a whole number of 2 or more, got 1"):
        DelayedPairedAssociation(n_pairs=1)
