"""Curves that the data leave possible, by either way of asking."""

from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from neurotask.analysis.psychometrics.bootstrap import generator, refit, simulate
from neurotask.analysis.psychometrics.draws import draws
from neurotask.analysis.psychometrics.likelihood import Posterior

Method = Literal["posterior", "bootstrap"]

N_DRAWS: dict[Method, int] = {"posterior": 4000, "bootstrap": 2000}


def sample(posterior: Posterior, best: np.ndarray, method: Method, seed: int) -> np.ndarray:
    """Return free parameters (draw, free): of the posterior, or of simulated experiments."""
    rng, n = generator(posterior, seed, method), N_DRAWS[method]
    if method == "posterior":
        return draws(posterior, best, n, rng)
    return refit(posterior, best, simulate(posterior, best, n, rng))


def bias_corrected(
    drawn: np.ndarray, estimate: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the bias-corrected percentile interval of each quantity, made to hold the estimate.

    Args:
        drawn: by bootstrap, of each quantity, (draw, quantity); NaN where it is undetermined.
        estimate: of each quantity, (quantity,).
        level: between 0 and 1.

    Returns:
        The lower and the upper ends, each (quantity,).

    Source: Efron (1981), Canadian Journal of Statistics 9, 139-158.
    """
    n = len(drawn)
    # Where the median of the draws lies off the estimate, the percentiles are moved as far to the
    # other side: Phi(2 z0 -+ z), z0 = Phi^-1 of the share of draws below the estimate.
    below = (drawn < estimate).mean(axis=0) + (drawn == estimate).mean(axis=0) / 2
    shift, z = 2 * ndtri(np.clip(below, 0.5 / n, 1 - 0.5 / n)), ndtri((1 + level) / 2)
    ranks = np.rint(ndtr(np.stack([shift - z, shift + z])) * (n - 1)).astype(int)
    low, high = np.take_along_axis(np.sort(drawn, axis=0), ranks, axis=0)
    return np.minimum(low, estimate), np.maximum(high, estimate)
