"""How the answer is read from the outputs: a decision rule is a setting of the task."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neurotask._checks import choose, number
from neurotask.channels import Ring, circular_distance
from neurotask.phases import to_steps
from neurotask.trials import Trials


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read from a batch of outputs.

    Args:
        choice: place of the choice among the task's choices, -1 for none, (trial,).
        silent: whether no response was made, (trial,).
        rt: reaction time in ms from the rule's event, NaN where none is defined, (trial,).
        broken: whether fixation was broken before the choice was due, (trial,).
        error: distance from the target where the answer is a value, else None; (trial,).
        tolerance: the largest error that is still correct, a number or one a trial.
        direction: the direction that was reported in degrees, where the answer is one; (trial,).
        correct: 1, 0 or NaN where a rule scores by itself, (trial,).
    """

    choice: np.ndarray
    silent: np.ndarray
    rt: np.ndarray
    broken: np.ndarray
    error: np.ndarray | None = None
    tolerance: float | np.ndarray = 0.0
    direction: np.ndarray | None = None
    correct: np.ndarray | None = None


class DecisionRule(ABC):
    """Reads outputs (trial, time, output) into a `Reading`."""

    @abstractmethod
    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        """Return what the outputs say. They hold no NaN where a trial is present."""


@dataclass(frozen=True)
class Argmax(DecisionRule):
    """The choice is the output that is highest on average over a phase.

    A task with an output "fixation" can also be left unanswered: there is no choice where
    "fixation" is the highest, and fixation is broken where, over an earlier phase, it is not.
    No reaction time is defined, since the answer is read at a set time. In a trial that lacks the
    phase nothing is asked, and nothing read.

    Args:
        phase: the phase that is read.
        grace: time (ms) at its start that is not read, for the network to react to the go cue.

    Example:
        >>> Argmax("decision", grace=100.0)
        Argmax(phase='decision', grace=100.0)
    """

    phase: str
    grace: float = 0.0

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        start, stop = _read_from(trials, self.phase, self.grace)
        broken = np.zeros(len(trials), bool)
        choices = _choice_places(trials)
        level = _mean(outputs, start, stop)
        choice = level[:, choices].argmax(1)
        if "fixation" in trials.output_names:
            fixation = trials.output_names.index("fixation")
            choice = np.where(level[:, choices].max(1) > level[:, fixation], choice, -1)
            for before, has in _levels_before(trials, outputs, self.phase):
                broken |= has & (before[:, choices].max(1) > before[:, fixation])
        asked = stop > start
        choice = np.where(asked, choice, -1)
        return Reading(choice, asked & (choice < 0), np.full(len(trials), np.nan), broken)


@dataclass(frozen=True)
class Threshold(DecisionRule):
    """The choice is the output that first reaches a level; the time it takes is the reaction time.

    Where several reach it in the same step the highest wins. Where none does there is no choice;
    where one does before the event, fixation is broken.

    Args:
        level: the level to reach, in units of the outputs.
        from_: the phase whose start is the event that reaction times count from.
    """

    level: float
    from_: str

    def __post_init__(self) -> None:
        number("level", self.level)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        step = np.arange(outputs.shape[1])
        start, _ = trials.phases.steps(self.from_)
        level = np.where(trials.present[..., None], outputs, -np.inf)[..., _choice_places(trials)]
        crossed = (level >= self.level).any(2)
        early = (crossed & (step < start[:, None])).any(1)
        due = crossed & (step >= start[:, None])
        first = due.argmax(1)
        chosen = level[np.arange(len(trials)), first].argmax(1)
        answered = due.any(1)
        rt = np.where(answered, (first - start) * trials.dt, np.nan)
        return Reading(np.where(answered, chosen, -1), ~answered, rt, early)


@dataclass(frozen=True)
class PopulationVector(DecisionRule):
    """The answer is a direction: that of the population vector of a ring of outputs.

    With an output "fixation", no direction is reported where that one is above a level, and
    fixation is broken where it is not above it over an earlier phase.

    Args:
        phase: the phase that is read.
        ring: the ring of outputs.
        tolerance: the largest error that is still correct, degrees.
        grace: time (ms) at the start of the phase that is not read.
        window: read the last so many ms of the phase alone; None: all of it.
        fixation: level of the output "fixation" above which it holds.
        hold: whether breaking fixation in an earlier phase makes a trial wrong.

    Source: Georgopoulos, Schwartz & Kettner (1986) Science 233:1416. The defaults for tolerance and
    level are those of Yang et al. (2019) Nat. Neurosci. 22:297.
    """

    phase: str
    ring: Ring
    tolerance: float = 36.0
    grace: float = 0.0
    window: float | None = None
    fixation: float = 0.5
    hold: bool = True

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, low=0.0, high=180.0)
        if self.window is not None:
            number("window", self.window, low=0.0, above=True)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        start, stop = _read_from(trials, self.phase, self.grace)
        if self.window is not None:
            start = np.maximum(start, stop - to_steps("window", self.window, trials.dt))
        names = trials.output_names
        places = [names.index(name) for name in self.ring]
        level = _mean(outputs, start, stop)
        direction = self.ring.direction(level[:, places])
        broken = np.zeros(len(trials), bool)
        if "fixation" in names:
            at = names.index("fixation")
            direction = np.where(level[:, at] > self.fixation, np.nan, direction)
            if self.hold:
                for before, has in _levels_before(trials, outputs, self.phase):
                    broken |= has & (before[:, at] <= self.fixation)
        wanted = self.ring.direction(_mean(trials.targets, start, stop)[:, places])
        error = circular_distance(direction, wanted)
        silent = np.isnan(direction) & (stop > start)
        none = np.full(len(trials), np.nan)
        return Reading(
            np.where(silent, -1, 0), silent, none, broken, error, self.tolerance, direction
        )


