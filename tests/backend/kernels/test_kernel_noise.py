"""Noise of the kernels: TensorFlow's numbers, the normal law, and independence of all that varies.

A radius takes 23 bits: u = k / 2^23, and 1e-7 in place of 0. So no number is beyond
sqrt(-2 log 1e-7) = 5.68 sigma, where 1 in 7e7 should be, and the share beyond 5 sigma is 4 % off.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from neurotask.backend.kernels.noise import draw, philox

N = 10_000_000  # numbers of a pass


def normals(n, *, name=11, update=0, t=0, steps=1):
    """Return the numbers of some steps, (step, number)."""
    drawn = np.empty((steps, n), np.float32)
    draw(np.uint64(name), update, t, drawn)
    return drawn


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],  # digits of pi
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers(counter, key, words):
    """Those that come with Random123, the authors' own code, for philox4x32 in 10 rounds."""
    given = philox(*(np.uint32(word) for word in (*counter, *key)))
    assert " ".join(f"{int(word):08x}" for word in given) == words


@pytest.mark.parametrize("name", [0, 1, 5, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize(
    ("update", "t", "shape"),
    [
        (0, 0, (3, 5)),
        (1, 7, (1, 1)),
        (999_999_999, 0, (7, 3)),
        (10**9, 1999, (33, 50)),
        (2**31, 3, (2, 4)),
        (2**32 - 1, 2**31 - 1, (64, 101)),
        (2**32 + 5, 2, (1, 6)),
    ],
)
def test_numbers_are_those_of_tensorflow(name, update, t, shape):
    whole = np.array([name, (update << 32 | t) % 2**64], np.uint64).view(np.int64)
    theirs = tf.random.stateless_normal(shape, tf.constant(whole), alg="philox").numpy()
    ours = normals(shape[0] * shape[1], name=name, update=update, t=t).reshape(shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)


def test_the_largest_and_the_smallest_numbers_are_those_of_tensorflow():
    theirs = tf.random.stateless_normal((N,), tf.constant([3, 0], tf.int64), alg="philox").numpy()
    ours = normals(N, name=3)[0]
    assert np.abs(theirs).max() > 5 and np.abs(ours - theirs).max() < 2e-6


def beyond(s):
    """Return how often |r sin a| is above s for the radii that 23 bits give."""
    u = np.maximum(np.arange(2**23) / 2**23, 1e-7)
    r = np.sqrt(-2 * np.log(u[u < np.exp(-s * s / 2)]))
    return np.sum(2 / np.pi * np.arccos(s / r)) / 2**23


def test_they_follow_the_normal_law():
    sums, counts, most, passes = np.zeros(4), np.zeros(5), 0.0, 4
    for update in range(passes):
        x = normals(N // 100, update=update, steps=100).ravel()
        square = x * x
        sums += [np.sum(v, dtype=float) for v in (x, square, square * x, square * square)]
        counts += [np.count_nonzero(square > s * s) for s in range(1, 6)]
        most = max(most, np.abs(x).max())
    n = passes * N
    mean, variance, skewness, kurtosis = sums / n
    # Standard errors: 1, sqrt(2), sqrt(15), sqrt(96), each by sqrt(n), of raw moments.
    for moment, truth, spread in (
        (mean, 0, 1),
        (variance, 1, np.sqrt(2)),
        (skewness, 0, np.sqrt(15)),
        (kurtosis, 3, np.sqrt(96)),
    ):
        assert abs(moment - truth) < 4.5 * spread / np.sqrt(n)
    for s, count in enumerate(counts, start=1):
        for law in (2 * stats.norm.sf(s), beyond(s)):
            assert 1e-5 < stats.binom.cdf(count, n, law) < 1 - 1e-5, s
    assert 5 < most <= np.sqrt(-2 * np.log(1e-7)) + 1e-5


def test_what_23_bits_do_to_the_tails():
    for s, apart in ((1, 1e-6), (2, 1e-6), (3, 1e-4), (4, 2e-3), (5, 0.05)):
        assert abs(beyond(s) / (2 * stats.norm.sf(s)) - 1) < apart


def test_their_distribution_is_normal_throughout():
    x = np.sort(normals(1_000_000, name=7)[0].astype(float))
    steps = np.arange(x.size + 1) / x.size
    law = stats.norm.cdf(x)
    apart = max(np.max(steps[1:] - law), np.max(law - steps[:-1]))
    assert apart < 1.95 / np.sqrt(x.size)  # Kolmogorov-Smirnov, 1 in 1000


def correlation(a, b):
    """Return the correlation of two arrays in standard errors."""
    a, b = a.astype(float).ravel(), b.astype(float).ravel()
    return abs(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))) * np.sqrt(a.size)


@pytest.mark.parametrize("squared", [False, True])
def test_nothing_is_correlated(squared):
    """Units and trials are places in a row: neighbours and far ones, within and across counts."""
    f = (lambda x: x * x - 1) if squared else (lambda x: x)
    x = f(normals(50 * 100, steps=200))
    for lag in (1, 2, 3, 4, 5, 8, 50, 100, 2500):
        assert correlation(x[:, lag:], x[:, :-lag]) < 4.5, lag
    for lag in (1, 2, 8, 100):
        assert correlation(x[lag:], x[:-lag]) < 4.5, lag
    others = [dict(update=1), dict(update=2**31), dict(name=12), dict(name=11 + 2**32)]
    for a, b in itertools.combinations([x, *(f(normals(5000, steps=200, **o)) for o in others)], 2):
        assert correlation(a, b) < 4.5


def test_numbers_depend_on_their_place_alone():
    whole = normals(999, steps=12)
    for n in (1, 2, 3, 4, 5, 64, 998):
        assert np.array_equal(normals(n, steps=12), whole[:, :n])
    parts = [normals(999, t=t, steps=n) for t, n in ((0, 1), (1, 4), (5, 7))]
    assert np.array_equal(np.concatenate(parts), whole)


def test_no_two_streams_are_the_same():
    """The key of a stream is a permutation of (seed, update, step), so that none can repeat."""
    rng, n = np.random.default_rng(0), 400
    names = [0, 1, 2**32, 2**32 + 1, 2**63 - 1, *rng.integers(0, 2**63, 5).tolist()]
    updates = [*range(n), 10**9 - 1, 10**9, 2**31 - 1, 2**31, 2**32 - 1]
    places = list(itertools.product(names, updates, range(8)))
    keys = {
        philox(*map(np.uint32, (a & 0xFFFFFFFF, a >> 32, t, u, 0x3EC8F720, 0x02461E29)))
        for a, u, t in places
    }
    assert len(keys) == len(places)
    starts = {normals(4, name=a, update=u, t=t).tobytes() for a, u, t in places[::7]}
    assert len(starts) == len(places[::7])


def test_updates_after_a_thousand_million_differ():
    rows = [normals(8, update=u)[0] for u in (0, 999_999_999, 10**9, 2**31, 2**32 - 1)]
    for a, b in itertools.combinations(rows, 2):
        assert not np.intersect1d(a, b).size
    assert np.array_equal(normals(8, update=2**32)[0], rows[0])  # as it is in TensorFlow's graph
