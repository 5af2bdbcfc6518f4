"""The noise of whole trials drawn ahead of the loop over time, for compilers and large devices.

In a loop each step would start a small piece of work and wait for it. Here all steps are drawn at
once. The numbers are those of `tf.random.stateless_normal(..., alg="philox")` at each step, to
rounding, which under XLA draws others: so one seed means one noise whatever runs the network.

Source: as `kernels.noise`, which has the same in machine code.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor

_U, _L = tf.uint32, tf.uint64
_MIX = 0x3EC8F720, 0x02461E29  # by which TensorFlow mixes a seed into a key


def normals_of_steps(noise: Tensor, n_steps: Tensor, n_trials: Tensor, size: int) -> Tensor:
    """Return the normals of all steps, (time, ..., trial, size).

    Args:
        noise: two whole numbers (int64) that name the noise, (..., 2): a name, and the update.
        n_steps: number of steps.
        n_trials: number of trials.
        size: how many a step of a trial takes.
    """
    axes = [1] * (noise.shape.rank - 1)
    t = tf.cast(tf.reshape(tf.range(n_steps), (-1, *axes, 1)), _U)
    name, update = (tf.expand_dims(noise[..., at], -1) for at in range(2))  # (..., 1)
    zero = tf.zeros_like(t) + tf.zeros_like(_low(name))
    p, q, c, d = _philox(
        zero + _low(name), zero + _high(name), zero + t, zero + _low(update), *map(_word, _MIX)
    )
    n = n_trials * size
    at = tf.cast(tf.range(-(-n // 4)), _U) + tf.zeros_like(c)
    zero = tf.zeros_like(at)
    one, two, three, four = _philox(at, zero, c + zero, d + zero, p, q)
    drawn = tf.stack([*_pair(one, two), *_pair(three, four)], -1)
    shape = tf.shape(zero)[:-1]
    flat: Any = tf.reshape(drawn, tf.concat([shape, [-1]], 0))
    return tf.reshape(flat[..., :n], tf.concat([shape, [n_trials, size]], 0))


def _philox(a: Tensor, b: Tensor, c: Tensor, d: Tensor, p: Tensor, q: Tensor) -> list[Tensor]:
    """Return the four words of counters (a, b, c, d) under keys (p, q)."""
    xor = tf.bitwise.bitwise_xor
    for _ in range(10):
        x = tf.cast(a, _L) * tf.constant(0xD2511F53, _L)
        y = tf.cast(c, _L) * tf.constant(0xCD9E8D57, _L)
        a, b = xor(xor(_upper(y), b), p), tf.cast(y, _U)
        c, d = xor(xor(_upper(x), d), q), tf.cast(x, _U)
        p, q = p + _word(0x9E3779B9), q + _word(0xBB67AE85)
    return [a, b, c, d]


def _pair(w: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return two normals for two words."""
    # n = sqrt(-2 log u) (sin 2 pi v, cos 2 pi v)
    radius = tf.sqrt(-2.0 * tf.math.log(tf.maximum(_unit(w), 1e-7)))
    angle = 2.0 * np.pi * _unit(v)
    return radius * tf.sin(angle), radius * tf.cos(angle)


def _unit(word: Tensor) -> Tensor:
    """Return the lower 23 bits of a word as a number in [0, 1)."""
    bits = tf.bitwise.bitwise_and(word, _word(0x7FFFFF))
    return tf.bitcast(tf.bitwise.bitwise_or(bits, _word(0x3F800000)), tf.float32) - 1.0


def _word(number: int) -> Tensor:
    return tf.constant(number, _U)


def _upper(words: Tensor) -> Tensor:
    return tf.cast(tf.bitwise.right_shift(words, tf.constant(32, _L)), _U)


def _high(number: Tensor) -> Tensor:
    return _upper(tf.bitcast(number, _L))


def _low(number: Tensor) -> Tensor:
    return tf.cast(tf.bitcast(number, _L), _U)
