"""`Staircase`: a number of a task that gets harder as it is done well, and easier as it is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose, count, number
from neurotask.curriculum._levels import Ladder, refusal
from neurotask.curriculum._show import shown
from neurotask.curriculum._updown import converges_to
from neurotask.curriculum.adaptive import Adaptive, Answer, State
from neurotask.curriculum.measures import Evaluation
from neurotask.distributions import plain
from neurotask.task import Task
from neurotask.with_levels import at_level

if TYPE_CHECKING:
    from neurotask.curriculum.staircase_run import StaircaseRun


@dataclass(frozen=True, repr=False)
class Staircase(Adaptive):
    """A transformed, weighted up-down staircase on one number of a task.

    After `down` right answers in a row the level gets harder by a step, after `up` wrong ones in a
    row easier by a step of `easier` times that size; counting starts anew after each. In a `Stage`
    it shapes a network as an animal is shaped; `measure` runs it on one that does not learn.

    Levels are kept exactly and shown as the task takes them: whole numbers are rounded to the
    nearest, times (phases, and what else the task wants in whole multiples of dt) to the nearest
    multiple of dt. A level that the task does not take is not gone to: the staircase stays.

    Args:
        task: the task.
        parameter: the number: a setting of the task (several levels become the one) or a factor. A
            factor with levels on both sides of 0 is a strength, and its sign is drawn.
        start: the first level, in the units of the parameter.
        factor: what the level is multiplied or divided by, above 1; None: the square root of 2,
            unless there is a `step`.
        step: what is added or taken off instead, in the units of the parameter.
        down: right answers in a row after which it gets harder.
        up: wrong answers in a row after which it gets easier.
        easier: size of a step to the easier side relative to one to the harder side; with a factor
            in logarithms. Kaernbach's weighted up-down staircase has `down=1` and `easier=3`.
        harder: the side on which harder levels lie: "lower" (a coherence) or "higher" (a delay).
        lowest: the lowest level, where it stays; None: as low as the task takes.
        highest: the highest level.
        goal: the level that is to be mastered: the stage is over once `down` right answers in a
            row were given at it or at a harder one. None: the stage is not over by itself.
        unit: what an answer is. "block": a whole evaluation, right if it is passed. "trial": each
            of the evaluation's trials, run one by one, at the level that those before it left;
            trials in which no answer is right change nothing. Then the metric and the threshold of
            the stage play no part: the log has the share correct, passed where the goal was.

    Raises:
        ValueError: for a setting that cannot be, such as a level that the task does not take.

    Source: Levitt (1971) J. Acoust. Soc. Am. 49:467; Kaernbach (1991) Percept. Psychophys. 49:227.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> staircase = Staircase(PerceptualDiscrimination(), "coherence", start=0.512, factor=2)
        >>> round(staircase.target, 4)
        0.7071
        >>> run = staircase.measure(staircase.task.observer, trials=40, tracks=4)
        >>> run.levels[0, :6].tolist()
        [0.512, 0.512, 0.256, 0.256, 0.128, 0.128]
    """

    task: Task
    parameter: str
    start: float = field(kw_only=True)
    factor: float | None = field(default=None, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    down: int = field(default=2, kw_only=True)
    up: int = field(default=1, kw_only=True)
    easier: float = field(default=1.0, kw_only=True)
    harder: str = field(default="lower", kw_only=True)
    lowest: float | None = field(default=None, kw_only=True)
    highest: float | None = field(default=None, kw_only=True)
    goal: float | None = field(default=None, kw_only=True)
    unit: str = field(default="block", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.task, Task):
            raise TypeError(
                f"`task` must be a Task, got {self.task!r}. Load one with neurotask.load()."
            )
        for setting in ("start", "factor", "step", "easier", "lowest", "highest", "goal"):
            object.__setattr__(self, setting, plain(getattr(self, setting)))
        if self.factor is not None and self.step is not None:
            raise ValueError(
                f"`step` must be left out where there is a factor, got {self.step!r} beside "
                f"{self.factor!r}. Give one of them."
            )
        number("factor", self.ratio, low=1.0, above=True)
        if self.step is not None:
            number("step", self.step, low=0.0, above=True)
        for setting in ("down", "up"):
            count(setting, getattr(self, setting))
        number("easier", self.easier, low=0.0, above=True)
        choose("harder", self.harder, ("lower", "higher"))
        choose("unit", self.unit, ("block", "trial"))
        if self.unit == "trial":
            self._check_by_trial()
        self._check_levels()

    # --- as a stage uses it --------------------------------------------------------------------

    @property
    def ends(self) -> bool:
        """With a goal alone."""
        return self.goal is not None

    @property
    def needs_passes(self) -> bool:
        """Where an answer is an evaluation."""
        return self.unit == "block"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Trial by trial, the share correct alone."""
        return ("accuracy",) if self.unit == "trial" else ()

    @property
    def tasks(self) -> tuple[Task, ...]:  # type: ignore[override]
        """The task at the start, at the bounds where there are some, and as it was given."""
        levels = [self.start, self.lowest, self.highest]
        return (*(self.at(level) for level in levels if level is not None), self.task)

    def begin(self, rng: np.random.Generator | None = None) -> State:
        return {"level": float(self.start), "right": 0, "wrong": 0, "reached": False}

    def now(self, state: State) -> Task:
        return self.at(state["level"])

    def after(self, state: State, answer: Answer, updates: int, rng: np.random.Generator) -> State:
        return self.answered(state, answer.passed)

    def is_done(self, state: State) -> bool:
        return state["reached"]

    def examine(
        self,
        state: State,
        test: Callable[[Task, int], Evaluation],
        grade: Callable[[Evaluation], Answer],
        n: int,
        updates: int,
        rng: np.random.Generator,
    ) -> tuple[Answer, State]:
        if self.unit == "block":
            return super().examine(state, test, grade, n, updates, rng)
        scores = np.full(n, np.nan)
        for trial in range(n):
            (scores[trial],) = test(self.now(state), 1).behavior["correct"]
            if not np.isnan(scores[trial]):
                state = self.answered(state, bool(scores[trial]))
        scored = scores[~np.isnan(scores)]
        if not len(scored):
            raise ValueError(
                f"`trials` must hold one in which an answer is right, got none in {n}. Give more."
            )
        return Answer(float(scored.mean()), state["reached"]), state

    def columns(self, state: State) -> Mapping[str, Any]:
        return {"level": float(self.taken(state["level"]))}

    # --- the staircase -------------------------------------------------------------------------

    @property
    def ratio(self) -> float:
        """What the level is multiplied or divided by where there is no `step`."""
        return 2**0.5 if self.factor is None else self.factor

    @cached_property
    def target(self) -> float:
        """Share of right answers that it converges to, where they come with one probability."""
        return converges_to(self.down, self.up, self.easier)

    def answered(self, state: State, right: bool) -> State:
        """Return the state that follows one answer."""
        level, reached = state["level"], state["reached"]
        rights = state["right"] + 1 if right else 0
        wrongs = 0 if right else state["wrong"] + 1
        if rights == self.down:
            reached, rights = reached or self._is_mastered(level), 0
            level = self._ladder.moved(level, self._side)
        elif wrongs == self.up:
            level, wrongs = self._ladder.moved(level, -self._side * self.easier), 0
        return {"level": level, "right": rights, "wrong": wrongs, "reached": reached}

    def at(self, level: float) -> Task:
        """Return the task at a level."""
        return at_level(self.task, self.parameter, self.taken(level))

    def taken(self, level: float) -> float:
        """Return a level as the task takes it: rounded where it must be."""
        return self._ladder.taken(level)

    def is_bound(self, level: float) -> bool:
        """Return whether a level cannot be left to one of the sides."""
        sides = (self._side, -self._side * self.easier)
        return any(np.isclose(self.taken(self._ladder.moved(level, s)), level) for s in sides)

    def measure(
        self, subject: Any, *, trials: int = 400, tracks: int = 16, seed: int = 0
    ) -> "StaircaseRun":
        """Run the staircase trial by trial on a subject that does not learn from it.

        Several tracks run side by side, each on trials of its own; `goal` and `unit` play no part.

        Args:
            subject: a network, or a function of `Trials` that returns outputs (trial, time,
                output), such as the `observer` of the task.
            trials: trials a track.
            tracks: how many tracks.
            seed: seed of trials and of the noise of the network.

        Returns:
            The levels, the answers, and the estimate of the level at which the share correct is
            `target`.

        Raises:
            ValueError: for a task of blocks, or one whose answers are not read.
        """
        from neurotask.curriculum._tracks import run_tracks

        self._check_by_trial()
        return run_tracks(self, subject, trials, tracks, seed)

    def __repr__(self) -> str:
        return shown(self, positional=2)

    # --- inside --------------------------------------------------------------------------------

    @property
    def _side(self) -> float:
        return -1.0 if self.harder == "lower" else 1.0

    @cached_property
    def _ladder(self) -> Ladder:
        return Ladder(
            self.task, self.parameter, self.start, self.ratio, self.step, self.lowest, self.highest
        )

    def _is_mastered(self, level: float) -> bool:
        if self.goal is None:
            return False
        return self._side * (self.taken(level) - self.goal) >= -1e-9 * abs(self.goal)

    def _check_by_trial(self) -> None:
        if self.task.trials_per_block is not None:
            raise ValueError(
                f"`task` must have trials one by one where a staircase goes by trial, got "
                f"{type(self.task).__name__}, which strings them into blocks. Use "
                'unit="block" in a Stage.'
            )
        if self.task.decision_rule is None:
            raise ValueError(
                f"`task` must have a decision_rule where a staircase goes by trial, got "
                f'{type(self.task).__name__}, whose answers are not read. Use unit="block".'
            )

    def _check_levels(self) -> None:
        known = [one.name for one in fields(self.task) if one.name not in ("dt", "task")]
        choose("parameter", self.parameter, dict.fromkeys([*known, *self.task.varying]))
        given = {
            name: getattr(self, name)
            for name in ("start", "lowest", "highest", "goal")
            if getattr(self, name) is not None
        }
        for name, level in given.items():
            number(name, level, low=0.0 if self.step is None else None, above=self.step is None)
        low, high = given.get("lowest", -np.inf), given.get("highest", np.inf)
        if low >= high:
            raise ValueError(f"`highest` must be above `lowest` ({low:g}), got {high:g}.")
        for name in ("start", "goal"):
            if name in given and not low <= given[name] <= high:
                raise ValueError(
                    f"`{name}` must be between `lowest` and `highest`, [{low:g}, {high:g}], got "
                    f"{given[name]:g}."
                )
        for name, level in given.items():
            if why := refusal(self.task, self.parameter, level):
                raise ValueError(
                    f"`{name}` must be a level that `{self.parameter}` of "
                    f"{type(self.task).__name__} can have, got {level!r}. {why}"
                )
