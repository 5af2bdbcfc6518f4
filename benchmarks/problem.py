"""The training problem that every candidate is given: the same trials in the same shapes."""

from neurotask.task import Task
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

UNITS = (50, 200)
N_TRIALS = 128
N_STEPS = 200
TAU = 100.0
NOISE = 0.05


def task(n_steps: int = N_STEPS) -> Task:
    """Return motion discrimination with trials of `n_steps` steps of 20 ms."""
    before, after, dt = 300.0, 300.0, 20.0
    stimulus = n_steps * dt - before - after
    return PerceptualDiscrimination(fixation=before, stimulus=stimulus, decision=after, dt=dt)
