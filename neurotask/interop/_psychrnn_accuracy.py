"""Scoring by the `accuracy_function` of a task in PsychRNN's form."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from neurotask.decisions import DecisionRule, Reading
from neurotask.interop._psychrnn_trials import global_state, seed_global_state
from neurotask.trials import Trials


@dataclass(frozen=True)
class Accuracy(DecisionRule):
    """A trial is right where the task's `accuracy_function`, given it alone, says so.

    The function tells how well a trial went and not what was chosen: there is no choice and no
    reaction time. What is missing to 1 stands as `error`.

    Args:
        old: the task in PsychRNN's form.
        correct_at: accuracy of a trial from which on it is right.
    """

    old: Any
    correct_at: float = 1.0

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        n = len(trials)
        arrays = trials.targets, outputs, trials.mask
        with global_state():  # some functions break ties by lot
            seed_global_state(np.zeros(4, np.uint32))
            accuracy = [self._score(*(array[at : at + 1] for array in arrays)) for at in range(n)]
        never, none = np.zeros(n, bool), np.full(n, np.nan)
        error = 1.0 - np.array(accuracy)
        return Reading(np.full(n, -1), never, none, never, error, 1.0 - self.correct_at)

    def _score(self, targets: np.ndarray, outputs: np.ndarray, mask: np.ndarray) -> float:
        value = self.old.accuracy_function(targets, outputs, mask)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        # NaN is an answer: this trial has no right one.
        if not isinstance(value, Real) or not (0 <= float(value) <= 1 or np.isnan(float(value))):
            raise ValueError(
                f"`{type(self.old).__name__}.accuracy_function` must return a number in [0, 1] for "
                f"a batch of one trial, got {value!r}."
            )
        return float(value)


def accuracy_rule(old: Any, correct_at: float, trials: Trials) -> Accuracy | None:
    """Return how a task is scored; None where it has no `accuracy_function` that says anything.

    Args:
        old: the task in PsychRNN's form.
        correct_at: accuracy of a trial from which on it is right.
        trials: some trials of it, to ask the function about the first.
    """
    function = getattr(old, "accuracy_function", None)
    one = trials.targets[:1], trials.targets[:1], trials.mask[:1]
    if function is None:
        return None
    with global_state():
        silent = function(*one) is None
    return None if silent else Accuracy(old, correct_at)
