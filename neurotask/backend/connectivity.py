"""Which synapses exist, which may learn, how they start, and which sign they must have.

This is the one place where raw weights (what an optimizer moves) become effective weights (what the
network computes with), so that every model and every learning rule obeys the same constraints:

    effective = where(plastic, sign · |raw|, constant)        (sign 0: raw itself)

Absent synapses are the constant 0 and frozen ones the constant they started from. A form that masks
gradients instead does not hold: momentum, weight decay and averaging move what it should keep.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import number
from neurotask._streams import Stream, generator
from neurotask.backend._types import Tensor
from neurotask.backend.initializers import Initializer
from neurotask.backend.settings import Setting
from neurotask.distributions import plain


@dataclass(frozen=True)
class Connectivity(Setting):
    """The synapses of one kernel, (postsynaptic, presynaptic).

    Args:
        mask: where synapses may exist, array (post, pre) of 0 and 1; None: everywhere.
        density: share of the allowed synapses that exist, in (0, 1]: each unit receives that share
            of its sources, drawn by the model's seed.
        autapses: whether units of the recurrent kernel may project to themselves.
        frozen: which synapses keep the value they start with, array (post, pre); None: none.
        initializer: how they start; None: the kernel's own default.

    Raises:
        ValueError: for values out of range; shapes are checked when a model is made.

    Example:
        >>> Connectivity(autapses=False, density=0.1)
        Connectivity(mask=None, density=0.1, autapses=False, frozen=None, initializer=None)
    """

    mask: Any = None
    density: float = 1.0
    autapses: bool = True
    frozen: Any = None
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        number("density", self.density, low=0.0, high=1.0, above=True)
        if not isinstance(self.autapses, bool):
            raise ValueError(f"`autapses` must be True or False, got {self.autapses!r}.")
        for name in ("mask", "frozen"):
            object.__setattr__(self, name, _boolean(name, getattr(self, name)))
        if not isinstance(self.initializer, Initializer | None):
            raise TypeError(
                f"`initializer` must be an Initializer or None, got {self.initializer!r}. "
                "See neurotask.backend.initializers."
            )

    def existing(self, kernel: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Return where synapses exist, boolean (post, pre)."""
        allowed = self._array(kernel, "mask", shape, default=True)
        if not self.autapses:
            allowed = allowed & ~np.eye(*shape, dtype=bool)
        if self.density == 1:
            return allowed
        # Each row keeps its highest-ranked sources; the ranks of forbidden ones come last.
        order = np.where(allowed, rng.random(shape), 2.0).argsort(1).argsort(1)
        return order < np.rint(self.density * allowed.sum(1, keepdims=True))

    def learning(self, kernel: str, exists: np.ndarray) -> np.ndarray:
        """Return which synapses may learn, boolean (post, pre)."""
        return exists & ~self._array(kernel, "frozen", exists.shape, default=False)

    def _array(self, kernel: str, name: str, shape: tuple[int, ...], default: bool) -> np.ndarray:
        value = getattr(self, name)
        if value is None:
            return np.full(shape, default)
        if np.shape(value) != shape:
            raise ValueError(
                f"`{kernel}.{name}` must have the shape (post, pre) = {shape}, "
                f"got {np.shape(value)}."
            )
        return np.array(value)


class Kernel(keras.layers.Layer):
    """The synapses of a built model: raw weights, and the map to effective ones and back.

    Args:
        kernel: its name: "input", "recurrent" or "output".
        connectivity: which synapses there are.
        sign: sign of each presynaptic unit, (pre,): 1, -1, or 0 for any.
        shape: (post, pre).
        default: initializer where the connectivity names none.
        seed: seed of the model.
        index: place of the kernel among the model's, so that each has draws of its own.
        dtype: "float32" or "float64".
    """

    def __init__(
        self,
        kernel: str,
        connectivity: Connectivity,
        sign: np.ndarray,
        shape: tuple[int, int],
        default: Initializer,
        seed: int,
        index: int,
        dtype: str,
    ):
        super().__init__(name=kernel, dtype=dtype)
        exists = connectivity.existing(kernel, shape, generator(seed, Stream.MASKS, index))
        plastic = connectivity.learning(kernel, exists)
        initializer = connectivity.initializer or default
        start = initializer.sample(generator(seed, Stream.WEIGHTS, index), exists, sign)
        raw = np.where(sign == 0, start, np.abs(start))
        self._signed, self._constrained = bool((sign != 0).any()), not plastic.all()
        self.raw = self._variable("raw", raw, trainable=True)
        self.sign = self._variable("sign", sign)
        self.exists = self._variable("exists", exists, dtype="bool")
        self.plastic = self._variable("plastic", plastic, dtype="bool")
        self.constant = self._variable("constant", np.where(plastic, 0.0, start * exists))
        self.built = True

    def effective(self) -> Tensor:
        """Return the weights that the network computes with, (post, pre)."""
        weights = tf.convert_to_tensor(self.raw)
        if self._signed:
            # where(raw >= 0, raw, -raw) rather than abs: its gradient at 0 is 1, not 0, so that a
            # synapse that starts at 0 can learn.
            size = tf.where(weights >= 0, weights, -weights)
            weights = tf.where(tf.equal(self.sign, 0), weights, size * self.sign)
        if self._constrained:
            weights = tf.where(self.plastic, weights, self.constant)
        return weights

    def assign(self, weights: Any) -> None:
        """Take effective weights: signs are clipped to 0, what may not learn stays as it is."""
        weights = tf.cast(weights, self.dtype)
        size = tf.maximum(weights * self.sign, 0)
        self.raw.assign(tf.where(tf.equal(self.sign, 0), weights, size))

    def _variable(
        self, name: str, value: np.ndarray, trainable: bool = False, dtype: str | None = None
    ) -> Any:
        variable = self.add_weight(
            value.shape, initializer="zeros", name=name, trainable=trainable, dtype=dtype
        )
        variable.assign(value)
        return variable


def _boolean(name: str, value: Any) -> Any:
    if value is None:
        return None
    array = np.asarray(value)
    if array.ndim != 2 or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"`{name}` must be an array (post, pre) of 0 and 1, got {array.dtype} of shape "
            f"{array.shape}."
        )
    return plain(array.astype(bool))
