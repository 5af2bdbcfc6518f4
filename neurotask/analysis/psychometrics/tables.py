"""From a Session, a table of trials or a table of counts to the rows that a curve is fitted to."""

from collections.abc import Hashable
from typing import Any, get_args

import numpy as np
import pandas as pd

from neurotask._checks import choose
from neurotask.analysis._groups import grouping
from neurotask.analysis._rows import (
    choices_of,
    positive_choice,
    require,
    rows_of,
    scored,
    stimulus_axis,
    unanswered,
)
from neurotask.analysis.psychometrics.counts import Counts, Form, count


def tabulate(
    data: Any, axis: str | None, by: tuple[str, ...], form: Form | None, choice: Any
) -> dict[Hashable, Counts]:
    """Return the counts of each group, in sorted order; the one key is () where `by` is empty."""
    table = rows_of(data, by)
    axis = stimulus_axis(table, axis)
    groups_of = grouping(table, by)
    form = _form(table, axis, form)
    event, rows = _event(table, form, choice)
    rows["x"] = table[axis].abs() if form == "nafc" else table[axis]
    about = {"axis": axis, "form": form, "event": event} | _known(table, axis)
    if not by:
        return {(): count(rows, about, "")}
    keys = groups_of if len(by) > 1 else groups_of[0]
    groups = rows.groupby(keys, sort=True, observed=True)
    return {key: count(group, about, f" where {', '.join(by)} is {key}") for key, group in groups}


def _known(table: pd.DataFrame, axis: str) -> dict[str, Any]:
    """What the attributes tell: the unit of the axis, the task's levels, the number of choices."""
    levels = table.attrs.get("psychometric_levels")
    return {
        "units": table.attrs.get("units", {}).get(axis, ""),
        "task_levels": None if levels is None else np.atleast_1d(np.asarray(levels, float)),
        "n_choices": len(choices_of(table)) or None,
    }


def _form(table: pd.DataFrame, axis: str, form: Form | None) -> Form:
    """The form asked for, or the one that fits the sign of the axis and the columns there are."""
    if form is not None:
        choose("form", form, get_args(Form))
        return form
    signed, nafc = ("n_positive", "n_correct") if "n_trials" in table else ("choice", "correct")
    if nafc not in table:
        return "signed"
    two_sided = bool((table[axis] < 0).any()) and len(choices_of(table)) in (0, 1, 2)
    return "signed" if signed in table and two_sided else "nafc"


def _event(table: pd.DataFrame, form: Form, choice: Any) -> tuple[str, pd.DataFrame]:
    """What P is the probability of, and the rows as counts, those of left-out trials among them."""
    if "n_trials" in table:
        column = "n_correct" if form == "nafc" else "n_positive"
        named = "positive" if choice is None else str(choice)
        return "correct" if form == "nafc" else named, _given(table, column)
    require(table, "correct" if form == "nafc" else "choice")
    silent = unanswered(table)
    if form == "nafc":
        correct = scored(table["correct"])
        return "correct", _trials(~silent & correct.notna(), correct == 1, silent)
    positive = positive_choice(table, choice)
    event = positive if isinstance(positive, str) else f"choice = {positive:g}"
    return event, _trials(~silent, table["choice"] == positive, silent)


def _trials(counted: pd.Series, positive: pd.Series, silent: pd.Series) -> pd.DataFrame:
    columns = {
        "n_trials": counted,
        "n_positive": counted & positive,
        "n_no_response": silent,
        "n_unscored": ~counted & ~silent,
    }
    return pd.DataFrame(columns).astype(float)


def _given(table: pd.DataFrame, column: str) -> pd.DataFrame:
    require(table, column)
    n, k = table["n_trials"].astype(float), table[column].astype(float)
    for name, counts in (("n_trials", n), (column, k)):
        wrong = counts[~((counts >= 0) & (counts % 1 == 0))]
        if len(wrong):
            raise ValueError(
                f"`{name}` must be whole numbers of 0 or more, got {wrong.iloc[0]:g}. "
                "Give counts, not proportions."
            )
    if (k > n).any():
        row = int(np.argmax(k > n))
        raise ValueError(
            f"`{column}` must be at most `n_trials`, got {k[row]:g} of {n[row]:g} in row {row}. "
            "Check the two columns."
        )
    return pd.DataFrame({"n_trials": n, "n_positive": k, "n_no_response": 0.0, "n_unscored": 0.0})
