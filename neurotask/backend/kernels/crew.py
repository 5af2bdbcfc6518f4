"""Threads that work on shards of the trials, each with matrix products of its own.

How trials are dealt into shards is a function of the problem alone, so that sums over shards are
the same, bit for bit, on any number of cores.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import scipy.linalg  # noqa: F401  (loads the BLAS that kernels call)
from numba import config
from threadpoolctl import ThreadpoolController

from neurotask.backend.kernels.tiny import flushed

# Trials of a shard, a multiple of what one count of noise gives. Large matrices are multiplied
# faster by more rows at once.
TRIALS, TRIALS_OF_LARGE, LARGE = 32, 64, 256
MOST = 16  # shards; each has sums of its own

Shard = tuple[int, int]


def shards(n_trials: int, n_units: int) -> list[Shard]:
    """Return the first trial of each shard and the one behind its last."""
    smallest = TRIALS if n_units < LARGE else TRIALS_OF_LARGE
    per_shard = -(-max(smallest, -(-n_trials // MOST)) // TRIALS) * TRIALS
    return [(at, min(at + per_shard, n_trials)) for at in range(0, n_trials, per_shard)]


class Crew:
    """Runs shards on all cores, or on as many as `NUMBA_NUM_THREADS` says.

    One call at a time: while it lasts, BLAS keeps to one thread in each of ours, and that setting
    is of the whole process. Afterwards it is as it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = int(getattr(config, "NUMBA_NUM_THREADS"))  # noqa: B009
        self._blas = ThreadpoolController()
        self._others: ThreadPoolExecutor | None = None
        # Threads do not live on in a forked process, nor does a lock that one of them held.
        if hasattr(os, "register_at_fork"):  # Windows does not fork
            os.register_at_fork(after_in_child=self._restart)

    def run(self, work: Callable[[int], Any], n: int) -> None:
        """Call `work` with each number below `n`, all at once as far as there are cores.

        What `work` raises is raised here, once nothing is being worked on any more.
        """
        n_threads = max(1, min(self._size, n))
        with self._lock, self._blas.limit(limits=1, user_api="blas"):
            if self._others is None and n_threads > 1:
                self._others = ThreadPoolExecutor(self._size - 1, "neurotask-kernel")
            # Whoever is free takes the next, since others may use the cores too.
            numbers = iter(range(n))
            others: Any = self._others
            waiting = [others.submit(_each, work, numbers) for _ in range(n_threads - 1)]
            try:
                _each(work, numbers)
            finally:
                wait(waiting)
            for part in waiting:
                part.result()

    def _restart(self) -> None:
        self._lock, self._others = threading.Lock(), None


def _each(work: Callable[[int], Any], numbers: Iterator[int]) -> None:
    before = flushed(True)
    try:
        for number in numbers:
            work(number)
    finally:
        flushed(before)


CREW = Crew()
