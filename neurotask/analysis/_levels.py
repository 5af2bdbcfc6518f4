"""The levels of a condition, where values that differ by rounding alone are one."""

import numpy as np


def joined(values: np.ndarray) -> np.ndarray:
    """Return values, each replaced by the least of those that differ from it by rounding alone.

    That is by less than a part in 10^9 of the largest; 0.1 + 0.2 is 0.3 then. Words, whole numbers
    and missing values stay as they are.

    Example:
        >>> import numpy as np
        >>> len(np.unique(joined(np.array([0.3, 0.1 + 0.2, -0.3]))))
        2
    """
    values = np.asarray(values)
    if values.dtype.kind != "f" or not np.isfinite(values).any():
        return values
    there = np.isfinite(values)
    x = values[there]
    key = np.round(x / (np.abs(x).max() or 1.0), 9)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    result = values.copy()
    result[there] = x[first][place]
    return result
