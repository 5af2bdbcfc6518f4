"""`Curriculum`: stages one after the other, each left when the network passes it."""

from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotask.curriculum._lessons import lesson_names
from neurotask.curriculum._show import shown
from neurotask.curriculum.adaptive import Adaptive
from neurotask.curriculum.log import as_table
from neurotask.curriculum.measures import Metric
from neurotask.curriculum.mixtures import Channels, channels_of, mixed
from neurotask.curriculum.stage import Stage
from neurotask.multitask import snake
from neurotask.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurotask.curriculum.course import Course, Replay


@dataclass(frozen=True, repr=False)
class Curriculum:
    """A closed loop of training: stages one after the other, each until the network passes it.

    `model.fit(curriculum, ...)` trains on it as on a task, and ends when the last stage is passed,
    when a stage stops it, or when all updates are made. `Curriculum([easy, harder, hard])` is the
    simplest form. Tasks may differ in their trials, timing and channels; the network needs all
    channels (`RateRNN.for_task(curriculum, ...)` gives it them), and where a task lacks one its
    input is silent and its output not asked for.

    Args:
        stages: the stages in order: `Stage`s, or what a `Stage` may hold, such as tasks.
        target: what all is for. It is tested beside the stages, on trials of its own, and training
            ends as soon as it is passed, whatever the stage; where all stages are passed before,
            training goes on with the last.
        threshold: of those `stages` that are no `Stage`s; see there, as for the next four.
        metric: see `Stage`.
        every: see `Stage`.
        trials: see `Stage`.
        passes: see `Stage`.

    Attributes:
        log: how the last training on it went, one row an evaluation.

    Raises:
        ValueError: if there is no stage, or tasks cannot be combined.

    Source: Krueger & Dayan (2009) Cognition 110:380 on shaping; Ehrlich, Stone, Brandfonbrener,
    Atanasov & Murray (2021) eNeuro 8:ENEURO.0427-20.2020 for thresholds a stage.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> ladder = [PerceptualDiscrimination(coherences=(c,)) for c in (0.512, 0.128)]
        >>> Curriculum(ladder, threshold=0.85).names
        ('coherences 0.512', 'coherences 0.128')
    """

    stages: Any  # given as a list of what a stage may hold; kept as a tuple of stages
    target: Stage | None = field(default=None, kw_only=True)
    threshold: InitVar[Any] = field(default=..., kw_only=True)
    metric: InitVar[Metric] = field(default="accuracy", kw_only=True)
    every: InitVar[int] = field(default=50, kw_only=True)
    trials: InitVar[int] = field(default=256, kw_only=True)
    passes: InitVar[int] = field(default=1, kw_only=True)

    def __post_init__(
        self, threshold: Any, metric: Metric, every: int, trials: int, passes: int
    ) -> None:
        given = self.stages if isinstance(self.stages, (list, tuple)) else (self.stages,)
        if not given:
            raise ValueError(
                "`stages` must hold one stage or more, got none. Give a list of tasks."
            )
        criterion: dict[str, Any] = dict(
            threshold=threshold, metric=metric, every=every, trials=trials
        )
        stages = tuple(
            one if isinstance(one, Stage) else Stage(one, **criterion, **_passes(one, passes))
            for one in given
        )
        object.__setattr__(self, "stages", stages)
        if isinstance(self.target, Task):
            object.__setattr__(self, "target", Stage(self.target, **criterion, passes=passes))
        if self.target is not None and (
            not isinstance(self.target, Stage)
            or self.target.threshold is None
            or isinstance(self.target.task, Adaptive)
        ):
            raise ValueError(
                f"`target` must be a task, or a Stage of tasks with a threshold, got "
                f"{self.target!r}."
            )
        for stage, name in zip(stages[:-1], self.names, strict=False):
            if not stage.can_end:
                raise ValueError(
                    f"`stages` must end where others follow, but {name!r} has neither a threshold "
                    "(or a goal) nor a limit. Give it one."
                )
        if stages[0].rehearsal or (stages[0].limit and stages[0].on_limit == "back"):
            what = "rehearsal" if stages[0].rehearsal else "on_limit"
            raise ValueError(
                f"`{what}` must not be set in the first stage, got "
                f"{getattr(stages[0], what)!r}: there is no stage before it."
            )
        steps = {task.dt for task in self.tasks}
        if len(steps) > 1:
            raise ValueError(
                f"`stages` must have one dt, got {', '.join(f'{dt:g}' for dt in sorted(steps))} "
                "ms. Give tasks dt=..., or task.replace(dt=...)."
            )
        for place in range(len(stages)):  # now, so that what cannot be mixed shows now
            self.training_task(place, [stage.tasks[-1] for stage in stages[: place + 1]])

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks that may come, the target's too."""
        stages = self.stages if self.target is None else (*self.stages, self.target)
        return tuple(task for stage in stages for task in stage.tasks)

    @cached_property
    def channels(self) -> Channels:
        """All inputs and all outputs."""
        return channels_of(self.tasks)

    @property
    def inputs(self) -> tuple[str, ...]:
        """All inputs of the tasks."""
        return self.channels[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """All outputs of the tasks."""
        return self.channels[1]

    @property
    def dt(self) -> float:
        """Length of a time step, ms."""
        return self.tasks[0].dt

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each stage."""
        alone = [stage.task for stage in self.stages if isinstance(stage.task, Task)]
        special = iter(lesson_names(tuple(alone)))
        names = []
        for stage in self.stages:
            kinds = (stage.task,) if isinstance(stage.task, Adaptive) else stage.tasks
            own = " + ".join(dict.fromkeys(snake(type(kind).__name__) for kind in kinds))
            own = next(special) if isinstance(stage.task, Task) else own
            names.append(own if stage.name is None else stage.name)
        return tuple(names)

    @property
    def goal(self) -> Task:
        """What the curriculum leads to: the target, or the task of the last stage."""
        last = self.stages[-1] if self.target is None else self.target
        return self.tested(last)

    def tested(self, stage: Stage, now: Task | None = None) -> Task:
        """Return what a network is tested on in a stage; `now` is what an `Adaptive` has."""
        if now is not None:
            return mixed([now], [1.0], self.channels)
        if isinstance(stage.task, Adaptive):
            return mixed(stage.tasks[-1:], [1.0], self.channels)
        weights = stage.weights or np.ones(len(stage.tasks)).tolist()
        return mixed(stage.tasks, weights, self.channels)

    def training_task(self, place: int, now: list[Task]) -> Task:
        """Return what a network is trained on in a stage: its own trials and rehearsed ones.

        Args:
            place: place of the stage.
            now: the task that each stage up to this one has, or had last.
        """
        stage = self.stages[place]
        adaptive = isinstance(stage.task, Adaptive)
        tasks = [now[place]] if adaptive else [*stage.tasks]
        weights = list(stage.weights or np.ones(len(tasks)))
        if stage.rehearsal:
            own = (1.0 - stage.rehearsal) / sum(weights)
            weights = [own * weight for weight in weights]
            for earlier, last in zip(self.stages[:place], now, strict=False):
                several = [last] if isinstance(earlier.task, Adaptive) else earlier.tasks
                shares = earlier.weights or np.ones(len(several))
                share = stage.rehearsal / place / sum(shares)
                tasks += several
                weights += [share * one for one in shares]
        return mixed(tasks, weights, self.channels)

    @property
    def log(self) -> pd.DataFrame:
        """The log of the last training; see `neurotask.curriculum.log` for its columns."""
        course = self._course
        return as_table([] if course is None else course.rows)

    def plot(self) -> "Figure":
        """Draw how the last training on it went."""
        from neurotask.curriculum.plot import draw_log

        return draw_log(self.log, self.names)

    def __repr__(self) -> str:
        return shown(self)

    @property
    def _course(self) -> "Course | Replay | None":
        return self.__dict__.get("_last_course")


def as_curriculum(source: Any) -> Curriculum:
    """Return a curriculum from one, from a list of stages, or from what a `Stage` may hold."""
    return source if isinstance(source, Curriculum) else Curriculum(source)


def _passes(one: Any, passes: int) -> dict[str, Any]:
    return {} if isinstance(one, Adaptive) else {"passes": passes}
