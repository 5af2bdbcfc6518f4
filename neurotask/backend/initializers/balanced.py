"""Excitation and inhibition in exact balance, unit by unit."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, folded


@dataclass(frozen=True)
class Balanced(Initializer):
    """Weights of units with types: the inhibition of each unit equals its excitation.

    The types give the weights a mean, and a mean puts eigenvalues far outside the disk that the
    others fill. They return into it where the weights that each unit receives sum to 0, and a
    unit's input is then the same at every level of common activity. The weights are |normal|, so
    that the disk of a large, full kernel has the radius gain · sqrt(1 - 2/π) ≈ 0.6 gain.

    Args:
        gain: standard deviation of a unit's input when its sources are independent with variance
            1; exact for every unit: its squared weights sum to gain².

    Raises:
        ValueError: for units without types, or a unit that has sources of one type alone.

    Source: Rajan & Abbott (2006) Phys. Rev. Lett. 97:188104.

    Example:
        >>> w = Balanced().sample(np.random.default_rng(0), np.ones((3, 3)), np.array([1, 1, -1]))
        >>> bool(np.allclose(w.sum(1), 0)), (w**2).sum(1).round(6).tolist()
        (True, [1.0, 1.0, 1.0])
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", number("gain", self.gain, low=0.0))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        _check_sources(strength, sign)
        weights = folded(rng.standard_normal(strength.shape), strength, sign)
        excitation = weights[..., sign > 0].sum(-1, keepdims=True)
        inhibition = -weights[..., sign < 0].sum(-1, keepdims=True)
        weights[..., sign < 0] *= excitation / np.where(inhibition == 0, 1.0, inhibition)
        size = np.sqrt((weights**2).sum(-1, keepdims=True))
        return self.gain * weights / np.where(size == 0, 1.0, size) + 0.0


def _check_sources(strength: np.ndarray, sign: np.ndarray) -> None:
    if (sign == 0).any() or len(np.unique(sign)) < 2:
        raise ValueError(
            "`Balanced` needs sources of both types, excitatory and inhibitory. Give types to the "
            "units, as in Units(50, excitatory=0.8), or use initializers.Gaussian()."
        )
    excited, inhibited = ((strength[..., sign == one] != 0).any(-1) for one in (1, -1))
    unbalanced = np.argwhere(excited != inhibited)
    if len(unbalanced):
        unit = unbalanced[0]
        only = "excitatory" if excited[tuple(unit)] else "inhibitory"
        raise ValueError(
            "`Balanced` needs excitatory and inhibitory sources for each unit that has any, but "
            f"unit {unit[-1]} has {only} ones only (one of {len(unbalanced)} such). Allow more "
            "synapses or use initializers.Gaussian()."
        )
