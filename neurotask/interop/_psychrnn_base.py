"""A base class of the shape of PsychRNN's `Task`, so that a task ports by changing an import."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurotask._checks import count, number

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Task(ABC):
    """A task in PsychRNN's form: the parameters of a trial, and what a time step of it shows.

    For tasks that were written so; a new one is shorter and far faster as `neurotask.Task`. As in
    PsychRNN, chance is NumPy's global state; `neurotask.interop.psychrnn.task` makes it follow from
    a seed. It differs in three things: `get_task_params` returns a copy, `get_trial_batch` counts
    its batches, and a trial has T / dt steps where rounding makes PsychRNN's ceil(T / dt) one more.

    Args:
        N_in: number of inputs.
        N_out: number of outputs.
        dt: length of a step, in any unit of time.
        tau: time constant of the network, in the same unit.
        T: length of a trial, in the same unit; rounded up to whole steps.
        N_batch: number of trials a batch.

    Raises:
        ValueError: for a number out of range.

    Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1)
    ENEURO.0427-20.2020.

    Example:
        >>> class Copy(Task):
        ...     def generate_trial_params(self, batch, trial):
        ...         return {"level": np.random.rand()}
        ...     def trial_function(self, time, params):
        ...         return [params["level"]], [params["level"]], [1.0]
        >>> x, y, mask, params = Copy(1, 1, dt=10, tau=100, T=50, N_batch=4).get_trial_batch()
        >>> x.shape
        (4, 5, 1)
    """

    def __init__(self, N_in: int, N_out: int, dt: float, tau: float, T: float, N_batch: int):
        self.N_in, self.N_out = count("N_in", N_in), count("N_out", N_out)
        self.N_batch = count("N_batch", N_batch)
        for name, value in dict(dt=dt, tau=tau, T=T).items():
            number(name, value, low=0.0, above=True)
        self.dt, self.tau, self.T = dt, tau, T
        self.alpha, self.N_steps = dt / tau, n_steps(T, dt)
        self._n_batches = 0

    @abstractmethod
    def generate_trial_params(self, batch: int, trial: int) -> dict[str, Any]:
        """Return what distinguishes a trial.

        Args:
            batch: number of the batch, from 1.
            trial: number of the trial in it, from 0.
        """

    @abstractmethod
    def trial_function(self, time: float, params: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Return input (N_in,), target (N_out,) and weight in the loss (N_out,) of a time step.

        Args:
            time: start of the step, from 0.
            params: what `generate_trial_params` returned.
        """

    def accuracy_function(
        self, correct_output: np.ndarray, test_output: np.ndarray, output_mask: np.ndarray
    ) -> float | None:
        """Return the share of right answers, or None where the task has no right answer.

        Args:
            correct_output: what was wanted, (trial, time, N_out).
            test_output: what the network gave, (trial, time, N_out).
            output_mask: weights, (trial, time, N_out).
        """
        return None

    def get_task_params(self) -> dict[str, Any]:
        """Return a copy of the settings of the task, those of subclasses included."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def generate_trial(self, params: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return inputs (time, N_in), targets and mask (time, N_out) of a trial."""
        widths = (self.N_in, self.N_out, self.N_out)
        x, y, mask = (np.zeros((self.N_steps, width)) for width in widths)
        for step in range(self.N_steps):
            x[step], y[step], mask[step] = self.trial_function(step * self.dt, params)
        return x, y, mask

    def batch_generator(self) -> Iterator[Batch]:
        """Yield batches without end, counted from 1; see `get_trial_batch`."""
        batch = 0
        while True:
            batch += 1
            yield self._batch(batch)

    def get_trial_batch(self) -> Batch:
        """Return the next batch.

        Returns:
            Inputs (N_batch, time, N_in), targets and mask (N_batch, time, N_out), and the
            parameters of each trial, (N_batch,).
        """
        self._n_batches += 1
        return self._batch(self._n_batches)

    def _batch(self, batch: int) -> Batch:
        params, trials = [], []
        for trial in range(self.N_batch):
            params.append(self.generate_trial_params(batch, trial))
            trials.append(self.generate_trial(params[-1]))
        x, y, mask = (np.array(arrays) for arrays in zip(*trials, strict=True))
        return x, y, mask, np.array(params)


def n_steps(T: float, dt: float) -> int:
    """Return the number of steps that cover a time, free of rounding errors.

    Example:
        >>> n_steps(0.07, 0.01), int(np.ceil(0.07 / 0.01)), n_steps(95, 10)
        (7, 8, 10)
    """
    steps = T / dt
    whole = round(steps)
    return whole if abs(steps - whole) <= 1e-9 * max(whole, 1) else int(np.ceil(steps))
