"""Threads that work on shards of the trials, each with matrix products of its own.

How trials are dealt into shards is a function of the problem alone, so that sums over shards are
the same, bit for bit, on any number of cores.
"""

import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import scipy.linalg  # noqa: F401  (whose BLAS kernels call)
from numba import config
from threadpoolctl import ThreadpoolController

from neurotask.backend.kernels.tiny import flushed

TRIALS = 32  # of a shard, a multiple of what one count of noise gives
MOST = 16  # shards; each has sums of its own

Shard = tuple[int, int]


def shards(n_trials: int) -> list[Shard]:
    """Return the first trial of each shard and the one behind its last."""
    per_shard = -(-max(TRIALS, -(-n_trials // MOST)) // TRIALS) * TRIALS
    return [(at, min(at + per_shard, n_trials)) for at in range(0, n_trials, per_shard)]


class Crew:
    """Runs shards on all cores, or on as many as `NUMBA_NUM_THREADS` says.

    One call at a time: while it lasts, BLAS keeps to one thread in each of ours, and that setting
    is of the whole process. Afterwards it is as it was.
    """

    def __init__(self) -> None:
        self._size = int(getattr(config, "NUMBA_NUM_THREADS"))  # noqa: B009
        self._blas = ThreadpoolController()
        self._restart()
        # Threads do not live on in a forked process, nor does a lock that one of them held.
        if hasattr(os, "register_at_fork"):  # Windows does not fork
            os.register_at_fork(after_in_child=self._restart)

    def run(self, work: Callable[[int], Any], n: int) -> None:
        """Call `work` with each number below `n`, all at once as far as there are cores.

        What `work` raises is raised here, once nothing is being worked on any more.
        """
        n_threads = max(1, min(self._size, n))
        with self._lock, self._blas.limit(limits=1, user_api="blas"):
            while len(self._inboxes) < n_threads - 1:
                self._hire()
            # Whoever is free takes the next, since others may use the cores too.
            numbers, ended = iter(range(n)), SimpleQueue[BaseException | None]()
            helping = self._inboxes[: n_threads - 1]
            for inbox in helping:
                inbox.put((work, numbers, ended))
            try:
                _each(work, numbers)
            finally:
                errors = [ended.get() for _ in helping]
            for error in errors:
                if error is not None:
                    raise error

    def _hire(self) -> None:
        inbox = SimpleQueue[Any]()
        name = f"neurotask-kernel-{len(self._inboxes)}"
        threading.Thread(target=_help, args=(inbox,), name=name, daemon=True).start()
        self._inboxes.append(inbox)

    def _restart(self) -> None:
        self._lock, self._inboxes = threading.Lock(), list[SimpleQueue[Any]]()


def _help(inbox: "SimpleQueue[Any]") -> None:
    """Work on what comes, for as long as the process lives."""
    while True:
        work, numbers, ended = inbox.get()
        error = None
        try:
            _each(work, numbers)
        except BaseException as raised:
            error = raised
        del work, numbers  # which hold arrays
        ended.put(error)
        del error, ended


def _each(work: Callable[[int], Any], numbers: Iterator[int]) -> None:
    before = flushed(True)
    try:
        for number in numbers:
            work(number)
    finally:
        flushed(before)


CREW = Crew()
