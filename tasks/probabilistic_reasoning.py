"""Probabilistic reasoning (the weather prediction task of monkeys): add up what shapes tell.

Shapes follow each other. Each has a weight, and the sum of their weights is the logarithm (base 10)
of the odds that the red target is the rewarded one: one shape says little, and the best that can be
done is to add them up. Each shape has a channel of its own, so that the weights, too, have to be
learned; it is 1 while its shape is shown, and all channels have white noise then.

Source: Yang & Shadlen (2007) Nature 447:1075. The paper has two more shapes, which decide the trial
by themselves; give weights as large as -10 and 10 for them. Choices made here: a shape is gone when
the next one comes, colours have fixed places, and the right answer is the likelier colour, not one
drawn with its probability.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels
from neurotask.observers import Seen
from neurotask.phases import to_steps
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class ProbabilisticReasoning(Task):
    """Choice between two colours by the summed evidence of a sequence of shapes.

    Conditions `item_1`, `item_2`, ... name the shapes of a trial and `weight_1`, ... hold their
    weights; `log_odds` is the sum of these and `p_red` the probability that follows. Trials whose
    evidence adds up to nothing are not scored.

    Args:
        weights: weight of each shape; above 0 it speaks for red, below for green.
        n_items: number of shapes a trial.
        noise: density of the noise in each shape's channel.
        fixation: time before the first shape, ms.
        evidence: time of all shapes together, ms; each is shown for an equal part of it.
        delay: time from the end of the last shape to the go cue, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = ProbabilisticReasoning(weights=(-0.7, -0.3, 0.5), n_items=2)
        >>> task.trials(1, item_1="shape_0", item_2="shape_2").conditions["log_odds"].round(3)[0]
        np.float64(-0.2)
    """

    outputs = ("green", "red")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "log_odds"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = 0.9
    function = "inference and confidence"
    aliases = ("weather_prediction", "shapes")

    weights: tuple[float, ...] = (-0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9)
    n_items: int = 4
    noise: float = 0.03
    fixation: Duration = 500.0
    evidence: Duration = 2000.0
    delay: Duration = 500.0
    decision: Duration = 500.0

    def __post_init__(self):
        if not isinstance(self.weights, (tuple, list)) or len(self.weights) < 2:
            raise ValueError(f"`weights` must be a tuple of two or more, got {self.weights!r}.")
        for weight in self.weights:
            number("weights", weight)
        count("n_items", self.n_items)
        number("evidence", self.evidence, low=0.0, above=True)
        super().__post_init__()

    @property
    def shapes(self):
        return tuple(f"shape_{k}" for k in range(len(self.weights)))

    @property
    def inputs(self):
        return ("fixation", *self.shapes)

    @property
    def items(self):
        return range(1, self.n_items + 1)

    def factors(self):
        # With weights a grid draws the shapes; crossed, four of eight would be 4096 cells.
        shape = Levels(self.shapes, weights=(1.0,) * len(self.shapes))
        return {f"item_{k}": shape for k in self.items}

    def shown(self, c):
        """Which shape is shown at each place, one-hot: (trial, place, shape)."""
        return np.stack([c[f"item_{k}"] for k in self.items], axis=1)[..., None] == self.shapes

    def derive(self, c):
        weight = self.shown(c) @ np.array(self.weights)
        # Sums of decimal fractions that are 0 on paper must be 0 here.
        log_odds = weight.sum(1).round(9)
        return dict(
            **{f"weight_{k}": weight[:, k - 1] for k in self.items},
            log_odds=log_odds,
            p_red=1 / (1 + 10.0**-log_odds),
        )

    def build(self, t: Canvas):
        c, shown = t.conditions, self.shown(t.conditions)
        each = np.diff(t.phases["evidence"])[:, 0] / self.n_items
        to_steps("evidence / n_items", each, self.dt)
        t.input("fixation", until="decision")
        t.input(self.shapes, 0.0, phase="evidence", noise=self.noise)
        for k in range(self.n_items):
            t.input(self.shapes, shown[:, k], phase="evidence", delay=k * each, duration=each)
        t.hold(until="decision")
        t.target_choice(c.log_odds, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Names each shape, and adds up the weights.
        start, n_steps = seen.onset(self.shapes), seen.on(self.shapes).sum(1)
        log_odds = np.zeros(seen.n_rows)
        for k in range(self.n_items):
            at, end = (start + place * n_steps // self.n_items for place in (k, k + 1))
            shape = seen.sum(self.shapes, seen.between(at, end)).argmax(1)
            log_odds += np.array(self.weights)[shape]
        return seen.choose((log_odds > 0).astype(int))


if __name__ == "__main__":
    ProbabilisticReasoning().plot(seed=1).savefig("probabilistic_reasoning.png")
