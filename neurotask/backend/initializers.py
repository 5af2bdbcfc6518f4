"""How synapses start: values for the synapses that exist, with the signs that they must have."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.settings import Setting


class Initializer(Setting, ABC):
    """Draws the effective weights that a kernel starts from."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, exists: np.ndarray, sign: np.ndarray) -> np.ndarray:
        """Return weights of shape (post, pre).

        Args:
            rng: generator of the draw.
            exists: where a synapse is, boolean (post, pre).
            sign: sign of each presynaptic unit, (pre,): 1, -1, or 0 for any.
        """


@dataclass(frozen=True)
class Gaussian(Initializer):
    """Normal weights of variance gain² / fan-in, so that the input of a unit has variance gain².

    Args:
        gain: standard deviation of a unit's input when its sources have variance 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> Gaussian().sample(rng, np.ones((2, 3), bool), np.zeros(3)).shape
        (2, 3)
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        number("gain", self.gain, low=0.0)

    def sample(self, rng: np.random.Generator, exists: np.ndarray, sign: np.ndarray) -> np.ndarray:
        fan_in = np.maximum(exists.sum(1, keepdims=True), 1)
        return signed_draw(rng, exists, sign) * self.gain / np.sqrt(fan_in)


@dataclass(frozen=True)
class SpectralRadius(Initializer):
    """Normal weights whose *effective* matrix (mask and signs applied) has a given radius.

    With Dale's law the inhibitory weights are scaled so that a unit's excitation and inhibition
    balance on average; otherwise one eigenvalue would sit far outside all others.

    Args:
        radius: largest absolute eigenvalue of the matrix.

    Raises:
        ValueError: if the synapses form no cycle: then every eigenvalue is 0 whatever the weights.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> w = SpectralRadius(0.9).sample(rng, np.ones((20, 20), bool), np.zeros(20))
        >>> round(float(np.abs(np.linalg.eigvals(w)).max()), 6)
        0.9
    """

    radius: float = 1.1

    def __post_init__(self) -> None:
        number("radius", self.radius, low=0.0)

    def sample(self, rng: np.random.Generator, exists: np.ndarray, sign: np.ndarray) -> np.ndarray:
        weights = signed_draw(rng, exists, sign)
        excitation, inhibition = weights[weights > 0].sum(), -weights[weights < 0].sum()
        if (sign != 0).any() and excitation > 0 and inhibition > 0:
            weights[:, sign < 0] *= excitation / inhibition
        radius = np.abs(np.linalg.eigvals(weights)).max()
        # An acyclic matrix is nilpotent; rounding leaves eigenvalues far below any real radius.
        if radius < 1e-3 * np.abs(weights).max(initial=0.0) or radius == 0:
            raise ValueError(
                f"`radius` must be reachable, but the synapses form no cycle, so {self.radius:g} "
                "cannot be had. Allow more synapses or use initializers.Gaussian()."
            )
        return weights * (self.radius / radius)


def signed_draw(rng: np.random.Generator, exists: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Return standard normal weights where synapses exist, folded to the sign of the source."""
    draw = rng.standard_normal(exists.shape) * exists
    # + 0.0 turns the -0.0 of absent inhibitory synapses into 0.0.
    return np.where(sign == 0, draw, np.abs(draw) * sign) + 0.0
