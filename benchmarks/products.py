"""The matrix products of a training step alone: what no way of training can do without.

A step in time takes rates times weights forward, and as much twice backward: the error times the
weights, and rates times error for the gradient. They are made twice over, by NumPy with the trials
split over the cores and by TensorFlow; the faster is the yardstick.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from threadpoolctl import threadpool_limits

UNROLLED = 200  # most steps in one graph: longer ones take long to build, and no less to run


def by_numpy(n_trials: int, n_steps: int, units: int) -> Callable[[], object]:
    """Return a function that makes the products of one training step with NumPy.

    Each core has a share of the trials and one thread of BLAS, so that no two wait for each other
    within a product.
    """
    rates, weights = _operands(n_trials, units)
    shares = np.array_split(rates, min(os.cpu_count() or 1, n_trials))
    pool = ThreadPoolExecutor(len(shares))

    def products(rates: np.ndarray) -> None:
        drive, error, gradient = np.empty_like(rates), np.empty_like(rates), np.empty_like(weights)
        for _ in range(n_steps):
            np.matmul(rates, weights, out=drive)
            np.matmul(drive, weights.T, out=error)
            np.matmul(rates.T, drive, out=gradient)

    def all_shares() -> None:
        with threadpool_limits(1):
            list(pool.map(products, shares))

    return all_shares


def by_tensorflow(n_trials: int, n_steps: int, units: int) -> Callable[[], tf.Tensor]:
    """Return a function that makes the same products in a graph, each step after the last."""
    start, weights = map(tf.constant, _operands(n_trials, units))
    parts = -(-n_steps // UNROLLED)
    if n_steps % parts:
        raise ValueError(f"`n_steps` must be a multiple of {parts}, got {n_steps}.")

    @tf.function(autograph=False)
    def products(rates: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        used = []
        for _ in range(n_steps // parts):
            drive = tf.matmul(rates, weights)
            # One entry of each, or the graph would drop the product as unused.
            used.append(tf.matmul(rates, drive, transpose_a=True)[0, 0])
            rates = tf.matmul(drive, weights, transpose_b=True)
        return rates, tf.add_n(used)

    def all_parts() -> tf.Tensor:
        rates, used = start, tf.constant(0.0)
        for _ in range(parts):
            rates, used = products(rates, weights)
        return used

    return all_parts


def _operands(n_trials: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rates = rng.standard_normal((n_trials, units), dtype=np.float32)
    # Orthogonal, so that a chain of products keeps its size.
    weights, _ = np.linalg.qr(rng.standard_normal((units, units)))
    return rates, weights.astype(np.float32)
