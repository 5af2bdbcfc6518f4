"""Categorization of directions: name the sector of the circle in which the stimulus lies.

Stimuli lie at set distances from the boundaries between the sectors, on both sides of each, so that
the choices trace how sharply categories are told apart and whether a boundary is where it should
be. The stimulus is a bump of activity on a ring of channels; each category has an output.

Source: Freedman & Assad (2006) Nature 443:85, for learned categories of directions. Reporting the
category at once, their number, the distances and the noise are choices made here; the times are
those of PsychRNN's MatchToCategory, which is here under its own name.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class Categorization(Task):
    """Category of a direction on the circle, near the boundaries between categories.

    With two categories the distance is signed: above 0 the stimulus is in the second. With more it
    is not, and a factor `category` says in which. The factor `edge` says next to which end of its
    category the stimulus is.

    Args:
        n_categories: number of categories.
        distances: distances of the stimuli from the nearest boundary, degrees, each at most half a
            category wide. At 0 no answer is right.
        boundary: direction at which the first category begins, degrees.
        n_inputs: channels of the ring.
        noise: density of the noise in each of them.
        fixation: time before the stimulus, ms.
        stimulus: duration of the stimulus, ms.
        delay: time from its end to the go cue, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> Categorization().trials(2, distance=[-10.0, 10.0], edge="lower").conditions["direction"]
        trial
        0     10.0
        1    190.0
        Name: direction, dtype: float64
        >>> Categorization(n_categories=4).choices
        ('category_0', 'category_1', 'category_2', 'category_3')
    """

    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "distance"
    go_cue = "decision"
    hard = dict(noise=2.0)
    expected_score = 0.8
    function = "categorization"
    aliases = ("oic", "one_interval_categorization")

    n_categories: int = 2
    distances: tuple[float, ...] = (2.5, 5.0, 10.0, 20.0)
    boundary: float = 0.0
    n_inputs: int = 32
    noise: float = 0.3
    fixation: Duration = 200.0
    stimulus: Duration = 1000.0
    delay: Duration = 0.0
    decision: Duration = 800.0

    def __post_init__(self):
        count("n_categories", self.n_categories, low=2)
        count("n_inputs", self.n_inputs, low=3)
        if not 0.0 <= number("boundary", self.boundary) < 360.0:
            raise ValueError(
                f"`boundary` must be a direction in [0, 360) degrees, got {self.boundary:g}. "
                f"Take {self.boundary % 360.0:g}."
            )
        super().__post_init__()

    @cached_property
    def ring(self):
        # Fewer channels are broader, lest there be directions that none of them sees.
        return Ring("stimulus", self.n_inputs, width=max(22.5, 180.0 / self.n_inputs))

    @property
    def inputs(self):
        return ("fixation", *self.ring)

    @property
    def outputs(self):
        return ("fixation", *Ring("category", self.n_categories))

    def factors(self):
        edge = dict(edge=("lower", "upper"))
        levels = signed(self.distances, high=180.0 / self.n_categories, name="distances")
        if self.n_categories == 2:
            return dict(distance=levels, **edge)
        sizes = tuple(size for size in levels.values if size >= 0)
        category = Levels(tuple(range(self.n_categories)), 0, self.n_categories - 1)
        return dict(distance=Levels(sizes, 0.0, levels.high), category=category, **edge)

    def derive(self, c):
        two = self.n_categories == 2
        category = (c.distance > 0).astype(int) if two else c.category
        width = 360.0 / self.n_categories
        inward = np.abs(c.distance)
        along = np.where(c.edge == "lower", inward, width - inward)
        direction = (self.boundary + category * width + along) % 360.0
        return dict(direction=direction, **(dict(category=category) if two else {}))

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        t.input(self.ring, self.ring.bump(c.direction), phase="stimulus", noise=self.noise)
        t.hold(until="decision")
        answer = np.where(c.distance == 0, -1, c.category)
        t.target_choice(answer, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The category of the direction that fits best, by least squares.
        along = np.arange(0.25, 360.0, 0.5)
        bumps = self.ring.bump(self.boundary + along)
        shown = seen.mean(self.ring, within=seen.on(self.ring))
        best = along[(shown @ bumps.T - (bumps**2).sum(1) / 2).argmax(1)]
        return seen.choose(np.floor(best * self.n_categories / 360.0))


if __name__ == "__main__":
    Categorization().plot(distance=20.0).savefig("categorization.png")
