"""Condition averages over two halves of the trials."""

from collections.abc import Iterator

import numpy as np

from neurotask._streams import Stream, generator


def halves(
    values: np.ndarray, condition: np.ndarray, n_repeats: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return averages over a random half of the trials of each condition, and over the other.

    Args:
        values: single trials, (trial, time, unit); NaN where a trial has no data.
        condition: place of the condition of each trial, (trial,).
        n_repeats: how often the trials are divided.
        seed: of the divisions.

    Yields:
        Two arrays, (condition, time, unit).
    """
    there = np.asarray(~np.isnan(values).any(axis=2, keepdims=True))
    filled = np.where(there, values, 0.0)
    members = [np.flatnonzero(condition == i) for i in range(condition.max() + 1)]
    for repeat in range(n_repeats):
        random = generator(seed, Stream.ANALYSIS, repeat)
        first, second = np.zeros((2, len(members), len(values)))
        for i, rows in enumerate(members):
            shuffled = random.permutation(rows)
            first[i, shuffled[: len(rows) // 2]] = 1.0
            second[i, shuffled[len(rows) // 2 :]] = 1.0
        yield _mean(first, filled, there), _mean(second, filled, there)


def _mean(half: np.ndarray, filled: np.ndarray, there: np.ndarray) -> np.ndarray:
    n = np.tensordot(half, there.astype(float), 1)
    if not n.all():
        raise ValueError(
            "`session` must have two trials or more of each condition at each time, so that they "
            "can be divided in halves, got fewer. Run more trials, or take a shorter `window`."
        )
    return np.tensordot(half, filled, 1) / n
