"""The training problem that every candidate is given: the same trials in the same shapes."""

from dataclasses import dataclass

from neurotask.task import Task
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

N_TRIALS = 128
N_STEPS = 200
TAU = 100.0
NOISE = 0.05
ENGINES = ("fused", "graph")  # what is measured side by side


@dataclass(frozen=True)
class Size:
    """How much a training step has to do."""

    units: int
    trials: int = N_TRIALS
    steps: int = N_STEPS

    def __str__(self) -> str:
        return f"{self.units} units, {self.trials} trials, {self.steps} steps"

    @property
    def states(self) -> float:
        """MiB of the states of all trials in float32, which a gradient in time must keep."""
        return 4 * self.work / self.units / 2**20

    @property
    def work(self) -> int:
        """Multiplications in the products of all states and weights."""
        return self.units**2 * self.trials * self.steps


def task(n_steps: int = N_STEPS) -> Task:
    """Return motion discrimination with trials of `n_steps` steps of 20 ms."""
    before, after, dt = 300.0, 300.0, 20.0
    stimulus = n_steps * dt - before - after
    return PerceptualDiscrimination(fixation=before, stimulus=stimulus, decision=after, dt=dt)
