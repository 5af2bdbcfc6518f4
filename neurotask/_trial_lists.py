"""An animal's list of trials as a batch: the network is shown what the animal was shown."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotask._checks import listed
from neurotask._streams import Stream
from neurotask.distributions import OwnChoice
from neurotask.trials import ARRAYS, AXES, SCORED, Trials

if TYPE_CHECKING:
    from neurotask.task import Task


def trials_from(task: "Task", table: Any, seed: int) -> Trials:
    """Return the trials of a table; see `Task.trials_from`."""
    table = _frame(table)
    if not len(table):
        raise ValueError("`table` must hold one trial or more, got none.")
    known = [name for name in table if name in task.settable]
    if not known:
        raise ValueError(
            f"`table` must have a column named as a factor or a phase of {type(task).__name__}, "
            f"{listed(task.settable)}, got {listed(table)}."
        )
    blocks = task.trials_per_block is not None
    carried = [name for name in table if name not in known and not (blocks and name == "block")]
    for name in carried:
        if name in (*SCORED, *AXES, *ARRAYS):
            raise ValueError(
                f"`{name}` must not be a column of the table: the network's behaviour has one of "
                f'this name. Rename it, for example to "animal_{name}".'
            )
    for name in known:
        # In a mixture a condition is missing where another task's trial lacks it.
        own = name in task.varying or name in task.durations
        if own and table[name].isna().any():
            row = int(table[name].isna().to_numpy().argmax())
            done = isinstance(task.varying.get(name), OwnChoice)
            cure = 'Write "none" where there was no response.' if done else "Drop these rows."
            raise ValueError(
                f"`{name}` must be given in every row of the table, but is missing in row {row}. "
                f"{cure}"
            )
    shape = _shape(task, table)
    given = {name: _plain(table[name]).reshape(shape) for name in known}
    trials = task.batch(shape[0], seed=seed, stream=Stream.TRIALS, index=0, conditions=given)
    for name in carried:
        if name in trials.columns:
            raise ValueError(
                f"`{name}` must not be a column of the table: {type(task).__name__} derives a "
                "condition of this name. Rename it."
            )
        trials.columns[name] = table[name].to_numpy()
    return trials


def _frame(table: Any) -> pd.DataFrame:
    """Return a table as a new DataFrame, rows and columns named plainly, or raise."""
    if isinstance(table, (str, os.PathLike)):
        path = os.fspath(table)
        raise TypeError(
            f"`table` must be a table of trials, got {path!r}. Read it first: "
            f"pd.read_csv({path!r})."
        )
    try:
        frame = pd.DataFrame(table).reset_index(drop=True).rename(columns=str)
    except (ValueError, TypeError) as error:
        raise TypeError(
            f"`table` must be a table of trials, got {type(table).__name__}, of which pandas makes "
            f"none: {error}. Give a DataFrame or a dict of columns."
        ) from error
    names = list(frame.columns)
    for at, name in enumerate(names):
        if names.index(name) < at:
            raise ValueError(
                f"`table` must have one column of each name, got {name!r} more than once. Rename "
                "or drop one."
            )
        if "/" in name:
            raise ValueError(
                f"`{name}` must be a name without /, which files of Sessions cannot keep. Rename "
                f"it, for example to {name.replace('/', '_')!r}."
            )
        lists = frame[name].map(pd.api.types.is_list_like).to_numpy(bool)
        if lists.any():
            row = int(lists.argmax())
            raise ValueError(
                f"`{name}` must hold one value a trial, got {frame[name].iloc[row]!r} in row "
                f"{row}. Give its entries columns of their own, or drop it."
            )
    return frame


def _shape(task: "Task", table: pd.DataFrame) -> tuple[int, ...]:
    """Return the shape of conditions: (trial,), or (block, trial) for a block task."""
    k = task.trials_per_block
    if k is None:
        return (len(table),)
    if "block" not in table:
        raise ValueError(
            f'`table` must have a column "block", since {type(task).__name__} has {k} trials in '
            "each of its rows."
        )
    labels = table["block"].to_numpy()
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(table)]]))
    if (lengths != k).any():
        wrong = lengths[lengths != k][0]
        raise ValueError(
            f"`table` must have blocks of {k} trials, got one of {wrong}. Use "
            f"task.replace(trials_per_block={wrong}) where all are alike, or drop incomplete ones."
        )
    return len(table) // k, k


def _plain(column: pd.Series) -> np.ndarray:
    """Return a column as an array of numbers, booleans or strings."""
    values = column.to_numpy()
    if values.dtype.kind != "O":
        return values
    # Strings, and what has gaps, come out of pandas as objects.
    return np.array([np.nan if pd.isna(value) else value for value in values])
