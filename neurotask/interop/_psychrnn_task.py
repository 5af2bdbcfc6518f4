"""A task in PsychRNN's form as one of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurotask import task as core
from neurotask._streams import Stream
from neurotask.canvas import Canvas
from neurotask.decisions import DecisionRule
from neurotask.interop._psychrnn_accuracy import accuracy_rule
from neurotask.interop._psychrnn_columns import conditions as columns_of
from neurotask.interop._psychrnn_columns import phases as phases_of
from neurotask.interop._psychrnn_trials import (
    blamed,
    global_state,
    held,
    params_of,
    seed_global_state,
    step_in_ms,
    steps_of,
    trial_of,
)
from neurotask.trials import Trials

Spans = Callable[[dict[str, Any]], Mapping[str, tuple[float, float]]]


@dataclass(frozen=True, kw_only=True, repr=False)
class PsychRNNTask(core.Task):
    """A task in PsychRNN's form as one of ours; see `neurotask.interop.psychrnn.task`.

    Args:
        old: the task.
        spans: gives phases from parameters.
        input_names: names of the input channels.
        output_names: names of the output channels.
        ms_per_unit: ms in the task's unit of time.
        correct_at: accuracy of a trial from which on it is correct.
        dt: length of a step in ms: that of the task.
    """

    old: Any
    spans: Spans | None
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    ms_per_unit: float
    correct_at: float

    def __post_init__(self) -> None:
        own = step_in_ms(self.old, self.ms_per_unit)
        if self.dt != own:
            raise ValueError(
                f"`dt` must be that of {type(self.old).__name__}, {own:g} ms, got {self.dt!r}. "
                "Make the old task with another dt."
            )
        super().__post_init__()
        one, same = (self.batch(2, seed=0, stream=Stream.TRIALS, index=0) for _ in range(2))
        for name in ("inputs", "targets", "mask"):
            if not np.array_equal(getattr(one, name), getattr(same, name)):
                raise ValueError(
                    f"`old_task` must make the same trial again from the same seed, but {name} of "
                    f"{type(self.old).__name__} differ. Draw all chance from np.random, and keep "
                    "nothing from one trial to the next."
                )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return self.input_names

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output channels."""
        return self.output_names

    @property
    def choices(self) -> tuple[str, ...]:
        """None: which outputs are answers is inside `accuracy_function`."""
        return ()

    @cached_property
    def decision_rule(self) -> DecisionRule | None:
        """The task's own `accuracy_function`."""
        trials = self.batch(1, seed=0, stream=Stream.TRIALS, index=0)
        return accuracy_rule(self.old, self.correct_at, trials)

    @cached_property
    def durations(self) -> dict[str, Any]:
        """The length of a trial in ms; the phases are in the trials."""
        return {"trial": steps_of(self.old) * self.dt}

    def build(self, t: Canvas) -> None:
        raise NotImplementedError("Trials of PsychRNN's tasks are made in `_make`.")

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        # A seed a trial, 128 bits: what a trial is does not depend on those before it.
        of_params, of_arrays = (
            rng.integers(2**32, size=(n, 4), dtype=np.uint32) for rng in (what, how)
        )
        n_steps = steps_of(self.old)
        params, arrays = [], []
        with global_state():
            for trial, words in enumerate(of_params):
                seed_global_state(words)
                params.append(params_of(self.old, trial))
            params = held(self.old, conditions, params)
            # The task may write into what it is given: conditions are read off before.
            columns = columns_of(params)
            with blamed(self.old, conditions):
                phases = phases_of(self.spans, params, n_steps, self.old.dt, self.dt)
                for words, trial in zip(of_arrays, params, strict=True):
                    seed_global_state(words)
                    arrays.append(trial_of(self.old, trial, n_steps))
        inputs, targets, mask = (np.array(k, np.float32) for k in zip(*arrays, strict=True))
        self._check(inputs, targets, mask)
        return Trials(self, inputs, targets, mask, columns, phases, np.full(n, -1))

    def _check(self, inputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> None:
        name = type(self.old).__name__
        for what, array in (("inputs", inputs), ("targets", targets), ("mask", mask)):
            if not np.isfinite(array).all():
                trial, step, channel = np.argwhere(~np.isfinite(array))[0]
                raise ValueError(
                    f"`{what}` must be finite in every trial of {name}, got "
                    f"{array[trial, step, channel]} in trial {trial}, step {step}, channel "
                    f"{channel}. Look at `{name}.trial_function`."
                )
        if (mask < 0).any():
            raise ValueError(f"`mask` of {name} must be 0 or more, got {mask.min():g}.")

    def __repr__(self) -> str:
        settings = {
            name: value
            for name, value in vars(self.old).items()
            if not name.startswith("_") and isinstance(value, str | bool | int | float | None)
        }
        listed = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({type(self.old).__name__}({listed}))"
