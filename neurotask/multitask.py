"""`MultiTask`: several tasks on the same channels, interleaved from trial to trial."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurotask._checks import array, choose, listed, nearest
from neurotask._merging import merged_columns
from neurotask.behavior import scored
from neurotask.decisions import DecisionRule, Reading
from neurotask.distributions import Levels
from neurotask.observers import Seen
from neurotask.phases import Phases
from neurotask.task import Task, under
from neurotask.trials import Trials


@dataclass(frozen=True, kw_only=True)
class MultiTask(Task):
    """Several tasks interleaved: each trial is one of them, and a rule cue may say which.

    Each trial is exactly that of the task it belongs to. The condition `task` holds its name; the
    conditions that a task does not have are NaN (or "") in its trials.

    Args:
        tasks: the tasks. They have the same inputs and outputs, and none has blocks.
        names: a name for each; None: those of their classes, as `delayed_match_to_sample`.
        weights: how often each is drawn, relative to the others; None: all alike.
        rule_cue: whether an input "rule_..." for each task is on during its trials.
        dt: length of a time step, ms, at which all tasks are taken; None: that of the tasks.

    Raises:
        ValueError: if the channels of the tasks differ, or names are not unique.

    Source: Yang, Joglekar, Song, Newsome & Wang (2019) Nat. Neurosci. 22:297, for networks trained
        on interleaved tasks with a rule cue.

    Example:
        >>> from neurotask.tasks.memory_guided_response import MemoryGuidedResponse
        >>> pro, anti = MemoryGuidedResponse(), MemoryGuidedResponse(rotation=180.0)
        >>> both = MultiTask([pro, anti], names=("pro", "anti"), weights=(1.0, 5.0))
        >>> both.inputs[-2:], both.trials(4, seed=0, task="anti").conditions["task"].tolist()
        (('rule_pro', 'rule_anti'), ['anti', 'anti', 'anti', 'anti'])
    """

    function = "multitask"

    tasks: tuple[Task, ...] = field(kw_only=False)
    names: tuple[str, ...] | None = None
    weights: tuple[float, ...] | None = None
    rule_cue: bool = True
    dt: float | None = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        tasks: list[Task] = list(self.tasks) if isinstance(self.tasks, (list, tuple)) else []
        if not tasks or not all(isinstance(task, Task) for task in tasks):
            raise TypeError(f"`tasks` must be a list of tasks, got {self.tasks!r}.")
        if self.dt is not None:
            tasks = [task.replace(dt=self.dt) for task in tasks]
        names = [snake(type(task).__name__) for task in tasks]
        if self.names is not None:
            names = [*self.names] if isinstance(self.names, (list, tuple)) else []
        good = all(isinstance(name, str) and name for name in names)
        if len(names) != len(tasks) or len(set(names)) < len(names) or not good:
            raise ValueError(
                f"`names` must be a different name for each of the {len(tasks)} tasks, got "
                f"{self.names or tuple(names)!r}. Give names=(...)."
            )
        if not isinstance(self.rule_cue, bool):
            raise TypeError(f"`rule_cue` must be True or False, got {self.rule_cue!r}.")
        for name, task in zip(names, tasks, strict=True):
            _check_alike(names[0], tasks[0], name, task)
        settings = {"tasks": tuple(tasks), "names": tuple(names), "dt": tasks[0].dt}
        for setting, value in settings.items():
            object.__setattr__(self, setting, value)
        super().__post_init__()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the tasks, and the rule cues."""
        return self.tasks[0].inputs + (self._rules if self.rule_cue else ())

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of the tasks."""
        return self.tasks[0].outputs

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices of all tasks, each once."""
        return tuple(dict.fromkeys(choice for task in self.tasks for choice in task.choices))

    @property
    def decision_rule(self) -> DecisionRule | None:
        """Each task's own, where all have one."""
        scored = all(task.decision_rule is not None for task in self.tasks)
        return EachItsOwn() if scored else None

    @property
    def psychometric_axis(self) -> str | None:
        """That of the tasks, where it is the same."""
        axes = {task.psychometric_axis for task in self.tasks}
        return axes.pop() if len(axes) == 1 else None

    @property
    def easy(self) -> Mapping[str, Any]:
        """The easy settings of each task."""
        return {"tasks": tuple(under(task, "easy") for task in self.tasks)}

    @property
    def hard(self) -> Mapping[str, Any]:
        """The hard settings of each task."""
        return {"tasks": tuple(under(task, "hard") for task in self.tasks)}

    @property
    def settable(self) -> tuple[str, ...]:
        """The conditions that can be held by hand: the task, and those of each."""
        names = (name for task in self.tasks for name in task.settable)
        return tuple(dict.fromkeys(["task", *names]))

    def factors(self) -> Mapping[str, Any]:
        return {"task": Levels(self._names, weights=self.weights)}

    def observe(self, seen: Seen) -> np.ndarray:
        if not self.rule_cue:
            raise ValueError(
                "`rule_cue` must be True for an ideal observer, since only the cue says which task "
                "a trial is of."
            )
        rule = seen.sum(self._rules).argmax(1)
        inputs = seen[self.tasks[0].inputs]
        outputs = np.zeros((seen.n_rows, seen.n_steps, len(self.outputs)), np.float32)
        for place, task in enumerate(self.tasks):
            mine = rule == place
            if mine.any():
                outputs[mine] = task.observe(Seen(task, inputs[mine]))
        return outputs

    def part(self, trials: Trials, name: str) -> Trials:
        """Return the trials of one task, as trials of that task.

        Args:
            trials: trials of this MultiTask.
            name: name of the task.
        """
        task = self.tasks[self._names.index(choose("name", name, self._names))]
        mine = trials[trials.columns["task"] == name]
        phases = mine.phases
        kept = [phase for phase in task.durations if phase in phases] or list(phases)
        columns = [phases.names.index(phase) for phase in kept]
        edges = (phases.starts[:, columns], phases.stops[:, columns])
        inputs = mine.inputs[..., : len(task.inputs)]
        alone = Phases(tuple(kept), *edges, phases.lengths, phases.dt)
        # Place among all choices -> place among the task's own.
        own = {place: k for k, place in enumerate(self.places_of(task))}
        answers = np.array([own.get(answer, answer) for answer in mine.answers], int)
        return replace(mine, task=task, inputs=inputs, phases=alone, answers=answers)

    def places_of(self, task: Task) -> np.ndarray:
        """Return the place of each choice of one of the tasks among all choices."""
        return np.array([self.choices.index(choice) for choice in task.choices], int)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.names or ()

    @property
    def _rules(self) -> tuple[str, ...]:
        return tuple(f"rule_{name}" for name in self._names)

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        given = {name: self._checked(name, value, n) for name, value in conditions.items()}
        drawn = self.varying["task"].sample(what, n)
        which = given.pop("task", drawn)
        rngs = zip(what.spawn(len(self.tasks)), how.spawn(len(self.tasks)), strict=True)
        parts: dict[str, tuple[np.ndarray, Trials]] = {}
        for name, task, (what_shown, how_shown) in zip(self._names, self.tasks, rngs, strict=True):
            rows = np.flatnonzero(which == name)
            own = {k: v[rows] for k, v in given.items() if k in task.settable}
            # Tasks that are not drawn leave their conditions and phases: all batches have the same.
            part = task._make(len(rows), own, what_shown, how_shown) if len(rows) else None
            parts[name] = rows, part or self._samples[name][:0]
        return self._joined(n, np.asarray(which), parts)

    def _joined(
        self, n: int, which: np.ndarray, parts: dict[str, tuple[np.ndarray, Trials]]
    ) -> Trials:
        """Return the batches of single tasks as one, each trial in its place."""
        n_steps = max(part.inputs.shape[1] for rows, part in parts.values() if len(rows))
        phases = list(dict.fromkeys(phase for _, part in parts.values() for phase in part.phases))
        inputs, targets, mask = (np.zeros((n, n_steps, c), np.float32) for c in self._sizes)
        starts, stops = (np.full((n, len(phases)), -1) for _ in range(2))
        lengths, answers = np.zeros(n, int), np.zeros(n, int)
        for name, (rows, part) in parts.items():
            if not len(rows):
                continue
            steps = slice(part.inputs.shape[1])
            inputs[rows, steps, : part.inputs.shape[2]] = part.inputs
            targets[rows, steps], mask[rows, steps] = part.targets, part.mask
            if self.rule_cue:
                rule = self.inputs.index(f"rule_{name}")
                inputs[rows, steps, rule] = part.present
            at = np.array([phases.index(phase) for phase in part.phases])
            starts[np.ix_(rows, at)] = part.phases.starts
            stops[np.ix_(rows, at)] = part.phases.stops
            lengths[rows] = part.phases.lengths
            answers[rows] = _placed(part.answers, self.places_of(part.task))
        columns = {"task": which} | merged_columns(n, parts)
        laid_out = Phases(tuple(phases), starts, stops, lengths, self.tasks[0].dt)
        return Trials(self, inputs, targets, mask, columns, laid_out, answers)

    @cached_property
    def _samples(self) -> dict[str, Trials]:
        """A trial of each task."""
        return {n: task.trials(1) for n, task in zip(self._names, self.tasks, strict=True)}

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return len(self.inputs), len(self.outputs), len(self.outputs)

    def _checked(self, name: str, value: Any, n: int) -> np.ndarray:
        options = self.settable
        if name not in options:
            raise ValueError(
                f"`{name}` must be a condition of one of the tasks, which have {listed(options)}."
                f"{nearest(name, options)}"
            )
        values = array(value)
        if values.shape not in ((), (n,)):
            raise ValueError(
                f"`{name}` must be one value or one a trial, shape ({n},), got shape "
                f"{values.shape}."
            )
        if name == "task":
            for one in np.unique(values):
                choose("task", one.item(), self._names)
        return np.broadcast_to(values, n)


