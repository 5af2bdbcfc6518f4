"""`OnChannels`: a task on more channels than its own, for a network that does other tasks too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurotask._checks import listed
from neurotask._wrapped import Wrapped
from neurotask.distributions import plain
from neurotask.observers import Seen
from neurotask.task import Task
from neurotask.trials import Trials


@dataclass(frozen=True, kw_only=True)
class OnChannels(Wrapped):
    """A task on a larger set of channels: the inputs it lacks are silent, the outputs not asked.

    Its trials are those of the task, channel by channel, and are scored by it.

    Args:
        task: the task.
        inputs: names of all inputs, those of the task among them.
        outputs: names of all outputs, those of the task among them.
        dt: length of a time step, ms; None: that of the task.

    Raises:
        ValueError: if a channel of the task is missing.

    Example:
        >>> from neurotask.tasks.go_no_go import GoNoGo
        >>> task = GoNoGo()
        >>> wide = OnChannels(task, inputs=(*task.inputs, "tone"), outputs=(*task.outputs, "left"))
        >>> wide.trials(2, seed=0).inputs.shape[-1] - task.trials(2, seed=0).inputs.shape[-1]
        1
    """

    inputs: tuple[str, ...] = ()  # type: ignore[assignment]
    outputs: tuple[str, ...] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for kind in ("inputs", "outputs"):
            own, names = getattr(self.task, kind, ()), plain(getattr(self, kind))
            missing = [name for name in own if name not in names]
            if missing:
                raise ValueError(
                    f"`{kind}` must hold the task's, got {listed(names)} without "
                    f"{listed(missing)}. Add what is missing."
                )
            object.__setattr__(self, kind, names)
        super().__post_init__()

    def observe(self, seen: Seen) -> np.ndarray:
        return _spread(super().observe(seen), self.task.outputs, self.outputs)

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        made = self.task._make(n, conditions, what, how)
        inputs = _spread(made.inputs, self.task.inputs, self.inputs)
        targets, mask = (
            _spread(values, self.task.outputs, self.outputs) for values in (made.targets, made.mask)
        )
        return replace(made, task=self, inputs=inputs, targets=targets, mask=mask)


def on_channels(task: Task, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Task:
    """Return a task on these channels: itself where they are its own."""
    if (tuple(task.inputs), tuple(task.outputs)) == (tuple(inputs), tuple(outputs)):
        return task
    return OnChannels(task, inputs=tuple(inputs), outputs=tuple(outputs))


def _spread(values: np.ndarray, own: tuple[str, ...], names: tuple[str, ...]) -> np.ndarray:
    """Return an array over all channels from one over a task's own; 0 in the others."""
    wide = np.zeros((*values.shape[:-1], len(names)), values.dtype)
    wide[..., [names.index(name) for name in own]] = values
    return wide
