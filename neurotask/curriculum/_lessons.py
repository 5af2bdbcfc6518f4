"""Several tasks of which one at a time is trained: their checks and their names."""

import dataclasses
from typing import Any

from neurotask.distributions import plain
from neurotask.multitask import snake
from neurotask.task import Task


def checked_tasks(tasks: Any) -> tuple[Task, ...]:
    """Return a list of tasks as a tuple, or raise."""
    given = tuple(tasks) if isinstance(tasks, (list, tuple)) else ()
    if not given or not all(isinstance(task, Task) for task in given):
        raise ValueError(
            f"`tasks` must be a list of one task or more, got {tasks!r}. Load tasks with "
            "neurotask.load()."
        )
    return given


def checked_names(names: Any, tasks: tuple[Task, ...]) -> tuple[str, ...] | None:
    """Return a name for each task as a tuple, or raise; None stays."""
    names = plain(names)
    if names is None:
        return None
    good = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
    if not good or len(names) != len(tasks) or len(set(names)) < len(names):
        raise ValueError(
            f"`names` must be a different name for each of the {len(tasks)} tasks, got {names!r}."
        )
    return names


def lesson_names(tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """Return a name for each task: what tells it from others of its kind, or its kind.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> lesson_names(tuple(PerceptualDiscrimination(delay=d) for d in (0.0, 200.0)))
        ('delay 0', 'delay 200')
    """
    names = [_name(task, [other for other in tasks if type(other) is type(task)]) for task in tasks]
    return tuple(
        f"{name} ({place + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    )


def _name(task: Task, alike: list[Task]) -> str:
    kind = snake(type(task).__name__)
    settings = [
        field.name
        for field in dataclasses.fields(task)
        if any(getattr(task, field.name) != getattr(other, field.name) for other in alike)
    ]
    parts = [f"{name} {_brief(getattr(task, name))}" for name in settings]
    return ", ".join(parts) if parts and all(len(part) < 40 for part in parts) else kind


def _brief(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_brief, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
