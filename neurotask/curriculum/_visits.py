"""What the log of a curriculum says of its stages: when each was visited, and what was tested."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd


class Visit(NamedTuple):
    """A stretch of training in one stage: updates from `start` (exclusive) to `stop`."""

    stage: int
    start: float
    stop: float


def is_of_target(log: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Return which rows are evaluations of the target, also where a stage has that name.

    Example:
        >>> rows = pd.DataFrame({"stage": [0, 0, 1], "name": ["easy", "target", "target"]})
        >>> is_of_target(rows, ("easy", "target")).tolist()
        [False, True, False]
    """
    of_stage = [names[place] for place in log["stage"]]
    return (log["name"] == "target") & (np.array(of_stage, object) != "target")


def own_rows(log: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the evaluations of stages, those of the target left out."""
    return log[~is_of_target(log, names)]


def visits(log: pd.DataFrame) -> list[Visit]:
    """Return the visits to stages in order, each from where the one before ends.

    Example:
        >>> rows = {"update": [50, 100, 150], "stage": [0, 0, 1], "event": ["", "advance", ""],
        ...         "trials": [400, 800, 1200]}
        >>> visits(pd.DataFrame(rows))
        [Visit(stage=0, start=0.0, stop=100), Visit(stage=1, start=100, stop=150)]
    """
    found: list[Visit] = []
    for row in log.itertuples():
        stage, update = int(row.stage), int(row.update)
        if found and found[-1].stage == stage:
            found[-1] = found[-1]._replace(stop=update)
        else:
            found.append(Visit(stage, found[-1].stop if found else _start(log), update))
    return found


def spans(own: pd.DataFrame, visit: Visit) -> dict[int, tuple[float, float]]:
    """Return the updates from the evaluation before to each of a visit, by its index."""
    rows = own[own["update"].between(visit.start, visit.stop, inclusive="right")]
    rows = rows[rows["stage"] == visit.stage]
    starts = [visit.start, *rows["update"].iloc[:-1]]
    return dict(zip(rows.index, zip(starts, rows["update"], strict=True), strict=True))


def spent(log: pd.DataFrame, stage: int) -> int:
    """Return how many updates a stage has had, up to its last evaluation."""
    return sum(int(visit.stop - visit.start) for visit in visits(log) if visit.stage == stage)


def _start(log: pd.DataFrame) -> float:
    """Return how many updates the network had before: trials grow from 0, updates may not."""
    first = log.iloc[0]
    later = log[log["update"] > first["update"]]
    alike = later[later["stage"] == first["stage"]]  # as many trials an update, for certain
    later = later if alike.empty else alike
    if later.empty:
        return 0.0
    second = later.iloc[0]
    an_update = (second["trials"] - first["trials"]) / (second["update"] - first["update"])
    return float(max(0.0, first["update"] - first["trials"] / an_update)) if an_update else 0.0
