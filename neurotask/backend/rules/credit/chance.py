"""Random numbers of a rule's own: functions of update and step, kept in no state."""

from collections.abc import Callable
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
    uniform = _drawn(tf.random.stateless_uniform, moment, n, use, tf.float32)
    one = next(iter(moment.before.values()))
    return tf.where(uniform < 0.5, tf.constant(-1.0, one.dtype), tf.constant(1.0, one.dtype))


def normals(moment: Moment, n: int, use: int = 0) -> Tensor:
    """Return standard normals, (..., trial, n); see `signs`."""
    one = next(iter(moment.before.values()))
    return _drawn(tf.random.stateless_normal, moment, n, use, one.dtype)


def _drawn(draw: Callable[..., Any], moment: Moment, n: int, use: int, dtype: Any) -> Tensor:
    if moment.random is None:
        raise ValueError(
            "`noise` must name the random numbers of an update for a rule that draws some, got "
            "None. Give a batch with two whole numbers, as `fit` does."
        )
    one = next(iter(moment.before.values()))
    keys = moment.random + tf.constant([use, 0], tf.int64)
    # philox by name: another algorithm is picked under XLA otherwise, with other numbers.
    settings = {"shape": (tf.shape(one)[-2], n), "dtype": dtype, "alg": "philox"}
    if keys.shape.rank == 1:
        drawn = draw(seed=keys, **settings)
    else:  # of several networks
        drawn = tf.stack([draw(seed=key, **settings) for key in tf.unstack(keys)])
    return tf.ensure_shape(drawn, [*one.shape[:-1], n])
