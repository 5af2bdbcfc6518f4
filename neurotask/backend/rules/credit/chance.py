"""Random numbers of a rule's own: functions of update and step, kept in no state.

They are made from whole numbers, which are the same in TensorFlow's graph and under XLA; fractions
that TensorFlow draws itself are not.
"""

import math
from typing import Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.rules.credit.base import Moment


def signs(moment: Moment, n: int, use: int = 0) -> Tensor:
    """Return -1 or 1 with equal chances, (..., trial, n), of the precision of the state.

    Args:
        moment: the step.
        n: how many for each trial.
        use: which of several draws in a step.

    Raises:
        ValueError: where the update names no random numbers.
    """
    bits = _bits(moment, n, use)
    one = tf.ones_like(bits, _precision(moment))
    return tf.where(bits < 0, -one, one)


def normals(moment: Moment, n: int, use: int = 0) -> Tensor:
    """Return standard normals, (..., trial, n); see `signs`.

    Source: Box & Muller (1958) Ann Math Stat 29:610.
    """
    bits = tf.bitwise.right_shift(_bits(moment, 2 * n, use), 9)  # 23 bits, which single holds
    uniform = (tf.cast(bits, _precision(moment)) + 0.5) / 2.0**23 + 0.5
    radius, angle = tf.split(uniform, 2, -1)
    return tf.sqrt(-2.0 * tf.math.log(radius)) * tf.cos(2.0 * math.pi * angle)


def _precision(moment: Moment) -> tf.DType:
    return next(iter(moment.before.values())).dtype


def _bits(moment: Moment, n: int, use: int) -> Tensor:
    """Return whole numbers of 32 bits, of both signs, (..., trial, n)."""
    if moment.random is None:
        raise ValueError(
            "`noise` must name the random numbers of an update for a rule that draws some, got "
            "None. Give a batch with two whole numbers, as `fit` does."
        )
    one = next(iter(moment.before.values()))
    keys = moment.random + tf.constant([use, 0], tf.int64)
    # philox by name: another algorithm is picked under XLA otherwise, with other numbers.
    settings: dict[str, Any] = {
        "shape": (tf.shape(one)[-2], n), "minval": None, "maxval": None, "dtype": tf.int32,
        "alg": "philox",
    }  # fmt: skip
    draw = tf.random.stateless_uniform
    if keys.shape.rank == 1:
        bits = draw(seed=keys, **settings)
    else:  # a key for each network
        bits = tf.stack([draw(seed=key, **settings) for key in tf.unstack(keys)])
    return tf.ensure_shape(bits, [*one.shape[:-1], n])
