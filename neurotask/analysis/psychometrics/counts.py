"""How often was an event at each level of the stimulus: the data of one psychometric curve."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from neurotask.analysis._levels import joined

Form = Literal["signed", "yes_no", "nafc"]

_MOST_LEVELS = 50
_FEWEST_LEVELS = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Counts:
    """What is fitted: for each level of the stimulus, trials and how many count towards P.

    Args:
        levels: one row a level: `x`, `n_trials`, `n_positive`, `trained`.
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        form: "signed", "yes_no" or "nafc".
        event: what P is the probability of: the choice, or "correct".
        n_choices: number of alternatives, None where it is not known.
        n_no_response: trials left out because no valid choice was made.
        n_unscored: trials left out because no answer is right (n-AFC form).
    """

    levels: pd.DataFrame
    axis: str
    units: str
    form: Form
    event: str
    n_choices: int | None
    n_no_response: int
    n_unscored: int


def count(rows: pd.DataFrame, about: dict[str, Any], where: str) -> Counts:
    """Return the counts of a group of rows; `where` says in an error which group it is."""
    about = dict(about)
    task_levels = about.pop("task_levels")
    levels = _pool(_levels(rows[rows["n_trials"] > 0]))
    if not len(levels):
        silent, unscored = (int(rows[name].sum()) for name in ("n_no_response", "n_unscored"))
        raise ValueError(
            f"`data` must have trials with an answer{where}, got none: {silent} without a valid "
            f"response and {unscored} in which no answer is right. Train the observer further, or "
            "look at the column `outcome`."
        )
    if len(levels) < _FEWEST_LEVELS:
        raise ValueError(
            f"`{about['axis']}` must have at least {_FEWEST_LEVELS} levels with trials{where}, "
            f"got {len(levels)}: {levels['x'].tolist()}. Run trials at more levels."
        )
    levels["trained"] = _trained(levels["x"].to_numpy(), task_levels, about["form"])
    return Counts(
        levels=levels,
        n_no_response=int(rows["n_no_response"].sum()),
        n_unscored=int(rows["n_unscored"].sum()),
        **about,
    )


def _levels(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum the rows of each level; values that differ by rounding alone are one level."""
    x, level = np.unique(joined(rows["x"].to_numpy(float)), return_inverse=True)
    sums = {name: np.bincount(level, rows[name]) for name in ("n_trials", "n_positive")}
    return pd.DataFrame({"x": x, **sums})


def _pool(levels: pd.DataFrame) -> pd.DataFrame:
    """Join neighbours to `_MOST_LEVELS` groups of about as many trials, at their mean stimulus."""
    if len(levels) <= _MOST_LEVELS:
        return levels
    n = levels["n_trials"]
    group = ((n.cumsum() - n / 2) / n.sum() * _MOST_LEVELS).astype(int)
    sums = levels.assign(x=levels["x"] * n).groupby(group.to_numpy()).sum()
    return sums.assign(x=sums["x"] / sums["n_trials"]).reset_index(drop=True)


def _trained(x: np.ndarray, task_levels: np.ndarray | None, form: Form) -> np.ndarray:
    if task_levels is None:
        return np.ones(len(x), bool)
    known = np.abs(task_levels) if form == "nafc" else task_levels
    return np.any(np.isclose(x[:, None], known, rtol=1e-5, atol=1e-9), axis=1)
