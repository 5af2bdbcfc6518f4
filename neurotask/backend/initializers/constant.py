"""One value for all synapses."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, check_size, folded


@dataclass(frozen=True)
class Constant(Initializer):
    """One value wherever a synapse is. Synapses that start at 0 exist, and learn as any other.

    Args:
        value: weight of each synapse, times the factor of its mask; with types, its size.

    Raises:
        ValueError: for a negative value for units with types.

    Example:
        >>> Constant(0.5).sample(np.random.default_rng(0), np.ones((1, 3)), np.array([1, -1, 0]))
        array([[ 0.5, -0.5,  0.5]])
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number("value", self.value))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        check_size("value", self.value, sign)
        return folded(np.full(strength.shape, self.value), strength, sign)
