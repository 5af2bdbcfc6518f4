"""Normal weights, scaled by the number of sources."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, folded


@dataclass(frozen=True)
class Gaussian(Initializer):
    """Normal weights of variance gain² / fan-in, so that the input of a unit has variance gain².

    The fan-in of a unit counts the sources that it has. Units with types have |normal| weights of
    their sign: same mean square. The factors of a weighted mask come on top.

    Args:
        gain: standard deviation of a unit's input when its sources have variance 1.

    Source: LeCun, Bottou, Orr & Müller (1998) Efficient BackProp, section 4.6, for the scale;
        Sompolinsky, Crisanti & Sommers (1988) Phys. Rev. Lett. 61:259 for the gain.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> Gaussian().sample(rng, np.ones((2, 3)), np.zeros(3)).shape
        (2, 3)
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", number("gain", self.gain, low=0.0))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        fan_in = np.maximum((strength != 0).sum(-1, keepdims=True), 1)
        weights = folded(rng.standard_normal(strength.shape), strength, sign)
        return weights * self.gain / np.sqrt(fan_in) + 0.0
