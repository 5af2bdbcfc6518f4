"""Elementary functions and transfer functions of the kernels: NumPy's in float64, and Keras'."""

import keras
import numba
import numpy as np
import pytest
import tensorflow as tf

from neurotask.backend import activations
from neurotask.backend.kernels import elementary, transfer

F = np.float32
EVERYWHERE = np.concatenate([np.linspace(-20, 20, 40001), np.geomspace(1e-30, 80, 4001)]).astype(F)
EVERYWHERE = np.concatenate([EVERYWHERE, -EVERYWHERE])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e38, -1e38, 1e-38, 100.0, -100.0], F)


def over(function):
    """Return a function of the kernels as one of an array."""

    @numba.njit
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        out = np.empty(x.shape, F)
        loop(x, out)
        return out

    return call


def off(values, truth):
    """Return the largest error, relative to the truth."""
    return np.max(np.abs(values - truth) / np.abs(truth))


@pytest.mark.parametrize(
    ("name", "truth", "x"),
    [
        ("exp", np.exp, np.linspace(-87, 88.3, 100001)),
        ("tanh", np.tanh, EVERYWHERE[EVERYWHERE != 0]),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), np.linspace(-86, 86, 100001)),
        ("softplus", lambda x: np.logaddexp(x, 0), np.linspace(-86, 86, 100001)),
    ],
)
def test_elementary_functions_are_those_of_numpy(name, truth, x):
    x = x.astype(F)
    assert off(over(getattr(elementary, name))(x), truth(x.astype(float))) < 3e-7


def test_exp_ends_in_0_and_in_infinity():
    x = np.array([-np.inf, -1e30, -88, np.nan, 89, 1e30, np.inf], F)
    wanted = np.array([0, 0, 0, np.nan, np.inf, np.inf, np.inf])
    np.testing.assert_array_equal(over(elementary.exp)(x), wanted)


def test_logarithm_of_every_number_that_noise_asks_for():
    u = np.maximum(np.arange(2**23) / 2**23, 1e-7).astype(F)
    truth = -2 * np.log(u.astype(float))
    apart = np.abs(over(elementary.minus_two_log)(u) - truth)
    # Relative to itself near 1, too: the square root of what is near 0 is taken of it.
    assert np.max(apart / np.maximum(truth, 1e-30)) < 3e-7


def test_sine_and_cosine_of_every_angle():
    @numba.njit
    def loop(turns, sine, cosine):
        for i in range(turns.size):
            sine[i], cosine[i] = elementary.sine_and_cosine(turns[i])

    turns = np.arange(2**23, dtype=np.uint32)
    sine, cosine = np.empty(turns.size, F), np.empty(turns.size, F)
    loop(turns | np.uint32(0xA5800000), sine, cosine)  # the other bits do not matter
    angle = 2 * np.pi * turns / 2**23
    assert np.abs(sine - np.sin(angle)).max() < 3e-7
    assert np.abs(cosine - np.cos(angle)).max() < 3e-7


@numba.njit
def activate(number, x, r):
    transfer.activate(number, x, r)


@numba.njit
def steepen(number, x, r, c):
    transfer.steepen(number, x, r, c)


def activated(name, x):
    r = np.empty_like(x)
    activate(transfer.NAMES.index(name), x, r)
    return r


def slope(name, x, r):
    c = np.ones_like(x)
    steepen(transfer.NAMES.index(name), x, r, c)
    return c


def test_all_are_known_outside_of_kernels():
    assert set(transfer.NAMES) <= set(activations.NUMPY)


@pytest.mark.parametrize("name", transfer.NAMES)
def test_transfer_functions_are_those_of_numpy(name):
    truth = np.asarray(activations.NUMPY[name](EVERYWHERE.astype(float)))
    with np.errstate(over="ignore"):
        truth32 = truth.astype(F)
    inside = np.abs(truth32) < 1e38  # an exponential ends a little early
    np.testing.assert_allclose(
        activated(name, EVERYWHERE)[inside], truth[inside], rtol=4e-7, atol=1.2e-7
    )


@pytest.mark.parametrize("name", transfer.NAMES)
def test_transfer_functions_are_those_of_keras(name):
    x = np.concatenate([EVERYWHERE, SPECIAL])
    with np.errstate(all="ignore"):
        theirs = np.asarray(keras.activations.get(name)(tf.constant(x)))
        ours = activated(name, x)
    big = np.abs(theirs) > 1e38  # an exponential ends a little early
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours[~big], theirs[~big], rtol=1e-6, atol=3e-7)
    assert (np.abs(ours[big]) > 1e37).all() and (np.sign(ours[big]) == np.sign(theirs[big])).all()


@pytest.mark.parametrize("name", transfer.NAMES)
def test_slopes_are_those_of_keras(name):
    # At kinks too, where what a slope is, is a matter of choice.
    # (Where the exponential of x is 1 in single precision, x is as good as 0.)
    x = np.concatenate([EVERYWHERE[np.abs(EVERYWHERE) > 1e-7], np.array([0, 1, -1, 6, 3, -3], F)])
    with tf.GradientTape() as tape:
        at = tf.constant(x)
        tape.watch(at)
        r = keras.activations.get(name)(at)
    theirs = np.asarray(tape.gradient(r, at))
    np.testing.assert_allclose(slope(name, x, activated(name, x)), theirs, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", transfer.NAMES)
def test_slopes_are_those_of_finite_differences(name):
    x, step = np.linspace(-8.01, 8.02, 3001).astype(F), 1e-6
    f, at = activations.NUMPY[name], x.astype(float)
    smooth = np.min(np.abs(at[:, None] - np.array([0, 1, -1, 6, 3, -3])), axis=1) > 1e-4
    truth = (f(at + step) - f(at - step)) / (2 * step)
    ours = slope(name, x, activated(name, x))
    np.testing.assert_allclose(ours[smooth], truth[smooth], rtol=1e-6, atol=4e-7)


@pytest.mark.parametrize("name", transfer.NAMES)
def test_a_slope_multiplies_what_is_there(name):
    x = np.linspace(-2, 2, 41).astype(F)
    r, c = activated(name, x), np.linspace(1, 3, 41).astype(F)
    wanted = c * slope(name, x, r)
    steepen(transfer.NAMES.index(name), x, r, c)
    np.testing.assert_allclose(c, wanted, rtol=1e-6)


def test_clipping_lets_nan_through():
    between = numba.njit(lambda x, low, high: elementary.between(x, low, high))
    positive = numba.njit(lambda x: elementary.positive(x))
    assert np.isnan(between(F(np.nan), F(0), F(1))) and np.isnan(positive(F(np.nan)))
    assert between(F(2), F(0), F(1)) == 1 and positive(F(-2)) == 0
