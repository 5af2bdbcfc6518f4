"""The participation ratio of a covariance, from few independent samples of it."""

import numpy as np


def unbiased_ratio(centred: np.ndarray) -> float:
    """Return an estimate of (tr C)^2 / tr C^2 that does not shrink with the number of samples.

    Numerator and denominator are each unbiased, whatever the distribution: they are averages over
    all sets of four different samples of

        |x1 - x2|^2 |x3 - x4|^2 / 4    and    ((x1 - x2) . (x3 - x4))^2 / 4,

    whose means are (tr C)^2 and tr C^2. With q_i = |x_i|^2 of samples less their mean, Q the sum
    and R the sum of squares of q, and A = |X'X|^2, these averages are

        (Q^2 (n^2 - 3n + 1) - n (n - 1) R + 2 A) / (n (n - 1)(n - 2)(n - 3)),
        (A - R n / (n - 2) + Q^2 / ((n - 1)(n - 2))) / (n (n - 3)).

    Their ratio is unbiased as n grows.

    Args:
        centred: independent samples less their mean, (sample, unit).

    Returns:
        The ratio; NaN for fewer than four samples, or where noise makes the denominator 0 or less.
    """
    n = len(centred)
    if n < 4:
        return np.nan
    q = (centred**2).sum(1)
    wide = centred.shape[1] > n
    a = ((centred @ centred.T if wide else centred.T @ centred) ** 2).sum()
    total, squares = q.sum(), (q**2).sum()
    above = total**2 * (n**2 - 3 * n + 1) - n * (n - 1) * squares + 2 * a
    below = a - squares * n / (n - 2) + total**2 / ((n - 1) * (n - 2))
    above, below = above / (n * (n - 1) * (n - 2) * (n - 3)), below / (n * (n - 3))
    return float(above / below) if below > 0 else np.nan
