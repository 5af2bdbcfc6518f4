"""How a training is kept in its run folder as it goes: logs, checkpoints, stage boundaries."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotask import _run_files as files
from neurotask.backend.checkpoints import write_checkpoint
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.curriculum.log import COLUMNS, as_line
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


class Log:
    """A CSV file that grows by a row at a time, and can be cut back to what it was.

    Args:
        path: the file; its first row names the columns.
        columns: the columns, for a new file.
    """

    def __init__(self, path: Path, columns: list[str]):
        if not path.exists():
            path.write_text(as_line(columns), encoding="utf-8")
        with path.open(encoding="utf-8") as file:
            self._columns = file.readline().rstrip("\n").split(",")
        # Without a buffer, so that a full disk is met here and not when the file is closed.
        self._file = path.open("ab", buffering=0)
        self.size = self._file.tell()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row, a column that it lacks left empty."""
        line = as_line([row.get(name, "") for name in self._columns]).encode()
        left = line
        while left:
            left = left[self._file.write(left) :]
        self.size += len(line)

    def cut(self, size: int) -> None:
        """Take the rows behind the first `size` bytes away."""
        self._file.truncate(size)
        self.size = size

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Keeper:
    """Keeps a training in a folder: `keep` is called at the end of each segment.

    Args:
        model: the network.
        course: where its training stands.
        folder: the run folder, which exists.
        plan: how the run is to go, as its checkpoints hold it.
        boundary: trials that the network is tested on where a stage ends; None: no test.
    """

    def __init__(
        self,
        model: "RecurrentModel",
        course: Course | PlainCourse,
        folder: Path,
        plan: dict[str, Any],
        boundary: Trials | None,
    ):
        self._model, self._course, self._folder, self._plan = model, course, folder, plan
        self._boundary = boundary
        history = ["updates", "loss"]
        history += ["accuracy"] if plan["scored"] else []
        of_curriculum = isinstance(course, Course)
        history += ["learning_rate", *(["stage", "evaluation"] if of_curriculum else [])]
        columns = {files.HISTORY: history}
        columns |= {files.CURRICULUM: list(COLUMNS)} if of_curriculum else {}
        self._logs = {name: Log(folder / name, names) for name, names in columns.items()}
        self._written = len(course.rows)
        self._clock, self._kept_at = time.monotonic(), self.done
        self._snapshot = self._values()

    @property
    def done(self) -> int:
        """Updates of this run that were made."""
        return int(self._model.updates.numpy()) - self._plan["first"]

    def keep(self, logs: Mapping[str, float]) -> None:
        """Log a segment, and write a checkpoint where one is due."""
        short = {"learning_rate": files.short(logs["learning_rate"])}
        self._logs[files.HISTORY].add(dict(logs) | short)
        for row in self._course.rows[self._written :]:
            self._logs[files.CURRICULUM].add(row)
        self._written = len(self._course.rows)
        if self._course.event and self._boundary is not None:
            self.test_boundary()
        self._snapshot = self._values()
        seconds, updates = self._plan["checkpoint_seconds"], self._plan["checkpoint_updates"]
        by_time = seconds is not None and time.monotonic() - self._clock >= seconds
        if by_time or (updates is not None and self.done - self._kept_at >= updates):
            self.checkpoint()

    def test_boundary(self) -> None:
        """Keep the behaviour of the network as it is where a stage begins or ends."""
        assert self._boundary is not None
        behaved = self._model.run(self._boundary, seed=self._plan["seed"], record=())
        course, at = self._course, int(self._model.updates.numpy())
        files.write_boundary(self._folder, at, behaved, course.event or "start", course.stage)

    def checkpoint(self) -> None:
        """Write a checkpoint of the network as it is, which must be at the end of a segment."""
        for log in self._logs.values():
            log.sync()
        state = {"done": self.done, "course": self._course.state, "sizes": self._sizes}
        write_checkpoint(self._model, self._folder, self._plan | state)
        self._clock, self._kept_at = time.monotonic(), self.done

    def roll_back(self) -> None:
        """Take the network back to the end of the last segment that was kept."""
        for variable, value in zip(self._variables, self._snapshot["values"], strict=True):
            variable.assign(value)
        self._course.state.clear()
        self._course.state.update(files.copied(self._snapshot["course"]))
        del self._course.rows[self._snapshot["rows"] :]
        for name, size in self._snapshot["sizes"].items():
            self._logs[name].cut(size)

    def close(self) -> None:
        """Close the logs."""
        for log in self._logs.values():
            log.close()

    @property
    def _sizes(self) -> dict[str, int]:
        return {name: log.size for name, log in self._logs.items()}

    @property
    def _variables(self) -> list[Any]:
        return self._model.trainer.variables

    def _values(self) -> dict[str, Any]:
        return {
            "values": [variable.numpy() for variable in self._variables],
            "course": files.copied(self._course.state),
            "rows": len(self._course.rows),
            "sizes": self._sizes,
        }
