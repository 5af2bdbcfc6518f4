"""Delayed match with distractors (ABBA): respond when the sample comes again, not before.

After a sample, test stimuli follow each other at intervals until one matches it. The memory has to
outlast the distractors between; and where these repeat (A-B-B-A), responding to whatever was seen
before is wrong, so that familiarity does not do: the sample itself has to be kept.

Each stimulus has a channel of its own, with white noise while a stimulus is on. The response is due
during the match, with which the trial ends; nothing but the match says so.

Source: Miller, Erickson & Desimone (1996) J. Neurosci. 16:5154. Three tests at most, the share of
repeats and the noise are choices made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Threshold
from neurotask.distributions import Derived, Duration, Levels, Remainder, Uniform, chance
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class DelayedMatchWithDistractors(Task):
    """Response to the match among a series of test stimuli.

    Args:
        n_tests: the largest number of test stimuli, 2 or more; any of them may be the match.
        n_stimuli: number of different stimuli, `n_tests` or more.
        repeat: share of trials in which all distractors are the same stimulus (A-B-B-A); in the
            others they all differ (A-B-C-A).
        noise: density of the noise in each channel of the stimuli.
        fixation: time before the sample, ms.
        sample: duration of the sample, ms.
        distractors: duration of the tests before the match and of the delays before these; it
            follows from their number.
        delay: time before each test, ms; a law is drawn from once a trial.
        match: duration of each test, ms; so is this one. In the first 100 ms of the match errors do
            not count.
        dt: length of a time step, ms.

    Example:
        >>> task = DelayedMatchWithDistractors(repeat=1.0)
        >>> trials = task.trials(1, seed=1, position=3, sample_stimulus="stimulus_0", draw=0.0)
        >>> trials.conditions[["distractor_1", "distractor_2"]].values.tolist()
        [['stimulus_1', 'stimulus_1']]
    """

    outputs = ("fixation", "match")
    decision_rule = Threshold(0.6, from_="match")
    psychometric_axis = "position"
    go_cue = "match"
    hard = dict(noise=1.0)
    expected_score = 0.85
    function = "working memory"
    aliases = ("abba", "DelayMatchSampleDistractor1D")

    n_tests: int = 3
    n_stimuli: int = 8
    repeat: float = 0.5
    noise: float = 0.03
    fixation: Duration = 300.0
    sample: Duration = 500.0
    distractors: Duration = Derived()
    delay: Duration = 1000.0
    match: Duration = 500.0

    @cached_property
    def stimuli(self):
        return tuple(Ring("stimulus", self.n_stimuli))

    @property
    def inputs(self):
        return ("fixation", *self.stimuli)

    def __post_init__(self):
        count("n_tests", self.n_tests, low=2)
        count("n_stimuli", self.n_stimuli, low=self.n_tests)
        for name in ("delay", "match"):
            if isinstance(getattr(self, name), Remainder):
                raise ValueError(
                    f"`{name}` must be a time in ms or a law of it, got {getattr(self, name)!r}: "
                    "it comes with each test."
                )
        super().__post_init__()

    def factors(self):
        return dict(
            sample_stimulus=self.stimuli,
            position=Levels(tuple(range(1, self.n_tests + 1)), 1, self.n_tests),
            repeated=chance(self.repeat, "repeat"),
            draw=Uniform(0.0, 1.0),  # which stimulus, among the others, is the first distractor
        )

    def derive(self, c):
        n_others = self.n_stimuli - 1
        first = np.minimum((c.draw * n_others).astype(int), n_others - 1)
        derived = dict(distractors=(c.position - 1) * sum(self._test(c)))
        for k in range(1, self.n_tests):
            away = 1 + (first + np.where(c.repeated, 0, k - 1)) % n_others
            place = (self._channels(c.sample_stimulus).argmax(1) + away) % self.n_stimuli
            shown = np.array(self.stimuli)[place]
            derived[f"distractor_{k}"] = np.where(k < c.position, shown, "none")
        return derived

    def _test(self, c):
        """The delay before a test and its duration, ms."""
        return tuple(c[name] if name in c else getattr(self, name) for name in ("delay", "match"))

    def _channels(self, stimulus):
        """Activity of the channels for the stimuli of that name, (trial, channel)."""
        return stimulus[:, None] == np.array(self.stimuli)

    def build(self, t: Canvas):
        c = t.conditions
        delay, test = self._test(c)
        sample = self._channels(c.sample_stimulus)
        t.input("fixation")
        t.input(self.stimuli, sample, phase="sample", noise=self.noise)
        for k in range(1, self.n_tests):
            when = dict(phase="distractors", delay=k * delay + (k - 1) * test, duration=test)
            shown = self._channels(c[f"distractor_{k}"])
            t.input(self.stimuli, shown, **when, noise=self.noise)
        t.input(self.stimuli, sample, phase="match", noise=self.noise)
        t.hold(until="match")
        t.target_choice(0, phase="match", grace=100.0)

    def observe(self, seen: Seen):
        # Names each stimulus as it comes; the last one that there can be must be the match.
        on = seen.on(self.stimuli)
        begun = np.cumsum(on & np.diff(on, axis=1, prepend=False), axis=1)
        place = np.full(seen.n_rows, self.n_tests + 1)
        sample = seen.sum(self.stimuli, begun == 1).argmax(1)
        for k in range(self.n_tests, 1, -1):
            same = seen.sum(self.stimuli, begun == k).argmax(1) == sample
            place = np.where(same, k, place)
        return seen.choose(0, when=begun >= place[:, None])


if __name__ == "__main__":
    figure = DelayedMatchWithDistractors(repeat=1.0, n_stimuli=4).plot(position=3)
    figure.savefig("delayed_match_with_distractors.png")
