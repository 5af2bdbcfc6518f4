"""How long a user waits before anything happens: the import, and the list of tasks."""

import subprocess
import sys
import time

import numpy as np

from benchmarks.section import Goal, Section
from benchmarks.table import lined_up

REPEATS = 5
IMPORT = "import time; t = time.perf_counter(); import neurotask; print(time.perf_counter() - t)"


def section() -> Section:
    """Return the import time and the time of the command `neurotask tasks`, new processes both."""
    measured = (
        ("import neurotask", [_import_seconds() for _ in range(REPEATS)], "< 0.3 s"),
        ("neurotask tasks", [_list_seconds() for _ in range(REPEATS)], "< 1 s"),
    )
    cells, goals = [("in a new process", "median", "best")], []
    for name, seconds, most in measured:
        median = f"{np.median(seconds):.3f} s"
        cells.append((name, median, f"{min(seconds):.3f} s"))
        goals.append(Goal(name, median, most))
    return Section("Before anything happens", lined_up(cells), tuple(goals))


def _import_seconds() -> float:
    return float(_python("-c", IMPORT).stdout)


def _list_seconds() -> float:
    start = time.perf_counter()
    _python("-m", "neurotask", "tasks")
    return time.perf_counter() - start


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)
