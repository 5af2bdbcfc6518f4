"""Elementary functions in single precision as polynomials, so that loops over them are vectorised.

Coefficients are least-squares fits at Chebyshev points. Errors are below 3e-7, relative to the
value, or to 1 for the logarithm where it is smaller, the sine and the cosine.
"""

import math
from collections.abc import Callable

import numpy as np

from neurotask.backend.kernels.compiling import part

F, I = np.float32, np.int32  # noqa: E741


def _fit(function: Callable[[np.ndarray], np.ndarray], low: float, high: float, n: int) -> list:
    """Return the coefficients of a polynomial of degree `n` on an interval, lowest power first."""
    nodes = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    x = (low + high) / 2 + (high - low) / 2 * nodes
    fit = np.polynomial.Polynomial.fit(x, function(x), n, domain=[low, high])
    return [F(c) for c in fit.convert().coef]


@part
def between(x, low, high):
    """Return x, held between two numbers; NaN stays NaN, which `min` and `max` would hide."""
    x = low if x < low else x
    return high if x > high else x


@part
def positive(x):
    """Return x, or 0 where it is below; NaN stays NaN."""
    return F(0.0) if x < F(0.0) else x


_LOG2E, _LN2_HIGH, _LN2_LOW = F(np.log2(np.e)), F(0.693359375), F(-2.12194440e-4)
_E0, _E1, _E2, _E3, _E4, _E5, _E6 = _fit(np.exp, -0.35, 0.35, 6)


@part
def exp(x):
    """Return e to the x; 0 below -87.7 and infinity above 88.4, which is before either is due."""
    # e^x = 2^n e^f with n whole and f at most ln(2) / 2. At n = -127 the power of 2 comes out as 0,
    # at n = 128 as infinity.
    x = between(x, F(-88.0), F(89.0))
    n = np.floor(x * _LOG2E + F(0.5))
    f = x - n * _LN2_HIGH - n * _LN2_LOW
    p = ((((_E6 * f + _E5) * f + _E4) * f + _E3) * f + _E2) * f
    p = (p + _E1) * f + _E0
    return p * np.int32((I(n) + I(127)) << I(23)).view(np.float32)


_T0, _T1, _T2, _T3, _T4, _T5 = _fit(lambda z: np.tanh(np.sqrt(z)) / np.sqrt(z), 1e-9, 0.4225, 5)


@part
def tanh(x):
    """Return the hyperbolic tangent."""
    z = x * x
    near = (((((_T5 * z + _T4) * z + _T3) * z + _T2) * z + _T1) * z + _T0) * x
    y = exp(F(-2.0) * abs(x))
    far = math.copysign((F(1.0) - y) / (F(1.0) + y), x)
    return near if abs(x) < F(0.65) else far


@part
def sigmoid(x):
    """Return 1 / (1 + e^-x)."""
    return F(1.0) / (F(1.0) + exp(-x))


(_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8, _P9, _P10) = _fit(
    lambda y: np.log1p(y) / y, 1e-9, 1.0, 10
)


@part
def softplus(x):
    """Return log(1 + e^x)."""
    y = exp(-abs(x))
    p = (((((_P10 * y + _P9) * y + _P8) * y + _P7) * y + _P6) * y + _P5) * y
    p = (((((p + _P4) * y + _P3) * y + _P2) * y + _P1) * y + _P0) * y
    return positive(x) + p


_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7 = _fit(
    lambda m: -2.0 * np.log1p(m) / m, -1 / 3 + 1e-9, 1 / 3 + 1e-9, 7
)
_MINUS_2_LN2 = F(-2.0 * np.log(2))


@part
def minus_two_log(u):
    """Return -2 log u of a normal number above 0."""
    # log u = e log 2 + log(1 + m) with 1 + m between 2/3 and 4/3
    bits = np.float32(u).view(np.int32)
    e = (bits - I(0x3F2AAAAB)) >> I(23)
    m = np.int32(bits - (e << I(23))).view(np.float32) - F(1.0)
    p = ((((_L7 * m + _L6) * m + _L5) * m + _L4) * m + _L3) * m
    p = ((p + _L2) * m + _L1) * m + _L0
    return p * m + F(e) * _MINUS_2_LN2


_S0, _S1, _S2, _S3, _S4 = _fit(lambda z: np.sin(np.pi / 2 * np.sqrt(z)) / np.sqrt(z), 1e-9, 1.0, 4)
_C0, _C1, _C2, _C3, _C4 = _fit(lambda z: np.cos(np.pi / 2 * np.sqrt(z)), 0.0, 1.0, 4)
_U = np.uint32


@part
def sine_and_cosine(turn):
    """Return sine and cosine of an angle in parts of 2^-23 of a turn: the low bits of a word."""
    # The nearest half turn, which is a sign of both, and what is left of it, as a number between
    # -1 and 1 that is in quarters of a turn: its bits but the first, read as a signed number.
    f = F(np.int32(turn << _U(10))) * F(2.0**-31)
    sign = ((turn << _U(9)) ^ (turn << _U(10))) & _U(0x80000000)
    z = f * f
    s = ((((_S4 * z + _S3) * z + _S2) * z + _S1) * z + _S0) * f
    c = (((_C4 * z + _C3) * z + _C2) * z + _C1) * z + _C0
    sine = np.float32(s).view(np.uint32) ^ sign
    cosine = np.float32(c).view(np.uint32) ^ sign
    return np.uint32(sine).view(np.float32), np.uint32(cosine).view(np.float32)
