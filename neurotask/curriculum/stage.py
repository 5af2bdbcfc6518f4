"""`Stage`: a part of a curriculum, what is trained in it and when it is over."""

from dataclasses import dataclass, field
from typing import Any

from neurotask._checks import choose, count, number
from neurotask.curriculum._show import shown
from neurotask.curriculum.adaptive import Adaptive, Answer
from neurotask.curriculum.measures import (
    FEWER_IS_BETTER,
    Evaluation,
    Metric,
    check_metric,
    measure,
    name_of,
    value_range,
)
from neurotask.distributions import plain
from neurotask.task import Task


@dataclass(frozen=True, repr=False)
class Stage:
    """A stage of a curriculum: train on a task until the network passes, tested on fresh trials.

    Every `every` updates the network is tested, noise and all, on trials that are never trained on.
    An evaluation is passed where the metric reaches the threshold; `passes` in a row end the stage.
    The weights always carry over to the next stage; what the optimizer (and the learning rule)
    remembers does too, unless a stage says `optimizer="reset"`.

    In place of a task there may be several, mixed by trial, or something that changes with how well
    it goes (`Staircase`, `LearningProgress`, `Blocked`, `Shuffled`), which then says itself when
    the stage is over.

    Args:
        task: what is trained and tested: a task, a list of tasks that are mixed, or an `Adaptive`.
        threshold: value of the metric at which an evaluation is passed; unless given, 0.9 for a
            share correct. None: none is, and the stage lasts until its `limit` or the end of
            training.
        metric: "accuracy" (share correct where an answer is right), "loss" (without penalties), a
            column of the behaviour ("rt", "error": their mean, of errors the mean size), or a
            function of an `Evaluation` that returns a number.
        below: whether an evaluation is passed at or below the threshold; None: for "loss", "rt" and
            "error" it is, else at or above.
        every: updates between evaluations.
        trials: trials an evaluation (rows, in a task with blocks).
        passes: evaluations in a row that must be passed.
        limit: updates after which the stage is over even so; None: it has all updates.
        on_limit: what is done then: "stop" ends training, "back" goes to the stage before,
            "advance" to the next.
        rehearsal: share of the training trials that are of earlier stages, all alike.
        weights: of several tasks, how often each comes, relative to the others; None: all alike.
        optimizer: "keep" what it remembers when the stage begins, or "reset" it.
        learning_rate: of the optimizer, from the beginning of this stage on; None: as it is.
        name: what the stage is called; None: what its task has of its own.

    Raises:
        ValueError: for a setting that cannot be, such as a threshold that the metric never reaches.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> Stage(PerceptualDiscrimination(coherences=(0.512,)), threshold=0.8, passes=2).passes
        2
    """

    task: Any
    threshold: Any = field(default=..., kw_only=True)
    metric: Metric = field(default="accuracy", kw_only=True)
    below: bool | None = field(default=None, kw_only=True)
    every: int = field(default=50, kw_only=True)
    trials: int = field(default=256, kw_only=True)
    passes: int = field(default=1, kw_only=True)
    limit: int | None = field(default=None, kw_only=True)
    on_limit: str = field(default="stop", kw_only=True)
    rehearsal: float = field(default=0.0, kw_only=True)
    weights: tuple[float, ...] | None = field(default=None, kw_only=True)
    optimizer: str = field(default="keep", kw_only=True)
    learning_rate: float | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for setting in ("task", "weights", "threshold", "rehearsal", "learning_rate"):
            object.__setattr__(self, setting, plain(getattr(self, setting)))
        self._check_task()
        for one in self.tasks:
            check_metric(self.metric, one)
        if self.threshold is ...:
            if self.metric not in ("accuracy", "correct"):
                raise ValueError(
                    f"`threshold` must be given for the metric {self.metric_name}: the value at "
                    "which an evaluation is passed, or None."
                )
            object.__setattr__(self, "threshold", 0.9)
        if self.threshold is not None:
            low, high = value_range(self.metric)
            try:
                number("threshold", self.threshold, low=low, high=high)
            except ValueError as error:
                raise ValueError(f"{error} It is compared with {self.metric_name}.") from None
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"`name` must be a string, got {self.name!r}.")
        if self.below not in (None, True, False):
            raise TypeError(f"`below` must be True, False or None, got {self.below!r}.")
        for setting in ("every", "trials", "passes"):
            count(setting, getattr(self, setting))
        if self.limit is not None:
            count("limit", self.limit)
        choose("on_limit", self.on_limit, ("stop", "back", "advance"))
        if self.limit is None and self.on_limit != "stop":
            raise ValueError(
                f"`limit` must be given where `on_limit` is {self.on_limit!r}, got None. Give "
                "limit=500, say."
            )
        number("rehearsal", self.rehearsal, low=0.0, high=1.0)
        if self.rehearsal == 1:
            raise ValueError("`rehearsal` must leave trials for the stage itself, got 1.")
        choose("optimizer", self.optimizer, ("keep", "reset"))
        if self.learning_rate is not None:
            number("learning_rate", self.learning_rate, low=0.0, above=True)
        if isinstance(self.task, Adaptive) and self.passes != 1:
            raise ValueError(
                f"`passes` must be 1 where {type(self.task).__name__} says when the stage is over, "
                f"got {self.passes}. Give a Staircase `down` in its place."
            )
        if isinstance(self.task, Adaptive) and self.task.metrics:
            choose("metric", self.metric_name, self.task.metrics)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that may come in the stage."""
        if isinstance(self.task, Adaptive):
            return self.task.tasks
        return self.task if isinstance(self.task, tuple) else (self.task,)

    @property
    def can_end(self) -> bool:
        """Whether there is a way to leave the stage for the next."""
        passes = self.threshold is not None
        if isinstance(self.task, Adaptive):
            passes = self.task.ends and (passes or not self.task.needs_passes)
        return passes or self.limit is not None

    @property
    def metric_name(self) -> str:
        """What the metric is called."""
        return name_of(self.metric)

    @property
    def is_below(self) -> bool:
        """Whether less is better."""
        return self.metric in FEWER_IS_BETTER if self.below is None else self.below

    def grade(self, evaluation: Evaluation) -> Answer:
        """Return the metric of an evaluation and whether it is passed."""
        value = measure(self.metric, evaluation)
        if self.threshold is None:
            return Answer(value, False)
        reached = value <= self.threshold if self.is_below else value >= self.threshold
        return Answer(value, reached)

    def __repr__(self) -> str:
        return shown(self)

    def _check_task(self) -> None:
        several = isinstance(self.task, tuple)
        if several and not self.task:
            raise ValueError("`task` must be a task or a list of tasks, got an empty list.")
        for one in self.task if several else (self.task,):
            if not isinstance(one, Task) and (several or not isinstance(one, Adaptive)):
                raise TypeError(
                    f"`task` must be a task, a list of tasks or a Staircase and the like, got "
                    f"{one!r}. Load a task with neurotask.load()."
                )
        if self.weights is not None:
            if (
                not several
                or not isinstance(self.weights, tuple)
                or len(self.weights) != len(self.task)
            ):
                raise ValueError(
                    f"`weights` must be one for each of several tasks, got {self.weights!r} for "
                    f"{len(self.tasks)}. Give a list of tasks, or leave them out."
                )
            if sum(number("weights", weight, low=0.0) for weight in self.weights) == 0:
                raise ValueError(f"`weights` must not all be 0, got {self.weights!r}.")