@dataclass(frozen=True)
class Interval(DecisionRule):
    """The answer is a time: from an event until an output first reaches a level.

    Args:
        level: the level to reach, in units of the outputs.
        from_: the phase whose start is the event.
        wanted: the condition that holds the right interval, ms.
        tolerance: the largest error that is still correct, as a share of the right interval.

    Source: Jazayeri & Shadlen (2010) Nat. Neurosci. 13:1020, for reproduction; the threshold on a
    ramp is that of Wang, Narain, Hosseini & Jazayeri (2018) Nat. Neurosci. 21:102.
    """

    level: float
    from_: str
    wanted: str
    tolerance: float = 0.2

    def __post_init__(self) -> None:
        number("level", self.level)
        number("tolerance", self.tolerance, low=0.0)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        reading = Threshold(self.level, self.from_).read(trials, outputs)
        wanted = trials.columns[choose("wanted", self.wanted, trials.columns)]
        return replace(reading, error=reading.rt - wanted, tolerance=self.tolerance * wanted)


@dataclass(frozen=True)
class Distance(DecisionRule):
    """The answer is a value: right where the outputs stay near their targets.

    The error is the root mean square of outputs minus targets over a phase, weighted by the mask.

    Args:
        phase: the phase that is read.
        tolerance: the largest error that is still correct, in units of the outputs.
    """

    phase: str
    tolerance: float

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, low=0.0)

    def read(self, trials: Trials, outputs: np.ndarray) -> Reading:
        start, stop = trials.phases.steps(self.phase)
        weight = trials.mask * _inside(outputs.shape[1], start, stop)[..., None]
        square = np.where(weight > 0, outputs - trials.targets, 0.0) ** 2
        total = weight.sum((1, 2))
        with np.errstate(invalid="ignore"):
            error = np.sqrt((weight * square).sum((1, 2)) / total)
        n = len(trials)
        never, none = np.zeros(n, bool), np.full(n, np.nan)
        return Reading(np.full(n, -1), never, none, never, error, self.tolerance)


def _levels_before(
    trials: Trials, outputs: np.ndarray, phase: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for each phase before one, the mean outputs (trial, output) and who has the phase."""
    for name in trials.phases.names[: trials.phases.names.index(phase)]:
        start, stop = trials.phases.steps(name)
        if (stop > start).any():
            yield _mean(outputs, start, stop), stop > start


def _read_from(trials: Trials, phase: str, grace: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps of a phase, each of (trial,), without the grace at its start."""
    start, stop = trials.phases.steps(phase)
    has = stop > start
    start = start + to_steps("grace", grace, trials.dt)
    if (has & (start >= stop)).any():
        raise ValueError(
            f"`grace` must leave a step of the phase {phase!r} to read, got {grace:g} ms. Make it "
            "shorter than the phase."
        )
    return start, stop


def _choice_places(trials: Trials) -> list[int]:
    if not trials.task.choices:
        raise ValueError(
            f"`choices` must name an output that is an answer, but {type(trials.task).__name__} "
            "has none. Name it in `choices`, or use another decision rule."
        )
    return [trials.output_names.index(choice) for choice in trials.task.choices]


def _inside(n_steps: int, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    step = np.arange(n_steps)
    return (step >= start[:, None]) & (step < stop[:, None])


def _mean(outputs: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the mean over each trial's steps start to stop, (trial, output); else 0."""
    inside = _inside(outputs.shape[1], start, stop)
    if not np.isfinite(outputs).all():  # such a number times 0 would not be 0
        outputs = np.where(inside[..., None], outputs, 0.0)
    # Not as a matrix product, which may sum two outputs in two orders: equal ones must stay equal.
    weight = inside.astype(np.result_type(outputs, np.float32))
    total = np.einsum("nt,nto->no", weight, outputs)
    return total / np.maximum(inside.sum(1), 1)[:, None]
