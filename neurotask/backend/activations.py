"""Transfer functions: names of Keras activations, or functions registered with Keras.

Here is what each name means, in NumPy, so that a network can be simulated without TensorFlow. The
names are Keras', and a test compares every one with Keras.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf, expit, log_expit

from neurotask._checks import nearest

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


def check(name: str, activation: Any) -> None:
    """Raise unless a transfer function has a name that Keras knows, or is registered with it."""
    if isinstance(activation, str) and OTHER_NAMES.get(activation, activation) in NUMPY:
        return
    import keras

    if callable(activation):
        check_registered(
            name, activation, "the name of a Keras activation or a registered function"
        )
        return
    try:
        known = isinstance(activation, str) and callable(keras.activations.get(activation))
    except ValueError:
        known = False
    if not known:
        raise ValueError(
            f'`{name}` must be the name of a Keras activation such as "relu", "tanh" or '
            f'"softplus", got {activation!r}.{nearest(activation, NUMPY)}'
        )


def check_registered(name: str, function: Any, wanted: str) -> None:
    """Raise unless a function is registered with Keras, so that a file can hold its name."""
    import keras

    if keras.saving.get_registered_name(function) == getattr(function, "__name__", ""):
        raise ValueError(
            f"`{name}` must be {wanted}, got {function!r}, which would save and not load. Put "
            "@keras.saving.register_keras_serializable() above the function."
        )


def in_numpy(activation: Any) -> Function:
    """Return a transfer function for NumPy arrays; one that only Keras knows loads TensorFlow."""
    known = (
        NUMPY.get(OTHER_NAMES.get(activation, activation)) if isinstance(activation, str) else None
    )
    if known is not None:
        return known
    import keras

    function = keras.activations.get(activation)
    return lambda x: np.asarray(
        keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x)))
    )
