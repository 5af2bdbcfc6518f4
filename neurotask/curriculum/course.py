"""A course: a curriculum under way. What it carries is plain data, so that a run can be resumed."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from neurotask._streams import Stream, generator
from neurotask.curriculum.adaptive import Adaptive, Answer
from neurotask.curriculum.curriculum import Curriculum
from neurotask.curriculum.measures import Evaluation
from neurotask.curriculum.mixtures import Channels, mixed
from neurotask.curriculum.stage import Stage
from neurotask.task import Task
from neurotask.trials import Trials

Test: TypeAlias = Callable[[Trials, int], Evaluation]
"""Runs a network on trials of an evaluation and says how; the number is that of its noise."""


class PlainCourse:
    """The course of a task: it alone, to the end, with no evaluation.

    Args:
        task: the task.
        segment: updates after which callbacks act.
    """

    over = ""
    event = ""
    entered = None

    def __init__(self, task: Task, segment: int):
        self.task, self.until, self.stage = task, segment, 0
        self.rows: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}

    def advance(self, updates: int, update: int, loss: float, test: Test) -> dict[str, float]:
        """Take note of updates that were made; return what callbacks are told of it."""
        return {}


class Replay:
    """What is left of a course that has ended: its log.

    Args:
        rows: the log, one dict an evaluation.
    """

    def __init__(self, rows: Sequence[dict[str, Any]]):
        self.rows = list(rows)


class Course:
    """Where a training on a curriculum stands: what is next, and what was.

    Args:
        curriculum: the curriculum; it keeps the course, for its log.
        batch_size: trials an update.
        seed: seed of evaluations and of what the curriculum draws.
        channels: channels of the network.
        state: the state to go on from; None: the start.
        rows: the log up to there.

    Attributes:
        state: where it stands, as JSON can hold it.
        rows: the log, one dict an evaluation.
        over: why there is nothing more to be trained: "end", "stop" or "target"; "" while there is.
        event: what happened to the stage at the last evaluations, "" for nothing.
        entered: the stage that begins now, whose settings of the optimizer are to be made; or None.
    """

    def __init__(
        self,
        curriculum: Curriculum,
        batch_size: int,
        seed: int,
        channels: Channels,
        state: dict[str, Any] | None = None,
        rows: Sequence[dict[str, Any]] = (),
    ):
        self.curriculum, self._batch_size, self._seed = curriculum, batch_size, seed
        self._channels, self.rows, self.event = channels, list(rows), ""
        self._task: Task | None = None
        self.state = self._beginning() if state is None else state
        # Also where it goes on from a checkpoint that was made before the first update.
        self.entered = None if self.state["trials"] else self._stage
        object.__setattr__(curriculum, "_last_course", self)

    # --- what is next --------------------------------------------------------------------------

    @property
    def over(self) -> str:
        """Why training is over, "" while it is not."""
        return self.state["over"]

    @property
    def stage(self) -> int:
        """Place of the present stage."""
        return self.state["stage"]

    @property
    def task(self) -> Task:
        """What batches are made of now."""
        if self._task is None:
            now = [self._now(place) for place in range(self.stage + 1)]
            self._task = mixed(
                [self.curriculum.training_task(self.stage, now)], [1.0], self._channels
            )
        return self._task

    @property
    def until(self) -> int:
        """Updates until the next evaluation."""
        s, stage, target = self.state, self._stage, self.curriculum.target
        ends = []
        if not s["past"]:
            ends.append(stage.every - s["untested"])
            if stage.limit is not None:
                ends.append(stage.limit - s["since"])
            if isinstance(stage.task, Adaptive):
                due = stage.task.due(self._adaptive)
                ends += [] if due is None else [due - s["untested"]]
        if target is not None:
            ends.append(target.every - s["target_untested"])
        return min(ends)

    # --- what was ------------------------------------------------------------------------------

    def advance(self, updates: int, update: int, loss: float, test: Test) -> dict[str, float]:
        """Take note of updates that were made, and evaluate where it is time to.

        Args:
            updates: how many were made since the last call.
            update: how many the network has had in all.
            loss: mean loss of these updates.
            test: runs the network on trials.

        Returns:
            What callbacks are told: the stage, and the last value of its metric (or of the target).
        """
        self.event, self.entered = "", None
        per_row = self.task.trials_per_block or 1
        for name in ("since", "untested", "target_untested"):
            self.state[name] += updates
        self.state["trials"] += updates * self._batch_size * per_row
        place = self.stage
        if not self.state["past"] and self._is_due():
            self._examine_stage(update, loss, test)
        target = self.curriculum.target
        if target is not None and self.state["target_untested"] >= target.every:
            self._examine_target(target, place, update, loss, test)
        told = {"stage": float(place)}
        return told | {"evaluation": self.rows[-1]["value"] if self.rows else np.nan}

    def _is_due(self) -> bool:
        s, stage = self.state, self._stage
        due = None
        if isinstance(stage.task, Adaptive):
            due = stage.task.due(self._adaptive)
        times_up = stage.limit is not None and s["since"] >= stage.limit
        return s["untested"] >= stage.every or times_up or (due or np.inf) <= s["untested"]

    def _examine_stage(self, update: int, loss: float, test: Test) -> None:
        s, stage, place = self.state, self._stage, self.stage
        said: dict[str, Any] = {}
        if isinstance(stage.task, Adaptive):
            said = dict(stage.task.columns(self._adaptive))
            rng = generator(self._seed, Stream.ORDER, s["tests"])
            answer, state = stage.task.examine(
                self._adaptive,
                lambda task, n: self._test(self.curriculum.tested(stage, task), n, test),
                stage.grade,
                stage.trials,
                s["untested"],
                rng,
            )
            s["adaptive"][place] = state
            done = stage.task.is_done(state)
        else:
            answer = stage.grade(self._test(self.curriculum.tested(stage), stage.trials, test))
            s["row"] = s["row"] + 1 if answer.passed else 0
            done = s["row"] >= stage.passes
        s["untested"] = 0
        self._task = None
        self._move(done, stage.limit is not None and s["since"] >= stage.limit)
        self._note(place, stage, answer, update, loss, said)

    def _move(self, done: bool, times_up: bool) -> None:
        """Go where an evaluation leads."""
        stage = self._stage
        if done or (times_up and stage.on_limit == "advance"):
            if self.stage + 1 < len(self.curriculum.stages):
                self._enter(self.stage + 1, "advance")
            elif self.curriculum.target is None:
                self.state["over"] = self.event = "end"
            else:
                self.state["past"], self.event = True, "end"
        elif times_up and stage.on_limit == "back":
            self._enter(self.stage - 1, "back")
        elif times_up:
            self.state["over"] = self.event = "stop"

    def _enter(self, place: int, event: str) -> None:
        self.event = event
        self.state |= {"stage": place, "since": 0, "untested": 0, "row": 0}
        self.state["adaptive"][place] = self._started(place)
        self.entered = self._stage

    def _examine_target(
        self, target: Stage, place: int, update: int, loss: float, test: Test
    ) -> None:
        s = self.state
        s["target_untested"] = 0
        answer = target.grade(self._test(self.curriculum.tested(target), target.trials, test))
        s["target_row"] = s["target_row"] + 1 if answer.passed else 0
        reached = s["target_row"] >= target.passes
        if reached and not s["over"]:
            s["over"] = self.event = "target"
        event = "target" if reached else ""
        self._note(place, target, answer, update, loss, {"name": "target", "event": event})

    def _test(self, task: Task, n: int, test: Test) -> Evaluation:
        s = self.state
        wide = mixed([task], [1.0], self._channels)
        number = s["tests"]
        trials = wide.batch(n, seed=self._seed, stream=Stream.LESSONS, index=number)
        s["tests"] += 1
        s["tested"] += len(trials.answers)
        return test(trials, number)

    def _note(
        self,
        place: int,
        stage: Stage,
        answer: Answer,
        update: int,
        loss: float,
        said: dict[str, Any],
    ) -> None:
        row = {
            "update": update,
            "stage": place,
            "name": self.curriculum.names[place],
            "lesson": "",
            "level": np.nan,
            "metric": stage.metric_name,
            "value": answer.value,
            "threshold": np.nan if stage.threshold is None else float(stage.threshold),
            "passed": bool(answer.passed),
            "event": self.event,
            "loss": loss,
            "trials": self.state["trials"],
            "tested": self.state["tested"],
        }
        self.rows.append(row | said)

    # --- inside --------------------------------------------------------------------------------

    @property
    def _stage(self) -> Stage:
        return self.curriculum.stages[self.stage]

    @property
    def _adaptive(self) -> Any:
        return self.state["adaptive"][self.stage]

    def _now(self, place: int) -> Task:
        """Return the task that a stage has, or had last."""
        stage = self.curriculum.stages[place]
        if isinstance(stage.task, Adaptive):
            return stage.task.now(self.state["adaptive"][place])
        return stage.tasks[0]

    def _started(self, place: int) -> Any:
        task = self.curriculum.stages[place].task
        rng = generator(self._seed, Stream.ORDER, place, 0)
        return task.begin(rng) if isinstance(task, Adaptive) else None

    def _beginning(self) -> dict[str, Any]:
        counts = ("stage", "since", "untested", "row", "target_untested", "target_row")
        totals = ("trials", "tests", "tested")
        return dict.fromkeys([*counts, *totals], 0) | {
            "past": False,
            "over": "",
            "adaptive": [self._started(place) for place in range(len(self.curriculum.stages))],
        }
