"""What a training on a curriculum trained on, and how much of each, from its log."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurotask.curriculum._visits import is_of_target, visits
from neurotask.curriculum.adaptive import Adaptive
from neurotask.curriculum.curriculum import Curriculum
from neurotask.curriculum.staircase import Staircase
from neurotask.task import Task


def trained_on(
    to: Curriculum | pd.DataFrame, tasks: Sequence[Task] | None
) -> dict[str, tuple[Task, int]]:
    """Return each task that was trained, by name, with its updates, in the order of first visits.

    Args:
        to: a curriculum after training, or its log.
        tasks: the task of each stage; None: the curriculum's own.
    """
    to = getattr(to, "curriculum", to)  # of a run
    if not isinstance(to, (Curriculum, pd.DataFrame)):
        raise TypeError(
            f"`to` must be a curriculum that was trained, its run or its log, got {to!r}."
        )
    log = to.log if isinstance(to, Curriculum) else to
    if log.empty:
        raise ValueError(
            "`to` must be a curriculum that was trained, got one with an empty log. Train on it "
            "first, with model.fit(curriculum, ...)."
        )
    if tasks is None and not isinstance(to, Curriculum):
        raise ValueError(
            "`tasks` must be given beside a log: the task of each stage. Or give the curriculum."
        )
    last = int(log["stage"].max())
    if tasks is not None and len(tasks) <= last:
        raise ValueError(
            f"`tasks` must be one a stage of the log, {last + 1} or more, got {len(tasks)}."
        )
    now = None if tasks is not None else [stage.tasks[-1] for stage in to.stages]  # type: ignore
    found: dict[str, tuple[Task, int]] = {}
    names = to.names if isinstance(to, Curriculum) else None
    for row, updates in _spans(log, names):
        place = int(row["stage"])
        if now is None:
            name, task = _stage_name(to, log, place), tasks[place]  # type: ignore[index]
        else:
            name, task = _of(to, row, now)  # type: ignore[arg-type]
        found[name] = task, updates + (found[name][1] if name in found else 0)
    return found


def _spans(log: pd.DataFrame, names: Sequence[str] | None) -> Iterator[tuple[pd.Series, int]]:
    """Yield the evaluations of stages with the updates since the one before.

    Where training went on for the target, its last evaluation ends the last span.
    """
    of_target = log["name"] == "target" if names is None else is_of_target(log, names)
    own = ~of_target.to_numpy()
    own[-1] = True
    before = int(visits(log)[0].start)
    for _, row in log[own].iterrows():
        if row["update"] > before:
            yield row, int(row["update"]) - before
        before = int(row["update"])


def _stage_name(to: Any, log: pd.DataFrame, place: int) -> str:
    """Return the name of a stage, with its place where others have the name too."""
    named = log[log["name"] != "target"].drop_duplicates("stage").set_index("stage")["name"]
    name = str(named.get(place, f"stage {place + 1}"))
    return name if (named == name).sum() <= 1 else f"{name} ({place + 1})"


def _of(to: Curriculum, row: pd.Series, now: list[Task]) -> tuple[str, Task]:
    """Return what was trained before an evaluation, and its name; keeps track of it in `now`."""
    place = int(row["stage"])
    kind, name = to.stages[place].task, to.names[place]
    if to.names.count(name) > 1:
        name = f"{name} ({place + 1})"
    if isinstance(kind, Staircase) and not np.isnan(row["level"]):
        now[place], name = kind.at(row["level"]), f"{name} {row['level']:g}"
    elif isinstance(kind, Adaptive) and row["lesson"]:
        now[place] = kind.tasks[kind.lessons.index(row["lesson"])]  # type: ignore[attr-defined]
        name = f"{name}: {row['lesson']}"
    return name, to.training_task(place, now[: place + 1])
