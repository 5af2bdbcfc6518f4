"""The functions that an equation of a network uses, for several networks on an axis in front."""

from typing import Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.tensors import TensorOps


class StackedOps(TensorOps):
    """The functions for tensors of several networks: `TensorOps`, each network by its own weights.

    Activity is (..., network, trial, n), a matrix (network, n, m), a vector (network, 1, n), so
    that equations broadcast over trials as those of one network do.

    Args:
        dtype: precision of the run, "float32" or "float64".
        networks: how many there are.
    """

    def __init__(self, dtype: str, networks: int):
        super().__init__(dtype)
        self._networks = networks

    def product(self, values: Tensor, matrix: Tensor) -> Tensor:
        if values.shape.rank == 3:
            return values @ matrix
        # Of whole trials, (time, network, trial, n). Time goes among the trials: the gradient of a
        # matrix that is used at each step would be held once for each.
        by_network = tf.transpose(values, (1, 0, 2, 3))
        steps, trials = tf.shape(values)[0], tf.shape(values)[2]
        flat = tf.reshape(by_network, (self._networks, steps * trials, values.shape[-1])) @ matrix
        parted = tf.reshape(flat, (self._networks, steps, trials, matrix.shape[-1]))
        return tf.transpose(parted, (1, 0, 2, 3))

    def synapses(self, weights: Any, name: str, sent: Tensor) -> Tensor:
        return self.product(sent, weights[name])

    def repeat(self, row: Tensor, n_trials: Tensor) -> Tensor:
        return tf.broadcast_to(row, (self._networks, n_trials, row.shape[-1]))

    def transposed(self, kernel: Tensor) -> Tensor:
        rows = tf.reshape(kernel, (self._networks, -1, kernel.shape[-1]))
        return tf.linalg.matrix_transpose(rows)
