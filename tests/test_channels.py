"""Rings of channels: tuning, and the direction read from them."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.channels import circular_distance


def test_names_and_directions():
    ring = nt.Ring("motion", 4)
    assert (*ring,) == ("motion_0", "motion_1", "motion_2", "motion_3") and len(ring) == 4
    assert ring.directions.tolist() == [0.0, 90.0, 180.0, 270.0]


def test_bump_is_a_gaussian_of_the_distance():
    ring = nt.Ring("r", 8, width=30.0)
    bump = ring.bump([[350.0], [90.0]])
    assert bump.shape == (2, 1, 8)
    for place, preferred in enumerate(range(0, 360, 45)):
        for row, direction in enumerate((350.0, 90.0)):
            apart = min(abs(preferred - direction + turn) for turn in (-360, 0, 360))
            assert bump[row, 0, place] == pytest.approx(np.exp(-0.5 * (apart / 30.0) ** 2))
    assert ring.bump(90.0).max() == 1.0


def test_turning_the_direction_turns_the_ring():
    ring = nt.Ring("r", 12)
    for tuned in (ring.bump, ring.cosine):
        assert np.allclose(tuned(70.0 + 360 / 12), np.roll(tuned(70.0), 1))
        assert np.allclose(tuned(70.0 - 360.0), tuned(70.0))


@pytest.mark.parametrize("low", [0.0, 0.2])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_population_vector_recovers_the_direction(dtype, low):
    ring = nt.Ring("r", 32)
    direction = np.linspace(0.0, 359.0, 500)
    found = ring.direction((low + 0.8 * ring.bump(direction)).astype(dtype))
    assert found.shape == (500,)
    assert circular_distance(found, direction).max() < 1e-3
    # A cosine is one term of the sum that the vector is: exact on any ring.
    assert np.allclose(
        nt.Ring("r", 5).direction(nt.Ring("r", 5).cosine(direction[1:])), direction[1:]
    )


def test_directions_are_below_360():
    ring = nt.Ring("r", 32)
    found = ring.direction(ring.bump(np.arange(0.0, 360.0)))
    assert found.min() >= 0.0 and found.max() < 360.0


def test_no_vector_no_direction():
    ring = nt.Ring("r", 32)
    flat = np.stack([np.zeros(32), np.full(32, 0.7), ring.bump(10.0) + ring.bump(190.0)])
    assert np.isnan(ring.direction(flat.astype(np.float32))).all()


def test_distance_on_the_circle():
    one, other = np.meshgrid(np.arange(-720, 721, 7.0), np.arange(0, 360, 11.0))
    turn = np.exp(1j * np.deg2rad(one - other))
    assert np.allclose(circular_distance(one, other), np.rad2deg(np.abs(np.angle(turn))))
    assert np.isnan(circular_distance(np.nan, 3.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Ring("r", 1), r"`size` must be a whole number of 2 or more, got 1"),
        (lambda: nt.Ring("r", width=0.0), r"`width` must be a number above 0, got 0.0"),
    ],
)
def test_bad_rings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
