"""A training as it goes: a figure in a notebook that is drawn anew in place, text elsewhere."""

import base64
import io
import sys
import time
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Protocol

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console

from neurotask._progress import ShowProgress, evaluation_told
from neurotask._report_figures import learning
from neurotask._report_numbers import duration
from neurotask.curriculum.log import as_table
from neurotask.curriculum.plot import log_size, paint_log

# A figure is drawn at most so often (s), and takes at most this share of the time.
SHORTEST_WAIT, LARGEST_SHARE = 0.5, 0.05
_DPI, _SHOWN_DPI = 144, 96  # of the image, and of what it is shown as
_WIDTH = 7.0  # inches
_AS_IMAGE: dict[str, Any] = {
    "raw": True,
    "metadata": {"image/png": {"width": round(_WIDTH * _SHOWN_DPI)}},
}


class View(Protocol):
    """What shows a training."""

    def begin(self, updates: int, names: Sequence[str], done: int) -> None: ...

    def move(self, update: int, logs: dict[str, Any]) -> None: ...

    def show(self, update: int, logs: dict[str, Any], log: pd.DataFrame) -> None: ...

    def end(self) -> None: ...


class Live:
    """Shows a training as it goes, by the means at hand.

    In a notebook: a line with a bar, and under it one figure, that of `Curriculum.plot` (for a
    task: loss and accuracy). Both are replaced in place, so that a notebook holds the last of them
    alone. Elsewhere: a bar on a terminal, a line a segment where output goes to a file.

    Args:
        view: how it is shown; None: as a notebook or a terminal can.

    Example:
        >>> live = Live(TextView(Console(file=sys.stdout, width=80)))
        >>> live.begin(100)
        >>> live.show(50, {"loss": 0.25, "accuracy": 0.5})
           50 / 100 updates  loss 0.2500  accuracy  50.0%
        >>> live.end()
    """

    def __init__(self, view: View | None = None):
        self._view: View | None = view
        self._running = False

    def begin(self, updates: int, names: Sequence[str] = (), done: int = 0) -> None:
        """Start to show.

        Args:
            updates: the number of the last update; training may end before.
            names: the names of the stages of a curriculum; () for a task.
            done: how many updates the network has had.
        """
        if self._view is None:
            display = notebook_display()
            self._view = TextView() if display is None else NotebookView(display)
        self._running = True
        self._view.begin(updates, names, done)

    def move(self, update: int, logs: dict[str, Any]) -> None:
        """Tell of an update within a segment."""
        if self._running and self._view is not None:
            self._view.move(update, logs)

    def show(self, update: int, logs: dict[str, Any], log: pd.DataFrame | None = None) -> None:
        """Tell of a segment that ends with an update.

        Args:
            update: how many updates the network has had.
            logs: what callbacks are told: `loss`, and `accuracy` where there is one.
            log: the log of the curriculum so far; None for a task.
        """
        if self._running and self._view is not None:
            self._view.show(update, logs, as_table([]) if log is None else log)

    def end(self) -> None:
        """Show the last state and let go of terminal or notebook; a second call does nothing."""
        if self._running and self._view is not None:
            self._running = False
            self._view.end()


class TextView:
    """Shows a training as text.

    Args:
        console: where to write; None: where errors go, as other bars do.
    """

    def __init__(self, console: Console | None = None):
        self._console = Console(stderr=True) if console is None else console

    def begin(self, updates: int, names: Sequence[str], done: int) -> None:
        self._progress = ShowProgress(updates, self._console, names, done)
        self._progress.__enter__()

    def move(self, update: int, logs: dict[str, Any]) -> None:
        self._progress.move(update, logs)

    def show(self, update: int, logs: dict[str, Any], log: pd.DataFrame) -> None:
        self._progress.show(update, logs, log)

    def end(self) -> None:
        self._progress.__exit__()


