"""Rotations."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.backend.initializers.base import Initializer, by_gate


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random rotation times a gain: it keeps lengths, so that gradients neither grow nor fade.

    All rotations are alike likely. Where a kernel is not square its rows, or its columns if they
    are fewer, are orthonormal.

    Args:
        gain: length of the image of a vector of length 1.

    Raises:
        ValueError: for kernels with absent or weighted synapses or with signs: what they leave of a
            rotation is none.

    Source: Saxe, McClelland & Ganguli (2013) arXiv:1312.6120; the signs that make the rotations
        alike likely, Mezzadri (2007) Notices of the AMS 54:592.

    Example:
        >>> w = Orthogonal().sample(np.random.default_rng(0), np.ones((3, 3)), np.zeros(3))
        >>> bool(np.allclose(w @ w.T, np.eye(3)))
        True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", number("gain", self.gain, low=0.0))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        if (sign != 0).any():
            raise ValueError(
                "`Orthogonal` needs units without types: no rotation is left once Dale's law "
                "gives each source its sign. Use initializers.Balanced() or Gaussian()."
            )
        if (strength != 1).any():
            raise ValueError(
                "`Orthogonal` needs every synapse, each with the factor 1, since a mask leaves no "
                f"rotation, but {np.sum(strength != 1)} of {strength.size} are absent or weighted. "
                "Use initializers.Gaussian(), or SpectralRadius() if recurrent."
            )
        return by_gate(lambda gate: self.gain * _rotation(rng, *gate.shape), strength) + 0.0


def _rotation(rng: np.random.Generator, post: int, pre: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((max(post, pre), min(post, pre))))
    # The sign of r's diagonal is the algorithm's choice, and would make some rotations likelier.
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if post >= pre else q.T
