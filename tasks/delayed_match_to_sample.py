"""Delayed match to sample: is the second stimulus the same as the first?

A sample is shown and taken away; after a delay a test stimulus is, and the subject says whether the
two are the same. In the go/no-go forms it responds to a match alone (DMS) or to a non-match alone
(DNMS). How far the test lies from the sample sets how exact the memory has to be.

Stimuli are directions on a circle, coded as bumps of activity on a ring of channels, or as one
channel each. White noise is there while a stimulus is.

Source: Miller, Erickson & Desimone (1996) J. Neurosci. 16:5154, for one test stimulus; the go/no-go
forms are `dmsgo` and `dmsnogo` of Yang et al. (2019) Nat. Neurosci. 22:297. Directions in place of
pictures, and the noise, are choices made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import choose, count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring, circular_distance
from neurotask.decisions import Argmax
from neurotask.distributions import Duration
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class DelayedMatchToSample(Task):
    """Match or non-match of two stimuli over a delay.

    The factor `turn` says how far the test is turned from the sample where they do not match; the
    condition `distance` is how far apart they are in any trial, 0 for a match.

    Args:
        n_stimuli: number of different stimuli, evenly spaced on the circle.
        n_inputs: channels of a ring, on which a stimulus is a bump; None: one channel a stimulus,
            where one held between two of them is a mixture.
        respond: what is reported: "both" match and non-match, each by an output of its own; or
            "match" or "non_match" alone, and to the other no response is right.
        noise: density of the noise in each channel of the stimuli.
        fixation: time before the sample, ms.
        sample: duration of the sample, ms.
        delay: time from its end to the test, ms.
        test: duration of the test, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = DelayedMatchToSample(respond="non_match")
        >>> trials = task.trials(2, match=[True, False], turn=45.0)
        >>> task.behavior(trials, trials.targets)[["distance", "answer"]].values.tolist()
        [[0.0, 'withhold'], [45.0, 'non_match']]
    """

    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "distance"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = None
    function = "working memory"
    aliases = ("dms", "dnms", "dmts", "DMTS", "DelayMatchSample")

    n_stimuli: int = 8
    n_inputs: int | None = 32
    respond: str = "both"
    noise: float = 0.03
    fixation: Duration = 300.0
    sample: Duration = 500.0
    delay: Duration = 1000.0
    test: Duration = 500.0
    decision: Duration = 500.0

    @cached_property
    def stimulus(self):
        if self.n_inputs is None:
            return Ring("stimulus", self.n_stimuli)
        # Fewer channels are broader, lest there be directions that none of them sees.
        return Ring("stimulus", self.n_inputs, width=max(22.5, 180.0 / self.n_inputs))

    @property
    def inputs(self):
        return ("fixation", *self.stimulus)

    @property
    def choices(self):
        return ("non_match", "match") if self.respond == "both" else (self.respond,)

    @property
    def outputs(self):
        return ("fixation", *self.choices)

    def __post_init__(self):
        count("n_stimuli", self.n_stimuli, low=2)
        if self.n_inputs is not None:
            count("n_inputs", self.n_inputs, low=3)
        choose("respond", self.respond, ("both", "match", "non_match"))
        for name in ("sample", "test"):
            if getattr(self, name) == 0:
                number(name, getattr(self, name), low=0.0, above=True)
        super().__post_init__()

    @cached_property
    def directions(self):
        """Directions of the stimuli, degrees."""
        return Ring("", self.n_stimuli).directions

    def activity(self, direction):
        """Activity of the channels for a stimulus, (trial, channel)."""
        if self.n_inputs is not None:
            return self.stimulus.bump(direction)
        away = circular_distance(direction[:, None], self.directions)
        return np.maximum(0.0, 1.0 - away / self.directions[1])

    def factors(self):
        return dict(
            sample_direction=tuple(self.directions),
            match=(False, True),
            turn=tuple(self.directions[1:]),
        )

    def derive(self, c):
        test = (c.sample_direction + np.where(c.match, 0.0, c.turn)) % 360.0
        return dict(test_direction=test, distance=circular_distance(test, c.sample_direction))

    def build(self, t: Canvas):
        c = t.conditions
        sample, test = self.activity(c.sample_direction), self.activity(c.test_direction)
        t.input("fixation", until="decision")
        t.input(self.stimulus, sample, phase="sample", noise=self.noise)
        t.input(self.stimulus, test, phase="test", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(**self.response(c.distance == 0), phase="decision", grace=100.0)

    def response(self, match):
        """The right choice, and where it is to make none."""
        if self.respond == "both":
            return dict(answer=match)
        return dict(answer=0, withhold=match != (self.respond == "match"))

    def observe(self, seen: Seen):
        # Names the stimulus before the gap and the one behind it (least squares), and compares.
        on = seen.on(self.stimulus)
        gap = (np.logical_or.accumulate(on, axis=1) & ~on).argmax(1)
        before = seen.between(0, gap)
        shown = np.stack([seen.mean(self.stimulus, on & part) for part in (before, ~before)])
        known = self.activity(self.directions)
        sample, test = (shown @ known.T - (known**2).sum(1) / 2).argmax(2)
        response = self.response(sample == test)
        return seen.choose(response.pop("answer"), **response)


if __name__ == "__main__":
    task = DelayedMatchToSample(n_stimuli=4, n_inputs=None)
    task.plot(match=False).savefig("delayed_match_to_sample.png")
