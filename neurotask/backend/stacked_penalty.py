"""Penalties of several networks: each is asked of one network at a time."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import keras
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.regularizers import Regularizer
from neurotask.backend.rules.base import Batch


class StackedPenalty:
    """A penalty of several networks, (network,).

    Penalties are written for one network, some of them by users, and reduce over all they see. So
    each network is shown to them as if it were alone.

    Args:
        penalty: the penalty.

    Attributes:
        of: name of the kernel that is penalised, or None.
    """

    def __init__(self, penalty: Regularizer):
        self._penalty, self.of = penalty, penalty.of

    def __call__(self, model: Any, batch: Batch, states: State) -> Tensor:
        """Return the penalty of each network; the arguments are those of `Regularizer`."""
        weights = model.effective()
        values = []
        for at in range(model.networks):
            own = Batch(*(getattr(batch, field.name)[at] for field in fields(batch)))
            seen = {name: array[:, at] for name, array in states.items()}
            values.append(self._penalty(One(model, at, weights), own, seen))  # pyright: ignore
        return tf.stack(values)

    def __repr__(self) -> str:
        return repr(self._penalty)


class One:
    """One of several networks, as a penalty sees a model.

    Args:
        model: the stacked networks.
        at: which of them.
        weights: effective weights of all by kernel.
    """

    def __init__(self, model: Any, at: int, weights: Mapping[str, Tensor]):
        self._model, self._at = model, at
        self.kernels = {
            name: OneKernel(kernel, at, weights[name]) for name, kernel in model.kernels.items()
        }

    def effective(self) -> dict[str, Tensor]:
        """Return the effective weights by kernel."""
        return {name: kernel.effective() for name, kernel in self.kernels.items()}

    def vectors(self) -> dict[str, Tensor]:
        """Return the parameters that are no synapses, by name."""
        return {name: values[self._at, 0] for name, values in self._model.vectors().items()}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._model, name)
        # A vector (network, 1, n); all else is the same for all networks.
        is_vector = isinstance(value, keras.Variable) and len(value.shape) == 3
        return value[self._at, 0] if is_vector else value


class OneKernel:
    """The weights of one kernel of one of several networks.

    Args:
        kernel: the stacked weights.
        at: which network.
        weights: effective weights of all.
    """

    def __init__(self, kernel: Any, at: int, weights: Tensor):
        self._kernel, self._at, self._weights = kernel, at, weights

    def effective(self) -> Tensor:
        """Return the weights that the network computes with, (..., post, pre)."""
        return self._weights[self._at]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._kernel, name)
        stacked = isinstance(value, keras.Variable) or tf.is_tensor(value)
        return value[self._at] if stacked else value
