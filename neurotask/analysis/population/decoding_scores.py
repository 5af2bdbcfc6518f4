"""How well what was decoded agrees with what was there, at all pairs of times at once."""

from collections.abc import Callable

import numpy as np

from neurotask._checks import choose

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


def scorer(scoring: str | None, n_classes: int | None) -> tuple[Score, str, float]:
    """Return a score, its name, and its value for a decoder that knows nothing.

    The score takes labels (trial,) and what was decoded (train time, time, trial), NaN where a
    trial was not tested, and returns (train time, time).
    """
    options = ("r2", "correlation") if n_classes is None else ("balanced_accuracy",)
    name = choose("scoring", options[0] if scoring is None else scoring, options)
    if n_classes is not None:
        return lambda y, decoded: _balanced(y, decoded, n_classes), name, 1 / n_classes
    return (_r2 if name == "r2" else _correlation), name, 0.0


def _balanced(y: np.ndarray, decoded: np.ndarray, n_classes: int) -> np.ndarray:
    """Mean over classes of the share of their trials that were decoded right."""
    member = (y[:, None] == np.arange(n_classes)).astype(float)
    right, tested = (
        (decoded == y).astype(float) @ member,
        (~np.isnan(decoded)).astype(float) @ member,
    )
    return np.where(tested > 0, right / np.maximum(tested, 1), np.nan).mean(axis=-1)


def _r2(y: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """1 - sum (decoded - y)^2 / sum (y - mean y)^2, over the trials that were tested."""
    left = np.nansum((decoded - y) ** 2, axis=-1)
    total = np.nansum(_centred(np.where(np.isnan(decoded), np.nan, y)) ** 2, axis=-1)
    return np.where(total > 0, 1 - left / np.where(total > 0, total, 1.0), np.nan)


def _correlation(y: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Pearson's, 0 where what is decoded is the same for all trials."""
    y, decoded = _centred(np.where(np.isnan(decoded), np.nan, y)), _centred(decoded)
    length = np.sqrt(np.nansum(y**2, axis=-1) * np.nansum(decoded**2, axis=-1))
    return np.where(
        length > 0, np.nansum(y * decoded, axis=-1) / np.where(length > 0, length, 1), 0
    )


def _centred(values: np.ndarray) -> np.ndarray:
    n = np.maximum((~np.isnan(values)).sum(axis=-1, keepdims=True), 1)
    return values - np.nansum(values, axis=-1, keepdims=True) / n
