"""What an ideal observer has to go by: the inputs of a batch, and nothing else of it."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose
from neurotask.canvas import Channels
from neurotask.channels import Ring

if TYPE_CHECKING:
    from neurotask.task import Task


class Seen:
    """The inputs of a batch by channel, and ways to look at them and to answer.

    `seen["motion"]` is a channel, (row, time); `seen[ring]` several, (row, time, channel). A task
    reads them in `observe(self, seen)` and returns outputs, (row, time, output).

    Args:
        task: the task, for the names of its channels. Settings may be used: they are known to
            whoever has learned the task.
        inputs: the inputs, (row, time, input).

    Attributes:
        n_rows: number of rows.
        n_steps: number of steps.
        dt: length of a step in ms.
    """

    def __init__(self, task: "Task", inputs: np.ndarray):
        self._task, self._inputs = task, inputs
        self.n_rows, self.n_steps, _ = inputs.shape
        self.dt = task.dt

    def __getitem__(self, channel: Channels) -> np.ndarray:
        names = self._task.inputs
        if isinstance(channel, str):
            return self._inputs[..., names.index(choose("input channel", channel, names))]
        return self._inputs[..., [names.index(choose("input channel", c, names)) for c in channel]]

    @cached_property
    def go(self) -> np.ndarray:
        """First step at which the fixation input is off after it was on, (row,); else n_steps."""
        on = self["fixation"] > 0.5
        off = ~on & np.logical_or.accumulate(on, axis=1)
        return np.where(off.any(1), off.argmax(1), self.n_steps)

    def between(self, start: Any, stop: Any) -> np.ndarray:
        """Return whether a step is in [start, stop), (row, time); both are steps, one a row."""
        step = np.arange(self.n_steps)
        start, stop = (np.broadcast_to(edge, self.n_rows)[:, None] for edge in (start, stop))
        return (step >= start) & (step < stop)

    def on(self, channel: Channels) -> np.ndarray:
        """Return whether there is anything in a channel (noise too), (row, time)."""
        values = self[channel]
        return (values if values.ndim == 2 else np.abs(values).sum(2)) != 0

    def onset(self, channel: Channels) -> np.ndarray:
        """Return the first step with anything in a channel, (row,); else n_steps."""
        on = self.on(channel)
        return np.where(on.any(1), on.argmax(1), self.n_steps)

    def sum(self, channel: Channels, within: Any = True) -> np.ndarray:
        """Return the sum over time of a channel, (row,), or of several, (row, channel).

        Args:
            channel: what is summed.
            within: the steps that count, (row, time).
        """
        values = self[channel]
        within = np.broadcast_to(within, values.shape[:2])
        return np.einsum("rt...,rt->r...", values, within.astype(values.dtype))

    def mean(self, channel: Channels, within: Any = True) -> np.ndarray:
        """Return the mean over time of a channel, (row,), or of several; 0 where nothing counts."""
        steps = np.maximum(np.broadcast_to(within, (self.n_rows, self.n_steps)).sum(1), 1)
        total = self.sum(channel, within)
        return total / (steps if total.ndim == 1 else steps[:, None])

    def wait(self, high: float = 1.0, low: float = 0.2) -> np.ndarray:
        """Return outputs that hold still all the time: "fixation" high, the others low."""
        names = self._task.outputs
        level = [high if name == "fixation" else low for name in names]
        return np.broadcast_to(
            np.array(level, np.float32), (self.n_rows, self.n_steps, len(names))
        ).copy()

    def choose(self, place: Any, when: Any = None, withhold: Any = False) -> np.ndarray:
        """Return outputs that wait, and then choose.

        Args:
            place: place of the choice among the task's choices, (row,).
            when: steps at which the choice is shown, (row, time); unless said, from `go` on.
            withhold: rows in which none is made, (row,).
        """
        outputs = self.wait()
        when = self.between(self.go, self.n_steps) if when is None else when
        due = when & ~np.broadcast_to(withhold, self.n_rows)[:, None]
        names, place = self._task.outputs, np.broadcast_to(place, self.n_rows)
        for at, name in enumerate(self._task.choices):
            level = np.where(place == at, 1.0, 0.2)[:, None]
            where = names.index(name)
            outputs[..., where] = np.where(due, level, outputs[..., where])
        if "fixation" in names:
            outputs[..., names.index("fixation")][due] = 0.2
        return outputs

    def point(
        self, ring: Ring, direction: Any, when: Any = None, withhold: Any = False
    ) -> np.ndarray:
        """Return outputs that wait, and then show a direction on a ring of outputs.

        Args:
            ring: the ring of outputs.
            direction: degrees, (row,).
            when: steps at which it is shown, (row, time); unless said, from `go` on.
            withhold: rows in which none is shown, (row,).
        """
        outputs = self.wait()
        when = self.between(self.go, self.n_steps) if when is None else when
        due = when & ~np.broadcast_to(withhold, self.n_rows)[:, None]
        names = self._task.outputs
        places = [names.index(name) for name in ring]
        bump = np.broadcast_to(0.2 + 0.8 * ring.bump(direction), (self.n_rows, len(ring)))
        outputs[..., places] = np.where(due[..., None], bump[:, None], outputs[..., places])
        if "fixation" in names:
            outputs[..., names.index("fixation")][due] = 0.2
        return outputs
