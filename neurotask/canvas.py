"""What `Task.build` paints on: inputs, targets and mask of a whole batch at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurotask._checks import choose, listed, nearest, number
from neurotask.distributions import plain
from neurotask.phases import Phases, to_steps


class Conditions:
    """The conditions of a batch by name: `c.coherence` is the array with one value a trial."""

    def __init__(self, columns: Mapping[str, np.ndarray]):
        self._columns = columns

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._columns[name]
        except KeyError:
            raise AttributeError(
                f"There is no condition `{name}`; the conditions are {listed(self._columns)}."
                f"{nearest(name, self._columns)}"
            ) from None

    __getitem__ = __getattr__


class Canvas:
    """A batch of trials being painted: name a channel, a value and a stretch of the trial.

    Every verb takes the stretch in one of four ways: `phase="stimulus"` (during a phase),
    `since="stimulus"` (from its start to the end of the trial), `until="stimulus"` (from the start
    of the trial to the phase's start) or nothing (the whole trial); `delay` moves its start (ms).
    A value is a number, one number a trial of shape (trial,), or a course in time of shape
    (trial or 1, time). What is never painted is 0 in the inputs and has no target (mask 0).

    Attributes:
        conditions: the conditions by name, each of shape (trial,).
        phases: when each phase starts and stops.
        time: start of each step in ms, shape (time,).
        rng: the generator of what the trial shows (noise and other detail), not of its conditions.
    """

    def __init__(
        self,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        choices: tuple[str, ...],
        conditions: Conditions,
        phases: Phases,
        n_steps: int,
        rng: np.random.Generator,
    ):
        n_trials = len(phases.edges)
        self.conditions, self.phases, self.rng = conditions, phases, rng
        self.n_trials, self.n_steps, self.dt = n_trials, n_steps, phases.dt
        self.time = np.arange(n_steps) * phases.dt
        self._input_names, self._output_names, self._choices = inputs, outputs, choices
        self.inputs = np.zeros((n_trials, n_steps, len(inputs)), np.float32)
        self.targets = np.zeros((n_trials, n_steps, len(outputs)), np.float32)
        self.mask = np.zeros((n_trials, n_steps, len(outputs)), np.float32)
        self.answers = np.full(n_trials, -1)

    def input(
        self,
        channel: str,
        value: Any = 1.0,
        *,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        delay: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        """Add `value` to an input channel, with white noise of density `noise`.

        Args:
            channel: name of the input.
            value: what is added.
            phase: the phase it is added in; or
            since: the phase from whose start on; or
            until: the phase at whose start it ends.
            delay: shift of the start, ms.
            noise: standard deviation of the noise's mean over one second, in units of the input
                times the square root of a second. Its effect depends on neither dt nor tau: a step
                of dt seconds gets the standard deviation noise / sqrt(dt).
        """
        layer = self.inputs[..., self._channel("inputs", channel, self._input_names)]
        start, stop = self._stretch(phase, since, until, delay)
        value = self._values("value", value)
        if number("noise", noise, low=0.0) > 0:
            per_step = np.float32(noise / np.sqrt(self.dt / 1000.0))
            value = value + per_step * self.rng.standard_normal(layer.shape, dtype=np.float32)
        self._paint(layer, start, stop, value, add=True)

    def target(
        self,
        channel: str,
        value: Any,
        *,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        delay: float = 0.0,
        grace: float = 0.0,
        weight: Any = 1.0,
    ) -> None:
        """Ask for `value` from an output channel.

        Args:
            channel: name of the output.
            value: what is wanted.
            phase: the phase in which; or
            since: the phase from whose start on; or
            until: the phase at whose start it ends.
            delay: shift of the start, ms.
            grace: time (ms) at the start in which errors do not count: the mask stays as it was.
            weight: weight of the errors in the loss, a number or one a trial.
        """
        at = self._channel("outputs", channel, self._output_names)
        start, stop = self._stretch(phase, since, until, delay)
        self._paint(self.targets[..., at], start, stop, self._values("value", value))
        counted, weight = start + to_steps("grace", grace, self.dt), self._values("weight", weight)
        if np.min(weight) < 0:
            raise ValueError(f"`weight` must be 0 or more, got {np.min(weight):g}.")
        self._paint(self.mask[..., at], counted, stop, weight)

    def target_choice(
        self,
        answer: Any,
        *,
        phase: str,
        delay: float = 0.0,
        grace: float = 0.0,
        high: float = 1.0,
        low: float = 0.2,
        weight: Any = 1.0,
    ) -> None:
        """Ask for a choice: `high` on the right one of the task's choices, `low` on the others.

        Args:
            answer: which choice is right, shape (trial,). Whole numbers name it by its place, -1
                for none. With two choices booleans will do (True is the second), and so will
                floats by their sign: above 0 the second, below 0 the first, 0 neither. Where no
                choice is right the trial is trained towards one drawn at random and not scored.
            phase: the phase in which the choice is reported.
            delay: shift of the start, ms.
            grace: time (ms) at its start in which errors do not count.
            high: target of the right choice.
            low: target of the others.
            weight: weight of the errors in the loss.
        """
        self.answers, wanted = self._answers(np.asarray(answer))
        for place, choice in enumerate(self._choices):
            value = np.where(wanted == place, high, low)
            self.target(choice, value, phase=phase, delay=delay, grace=grace, weight=weight)

    def _answers(self, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the right choice (-1: none) and the choice trained for, each of shape (trial,)."""
        if answer.shape not in ((), (self.n_trials,)):
            raise ValueError(
                f"`answer` must be one a trial, shape ({self.n_trials},) here, got shape "
                f"{answer.shape}."
            )
        if answer.dtype.kind == "f" and np.isnan(answer).any():
            raise ValueError("`answer` must be numbers, got NaN. Give 0.0 where none is right.")
        answer = np.broadcast_to(answer, self.n_trials)
        n_choices = len(self._choices)
        if n_choices == 2 and answer.dtype == bool:
            answer = answer.astype(int)
        elif n_choices == 2 and answer.dtype.kind == "f":
            answer = np.select([answer > 0, answer < 0], [1, 0], -1)
        if answer.dtype.kind not in "iu" or answer.min() < -1 or answer.max() >= n_choices:
            raise ValueError(
                f"`answer` must be a place among the {n_choices} choices (or -1: none is right), "
                f"got {plain(np.unique(answer)[:5])}. "
                "Give signed evidence for two choices as floats."
            )
        guess = self.rng.integers(n_choices, size=self.n_trials)
        return answer, np.where(answer < 0, guess, answer)

    def _values(self, name: str, value: Any) -> np.ndarray:
        """Return a value as (), (trial or 1, time or 1), or raise."""
        given = np.asarray(value)
        if given.dtype.kind not in "biuf":
            raise ValueError(f"`{name}` must be a number or an array of numbers, got {value!r}.")
        array = given[:, None] if given.ndim == 1 else given
        wide = (1, self.n_trials), (1, self.n_steps)
        fits = array.ndim == 2 and all(n in ok for n, ok in zip(array.shape, wide, strict=True))
        if array.ndim and not fits:
            raise ValueError(
                f"`{name}` must be a number, one a trial or (trial, time), here ({self.n_trials},) "
                f"or ({self.n_trials}, {self.n_steps}), got shape {given.shape}."
            )
        return array.astype(np.float32)

    def _channel(self, kind: str, name: str, names: tuple[str, ...]) -> int:
        return names.index(choose(f"{kind[:-1]} channel", name, names))

    def _stretch(
        self, phase: str | None, since: str | None, until: str | None, delay: float
    ) -> tuple[np.ndarray, np.ndarray]:
        if sum(name is not None for name in (phase, since, until)) > 1:
            raise TypeError("Give one of `phase`, `since` and `until`, not several of them.")
        start, stop = np.zeros(self.n_trials, int), self.phases.lengths
        if phase is not None:
            start, stop = self.phases.steps(phase)
        elif since is not None:
            start, _ = self.phases.steps(since)
        elif until is not None:
            stop, _ = self.phases.steps(until)
        return start + to_steps("delay", delay, self.dt), stop

    def _paint(
        self, layer: np.ndarray, start: np.ndarray, stop: np.ndarray, value: Any, add: bool = False
    ) -> None:
        if (start == start[0]).all() and (stop == stop[0]).all():
            # The same stretch in every trial: a slice, several times faster than a mask.
            span = slice(start[0], max(start[0], stop[0]))
            part = value[:, span] if np.ndim(value) == 2 and value.shape[1] > 1 else value
            layer[:, span] = layer[:, span] + part if add else part
            return
        step = np.arange(self.n_steps)
        inside = (step >= start[:, None]) & (step < stop[:, None])
        np.copyto(layer, layer + value if add else value, where=inside, casting="same_kind")
