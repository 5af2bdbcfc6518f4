"""From outputs to behaviour: one row a trial, as in an animal's log."""

import numpy as np
import pandas as pd

from neurotask.decisions import Reading
from neurotask.trials import Trials

NO_CHOICE = "none"


def behavior(trials: Trials, outputs: np.ndarray) -> pd.DataFrame:
    """Score the outputs of a network (or of an observer) on a batch.

    Args:
        trials: the batch.
        outputs: its outputs, (trial, time, output); padding is not looked at.

    Returns:
        One row a trial: the conditions; `answer` and `choice` ("none" where there is none);
        `correct` (1, 0, or NaN where no answer is right; a missing answer is not correct); `rt` in
        ms; `error` where the answer is a value; `outcome`: "correct", "error", "no_response",
        "broken_fixation", or "unscored" where no answer is right.

    Raises:
        ValueError: if the shape is not that of the targets, or an output is NaN.
    """
    reading = _read(trials, outputs)
    correct = _correct(trials, reading)
    columns = dict(trials.columns)
    if trials.task.choices:
        columns |= _answer_and_choice(trials, reading)
    if reading.error is not None:
        columns["error"] = reading.error
    columns |= {"correct": correct, "rt": reading.rt, "outcome": _outcome(trials, reading, correct)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(trials), name="trial"))


def accuracy(trials: Trials, outputs: np.ndarray) -> float:
    """Return the share of correct trials among those with a right answer (NaN if there is none)."""
    correct = _correct(trials, _read(trials, outputs))
    scored = ~np.isnan(correct)
    return float(correct[scored].mean()) if scored.any() else float("nan")


def _read(trials: Trials, outputs: np.ndarray) -> Reading:
    if not isinstance(trials, Trials):
        raise TypeError(f"`trials` must be Trials, got {type(trials).__name__}.")
    rule = trials.task.decision_rule
    if rule is None:
        raise ValueError(
            f"`decision_rule` must be set to score behaviour, but {type(trials.task).__name__} "
            'has none. Add `decision_rule = Argmax("decision")` or another rule to the task.'
        )
    return rule.read(trials, _checked(trials, np.asarray(outputs)))


def _answer_and_choice(trials: Trials, reading: Reading) -> dict[str, np.ndarray]:
    """Return the names of the right and of the chosen answers."""
    names = np.array([*trials.task.choices, NO_CHOICE])  # place -1 is the last: none
    return {"answer": names[trials.answers], "choice": names[reading.choice]}


def _checked(trials: Trials, outputs: np.ndarray) -> np.ndarray:
    if outputs.shape != trials.targets.shape:
        raise ValueError(
            f"`outputs` must have the shape of the targets, {trials.targets.shape} "
            f"(trial, time, output), got {outputs.shape}."
        )
    bad = np.isnan(outputs).any(2) & trials.present
    if bad.any():
        trial, step = np.argwhere(bad)[0]
        raise ValueError(
            f"`outputs` must be numbers, got NaN in {int(bad.any(1).sum())} trials, first in "
            f"trial {trial} at {step * trials.dt:g} ms. Look for NaN in the weights."
        )
    return outputs


def _correct(trials: Trials, reading: Reading) -> np.ndarray:
    if reading.error is not None:
        within = (reading.error <= reading.tolerance) & ~reading.broken
        return np.where(np.isnan(reading.error), np.nan, within)
    right = (reading.choice == trials.answers) & ~reading.broken
    return np.where(trials.answers < 0, np.nan, right)


def _outcome(trials: Trials, reading: Reading, correct: np.ndarray) -> np.ndarray:
    silent = (reading.choice < 0) & (reading.error is None)
    cases = {
        "broken_fixation": reading.broken,
        "no_response": silent,
        "unscored": np.isnan(correct),
        "correct": correct == 1,
    }
    return np.select(list(cases.values()), list(cases), "error")
