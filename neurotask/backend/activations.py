"""Transfer functions: names of Keras activations, or functions registered with Keras.

Here is what each name means, in NumPy, so that a network can be simulated without TensorFlow. The
names are Keras', and a test compares every one with Keras.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf, expit, log_expit

from neurotask._checks import nearest
from neurotask.backend.functions import registered

Function = Callable[[Any], Any]


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


NUMPY: dict[str, Function] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * _elu(x)),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "sigmoid": expit,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "log_sigmoid": log_expit,
    "exponential": np.exp,
    "silu": lambda x: x * expit(x),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "squareplus": lambda x: 0.5 * (x + np.sqrt(x**2 + 4)),
}
OTHER_NAMES = {"swish": "silu"}


def named(name: str, activation: Any) -> str:
    """Return the name of a transfer function, of Keras or one registered with it, else raise.

    Args:
        name: what the setting is called.
        activation: a name, or a registered function.
    """
    if isinstance(activation, str) and OTHER_NAMES.get(activation, activation) in NUMPY:
        return activation
    if callable(activation) or (isinstance(activation, str) and ">" in activation):
        import keras

        return keras.saving.get_registered_name(registered(name, activation))
    if not isinstance(activation, str) or not _keras_knows(activation):
        raise ValueError(
            f'`{name}` must be the name of a Keras activation such as "relu", "tanh" or '
            f'"softplus", or a registered function, got {activation!r}.{nearest(activation, NUMPY)}'
        )
    return activation


def in_keras(activation: str) -> Function:
    """Return the transfer function of a name for tensors."""
    import keras

    return (
        registered("activation", activation)
        if ">" in activation
        else keras.activations.get(activation)
    )


def in_numpy(activation: str) -> Function:
    """Return the transfer function of a name for arrays; one that only Keras has loads it."""
    known = NUMPY.get(OTHER_NAMES.get(activation, activation))
    if known is not None:
        return known
    import keras

    function = in_keras(activation)
    return lambda x: keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x)))


def _keras_knows(name: str) -> bool:
    import keras

    try:
        return callable(keras.activations.get(name))
    except ValueError:
        return False
