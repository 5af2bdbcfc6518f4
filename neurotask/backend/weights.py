"""The one place where raw weights become effective weights.

Raw weights are what an optimizer moves, effective weights what the network computes with, so that
every model and every learning rule obeys the same constraints:

    effective = where(plastic, strength * signed(raw), constant)
    signed(raw) = sign * |raw|                   law "magnitude"   (sign 0: raw itself)
    signed(raw) = raw where raw * sign >= 0, else 0     "projection"

Absent synapses are the constant 0 and frozen ones the constant they started from. A form that masks
gradients instead does not hold: momentum, weight decay and averaging move what it should keep.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor


class ConstrainedWeights(keras.layers.Layer):
    """Raw weights and what constrains them; the weights of several networks too, stacked in front.

    Args:
        name: name of the kernel.
        raw: what is learned, (..., post, pre); 0 where nothing may learn.
        sign: sign of each presynaptic unit, 1, -1, or 0 for any, (pre,) or (..., 1, pre).
        strength: factor of each weight, (..., post, pre); 0 where there is no synapse.
        plastic: which synapses may learn, boolean, of the shape of `strength`.
        constant: weights of those that may not, (..., post, pre).
        law: how signs are kept, "magnitude" or "projection".
        axes: names of the axes of `raw`, for messages.
        dtype: "float32" or "float64".

    Attributes: the first five, as variables; `raw` is trainable where some synapse may learn.
    """

    def __init__(
        self,
        name: str,
        *,
        raw: np.ndarray,
        sign: np.ndarray,
        strength: np.ndarray,
        plastic: np.ndarray,
        constant: np.ndarray,
        law: str,
        axes: Sequence[str],
        dtype: str,
    ):
        super().__init__(name=name, dtype=dtype)
        self.law, self._axes = law, f"({', '.join(axes)})"
        # What a compiled step need not compute.
        self._signed = bool((np.broadcast_to(sign, plastic.shape)[plastic] != 0).any())
        self._all_signed = bool((sign != 0).all())
        self._weighted = bool((strength[plastic] != 1).any())
        self._constrained = not plastic.all()
        # A variable that nothing can learn in would only lend its norm to an optimizer.
        self.raw = self._variable("raw", raw, trainable=bool(plastic.any()))
        self.sign = self._variable("sign", sign)
        self.strength = self._variable("strength", strength)
        self.plastic = self._variable("plastic", plastic, dtype="bool")
        self.constant = self._variable("constant", constant)
        self.built = True

    @property
    def exists(self) -> Tensor:
        """Where synapses are, boolean, of the shape of `strength`."""
        return tf.not_equal(self.strength, 0)

    def effective(self) -> Tensor:
        """Return the weights that the network computes with, (..., post, pre)."""
        weights = self._with_signs(tf.convert_to_tensor(self.raw))
        if self._weighted:
            weights = weights * self.strength
        if self._constrained:
            weights = tf.where(self.plastic, weights, self.constant)
        return weights

    def assign(self, weights: Any) -> None:
        """Take effective weights: signs are clipped to 0, what may not learn stays as it is.

        Args:
            weights: (..., post, pre), in the kernel's orientation; a tensor in a compiled step.

        Raises:
            ValueError: for another shape, or numbers that are not finite. A compiled step checks
                the shape alone.
        """
        weights = self._checked(weights)
        if self._weighted:
            weights = tf.math.divide_no_nan(weights, self.strength)
        if self._signed:
            weights = self._clipped(weights)
            if self.law == "magnitude":
                weights = tf.where(tf.equal(self.sign, 0), weights, tf.abs(weights))
        if self._constrained:
            weights = tf.where(self.plastic, weights, tf.zeros_like(weights))
        self.raw.assign(weights)

    def project(self) -> None:
        """Set to 0 what an update has carried across zero, under the law "projection"."""
        if self.law == "projection" and self._signed:
            self.raw.assign(self._clipped(tf.convert_to_tensor(self.raw)))

    def _with_signs(self, raw: Tensor) -> Tensor:
        if not self._signed:
            return raw
        if self.law == "projection":
            return self._clipped(raw)
        # where(raw >= 0, raw, -raw) rather than abs: its gradient at 0 is 1, not 0, so that a
        # synapse that starts at 0 can learn.
        signed = tf.where(raw >= 0, raw, -raw) * self.sign
        return signed if self._all_signed else tf.where(tf.equal(self.sign, 0), raw, signed)

    def _clipped(self, weights: Tensor) -> Tensor:
        """Return weights with 0 where they contradict the sign; NaN stays NaN."""
        return tf.where(weights * self.sign < 0, tf.zeros_like(weights), weights)

    def _checked(self, weights: Any) -> Tensor:
        """Return effective weights as a tensor, else raise."""
        if isinstance(weights, keras.Variable) or tf.is_tensor(weights):
            weights = tf.convert_to_tensor(weights)
        else:
            weights = np.asarray(weights)
        shape = tf.TensorShape(self.raw.shape)
        if not shape.is_compatible_with(weights.shape):
            raise ValueError(
                f"`{self.name}` weights must have the shape {self._axes} = {tuple(shape)}, got "
                f"{tuple(weights.shape)}."
            )
        weights = tf.cast(weights, self.dtype)
        if not tf.is_symbolic_tensor(weights):
            wrong = ~np.isfinite(weights.numpy())
            if wrong.any():
                at = tuple(np.argwhere(wrong)[0].tolist())
                raise ValueError(
                    f"`{self.name}` weights must be finite numbers, got {weights.numpy()[at]} at "
                    f"{at}."
                )
        return weights

    def _variable(
        self, name: str, value: np.ndarray, trainable: bool = False, dtype: str | None = None
    ) -> Any:
        variable = self.add_weight(
            value.shape, initializer="zeros", name=name, trainable=trainable, dtype=dtype
        )
        variable.assign(value)
        return variable
