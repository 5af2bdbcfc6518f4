"""The S-shaped functions of a psychometric curve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Sigmoid:
    """A function that rises from 0 to 1, with its density and its inverse.

    The argument is z = (u - location) / scale, where u is the stimulus in the signed form and the
    natural logarithm of its strength in the n-AFC form. So z = 0 at the location, whatever the
    sigmoid.

    Args:
        name: How `psychometric(sigmoid=...)` calls it.
        value: F(z).
        density: f(z) = dF/dz.
        inverse: z at which F is a proportion between 0 and 1.

    Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1293-1313.

    Example:
        >>> from neurotask.analysis import SIGMOIDS
        >>> float(SIGMOIDS["logistic"].value(0.0))
        0.5
    """

    name: str
    value: Function
    density: Function
    inverse: Function

    def __repr__(self) -> str:
        return f"SIGMOIDS[{self.name!r}]"

    def __reduce__(self) -> tuple[Callable[[str], "Sigmoid"], tuple[str]]:
        return _named, (self.name,)  # a fit goes to another process by the sigmoid's name


def _named(name: str) -> Sigmoid:
    return SIGMOIDS[name]


# F(z) = 1 / (1 + exp(-z)); Wichmann & Hill (2001), with z = (x - alpha) / beta.
logistic = Sigmoid(
    name="logistic",
    value=expit,
    density=lambda z: expit(z) * expit(-z),
    inverse=logit,
)

# F(z) = integral of the standard normal density up to z; Wichmann & Hill (2001).
cumulative_gaussian = Sigmoid(
    name="cumulative_gaussian",
    value=ndtr,
    density=lambda z: np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi),
    inverse=ndtri,
)

# F(x) = 1 - exp(-(x / alpha) ** beta); Wichmann & Hill (2001). With z = beta ln(x / alpha) that is
# F(z) = 1 - exp(-exp(z)), so the location is ln(alpha) and the scale 1 / beta.
weibull = Sigmoid(
    name="weibull",
    value=lambda z: -np.expm1(-np.exp(z)),
    density=lambda z: np.exp(z - np.exp(z)),
    inverse=lambda p: np.log(-np.log1p(-p)),
)

SIGMOIDS: Mapping[str, Sigmoid] = MappingProxyType(
    {sigmoid.name: sigmoid for sigmoid in (logistic, cumulative_gaussian, weibull)}
)
