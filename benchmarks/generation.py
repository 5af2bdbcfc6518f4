"""How fast trials are made."""

import itertools

from benchmarks.problem import N_TRIALS, task
from benchmarks.table import Row
from benchmarks.timing import Candidate, interleave

N_STEPS = 100


def rows(rounds: int) -> list[Row]:
    """Return trials made in a second, each batch from a seed of its own."""
    standard, seeds = task(N_STEPS), itertools.count()
    batch = Candidate(lambda: standard.trials(N_TRIALS, seed=next(seeds)), repeats=20)
    times = interleave({"batch": batch}, rounds)["batch"]
    median, best = (f"{1e3 * N_TRIALS / ms:,.0f} trials/s" for ms in (times.median, times.best))
    name = f"trial generation, batches of {N_TRIALS} trials of {N_STEPS} steps"
    return [Row(name, median, best, target=">= 50,000 trials/s")]
