"""What `Task.build` paints on: inputs, targets and mask of a whole batch at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurotask._checks import choose, listed, number
from neurotask._painting import Steps, Stretch, as_value, paint
from neurotask.channels import Ring
from neurotask.conditions import Conditions
from neurotask.distributions import plain
from neurotask.phases import Phases, to_steps
from neurotask.trials import UNSCORED, WITHHOLD

Channels = str | Ring | Sequence[str]


class Canvas:
    """A batch of trials being painted: name a channel, a value and a stretch of the trial.

    Every verb takes the stretch in one of four ways: `phase="stimulus"` (during a phase),
    `since="stimulus"` (from its start to the end of the trial), `until="stimulus"` (from the start
    of the trial to the phase's start) or nothing (the whole trial). `delay` moves its start (ms)
    and `duration` says how long it lasts from there, at most to its end; each is a number or one a
    trial. What is never painted is 0 in the inputs and has no target (mask 0).

    A channel is a name, or several at once: a `Ring` or a tuple of names. A value is a number, one
    number a trial (trial,) or a course in time (trial or 1, time); for several channels it may have
    them as its last axis: (trial or 1, channel) or (trial or 1, time or 1, channel).

    A condition named `catch` marks trials without a stimulus: there every input but "fixation" is
    its noise alone, and withholding the answer is right.

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
        n_trials = len(phases.lengths)
        self.conditions, self.phases, self.rng = conditions, phases, rng
        self.n_trials, self.n_steps, self.dt = n_trials, n_steps, phases.dt
        self.time = np.arange(n_steps) * phases.dt
        self._names = {"inputs": inputs, "outputs": outputs}
        self._choices = choices
        # The steps of each phase's start and stop, one number where they are those of all trials.
        edges = _agreed(np.column_stack((phases.starts, phases.stops, phases.lengths)))
        n = len(phases.names)
        self._edges = dict(zip(phases.names, zip(edges[:n], edges[n:-1], strict=True), strict=True))
        self._length = edges[-1]
        self._shown = ~conditions.catch.astype(bool) if "catch" in conditions else None
        self.inputs = np.zeros((n_trials, n_steps, len(inputs)), np.float32)
        self.targets = np.zeros((n_trials, n_steps, len(outputs)), np.float32)
        self.mask = np.zeros((n_trials, n_steps, len(outputs)), np.float32)
        self.answers = np.full(n_trials, UNSCORED)

    def input(
        self,
        channel: Channels,
        value: Any = 1.0,
        *,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        delay: Any = 0.0,
        duration: Any = None,
        noise: float = 0.0,
    ) -> None:
        """Add `value` to input channels, with white noise of density `noise`.

        Args:
            channel: name of the input, or several.
            value: what is added.
            phase: the phase it is added in; or
            since: the phase from whose start on; or
            until: the phase at whose start it ends.
            delay: shift of the start, ms.
            duration: how long it lasts from there, ms.
            noise: standard deviation of the noise's mean over one second, in units of the input
                times the square root of a second; each channel has noise of its own. Its effect
                depends on neither dt nor tau: a step of dt seconds gets the standard deviation
                noise / sqrt(dt).
        """
        places = self._places("inputs", channel)
        stretch = self._stretch(phase, since, until, delay, duration)
        value = as_value("value", value, self._shape(places))
        if self._shown is not None:
            stays = np.array([self._names["inputs"][place] == "fixation" for place in places])
            value = value * (self._shown[:, None, None] | stays).astype(np.float32)
        per_step = number("noise", noise, low=0.0) / np.sqrt(self.dt / 1000.0)
        paint(self.inputs, places, stretch, value, add=True, noise=per_step, rng=self.rng)

    def target(
        self,
        channel: Channels,
        value: Any,
        *,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        delay: Any = 0.0,
        duration: Any = None,
        grace: Any = 0.0,
        weight: Any = 1.0,
    ) -> None:
        """Ask for `value` from output channels.

        Args:
            channel: name of the output, or several.
            value: what is wanted.
            phase: the phase in which; or
            since: the phase from whose start on; or
            until: the phase at whose start it ends.
            delay: shift of the start, ms.
            duration: how long it is wanted from there, ms.
            grace: time (ms) at the start in which errors do not count: the mask stays as it was.
            weight: weight of the errors in the loss, a number or one a trial.
        """
        stretch = self._stretch(phase, since, until, delay, duration)
        self._ask(channel, value, stretch, grace, weight)

    def hold(
        self,
        *,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        high: float = 1.0,
        low: float = 0.2,
        weight: Any = 1.0,
    ) -> None:
        """Ask the network to wait: `high` of the output "fixation" (if any), `low` of the others.

        Args:
            phase: the phase in which; or
            since: the phase from whose start on; or
            until: the phase at whose start it ends.
            high: target of "fixation".
            low: target of the other outputs.
            weight: weight of the errors in the loss.
        """
        outputs = self._names["outputs"]
        level = np.array([[high if name == "fixation" else low for name in outputs]])
        self.target(outputs, level, phase=phase, since=since, until=until, weight=weight)

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
        withhold: Any = False,
    ) -> None:
        """Ask for a choice: `high` on the right one of the task's choices, `low` on the others.

        An output "fixation" is wanted `low` where a choice is due, and `high` where it is withheld.

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
            withhold: where it is right to make no choice, shape (trial,); the task needs an output
                "fixation" then.
        """
        withhold = self._withheld(withhold)
        self.answers, wanted = self._answers(np.asarray(answer), withhold)
        channels, places = [*self._choices], [*range(len(self._choices))]
        if "fixation" in self._names["outputs"]:
            channels, places = [*channels, "fixation"], [*places, WITHHOLD]
        value = np.where(wanted[:, None] == places, high, low)
        weight = as_value("weight", weight, (self.n_trials, self.n_steps, 1))
        self._ask(channels, value, self._stretch(phase, delay=delay), grace, weight)

    def target_direction(
        self,
        ring: Ring,
        direction: Any,
        *,
        phase: str,
        delay: float = 0.0,
        grace: float = 0.0,
        high: float = 1.0,
        low: float = 0.2,
        weight: Any = 1.0,
        withhold: Any = False,
    ) -> None:
        """Ask for a direction: a bump of activity on a ring of outputs, "fixation" `low`.

        Args:
            ring: the ring of outputs that reports it.
            direction: the right direction, degrees; a number or one a trial.
            phase: the phase in which it is reported.
            delay: shift of the start, ms.
            grace: time (ms) at its start in which errors do not count.
            high: peak of the bump.
            low: target far from it.
            weight: weight of the errors in the loss.
            withhold: where it is right not to respond, shape (trial,).
        """
        withhold = self._withheld(withhold)
        self.answers = np.where(withhold, WITHHOLD, 0)
        bump = np.broadcast_to(ring.bump(direction), (self.n_trials, len(ring)))
        stretch = self._stretch(phase, delay=delay)
        wanted = np.where(withhold[:, None], low, low + (high - low) * bump)
        self._ask(ring, wanted, stretch, grace, weight)
        if "fixation" in self._names["outputs"]:
            self._ask("fixation", np.where(withhold, high, low), stretch, grace, weight)

    def _ask(
        self, channel: Channels, value: Any, stretch: Stretch, grace: Any, weight: Any
    ) -> None:
        """Ask for `value` from output channels in a stretch; see `target`."""
        places = self._places("outputs", channel)
        paint(self.targets, places, stretch, as_value("value", value, self._shape(places)))
        weight = as_value("weight", weight, self._shape(places))
        if not weight.min() >= 0:
            raise ValueError(f"`weight` must be 0 or more, got {weight.min():g}.")
        paint(self.mask, places, stretch.delayed(self._steps("grace", grace)), weight)

    def _withheld(self, withhold: Any) -> np.ndarray:
        """Return where no response is right, shape (trial,)."""
        withhold = self._each(np.asarray(withhold, dtype=bool))
        if self._shown is not None:
            withhold = withhold | ~self._shown
        if withhold.any() and "fixation" not in self._names["outputs"]:
            raise ValueError(
                '`outputs` must have "fixation" where a response can be withheld, got '
                f"{listed(self._names['outputs'])}. Without it nothing can say that none was made."
            )
        return withhold

    def _each(self, values: np.ndarray) -> np.ndarray:
        """Return values, one or one a trial, as one a trial."""
        return values if values.shape == (self.n_trials,) else np.full(self.n_trials, values)

    def _answers(self, answer: np.ndarray, withhold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the right answer and the place of the choice trained for, each of (trial,)."""
        if answer.shape not in ((), (self.n_trials,)):
            raise ValueError(
                f"`answer` must be one a trial, shape ({self.n_trials},) here, got shape "
                f"{answer.shape}."
            )
        if answer.dtype.kind == "f" and np.isnan(answer).any():
            raise ValueError("`answer` must be numbers, got NaN. Give 0.0 where none is right.")
        answer = self._each(answer)
        n_choices = len(self._choices)
        if n_choices == 2 and answer.dtype == bool:
            answer = answer.astype(int)
        elif n_choices == 2 and answer.dtype.kind == "f":
            answer = np.where(answer > 0, 1, np.where(answer < 0, 0, UNSCORED))
        if answer.dtype.kind not in "iu" or answer.min() < -1 or answer.max() >= n_choices:
            raise ValueError(
                f"`answer` must be a place among the {n_choices} choices (or -1: none is right), "
                f"got {plain(np.unique(answer)[:5])}. "
                "Give signed evidence for two choices as floats."
            )
        guess = self.rng.integers(n_choices, size=self.n_trials)
        wanted = np.where(withhold, WITHHOLD, np.where(answer < 0, guess, answer))
        return np.where(withhold, WITHHOLD, answer), wanted

    def _shape(self, places: list[int]) -> tuple[int, int, int]:
        return self.n_trials, self.n_steps, len(places)

    def _places(self, kind: str, channel: Channels) -> list[int]:
        names = self._names[kind]
        wanted = [channel] if isinstance(channel, str) else list(channel)
        return [names.index(choose(f"{kind[:-1]} channel", name, names)) for name in wanted]

    def _stretch(
        self,
        phase: str | None = None,
        since: str | None = None,
        until: str | None = None,
        delay: Any = 0.0,
        duration: Any = None,
    ) -> Stretch:
        named = [name for name in (phase, since, until) if name is not None]
        if len(named) > 1:
            raise TypeError("Give one of `phase`, `since` and `until`, not several of them.")
        start, stop = 0, self._length
        if named:
            begins, ends = self._edges[choose("phase", named[0], self._edges)]
            if phase is not None:
                start, stop = begins, ends
            elif since is not None:
                start, stop = begins, np.where(np.less(begins, 0), -1, stop)
            else:
                stop = begins
        start = start + self._steps("delay", delay)
        if duration is not None:
            stop = np.minimum(stop, start + self._steps("duration", duration))
        return Stretch(start, stop)

    def _steps(self, name: str, time: Any) -> Steps:
        """Return a time (ms), a number or one a trial, in steps."""
        if not isinstance(time, (int, float)) and np.shape(time) not in ((), (self.n_trials,)):
            raise ValueError(
                f"`{name}` must be a time or one a trial, shape ({self.n_trials},) here, got shape "
                f"{np.shape(time)}."
            )
        steps = to_steps(name, time, self.dt)
        return _agreed(steps[:, None])[0] if steps.ndim else steps


def _agreed(edges: np.ndarray) -> list[Steps]:
    """Return steps (trial, edge) as one array an edge, or one number where all trials agree."""
    agree = (edges == edges[0]).all(0)
    return [int(edges[0, at]) if same else edges[:, at] for at, same in enumerate(agree)]
