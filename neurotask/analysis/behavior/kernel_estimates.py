"""Estimates of a psychophysical kernel from fluctuations and choices."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from neurotask.analysis.behavior.fluctuations import Fluctuations
from neurotask.analysis.behavior.logistic import logistic
from neurotask.analysis.behavior.resampling import N_DRAWS, percentiles, rng_for

_MOST = 2_000_000  # weights held at a time
FEWEST = 10  # trials of either choice that a time needs


def average(data: Fluctuations, band: str, level: float, seed: int) -> pd.DataFrame:
    """Return the mean fluctuation before one choice less that before the other, with its band."""
    there = ~np.isnan(data.values)
    values = np.where(there, data.values, 0.0)
    sign = data.positive.astype(float)
    rng = rng_for(seed, data.values[there], sign)
    kernel = _difference(values, there, sign[None], 1 - sign[None])[0]
    draw = _resampled if band == "bootstrap" else _shuffled
    size = max(1, min(N_DRAWS, _MOST // len(sign)))
    sizes = [min(size, N_DRAWS - done) for done in range(0, N_DRAWS, size)]
    drawn = np.concatenate(
        [_difference(values, there, *draw(sign, data.condition, rng, n)) for n in sizes]
    )
    with np.errstate(invalid="ignore"):
        low, high = percentiles(drawn.T, level)
    n_positive, n_other = sign @ there, (1 - sign) @ there
    few = np.minimum(n_positive, n_other) < FEWEST
    columns = {"time": data.time, "kernel": kernel, "low": low, "high": high}
    columns = {k: np.where(few, np.nan, v) if k != "time" else v for k, v in columns.items()}
    counts = {"n_positive": n_positive.astype(int), "n_other": n_other.astype(int)}
    return pd.DataFrame(columns | counts)


def _difference(
    values: np.ndarray, there: np.ndarray, plus: np.ndarray, minus: np.ndarray
) -> np.ndarray:
    """Difference of two weighed means over trials at each time, (draw, time)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (plus @ values) / (plus @ there) - (minus @ values) / (minus @ there)


def _resampled(
    sign: np.ndarray, condition: np.ndarray, rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often each trial is drawn, as one of either choice, each (draw, trial)."""
    times = rng.multinomial(len(sign), np.full(len(sign), 1 / len(sign)), size=n).astype(float)
    return times * sign, times * (1 - sign)


def _shuffled(
    sign: np.ndarray, condition: np.ndarray, rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choices shuffled among the trials of each condition: those of either, each (draw, trial)."""
    shuffled = np.empty((n, len(sign)))
    for one in range(condition.max() + 1):
        here = np.flatnonzero(condition == one)
        shuffled[:, here] = rng.permuted(np.tile(sign[here], (n, 1)), axis=1)
    return shuffled, 1 - shuffled


def regression(data: Fluctuations, n_bins: int, level: float) -> tuple[pd.DataFrame, str]:
    """Return the weights of bins of time in a logistic regression of choice, and its status."""
    n_bins = min(n_bins, len(data.time))
    edges = np.linspace(0, len(data.time), n_bins + 1).round().astype(int)
    starts = edges[:-1]
    there = ~np.isnan(data.values)
    n = np.add.reduceat(there, starts, axis=1, dtype=int)
    total = np.add.reduceat(np.where(there, data.values, 0.0), starts, axis=1)
    bins = total / np.diff(edges)  # steps that were not seen add nothing to the mean
    groups = np.eye(data.condition.max() + 1)[data.condition]
    # A condition that has one choice only says nothing of the noise, and would have no weight.
    made = groups.T @ data.positive
    mixed = (made > 0) & (made < groups.sum(0))
    rows = mixed[data.condition]
    sign = data.positive.astype(float)
    seen = (n > 0) & rows[:, None]
    columns = {
        "time": np.array([data.time[a:b].mean() for a, b in zip(starts, edges[1:], strict=True)]),
        "kernel": np.nan,
        "low": np.nan,
        "high": np.nan,
        "n_positive": (sign @ seen).astype(int),
        "n_other": ((1 - sign) @ seen).astype(int),
    }
    table = pd.DataFrame(columns)
    if not rows.any():
        return table, "undetermined: no condition has both choices"
    design = np.concatenate([bins, groups[:, mixed]], axis=1)[rows]
    fit = logistic(design, sign[rows], np.zeros(design.shape[1]))
    half = ndtri((1 + level) / 2) * np.sqrt(np.diag(fit.covariance))
    few = np.minimum(table["n_positive"], table["n_other"]) < FEWEST
    for name, shift in (("kernel", 0.0), ("low", -half[:n_bins]), ("high", half[:n_bins])):
        table[name] = np.where(few, np.nan, fit.weights[:n_bins] + shift)
    return table, fit.status
