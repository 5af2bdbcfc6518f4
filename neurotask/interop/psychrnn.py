"""PsychRNN: its tasks run here as they are, its weights load and save.

`task` takes a task object that was written for PsychRNN, `curriculum` a curriculum; `Task` is a
base class of the same shape for where PsychRNN is not installed, `load` and `save` read and write
its files of weights.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from neurotask._checks import number
from neurotask.curriculum.curriculum import Curriculum
from neurotask.interop._channels import channels
from neurotask.interop._psychrnn_base import Task as Task
from neurotask.interop._psychrnn_curriculum import stages_of
from neurotask.interop._psychrnn_task import PsychRNNTask as PsychRNNTask
from neurotask.interop._psychrnn_task import Spans
from neurotask.interop._psychrnn_trials import check, step_in_ms
from neurotask.interop._psychrnn_weights import load as load
from neurotask.interop._psychrnn_weights import save as save


def task(
    old_task: Any,
    phases: Spans | None = None,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    ms_per_unit: float | None = None,
    correct_at: float = 1.0,
) -> PsychRNNTask:
    """Return a task that was written for PsychRNN as a task of this package.

    Inputs, targets and mask are those that PsychRNN makes for the same parameters and the same
    state of NumPy's global chance. That chance is seeded for each trial from the seed of the batch
    and put back afterwards. Parameters that are one value become conditions, and
    `task.trials(100, coherence=0.1)` puts 0.1 in their place before the trial is shown; what
    `generate_trial_params` has computed from the former value stays.

    Three things to know. Targets weigh by the mask in this package's losses; PsychRNN's mean
    squared error squares it, which for a mask of 0 and 1 is the same. `generate_trial_params`
    is told that the batch is number 1, always. And `fit` makes trials in a thread of its own, so a
    callback must not draw from NumPy's global state.

    Args:
        old_task: an object with N_in, N_out, dt, T, `generate_trial_params(batch, trial)` and
            `trial_function(time, params)`: a `Task` of PsychRNN or of this module. With an
            `accuracy_function` that returns a number it also scores outputs.
        phases: gives (start, stop) of each phase from the parameters of a trial, in the task's own
            unit of time, within the trial. Times between two steps are rounded up to the later
            one. None: one phase, "trial".
        inputs: names of the input channels; None: "input_0", "input_1" and so on.
        outputs: names of the output channels; None: "output_0" and so on.
        ms_per_unit: how many ms the task's unit of time has: 1000.0 for seconds. None: 1, unless
            its tau would then be below 1 ms.
        correct_at: accuracy of a single trial from which on it counts as correct, for an
            `accuracy_function` that knows more than right and wrong.

    Raises:
        TypeError: if it is no such object, or `phases` no function.
        ValueError: for channels of a wrong number, a doubtful unit of time, arrays of a wrong
            shape, or phases that go on beyond the trial.

    Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1)
    ENEURO.0427-20.2020.

    Example:
        >>> from neurotask.interop import psychrnn
        >>> class Pulse(psychrnn.Task):
        ...     def generate_trial_params(self, batch, trial):
        ...         return {"onset": 10.0 * np.random.randint(5), "level": np.random.rand()}
        ...     def trial_function(self, time, params):
        ...         on = time >= params["onset"]
        ...         return [on * params["level"]], [params["level"]], [on]
        >>> old = Pulse(1, 1, dt=10, tau=100, T=100, N_batch=32)
        >>> pulse = psychrnn.task(old, phases=lambda p: {"pulse": (p["onset"], 100)})
        >>> pulse.trials(2, seed=1, onset=30.0).phases["pulse"].tolist()
        [[30.0, 100.0], [30.0, 100.0]]
    """
    check(old_task)
    if phases is not None and not callable(phases):
        raise TypeError(
            f"`phases` must be a function of the parameters of a trial, got {phases!r}. Write "
            'phases=lambda p: {"stimulus": (start, stop)}.'
        )
    unit = _unit(old_task, ms_per_unit)
    return PsychRNNTask(
        dt=step_in_ms(old_task, unit),
        old=old_task,
        spans=phases,
        input_names=channels("inputs", old_task.N_in, inputs),
        output_names=channels("outputs", old_task.N_out, outputs),
        ms_per_unit=unit,
        correct_at=number("correct_at", correct_at, low=0.0, high=1.0, above=True),
    )


def curriculum(old_curriculum: Any, **settings: Any) -> Curriculum:
    """Return a curriculum that was made for PsychRNN as one of this package.

    Each of its tasks is a stage, tested every `metric_epoch` updates on one fresh batch of the
    task's own size, and left where the accuracy reaches its threshold.

    Args:
        old_curriculum: a `Curriculum` of PsychRNN with its default metric.
        **settings: those of `task`, for all tasks.

    Raises:
        TypeError: if it is no such object.
        ValueError: for a metric of one's own, which decides by itself when to advance.

    Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1)
    ENEURO.0427-20.2020.
    """
    return stages_of(old_curriculum, partial(task, **settings))


def _unit(old: Any, ms_per_unit: float | None) -> float:
    if ms_per_unit is not None:
        return number("ms_per_unit", ms_per_unit, low=0.0, above=True)
    shortest = float(np.min(getattr(old, "tau", 1.0)))
    if shortest < 1:
        raise ValueError(
            f"`ms_per_unit` must be given, since tau = {shortest:g} would be below 1 ms, got None. "
            "Give 1000.0 if the task counts in seconds, 1.0 if it does count in ms."
        )
    return 1.0
