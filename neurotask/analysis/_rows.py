"""What every analysis of behaviour reads: one row a trial, its stimulus, and the answer given."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, listed

NO_CHOICE = "none"
NETWORKS = ("network", "variant")  # dimensions of Sessions of several networks
_UNANSWERED = ("no_response", "broken_fixation")


def rows_of(data: Any, by: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a trial, or a level, with the attributes that name axis and choices.

    Args:
        data: a Session, or a table with one row a trial or a level.
        by: what its user groups by: a Session of several networks must be grouped by them.

    Returns:
        A table with the columns of the data, an index from 0, and in `attrs` those of the Session:
        `psychometric_axis`, `choices`, `dt`, and `units` of the columns where they are known.
    """
    if isinstance(data, pd.DataFrame):
        twice = data.columns[data.columns.duplicated()]
        if len(twice):
            raise ValueError(
                f"`data` must have each column once, got {twice[0]!r} twice. Drop one of them."
            )
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


def stimulus_axis(table: pd.DataFrame, axis: str | None) -> str:
    """Return the name of the stimulus: `axis`, or what the data say; its column is of numbers."""
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


def choices_of(data: pd.DataFrame | xr.Dataset) -> list[Any]:
    """The task's choices, from the least to the greatest of the axis; empty where not known."""
    # A file holds a list of one as the one.
    return np.atleast_1d(data.attrs.get("choices", [])).tolist()


def require(table: pd.DataFrame, column: str) -> None:
    """Raise unless the table has the column."""
    if column not in table:
        raise ValueError(
            f"`data` must have {column!r} for each row, got {listed(map(str, table.columns))}. "
            "Give a Session with behaviour, as model.run(trials) returns, or add it."
        )


def unanswered(table: pd.DataFrame) -> pd.Series:
    """Return whether a trial has no valid choice, (trial,)."""
    silent = pd.Series(False, index=table.index)
    if len(choices_of(table)) == 1:
        # Going or not (or yes and no): to make no choice is the other answer.
        return table["outcome"] == "broken_fixation" if "outcome" in table else silent
    if "choice" in table:
        silent |= table["choice"].isna() | (table["choice"] == NO_CHOICE)
    if "outcome" in table:
        silent |= table["outcome"].isin(_UNANSWERED)
    return silent


def scored(column: pd.Series) -> pd.Series:
    """Return right (1), wrong (0) or NaN, where no answer is right, as floats, (trial,)."""
    correct = pd.to_numeric(column, errors="coerce").astype(float)
    words = column[column.notna() & correct.isna()]
    if len(words):
        raise ValueError(
            f"`correct` must be 0, 1 or NaN for each trial, got {words.iloc[0]!r}. Put numbers in "
            "place of words."
        )
    wrong = correct[~(correct.isna() | correct.isin([0, 1]))]
    if len(wrong):
        raise ValueError(
            f"`correct` must be 0, 1 or NaN for each trial, got {wrong.iloc[0]:g}. "
            "Give counts as `n_trials` and `n_correct`."
        )
    return correct


def positive_choice(table: pd.DataFrame, choice: Any) -> Any:
    """The choice that P is the probability of."""
    made = table["choice"][~unanswered(table)]
    options = choices_of(table) or sorted(made.unique().tolist())
    if choice is None and len(choices_of(table)) in (1, 2):
        return options[-1]
    if choice is None and set(options) <= {0, 1}:
        return 1
    if choice is None or (choice not in options and len(options) > 1):
        raise ValueError(
            f"`choice` must be the choice that P is the probability of, one of "
            f'{listed(map(str, options))}, got {choice!r}. Name it, as in choice="right".'
        )
    return choice
