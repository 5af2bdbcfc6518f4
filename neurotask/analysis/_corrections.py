"""p values of many units or contrasts, corrected for their number."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from neurotask._checks import choose

Correction = Literal["fdr", "holm", "none"]


def corrected(p: np.ndarray, correction: str) -> np.ndarray:
    """Return p values corrected for their number, in the same shape; NaN stays and does not count.

    Args:
        p: p values.
        correction: "fdr" bounds the share of false ones among those called significant (Benjamini
            & Hochberg 1995), "holm" the chance of a single false one (Holm 1979), "none" nothing.

    Example:
        >>> import numpy as np
        >>> corrected(np.array([0.02, 0.01, 0.5]), "holm").tolist()
        [0.04, 0.03, 0.5]
    """
    choose("correction", correction, ("fdr", "holm", "none"))
    result, there = np.array(p, float), ~np.isnan(p)
    given = result[there]
    if correction == "none" or not given.size:
        return result
    result[there] = false_discovery_control(given) if correction == "fdr" else holm(given)
    return result


def holm(p: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Return p values after Holm's correction for their number, in the order that they came in.

    Example:
        >>> holm([0.02, 0.01, 0.5]).tolist()
        [0.04, 0.03, 0.5]
    """
    given: np.ndarray = np.asarray(p, float)
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    result = np.empty(len(given))
    result[order] = np.minimum(raised, 1.0)
    return result
