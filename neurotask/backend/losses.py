"""What training minimises. Each loss averages over the entries that count."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from neurotask._checks import choose
from neurotask.backend._types import Tensor

Loss = Callable[[Any, Any, Any], Any]


def mean_squared_error(targets: Tensor, outputs: Tensor, mask: Tensor) -> Tensor:
    """Return the squared error per entry that counts.

    Neither padding nor a longer trial changes it, since it is a mean over weights, not entries.

    Args:
        targets: what is wanted, (trial, time, output).
        outputs: what came, of the same shape.
        mask: weight of each entry, of the same shape.
    """
    # L = sum(m (z - y)^2) / sum(m)
    return tf.reduce_sum(mask * (outputs - targets) ** 2) / tf.reduce_sum(mask)


LOSSES: dict[str, Loss] = {"mean_squared_error": mean_squared_error}


def get(name: str) -> Loss:
    """Return a loss by its name."""
    return LOSSES[choose("loss", name, LOSSES)]
