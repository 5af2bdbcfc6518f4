"""What is refused of a task when it is made."""

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose, count
from neurotask.distributions import Derived, Distribution, Levels, OwnChoice, Remainder
from neurotask.phases import Phases, longest
from neurotask.trials import UNSCORED

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
    for name, law in task.durations.items():
        if not isinstance(law, (Derived, Remainder)):
            # Between the ends of a continuous law lie all durations, the too short ones as well.
            drawn = isinstance(law, Distribution) and law.low < law.high
            check_response(task, name, np.nextafter(law.low, 1e9) if drawn else _values(law))
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


def check_response(task: "Task", name: str, durations: Any) -> None:
    """Raise if this phase is where the answer is read and leaves no time for it.

    A phase of 0 ms is one that a trial lacks: some trials, not all, may ask for no answer.

    Args:
        task: the task.
        name: the phase.
        durations: durations that it has, ms.
    """
    rule = task.decision_rule
    grace, given = getattr(rule, "grace", 0.0), np.asarray(durations, float)
    short = given[(given > 0) & (given <= grace)] if given.any() else given.ravel()
    if name == getattr(rule, "phase", None) and short.size:
        unread = f"longer than the {grace:g} ms at its start that are not read"
        raise ValueError(
            f"`{name}` must last {unread if grace else 'a step or more'}, got {short.min():g} ms. "
            "No answer could be given in it."
        )


def check_asked(task: "Task", phases: Phases, answers: np.ndarray) -> None:
    """Raise if an answer is right in a trial that lacks the phase in which it is read."""
    phase = getattr(task.decision_rule, "phase", None)
    if phase is None or phase not in phases.names:
        return
    start, stop = phases.steps(phase)
    lost = (answers != UNSCORED) & (stop <= start)
    if lost.any():
        raise ValueError(
            f"`{phase}` must last longer than 0 ms where an answer is right, got 0 ms in trial "
            f"{int(lost.argmax())}. No answer could be given in it."
        )


def _values(law: Any) -> Any:
    if isinstance(law, Distribution):
        return law.low
    return law.values if isinstance(law, Levels) else law
