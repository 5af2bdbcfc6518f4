"""What an equation of a network may use, so that it is written once and runs in either engine.

Beside the operators `+ - * / @` and slices, which NumPy and TensorFlow share, an equation takes its
functions from an `Ops`: `NumPyOps` here, `TensorOps` in `tensors.py`.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from neurotask.backend.activations import Function, in_numpy


class Ops(Protocol):
    """The functions of an engine. Arrays are (..., unit) unless said otherwise."""

    def array(self, values: Any) -> Any:
        """Return values as an array of the engine, in the precision of the run."""

    def add(self, *terms: Any) -> Any:
        """Return the sum of arrays of one shape."""

    def concat(self, parts: Sequence[Any]) -> Any:
        """Return arrays side by side on the last axis."""

    def split(self, values: Any, n: int) -> Sequence[Any]:
        """Return `n` equal parts of the last axis."""
        ...

    def exp(self, values: Any) -> Any:
        """Return e to the power of the values."""

    def tanh(self, values: Any) -> Any:
        """Return the hyperbolic tangent."""

    def sigmoid(self, values: Any) -> Any:
        """Return 1 / (1 + exp(-values))."""

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        """Return `yes` where the condition holds, else `no`."""

    def product(self, values: Any, matrix: Any) -> Any:
        """Return the matrix product of values of any leading shape, (..., n) and (n, m)."""

    def synapses(self, weights: Any, name: str, sent: Any) -> Any:
        """Return what arrives of what is sent, (trial, pre), through the matrix of that name.

        Dynamics call it wherever activity meets plastic weights, since learning rules that cut
        credit at synapses, or keep a trace of what they saw, do it here.
        """

    def repeat(self, row: Any, n_trials: Any) -> Any:
        """Return a row (n,) for each trial, (trial, n)."""

    def transposed(self, kernel: Any) -> Any:
        """Return a kernel (post, pre) or (gate, post, pre) as a matrix (pre, gate * post)."""

    def function(self, activation: Any) -> Function:
        """Return a transfer function for arrays of the engine."""
        ...


class NumPyOps:
    """The functions for NumPy arrays.

    Args:
        dtype: precision of the run, "float32" or "float64".
    """

    def __init__(self, dtype: str = "float32"):
        self._dtype = dtype

    def array(self, values: Any) -> np.ndarray:
        return np.asarray(values, self._dtype)

    def arrays(self, group: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return values by name as arrays of the engine."""
        return {name: self.array(values) for name, values in group.items()}

    def add(self, *terms: Any) -> Any:
        return reduce(add, terms)

    def product(self, values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        return values @ matrix

    def synapses(self, weights: Any, name: str, sent: np.ndarray) -> np.ndarray:
        return sent @ weights[name]

    def repeat(self, row: Any, n_trials: int) -> np.ndarray:
        return np.broadcast_to(row, (n_trials, row.shape[-1]))

    def transposed(self, kernel: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)

    def concat(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts, -1)

    def split(self, values: np.ndarray, n: int) -> Sequence[np.ndarray]:
        return np.split(values, n, -1)

    def exp(self, values: np.ndarray) -> np.ndarray:
        return np.exp(values)

    def tanh(self, values: np.ndarray) -> np.ndarray:
        return np.tanh(values)

    def sigmoid(self, values: np.ndarray) -> np.ndarray:
        return expit(values)

    def where(self, condition: np.ndarray, yes: Any, no: Any) -> np.ndarray:
        return np.where(condition, yes, no)

    def function(self, activation: Any) -> Function:
        return in_numpy(activation)
