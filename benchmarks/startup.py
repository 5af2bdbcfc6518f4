"""How long a user waits before anything happens: the import, and the list of tasks."""

import subprocess
import sys
import time

import numpy as np

from benchmarks.table import Row

REPEATS = 5
IMPORT = "import time; t = time.perf_counter(); import neurotask; print(time.perf_counter() - t)"


def rows() -> list[Row]:
    """Return the import time and the time of the command `neurotask tasks`, new processes both."""
    return [
        _row("import neurotask", [_import_seconds() for _ in range(REPEATS)], "< 0.3 s"),
        _row("neurotask tasks", [_list_seconds() for _ in range(REPEATS)], "< 1 s"),
    ]


def _import_seconds() -> float:
    return float(_python("-c", IMPORT).stdout or "nan")


def _list_seconds() -> float:
    start = time.perf_counter()
    failed = _python("-m", "neurotask", "tasks").returncode
    return np.nan if failed else time.perf_counter() - start


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _row(name: str, seconds: list[float], target: str) -> Row:
    if np.isnan(seconds).any():
        return Row(name, "failed", target=target)
    return Row(name, f"{np.median(seconds):.3f} s", f"{min(seconds):.3f} s", target=target)
