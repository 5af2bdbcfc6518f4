"""Normal weights with a given spectral radius."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, by_gate, check_square, folded


@dataclass(frozen=True)
class SpectralRadius(Initializer):
    """Normal weights whose *effective* matrix (mask and signs applied) has a given radius.

    With Dale's law the inhibitory weights are scaled so that excitation and inhibition balance in
    sum; otherwise one eigenvalue would sit far outside all others. `Balanced` does so unit by unit.

    Args:
        radius: largest absolute eigenvalue of the matrix.

    Raises:
        ValueError: if the synapses form no cycle: then every eigenvalue is 0 whatever the weights.

    Source: Jaeger (2001) GMD Report 148, for the radius; Song, Yang & Wang (2016) PLoS Comput Biol
        12:e1004792, for its use with Dale's law.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> w = SpectralRadius(0.9).sample(rng, np.ones((20, 20)), np.zeros(20))
        >>> round(float(np.abs(np.linalg.eigvals(w)).max()), 6)
        0.9
    """

    radius: float = 1.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", number("radius", self.radius, low=0.0))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        check_square("SpectralRadius", strength)
        return by_gate(lambda gate: self._matrix(rng, gate, sign), strength)

    def _matrix(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        if not has_cycle(strength != 0):
            raise ValueError(
                f"`radius` must be reachable, but the synapses form no cycle, so {self.radius:g} "
                "cannot be had. Allow more synapses or use initializers.Gaussian()."
            )
        weights = folded(rng.standard_normal(strength.shape), strength, sign)
        excitation, inhibition = weights[weights > 0].sum(), -weights[weights < 0].sum()
        if (sign != 0).any() and excitation > 0 and inhibition > 0:
            weights[:, sign < 0] *= excitation / inhibition
        radius = np.abs(np.linalg.eigvals(weights)).max()
        return weights * (self.radius / radius) + 0.0


def has_cycle(exists: np.ndarray) -> bool:
    """Return whether synapses (post, pre) lead from some unit back to itself.

    Units without sources are on no cycle; what stays when they are taken away, again and again, is.

    Example:
        >>> has_cycle(np.array([[0, 0], [1, 0]]) != 0), has_cycle(np.array([[0, 1], [1, 0]]) != 0)
        (False, True)
    """
    while len(exists):
        driven = exists.any(1)
        if driven.all():
            return True
        exists = exists[np.ix_(driven, driven)]
    return False
