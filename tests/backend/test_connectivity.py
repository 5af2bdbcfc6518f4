"""Synapses: which exist, which learn, how they start, what they are worth."""

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.connectivity import Kernel
from neurotask.backend.initializers import Gaussian, SpectralRadius

DALE = np.array([1.0, 1.0, 1.0, -1.0])
FREE = np.zeros(4)
MASK = np.array([[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]])
FROZEN = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])


def kernel(sign=DALE, seed=0, **settings):
    connectivity = nt.Connectivity(**settings)
    n = len(sign)
    return Kernel("recurrent", connectivity, sign, (n, n), Gaussian(), seed, 1, "float64")


def radius(weights):
    return np.abs(np.linalg.eigvals(weights)).max()


def test_effective_weights_by_their_definition():
    k = kernel(mask=MASK, frozen=FROZEN)
    start = k.effective().numpy()
    assert start[(FROZEN == 1) & (MASK == 1)].all()
    k.raw.assign(np.random.default_rng(0).standard_normal((4, 4)))
    raw = k.raw.numpy()
    wanted = np.where(MASK * (1 - FROZEN), np.abs(raw) * DALE, start * MASK)
    assert np.array_equal(k.effective().numpy(), wanted)


def test_absent_synapses_are_positive_zeros():
    weights = kernel(mask=MASK).effective().numpy()
    assert (weights[MASK == 0] == 0).all() and not np.signbit(weights[MASK == 0]).any()
    assert (weights[MASK == 1] != 0).all()


def test_signs_hold_from_the_start():
    weights = kernel(seed=3).effective().numpy()
    assert (weights[:, :3] > 0).all() and (weights[:, 3] < 0).all()
    free = kernel(sign=np.zeros(30)).effective().numpy()
    assert (free > 0).any() and (free < 0).any()


def test_a_synapse_that_starts_at_zero_can_learn():
    k = kernel()
    k.raw.assign(np.zeros((4, 4)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(k.effective())
    assert np.array_equal(tape.gradient(total, k.raw.value), np.tile(DALE, (4, 1)))


def test_frozen_and_absent_synapses_get_no_gradient():
    k = kernel(mask=MASK, frozen=FROZEN)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(k.effective() ** 2)
    gradient = tape.gradient(total, k.raw.value).numpy()
    assert np.array_equal(gradient != 0, (MASK == 1) & (FROZEN == 0))


def test_assign_clips_signs_and_keeps_the_rest():
    k = kernel(mask=MASK, frozen=FROZEN)
    start = k.effective().numpy()
    wanted = np.random.default_rng(1).standard_normal((4, 4))
    k.assign(wanted)
    clipped = np.where(wanted * DALE > 0, wanted, 0.0)
    learning = (MASK == 1) & (FROZEN == 0)
    assert np.allclose(k.effective().numpy(), np.where(learning, clipped, start), atol=0)


def test_autapses():
    weights = kernel(autapses=False).effective().numpy()
    assert not np.diag(weights).any() and (weights[~np.eye(4, dtype=bool)] != 0).all()


@pytest.mark.parametrize("density", [0.1, 0.5, 0.75])
def test_density_is_exact_in_each_row(density):
    k = kernel(sign=np.zeros(40), density=density, autapses=False)
    present = k.effective().numpy() != 0
    assert set(present.sum(1)) == {round(density * 39)}
    assert not np.diag(present).any()
    assert present.sum(0).std() > 0  # drawn, not the same sources for all


def test_density_within_a_mask():
    mask = np.random.default_rng(0).random((40, 40)) < 0.5
    present = kernel(sign=np.zeros(40), density=0.5, mask=mask).effective().numpy() != 0
    assert np.array_equal(present.sum(1), np.rint(0.5 * mask.sum(1)))
    assert not (present & ~mask).any()


def test_draws_belong_to_the_seed():
    def draw(seed):
        return kernel(sign=np.zeros(40), density=0.3, seed=seed).effective().numpy()

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1) != 0, draw(2) != 0)


@pytest.mark.parametrize("settings", [{}, dict(density=0.1), dict(autapses=False)])
@pytest.mark.parametrize("excitatory", [None, 0.8])
def test_spectral_radius_is_that_of_the_effective_matrix(settings, excitatory):
    sign = nt.Units(100, excitatory=excitatory).sign
    k = kernel(sign=sign, initializer=SpectralRadius(1.3), **settings)
    assert radius(k.effective().numpy()) == pytest.approx(1.3, rel=1e-6)


def test_excitation_and_inhibition_balance():
    sign = nt.Units(100, excitatory=0.8).sign
    weights = kernel(sign=sign, initializer=SpectralRadius(1.0)).effective().numpy()
    assert weights.sum() == pytest.approx(0.0, abs=1e-9)


def test_gaussian_keeps_the_variance_of_the_input():
    k = kernel(sign=np.zeros(400), density=0.25, initializer=Gaussian(gain=2.0))
    received = k.effective().numpy() @ np.random.default_rng(0).standard_normal((400, 500))
    assert received.std() == pytest.approx(2.0, rel=0.02)


def test_no_radius_without_cycles():
    with pytest.raises(
        ValueError, match=r"`radius` must be reachable, but the synapses form no cycle"
    ):
        kernel(sign=np.zeros(6), mask=np.tril(np.ones((6, 6)), -1), initializer=SpectralRadius())


def test_repr_is_exact_and_plain_data_restore():
    c = nt.Connectivity(mask=MASK, frozen=FROZEN, density=0.5, initializer=Gaussian(2.0))
    assert eval(repr(c), {"Connectivity": nt.Connectivity, "Gaussian": Gaussian}) == c
    assert nt.Connectivity.from_config(c.get_config()) == c
    assert hash(c) == hash(nt.Connectivity.from_config(c.get_config()))


def test_the_mask_given_is_left_alone():
    mask = np.ones((4, 4))
    kernel(mask=mask, autapses=False)
    assert mask.all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: kernel(density=0.0),
            ValueError,
            r"`density` must be a number in \(0, 1\], got 0.0",
        ),
        (
            lambda: kernel(density=1.5),
            ValueError,
            r"`density` must be a number in \(0, 1\], got 1.5",
        ),
        (lambda: kernel(autapses=0), ValueError, r"`autapses` must be True or False, got 0"),
        (
            lambda: kernel(mask=np.ones((4, 5))),
            ValueError,
            r"`recurrent.mask` must have the shape \(post, pre\) = \(4, 4\), got \(4, 5\)",
        ),
        (
            lambda: kernel(frozen=np.full((4, 4), 0.5)),
            ValueError,
            r"`frozen` must be an array \(post, pre\) of 0 and 1",
        ),
        (
            lambda: kernel(initializer="glorot_uniform"),
            TypeError,
            r"`initializer` must be an Initializer or None, got 'glorot_uniform'",
        ),
    ],
)
def test_bad_connectivity(make, error, message):
    with pytest.raises(error, match=message):
        make()
