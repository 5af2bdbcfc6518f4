"""How an answer is read where a ground truth, step by step, is all that says when it is due."""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.decisions import DecisionRule, Reading
from neurotask.interop._neurogym_channels import FIXATION
from neurotask.phases import Phases
from neurotask.trials import WITHHOLD, Trials


@dataclass(frozen=True)
class LastAnswer(DecisionRule):
    """The choice is the output that is highest on average while an answer is wanted.

    That is where the ground truth is not to fixate; if it changes there, its last stretch of one
    value. Where it is to fixate throughout, no answer is right: then the last step is read, as it
    is where the task has no output "fixation". There is no choice where "fixation" is the highest.
    Fixation is broken where it is not the highest on average over the steps before that should be
    fixated in. No reaction time is defined.

    Example:
        >>> LastAnswer()
        LastAnswer()
    """

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        names = trials.output_names
        choices = [names.index(choice) for choice in trials.task.choices]
        wanted = trials.targets.argmax(2)
        fixation = names.index(FIXATION) if FIXATION in names else None
        due = _last_stretch(wanted, answer_due(wanted, trials.present, fixation))
        level = _mean(outputs, due)
        choice = level[:, choices].argmax(1)
        broken = np.zeros(len(trials), bool)
        if fixation is not None:
            choice = np.where(level[:, choices].max(1) > level[:, fixation], choice, -1)
            step = np.arange(due.shape[1])
            waits = (wanted == fixation) & (step < due.argmax(1)[:, None])
            before = _mean(outputs, waits)
            broken = waits.any(1) & (before[:, choices].max(1) > before[:, fixation])
        return Reading(choice, choice < 0, np.full(len(trials), np.nan), broken)


@dataclass(frozen=True)
class LastPhaseDistance(DecisionRule):
    """The answer is a value: right where the outputs stay near the ground truth.

    The error is the root mean square of outputs minus targets over the last phase of the trial.

    Args:
        tolerance: the largest error that is still correct, in units of the outputs.

    Example:
        >>> LastPhaseDistance(0.2)
        LastPhaseDistance(tolerance=0.2)
    """

    tolerance: float

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, low=0.0)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        due = last_phase(trials.phases, outputs.shape[1])
        error = np.sqrt(_mean((outputs - trials.targets) ** 2, due).mean(1))
        n = len(trials)
        never, none = np.zeros(n, bool), np.full(n, np.nan)
        return Reading(np.full(n, -1), never, none, never, error, self.tolerance)


def answer_due(wanted: np.ndarray, present: np.ndarray, fixation: int | None) -> np.ndarray:
    """Return in which steps an answer is wanted, (trial, time).

    Args:
        wanted: the right action of each step, (trial, time).
        present: which steps belong to the trial, (trial, time).
        fixation: the action that is no answer; None where all are.
    """
    last = present & ~np.pad(present[:, 1:], ((0, 0), (0, 1)))
    if fixation is None:
        return last
    due = present & (wanted != fixation)
    return np.where(due.any(1)[:, None], due, last)


def last_phase(phases: Phases, n_steps: int) -> np.ndarray:
    """Return which steps are in the last phase of their trial that lasts, (trial, time)."""
    begun = np.where(phases.stops > phases.starts, phases.starts, -1)
    at = begun.argmax(1)
    row, step = np.arange(len(at)), np.arange(n_steps)
    start, stop = phases.starts[row, at], phases.stops[row, at]
    return (step >= start[:, None]) & (step < stop[:, None])


def right_answer(wanted: np.ndarray, fixation: int | None, n_outputs: int) -> int:
    """Return the place of a trial's last right action among the choices, or that it is none."""
    answers = wanted[wanted != fixation]
    if not len(answers):
        return WITHHOLD
    choices = [action for action in range(n_outputs) if action != fixation]
    return choices.index(int(answers[-1]))


def _last_stretch(wanted: np.ndarray, due: np.ndarray) -> np.ndarray:
    """Return the last run of steps that are due and in which the same is wanted."""
    step = np.arange(due.shape[1])
    last = due.shape[1] - 1 - due[:, ::-1].argmax(1)
    value = wanted[np.arange(len(due)), last]
    other = (~due | (wanted != value[:, None])) & (step <= last[:, None])
    before = np.where(other, step, -1).max(1)
    return (step > before[:, None]) & (step <= last[:, None])


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the mean over the chosen steps of each trial, (trial, output); else 0."""
    total = np.where(where[..., None], values, 0.0).sum(1)
    return total / np.maximum(where.sum(1), 1)[:, None]
