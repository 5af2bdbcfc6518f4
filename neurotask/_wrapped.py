"""Tasks around a task: all is the inner task's but for what the wrapper is there to change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from neurotask.decisions import DecisionRule
from neurotask.distributions import Factor
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class Wrapped(Task):
    """A task around another. A subclass overrides `_make` and what it changes."""

    task: Task = field(kw_only=False)
    dt: float | None = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not isinstance(self.task, Task):
            raise TypeError(
                f"`task` must be a Task, got {self.task!r}. Load one with neurotask.load()."
            )
        inner = self.task if self.dt is None else self.task.replace(dt=self.dt)
        object.__setattr__(self, "task", inner)
        object.__setattr__(self, "dt", inner.dt)
        super().__post_init__()

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices of the task."""
        return self.task.choices

    @property
    def decision_rule(self) -> DecisionRule | None:
        """That of the task."""
        return self.task.decision_rule

    @property
    def psychometric_axis(self) -> str | None:
        """That of the task."""
        return self.task.psychometric_axis

    @property
    def go_cue(self) -> str | None:
        """That of the task."""
        return self.task.go_cue

    @property
    def trials_per_block(self) -> int | None:
        """That of the task."""
        return self.task.trials_per_block

    @property
    def function(self) -> str:
        """That of the task."""
        return self.task.function

    @cached_property
    def durations(self) -> dict[str, Any]:
        """The phases of the task."""
        return self.task.durations

    @cached_property
    def varying(self) -> dict[str, Factor]:
        """The factors of the task."""
        return self.task.varying

    @cached_property
    def of_blocks(self) -> Mapping[str, Any]:
        """The factors of the blocks of the task."""
        return self.task.of_blocks

    def observe(self, seen: Seen) -> np.ndarray:
        return self.task.observe(Seen(self.task, seen[self.task.inputs]))
