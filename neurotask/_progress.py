"""How far a training is: a bar on a terminal, a line a segment elsewhere."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ShowProgress:
    """Shows updates done, loss, accuracy and the time left. Use it as a context.

    Its methods are those of a Keras callback: `keras.callbacks.LambdaCallback(**progress.hooks)`.

    Args:
        updates: how many updates there will be.
        console: where to write.
    """

    def __init__(self, updates: int, console: Console):
        self._updates, self._console, self._done = updates, console, 0
        self._bar = Progress(
            TextColumn("{task.completed:>5.0f} / {task.total:.0f} updates"),
            BarColumn(),
            TextColumn("{task.fields[scores]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=updates, scores="")

    def __enter__(self) -> "ShowProgress":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.stop()

    @property
    def hooks(self) -> dict[str, Callable[..., None]]:
        """The methods by the names that Keras has for the moments of a training."""
        names = ("on_epoch_begin", "on_train_batch_end", "on_epoch_end")
        return {name: getattr(self, name) for name in names}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember where the segment starts."""
        self._before = self._done

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar: `batch` counts the updates of the segment from 0."""
        self._done = self._before + batch + 1
        self._bar.update(self._task, completed=self._done, scores=_scores(logs or {}))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a line where there is no terminal."""
        if not self._console.is_terminal:
            done = f"{self._done:>5} / {self._updates} updates"
            self._console.print(f"{done}  {_scores(logs or {})}", highlight=False)


def _scores(logs: dict[str, Any]) -> str:
    accuracy = f"  accuracy {logs['accuracy']:6.1%}" if "accuracy" in logs else ""
    return f"loss {logs['loss']:.4f}{accuracy}" if "loss" in logs else ""
