"""Counts that vary more than the binomial distribution says, and how probable they are.

The probability of each block of trials is itself drawn from a Beta distribution of mean p and
variance p (1 - p) eta^2. With r = eta^2 / (1 - eta^2), Schütt et al. (2016), eq. 5, is

    log P(k) = k log p + (n - k) log(1 - p)
               + R(p / r, k) + R((1 - p) / r, n - k) - R(1 / r, n) + constant,

where R(a, k) = log of a (a + 1) ... (a + k - 1) / a^k, which goes to 0 for r = 0: the binomial
distribution. Written so, nothing cancels where eta is small.
"""

import numpy as np
from scipy.special import digamma, gammaln

_LEAST = 1e-12  # of r: binomial to double precision
_STIRLING = 10.0  # beyond this Stirling's series is exact to 12 digits


def log_likelihood(p: np.ndarray, eta: np.ndarray, n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the log likelihood (...) summed over levels, without its constant.

    Args:
        p: mean probabilities, (..., level), inside (0, 1).
        eta: overdispersion, (...), in [0, 1).
        n: trials, (level,).
        k: trials that count, (..., level).
    """
    r = _spread(eta)
    ratio = _rising(p / r, k) + _rising((1 - p) / r, n - k) - _rising(1 / r, n)
    return (k * np.log(p) + (n - k) * np.log1p(-p) + ratio).sum(-1)


def scores(
    p: np.ndarray, eta: np.ndarray, n: np.ndarray, k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives of each level's log likelihood by p and by eta, (..., level)."""
    r = _spread(eta)
    one, two = _slope(p / r, k), _slope((1 - p) / r, n - k)
    by_p = k / p - (n - k) / (1 - p) + (one - two) / r
    by_r = (_slope(1 / r, n) - p * one - (1 - p) * two) / r**2
    return by_p, by_r * 2 * eta[..., None] / (1 - eta[..., None] ** 2) ** 2


def draw(
    p: np.ndarray, eta: float, n: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Return counts of `size` repetitions of an experiment, (size, level)."""
    n = n.astype(int)
    if eta > 0:
        nu = 1 / eta**2 - 1
        p = rng.beta(np.maximum(p * nu, 1e-9), np.maximum((1 - p) * nu, 1e-9), (size, len(n)))
    return rng.binomial(n, p, (size, len(n))).astype(float)


def _spread(eta: np.ndarray) -> np.ndarray:
    square = np.square(eta[..., None])
    return np.maximum(square / (1 - square), _LEAST)


def _rising(a: np.ndarray, k: np.ndarray) -> np.ndarray:
    """R(a, k): gammaln(a + k) - gammaln(a) - k log a."""
    b = a + k
    found = (b - 0.5) * np.log1p(k / a) - k + _rest(b) - _rest(a)
    near = np.nonzero(np.broadcast_to(a < _STIRLING, b.shape))
    a, k = (np.broadcast_to(one, b.shape)[near] for one in (a, k))
    found[near] = gammaln(a + k) - gammaln(a) - k * np.log(a)
    return found


def _slope(a: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return dR/da: digamma(a + k) - digamma(a) - k / a."""
    b = a + k
    found = np.log1p(k / a) - k / a + _rest_slope(b) - _rest_slope(a)
    near = np.nonzero(np.broadcast_to(a < _STIRLING, b.shape))
    a, k = (np.broadcast_to(one, b.shape)[near] for one in (a, k))
    found[near] = digamma(a + k) - digamma(a) - k / a
    return found


# Stirling's series: log Gamma(a) = (a - 1/2) log a - a + log(2 pi) / 2 + rest(a), and with
# s = 1 / a^2, rest(a) = (1/12 - s (1/360 - s (1/1260 - s (1/1680 - s / 1188)))) / a.
def _rest(a: np.ndarray) -> np.ndarray:
    s = 1 / (a * a)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / a


# digamma(a) = log a + rest_slope(a).
def _rest_slope(a: np.ndarray) -> np.ndarray:
    s = 1 / (a * a)
    return -0.5 / a - s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s / 132))))
