"""Published behaviour to hold a network's against: counts, each file with its source."""

from importlib.resources import files

import pandas as pd


def roitman_shadlen_2002() -> pd.DataFrame:
    """Return how often two monkeys were right about the direction of random-dot motion.

    The animals answered when they chose to, so their accuracy and their reaction time belong
    together. At a coherence of 0 no answer is right, and `n_correct` counts rewarded trials.

    Returns:
        One row for each monkey and coherence: `monkey` (1 or 2), `coherence` (0 to 1), `n_trials`,
        `n_correct`, `mean_rt_correct_ms` (mean reaction time of correct trials, ms).

    Source: Roitman & Shadlen (2002) J. Neurosci. 22:9475; counted from the table of trials that is
    distributed with PyDDM (MIT).

    Example:
        >>> roitman_shadlen_2002().groupby("monkey")["n_trials"].sum().tolist()
        [2615, 3534]
    """
    with files(__name__).joinpath("roitman_shadlen_2002.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")
