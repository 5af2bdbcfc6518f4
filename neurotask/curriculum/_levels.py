"""Which levels of one of its numbers a task takes, and how finely."""

import dataclasses
import re
from typing import Any

import numpy as np

from neurotask._streams import Stream
from neurotask.behavior import behavior
from neurotask.distributions import Levels
from neurotask.task import Task
from neurotask.with_levels import at_level

_N_TRIALS = 16


def is_setting(task: Task, parameter: str) -> bool:
    """Return whether a parameter is a setting of the task (else it is a factor)."""
    return any(field.name == parameter for field in dataclasses.fields(task))


def is_strength(task: Task, parameter: str) -> bool:
    """Return whether a parameter is a factor with levels on both sides of 0."""
    if is_setting(task, parameter):
        return False
    factor = task.varying[parameter]
    return isinstance(factor, Levels) and factor.is_numeric and min(factor.values) < 0


def is_integer(task: Task, parameter: str) -> bool:
    """Return whether a parameter takes whole numbers only.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> is_integer(PerceptualDiscrimination(), "n_choices")
        True
    """
    if not is_setting(task, parameter):
        factor = task.varying[parameter]
        return isinstance(factor, Levels) and np.asarray(factor.values).dtype.kind == "i"
    (kind,) = (field.type for field in dataclasses.fields(task) if field.name == parameter)
    # A string where the file has `from __future__ import annotations`.
    words = re.findall(r"\w+", kind if isinstance(kind, str) else repr(kind))
    return "int" in words and "float" not in words


def grain(task: Task, parameter: str, level: float) -> float | None:
    """Return what levels are whole multiples of: 1 for whole numbers, dt for times; else None.

    Times are the phases, and what is taken a step of dt away from `level` but not half a step.
    """
    if is_integer(task, parameter):
        return 1.0
    dt = task.dt
    if is_setting(task, parameter) and parameter in task.durations:
        return dt
    on_grid = level % dt == 0
    if on_grid and not refusal(task, parameter, level + dt):
        return dt if refusal(task, parameter, level + dt / 2) else None
    return None


def refusal(task: Task, parameter: str, level: Any) -> str:
    """Return why a level cannot be trained and tested, "" where it can."""
    if is_strength(task, parameter) and level <= 0:
        return "It is a strength, whose sign is drawn, so it must be above 0."
    try:
        trials = at_level(task, parameter, level).batch(
            _N_TRIALS, seed=0, stream=Stream.TRIALS, index=0
        )
    except (TypeError, ValueError) as error:
        return str(error)
    if task.decision_rule is None:
        return ""
    scored = behavior(trials, trials.targets)["correct"].notna().any()
    return "" if scored else "In none of its trials an answer is right."


class Ladder:
    """The levels that a staircase goes up and down.

    Args:
        task: the task.
        parameter: the number of it.
        start: a level of the ladder.
        ratio: what a level is multiplied by to be a step higher.
        step: what is added instead; None: nothing is.
        lowest: the lowest level; None: as low as the task takes.
        highest: the highest level.
    """

    def __init__(
        self,
        task: Task,
        parameter: str,
        start: float,
        ratio: float,
        step: float | None,
        lowest: float | None,
        highest: float | None,
    ):
        self._task, self._parameter, self._ratio, self._step = task, parameter, ratio, step
        self._low = -np.inf if lowest is None else lowest
        self._high = np.inf if highest is None else highest
        self._grain, self._whole = grain(task, parameter, start), is_integer(task, parameter)
        self._refused: dict[float, bool] = {}

    def taken(self, level: float) -> float:
        """Return a level as the task takes it: rounded where it must be."""
        if self._grain is None:
            # Ten digits, so that a level is the same number however it was reached.
            return float(f"{level:.10g}")
        rounded = round(level / self._grain) * self._grain
        return round(rounded) if self._whole else float(rounded)

    def moved(self, level: float, steps: float) -> float:
        """Return the level some steps higher (below 0: lower); the same if it is not taken."""
        moved = level * self._ratio**steps if self._step is None else level + self._step * steps
        moved = float(np.clip(moved, self._low, self._high))
        return level if self._is_refused(self.taken(moved)) else moved

    def _is_refused(self, level: float) -> bool:
        if level not in self._refused:
            self._refused[level] = bool(refusal(self._task, self._parameter, level))
        return self._refused[level]
