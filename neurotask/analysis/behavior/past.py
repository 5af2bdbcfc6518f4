"""What came before each trial: the values of trials in its past, within a block or session."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurotask._checks import choose, listed
from neurotask.analysis._rows import NETWORKS, choices_of, positive_choice, rows_of, unanswered


def in_order(data: Any, by: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a trial, network by network and block by block, each in its own order."""
    table = rows_of(data, by)
    names = [name for name in (*NETWORKS, "block") if name in getattr(data, "dims", ())]
    if not names:
        return table
    runs = table.groupby(names, sort=False).ngroup().to_numpy()
    return table.iloc[np.argsort(runs, kind="stable")].reset_index(drop=True)


def runs_of(table: pd.DataFrame, session: Sequence[str]) -> np.ndarray:
    """Return the number of the stretch that each row belongs to, across which no past reaches.

    Edges are those of networks, of the columns `session`, and of the blocks of a block task.
    """
    for name in session:
        choose("session", name, map(str, table.columns))
    own = ["block"] if {"block", "trial_in_block"} <= set(table.columns) else []
    names = [*(n for n in NETWORKS if n in table), *own, *session]
    if not names:
        return np.zeros(len(table), int)
    return table.groupby(list(dict.fromkeys(names)), sort=False, dropna=False).ngroup().to_numpy()


def past(values: Any, runs: np.ndarray, lag: int, trial: np.ndarray | None = None) -> np.ndarray:
    """Return the value of the trial `lag` before, (row,); NaN where there is none.

    Args:
        values: one a row, as floats.
        runs: the stretch of each row.
        lag: 1 for the trial before.
        trial: numbers of the trials, where they are known: trials that were dropped leave a gap,
            and what is not exactly `lag` back is not known.
    """
    shifted = pd.Series(np.asarray(values, float)).groupby(runs).shift(lag).to_numpy()
    if trial is not None:
        before = pd.Series(trial.astype(float)).groupby(runs).shift(lag).to_numpy()
        shifted = np.where(trial - before == lag, shifted, np.nan)
    return shifted


def numbers_of(table: pd.DataFrame) -> np.ndarray | None:
    """Return the numbers of the trials within their block or session, None where not known."""
    name = "trial_in_block" if "trial_in_block" in table else "trial"
    if name not in table or not pd.api.types.is_integer_dtype(table[name]):
        return None
    return table[name].to_numpy()


def sides(table: pd.DataFrame, positive: Any) -> np.ndarray:
    """Return 1 for the positive choice, -1 for the other, NaN for none, (row,)."""
    side = np.where(table["choice"] == positive, 1.0, -1.0)
    return np.where(unanswered(table), np.nan, side)


def one_of_two(table: pd.DataFrame, choice: Any) -> Any:
    """Return the positive choice of a table in which no more than two are made."""
    made = sorted(table["choice"][~unanswered(table)].unique().tolist())
    if len(choices_of(table)) != 1 and len(made) > 2:
        raise ValueError(
            f"`choice` must have two values, got {listed(map(str, made))}. Keep the trials of two "
            "of them."
        )
    return positive_choice(table, choice)
