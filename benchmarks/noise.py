"""How long a normal number takes on one core: `python -m benchmarks.noise`.

In a process of its own, which has one core and one thread, whatever TensorFlow and numba would use.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from benchmarks.problem import N_STEPS, N_TRIALS
from benchmarks.section import Goal, Section
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, interleave

UNITS = 50
DRAWN = N_TRIALS * N_STEPS * UNITS  # what an update of 50 units takes
KERNELS = "kernels (the fused engine)"
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def section(rounds: int) -> Section:
    """Return ns a number, for each generator that there is."""
    command = [sys.executable, "-m", "benchmarks.noise", str(rounds)]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, tuple[float, float]] = json.loads(done.stdout.splitlines()[-1])
    cells = [("generator, float32, one core", "median", "best")]
    cells += [(name, *(f"{ns:.2f} ns" for ns in both)) for name, both in found.items()]
    goals = [
        Goal(f"noise, a normal, one core, {name}", f"{median:.2f} ns", "<= 1 ns")
        for name, (median, _) in found.items()
        if name == KERNELS
    ]
    return Section("Noise", lined_up(cells), tuple(goals))


def generators() -> dict[str, Callable[[], np.ndarray]]:
    """Return what draws `DRAWN` normals, by name."""
    import tensorflow as tf

    from neurotask._normals import normals

    rng, count = np.random.default_rng(0), itertools.count()
    drawn = {
        "the package's, for inputs": lambda: normals(rng, (DRAWN,)),
        "NumPy": lambda: rng.standard_normal(DRAWN, np.float32),
        "TensorFlow, philox": lambda: tf.random.stateless_normal(
            (DRAWN,), (1, next(count)), alg="philox"
        ).numpy(),
    }
    kernels = _kernels()
    return drawn if kernels is None else {KERNELS: kernels, **drawn}


def _kernels() -> Callable[[], np.ndarray] | None:
    """Return what draws as many with the generator of the kernels; None: there is no numba."""
    if find_spec("numba") is None:
        return None
    fill = import_module("neurotask.backend.kernels.noise").draw
    updates, numbers = itertools.count(), np.empty((N_STEPS, N_TRIALS * UNITS), np.float32)

    def draw() -> np.ndarray:
        fill(np.uint64(1), next(updates), 0, numbers)
        return numbers

    return draw


def _measure(rounds: int) -> dict[str, tuple[float, float]]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    times = interleave({name: Candidate(call) for name, call in generators().items()}, rounds)
    scale = 1e6 / DRAWN  # ms of all to ns of one
    return {name: (scale * own.median, scale * own.best) for name, own in times.items()}


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
