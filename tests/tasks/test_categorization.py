"""Categorization: stimuli at the distances asked for, from every boundary, on either side."""

import numpy as np
import pytest
from scipy.stats import norm

import neurotask as nt

TASK = nt.load("categorization")


@pytest.mark.parametrize("n_categories", [2, 3, 8])
def test_labels_by_an_independent_formula(n_categories):
    task = TASK.replace(n_categories=n_categories, boundary=30.0)
    trials = task.grid()
    width = 360 / n_categories
    along = (trials.conditions["direction"].to_numpy() - 30) % 360
    assert np.array_equal(trials.answers, (along // width).astype(int))
    away = np.abs(along[:, None] - np.arange(n_categories + 1) * width).min(1)
    assert np.abs(trials.conditions["distance"]).to_numpy() == pytest.approx(away)
    assert set(np.bincount(trials.answers)) == {8}  # four distances at two edges of each


def test_inputs_targets_and_mask():
    trials = TASK.replace(noise=0.0).trials(2, distance=[10.0, -20.0], edge="upper")
    assert trials.conditions["direction"].tolist() == [350.0, 160.0]
    apart = np.abs((np.arange(32) * 11.25 - 350.0 + 180.0) % 360.0 - 180.0)
    assert trials.inputs[0, 30, 1:] == pytest.approx(np.exp(-0.5 * (apart / 22.5) ** 2))
    on = np.flatnonzero(trials.inputs[..., 1:].any((0, 2)))
    assert on.tolist() == list(range(10, 60))
    assert trials.targets[:, 80] == pytest.approx(np.array([[0.2, 0.2, 1], [0.2, 1, 0.2]]))
    assert trials.mask[0, :, 1].tolist() == [1] * 60 + [0] * 5 + [1] * 35


def test_on_a_boundary_no_answer_is_right():
    for n_categories in (2, 4):
        trials = TASK.replace(n_categories=n_categories).trials(8, distance=0.0)
        assert (trials.answers == -1).all()


def test_ideal_observer_meets_its_closed_form():
    # The direction is known with variance noise^2 / (T sum b'^2), b' the slope of each channel.
    # At either edge alike: the observer leans to neither side of a boundary.
    edges = ["lower", "upper"]
    trials = TASK.grid(distance=[-5.0, -2.5, 2.5, 5.0], edge=edges, repeats=1000, seed=3)
    table = TASK.behavior(trials, TASK.observer(trials))
    steps = np.arange(32) * 11.25 - 180
    slopes = steps / 22.5**2 * np.exp(-0.5 * (steps / 22.5) ** 2)
    spread = TASK.noise / np.sqrt(1.0 * (slopes**2).sum())
    measured = table.groupby(["edge", "distance"])["correct"].mean().to_numpy()
    expected = norm.cdf(np.array([5.0, 2.5, 2.5, 5.0] * 2) / spread)
    assert measured == pytest.approx(expected, abs=0.05)


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`distances` must be a number in \[0, 45\], got 50.0"):
        TASK.replace(n_categories=4, distances=(50.0,))
    with pytest.raises(ValueError, match=r"`n_categories` must be a whole number of 2 or more"):
        TASK.replace(n_categories=1)
    with pytest.raises(ValueError, match=r"`n_inputs` must be a whole number of 3 or more, got 2"):
        TASK.replace(n_inputs=2)


@pytest.mark.parametrize(("boundary", "near"), [(-1.0, 359), (360.0, 0)])
def test_the_boundary_is_a_direction(boundary, near):
    with pytest.raises(ValueError, match=rf"`boundary` must .* \[0, 360\) .* Take {near}\."):
        TASK.replace(boundary=boundary)
