"""What is refused of a task when it is made."""

from typing import TYPE_CHECKING

from neurotask._checks import choose, count
from neurotask.distributions import OwnChoice, Remainder
from neurotask.phases import longest

if TYPE_CHECKING:
    from neurotask.task import Task


def check_names(task: "Task") -> None:
    """Raise unless channels, choices and blocks of a task can be."""
    for kind, names in (("inputs", task.inputs), ("outputs", task.outputs)):
        if not names or not isinstance(names, tuple) or len(set(names)) < len(names):
            raise ValueError(f"`{kind}` must be a tuple of different names, got {names!r}.")
    for choice in task.choices:
        choose("choices", choice, task.outputs)
    if task.trials_per_block is not None:
        count("trials_per_block", task.trials_per_block)


def check_phases(task: "Task") -> None:
    """Raise unless the phases of a task make trials."""
    if not task.durations:
        raise TypeError(
            f"`{type(task).__name__}` must have a phase. Declare one as a setting, "
            "for example `stimulus: Duration = 500.0`."
        )
    if task.go_cue is not None:
        choose("go_cue", task.go_cue, task.durations)
    if longest(task.durations, task.dt) == 0:
        raise ValueError(f"`{next(iter(task.durations))}` must not be 0 ms: the trial is empty.")
    for name in task.varying:
        if name in task.durations:
            raise ValueError(f"`{name}` must name a factor or a phase, not both. Rename one.")
    rests = [name for name, law in task.durations.items() if isinstance(law, Remainder)]
    if len(rests) > 1:
        raise ValueError(
            f"`{rests[1]}` must not be a Remainder, since `{rests[0]}` is one: a single phase "
            "can fill the trial."
        )
    own = [name for name, factor in task.varying.items() if isinstance(factor, OwnChoice)]
    if len(own) > 1 or (own and task.trials_per_block is None):
        raise ValueError(
            f"`{own[-1]}` must be the one OwnChoice of a block task: what follows from it is "
            "shown later in its block. Declare `trials_per_block`, or use `factors`."
        )
