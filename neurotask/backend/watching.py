"""The live view of a training as one of Keras' callbacks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from neurotask._live import Live
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.curriculum.log import as_table


class LiveCallback(keras.callbacks.Callback):
    """Tells a live view what happens.

    Args:
        course: what is trained on.
        updates: how many updates there will be at most, from now on.
        live: the view.
    """

    def __init__(self, course: Course | PlainCourse, updates: int, live: Live):
        super().__init__()
        self._course, self._updates, self._live = course, updates, live

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start to show, updates counted from the first that the network ever had."""
        self._done = int(self.model.updates.numpy())
        course = self._course
        names = course.curriculum.names if isinstance(course, Course) else ()
        self._live.begin(self._done + self._updates, names, self._done)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember where the segment starts."""
        self._before = self._done

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell of the last update of those that were made in one go."""
        self._done = self._before + batch + 1
        self._live.move(self._done, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell of a segment, and of the log that it may have grown."""
        log = as_table(self._course.rows) if isinstance(self._course, Course) else None
        self._live.show(self._done, logs or {}, log)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Show the last state."""
        self._live.end()


@contextmanager
def watched(
    course: Course | PlainCourse,
    updates: int,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int,
    live: bool,
) -> Iterator[tuple[list[keras.callbacks.Callback], int]]:
    """Give all callbacks, and whether Keras shows its bar: a live view takes its place.

    Args:
        course: what is trained on.
        updates: how many updates there will be at most.
        callbacks: other callbacks.
        verbose: whether Keras' bar is asked for.
        live: whether there is a live view.
    """
    if not live:
        yield list(callbacks), verbose
        return
    view = Live()
    try:
        yield [*callbacks, LiveCallback(course, updates, view)], 0
    finally:
        view.end()  # also where training is cut short, of which Keras has no moment
