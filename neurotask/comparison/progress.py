"""How far all runs of a comparison are: a bar on a terminal, a line a run elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from neurotask.runs import load_run


class ShowRuns:
    """Shows how many runs have ended and how many updates were made. Use it as a context.

    Args:
        names: what each run is called, by its folder.
        updates: updates of each at most.
        over: how many of all were over before.
        console: where to write; None: nowhere.
    """

    def __init__(self, names: Mapping[Path, str], updates: int, over: int, console: Console | None):
        self._names, self._updates, self._over = names, updates, over
        self._console, self._all = console, over + len(names)
        self._at: dict[Path, int] = dict.fromkeys(names, 0)
        shown = console is not None and console.is_terminal
        self._bar = Progress(
            TextColumn("{task.fields[runs]} runs"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of at most {task.total:.0f} updates"),
            TimeElapsedColumn(),
            console=console,
            disable=not shown,
        )
        self._task = self._bar.add_task("", total=updates * len(names), runs=self._runs)

    def __enter__(self) -> "ShowRuns":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.stop()

    def told(self, run: Path, what: Mapping[str, Any]) -> None:
        """Take note of what a worker tells of a run."""
        if "updates" in what:
            self._at[run] = what["updates"]
        else:
            self._over += 1
            self._at[run] = self._updates  # it asks for no more
            self._say(run, what)
        done = sum(self._at.values())
        self._bar.update(self._task, completed=done, runs=self._runs)

    @property
    def _runs(self) -> str:
        return f"{self._over} of {self._all}"

    def _say(self, run: Path, what: Mapping[str, Any]) -> None:
        if self._console is None or (self._console.is_terminal and "failed" not in what):
            return
        how = f"failed, {what['failed']}" if "failed" in what else _how(run)
        self._console.print(f"{self._runs} runs: {self._names[run]}: {how}", highlight=False)


def _how(run: Path) -> str:
    """Return how a run ended, in words."""
    ended = load_run(run)
    log, done = ended.log, ended.settings["training"]["updates_done"]
    if ended.status == "diverged":
        return f"diverged after {done} updates"
    events: Sequence[str] = log["event"].tolist()
    reached = {"target": "criterion reached", "end": "all stages passed", "stop": "stopped"}
    what = next((reached[event] for event in reversed(events) if event in reached), "ended")
    return f"{what} at update {done}"
