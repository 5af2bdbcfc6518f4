"""A labelled batch of trials: what a network sees, what is wanted of it, and what varied."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import cut, origins
from neurotask.phases import Phases

if TYPE_CHECKING:
    from neurotask.task import Task

UNSCORED = -1  # in `answers`: no choice is right
WITHHOLD = -2  # in `answers`: making no choice is right

# Names that batches and Sessions give to axes, arrays and behaviour: no condition can have them.
AXES = (
    "trial",
    "time",
    "input",
    "output",
    "unit",
    "variable",
    "phase",
    "phase_start",
    "phase_stop",
)
ARRAYS = ("inputs", "outputs", "targets", "mask", "states", "rates", "cell_type", "area")
SCORED = ("answer", "choice", "correct", "rt", "error", "reported_direction", "outcome")
RESERVED = (*AXES, *ARRAYS, *SCORED, "block", "trial_in_block")


@dataclass(frozen=True, eq=False)
class Trials:
    """A batch of trials of one task, one row each; of a block task, one block of trials a row.

    The mask is the weight of each entry in the loss: 0 where nothing is asked of an output, and in
    the padding behind the end of a row that is shorter than the longest.

    Args:
        task: the task they come from.
        inputs: what the network sees, (row, time, input), float32.
        targets: what is wanted, (row, time, output), float32.
        mask: weight of each entry in the loss, (row, time, output), float32.
        columns: the conditions by name, each of shape (trial,).
        phases: start and stop of each phase of each trial, counted from the start of its row.
        answers: place of the right choice among the choices, (trial,); -1 where none is right and
            -2 where it is right to make none.
        per_block: trials a row, for a block task; else None, and each row is a trial.

    Example:
        >>> import neurotask as nt
        >>> trials = nt.load("perceptual_discrimination").trials(4, seed=1)
        >>> trials.inputs.shape, trials.phases["stimulus"][0]
        ((4, 70, 3), array([ 300., 1100.]))
    """

    task: "Task"
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    columns: dict[str, np.ndarray]
    phases: Phases
    answers: np.ndarray
    per_block: int | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> "Trials":
        """Return some of the rows: a slice, a boolean array or a list of places."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        trials = (rows[:, None] * (self.per_block or 1) + np.arange(self.per_block or 1)).ravel()
        return Trials(
            self.task,
            self.inputs[rows],
            self.targets[rows],
            self.mask[rows],
            {name: values[trials] for name, values in self.columns.items()},
            self.phases.select(trials),
            self.answers[trials],
            self.per_block,
        )

    def __repr__(self) -> str:
        n_rows, n_steps, _ = self.inputs.shape
        rows = f"{n_rows} blocks of {self.per_block}" if self.per_block else f"{n_rows}"
        return (
            f"Trials({rows} trials of {type(self.task).__name__}, {n_steps} steps of "
            f"{self.dt:g} ms; inputs {_few(self.input_names)}; outputs {_few(self.output_names)}; "
            f"conditions {tuple(self.columns)})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.conditions.head().to_html()}"

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """The conditions, one row a trial; of a block task, indexed by block and trial."""
        n_trials, k = len(self.answers), self.per_block
        index = pd.RangeIndex(n_trials, name="trial")
        if k:
            index = pd.MultiIndex.from_product(
                [range(len(self)), range(k)], names=["block", "trial"]
            )
        return pd.DataFrame(self.columns, index=index)

    @property
    def dt(self) -> float:
        """Length of a step in ms."""
        return self.phases.dt

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return self.task.inputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the output channels."""
        return self.task.outputs

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of steps of each row without its padding, shape (row,)."""
        return self.phases.lengths.reshape(len(self), -1).sum(1)

    @cached_property
    def present(self) -> np.ndarray:
        """Whether a step belongs to the row (and is no padding), shape (row, time)."""
        return np.arange(self.inputs.shape[1]) < self.lengths[:, None]

    def cut(self, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Return an array over rows as one over trials: (trial, time, ...) from (row, time, ...).

        Args:
            values: what was shown or recorded in these rows.
            fill: what stands behind the end of the shorter trials.
        """
        if not self.per_block:
            return values
        return cut(values, self._origins, self.phases.lengths, self.per_block, fill)

    def by_trial(self) -> "Trials":
        """Return the trials of the blocks one by one, each as a row of its own."""
        if not self.per_block:
            return self
        inputs, targets, mask = map(self.cut, (self.inputs, self.targets, self.mask))
        block, trial = np.divmod(np.arange(len(self.answers)), self.per_block)
        columns = {"block": block, "trial_in_block": trial, **self.columns}
        phases = self.phases.shifted(-self._origins)
        return Trials(self.task, inputs, targets, mask, columns, phases, self.answers)

    @property
    def _origins(self) -> np.ndarray:
        """Step of its row at which each trial starts, shape (trial,)."""
        return origins(self.phases.lengths, self.per_block or 1)

    def to_xarray(self) -> xr.Dataset:
        """Return the batch with names on every axis; time in ms, padding NaN.

        Returns:
            Dataset with `inputs`, `targets`, `mask`; the conditions are coordinates on `trial`,
            and `phase_start` and `phase_stop` (ms) have the dimensions (trial, phase). The rows of
            a block task have the dimension `block`, and its conditions (block, trial).
        """
        present, row = self.present[..., None], self.row_dimension
        data = {
            "inputs": ((row, "time", "input"), np.where(present, self.inputs, np.nan)),
            "targets": ((row, "time", "output"), np.where(present, self.targets, np.nan)),
            "mask": ((row, "time", "output"), self.mask),
        }
        return xr.Dataset(data, coords=self.coordinates(), attrs={"dt": self.dt})

    @property
    def row_dimension(self) -> str:
        """Name of the dimension of rows: "block" for a block task, else "trial"."""
        return "block" if self.per_block else "trial"

    def on_trials(self, values: np.ndarray, *more: str) -> tuple[tuple[str, ...], np.ndarray]:
        """Return an array over trials with its dimensions, as `xarray` takes it."""
        if not self.per_block:
            return ("trial", *more), values
        return ("block", "trial", *more), values.reshape(
            len(self), self.per_block, *values.shape[1:]
        )

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of arrays over these trials, for `xarray.Dataset`."""
        times = np.stack([self.phases[name] for name in self.phases], axis=1)
        rows = {"block": np.arange(len(self))} if self.per_block else {}
        return rows | {
            "trial": np.arange(self.per_block or len(self)),
            "time": ("time", np.arange(self.inputs.shape[1]) * self.dt, {"units": "ms"}),
            "input": list(self.input_names),
            "output": list(self.output_names),
            "phase": list(self.phases),
            "phase_start": (*self.on_trials(times[..., 0], "phase"), {"units": "ms"}),
            "phase_stop": (*self.on_trials(times[..., 1], "phase"), {"units": "ms"}),
            **{name: self.on_trials(values) for name, values in self.columns.items()},
        }


def _few(names: tuple[str, ...]) -> str:
    """Return names as text, the middle of many left out."""
    return repr(names) if len(names) <= 8 else f"({names[0]!r}, {names[1]!r}, ..., {names[-1]!r})"
