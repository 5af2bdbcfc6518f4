"""Curves that the data leave possible, by either way of asking."""

from typing import Literal

import numpy as np

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
