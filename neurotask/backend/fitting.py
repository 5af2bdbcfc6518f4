"""Whether tasks and trials fit a network: the same channels, the same time step."""

from collections.abc import Sequence
from typing import Any

from neurotask._checks import listed
from neurotask.curriculum.adaptive import Adaptive
from neurotask.curriculum.curriculum import Curriculum, as_curriculum
from neurotask.curriculum.stage import Stage
from neurotask.task import Task
from neurotask.trials import Trials


def check_task(
    task: Any, inputs: Sequence[str], outputs: Sequence[str], dt: float, kind: str
) -> None:
    """Raise unless a task has a network's channels and time step.

    Args:
        task: the task.
        inputs: names of the network's input channels.
        outputs: names of its output channels.
        dt: its step in ms.
        kind: class of the network, for the message.
    """
    if not isinstance(task, Task):
        raise TypeError(f"`task` must be a Task, got {type(task).__name__}.")
    for name, names, wanted in (
        ("inputs", task.inputs, inputs),
        ("outputs", task.outputs, outputs),
    ):
        if tuple(names) != tuple(wanted):
            raise ValueError(
                f"`task` must have the model's {name} {tuple(wanted)}, got {tuple(names)}. Make a "
                f"model for it: {kind}.for_task(task, ...)."
            )
    if task.dt != dt:
        raise ValueError(
            f"`task` must have the model's dt = {dt:g} ms, got {task.dt:g} ms. "
            f"Use model.with_dt({task.dt:g}) or task.replace(dt={dt:g})."
        )


def check_curriculum(
    curriculum: Curriculum, inputs: Sequence[str], outputs: Sequence[str], dt: float, kind: str
) -> None:
    """Raise unless a network has all channels of a curriculum, and its time step."""
    for task in curriculum.tasks:
        for name, needed, there in (
            ("inputs", task.inputs, inputs),
            ("outputs", task.outputs, outputs),
        ):
            missing = [channel for channel in needed if channel not in there]
            if missing:
                raise ValueError(
                    f"`source` must have the model's {name}, but {type(task).__name__} has "
                    f"{listed(missing)}, which the model lacks. Make a model with the channels of "
                    f"all stages: {kind}.for_task(curriculum, ...)."
                )
    if curriculum.dt != dt:
        raise ValueError(
            f"`source` must have the model's dt = {dt:g} ms, got {curriculum.dt:g} ms. Use "
            f"model.with_dt({curriculum.dt:g}) or tasks with dt={dt:g}."
        )


def curriculum_of(name: str, source: Any) -> Curriculum:
    """Return a curriculum, or what a stage may hold as one; `name` is what the message calls it."""
    if not isinstance(source, (Curriculum, Stage, Adaptive, Task, list, tuple)):
        raise TypeError(
            f"`{name}` must be a Task or a Curriculum, got {source!r}. Load a task with "
            "neurotask.load()."
        )
    return as_curriculum(source)


def check_trials(
    trials: Any, inputs: Sequence[str], outputs: Sequence[str], dt: float, kind: str = "RateRNN"
) -> None:
    """Raise unless trials have a network's channels and time step; see `check_task`."""
    if not isinstance(trials, Trials):
        raise TypeError(
            f"`trials` must be Trials, got {type(trials).__name__}. "
            "Make some with task.trials(n) or task.grid(repeats=n)."
        )
    check_task(trials.task, inputs, outputs, dt, kind)
