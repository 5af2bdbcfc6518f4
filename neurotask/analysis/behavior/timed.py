"""Trials with an answer and a reaction time: what analyses of reaction times read."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from neurotask._checks import choose
from neurotask.analysis._rows import require, rows_of, scored, stimulus_axis, unanswered
from neurotask.analysis.behavior.levels import level_of

Form = Literal["signed", "absolute"]

_FEWEST_MS = 20.0  # reaction times that are all below it are not in ms


@dataclass(frozen=True, eq=False, kw_only=True)
class Timed:
    """Answered trials with a reaction time, and how many others there were.

    Args:
        rows: one row a trial: `x` (level of the stimulus), `rt` (ms), `correct` (1, 0, or NaN where
            no answer is right).
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        form: whether `x` carries a sign.
        n_no_response: trials left out because no valid choice was made.
        n_no_rt: trials left out because an answer has no reaction time.
    """

    rows: pd.DataFrame
    axis: str
    units: str
    form: Form
    n_no_response: int
    n_no_rt: int


def timed(data: Any, axis: str | None, form: Form | None, n_bins: int | None = None) -> Timed:
    """Return the trials of a Session or table that have an answer and a reaction time."""
    table = rows_of(data, ())
    axis = stimulus_axis(table, axis)
    require(table, "correct")
    rt, silent = reaction_times(table), unanswered(table)
    used = ~silent & rt.notna()
    signed = bool((table[axis] < 0).any())
    form = ("signed" if signed else "absolute") if form is None else form
    choose("form", form, ("signed", "absolute"))
    x = table[axis].to_numpy(float)[used]
    rows = {
        "x": level_of(x if form == "signed" else np.abs(x), n_bins),
        "rt": rt[used].to_numpy(),
        "correct": scored(table["correct"])[used].to_numpy(),
    }
    return Timed(
        rows=pd.DataFrame(rows),
        axis=axis,
        units=table.attrs.get("units", {}).get(axis, ""),
        form=form,
        n_no_response=int(silent.sum()),
        n_no_rt=int((~silent & rt.isna()).sum()),
    )


def reaction_times(table: pd.DataFrame, column: str = "rt") -> pd.Series:
    """Return the reaction times in ms, NaN where there is none, (trial,).

    Raises:
        ValueError: if there are none at all, or they are no numbers or cannot be in ms.
    """
    require(table, column)
    rt = pd.to_numeric(table[column], errors="coerce").astype(float)
    words = table[column][table[column].notna() & rt.isna()]
    if len(words):
        raise ValueError(
            f"`{column}` must be numbers in ms, got {words.iloc[0]!r}. Put NaN where there is none."
        )
    if rt.isna().all():
        raise ValueError(
            f"`{column}` must be known for some trials, got none of {len(rt)}. A task whose answer "
            "is read at a set time has no reaction times: give it a rule that has, as "
            'decision_rule = Threshold(1.0, from_="stimulus").'
        )
    if np.isinf(rt).any() or (rt < 0).any():
        raise ValueError(
            f"`{column}` must be 0 or more and finite, got "
            f"{rt[np.isinf(rt) | (rt < 0)].iloc[0]:g}. Set it to NaN where there was no response."
        )
    in_ms(column, rt)
    return rt


def in_ms(column: str, times: pd.Series) -> None:
    """Raise if times are so short that they cannot be in ms."""
    if 0 < times.max() < _FEWEST_MS:
        raise ValueError(
            f"`{column}` must be in ms, got values of at most {times.max():g}. If they are in "
            "seconds, multiply them by 1000."
        )


def axis_label(axis: str, units: str, x: np.ndarray) -> tuple[str, float]:
    """Return the label of the axis of a figure, and what its values are shown times."""
    words = axis.replace("_", " ")
    if "coherence" in axis and not units and np.abs(x).max(initial=0.0) <= 1:
        return f"{words} (%)", 100.0
    return (f"{words} ({units})" if units else words), 1.0
