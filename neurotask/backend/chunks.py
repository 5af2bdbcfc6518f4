"""Trials that run at once: it bounds memory, and each chunk of them has noise of its own."""

from typing import Any

import numpy as np

# Another number here would give other noise for the same seed.
CHUNK = 256

Arrays = dict[str, np.ndarray]


def place(arrays: Arrays, part: Any, rows: slice, n: int) -> None:
    """Put a chunk in its place at once: chunks that are joined later take twice the memory.

    Args:
        arrays: where to put it, by name; arrays are made for the first chunk.
        part: the chunk, each array (trial, ...).
        rows: its rows.
        n: number of rows in all.
    """
    for name, values in part.items():
        values = np.asarray(values)
        arrays.setdefault(name, np.empty((n, *values.shape[1:]), values.dtype))[rows] = values
