"""Delayed match to category: what belongs together, right up to the boundary."""

import numpy as np
import pytest

import neurotask as nt

TASK = nt.load("delayed_match_to_category")


def test_directions_and_distances_are_those_of_the_source():
    table = TASK.grid().conditions
    assert sorted(set(table["sample_direction"])) == list(range(0, 360, 30))
    assert sorted(set(table["distance"])) == [-75, -45, -15, 15, 45, 75]
    assert (table["distance"] > 0).mean() == 0.5


def test_labels_by_an_independent_formula():
    # The side is the sign of the sine, the distance the arcsine of its size.
    trials = TASK.replace(boundary=70.0).trials(
        3000,
        sample_direction=np.random.default_rng(1).uniform(0, 360, 3000),
        test_direction=np.random.default_rng(2).uniform(0, 360, 3000),
    )
    angles = trials.conditions[["sample_direction", "test_direction"]].to_numpy() - 70.0
    sines = np.sin(np.deg2rad(angles))
    match = sines[:, 0] * sines[:, 1] > 0
    assert np.array_equal(trials.answers, match.astype(int))
    distance = np.rad2deg(np.arcsin(np.abs(sines).min(1)))
    assert trials.conditions["distance"].to_numpy() == pytest.approx(
        np.where(match, distance, -distance), abs=1e-5
    )


def test_the_boundary_has_no_category():
    # Sample or test on the boundary, at either end of it: no answer is right, whatever the other.
    ends = np.array([45.0, 225.0, 45.0, 225.0, 30.0, 200.0])
    trials = TASK.trials(6, sample_direction=ends, test_direction=ends[[4, 5, 0, 0, 1, 0]])
    assert trials.answers.tolist() == [-1] * 6
    assert np.isnan(TASK.behavior(trials, trials.targets)["correct"]).all()


def test_inputs_targets_and_mask():
    trials = TASK.replace(noise=0.0).trials(2, sample_direction=90.0, test_direction=[180.0, 270.0])
    ring = trials.inputs[..., 1:]
    on = np.flatnonzero(ring.any((0, 2)))
    assert on.tolist() == [*range(25, 57), *range(107, 139)]
    assert ring[:, 30].argmax(1).tolist() == [8, 8]  # of 32 channels, the one at 90 degrees
    assert ring[:, 110].argmax(1).tolist() == [16, 24]
    assert trials.inputs[0, :, 0].tolist() == [1] * 107 + [0] * 32
    assert trials.targets[:, 120] == pytest.approx(np.array([[0.2, 0.2, 1], [0.2, 1, 0.2]]))
    assert trials.mask[0, :, 2].tolist() == [1] * 107 + [0] * 5 + [1] * 27


def test_refused_settings():
    with pytest.raises(ValueError, match=r"`n_directions` must be even, got 7: .* Take 8."):
        TASK.replace(n_directions=7)
    with pytest.raises(ValueError, match=r"`n_inputs` must be a whole number of 3 or more, got 2"):
        TASK.replace(n_inputs=2)


@pytest.mark.parametrize(("boundary", "near"), [(-1.0, 359), (360.0, 0)])
def test_the_boundary_is_a_direction(boundary, near):
    with pytest.raises(ValueError, match=rf"`boundary` must .* \[0, 360\) .* Take {near}\."):
        TASK.replace(boundary=boundary)
