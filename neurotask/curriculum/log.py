"""The log of a curriculum: one row an evaluation, in memory and as it goes on disk."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

# What each column is, in the order they stand in.
COLUMNS: dict[str, Any] = {
    "update": int,  # updates that the network has had
    "stage": int,  # place of the stage, from 0
    "name": str,  # name of the stage, or "target"
    "lesson": str,  # which of several tasks, "" where there is one
    "level": float,  # of a staircase; NaN elsewhere
    "metric": str,
    "value": float,
    "threshold": float,  # NaN: none
    "passed": bool,
    "event": str,  # "", "advance", "back", "stop", "end", "target"
    "loss": float,  # of training, mean since the evaluation before
    "trials": int,  # trained on so far
    "tested": int,  # trials of evaluations so far
}
EVENTS = ("advance", "back", "stop", "end", "target")


def as_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a DataFrame with a type a column, also where there is no row."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return table.astype({k: object if kind is str else kind for k, kind in COLUMNS.items()})


def as_line(values: Sequence[Any]) -> str:
    """Return values as a line of CSV; numbers come back as the same numbers."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def read_log(path: Path) -> pd.DataFrame:
    """Return the log in a file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [_typed(row) for row in csv.DictReader(file)]
    return as_table(rows)


def _typed(row: Mapping[str, str]) -> dict[str, Any]:
    kinds = COLUMNS | {"passed": lambda text: text == "True"}
    return {name: kind(row[name]) for name, kind in kinds.items()}
