"""A diffusion to two bounds whose drift is proportional to the stimulus: choices and mean times.

Evidence has a standard deviation of sqrt(t) after t seconds, starts in the middle between bounds
at -A and A, and drifts at k (x - x0) per second. With u = A k (x - x0),

    P(positive) = 1 / (1 + exp(-2 u))
    mean decision time = A^2 tanh(u) / u    (A^2 where u = 0), in seconds,

the latter for either choice. Parameters are theta = (ln k, ln A, non-decision time in s, x0).

Source: Palmer, Huk & Shadlen (2005) Journal of Vision 5(5):1, equations 1 to 5.
"""

import numpy as np
from scipy.special import expit, log_expit

NAMES = ("sensitivity", "bound", "non_decision_time", "bias")
_SMALL = 1e-3  # below it, a series is more exact than the ratio


def log_odds(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the log odds of the positive choice, (level,)."""
    return 2 * np.exp(theta[0] + theta[1]) * (x - theta[3])


def mean_time(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the mean reaction time in s, (level,)."""
    return np.exp(2 * theta[1]) * _ratio(log_odds(theta, x) / 2)[0] + theta[2]


def gradients(theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives of log odds and of mean time by theta, each (level, 4)."""
    u, speed = log_odds(theta, x) / 2, np.exp(theta[0] + theta[1])
    ratio, slope = _ratio(u)
    square, one, none = np.exp(2 * theta[1]), np.ones_like(u), np.zeros_like(u)
    odds = np.stack([2 * u, 2 * u, none, -2 * speed * one], axis=1)
    by_k = square * slope * u
    time = np.stack([by_k, 2 * square * ratio + by_k, one, -square * slope * speed], axis=1)
    return odds, time


def probability(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the probability of the positive choice, (level,)."""
    return expit(log_odds(theta, x))


def log_probabilities(theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ln P(positive) and ln P(other), each (level,)."""
    return log_expit(log_odds(theta, x)), log_expit(-log_odds(theta, x))


def _ratio(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tanh(u) / u and its derivative."""
    small = np.abs(u) < _SMALL
    v = np.where(small, 1.0, u)
    tanh = np.tanh(v)
    ratio = np.where(small, 1 - u**2 / 3 + 2 * u**4 / 15, tanh / v)
    slope = np.where(small, -2 * u / 3 + 8 * u**3 / 15, (v * (1 - tanh**2) - tanh) / v**2)
    return ratio, slope
