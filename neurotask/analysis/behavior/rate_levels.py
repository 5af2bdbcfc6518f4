"""Choices and mean reaction times by level: the data of a proportional-rate fit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurotask.analysis._rows import (
    positive_choice,
    require,
    rows_of,
    scored,
    stimulus_axis,
    unanswered,
)
from neurotask.analysis.behavior.levels import level_of
from neurotask.analysis.behavior.timed import Form, reaction_times

FEWEST = 5  # trials of which a standard error is believed


@dataclass(frozen=True, eq=False, kw_only=True)
class RateLevels:
    """What is fitted, one row a level.

    Args:
        table: `x`, `n_trials` (scored choices), `n_positive`, `n_rt`, `mean_rt` and `sem_rt` (ms;
            NaN where the time of the level is not used).
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        form: "signed" or "absolute".
        event: what P is the probability of: the choice, or "correct".
        n_no_response: trials left out because no valid choice was made.
    """

    table: pd.DataFrame
    axis: str
    units: str
    form: Form
    event: str
    n_no_response: int


def rate_levels(
    data: Any, axis: str | None, form: Form | None, choice: Any, n_bins: int | None
) -> RateLevels:
    """Read a Session, a table of trials, or a table of levels."""
    table = rows_of(data, ())
    axis = stimulus_axis(table, axis)
    signed = bool((table[axis] < 0).any())
    form = ("signed" if signed else "absolute") if form is None else form
    event, silent = "correct", 0
    if "n_trials" in table:
        levels = _given(table, axis, form)
        event = "correct" if form == "absolute" else "positive"
    else:
        require(table, "correct")
        if form == "signed":
            require(table, "choice")
            positive = positive_choice(table, choice)
            event = positive if isinstance(positive, str) else f"choice = {positive:g}"
            hit = (table["choice"] == positive).astype(float)
        else:
            hit = scored(table["correct"])
        answered = ~unanswered(table)
        silent = int((~answered).sum())
        levels = _counted(table[answered], axis, form, hit[answered], n_bins)
    if len(levels) < 3:
        raise ValueError(
            f"`{axis}` must have at least 3 levels with trials, got {len(levels)}: "
            f"{levels['x'].tolist()}. Run trials at more levels."
        )
    units = table.attrs.get("units", {}).get(axis, "")
    return RateLevels(
        table=levels, axis=axis, units=units, form=form, event=event, n_no_response=silent
    )


def _counted(
    table: pd.DataFrame, axis: str, form: Form, hit: pd.Series, n_bins: int | None
) -> pd.DataFrame:
    rt, correct = reaction_times(table), scored(table["correct"])
    x = table[axis].to_numpy(float)
    # Times of errors are left out as they were in the paper; where no answer is right, all count.
    timed = rt.where(((correct == 1) | correct.isna()).to_numpy())
    rows = pd.DataFrame({"hit": hit.to_numpy(), "rt": timed.to_numpy()})
    groups = rows.groupby(level_of(x if form == "signed" else np.abs(x), n_bins))
    n = groups["rt"].count()
    # Times are known to a step: the variance of rounding is that of a uniform law.
    rounding = float(table.attrs.get("dt", 0.0)) ** 2 / 12
    sem = np.sqrt((groups["rt"].var() + rounding) / n)
    levels = pd.DataFrame(
        {
            "n_trials": groups["hit"].count(),
            "n_positive": groups["hit"].sum().astype(int),
            "n_rt": n,
            "mean_rt": groups["rt"].mean(),
            "sem_rt": sem.where(n >= FEWEST),
        }
    )
    if (levels["sem_rt"] == 0).any():
        raise ValueError(
            f"`rt` must vary within a level, got one value at {axis} = "
            f"{levels.index[levels['sem_rt'] == 0][0]:g}. Times of a network without noise do not: "
            "run it with noise, or leave the level out."
        )
    return levels.rename_axis("x").reset_index()


def _given(table: pd.DataFrame, axis: str, form: Form) -> pd.DataFrame:
    hits = "n_correct" if form == "absolute" else "n_positive"
    for name in ("n_trials", hits, "mean_rt", "sem_rt"):
        require(table, name)
    x = table[axis].to_numpy(float)
    levels = pd.DataFrame({"x": x if form == "signed" else np.abs(x)})
    levels["n_trials"] = table["n_trials"].astype(int)
    levels["n_positive"] = table[hits].astype(int)
    if not levels["n_positive"].between(0, levels["n_trials"]).all():
        raise ValueError(
            f"`{hits}` must be between 0 and `n_trials`, got {table[hits].tolist()} of "
            f"{table['n_trials'].tolist()}. Check the two columns."
        )
    levels["n_rt"] = levels["n_positive"] if form == "absolute" else levels["n_trials"]
    levels["mean_rt"] = table["mean_rt"].astype(float)
    levels["sem_rt"] = table["sem_rt"].astype(float)
    if not (levels["sem_rt"].dropna() > 0).all():
        raise ValueError(
            f"`sem_rt` must be above 0 or NaN, got {levels['sem_rt'].min():g}. Give the standard "
            "error of `mean_rt` in ms."
        )
    return levels.sort_values("x", ignore_index=True)
