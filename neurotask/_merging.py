"""Conditions of several tasks as those of one batch."""

import numpy as np

from neurotask.trials import Trials


def merged_columns(n: int, parts: dict[str, tuple[np.ndarray, Trials]]) -> dict[str, np.ndarray]:
    """Return the conditions of all parts; NaN or "" in the trials of tasks that lack one."""
    names = dict.fromkeys(k for _, part in parts.values() for k in part.columns)
    merged = {}
    for name in names:
        having = [(rows, one.columns[name]) for rows, one in parts.values() if name in one.columns]
        kind = np.result_type(*(values.dtype for _, values in having))
        if len(having) == len(parts):
            column = np.empty(n, kind)
        elif kind.kind in "US":
            column = np.full(n, "", kind)
        else:
            column = np.full(n, np.nan)
        for rows, values in having:
            column[rows] = values
        merged[name] = column
    return merged
