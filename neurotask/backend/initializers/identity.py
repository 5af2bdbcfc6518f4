"""Each unit projects to itself alone."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, check_size, check_square, folded


@dataclass(frozen=True)
class Identity(Initializer):
    """A multiple of the identity: each unit keeps its own activity, all other synapses start at 0.

    Synapses that start at 0 learn as any other. This is PsychRNN's `AlphaIdentity(alpha)`.

    Args:
        scale: weight of each unit on itself; with types it takes the sign of the unit.

    Raises:
        ValueError: for a kernel that is not square or lacks autapses, or a negative scale for units
            with types.

    Source: Le, Jaitly & Hinton (2015) arXiv:1504.00941.

    Example:
        >>> Identity(0.5).sample(np.random.default_rng(0), np.ones((2, 2)), np.array([1, -1]))
        array([[ 0.5,  0. ],
               [ 0. , -0.5]])
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number("scale", self.scale))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        check_square("Identity", strength)
        check_size("scale", self.scale, sign)
        missing = np.argwhere(strength.diagonal(axis1=-2, axis2=-1) == 0)
        if len(missing):
            raise ValueError(
                f"`Identity` needs autapses, but {len(missing)} of {strength.shape[-1]} do not "
                f"exist, the first that of unit {missing[0][-1]}. Allow them (autapses=True and a "
                "mask with them) or use initializers.SpectralRadius()."
            )
        return folded(self.scale * np.eye(strength.shape[-1]), strength, sign)