@dataclass(frozen=True)
class EachItsOwn(DecisionRule):
    """Each trial of a `MultiTask` is read by the rule of the task it belongs to."""

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        mixture, n = trials.task, len(trials)
        assert isinstance(mixture, MultiTask)
        choice, silent, broken = np.full(n, -1), np.zeros(n, bool), np.zeros(n, bool)
        rt, error, direction, correct = (np.full(n, np.nan) for _ in range(4))
        for name, task in zip(mixture._names, mixture.tasks, strict=True):
            rows = np.flatnonzero(trials.columns["task"] == name)
            if not len(rows):
                continue
            part = mixture.part(trials, name)
            assert task.decision_rule is not None
            one = task.decision_rule.read(part, outputs[rows])
            choice[rows] = _placed(one.choice, mixture.places_of(task))
            silent[rows], broken[rows], rt[rows] = one.silent, one.broken, one.rt
            correct[rows] = scored(part, one)
            if one.error is not None:
                error[rows] = one.error
            if one.direction is not None:
                direction[rows] = one.direction
        return Reading(
            choice,
            silent,
            rt,
            broken,
            error if not np.isnan(error).all() else None,
            direction=direction if not np.isnan(direction).all() else None,
            correct=correct,
        )


def _placed(choices: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return choices of one task as places among all; what is below 0 is no choice and stays."""
    return np.where(choices < 0, choices, places[np.maximum(choices, 0)] if len(places) else -1)


def _check_alike(first: str, one: Task, name: str, other: Task) -> None:
    for kind in ("inputs", "outputs", "dt"):
        a, b = getattr(one, kind), getattr(other, kind)
        if a != b:
            raise ValueError(
                f"`tasks` must have the same {kind}, but {first} has {_differing(a, b)} and {name} "
                f"has {_differing(b, a)}. Give tasks with like channels and time step."
            )
    if other.trials_per_block is not None:
        raise ValueError(f"`tasks` must not have blocks, but {name} has. Train it by itself.")
    if "task" in other.varying:
        raise ValueError(f"`tasks` must not have a factor named `task`, but {name} has. Rename it.")


def _differing(value: Any, other: Any) -> str:
    """Return a setting as text, of many channels those that the other does not have."""
    if not isinstance(value, tuple) or len(value) <= 8:
        return repr(value)
    own = [name for name in value if name not in other] or list(value)
    return f"{len(value)} of them, {own[0]!r} among them"


def snake(name: str) -> str:
    """Return `MatchToSample` as `match_to_sample`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
