"""Dissimilarities of the mean responses to all pairs of conditions, at all times at once."""

import numpy as np
from sklearn.covariance import ledoit_wolf


def complete(values: np.ndarray, place: np.ndarray, n: int, fold: np.ndarray) -> np.ndarray:
    """Return the times at which each condition has a trial with data in each fold, (time,).

    Args:
        values: activity, (trial, time, unit); NaN where a trial has no data.
        place: the place of each trial's condition, (trial,).
        n: number of conditions.
        fold: the fold of each trial, (trial,).
    """
    there = ~np.isnan(values).any(axis=2)
    cell = fold * n + place
    counts = (cell == np.arange((fold.max() + 1) * n)[:, None]).astype(int) @ there.astype(int)
    kept = (counts > 0).all(axis=0)
    if not kept.any():
        raise ValueError(
            "`condition` must have a trial with data at a common time, in each fold where there "
            "are folds, got a condition without. Take another window, or fewer folds."
        )
    return kept


def dissimilarities(
    values: np.ndarray, place: np.ndarray, n: int, metric: str, fold: np.ndarray
) -> np.ndarray:
    """Return the dissimilarity of each pair of conditions, (time, condition, condition).

    Args:
        values: activity, (time, trial, unit); NaN where a trial has no data.
        place: the place of each trial's condition, (trial,).
        n: number of conditions.
        metric: which one.
        fold: the fold of each trial, (trial,).
    """
    means = _means(values, place, n)
    if metric == "correlation":
        return _correlation(means)
    if metric == "euclidean":
        return np.sqrt(np.maximum(_squared(means), 0.0))
    whitener = np.stack([_whitener(*pair, place) for pair in zip(values, means, strict=True)])
    if metric == "mahalanobis":
        return np.sqrt(np.maximum(_squared(means @ whitener), 0.0))
    return _crossnobis(values, place, n, fold, whitener)


def _means(values: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    """(time, condition, unit)."""
    there = np.logical_not(np.isnan(values).any(axis=2))
    member = (place == np.arange(n)[:, None]).astype(float)
    total = member @ np.where(there[:, :, None], values, 0.0)
    return total / (there.astype(float) @ member.T)[:, :, None]


def _correlation(means: np.ndarray) -> np.ndarray:
    centred = means - means.mean(axis=2, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=2, keepdims=True))
    flat = length <= 1e-12 * np.abs(means).max(axis=2, keepdims=True) * np.sqrt(means.shape[2])
    unit = np.where(flat, np.nan, centred / np.where(flat, 1.0, length))
    result = 1 - unit @ unit.swapaxes(1, 2)
    return _zero_diagonal(result, flat[:, :, 0])


def _squared(means: np.ndarray) -> np.ndarray:
    """Squared distances, (time, condition, condition)."""
    difference = means[:, :, None] - means[:, None]
    return (difference**2).sum(axis=-1)


def _whitener(values: np.ndarray, means: np.ndarray, place: np.ndarray) -> np.ndarray:
    """V with V V' the inverse of the covariance of trials around their condition's mean."""
    there = ~np.isnan(values).any(axis=1)
    residual = (values - means[place])[there]
    n_free = there.sum() - len(means)
    if n_free < 1 or np.abs(residual).max() <= 1e-9 * np.abs(means).max():
        raise ValueError(
            "`metric` must be one that needs no noise where the trials of a condition are the "
            'same, got "mahalanobis" or "crossnobis". Take "euclidean" or "correlation", or run '
            "the network with noise."
        )
    covariance = ledoit_wolf(residual, assume_centered=True)[0] * (there.sum() / n_free)
    size, axes = np.linalg.eigh(covariance)
    return axes / np.sqrt(np.maximum(size, size.max() * 1e-12))


def _crossnobis(
    values: np.ndarray, place: np.ndarray, n: int, fold: np.ndarray, whitener: np.ndarray
) -> np.ndarray:
    n_folds = fold.max() + 1
    cells = _means(values, fold * n + place, n_folds * n) @ whitener
    parts = cells.reshape(len(values), n_folds, n, -1)
    # sum over folds a != b of d_a . d_b = |sum_a d_a|^2 - sum_a |d_a|^2, d the difference of means
    every = _squared(parts.sum(axis=1))
    own = sum(_squared(parts[:, a]) for a in range(n_folds))
    return (every - own) / (n_folds * (n_folds - 1))


def _zero_diagonal(matrix: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The matrix with 0 on its diagonal, NaN where a response is the same in all units."""
    i = np.arange(matrix.shape[1])
    matrix[:, i, i] = np.where(flat, np.nan, 0.0)
    return matrix
