"""The S-shaped functions of a psychometric curve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import beta, expit, logit, ndtr, ndtri, stdtr, stdtrit

from neurotask._checks import number

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Sigmoid:
    """A function that rises from 0 to 1, with its density and its inverse.

    The argument is z = (u - location) / scale, where u is the stimulus or the natural logarithm of
    its strength. The location is the threshold: F(0) = 1/2, but for the Weibull function, where
    F(0) = 1 - 1/e as the field has it.

    Args:
        name: How `psychometric(sigmoid=...)` calls it, and figures name it.
        value: F(z).
        density: f(z) = dF/dz.
        inverse: z at which F is a proportion between 0 and 1.
        reach: the z beyond which, on both sides, F may be taken for 0 or 1.

    Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1293-1313; Schütt, Harmeling,
        Macke & Wichmann (2016), Vision Research 122, 105-123 (the choice of functions).

    Example:
        >>> from neurotask.analysis import SIGMOIDS
        >>> float(SIGMOIDS["logistic"].value(0.0))
        0.5
    """

    name: str
    value: Function
    density: Function
    inverse: Function
    reach: float = 40.0

    def __repr__(self) -> str:
        return f"SIGMOIDS[{self.name!r}]"

    def __reduce__(self) -> tuple[Callable[..., "Sigmoid"], tuple[Any, ...]]:
        if SIGMOIDS.get(self.name) is self:
            return _named, (self.name,)  # a fit goes to another process by the sigmoid's name
        return _made, (self.name, self.value, self.density, self.inverse, self.reach)


def _named(name: str) -> Sigmoid:
    return SIGMOIDS[name]


def _made(name: str, value: Any, density: Any, inverse: Any, reach: float) -> Sigmoid:
    return Sigmoid(name=name, value=value, density=density, inverse=inverse, reach=reach)


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

_LN2 = np.log(2.0)

# F(z) = 1 - 2 ** -exp(z): the distribution of the least of many, with F(0) = 1/2. It leaves 0
# slowly and meets 1 fast; of ln x it is the Weibull function.
gumbel = Sigmoid(
    name="gumbel",
    value=lambda z: -np.expm1(-_LN2 * np.exp(z)),
    density=lambda z: _LN2 * np.exp(z - _LN2 * np.exp(z)),
    inverse=lambda p: np.log(-np.log1p(-p) / _LN2),
)

# F(z) = 2 ** -exp(-z): the distribution of the greatest of many; it leaves 0 fast.
reversed_gumbel = Sigmoid(
    name="reversed_gumbel",
    value=lambda z: np.exp(-_LN2 * np.exp(-z)),
    density=lambda z: _LN2 * np.exp(-z - _LN2 * np.exp(-z)),
    inverse=lambda p: -np.log(-np.log(p) / _LN2),
)

# F(z) = 2/pi atan(exp(z)), whose density is sech(z) / pi: tails between normal and Cauchy.
hyperbolic_secant = Sigmoid(
    name="hyperbolic_secant",
    value=lambda z: 2 / np.pi * np.arctan(np.exp(z)),
    density=lambda z: 1 / (np.pi * np.cosh(z)),
    inverse=lambda p: np.log(np.tan(np.pi / 2 * np.asarray(p))),
)


@dataclass(frozen=True)
class _StudentT:
    """Student's t distribution, kept as its degrees of freedom so that it can be pickled."""

    df: float
    what: str

    def __call__(self, z: Any) -> Any:
        df, z = self.df, np.asarray(z, float)
        if self.what == "value":
            # Cauchy's has a closed form, which is exact far out too.
            return 0.5 + np.arctan(z) / np.pi if df == 1 else stdtr(df, z)
        if self.what == "inverse":
            return -1 / np.tan(np.pi * z) if df == 1 else stdtrit(df, z)
        # f(z) = (1 + z^2 / df)^(-(df + 1) / 2) / (sqrt(df) B(1/2, df/2))
        return (1 + z * z / df) ** (-(df + 1) / 2) / (np.sqrt(df) * beta(0.5, df / 2))


def student_t(df: float = 1.0) -> Sigmoid:
    """Return the cumulative Student t distribution as a sigmoid: one with heavy tails.

    A single lapse far from the threshold then counts little. One degree of freedom (Cauchy) is the
    heaviest in use; towards infinity it is the cumulative Gaussian.

    Args:
        df: degrees of freedom, more than 0.

    Returns:
        A `Sigmoid`, for `psychometric(sigmoid=student_t(3))`.

    Raises:
        ValueError: if `df` is not above 0.

    Source: Schütt, Harmeling, Macke & Wichmann (2016), Vision Research 122, 105-123.

    Example:
        >>> round(float(student_t(1.0).value(1.0)), 6)
        0.75
    """
    number("df", df, low=0, above=True)
    name = "student_t" if df == 1 else f"student_t({df:g})"
    value, density, inverse = (_StudentT(df, what) for what in ("value", "density", "inverse"))
    return Sigmoid(name=name, value=value, density=density, inverse=inverse, reach=1e9)


SIGMOIDS: Mapping[str, Sigmoid] = MappingProxyType(
    {
        sigmoid.name: sigmoid
        for sigmoid in (
            logistic,
            cumulative_gaussian,
            weibull,
            gumbel,
            reversed_gumbel,
            hyperbolic_secant,
            student_t(),
        )
    }
)
