"""From the start of a process to the first update, and to a network that knows its task.

    python -m benchmarks.first_update ENGINE SEED

The task is `perceptual_discrimination` and the network one of 50 units, both as they come; 128
trials an update, Adam with learning rate 0.01. It is tested every 10 updates on 512 new trials.
"""

import os
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.section import Goal, Section
from benchmarks.table import lined_up

CORRECT = 0.9
UPDATES, TESTED, MOST = 10, 512, 500
UNITS, LEARNING_RATE = 50, 0.01
REPEATS = 3  # networks, of seeds 0, 1 ...
NEW, KEPT = "kernels compiled for the first time", "kernels compiled before"
HEADINGS = ("new process", "first update", f"{CORRECT:.0%} correct", "updates")

Run = tuple[float, float, int]  # seconds to the first update and to the end; updates


def section(repeats: int = REPEATS) -> Section:
    """Return how long it takes at first, once compiled code is kept, and without kernels."""
    # numba keeps what it compiles in this folder, which is new: so the first process finds nothing.
    with TemporaryDirectory() as cache:
        ways = {
            NEW: [_run("auto", 0, cache)],
            KEPT: [_run("auto", seed, cache) for seed in range(repeats)],
            "engine graph": [_run("graph", seed, cache) for seed in range(repeats)],
        }
    cells: list[tuple[str, ...]] = [HEADINGS]
    goals = []
    for name, runs in ways.items():
        first, learned, updates = np.median(runs, 0)
        shown = f"{first:.1f} s", f"{learned:.1f} s", f"{updates:.0f}"
        cells.append((name, *shown))
        if name in (NEW, KEPT):
            goals.append(Goal(f"process to first update, {name}", shown[0], "<= 6 s"))
            goals.append(Goal(f"process to {CORRECT:.0%} correct, {name}", shown[1], "<= 10 s"))
    text = (
        f"perceptual_discrimination at its defaults, RateRNN of {UNITS} units at its defaults, 128 "
        f"trials an update, Adam with learning rate {LEARNING_RATE}; tested every {UPDATES} "
        f"updates on {TESTED} new trials. Seconds from the start of "
        f"Python, the median of {repeats} networks."
    )
    return Section("From the start of a process", f"{text}\n\n{lined_up(cells)}", tuple(goals))


def _run(engine: str, seed: int, cache: str) -> Run:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.first_update", engine, str(seed)]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    out, silent = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdout=out, stderr=silent, text=True, env=environment) as child:
        assert child.stdout is not None
        told = [(line, time.perf_counter() - begun) for line in child.stdout]
    if child.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed. Run it by itself to see why.")
    (_, first), (updates, learned) = told
    return first, learned, int(updates)


def _train(engine: str, seed: int) -> None:
    """Print a line after the first update, and the count of updates at the end."""
    import keras

    import neurotask as nt

    task = nt.load("perceptual_discrimination")
    model = nt.RateRNN.for_task(task, units=UNITS, seed=seed)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), engine=engine)
    model.fit(task, updates=1, seed=seed, verbose=0)
    print("first", flush=True)
    while model.evaluate(task, n=TESTED, seed=seed)["accuracy"] < CORRECT:
        if (done := int(model.updates.numpy())) >= MOST:
            raise RuntimeError(f"not {CORRECT:.0%} correct after {done} updates")
        model.fit(task, updates=UPDATES, seed=seed, verbose=0)
    print(int(model.updates.numpy()), flush=True)


if __name__ == "__main__":
    _train(sys.argv[1], int(sys.argv[2]))
