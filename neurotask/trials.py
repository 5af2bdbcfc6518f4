"""A labelled batch of trials: what a network sees, what is wanted of it, and what varied."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask.phases import Phases

if TYPE_CHECKING:
    from neurotask.task import Task


@dataclass(frozen=True, eq=False)
class Trials:
    """A batch of trials of one task.

    The mask is the weight of each entry in the loss: 0 where nothing is asked of an output, and in
    the padding behind the end of a trial that is shorter than the longest.

    Args:
        task: the task they come from.
        inputs: what the network sees, (trial, time, input), float32.
        targets: what is wanted, (trial, time, output), float32.
        mask: weight of each entry in the loss, (trial, time, output), float32.
        columns: the conditions by name, each of shape (trial,).
        phases: start and stop of each phase of each trial.
        answers: place of the right choice among the choices, -1 where none is right, (trial,).

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

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> "Trials":
        """Return some of the trials: a slice, a boolean array or a list of places."""
        index = [index] if isinstance(index, (int, np.integer)) else index
        columns = {name: values[index] for name, values in self.columns.items()}
        arrays = (self.inputs[index], self.targets[index], self.mask[index])
        return Trials(self.task, *arrays, columns, self.phases.select(index), self.answers[index])

    def __repr__(self) -> str:
        n_trials, n_steps, _ = self.inputs.shape
        return (
            f"Trials({n_trials} trials of {type(self.task).__name__}, {n_steps} steps of "
            f"{self.dt:g} ms; inputs {self.input_names}; outputs {self.output_names}; "
            f"conditions {tuple(self.columns)})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.conditions.head().to_html()}"

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """The conditions, one row a trial."""
        return pd.DataFrame(self.columns, index=pd.RangeIndex(len(self), name="trial"))

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

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each trial without its padding, shape (trial,)."""
        return self.phases.lengths

    @cached_property
    def present(self) -> np.ndarray:
        """Whether a step belongs to the trial (and is no padding), shape (trial, time)."""
        return np.arange(self.inputs.shape[1]) < self.lengths[:, None]

    def to_xarray(self) -> xr.Dataset:
        """Return the batch with names on every axis; time in ms, padding NaN.

        Returns:
            Dataset with `inputs`, `targets`, `mask`; the conditions are coordinates on `trial`,
            and `phase_start` and `phase_stop` (ms) have the dimensions (trial, phase).
        """
        present = self.present[..., None]
        data = {
            "inputs": (("trial", "time", "input"), np.where(present, self.inputs, np.nan)),
            "targets": (("trial", "time", "output"), np.where(present, self.targets, np.nan)),
            "mask": (("trial", "time", "output"), self.mask),
        }
        return xr.Dataset(data, coords=self.coordinates(), attrs={"dt": self.dt})

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of arrays over these trials, for `xarray.Dataset`."""
        times = np.stack([self.phases[name] for name in self.phases], axis=1)
        return {
            "trial": np.arange(len(self)),
            "time": ("time", np.arange(self.inputs.shape[1]) * self.dt, {"units": "ms"}),
            "input": list(self.input_names),
            "output": list(self.output_names),
            "phase": list(self.phases),
            "phase_start": (("trial", "phase"), times[..., 0], {"units": "ms"}),
            "phase_stop": (("trial", "phase"), times[..., 1], {"units": "ms"}),
            **{name: ("trial", values) for name, values in self.columns.items()},
        }
