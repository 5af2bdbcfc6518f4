"""How the answer is read from the outputs: a decision rule is a setting of the task."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.phases import to_steps
from neurotask.trials import Trials


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read from a batch of outputs.

    Args:
        choice: place of the choice among the task's choices, -1 for none, (trial,).
        rt: reaction time in ms from the rule's event, NaN where none is defined, (trial,).
        broken: whether fixation was broken before the choice was due, (trial,).
        error: distance from the target where the answer is a value, else None; (trial,).
        tolerance: the largest error that is still correct.
    """

    choice: np.ndarray
    rt: np.ndarray
    broken: np.ndarray
    error: np.ndarray | None = None
    tolerance: float = 0.0


class DecisionRule(ABC):
    """Reads outputs (trial, time, output) into a `Reading`."""

    @abstractmethod
    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        """Return what the outputs say. They hold no NaN where a trial is present."""


@dataclass(frozen=True)
class Argmax(DecisionRule):
    """The choice is the output that is highest on average over a phase.

    A task with an output "fixation" can also be left unanswered: there is no choice where
    "fixation" is the highest, and fixation is broken where, over an earlier phase, it is not.
    No reaction time is defined, since the answer is read at a set time.

    Args:
        phase: the phase that is read.
        grace: time (ms) at its start that is not read, for the network to react to the go cue.

    Example:
        >>> Argmax("decision", grace=100.0)
        Argmax(phase='decision', grace=100.0)
    """

    phase: str
    grace: float = 0.0

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        start, stop = trials.phases.steps(self.phase)
        start = start + to_steps("grace", self.grace, trials.dt)
        broken = np.zeros(len(trials), bool)
        choices = _choice_places(trials)
        if (start >= stop).all():
            raise ValueError(
                f"`grace` must leave a step of the phase {self.phase!r} to read, got "
                f"{self.grace:g} ms. Make it shorter than the phase."
            )
        level = _mean(outputs, start, stop)
        choice = level[:, choices].argmax(1)
        if "fixation" in trials.output_names:
            fixation = trials.output_names.index("fixation")
            choice = np.where(level[:, choices].max(1) > level[:, fixation], choice, -1)
            for name in trials.phases.names[: trials.phases.names.index(self.phase)]:
                before = _mean(outputs, *trials.phases.steps(name))
                broken |= before[:, choices].max(1) > before[:, fixation]
        return Reading(choice, np.full(len(trials), np.nan), broken)


@dataclass(frozen=True)
class Threshold(DecisionRule):
    """The choice is the output that first reaches a level; the time it takes is the reaction time.

    Where several reach it in the same step the highest wins. Where none does there is no choice;
    where one does before the event, fixation is broken.

    Args:
        level: the level to reach, in units of the outputs.
        from_: the phase whose start is the event that reaction times count from.
    """

    level: float
    from_: str

    def __post_init__(self) -> None:
        number("level", self.level)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        step = np.arange(outputs.shape[1])
        start, _ = trials.phases.steps(self.from_)
        level = np.where(trials.present[..., None], outputs, -np.inf)[..., _choice_places(trials)]
        crossed = (level >= self.level).any(2)
        early = (crossed & (step < start[:, None])).any(1)
        due = crossed & (step >= start[:, None])
        first = due.argmax(1)
        chosen = level[np.arange(len(trials)), first].argmax(1)
        answered = due.any(1)
        rt = np.where(answered, (first - start) * trials.dt, np.nan)
        return Reading(np.where(answered, chosen, -1), rt, early)


@dataclass(frozen=True)
class Distance(DecisionRule):
    """The answer is a value: right where the outputs stay near their targets.

    The error is the root mean square of outputs minus targets over a phase, weighted by the mask.

    Args:
        phase: the phase that is read.
        tolerance: the largest error that is still correct, in units of the outputs.
    """

    phase: str
    tolerance: float

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, low=0.0)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        start, stop = trials.phases.steps(self.phase)
        weight = trials.mask * _inside(outputs.shape[1], start, stop)[..., None]
        square = np.where(weight > 0, outputs - trials.targets, 0.0) ** 2
        total = weight.sum((1, 2))
        with np.errstate(invalid="ignore"):
            error = np.sqrt((weight * square).sum((1, 2)) / total)
        none = np.full(len(trials), -1)
        return Reading(
            none, np.full(len(trials), np.nan), np.zeros(len(trials), bool), error, self.tolerance
        )


def _choice_places(trials: Trials) -> list[int]:
    return [trials.output_names.index(choice) for choice in trials.task.choices]


def _inside(n_steps: int, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    step = np.arange(n_steps)
    return (step >= start[:, None]) & (step < stop[:, None])


def _mean(outputs: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the mean over each trial's steps start to stop, (trial, output); else 0."""
    inside = _inside(outputs.shape[1], start, stop)
    total = np.where(inside[..., None], outputs, 0.0).sum(1)
    return total / np.maximum(inside.sum(1), 1)[:, None]
