"""The same network as `plain_scan.py` in PyTorch, its loop over time in eager mode.

A worker: `python -m benchmarks.torch_loop UNITS`.
"""

import sys

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  (where it is installed)

from benchmarks.problem import N_TRIALS, NOISE, TAU, task
from benchmarks.turns import turns


class TorchLoop(torch.nn.Module):
    """A leaky rate network with noise; see `PlainScan` for its arguments."""

    def __init__(self, units: int, n_inputs: int, n_outputs: int, alpha: float, noise: float):
        super().__init__()
        rng = np.random.default_rng(0)
        self._alpha, self._gain = alpha, float(np.sqrt(alpha * (2 - alpha)) * noise)
        self._input = _parameter(rng.normal(size=(n_inputs, units)) / np.sqrt(n_inputs))
        self._recurrent = _parameter(rng.normal(size=(units, units)) / np.sqrt(units))
        self._output = _parameter(rng.normal(size=(units, n_outputs)) / np.sqrt(units))
        self._bias, self._output_bias = _parameter(np.zeros(units)), _parameter(np.zeros(n_outputs))
        self._start = _parameter(np.full(units, 0.1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return outputs (trial, time, output) for inputs (trial, time, input)."""
        state, states = self._start.expand(len(inputs), -1), []
        for driven in (inputs @ self._input + self._bias).unbind(1):
            drive = torch.relu(state) @ self._recurrent + driven
            state = (1 - self._alpha) * state + self._alpha * drive
            state = state + self._gain * torch.randn_like(state)
            states.append(state)
        return torch.relu(torch.stack(states, 1)) @ self._output + self._output_bias


def _parameter(values: np.ndarray) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.float32))


def main(units: int) -> None:
    """Make an update at each turn."""
    problem = task()
    channels = len(problem.inputs), len(problem.outputs)
    network = TorchLoop(units, *channels, problem.dt / TAU, NOISE)
    optimizer = torch.optim.Adam(network.parameters())
    trials = problem.trials(N_TRIALS, seed=1)
    arrays = (trials.inputs, trials.targets, trials.mask)
    inputs, targets, mask = (torch.tensor(array) for array in arrays)
    for _ in turns():
        optimizer.zero_grad()
        loss = (mask * (network(inputs) - targets) ** 2).sum() / mask.sum()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main(int(sys.argv[1]))
