"""Runs trained in processes side by side, each started fresh, handed one run folder at a time.

A worker reads lines of JSON, `{"run": folder}`, and answers in lines: `{"updates": n}` as training
goes, `{"ended": how}` or `{"failed": what}` at its end. Nothing else goes between: all that a run
is lies in its folder. When its input is closed a worker stops, after a checkpoint if it is
training; so none outlives the process that started it.
"""

import _thread
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from neurotask.runs import Run, load_run

# What a worker tells: the run, and {"updates": n}, {"ended": how} or {"failed": what}.
Told = Callable[[Path, Mapping[str, Any]], None]

STOPPING = 60.0  # seconds that a worker has for its last checkpoint
TOLD = 2000  # characters of the log of a worker that died, in the message


def train_all(runs: Sequence[Path], processes: int, told: Told) -> None:
    """Train the runs in folders to their ends, in so many processes.

    Args:
        runs: the folders.
        processes: how many processes; 1 is a process beside this one too.
        told: is called, in this thread, with what workers tell.

    Raises:
        KeyboardInterrupt: as it came, after all workers have stopped and kept what they had.
    """
    answers: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()
    waiting = list(runs)
    workers: list[_Worker] = []
    try:
        for _ in range(min(processes, len(runs))):
            workers.append(_Worker(_threads(processes), answers))
            workers[-1].hand(waiting.pop(0))
        while any(worker.run is not None for worker in workers):
            worker, answer = answers.get()
            run = worker.run
            if run is None:
                continue
            if answer is None:
                worker.run = None
                told(run, {"failed": worker.last_words()})
                workers.remove(worker)
                if waiting:
                    workers.append(_Worker(_threads(processes), answers))
                    workers[-1].hand(waiting.pop(0))
                continue
            told(run, answer)
            if "updates" not in answer:
                worker.run = None
                if waiting:
                    worker.hand(waiting.pop(0))
    finally:
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.wait()


def train_here(run: Path, told: Callable[[Mapping[str, Any]], None], source: Any = None) -> None:
    """Train the run in a folder to its end, in this process, and say how it ended.

    Args:
        run: the folder.
        told: is called with `{"updates": n}` as it goes and `{"ended": how}` at its end.
        source: what is trained on, where the folder cannot hold it.
    """
    import keras

    def say(epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        told({"updates": int((logs or {}).get("updates", 0))})

    watcher = keras.callbacks.LambdaCallback(on_epoch_end=say)
    try:
        load_run(run).resume(source=source, callbacks=[watcher], verbose=0)
    except FloatingPointError:
        pass  # the run says that it diverged
    told({"ended": load_run(run).status})


def is_over(run: Run) -> bool:
    """Return whether there is nothing more to train or to test in a run."""
    tested = (run.path / "session.nc").exists()
    return run.status == "diverged" or (run.status == "finished" and tested)


class _Worker:
    """A process that trains, as the process that hands it runs sees it."""

    def __init__(self, threads: int, answers: "queue.Queue[Any]"):
        self.run: Path | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "neurotask.comparison.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(threads),
            start_new_session=True,  # Ctrl-C comes to it as the end of its input, once
        )
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def hand(self, run: Path) -> None:
        """Give it a run to train."""
        self.run = run
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"run": str(run.resolve())}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died, which its output tells

    def close(self) -> None:
        """Let it stop."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass

    def wait(self) -> None:
        """Wait until it has stopped."""
        try:
            self._process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def last_words(self) -> str:
        """Return how it ended and the end of its log."""
        code = self._process.wait()
        self._log.seek(0)
        log = self._log.read().decode(errors="replace").strip()[-TOLD:]
        self.close()
        self._log.close()
        return f"the process ended with code {code}" + (f": {log}" if log else "")

    def _listen(self, answers: "queue.Queue[Any]") -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                answers.put((self, json.loads(line)))
        answers.put((self, None))


def _threads(processes: int) -> int:
    return max(1, (os.cpu_count() or 1) // processes)


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: the modules of this process, its share of the cores."""
    # TensorFlow reads these at its start. The numbers do not depend on them (tested).
    share = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    paths = [str(Path(path).resolve()) for path in sys.path]
    own = {name: str(threads) for name in share}
    own |= {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), "MPLBACKEND": "agg"}
    return {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"} | os.environ | own


# --- the worker's own side ---------------------------------------------------------------------


def _work() -> None:
    """Train runs as they are handed, until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what others print goes to the log
    handed: queue.Queue[Path | None] = queue.Queue()
    busy = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            handed.put(Path(json.loads(line)["run"]))
        handed.put(None)
        if busy.is_set():
            _thread.interrupt_main()

    def say(what: Mapping[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    threading.Thread(target=listen, daemon=True).start()
    while (run := handed.get()) is not None:
        busy.set()
        try:
            train_here(run, say)
        except Exception as error:
            say({"failed": f"{type(error).__name__}: {error}"})
        busy.clear()


if __name__ == "__main__":
    try:
        _work()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(0)  # the run is kept; nobody listens any more
