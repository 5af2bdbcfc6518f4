"""Delayed match to category: are sample and test, a second apart, of one category?

A boundary across the circle divides directions of motion into two categories. What has to be kept
over the delay is the side, not the direction: neighbours across the boundary differ and opposite
ends of a side are the same, so that category and similarity come apart. Directions are bumps of
activity on a ring of channels.

Source: Freedman & Assad (2006) Nature 443:85: twelve directions, 15, 45 or 75 degrees from the
boundary; 650 ms of sample and of test, here 640 ms to be whole time steps, and a delay of 1 s.
There a match was reported by a lever and a non-match by holding it; here each has an output. The
noise is a choice made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class DelayedMatchToCategory(Task):
    """Match or no match of the categories of two directions, in view of the second.

    The condition `distance` says how hard a trial is: how far (degrees) sample and test are from
    the boundary, whichever is nearer; it is above 0 for a match and below 0 for none. On the
    boundary itself, where a direction has no category, no answer is right.

    Args:
        n_directions: number of directions that are shown, evenly spaced, the boundary between two.
        boundary: orientation of the boundary, degrees.
        n_inputs: channels of the ring.
        noise: density of the noise in each of them.
        fixation: time before the sample, ms.
        sample: duration of the sample, ms.
        delay: time from its end to the test, ms.
        test: duration of the test, ms. The fixation point goes off as it begins, and the answer is
            due; the first 100 ms do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = DelayedMatchToCategory().trials(3, sample_direction=30.0,
        ...                                          test_direction=[240.0, 60.0, 45.0])
        >>> trials.conditions["distance"].tolist()
        [15.0, -15.0, 0.0]
    """

    outputs = ("fixation", "non_match", "match")
    decision_rule = Argmax("test", grace=100.0)
    psychometric_axis = "distance"
    go_cue = "test"
    hard = dict(noise=2.0)
    expected_score = None
    function = "categorization"
    aliases = ("dmc", "DelayMatchCategory")

    n_directions: int = 12
    boundary: float = 45.0
    n_inputs: int = 32
    noise: float = 0.3
    fixation: Duration = 500.0
    sample: Duration = 640.0
    delay: Duration = 1000.0
    test: Duration = 640.0

    def __post_init__(self):
        if count("n_directions", self.n_directions, low=2) % 2:
            raise ValueError(
                f"`n_directions` must be even, got {self.n_directions}: as many on either side of "
                f"the boundary. Take {self.n_directions + 1}."
            )
        count("n_inputs", self.n_inputs, low=3)
        if not 0.0 <= number("boundary", self.boundary) < 360.0:
            raise ValueError(
                f"`boundary` must be a direction in [0, 360) degrees, got {self.boundary:g}. "
                f"Take {self.boundary % 360.0:g}."
            )
        super().__post_init__()

    @cached_property
    def motion(self):
        # Fewer channels are broader, lest there be directions that none of them sees.
        return Ring("motion", self.n_inputs, width=max(22.5, 180.0 / self.n_inputs))

    @property
    def inputs(self):
        return ("fixation", *self.motion)

    def side(self, direction):
        """Distance (degrees) of directions from the boundary, above 0 counterclockwise of it."""
        beyond = (np.asarray(direction) - self.boundary) % 360.0
        distance = 90.0 - np.abs(beyond % 180.0 - 90.0)
        return np.where(beyond < 180.0, distance, -distance)

    def factors(self):
        places = self.boundary + 360.0 / self.n_directions * (np.arange(self.n_directions) + 0.5)
        directions = Levels(np.sort(places % 360.0), 0.0, 360.0)
        return dict(sample_direction=directions, test_direction=directions)

    def derive(self, c):
        sample, test = self.side(c.sample_direction), self.side(c.test_direction)
        nearer = np.minimum(np.abs(sample), np.abs(test))
        return dict(
            sample_category=(sample > 0).astype(int), distance=np.sign(sample * test) * nearer
        )

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="test")
        for phase, direction in (("sample", c.sample_direction), ("test", c.test_direction)):
            t.input(self.motion, self.motion.bump(direction), phase=phase, noise=self.noise)
        t.hold(until="test")
        t.target_choice(c.distance, phase="test", grace=100.0)

    def observe(self, seen: Seen):
        # The side of the direction that fits best (least squares), before the go cue and after it.
        directions = self.boundary + np.arange(0.25, 360.0, 0.5)
        bumps = self.motion.bump(directions)
        on = seen.on(self.motion)
        sides = []
        for when in (seen.between(0, seen.go), seen.between(seen.go, seen.n_steps)):
            fit = seen.mean(self.motion, within=on & when) @ bumps.T - (bumps**2).sum(1) / 2
            sides.append(self.side(directions[fit.argmax(1)]) > 0)
        return seen.choose(sides[0] == sides[1])


if __name__ == "__main__":
    DelayedMatchToCategory().plot(seed=1).savefig("delayed_match_to_category.png")
