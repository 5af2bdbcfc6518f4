"""Blocks: several trials strung into one row, and the row cut into its trials again."""

import numpy as np


def origins(lengths: np.ndarray, per_block: int) -> np.ndarray:
    """Return the step of its row at which each trial starts, shape (trial,)."""
    lengths = lengths.reshape(-1, per_block)
    return (lengths.cumsum(1) - lengths).ravel()


def cut(
    values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, per_block: int, fill: float
) -> np.ndarray:
    """Return stretches of rows as rows of their own: (trial, time, ...) from (row, time, ...).

    Args:
        values: the rows.
        starts: first step of each trial in its row, (trial,).
        lengths: number of steps of each trial, (trial,).
        per_block: trials a row.
        fill: what stands behind the end of the shorter trials.
    """
    row = np.arange(len(lengths)) // per_block
    step = np.arange(int(lengths.max()))
    at = np.minimum(starts[:, None] + step, values.shape[1] - 1)
    inside = (step < lengths[:, None]).reshape(len(row), len(step), *(1,) * (values.ndim - 2))
    return np.where(inside, values[row[:, None], at], np.asarray(fill, values.dtype))


def string(values: np.ndarray, lengths: np.ndarray, per_block: int) -> np.ndarray:
    """Return trials strung together without gaps, `per_block` a row: the inverse of `cut`.

    Args:
        values: (trial, time, channel), each padded behind its end.
        lengths: number of steps of each trial, (trial,).
        per_block: trials a row.

    Returns:
        (row, time, channel), 0 behind the end of the shorter rows.
    """
    n_rows, n_steps = len(lengths) // per_block, values.shape[1]
    if (lengths == n_steps).all():
        return values.reshape(n_rows, per_block * n_steps, values.shape[2])
    longest = int(lengths.reshape(n_rows, per_block).sum(1).max())
    rows = np.zeros((n_rows, longest, values.shape[2]), values.dtype)
    trial, step = np.nonzero(np.arange(n_steps) < lengths[:, None])
    rows[trial // per_block, origins(lengths, per_block)[trial] + step] = values[trial, step]
    return rows
