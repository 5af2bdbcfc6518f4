"""Memory-guided response (oculodelayed response): look where the target was, after a delay.

A target appears briefly at a direction on a circle; the memory of it has to bridge a delay in which
nothing is shown. Target and response are bumps of activity on rings of channels.

Source: Funahashi, Bruce & Goldman-Rakic (1989) J. Neurophysiol. 61:331: 500 ms of cue, delays of
1.5, 3 and 6 s there; delays of 1-3 s here. As `delaygo` and `delayanti` in Yang et al. (2019) Nat.
Neurosci. 22:297.
"""

from dataclasses import dataclass
from functools import cached_property

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import PopulationVector
from neurotask.distributions import Distribution, Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class MemoryGuidedResponse(Task):
    """Delayed response to a remembered direction; the angular error says how well it was kept.

    Args:
        noise: density of the noise in each channel of the target.
        rotation: the right response is the target's direction plus this angle, degrees: 180 makes
            the anti-response.
        n_directions: channels of the ring of inputs, and of that of outputs; 8 or more.
        fixation: time before the target, ms.
        target: duration of the target, ms.
        delay: time from its end to the go cue, ms.
        decision: time to respond after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = MemoryGuidedResponse().trials(4, seed=1, direction=90.0, delay=2000.0)
        >>> trials.phases["decision"][0]
        array([3000., 3500.])
    """

    choices = ()
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = None
    function = "working memory"
    aliases = ("odr", "dlygo", "delaygo", "oculomotor_delayed_response", "ReachingDelayResponse")

    noise: float = 0.03
    rotation: float = 0.0
    n_directions: int = 32
    fixation: Duration = 500.0
    target: Duration = 500.0
    delay: Duration = Uniform(1000.0, 3000.0)
    decision: Duration = 500.0

    def __post_init__(self):
        count("n_directions", self.n_directions, low=8)  # fewer leave gaps between tuning curves
        number("rotation", self.rotation)
        super().__post_init__()

    @property
    def psychometric_axis(self):
        return "delay" if isinstance(self.delay, (Distribution, Levels)) else "direction"

    @cached_property
    def places(self):
        return Ring("target", self.n_directions)

    @cached_property
    def responses(self):
        return Ring("response", self.n_directions)

    @property
    def inputs(self):
        return ("fixation", *self.places)

    @property
    def outputs(self):
        return ("fixation", *self.responses)

    @property
    def decision_rule(self):
        return PopulationVector("decision", self.responses, grace=100.0)

    def factors(self):
        return dict(direction=Uniform(0.0, 360.0))

    def derive(self, c):
        return dict(answer_direction=(c.direction + self.rotation) % 360.0)

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        t.input(self.places, self.places.bump(c.direction), phase="target", noise=self.noise)
        t.hold(until="decision")
        t.target_direction(self.responses, c.answer_direction, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The population vector of all that was shown, turned by the rule.
        remembered = self.places.direction(seen.sum(self.places))
        return seen.point(self.responses, remembered + self.rotation)


if __name__ == "__main__":
    MemoryGuidedResponse().plot(direction=90.0).savefig("memory_guided_response.png")
