"""`WithLevels`: a task some of whose factors take other levels than its settings say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from neurotask._checks import choose
from neurotask._wrapped import Wrapped
from neurotask.distributions import Factor, Levels, plain
from neurotask.task import Task
from neurotask.trials import Trials


@dataclass(frozen=True, kw_only=True)
class WithLevels(Wrapped):
    """A task with other levels of its factors: for what varies but is no setting.

    Args:
        task: the task.
        levels: for each factor its levels, each as likely as the others.
        dt: length of a time step, ms; None: that of the task.

    Raises:
        ValueError: if the task has no such factor, or a level is out of its range.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> faint = WithLevels(PerceptualDiscrimination(), levels={"coherence": (-0.02, 0.02)})
        >>> sorted(set(faint.trials(20, seed=0).conditions["coherence"]))
        [-0.02, 0.02]
    """

    levels: Mapping[str, tuple[Any, ...]] = field()

    def __post_init__(self) -> None:
        if not isinstance(self.levels, Mapping) or not self.levels:
            raise TypeError(f"`levels` must be a dict of levels by factor, got {self.levels!r}.")
        held = {name: plain(np.atleast_1d(plain(v))) for name, v in self.levels.items()}
        object.__setattr__(self, "levels", held)
        super().__post_init__()

    def __hash__(self) -> int:
        return hash((self.task, tuple(self.levels.items())))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the task."""
        return self.task.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of the task."""
        return self.task.outputs

    @cached_property
    def varying(self) -> dict[str, Factor]:
        """The factors of the task, with their levels here."""
        return self.task.varying | self._factors

    @cached_property
    def _factors(self) -> dict[str, Levels]:
        own, factors = self.task.varying, {}
        for name, values in self.levels.items():
            one = own[choose("levels", name, own)]
            low, high = getattr(one, "low", None), getattr(one, "high", None)
            factors[name] = Levels(values, low, high, name=name)
        return factors

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        # Drawn by a generator of their own, so that all else is as without other levels.
        (rng,) = what.spawn(1)
        shape = (n, self.trials_per_block or 1)
        held = {}
        for name, factor in self._factors.items():
            blocks = name in self.of_blocks
            drawn = factor.sample(rng, n if blocks else n * shape[1])
            held[name] = drawn if blocks or self.trials_per_block is None else drawn.reshape(shape)
        return self.task._make(n, held | dict(conditions), what, how)


def at_level(task: Task, parameter: str, level: float) -> Task:
    """Return a task with one number of it at a level.

    `parameter` names a setting (a tuple becomes the tuple of this level) or a factor; where the
    levels of a factor lie on both sides of 0, the level is a strength, and its sign is drawn.
    """
    settings = [field.name for field in fields(task)]
    if parameter in settings:
        several = isinstance(getattr(task, parameter), tuple)
        return task.replace(**{parameter: (level,) if several else level})
    factor = task.varying[choose("parameter", parameter, [*settings, *task.varying])]
    signed = isinstance(factor, Levels) and factor.is_numeric and min(factor.values) < 0
    levels = (-level, level) if signed and level != 0 else (level,)
    return WithLevels(task, levels={parameter: levels})
