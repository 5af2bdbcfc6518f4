"""A search for fixed points: 1,000 starts of 200 units.

    python -m benchmarks.analysis_fixed_points

The network is random (tanh units, spectral radius 1.1), so that starts have to travel: most trained
networks are searched faster.
"""

import json
import time
from typing import Any

import neurotask as nt
from benchmarks.memory import peak
from neurotask.analysis import FixedPoints, fixed_points

UNITS, STARTS = 200, 1000


def network() -> tuple[Any, Any]:
    """Return the network, and the Session whose states the search starts from."""
    task = nt.load("perceptual_discrimination")
    model = nt.RateRNN.for_task(task, units=UNITS, activation="tanh", noise=0.1, seed=0)
    return model, model.run(task.trials(100, seed=0), seed=0, record=("states",))


def search(model: Any, session: Any, n_starts: int = STARTS) -> FixedPoints:
    """Return the fixed points under the mean inputs of the stimulus, Jacobians and all."""
    return fixed_points(model.step, session, input="stimulus", n_starts=n_starts)


def main() -> None:
    """Print seconds, growth of memory (MiB) and what was found, as JSON."""
    model, session = network()
    search(model, session, 10)  # what is compiled at the first call is not timed
    before, begun = peak(), time.perf_counter()
    found = search(model, session)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "grown": peak() - before, "found": repr(found)}))


if __name__ == "__main__":
    main()
