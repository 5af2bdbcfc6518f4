"""The functions that an equation of a network uses, for TensorFlow; see `arrays.py`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.activations import Function, in_keras


def derivatives(tape: tf.GradientTape, of: Any, by: Any, times: Any = None) -> Any:
    """Return the derivatives of sum(times * of) by each of a nest; 0 where there is no way to it.

    Args:
        tape: it has seen how `of` came about.
        of: a tensor, or a list of them.
        by: a nest of tensors and variables.
        times: of the shape of `of`; None: ones.
    """
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(of, by, output_gradients=times, unconnected_gradients=zero)


def shared(array: np.ndarray) -> Tensor:
    """Return an array as a tensor, of the same memory where it can be: nobody may change it.

    That is on a processor, of arrays that `memory.aligned` made.
    """
    if array.dtype != np.float32 or tf.config.list_physical_devices("GPU"):
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


class TensorOps:
    """The functions for tensors.

    Args:
        dtype: precision of the run, "float32" or "float64".
    """

    def __init__(self, dtype: str):
        self._dtype = dtype

    def array(self, values: Any) -> Tensor:
        if tf.is_tensor(values):
            return tf.cast(values, self._dtype)
        return tf.convert_to_tensor(np.asarray(values, self._dtype))

    def add(self, *terms: Tensor) -> Tensor:
        # add_n broadcasts nothing: the gradient of a broadcast costs several operations a step.
        return terms[0] if len(terms) == 1 else tf.add_n(terms)

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        return tf.concat(parts, -1)

    def split(self, values: Tensor, n: int) -> Sequence[Tensor]:
        return tf.split(values, n, -1)

    def product(self, values: Tensor, matrix: Tensor) -> Tensor:
        # As one matrix product; the gradient of einsum transposes the rates of all steps.
        return tf.tensordot(values, matrix, 1)

    def synapses(self, weights: Any, name: str, sent: Tensor) -> Tensor:
        # Steps of whole trials at once are one matrix product, not one a step.
        if sent.shape.rank > 2:
            return self.product(sent, weights[name])
        return sent @ weights[name]

    def repeat(self, row: Tensor, n_trials: Tensor) -> Tensor:
        return tf.broadcast_to(row, (n_trials, row.shape[-1]))

    def transposed(self, kernel: Tensor) -> Tensor:
        # For matrices of this size a transposition is ten times what it costs inside of einsum.
        return tf.einsum("ij->ji", tf.reshape(kernel, (-1, kernel.shape[-1])))

    def function(self, activation: Any) -> Function:
        return in_keras(activation)

    def exp(self, values: Tensor) -> Tensor:
        return tf.exp(values)

    def tanh(self, values: Tensor) -> Tensor:
        return tf.tanh(values)

    def sigmoid(self, values: Tensor) -> Tensor:
        return tf.sigmoid(values)

    def where(self, condition: Tensor, yes: Any, no: Any) -> Tensor:
        return tf.where(condition, yes, no)


def trial_first(values: Tensor) -> Tensor:
    """Return (time, ..., trial, n) as (..., trial, time, n)."""
    rank = values.shape.rank
    return tf.transpose(values, (*range(1, rank - 1), 0, rank - 1))


def time_first(values: Tensor) -> Tensor:
    """Return (..., trial, time, n) as (time, ..., trial, n)."""
    rank = values.shape.rank
    return tf.transpose(values, (rank - 2, *range(rank - 2), rank - 1))
