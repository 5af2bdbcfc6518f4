"""From outputs to behaviour: one row a trial, as in an animal's log."""

import numpy as np
import pandas as pd

from neurotask.decisions import DecisionRule, Reading
from neurotask.trials import UNSCORED, WITHHOLD, Trials

NO_CHOICE = "none"


def behavior(trials: Trials, outputs: np.ndarray) -> pd.DataFrame:
    """Score the outputs of a network (or of an observer) on a batch.

    Args:
        trials: the batch.
        outputs: its outputs, (row, time, output); padding is not looked at.

    Returns:
        One row a trial, of a block task with `block` and `trial_in_block`: the conditions; `answer`
        ("none" where no choice is right, "withhold" where it is right to make none) and `choice`
        ("none" where there is none); `correct` (1, 0, or NaN where no answer is right; a missing
        answer is not correct); `rt` in ms; `error` where the answer is a value, and
        `reported_direction` (degrees) where it is one; `outcome`: "correct", "error",
        "no_response", "broken_fixation", or "unscored" where no answer is right.

    Raises:
        ValueError: if the shape is not that of the targets, or an output is NaN.
    """
    outputs = _checked(trials, np.asarray(outputs))
    trials, outputs = trials.by_trial(), trials.cut(outputs)
    return table(trials, _rule(trials).read(trials, outputs))


def table(trials: Trials, reading: Reading) -> pd.DataFrame:
    """Return what was read from trials (none of them in blocks) as behaviour, one row a trial."""
    correct = scored(trials, reading)
    columns = dict(trials.columns)
    if trials.task.choices and (reading.error is None or reading.correct is not None):
        columns |= _answer_and_choice(trials, reading)
    if reading.error is not None:
        columns["error"] = reading.error
    if reading.direction is not None:
        columns["reported_direction"] = reading.direction
    columns |= {"correct": correct, "rt": reading.rt, "outcome": _outcome(reading, correct)}
    made = pd.DataFrame(columns, index=pd.RangeIndex(len(trials), name="trial"))
    # As in a Session, so that an analysis of either knows what is what.
    made.attrs["choices"] = list(trials.task.choices)
    event = getattr(trials.task.decision_rule, "from_", None)
    if event is not None:
        made.attrs["rt_from"] = event
    if trials.task.psychometric_axis is not None:
        made.attrs["psychometric_axis"] = trials.task.psychometric_axis
    return made


def accuracy(trials: Trials, outputs: np.ndarray) -> float:
    """Return the share of correct trials among those with a right answer (NaN if there is none)."""
    outputs = _checked(trials, np.asarray(outputs))
    trials, outputs = trials.by_trial(), trials.cut(outputs)
    correct = scored(trials, _rule(trials).read(trials, outputs))
    counts = ~np.isnan(correct)
    return float(correct[counts].mean()) if counts.any() else float("nan")


def _rule(trials: Trials) -> DecisionRule:
    rule = trials.task.decision_rule
    if rule is None:
        raise ValueError(
            f"`decision_rule` must be set to score behaviour, but {type(trials.task).__name__} "
            'has none. Add `decision_rule = Argmax("decision")` or another rule to the task.'
        )
    return rule


def _answer_and_choice(trials: Trials, reading: Reading) -> dict[str, np.ndarray]:
    """Return the names of the right and of the chosen answers."""
    names = np.array([*trials.task.choices, "withhold", NO_CHOICE])  # places -2 and -1
    return {"answer": names[trials.answers], "choice": names[reading.choice]}


def _checked(trials: Trials, outputs: np.ndarray) -> np.ndarray:
    if not isinstance(trials, Trials):
        raise TypeError(f"`trials` must be Trials, got {type(trials).__name__}.")
    if outputs.shape != trials.targets.shape:
        raise ValueError(
            f"`outputs` must have the shape of the targets, {trials.targets.shape} "
            f"(trial, time, output), got {outputs.shape}."
        )
    missing = np.isnan(outputs)
    if not missing.any():
        return outputs
    bad = missing.any(2) & trials.present
    if bad.any():
        trial, step = np.argwhere(bad)[0]
        raise ValueError(
            f"`outputs` must be numbers, got NaN in {int(bad.any(1).sum())} trials, first in "
            f"trial {trial} at {step * trials.dt:g} ms. Look for NaN in the weights."
        )
    return outputs


def scored(trials: Trials, reading: Reading) -> np.ndarray:
    """Return whether each trial is correct: 1, 0, or NaN where no answer is right; (trial,)."""
    if reading.correct is not None:
        return reading.correct
    withheld = trials.answers == WITHHOLD
    if reading.error is None:
        right, unscored = reading.choice == trials.answers, trials.answers == UNSCORED
    else:
        right = np.abs(reading.error) <= reading.tolerance
        unscored = np.isnan(reading.error) & ~reading.silent & ~withheld
    right = np.where(withheld, reading.silent, right) & ~reading.broken
    return np.where(unscored, np.nan, right)


def _outcome(reading: Reading, correct: np.ndarray) -> np.ndarray:
    cases = {
        "broken_fixation": reading.broken,
        "correct": correct == 1,
        "no_response": reading.silent,
        "unscored": np.isnan(correct),
    }
    return np.select(list(cases.values()), list(cases), "error")
