"""How much each unit tells of a variable: shares of variance, ROC areas, d', tuning.

All functions take (trial, unit) activity and the place of each trial's level, and work on all units
at once. A noise-free network gives the same activity in each trial of a condition: differences
that floating-point numbers cannot hold (`roundoff`) count as none, so that a variance of 0 gives 1,
0 or infinity, as the limit does, and never NaN.
"""

import numpy as np
from scipy.stats import rankdata

_CHUNK = 2_000_000  # numbers of a chunk of permuted labels


def roundoff(x: np.ndarray, precision: type | np.dtype = np.float64) -> np.ndarray:
    """Return the difference below which two activities of a unit are the same, (unit,).

    Args:
        x: activity, (trial, unit).
        precision: the type that the activity was computed in.
    """
    kind = np.dtype(precision)
    eps = np.finfo(kind if kind.kind == "f" else np.float64).eps
    return 16 * float(eps) * np.abs(x).max(axis=0)


def level_means(x: np.ndarray, place: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the mean of each unit at each level, (level, unit)."""
    member = place == np.arange(n_levels)[:, None]
    return member.astype(float) @ x / member.sum(axis=1)[:, None]


def level_deviations(x: np.ndarray, place: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the standard deviation over the trials of each level, (level, unit); 0 of a trial."""
    means = level_means(x, place, n_levels)
    member = (place == np.arange(n_levels)[:, None]).astype(float)
    n = member.sum(axis=1)[:, None]
    return np.sqrt(member @ (x - means[place]) ** 2 / np.maximum(n - 1, 1))


def eta_squared(x: np.ndarray, place: np.ndarray, n_levels: int, tiny: np.ndarray) -> np.ndarray:
    """Return the share of each unit's variance over trials that lies between levels, (unit,).

    0 for a unit that does not vary.
    """
    # eta^2 = sum_l n_l (m_l - m)^2 / sum_i (x_i - m)^2
    centred = x - x.mean(axis=0)
    total = (centred**2).sum(axis=0)
    n = np.bincount(place, minlength=n_levels)[:, None]
    between = (n * level_means(centred, place, n_levels) ** 2).sum(axis=0)
    differ = (np.ptp(x, axis=0) > tiny) & (between > len(x) * tiny**2)
    return np.where(differ, between / np.where(differ, total, 1.0), 0.0)


def roc_area(x: np.ndarray, second: np.ndarray, tiny: np.ndarray) -> np.ndarray:
    """Return P(activity at the second level > at the first) + P(equal) / 2, (unit,).

    Args:
        x: activity, (trial, unit).
        second: whether a trial is of the second level, (trial,).
        tiny: differences that count as none, (unit,).

    Source: Green & Swets (1966), Signal Detection Theory and Psychophysics; the area by ranks is
        that of Mann & Whitney (1947).
    """
    n = second.sum()
    ranks = _ranks(x, tiny)[second].sum(axis=0)
    return (ranks - n * (n + 1) / 2) / (n * (len(x) - n))


def d_prime(x: np.ndarray, second: np.ndarray, tiny: np.ndarray) -> np.ndarray:
    """Return d' of each unit, the second level less the first, (unit,).

    Infinite where the levels differ and their trials do not vary, 0 where neither does; NaN where
    a level has a single trial, which does not tell how much it varies.
    """
    place = second.astype(int)
    if np.bincount(place, minlength=2).min() < 2:
        return np.full(x.shape[1], np.nan)
    low, high = level_means(x, place, 2)
    # d' = (mean of the second - mean of the first) / root of the mean of their variances
    spread = np.sqrt((level_deviations(x, place, 2) ** 2).mean(axis=0))
    difference = np.where(np.abs(high - low) > tiny, high - low, 0.0)
    noisy = spread > tiny
    limit = np.where(difference == 0, 0.0, np.copysign(np.inf, difference))
    return np.where(noisy, difference / np.where(noisy, spread, 1.0), limit)


def permutation_p(
    x: np.ndarray,
    place: np.ndarray,
    n_levels: int,
    tiny: np.ndarray,
    n_permutations: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return how often levels shuffled over trials explain as much variance of a unit, (unit,).

    p = (1 + number of shuffles with at least the variance found) / (1 + number of shuffles), which
    is 1 for a unit that does not vary. The labels of all units are shuffled together.

    Source: Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39.
    """
    varies = np.ptp(x, axis=0) > tiny
    scale = np.where(varies, np.abs(x - x.mean(axis=0)).max(axis=0), 1.0)
    z = np.where(varies, (x - x.mean(axis=0)) / scale, 0.0)
    found = _between(z, place[None], n_levels)[0]
    reached = np.zeros(x.shape[1])
    size = max(1, _CHUNK // (len(x) * n_levels))
    for start in range(0, n_permutations, size):
        n = min(size, n_permutations - start)
        shuffled = rng.permuted(np.broadcast_to(place, (n, len(place))), axis=1)
        chance = _between(z, shuffled, n_levels)
        reached += (chance >= found * (1 - 1e-9)).sum(axis=0)
    return np.where(varies, (1 + reached) / (1 + n_permutations), 1.0)


def roc_p(
    x: np.ndarray,
    second: np.ndarray,
    tiny: np.ndarray,
    n_permutations: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return how often shuffled levels give a ROC area as far from 1/2, (unit,).

    The area is linear in the sum of ranks, whose distance from its mean the variance of the ranks
    between two levels grows with.
    """
    ranks = _ranks(x, tiny)
    return permutation_p(ranks, second.astype(int), 2, np.zeros(x.shape[1]), n_permutations, rng)


def cosine_fit(means: np.ndarray, angles: np.ndarray, tiny: np.ndarray) -> dict[str, np.ndarray]:
    """Fit m(angle) = b + a cos(angle - preferred) to the mean at each level; each level weighs one.

    At equally spaced angles `preferred` is the angle of the mean vector, sum m exp(i angle), and
    `strength` its length divided by sum m; the fit keeps the meaning where they are not.

    Args:
        means: (level, unit).
        angles: radians, (level,).
        tiny: differences that count as none, (unit,).

    Returns:
        Each (unit,): `preferred` (radians in [0, 2 pi), NaN where untuned), `amplitude` (a),
        `strength` (a / 2b, in [0, 1] for activity that is never negative; NaN for other activity),
        and `r2`, the share of the variance of the means that the fit explains (0 where there is
        none).

    Source: Georgopoulos, Kalaska, Caminiti & Massey (1982), Journal of Neuroscience 2, 1527-1537.
    """
    design = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    b, along, across = np.linalg.lstsq(design, means, rcond=None)[0]
    amplitude = np.hypot(along, across)
    tuned = amplitude > tiny
    left = ((means - design @ np.stack([b, along, across])) ** 2).sum(axis=0)
    total = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    varies = np.ptp(means, axis=0) > tiny
    positive = (means.min(axis=0) >= 0) & (b > 0)
    strength = np.where(positive, amplitude / np.where(positive, 2 * b, 1.0), np.nan)
    silent = (means == 0).all(axis=0)
    return {
        "preferred": np.where(tuned, np.arctan2(across, along) % (2 * np.pi), np.nan),
        "amplitude": np.where(tuned, amplitude, 0.0),
        "strength": np.where(silent, 0.0, strength),
        "r2": np.where(varies, 1 - left / np.where(varies, total, 1.0), 0.0),
    }


def _ranks(x: np.ndarray, tiny: np.ndarray) -> np.ndarray:
    """Ranks over trials; activities that round-off alone keeps apart share theirs."""
    order = np.argsort(x, axis=0, kind="stable")
    ordered = np.take_along_axis(x, order, axis=0)
    step = np.diff(ordered, axis=0, prepend=ordered[:1]) > tiny
    place = np.empty(x.shape, int)
    np.put_along_axis(place, order, np.cumsum(step, axis=0), axis=0)
    return rankdata(place, axis=0)


def _between(z: np.ndarray, places: np.ndarray, n_levels: int) -> np.ndarray:
    """Variance between levels of each labelling, up to a constant, (labelling, unit)."""
    n = np.bincount(places[0], minlength=n_levels)
    member = (places[:, None, :] == np.arange(n_levels)[:, None]).astype(float)
    sums = member @ z
    return (sums**2 / n[:, None]).sum(axis=1)
