"""What a rule does to a network, looked at from outside: how far from the gradient, and why."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd

from neurotask._checks import count
from neurotask.backend.rules.diagnosis import Diagnosis
from neurotask.backend.rules.probe import Probe
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


def diagnose(
    model: "RecurrentModel", task_or_trials: Task | Trials, n: int = 64, seed: int = 0
) -> Diagnosis:
    """Measure what the rule of a compiled network does on a probe batch; the network stays.

    Works for any rule. A rule that draws random numbers is seen with one draw, which belongs to the
    seed: such a gradient is right in the mean only, and a single one is far off.

    Args:
        model: the network, compiled.
        task_or_trials: what the probe batch is drawn from, or the batch itself.
        n: number of trials drawn.
        seed: seed of the trials, of the network's noise and of the rule's own chance. A seed of
            training may be used: the stream is another.

    Returns:
        What was found.

    Raises:
        TypeError: for what is no network, task or trials.
        ValueError: if they do not fit each other, or the rule cannot learn from so many trials.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("perceptual_discrimination")
        >>> model = nt.RateRNN.for_task(task, units=5, seed=0)
        >>> model.compile("sgd", rule="rtrl")
        >>> nt.rules.diagnose(model, task, n=8).cosine_to_bptt.__round__(4)
        1.0
    """
    return Probe(model, task_or_trials, n, seed).look()


class Diagnostics(keras.callbacks.Callback):
    """Follows a rule over training: `fit(..., callbacks=[Diagnostics(task)])`.

    At the end of a segment `logs`, and so the History, get what `Diagnosis.row` returns:
    "cosine_to_bptt", "feedback_alignment", "update_norm_recurrent" and so on, NaN where none was
    due. The probe batch is the same throughout. Training is not changed by it.

    Args:
        task: what the probe batch is drawn from.
        n: number of trials.
        every: segments from one diagnosis to the next.
        seed: as in `diagnose`.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("perceptual_discrimination")
        >>> Diagnostics(task, n=32, every=2).table.empty
        True
    """

    def __init__(self, task: Task, n: int = 64, every: int = 1, seed: int = 0):
        super().__init__()
        if not isinstance(task, Task | Trials):
            raise TypeError(
                f'`task` must be a task or trials, got {task!r}. Give one, such as nt.load("...").'
            )
        self._task, self._n, self._seed = task, count("n", n), count("seed", seed, low=0)
        self._every = count("every", every)
        self._probe: Probe | None = None
        self._rows: list[dict[str, float]] = []

    @property
    def table(self) -> pd.DataFrame:
        """One row a diagnosis, with `updates`; the first is of the network as training found it."""
        return pd.DataFrame(self._rows)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Look at the network before its first update."""
        model: Any = self.model
        if self._probe is None or self._probe.trainer is not model.trainer:
            self._probe = Probe(model, self._task, self._n, self._seed)
        if not self._rows or self._rows[-1]["updates"] != int(model.updates.numpy()):
            self._look(self._probe)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at it where a diagnosis is due, and say what was found."""
        assert self._probe is not None
        if (epoch + 1) % self._every == 0:
            self._look(self._probe)
            row = self._rows[-1]
        else:
            row = dict.fromkeys(self._rows[-1], np.nan)
        if logs is not None:
            logs.update({name: value for name, value in row.items() if name != "updates"})

    def _look(self, probe: "Probe") -> None:
        found = probe.look()
        self._rows.append({"updates": found.updates, **found.row()})
