"""How far a training is, as text: a bar on a terminal, a line a segment elsewhere."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from neurotask.curriculum._visits import is_of_target


class _Bar(Progress):
    """A bar with a line above it, which would not fit beside it."""

    told = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.told:
            yield Text(self.told, overflow="ellipsis", no_wrap=True)
        yield from super().get_renderables()


class ShowProgress:
    """Shows updates done, stage, scores and the time left. Use it as a context.

    Its methods are those of a Keras callback: `keras.callbacks.LambdaCallback(**progress.hooks)`.
    Who has the log of a curriculum calls `show` at the end of a segment in place of `on_epoch_end`.

    Args:
        updates: the number of the last update; training may end before.
        console: where to write.
        names: the names of the stages; () for a task.
        done: updates that were made before.
    """

    def __init__(self, updates: int, console: Console, names: Sequence[str] = (), done: int = 0):
        self._updates, self._console, self._names = updates, console, names
        self._done = self._before = done
        self._told = ""  # of the last evaluation
        self._bar = _Bar(
            TextColumn("{task.completed:>5.0f} / {task.fields[asked]} updates"),
            BarColumn(),
            TextColumn("{task.fields[scores]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=updates, completed=done, scores="", asked=updates)

    def __enter__(self) -> "ShowProgress":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.update(self._task, total=self._done)  # what was left is not to come any more
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
        self.move(self._before + batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take note of the stage, and write a line where there is no terminal."""
        logs = logs or {}
        if "stage" in logs:
            self._told = _stage_told(logs, self._names)
        self._end_segment(logs)

    def move(self, update: int, logs: dict[str, Any]) -> None:
        """Move the bar to an update."""
        self._done = update
        self._bar.told = self._told
        self._bar.update(self._task, completed=update, scores=_scores(logs, self._told))

    def show(self, update: int, logs: dict[str, Any], log: pd.DataFrame) -> None:
        """Tell of a segment that ends with `update`, and of the last rows of the log."""
        self._done, self._told = update, evaluation_told(log, self._names)
        self._end_segment(logs)

    def _end_segment(self, logs: dict[str, Any]) -> None:
        self.move(self._done, logs)
        if not self._console.is_terminal:
            told = [
                f"{self._done:>5} / {self._updates} updates",
                self._told,
                _scores(logs, self._told),
            ]
            line = "  ".join(part for part in told if part)
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def evaluation_told(log: pd.DataFrame, names: Sequence[str]) -> str:
    """Return in a line how the last evaluation went, and that of the target where it was tested.

    Args:
        log: the log of a curriculum.
        names: the names of its stages.

    Example:
        >>> from neurotask.curriculum.log import COLUMNS, as_table
        >>> row = dict.fromkeys(COLUMNS, "") | {"update": 150, "stage": 1, "passed": False,
        ...     "metric": "accuracy", "value": 0.87, "threshold": 0.9, "level": float("nan"),
        ...     "loss": 0.02, "trials": 9, "tested": 9}
        >>> evaluation_told(as_table([row]), ("easy", "hard"))
        'stage 2/2 hard  accuracy 0.87 of 0.9'
    """
    if log.empty:
        return ""
    of_target = is_of_target(log, names)
    place, update = int(log["stage"].iloc[-1]), log["update"].iloc[-1]
    told = [f"stage {place + 1}/{len(names)} {names[place]}"]
    own = log[~of_target & (log["stage"] == place)]
    target = log[of_target & (log["update"] == update)]
    for rows, prefix in ((own, ""), (target, "target ")):
        if rows.empty:
            continue
        row = rows.iloc[-1]
        if not np.isnan(row["level"]):
            told.append(f"level {row['level']:.3g}")
        told += [row["lesson"]] if row["lesson"] else []
        told.append(f"{prefix}{_measured(row)}")
    event = next((event for event in log.loc[log["update"] == update, "event"] if event), "")
    return "  ".join([*told, event] if event else told)


def _measured(row: Any) -> str:
    threshold = "" if np.isnan(row["threshold"]) else f" of {row['threshold']:.3g}"
    return f"{row['metric']} {row['value']:.3g}{threshold}"


def _stage_told(logs: dict[str, Any], names: Sequence[str]) -> str:
    """Return what the numbers that callbacks get say of a curriculum."""
    place = int(logs["stage"])
    named = f"/{len(names)} {names[place]}" if names else ""
    value = logs.get("evaluation", np.nan)
    return f"stage {place + 1}{named}" + ("" if np.isnan(value) else f"  evaluation {value:.3g}")


def _scores(logs: dict[str, Any], told: str) -> str:
    # Where a network is evaluated, that says more than the accuracy in one batch.
    has_accuracy = "accuracy" in logs and not told
    accuracy = f"  accuracy {logs['accuracy']:6.1%}" if has_accuracy else ""
    return f"loss {logs['loss']:.4f}{accuracy}" if "loss" in logs else ""
