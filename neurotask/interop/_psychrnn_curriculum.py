"""A curriculum that was made for PsychRNN as one of ours."""

from collections.abc import Callable
from typing import Any

import numpy as np

from neurotask.curriculum.curriculum import Curriculum
from neurotask.curriculum.measures import Evaluation
from neurotask.curriculum.stage import Stage
from neurotask.task import Task


def stages_of(old: Any, task: Callable[[Any], Task]) -> Curriculum:
    """Return the stages of an old curriculum; see `neurotask.interop.psychrnn.curriculum`."""
    for name in ("tasks", "thresholds", "metric_epoch", "accuracies", "metric"):
        if not hasattr(old, name):
            raise TypeError(
                f"`old_curriculum` must be a Curriculum of PsychRNN, but {type(old).__name__} has "
                f"no `{name}`."
            )
    if getattr(old.metric, "__name__", "") != "default_metric":
        raise ValueError(
            "`metric` must be PsychRNN's default, which compares an accuracy with a threshold, "
            f"got {old.metric!r}. Make a nt.Curriculum with Stage(task, metric=...)."
        )
    made = zip(old.tasks, old.accuracies, old.thresholds, strict=True)
    return Curriculum(
        tuple(
            Stage(
                task(one),
                metric="accuracy" if accuracy == one.accuracy_function else share(accuracy),
                threshold=float(threshold),
                every=int(old.metric_epoch),
                trials=int(one.N_batch),
            )
            for one, accuracy, threshold in made
        )
    )


def share(accuracy: Callable[..., Any]) -> Callable[[Evaluation], float]:
    """Return an accuracy function of PsychRNN as a metric."""

    def accuracy_of_batch(evaluation: Evaluation) -> float:
        trials = evaluation.trials
        return float(np.asarray(accuracy(trials.targets, evaluation.outputs, trials.mask)))

    return accuracy_of_batch
