"""Several tasks as one: on the channels of all, mixed by trial."""

from collections.abc import Sequence

from neurotask.multitask import MultiTask, snake
from neurotask.on_channels import on_channels
from neurotask.task import Task

Channels = tuple[tuple[str, ...], tuple[str, ...]]


def channels_of(tasks: Sequence[Task]) -> Channels:
    """Return all inputs and all outputs of several tasks, in the order in which they come up."""
    inputs = dict.fromkeys(name for task in tasks for name in task.inputs)
    outputs = dict.fromkeys(name for task in tasks for name in task.outputs)
    return tuple(inputs), tuple(outputs)


def mixed(tasks: Sequence[Task], weights: Sequence[float], channels: Channels) -> Task:
    """Return tasks on some channels, mixed by trial; one alone as it is."""
    wide = [on_channels(task, *channels) for task in tasks]
    if len(wide) == 1:
        return wide[0]
    return MultiTask(tuple(wide), names=_names(tasks), weights=tuple(weights), rule_cue=False)


def _names(tasks: Sequence[Task]) -> tuple[str, ...]:
    kinds = [snake(type(task).__name__) for task in tasks]
    counted = {kind: kinds.count(kind) for kind in kinds}
    seen: dict[str, int] = dict.fromkeys(kinds, 0)
    names = []
    for kind in kinds:
        seen[kind] += 1
        names.append(kind if counted[kind] == 1 else f"{kind}_{seen[kind]}")
    return tuple(names)
