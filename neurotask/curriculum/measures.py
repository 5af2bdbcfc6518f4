"""What a curriculum asks of a network that was tested on fresh trials: one number."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from neurotask._checks import listed, nearest
from neurotask.behavior import accuracy, behavior
from neurotask.task import Task
from neurotask.trials import Trials


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A network on fresh trials, as a metric sees it.

    Args:
        trials: the trials.
        outputs: what the network made of them, (row, time, output).
        loss_of: gives the loss of trials and outputs, penalties left out; None: not known.
        model: the network, for metrics of its weights; None: not known.
    """

    trials: Trials
    outputs: np.ndarray
    loss_of: Callable[[Trials, np.ndarray], float] | None = None
    model: Any = None

    @cached_property
    def behavior(self) -> pd.DataFrame:
        """The behaviour, one row a trial."""
        return behavior(self.trials, self.outputs)

    @property
    def accuracy(self) -> float:
        """Share correct of the trials in which an answer is right."""
        return accuracy(self.trials, self.outputs)

    @property
    def loss(self) -> float:
        """What training minimises, without penalties."""
        if self.loss_of is None:
            raise ValueError("`loss` must be asked of a network that is being trained.")
        return self.loss_of(self.trials, self.outputs)


Metric: TypeAlias = str | Callable[[Evaluation], float]
"""A name, "accuracy", "loss" or a column of the behaviour, or a function of an `Evaluation`."""

FEWER_IS_BETTER = ("loss", "rt", "error")
# Lowest and highest value that a metric can have; of other columns and of functions: any.
_RANGES = {
    "accuracy": (0.0, 1.0),
    "correct": (0.0, 1.0),
    "loss": (0.0, np.inf),
    "rt": (0.0, np.inf),
    "error": (0.0, np.inf),
}


def name_of(metric: Metric) -> str:
    """Return what a metric is called."""
    return metric if isinstance(metric, str) else getattr(metric, "__name__", repr(metric))


def value_range(metric: Metric) -> tuple[float, float]:
    """Return the lowest and the highest value that a metric can have."""
    anything = (-np.inf, np.inf)
    return _RANGES.get(metric, anything) if isinstance(metric, str) else anything


def measure(metric: Metric, evaluation: Evaluation) -> float:
    """Return the value of a metric: "error" is the mean distance, a column its mean over trials.

    Raises:
        ValueError: if it is NaN, or no number.
    """
    if metric in ("accuracy", "loss"):
        value = getattr(evaluation, str(metric))
    elif isinstance(metric, str):
        values = evaluation.behavior[metric].to_numpy(float)
        values = np.abs(values) if metric == "error" else values
        value = float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
    else:
        value = metric(evaluation)
    value = np.asarray(value)
    if value.shape != () or value.dtype.kind not in "biuf":
        raise ValueError(
            f"`metric` must be a number, got {value!r} from {name_of(metric)}. Return one float."
        )
    if np.isnan(value):
        why = {
            "accuracy": "In none of the trials an answer is right",
            "rt": "In none of the trials a reaction time is defined",
        }.get(name_of(metric), "It is NaN in all trials")
        kind = type(evaluation.trials.task).__name__
        raise ValueError(
            f"`metric` must be a number, got NaN for {name_of(metric)} of "
            f"{len(evaluation.trials)} trials of {kind}. {why}: give more `trials`, or another "
            "metric."
        )
    return float(value)


def check_metric(metric: Metric, task: Task) -> None:
    """Raise unless a metric can be taken of a task."""
    if callable(metric):
        return
    if not isinstance(metric, str):
        raise TypeError(
            f'`metric` must be "accuracy", "loss", a column of the behaviour or a function, got '
            f"{metric!r}."
        )
    if metric == "loss":
        return
    trials = task.trials(2 if task.trials_per_block else 16)
    if task.decision_rule is None:
        raise ValueError(
            f'`metric` must be "loss" or a function for {type(task).__name__}, whose answers are '
            f"not read (it has no decision_rule), got {metric!r}."
        )
    table = behavior(trials, trials.targets)
    numbers = [str(c) for c in table if table[c].dtype.kind in "biuf"]
    options = ["accuracy", "loss", *numbers]
    if metric not in options:
        raise ValueError(
            f"`metric` must be one of {listed(options)} or a function for {type(task).__name__}, "
            f"got {metric!r}.{nearest(metric, options)}"
        )
    column = "correct" if metric == "accuracy" else metric
    if table[column].isna().all():
        raise ValueError(
            f"`metric` must be one that {type(task).__name__} has, but {metric} is NaN in all "
            "trials even where every answer is right. Give another metric, or another task."
        )
