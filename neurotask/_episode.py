"""Acting in a task step by step: the row that unfolds, what was done in it, and how it scored."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from neurotask._streams import Stream
from neurotask.behavior import table
from neurotask.decisions import Argmax, DecisionRule, Reading, Threshold
from neurotask.distributions import OwnChoice
from neurotask.multitask import MultiTask
from neurotask.phases import Phases
from neurotask.task import Task
from neurotask.trials import WITHHOLD, Trials


def takes_choices(task: Task) -> bool:
    """Whether an action is a choice; else it is a value for each output.

    Raises:
        ValueError: if the task cannot be scored, or mixes both.
    """
    tasks = task.tasks if isinstance(task, MultiTask) else (task,)
    kinds = {isinstance(one.decision_rule, (Argmax, Threshold)) for one in tasks}
    if any(one.decision_rule is None for one in tasks):
        raise ValueError(
            f"`task` must have a decision rule to be acted in, but {type(task).__name__} has none. "
            'Add `decision_rule = Argmax("decision")` or another rule to it.'
        )
    if len(kinds) > 1:
        raise ValueError(
            "`task` must be answered by choices throughout or by values throughout, but its tasks "
            "mix both. Make an environment for each."
        )
    return kinds.pop()


def check_held(task: Task, conditions: Any) -> None:
    """Raise unless conditions can be held while someone acts in a task.

    Raises:
        TypeError: if they are no dict.
        ValueError: if one is what the subject does, which would overrule its actions.
    """
    if not isinstance(conditions, Mapping):
        raise TypeError(
            f"`conditions` must be a dict of conditions, got {conditions!r}. Write {{name: value}}."
        )
    tasks = task.tasks if isinstance(task, MultiTask) else (task,)
    for name in conditions:
        if any(isinstance(one.varying.get(name), OwnChoice) for one in tasks):
            raise ValueError(
                f"`{name}` must be left to who acts in {type(task).__name__}, since it is the "
                f"subject's own choice, got {conditions[name]!r}. Leave it out, or hold it in "
                "trials made ahead: task.trials()."
            )


class Episode:
    """One row of a task (a trial, or a block of them) that someone acts in.

    Where what comes next depends on the subject's own choices, the row is made anew with each of
    them: it is a pure function of the seed and of the choices, so nothing before it changes.

    Args:
        task: the task.
        seed: seed of the episodes.
        index: number of the episode.
        conditions: conditions held by hand; see `check_held`.

    Attributes:
        row: the row as it stands.
        outputs: what was put out at each step where actions are values, (1, time, output).
    """

    def __init__(self, task: Task, seed: int, index: int, conditions: Mapping[str, Any]):
        check_held(task, conditions)
        self.task, self._seed, self._index = task, seed, index
        self._given = dict(conditions)
        self._own = next((k for k, f in task.varying.items() if isinstance(f, OwnChoice)), None)
        self._chooses = takes_choices(task)
        n_trials = task.trials_per_block or 1
        self._choices = np.full((1, n_trials), "observer", dtype="U64")
        self._made: np.ndarray = np.full(n_trials, -1)
        self._rt = np.full(n_trials, np.nan)
        self._broken = np.zeros(n_trials, bool)
        self._over = np.zeros(n_trials, bool)
        self.row = self._make()
        self.outputs = np.zeros(self.row.targets.shape)
        ends = self.row.phases.lengths.cumsum()
        self._trial = np.repeat(np.arange(n_trials), self.row.phases.lengths)
        self._starts, self._ends = ends - self.row.phases.lengths, ends
        # As in `Argmax`: without an output "fixation" nothing says that it was broken.
        self._fixates = "fixation" in task.outputs or self.level is not None
        self._first, self._last = self._window() if self._chooses else (self._starts, ends)

    @property
    def n_steps(self) -> int:
        """Number of steps of the row."""
        return len(self._trial)

    @property
    def level(self) -> float | None:
        """The level that an output has to reach to be a choice, where the rule names one."""
        rule, _ = self._rule()
        return rule.level if isinstance(rule, Threshold) else None

    def place(self, step: int) -> tuple[int, bool]:
        """Return the trial that a step belongs to, and whether it is its first step."""
        trial = int(self._trial[step])
        return trial, bool(step == self._starts[trial])

    def observation(self, step: int) -> np.ndarray:
        """Return the inputs of a step, (input,)."""
        return self.row.inputs[0, step]

    def target(self, step: int) -> np.ndarray:
        """Return what is wanted of the outputs at a step, (output,)."""
        return self.row.targets[0, step]

    def wanted(self, step: int) -> int:
        """Return the action that is wanted at a step: 0 to wait, k + 1 for choice k."""
        trial = self._trial[step]
        due = self._first[trial] <= step < self._last[trial]
        if not due or self.row.answers[trial] == WITHHOLD:
            return 0
        wanted = self.target(step)[[self.task.outputs.index(name) for name in self.task.choices]]
        return int(wanted.argmax()) + 1 if wanted.any() else 0  # no target yet: no choice yet

    def act(self, step: int, action: Any) -> int | None:
        """Act at a step; return the trial that is decided by it, if one is.

        Args:
            step: the step.
            action: 0 to wait or k + 1 for choice k; or a value for each output.
        """
        trial = int(self._trial[step])
        if not self._chooses:
            self.outputs[0, step] = action
            return trial if step == self._ends[trial] - 1 else None
        if self._over[trial]:
            return None
        early, late = step < self._first[trial], step >= self._last[trial]
        if early and not self._fixates:
            return None
        if action and not late:
            self._broken[trial] = early
            if not early:
                self._made[trial] = action - 1
                self._rt[trial] = (step - self._first[trial]) * self.task.dt
        elif step < self._last[trial] - 1:
            return None
        self._over[trial] = True
        self._respond(trial)
        return trial

    def behavior(self) -> pd.DataFrame:
        """Return the behaviour, one row a trial; see `neurotask.behavior`."""
        return table(*self._read())

    def _read(self) -> tuple[Trials, Reading]:
        trials = self.row.by_trial()
        if not self._chooses:
            return trials, self.task.decision_rule.read(trials, self.row.cut(self.outputs))  # type: ignore[union-attr]
        return trials, Reading(self._made, self._made < 0, self._rt, self._broken)

    def _make(self) -> Trials:
        given = self._given if self._own is None else {self._own: self._choices, **self._given}
        return self.task.batch(
            1, seed=self._seed, stream=Stream.ENVIRONMENT, index=self._index, conditions=given
        )

    def _respond(self, trial: int) -> None:
        """Let the rest of the row follow from the choice of a trial."""
        if self._own is None:
            return
        place = self._made[trial]
        self._choices[0, trial] = "none" if place < 0 else self.task.choices[place]
        before, self.row = self.row.phases, self._make()
        if not np.array_equal(before.stops, self.row.phases.stops):
            raise ValueError(
                f"`{self._own}` must not change how long phases last, but those of "
                f"{type(self.task).__name__} depend on it. Derive durations from other conditions."
            )

    def _rule(self) -> tuple[DecisionRule | None, Phases]:
        """Return the rule that the row is read by (in a mixture, its task's), and its phases."""
        if not isinstance(self.task, MultiTask):
            return self.task.decision_rule, self.row.phases
        part = self.task.part(self.row, self.row.columns["task"][0])
        return part.task.decision_rule, part.phases

    def _window(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first step at which each trial may be answered, and that after the last."""
        rule, phases = self._rule()
        if isinstance(rule, Threshold):
            return phases.steps(rule.from_)[0], self._ends
        assert isinstance(rule, Argmax)
        return phases.steps(rule.phase)


def joined(rows: list[Trials]) -> Trials:
    """Return rows of the same task as one batch, padded to the longest."""
    n_steps = max(row.inputs.shape[1] for row in rows)

    def together(name: str) -> np.ndarray:
        arrays = [getattr(row, name) for row in rows]
        wide = [np.pad(a, ((0, 0), (0, n_steps - a.shape[1]), (0, 0))) for a in arrays]
        return np.concatenate(wide)

    first = rows[0]
    phases = replace(
        first.phases,
        **{
            name: np.concatenate([getattr(row.phases, name) for row in rows])
            for name in ("starts", "stops", "lengths")
        },
    )
    columns = {k: np.concatenate([row.columns[k] for row in rows]) for k in first.columns}
    answers = np.concatenate([row.answers for row in rows])
    inputs, targets, mask = map(together, ("inputs", "targets", "mask"))
    return Trials(first.task, inputs, targets, mask, columns, phases, answers, first.per_block)
