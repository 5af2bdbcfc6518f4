"""What a stage may hold in place of a task: something that changes the task as training goes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask.curriculum.measures import Evaluation
from neurotask.task import Task

State = dict[str, Any]
"""What an `Adaptive` carries along: plain numbers, strings and lists, as JSON holds them."""


@dataclass(frozen=True)
class Answer:
    """How an evaluation went.

    Args:
        value: the metric.
        passed: whether it reached the threshold of the stage.
    """

    value: float
    passed: bool


class Adaptive(ABC):
    """A task that changes with how well it is done. A subclass is a frozen dataclass.

    It holds settings alone; what it carries along is a plain `State` that it takes and gives.

    Attributes:
        tasks: all tasks that may come, or typical ones, for checks ahead of training; the last is
            what it leads to.
    """

    tasks: tuple[Task, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that a stage may test with; () for any."""
        return ()

    @property
    def ends(self) -> bool:
        """Whether it can be done."""
        return True

    @property
    def needs_passes(self) -> bool:
        """Whether it is done by evaluations that are passed, so that a threshold is needed."""
        return True

    @abstractmethod
    def begin(self, rng: np.random.Generator) -> State:
        """Return the state before anything was trained."""

    @abstractmethod
    def now(self, state: State) -> Task:
        """Return what to train on, and to test, now."""

    @abstractmethod
    def after(self, state: State, answer: Answer, updates: int, rng: np.random.Generator) -> State:
        """Return the state that follows an evaluation of `now(state)`, `updates` later."""

    @abstractmethod
    def is_done(self, state: State) -> bool:
        """Return whether the stage is passed."""

    def examine(
        self,
        state: State,
        test: Callable[[Task, int], Evaluation],
        grade: Callable[[Evaluation], Answer],
        n: int,
        updates: int,
        rng: np.random.Generator,
    ) -> tuple[Answer, State]:
        """Test the network on `n` trials; return how it went and the state that follows."""
        answer = grade(test(self.now(state), n))
        return answer, self.after(state, answer, updates, rng)

    def due(self, state: State) -> int | None:
        """Return after how many updates the task changes whatever happens; None: never."""
        return None

    def columns(self, state: State) -> Mapping[str, Any]:
        """Return what the log says of the state: `level` (a number) or `lesson` (a name)."""
        return {}
