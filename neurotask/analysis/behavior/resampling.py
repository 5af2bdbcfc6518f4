"""Intervals by resampling trials with replacement."""

import zlib
from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from neurotask._streams import Stream, generator

N_DRAWS = 1000
_MOST = 2_000_000  # values held at a time


def rng_for(seed: int, *data: np.ndarray) -> np.random.Generator:
    """Return a generator of its own for these data, so that two groups are drawn independently."""
    key = zlib.crc32(b"".join(np.ascontiguousarray(one, float).tobytes() for one in data))
    return generator(seed, Stream.ANALYSIS, key)


def resampled(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
) -> np.ndarray:
    """Return a statistic of resampled values, (..., draw).

    Args:
        values: what is resampled, (trial,).
        statistic: takes (draw, trial), returns (..., draw).
        rng: the draws.
        n_draws: their number.
    """
    n = len(values)
    batch = max(1, min(n_draws, _MOST // max(n, 1)))
    sizes = [batch] * (n_draws // batch) + [n_draws % batch] * (n_draws % batch > 0)
    parts = [statistic(values[rng.integers(n, size=(size, n))]) for size in sizes]
    return np.concatenate(parts, axis=-1)


def percentiles(draws: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of the central interval of draws, (2, ...); NaN where a draw is NaN."""
    return np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=-1)


def t_interval(values: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of Student's interval of the mean, (2,); NaN of fewer than two values."""
    n = len(values)
    if n < 2:
        return np.full(2, np.nan)
    half = stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(n)
    return values.mean() + half * np.array([-1.0, 1.0])
