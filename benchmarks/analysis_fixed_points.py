"""How long a search for fixed points takes: 1,000 starts of 200 units.

    python -m benchmarks.analysis_fixed_points

The network is random (tanh units, spectral radius 1.1), so that starts have to travel: most trained
networks are searched faster.
"""

import time

import numpy as np

import neurotask as nt
from neurotask.analysis import FixedPoints, fixed_points

UNITS, STARTS = 200, 1000


def seconds() -> float:
    """Return how long the search takes, with the Jacobians and eigenvalues of what it finds."""
    begun = time.perf_counter()
    search()
    return time.perf_counter() - begun


def search(n_starts: int = STARTS) -> FixedPoints:
    """Return the fixed points of the network under the mean inputs of its stimulus."""
    task = nt.load("perceptual_discrimination")
    model = nt.RateRNN.for_task(task, units=UNITS, activation="tanh", noise=0.1, seed=0)
    session = model.run(task.trials(100, seed=0), seed=0, record=("states",))
    return fixed_points(model.step, session, input="stimulus", n_starts=n_starts)


def main() -> None:
    """Print what a search takes, and what it found."""
    begun = time.perf_counter()
    found = search()
    took = time.perf_counter() - begun
    print(f"{STARTS} starts of {UNITS} units: {took:.1f} s (at most 30 s)\n{found}")
    print(f"iterations of a start, median: {np.median(found.starts['iterations']):.0f}")


if __name__ == "__main__":
    main()
