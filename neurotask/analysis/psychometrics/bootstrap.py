"""Experiments that a fitted curve would have given, and the curves fitted to them.

Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1314-1329 (parametric bootstrap).
"""

import zlib

import numpy as np

from neurotask._checks import count
from neurotask.analysis.psychometrics import beta_binomial
from neurotask.analysis.psychometrics.estimation import again, steepest
from neurotask.analysis.psychometrics.likelihood import Posterior, curve


def generator(posterior: Posterior, seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for these data, this seed and this purpose."""
    count("seed", seed, low=0)
    data = np.stack([posterior.u, posterior.n, posterior.k]).tobytes()
    key = (zlib.crc32(data), zlib.crc32(purpose.encode()))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def simulate(posterior: Posterior, x: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return counts of `n` experiments with the curve of the free parameters x, (n, level)."""
    theta = posterior.full(x)
    p = curve(theta, posterior.u, posterior.sigmoid)
    return beta_binomial.draw(p, float(theta[4]), posterior.n, n, rng)


def refit(posterior: Posterior, best: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the most probable free parameters of each of the experiments `k`, (n, free)."""
    return again(posterior, k, [best, steepest(posterior)])