class NotebookView:
    """Shows a training as a line and a figure that are replaced in place.

    Figures are made without pyplot and shown as images, so that neither style nor backend changes
    and none is left open.

    Args:
        display: IPython's `display`.
        clock: tells the time, s.
    """

    def __init__(self, display: Callable[..., Any], clock: Callable[[], float] = time.perf_counter):
        self._display, self._clock = display, clock

    def begin(self, updates: int, names: Sequence[str], done: int) -> None:
        self._updates, self._names, self._first, self._done = updates, names, done, done
        self._log, self._history = as_table([]), list[dict[str, Any]]()
        self._logs: dict[str, Any] = {}
        self._ended, self._stale = False, False
        self._line_due = self._figure_due = -float("inf")
        line, image = self._line(), self._image()  # the first figure takes longer than all others
        self._began = self._clock()
        self._line_handle = self._display(line, raw=True, display_id=True)
        self._figure_handle = self._display(image, **_AS_IMAGE, display_id=True)

    def move(self, update: int, logs: dict[str, Any]) -> None:
        self._done, self._logs = update, self._logs | logs
        now = self._clock()
        if now >= self._line_due:
            self._line_handle.update(self._line(), raw=True)
            self._line_due = now + SHORTEST_WAIT

    def show(self, update: int, logs: dict[str, Any], log: pd.DataFrame) -> None:
        self._log, self._stale = log, True
        scores = {name: logs[name] for name in ("loss", "accuracy") if name in logs}
        self._history.append({"updates": update} | scores)
        self.move(update, logs)
        if self._clock() >= self._figure_due:
            self._draw()

    def end(self) -> None:
        self._ended = True
        self._line_handle.update(self._line(), raw=True)
        if self._stale:
            self._draw()

    def _draw(self) -> None:
        """Replace the figure, and wait long enough that drawing stays a small share of all."""
        start = self._clock()
        self._figure_handle.update(self._image(), **_AS_IMAGE)
        now = self._clock()
        wait = (now - start) * (1 / LARGEST_SHARE - 1)
        self._figure_due, self._stale = now + max(SHORTEST_WAIT, wait), False

    def _image(self) -> dict[str, Any]:
        curriculum = bool(self._names)
        size = log_size(self._log, self._names) if curriculum else (_WIDTH, 2.5)
        # Whatever style the notebook has set, axes' words are of the size that fits the figure.
        with mpl.rc_context({"font.size": 9.0}):
            figure = Figure(figsize=size, layout="constrained")
            if curriculum or not self._history:
                paint_log(figure, self._log, self._names)
            else:
                learning(figure, pd.DataFrame(self._history), None)
                figure.axes[0].set_ylabel("Loss")  # the network may be trained on another one
                for axis in figure.axes:
                    axis.set_xlim(self._first, None)
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=_DPI, facecolor="white")
        text = "How the training goes, over updates"
        return {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": text}

    def _line(self) -> dict[str, Any]:
        told = [f"update {self._done} / {self._updates}"]
        if self._names and not self._log.empty:
            told.append(evaluation_told(self._log, self._names).replace("  ", " \u00b7 "))
        told += [f"loss {self._logs['loss']:.3g}"] if "loss" in self._logs else []
        if "accuracy" in self._logs and not self._names:
            told.append(f"accuracy {self._logs['accuracy']:.1%}")
        told += [self._time()] if self._done > self._first else []
        text = " \u00b7 ".join(told)
        bar = (
            f'<progress value="{self._done}" max="{self._updates}" style="width: 12em"></progress>'
        )
        return {"text/plain": text, "text/html": f"<div>{bar} {escape(text)}</div>"}

    def _time(self) -> str:
        seconds = self._clock() - self._began
        if self._ended:
            return f"ended after {duration(seconds)}"
        left = seconds * (self._updates - self._done) / (self._done - self._first)
        # A curriculum may be passed before all updates are made.
        return f"{'at most ' if self._names else ''}{duration(left)} left"


def notebook_display() -> Callable[..., Any] | None:
    """Return IPython's `display` where a notebook runs this, else None."""
    ipython = sys.modules.get("IPython")  # whoever runs in a notebook has it imported
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display
