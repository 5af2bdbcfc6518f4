"""`LearningProgress`: a teacher that gives the lesson in which most is being learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from neurotask._checks import count, number
from neurotask.curriculum._lessons import checked_names, checked_tasks, lesson_names
from neurotask.curriculum._show import shown
from neurotask.curriculum.adaptive import Adaptive, Answer, State
from neurotask.task import Task

_ENOUGH = 2  # scores that make a slope


@dataclass(frozen=True, repr=False)
class LearningProgress(Adaptive):
    """Train on the task whose score changes fastest, whether it rises or is being forgotten.

    The teacher sees the score (the metric of the `Stage`) of the task that was trained, and of no
    other. Each task in order is trained until it has two scores; from then on the next is the one
    whose last scores have the steepest slope over updates, whatever its sign (ties are broken at
    random), and at times one at random, so that what was forgotten is noticed. The stage is over
    when the last evaluation of every task was passed.

    Args:
        tasks: the tasks.
        window: scores of a task that make its slope, the latest ones, 2 or more.
        explore: probability that the next task is drawn at random, all alike.
        names: what the tasks are called in the log; None: by what tells them apart.

    Raises:
        ValueError: for a setting that cannot be.

    Source: Matiisen, Oliver, Cohen & Schulman (2020) IEEE Trans. Neural Netw. Learn. Syst. 31:3732,
    the "window" algorithm, there with scores of all that the student does in between.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> tasks = [PerceptualDiscrimination(coherences=(c,)) for c in (0.512, 0.064)]
        >>> LearningProgress(tasks, window=4).lessons
        ('coherences 0.512', 'coherences 0.064')
    """

    tasks: tuple[Task, ...]
    window: int = field(default=5, kw_only=True)
    explore: float = field(default=0.1, kw_only=True)
    names: tuple[str, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", checked_tasks(self.tasks))
        object.__setattr__(self, "names", checked_names(self.names, self.tasks))
        count("window", self.window, low=_ENOUGH)
        number("explore", self.explore, low=0.0, high=1.0)

    @cached_property
    def lessons(self) -> tuple[str, ...]:
        """A name for each task."""
        return lesson_names(self.tasks) if self.names is None else self.names

    def begin(self, rng: np.random.Generator) -> State:
        n = len(self.tasks)
        scores: list[list[float]] = [[] for _ in range(n)]
        times: list[list[int]] = [[] for _ in range(n)]
        return {"lesson": 0, "updates": 0, "scores": scores, "times": times, "passed": [False] * n}

    def now(self, state: State) -> Task:
        return self.tasks[state["lesson"]]

    def after(self, state: State, answer: Answer, updates: int, rng: np.random.Generator) -> State:
        mine, clock = state["lesson"], state["updates"] + updates
        scores, times, passed = (list(state[name]) for name in ("scores", "times", "passed"))
        scores[mine] = [*scores[mine], float(answer.value)][-self.window :]
        times[mine] = [*times[mine], clock][-self.window :]
        passed[mine] = bool(answer.passed)
        known = {"updates": clock, "scores": scores, "times": times, "passed": passed}
        return {"lesson": self._next(known, rng)} | known

    def is_done(self, state: State) -> bool:
        return all(state["passed"])

    def columns(self, state: State) -> Mapping[str, Any]:
        return {"lesson": self.lessons[state["lesson"]]}

    def slopes(self, state: State) -> np.ndarray:
        """Return the slope of each task's last scores, per update, (task,); NaN below two scores.

        Args:
            state: the state.
        """
        pairs = zip(state["times"], state["scores"], strict=True)
        return np.array([_slope(*pair) for pair in pairs])

    def __repr__(self) -> str:
        return shown(self)

    def _next(self, state: State, rng: np.random.Generator) -> int:
        for place, scores in enumerate(state["scores"]):
            if len(scores) < _ENOUGH:
                return place
        if rng.random() < self.explore:
            return int(rng.integers(len(self.tasks)))
        steepness = np.abs(self.slopes(state))
        return int(rng.choice(np.flatnonzero(steepness == steepness.max())))


def _slope(times: list[int], scores: list[float]) -> float:
    """Return the slope of the least-squares line through scores over times."""
    if len(scores) < _ENOUGH:
        return np.nan
    # Both are taken from their means, so that equal scores have a slope of exactly 0: a tie.
    away, above = np.array(times) - np.mean(times), np.array(scores) - np.mean(scores)
    return float(away @ above / (away @ away))
