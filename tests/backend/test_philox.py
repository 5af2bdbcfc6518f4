"""The noise in NumPy: the numbers that TensorFlow draws, and kernels."""

import numpy as np
import pytest
import tensorflow as tf

from neurotask.backend.kernels.noise import draw
from neurotask.backend.philox import normals

PLACES = [(1, 0, 0), (2**63 - 1, 5, 77), (12345678901234567, 2**31 - 1, 99_999)]


@pytest.mark.parametrize(("name", "update", "t"), PLACES)
@pytest.mark.parametrize(("dtype", "error"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("n", [1, 2, 1001])
def test_they_are_those_of_tensorflow(name, update, t, dtype, error, n):
    seed = tf.constant([name, update * 2**32 + t], tf.int64)
    wanted = tf.random.stateless_normal((n,), seed=seed, dtype=dtype, alg="philox").numpy()
    drawn = normals(name, update, t, n, dtype)
    assert drawn.dtype == dtype and drawn.shape == (n,)
    assert np.abs(drawn - wanted).max() < error


@pytest.mark.parametrize(("name", "update", "t"), PLACES)
def test_they_are_those_of_kernels(name, update, t):
    wanted = np.empty((3, 1001), np.float32)
    draw(np.uint64(name), update, t, wanted)
    for k in range(3):
        assert np.abs(normals(name, update, t + k, 1001) - wanted[k]).max() < 2e-6
