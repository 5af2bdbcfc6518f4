"""Normals in bulk: the law, and that no chunk repeats another."""

import numpy as np
import pytest
from scipy import stats

from neurotask._normals import CHUNK, normals


def draw(shape, seed=0, **scale):
    return normals(np.random.default_rng(seed), shape, **scale)


def test_standard_normal_law():
    drawn = draw((10 * CHUNK + 3,)).astype(float)
    n = len(drawn)
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((drawn**power).mean() - moment) < 4 * np.sqrt(spread / n)
    assert stats.kstest(drawn[: 5 * CHUNK], stats.norm.cdf).pvalue > 0.01


def test_tail():
    drawn = np.abs(draw((2_000_000,)))
    for beyond in (3.0, 4.0):
        expected = 2 * stats.norm.sf(beyond) * drawn.size
        assert (drawn > beyond).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert 4.5 < drawn.max() < 5.8


def test_chunks_halves_and_neighbours_are_independent():
    drawn = draw((4, CHUNK)).astype(float)
    pairs = [(drawn[i], drawn[j]) for i in range(4) for j in range(i)]
    # The two halves of a chunk are made of the same pairs of uniforms.
    pairs += [(half[: CHUNK // 2], half[CHUNK // 2 :]) for half in drawn]
    pairs += [(drawn[0, :-1], drawn[0, 1:])]
    for a, b in pairs:
        for f in (lambda x: x, np.square):
            assert abs(np.corrcoef(f(a), f(b))[0, 1]) < 4 / np.sqrt(len(a))


@pytest.mark.parametrize("shape", [(), (1,), (0, 4), (3, 5, 7), (CHUNK + 1,), (2, CHUNK, 1)])
def test_any_shape(shape):
    drawn = draw(shape)
    assert drawn.shape == shape and drawn.dtype == np.float32
    assert np.isfinite(drawn).all() and len(np.unique(drawn)) >= 0.99 * drawn.size


def test_scale():
    assert np.allclose(draw((999,), scale=0.3), 0.3 * draw((999,)), rtol=1e-5)


def test_each_draw_goes_on_from_the_last():
    rng = np.random.default_rng(0)
    one, other = normals(rng, (CHUNK,)), normals(rng, (CHUNK,))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(CHUNK)


def test_same_seed_same_bits():
    assert np.array_equal(draw((7, 11), seed=3), draw((7, 11), seed=3))
    assert not np.array_equal(draw((7, 11), seed=3), draw((7, 11), seed=4))
