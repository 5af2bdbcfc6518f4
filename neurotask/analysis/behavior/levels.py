"""The levels of a stimulus, where values that differ by rounding alone are one."""

from typing import Any

import numpy as np
import pandas as pd

from neurotask._checks import count
from neurotask.analysis._rows import stimulus_axis

_MOST_LEVELS = 50
_POOLED = 10


def stimulus_named(argument: str, table: pd.DataFrame, name: Any) -> str:
    """Return `stimulus_axis`, with errors that speak of the argument that named it."""
    try:
        return stimulus_axis(table, name)
    except (TypeError, ValueError) as error:
        text = str(error).replace("`axis`", f"`{argument}`").replace('axis="', f'{argument}="')
        raise type(error)(text) from None


def level_of(x: np.ndarray, n_bins: int | None = None) -> np.ndarray:
    """Return the level that each trial belongs to, (trial,).

    Args:
        x: the stimulus, (trial,).
        n_bins: pools the values, neighbours together, into this many groups of about as many
            trials; each level is then the mean stimulus of its group. Unless given, values are
            pooled into 10 groups where there are more than 50 of them.
    """
    x = np.asarray(x, float)
    if not len(x):
        return x
    key = np.round(x / (np.abs(x).max() or 1.0), 9)
    _, first, place, n = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    if n_bins is None and len(first) <= _MOST_LEVELS:
        return x[first][place]
    n_bins = count("n_bins", _POOLED if n_bins is None else n_bins)
    group = ((n.cumsum() - n / 2) / n.sum() * n_bins).astype(int)[place]
    size = np.maximum(np.bincount(group), 1)
    return (np.bincount(group, x) / size)[group]
