"""`Blocked` and `Shuffled`: open-loop controls, which train set amounts whatever is learned."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from neurotask._checks import count
from neurotask.curriculum._lessons import checked_names, checked_tasks, lesson_names
from neurotask.curriculum._show import shown
from neurotask.curriculum._yoking import trained_on
from neurotask.curriculum.adaptive import Adaptive, Answer, State
from neurotask.curriculum.curriculum import Curriculum
from neurotask.distributions import plain
from neurotask.task import Task


@dataclass(frozen=True, repr=False)
class OpenLoop(Adaptive):
    """Tasks in set amounts. A subclass says in which order, as blocks.

    Args:
        tasks: the tasks.
        updates: updates of each task: one number, or one a task.
        names: what the tasks are called in the log; None: by what tells them apart.
    """

    tasks: tuple[Task, ...]
    updates: int | tuple[int, ...] = field(kw_only=True)
    names: tuple[str, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", checked_tasks(self.tasks))
        object.__setattr__(self, "names", checked_names(self.names, self.tasks))
        object.__setattr__(self, "updates", plain(self.updates))
        if isinstance(self.updates, tuple) and len(self.updates) != len(self.tasks):
            raise ValueError(
                f"`updates` must be one number, or one for each of the {len(self.tasks)} tasks, "
                f"got {self.updates!r}."
            )
        for amount in self.amounts:
            count("updates", amount)

    @property
    def amounts(self) -> tuple[int, ...]:
        """Updates of each task."""
        several = isinstance(self.updates, tuple)
        return self.updates if several else (self.updates,) * len(self.tasks)  # type: ignore

    @cached_property
    def lessons(self) -> tuple[str, ...]:
        """A name for each task."""
        return lesson_names(self.tasks) if self.names is None else self.names

    @property
    def needs_passes(self) -> bool:
        """It is done when its updates are made."""
        return False

    @abstractmethod
    def blocks(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Return the blocks in order: the place of the task, and updates."""

    @classmethod
    def yoked(
        cls, to: Curriculum | pd.DataFrame, tasks: Sequence[Task] | None = None, **settings: Any
    ) -> Self:
        """Return the control that trains on what a training on a curriculum trained on.

        Each task gets as many updates as it had, up to the last evaluation; what was visited again
        counts with its first visit. Levels of a staircase and lessons of a teacher are tasks of
        their own.

        Args:
            to: the curriculum after training, or its log.
            tasks: the task of each stage, which a log does not tell; None: the curriculum's.
            **settings: other settings of the control.

        Raises:
            ValueError: if the curriculum was not trained, or tasks are missing.
        """
        found = trained_on(to, tasks)
        return cls(
            tuple(task for task, _ in found.values()),
            updates=tuple(updates for _, updates in found.values()),
            names=tuple(found),
            **settings,
        )

    # --- as a stage uses it --------------------------------------------------------------------

    def begin(self, rng: np.random.Generator) -> State:
        merged: list[list[int]] = []
        for task, updates in self.blocks(rng):
            if merged and merged[-1][0] == task:
                merged[-1][1] += updates
            else:
                merged.append([task, updates])
        return {"blocks": merged, "place": 0, "left": merged[0][1]}

    def now(self, state: State) -> Task:
        return self.tasks[self._lesson(state)]

    def after(self, state: State, answer: Answer, updates: int, rng: np.random.Generator) -> State:
        place, left = state["place"], state["left"] - updates
        if left <= 0:
            place += 1
            left = 0 if place == len(state["blocks"]) else state["blocks"][place][1]
        return {"blocks": state["blocks"], "place": place, "left": left}

    def is_done(self, state: State) -> bool:
        return state["place"] == len(state["blocks"])

    def due(self, state: State) -> int | None:
        return state["left"] or None

    def columns(self, state: State) -> Mapping[str, Any]:
        return {"lesson": self.lessons[self._lesson(state)]}

    def __repr__(self) -> str:
        return shown(self)

    def _lesson(self, state: State) -> int:
        """Return the place of the task that is trained, or was last."""
        return state["blocks"][min(state["place"], len(state["blocks"]) - 1)][0]


@dataclass(frozen=True, repr=False)
class Blocked(OpenLoop):
    """Each task for its number of updates, one after the other, whatever is learned.

    Evaluations change nothing; the task changes exactly where its updates are made, and the stage
    is over when all are.

    Args:
        tasks: the tasks in order.
        updates: updates of each task: one number, or one a task.
        names: what the tasks are called in the log; None: by what tells them apart.

    Raises:
        ValueError: for a setting that cannot be.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> tasks = [PerceptualDiscrimination(coherences=(c,)) for c in (0.512, 0.064)]
        >>> Blocked(tasks, updates=(300, 500)).amounts
        (300, 500)
    """

    def blocks(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        return list(enumerate(self.amounts))


@dataclass(frozen=True, repr=False)
class Shuffled(OpenLoop):
    """The same amounts of each task in a random order of short blocks, whatever is learned.

    It has what a `Blocked` of the same updates has, and no order: the control for what the order
    of a curriculum does. The order is drawn from the seed of the training.

    Args:
        tasks: the tasks.
        updates: updates of each task: one number, or one a task.
        block: updates a block; what is left of a task is a shorter one. Blocks of one task that
            follow each other are one.
        names: what the tasks are called in the log; None: by what tells them apart.

    Raises:
        ValueError: for a setting that cannot be.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> tasks = [PerceptualDiscrimination(coherences=(c,)) for c in (0.512, 0.064)]
        >>> Shuffled(tasks, updates=10, block=4).blocks(np.random.default_rng(0))
        [(1, 4), (0, 2), (1, 2), (1, 4), (0, 4), (0, 4)]
    """

    block: int = field(default=10, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        count("block", self.block)

    def blocks(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        made = [
            (task, min(self.block, amount - done))
            for task, amount in enumerate(self.amounts)
            for done in range(0, amount, self.block)
        ]
        return [made[place] for place in rng.permutation(len(made))]
