"""Delayed center-out reach: move the hand from the middle to a remembered target on a circle.

The target flashes at one of several directions; after a delay the fixation point goes off and the
hand moves. The outputs are the hand's position, in units of the distance of the targets, along a
straight path with the minimum-jerk profile that reaches have: what the network has to make is a
movement in time, not only a choice. The target is shown as its coordinates.

Source: Georgopoulos, Schwartz & Kettner (1986) Science 233:1416, for reaches in eight directions;
Churchland et al. (2012) Nature 487:51, for the instructed delay; Flash & Hogan (1985) J. Neurosci.
5:1688, for the profile. Times, noise and tolerance are choices made here, and so is that the target
is gone in the delay.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Distance
from neurotask.distributions import Duration, Levels
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class CenterOutReach(Task):
    """Reach to a remembered target; right where the hand keeps near the wanted path all the way.

    A hand that stays in the middle is off by 0.43 (root mean square over time and coordinates), one
    that goes to a neighbour of eight targets by 0.33.

    Args:
        n_directions: number of targets, evenly spaced from 0 degrees on.
        noise: density of the noise in each coordinate of the target.
        reaction: time from the go cue to the start of the movement, ms; it does not count.
        movement: duration of the movement, ms. After it the hand stays at the target.
        fixation: time before the target, ms.
        target: duration of the target, ms.
        delay: time from its end to the go cue, ms.
        move: time to move after the fixation point has gone off, ms.
        dt: length of a time step, ms.

    Example:
        >>> trials = CenterOutReach().trials(1, direction=90.0)
        >>> go = int(trials.phases["move"][0, 0] / trials.dt)
        >>> trials.targets[0, go + 5 :: 6, 1].astype(float).round(2).tolist()  # y, every 120 ms
        [0.0, 0.09, 0.46, 0.86, 1.0]
    """

    inputs = ("fixation", "target_x", "target_y")
    outputs = ("x", "y")
    choices = ()
    decision_rule = Distance("move", tolerance=0.15)
    psychometric_axis = "direction"
    go_cue = "move"
    hard = dict(noise=1.0)
    expected_score = 0.95
    function = "motor"
    aliases = ("reach", "center_out", "delayed_reach")

    n_directions: int = 8
    noise: float = 0.1
    reaction: float = 100.0
    movement: float = 500.0
    fixation: Duration = 300.0
    target: Duration = 500.0
    delay: Duration = 500.0
    move: Duration = 600.0

    def __post_init__(self):
        count("n_directions", self.n_directions, low=2)
        number("reaction", self.reaction, low=0.0)
        number("movement", self.movement, low=0.0, above=True)
        super().__post_init__()

    @property
    def directions(self):
        return Ring("", self.n_directions).directions

    def factors(self):
        return dict(direction=Levels(self.directions, 0.0, 360.0))

    def reach(self, since_go):
        """Return how far the hand has come, 0 to 1, at times (ms) since the go cue."""
        # Flash & Hogan (1985): r(s) = 10 s^3 - 15 s^4 + 6 s^5, with s the share of the time gone.
        s = np.clip((since_go - self.reaction) / self.movement, 0.0, 1.0)
        return 10 * s**3 - 15 * s**4 + 6 * s**5

    def build(self, t: Canvas):
        place = unit(t.conditions.direction)
        t.input("fixation", until="move")
        t.input(("target_x", "target_y"), place, phase="target", noise=self.noise)
        t.hold(until="move", low=0.0)
        go = t.phases["move"][:, :1]
        path = self.reach(t.time - go)[..., None] * place[:, None]
        t.target(("x", "y"), path, phase="move", grace=self.reaction)

    def observe(self, seen: Seen):
        # Which of the targets it was, and then the reach there.
        shown = seen.sum(("target_x", "target_y"))
        place = unit(self.directions)[(shown @ unit(self.directions).T).argmax(1)]
        since_go = (np.arange(seen.n_steps) - seen.go[:, None]) * seen.dt
        return self.reach(since_go)[..., None] * place[:, None]


def unit(direction):
    """Return the point on the unit circle at a direction (degrees), shape (..., 2)."""
    angle = np.deg2rad(direction)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


if __name__ == "__main__":
    CenterOutReach().plot(direction=135.0).savefig("center_out_reach.png")
