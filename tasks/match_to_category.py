"""PsychRNN's MatchToCategory: name the category of an angle, as soon as the stimulus is gone.

The circle is divided into equal categories. An angle, drawn anywhere on it, is shown as Gaussian
activity (standard deviation one radian, peak 0.4) on a ring of channels; its end is the go cue.
There is no fixation point, and in spite of the name no delay and nothing to match: for these see
DelayedMatchToCategory.

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) 0427-20.2020, whose
coding, targets (1 and 0) and times these are; nothing is asked before the response. Other than
there, the channels divide the circle evenly (no two of them the same), each has noise of a density,
near what it has there at a dt of 10 ms, and a trial without a response window is refused.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class MatchToCategory(Task):
    """Category of an angle on the circle, for any number of inputs and categories.

    The condition `distance` is how far (degrees) the angle is from the nearest boundary; with two
    categories it is signed, above 0 in the second. On a boundary no answer is right.

    Args:
        n_inputs: channels of the ring.
        n_categories: number of categories, the first from 0 degrees on.
        noise: density of the noise in each channel, all through the trial.
        fixation: time before the stimulus, ms.
        stimulus: duration of the stimulus, ms.
        decision: time to report after its end, ms.
        dt: length of a time step, ms.

    Example:
        >>> trials = MatchToCategory(n_categories=4).trials(3, direction=[10.0, 100.0, 359.0])
        >>> trials.conditions[["category", "distance"]].values.tolist()
        [[0.0, 10.0], [1.0, 10.0], [3.0, 1.0]]
    """

    decision_rule = Argmax("decision")
    psychometric_axis = "distance"
    go_cue = "decision"
    hard = dict(noise=2.0)
    expected_score = 0.97
    function = "categorization"
    aliases = ("ring_categorization",)

    n_inputs: int = 16
    n_categories: int = 2
    noise: float = 0.0005
    fixation: Duration = 200.0
    stimulus: Duration = 1000.0
    decision: Duration = 800.0

    def __post_init__(self):
        count("n_inputs", self.n_inputs, low=3)
        count("n_categories", self.n_categories, low=2)
        super().__post_init__()

    @cached_property
    def ring(self):
        return Ring("stimulus", self.n_inputs, width=np.rad2deg(1.0))

    @property
    def inputs(self):
        return tuple(self.ring)

    @property
    def outputs(self):
        return tuple(Ring("category", self.n_categories))

    def activity(self, direction):
        """Return the ring's activity for directions: the Gaussian density of the distance."""
        return self.ring.bump(direction) / np.sqrt(2 * np.pi)

    def factors(self):
        return dict(direction=Uniform(0.0, 360.0))

    def derive(self, c):
        width = 360.0 / self.n_categories
        category, beyond = np.divmod(c.direction % 360.0, width)
        distance = np.minimum(beyond, width - beyond)
        if self.n_categories == 2:
            distance = np.where(category == 1, distance, -distance)
        return dict(category=category.astype(int), distance=distance)

    def build(self, t: Canvas):
        c = t.conditions
        t.input(self.ring, 0.0, noise=self.noise)
        t.input(self.ring, self.activity(c.direction), phase="stimulus")
        answer = np.where(c.distance == 0, -1, c.category)
        t.target_choice(answer, phase="decision", low=0.0)

    def observe(self, seen: Seen):
        # Nothing but noise comes before and after the stimulus, so all of it may be added up. The
        # category is that of the direction that fits best.
        directions = np.arange(0.25, 360.0, 0.5)
        shapes = self.activity(directions)
        shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
        best = directions[(seen.sum(self.ring) @ shapes.T).argmax(1)]
        category = np.floor(best * self.n_categories / 360.0)
        return seen.choose(category, when=seen.between(0, seen.n_steps))


if __name__ == "__main__":
    MatchToCategory().plot(direction=120.0).savefig("match_to_category.png")
