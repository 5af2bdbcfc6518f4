"""From a Session, a table of trials or a table of counts to the rows that a curve is fitted to."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, listed
from neurotask.analysis._counts import Counts, Form, count

NO_CHOICE = "none"
NETWORKS = ("network", "variant")  # dimensions of Sessions of several networks
_UNANSWERED = ("no_response", "broken_fixation")


def tabulate(
    data: Any, axis: str | None, by: tuple[str, ...], form: Form | None, choice: Any
) -> dict[Hashable, Counts]:
    """Return the counts of each group, in sorted order; the one key is () where `by` is empty."""
    table = _table(data, by)
    axis = _axis(table, axis)
    for name in by:
        choose("by", name, map(str, table.columns))
    form = _form(table, axis, form)
    event, rows = _event(table, form, choice)
    rows["x"] = table[axis].abs() if form == "nafc" else table[axis]
    about = {"axis": axis, "form": form, "event": event} | _known(table, axis)
    if not by:
        return {(): count(rows, about, "")}
    keys = [table[name] for name in by]
    groups = rows.groupby(keys if len(keys) > 1 else keys[0], sort=True, observed=True)
    return {key: count(group, about, f" where {', '.join(by)} is {key}") for key, group in groups}


def _table(data: Any, by: tuple[str, ...]) -> pd.DataFrame:
    """One row a trial, or a level, with the attributes that name axis and choices."""
    if isinstance(data, pd.DataFrame):
        return data.reset_index(drop=True)
    if not isinstance(data, xr.Dataset):
        raise TypeError(
            f"`data` must be a Session or a pandas DataFrame, got {type(data).__name__}. "
            "Give what model.run(trials) returned, or a table with one row a trial."
        )
    if "trial" not in data.dims:
        raise ValueError(
            f"`data` must have a dimension 'trial', got {listed(map(str, data.dims))}. "
            "Give what model.run(trials) returned."
        )
    for name in NETWORKS:
        if name in data.dims and name not in by:
            raise ValueError(
                f"`by` must contain {name!r} where the Session holds several {name}s, got {by}. "
                "The network is the unit: fit each, then compare the fits."
            )
    rows = {"trial", "block", *NETWORKS}
    names = [name for name, c in data.coords.items() if "trial" in c.dims and rows >= set(c.dims)]
    columns = {str(name): data[name].reset_coords(drop=True) for name in names}
    table = xr.Dataset(columns).to_dataframe().reset_index()
    table.attrs = dict(data.attrs)
    table.attrs["units"] = {name: c.attrs.get("units", "") for name, c in columns.items()}
    return table


def _axis(table: pd.DataFrame, axis: str | None) -> str:
    axis = table.attrs.get("psychometric_axis") if axis is None else axis
    columns = [str(name) for name in table.columns]
    if axis is None:
        raise ValueError(
            f"`axis` must name the stimulus, one of {listed(columns)}, got None. The data have no "
            'attribute "psychometric_axis"; say it here, as in axis="coherence".'
        )
    choose("axis", axis, columns)
    values = table[axis]
    if not pd.api.types.is_numeric_dtype(values):
        raise TypeError(f"`axis` must be a column of numbers, got {axis!r} of type {values.dtype}.")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(
            f"`axis` must be finite, got {bad} missing or infinite values in {axis!r}. "
            "Drop these trials first."
        )
    return axis


def _known(table: pd.DataFrame, axis: str) -> dict[str, Any]:
    """What the attributes tell: the unit of the axis, the task's levels, the number of choices."""
    levels = table.attrs.get("psychometric_levels")
    return {
        "units": table.attrs.get("units", {}).get(axis, ""),
        "task_levels": None if levels is None else np.atleast_1d(np.asarray(levels, float)),
        "n_choices": len(_choices(table)) or None,
    }


def _form(table: pd.DataFrame, axis: str, form: Form | None) -> Form:
    """The form asked for, or the one that fits the sign of the axis and the columns there are."""
    if form is not None:
        return "signed" if choose("form", form, ("signed", "nafc")) == "signed" else "nafc"
    signed, nafc = ("n_positive", "n_correct") if "n_trials" in table else ("choice", "correct")
    if nafc not in table:
        return "signed"
    two_sided = bool((table[axis] < 0).any()) and len(_choices(table)) in (0, 1, 2)
    return "signed" if signed in table and two_sided else "nafc"


def _choices(table: pd.DataFrame) -> list[Any]:
    """The task's choices, from the least to the greatest of the axis; empty where not known."""
    return list(table.attrs.get("choices", ()))


def _event(table: pd.DataFrame, form: Form, choice: Any) -> tuple[str, pd.DataFrame]:
    """What P is the probability of, and the rows as counts, those of left-out trials among them."""
    if "n_trials" in table:
        column = "n_positive" if form == "signed" else "n_correct"
        named = "positive" if choice is None else str(choice)
        return named if form == "signed" else "correct", _given(table, column)
    _require(table, "choice" if form == "signed" else "correct")
    silent = _unanswered(table)
    if form == "nafc":
        correct = _correct(table["correct"])
        return "correct", _trials(~silent & correct.notna(), correct == 1, silent)
    positive = _positive(table, choice)
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
    _require(table, column)
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


def _require(table: pd.DataFrame, column: str) -> None:
    if column not in table:
        raise ValueError(
            f"`data` must have {column!r} for each row, got {listed(map(str, table.columns))}. "
            "Give a Session with behaviour, as model.run(trials) returns, or add it."
        )


def _unanswered(table: pd.DataFrame) -> pd.Series:
    silent = pd.Series(False, index=table.index)
    if len(_choices(table)) == 1:
        # Going or not (or yes and no): to make no choice is the other answer.
        return table["outcome"] == "broken_fixation" if "outcome" in table else silent
    if "choice" in table:
        silent |= table["choice"].isna() | (table["choice"] == NO_CHOICE)
    if "outcome" in table:
        silent |= table["outcome"].isin(_UNANSWERED)
    return silent


def _correct(column: pd.Series) -> pd.Series:
    correct = column.astype(float)
    wrong = correct[~(correct.isna() | correct.isin([0, 1]))]
    if len(wrong):
        raise ValueError(
            f"`correct` must be 0, 1 or NaN for each trial, got {wrong.iloc[0]:g}. "
            "Give counts as `n_trials` and `n_correct`."
        )
    return correct


def _positive(table: pd.DataFrame, choice: Any) -> Any:
    """The choice that P is the probability of."""
    made = table["choice"][~_unanswered(table)]
    options = _choices(table) or sorted(made.unique().tolist())
    if choice is None and len(_choices(table)) in (1, 2):
        return options[-1]
    if choice is None and set(options) <= {0, 1}:
        return 1
    if choice is None or (choice not in options and len(options) > 1):
        raise ValueError(
            f"`choice` must be the choice that P is the probability of, one of "
            f'{listed(map(str, options))}, got {choice!r}. Name it, as in choice="right".'
        )
    return choice
