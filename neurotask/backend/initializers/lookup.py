"""From what users write to an initializer."""

import re
import sys
from typing import Any

import numpy as np

from neurotask._checks import choose
from neurotask.backend.initializers import from_keras
from neurotask.backend.initializers.balanced import Balanced
from neurotask.backend.initializers.base import Initializer
from neurotask.backend.initializers.constant import Constant
from neurotask.backend.initializers.gaussian import Gaussian
from neurotask.backend.initializers.given import Given
from neurotask.backend.initializers.identity import Identity
from neurotask.backend.initializers.orthogonal import Orthogonal
from neurotask.backend.initializers.spectral_radius import SpectralRadius

_OWN = {
    "balanced": Balanced(),
    "constant": Constant(),
    "gaussian": Gaussian(),
    "identity": Identity(),
    "orthogonal": Orthogonal(),
    "spectral_radius": SpectralRadius(),
    "zeros": Constant(0.0),
}


def get(value: Any) -> Initializer | None:
    """Return the initializer that a value stands for.

    Args:
        value: an Initializer or None, which stay as they are; a name; an initializer object of
            Keras; or an array (post, pre) or (gate, post, pre) of weights. Of names that Keras has
            too ("constant", "identity", "orthogonal", "zeros"), ours are meant, which know masks
            and signs; `Keras(name)` is Keras' own. Keras loads only where it is needed.

    Raises:
        TypeError: for anything else.
        ValueError: for a name that nobody has, or an array that is none of weights.

    Example:
        >>> get("gaussian"), get("Zeros"), get([[0.0, 1.0]])
        (Gaussian(gain=1.0), Constant(value=0.0), Given(values=((0.0, 1.0),)))
    """
    if value is None or isinstance(value, Initializer):
        return value
    if isinstance(value, str):
        return _named(value)
    if isinstance(value, (list, tuple)) or (
        hasattr(value, "__array__") and not isinstance(value, (type, np.generic))
    ):
        return Given(value)
    keras = sys.modules.get("keras")  # an object of Keras comes from a Keras that is loaded
    if keras is not None and isinstance(value, keras.initializers.Initializer):
        return from_keras.of(value)
    raise TypeError(
        "`initializer` must be an Initializer, the name of one, an initializer of Keras, an array "
        f"(post, pre) of weights or None, got {value!r}. See neurotask.backend.initializers."
    )


def _named(name: str) -> Initializer:
    own = _OWN.get(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if own is not None:
        return own
    if from_keras.find(name) is None:
        choose("initializer", name, sorted({*_OWN, *from_keras.names()}))
    return from_keras.Keras(name)
