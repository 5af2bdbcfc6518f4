"""Peak memory of a training step: `python -m benchmarks.memory WAY UNITS TRIALS STEPS`."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.problem import Size
from benchmarks.section import Goal, Section
from benchmarks.table import lined_up

SIZES = (Size(50, trials=1024, steps=500), Size(200, trials=256, steps=500))
SCAN = "tf.scan"


def section(ways: tuple[str, ...], sizes: tuple[Size, ...] = SIZES) -> Section:
    """Return how much each way takes. Call it before TensorFlow is imported.

    Linux hands the peak of a process down to those that it starts, so that a large one would hide
    what they take.
    """
    cells, goals = [("training step", "way", "states", "memory", "memory / states")], []
    for size in sizes:
        for way in ways:
            grown = _grown(way, size)
            ratio = f"{grown / size.states:.2f}"
            shown = f"{size.states:.0f} MiB", f"{grown:.0f} MiB"
            cells.append((str(size), way, *shown, ratio))
            if way != SCAN:
                goals.append(Goal(f"memory / states, {way}, {size}", ratio, "<= 2.5"))
    return Section("Memory of a training step", lined_up(cells), tuple(goals))


def _grown(way: str, size: Size) -> float:
    numbers = map(str, (size.units, size.trials, size.steps))
    command = [sys.executable, "-m", "benchmarks.memory", way, *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _measure(way: str, size: Size) -> float:
    """Return by how much the first update takes more, at its peak, than one of two steps left."""
    import tensorflow as tf

    from benchmarks.ours import Ours, batch
    from benchmarks.problem import task
    from benchmarks.ways import plain_scan

    inputs, targets, mask = batch(size.trials, size.steps)
    small, arrays = (inputs[:2, :2], targets[:2, :2], mask[:2, :2]), (inputs, targets, mask)
    trained = plain_scan(size.units) if way == SCAN else Ours(size.units, task(), engine=way)
    for update in range(2):
        trained.update(*small, tf.constant([1, update], tf.int64)).numpy()
    before = resident()
    trained.update(*arrays, tf.constant([1, 2], tf.int64)).numpy()
    return peak() - before


def peak() -> float:
    """Return the largest memory that this process has had, in MiB."""
    per_mebibyte = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mebibyte


def resident() -> float:
    """Return the memory that this process has now, in MiB; its largest where that is not told."""
    told = Path("/proc/self/statm")
    if not told.exists():
        return peak()
    return int(told.read_text().split()[1]) * resource.getpagesize() / 2**20


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Size(*map(int, sys.argv[2:])))))
