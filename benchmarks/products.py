"""The matrix products of a training step alone: what no way of training can do without.

A step in time takes rates times weights forward, and as much twice backward: the error times the
weights, and rates times error for the gradient. They are made twice over, by NumPy on one thread
and by TensorFlow on all of them; the faster is the yardstick.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from threadpoolctl import threadpool_limits


def by_numpy(n_trials: int, n_steps: int, units: int) -> Callable[[], None]:
    """Return a function that makes the products of one training step with NumPy, on one thread.

    On more, its threads would fight with TensorFlow's for the cores.
    """
    rates, weights = _operands(n_trials, units)
    drive, error, gradient = np.empty_like(rates), np.empty_like(rates), np.empty_like(weights)

    def products() -> None:
        with threadpool_limits(1):
            for _ in range(n_steps):
                np.matmul(rates, weights, out=drive)
                np.matmul(drive, weights.T, out=error)
                np.matmul(rates.T, drive, out=gradient)

    return products


def by_tensorflow(n_trials: int, n_steps: int, units: int) -> Callable[[], tf.Tensor]:
    """Return a function that makes the same products in one graph, each step after the last."""
    start, weights = map(tf.constant, _operands(n_trials, units))

    @tf.function(autograph=False)
    def products(rates: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        used = []
        for _ in range(n_steps):
            drive = tf.matmul(rates, weights)
            # One entry of each, or the graph would drop the product as unused.
            used.append(tf.matmul(rates, drive, transpose_a=True)[0, 0])
            rates = tf.matmul(drive, weights, transpose_b=True)
        return tf.add_n(used) + rates[0, 0]

    return lambda: products(start, weights)


def _operands(n_trials: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rates = rng.standard_normal((n_trials, units), dtype=np.float32)
    # Orthogonal, so that a chain of products keeps its size.
    weights, _ = np.linalg.qr(rng.standard_normal((units, units)))
    return rates, weights.astype(np.float32)
