"""Bias and variability of produced intervals, from their mean and spread at each interval."""

from dataclasses import dataclass

import numpy as np

FIGURES = (
    "slope",
    "intercept",
    "indifference",
    "rms_bias",
    "variability",
    "rmse",
    "weber_fraction",
    "noise_slope",
    "noise_floor",
)
SPREADS = ("variability", "weber_fraction")  # those that scale with the noise


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean, variance about the trend, and number of produced intervals at each interval, (level,).

    Any leading dimensions, those of resampled data for example, are kept.
    """

    wanted: np.ndarray
    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def figures(moments: Moments, times_drawn: int = 1) -> dict[str, np.ndarray]:
    """Return the figures of timing.

    With m the mean, s the standard deviation and n the number of what was produced for interval t:

        m = slope t + intercept            (weighed by n); t = m at `indifference`
        rms_bias^2 = mean of (m - t)^2 - s^2 / n,  variability^2 = mean of s^2
        rmse^2 = rms_bias^2 + variability^2
        weber_fraction^2 = mean of (s / m)^2, weighed by n - 1      (the scalar property)
        s = noise_slope m + noise_floor    (floor 0, slope as the Weber fraction, if it holds)

    What chance adds to (m - t)^2 is taken off, and what it takes from s (1 / 4n of it) added in the
    last line.

    Args:
        moments: of the data, or of resampled ones.
        times_drawn: how often chance has entered the means: twice where trials were resampled.

    Source: Jazayeri & Shadlen (2010) Nat. Neurosci. 13:1020 (bias, variability); Gibbon (1977)
        Psychological Review 84:279 (the scalar property).
    """
    t, n, mean, variance = moments.wanted, moments.n, moments.mean, moments.variance
    slope, intercept = line(t, mean, n)
    sd = np.sqrt(variance) * (4 * n - 3) / (4 * n - 4)
    noise_slope, noise_floor = line(mean, sd, n)
    bias2 = np.maximum(((mean - t) ** 2 - times_drawn * variance / n).mean(-1), 0.0)
    variance2 = variance.mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        indifference = np.where(np.abs(slope - 1) > 1e-9, intercept / (1 - slope), np.nan)
        fraction = np.sqrt(((n - 1) * variance / mean**2).sum(-1) / (n - 1).sum(-1))
    return {
        "slope": slope,
        "intercept": intercept,
        "indifference": indifference,
        "rms_bias": np.sqrt(bias2),
        "variability": np.sqrt(variance2),
        "rmse": np.sqrt(bias2 + variance2),
        "weber_fraction": fraction,
        "noise_slope": noise_slope,
        "noise_floor": noise_floor,
    }


def line(x: np.ndarray, y: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and intercept of y over x by least squares weighed by n; NaN at one level."""
    share = n / n.sum(-1, keepdims=True)
    centre_x = (share * x).sum(-1, keepdims=True)
    centre_y = (share * y).sum(-1, keepdims=True)
    spread = (share * (x - centre_x) ** 2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (share * (x - centre_x) * (y - centre_y)).sum(-1) / spread
    slope = np.where(spread > 0, slope, np.nan)
    return slope, centre_y[..., 0] - slope * centre_x[..., 0]
