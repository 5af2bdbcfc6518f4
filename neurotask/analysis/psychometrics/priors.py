"""What may be supposed of one parameter of a curve: a density, and its derivatives.

Each acts on a parameter in the coordinate of a `Posterior` and adds to its log density.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

IMPOSSIBLE = -1e6  # the log density where there is none
_TINY = 1e-12
_STEP = 1e-4  # of numerical derivatives, in coordinates of order one


class Prior(Protocol):
    """The log density of a parameter, without its constant."""

    def log(self, q: np.ndarray) -> np.ndarray:
        """Return the log density, of the shape of `q`."""
        ...

    def slope(self, q: np.ndarray) -> np.ndarray:
        """Return its derivative."""
        ...

    def information(self, q: np.ndarray) -> np.ndarray:
        """Return minus its second derivative, or 0 where that is negative."""
        ...


@dataclass(frozen=True)
class Beta:
    """The density of a Beta(a, b) distribution, for a proportion; a and b of 1 or more."""

    a: float
    b: float

    def log(self, q: np.ndarray) -> np.ndarray:
        q = np.clip(q, _TINY, 1 - _TINY)
        return (self.a - 1) * np.log(q) + (self.b - 1) * np.log1p(-q)

    def slope(self, q: np.ndarray) -> np.ndarray:
        q = np.clip(q, _TINY, 1 - _TINY)
        return (self.a - 1) / q - (self.b - 1) / (1 - q)

    def information(self, q: np.ndarray) -> np.ndarray:
        q = np.clip(q, _TINY, 1 - _TINY)
        return (self.a - 1) / q**2 + (self.b - 1) / (1 - q) ** 2


@dataclass(frozen=True)
class Density:
    """Any density of a figure that is `scale * q + offset`, or the exponential of that.

    Args:
        distribution: a frozen distribution of scipy.stats, or what else has `logpdf`.
        scale: see above.
        offset: see above.
        exponential: see above.
    """

    distribution: Any
    scale: float = 1.0
    offset: float = 0.0
    exponential: bool = False

    def log(self, q: np.ndarray) -> np.ndarray:
        inner = self.scale * np.asarray(q, float) + self.offset
        figure = np.exp(inner) if self.exponential else inner
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.asarray(self.distribution.logpdf(figure), float)
        # A density of the figure is one of q times d figure / d q; no density is very improbable.
        log = np.maximum(np.where(np.isnan(log), -np.inf, log), IMPOSSIBLE)
        return np.where(log > IMPOSSIBLE, log + inner, log) if self.exponential else log

    def slope(self, q: np.ndarray) -> np.ndarray:
        return (self.log(q + _STEP) - self.log(q - _STEP)) / (2 * _STEP)

    def information(self, q: np.ndarray) -> np.ndarray:
        second = self.log(q + _STEP) - 2 * self.log(q) + self.log(q - _STEP)
        return np.maximum(-second / _STEP**2, 0.0)
