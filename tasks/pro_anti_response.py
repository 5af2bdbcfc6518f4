"""Pro- and anti-responses (anti-saccade): look at the target, or away from it, as the rule says.

The anti-response asks to suppress the response that the target calls for and to make up the
opposite one; with both rules mixed, the errors under "anti" that go to the target say how often
that fails. The rule is on from the start, as the colour of a fixation point is, each rule a channel
of its own. Target and response are bumps of activity on rings of channels.

Source: Munoz & Everling (2004) Nat. Rev. Neurosci. 5:218. The times are those of the peers, who
give no cue to the rule; noise and tolerance (36 degrees) are choices made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import PopulationVector
from neurotask.distributions import Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class ProAntiResponse(Task):
    """Response towards a target ("pro") or to the opposite side ("anti").

    Args:
        anti_share: share of anti trials. Other than a half, it is drawn and not balanced in a grid.
        noise: density of the noise in each channel of the target.
        n_directions: channels of the ring of inputs, and of that of outputs; 8 or more.
        fixation: time before the target, ms.
        target: duration of the target, ms.
        delay: time from its end to the go cue, ms.
        decision: time to respond after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = ProAntiResponse().trials(2, direction=30.0, rule=["pro", "anti"])
        >>> trials.conditions["answer_direction"].tolist()
        [30.0, 210.0]
    """

    choices = ()
    psychometric_axis = "rule"
    go_cue = "decision"
    hard = dict(noise=2.0)
    expected_score = 0.95
    function = "inhibition"
    aliases = ("pro_anti", "antisaccade", "anti_saccade", "AntiReach")

    anti_share: float = 0.5
    noise: float = 0.1
    n_directions: int = 32
    fixation: Duration = 500.0
    target: Duration = 500.0
    delay: Duration = 0.0
    decision: Duration = 500.0

    def __post_init__(self):
        number("anti_share", self.anti_share, low=0.0, high=1.0)
        count("n_directions", self.n_directions, low=8)  # fewer leave gaps between tuning curves
        super().__post_init__()

    @cached_property
    def places(self):
        return Ring("target", self.n_directions)

    @cached_property
    def responses(self):
        return Ring("response", self.n_directions)

    @property
    def inputs(self):
        return ("fixation", "pro", "anti", *self.places)

    @property
    def outputs(self):
        return ("fixation", *self.responses)

    @property
    def decision_rule(self):
        return PopulationVector("decision", self.responses, grace=100.0)

    def factors(self):
        shares = None if self.anti_share == 0.5 else (1 - self.anti_share, self.anti_share)
        return dict(rule=Levels(("pro", "anti"), weights=shares), direction=Uniform(0.0, 360.0))

    def derive(self, c):
        turn = np.where(c.rule == "anti", 180.0, 0.0)
        return dict(answer_direction=(c.direction + turn) % 360.0)

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        for rule in ("pro", "anti"):
            t.input(rule, c.rule == rule, until="decision")
        t.input(self.places, self.places.bump(c.direction), phase="target", noise=self.noise)
        t.hold(until="decision")
        t.target_direction(self.responses, c.answer_direction, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The direction whose bump fits the target best, turned by the rule.
        directions = np.arange(360.0)
        fit = seen.sum(self.places) @ self.places.bump(directions).T
        turn = np.where(seen.sum("anti") > seen.sum("pro"), 180.0, 0.0)
        return seen.point(self.responses, directions[fit.argmax(1)] + turn)


if __name__ == "__main__":
    ProAntiResponse().plot(direction=90.0, rule="anti").savefig("pro_anti_response.png")
