"""Economic choice: take the better of two offers, which are amounts of two juices.

A unit of juice A is worth `relative_value` units of juice B, so the offers have to be brought to
one scale before they are compared: neither amount nor kind alone decides. Which juice is on which
side varies, so that value and action come apart. Each side has a channel for each juice that
carries the amount offered, as a share of the largest.

Source: Padoa-Schioppa & Assad (2006) Nature 441:223. The relative value and the offers are those of
the peers' versions, without their forced choices (none of one juice), whose ratio has no logarithm;
so are the times, but for 760 ms to choose instead of 750 ms, which are not whole time steps. Noise
and the choice of the better offer in every trial are choices made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Uniform, plain
from neurotask.observers import Seen
from neurotask.task import Task

SIDES = ("left", "right")


@dataclass(frozen=True, kw_only=True)
class EconomicChoice(Task):
    """Choice between amounts of two juices, on the left and on the right.

    The condition `log_ratio` is the natural logarithm of the value on the right over that on the
    left, and P(right) crosses a half at 0. A network with a relative value r of its own shows it by
    crossing elsewhere: at log(r / relative_value) where juice B is on the right, and at minus that
    where it is on the left.

    Args:
        offers: pairs (units of B, units of A).
        relative_value: units of B that are worth one unit of A.
        noise: density of the noise in each channel of the offers.
        fixation: time before the offers, ms.
        offer: time for which they are shown, ms.
        decision: time to choose after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = EconomicChoice().trials(2, amounts=["2:1", "3:1"], B_side="right")
        >>> trials.conditions["log_ratio"].round(2).tolist()  # 2 B are worth less than 1 A
        [-0.1, 0.31]
    """

    inputs = ("fixation", "left_A", "left_B", "right_A", "right_B")
    outputs = ("fixation", *SIDES)
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "log_ratio"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = 0.85
    function = "value"
    aliases = ("economic", "EconomicDecisionMaking", "padoaschioppa2006", "juice")

    offers: tuple[tuple[int, int], ...] = ((1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (4, 1), (6, 1))
    relative_value: float = 2.2
    noise: float = 0.1
    fixation: Duration = 1500.0
    offer: Duration = Uniform(1000.0, 2000.0)
    decision: Duration = 760.0

    def __post_init__(self):
        offers = plain(self.offers)
        pairs = isinstance(offers, tuple) and offers
        if not pairs or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in offers):
            raise ValueError(f"`offers` must be pairs (units of B, units of A), got {offers!r}.")
        for pair in offers:
            for units in pair:
                count("offers", units)
        number("relative_value", self.relative_value, low=0.0, above=True)
        super().__post_init__()

    @cached_property
    def table(self):
        """What the four channels show for each offer, with B on either side: (offer, side, 4)."""
        b, a = np.array(self.offers, float).T
        none = np.zeros_like(a)
        shown = np.stack([[none, b, a, none], [a, none, none, b]])  # (side, channel, offer)
        return np.moveaxis(shown, -1, 0) / max(a.max(), b.max())

    @cached_property
    def values(self):
        """Log of the value on the right over that on the left: (offer, side of B)."""
        b, a = np.array(self.offers, float).T
        log_ratio = np.log(b) - np.log(self.relative_value * a)
        log_ratio = np.where(np.isclose(log_ratio, 0.0), 0.0, log_ratio)
        return np.stack([-log_ratio, log_ratio], axis=1)

    def factors(self):
        return dict(amounts=tuple(f"{b}:{a}" for b, a in self.offers), B_side=SIDES)

    def place(self, c):
        """Place of each trial in the tables: its offer and the side of B."""
        names = np.array(self.varying["amounts"].values)
        return (c.amounts[:, None] == names).argmax(1), (c.B_side == "right").astype(int)

    def derive(self, c):
        return dict(log_ratio=self.values[self.place(c)])

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        t.input(self.inputs[1:], self.table[self.place(c)], phase="offer", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(c.log_ratio, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The pair of offers that fits best, by least squares, and which of the two is better.
        channels = self.inputs[1:]
        shown = seen.mean(channels, within=seen.on(channels))
        known = self.table.reshape(-1, 4)
        best = (shown @ known.T - (known**2).sum(1) / 2).argmax(1)
        return seen.choose(self.values.ravel()[best] > 0)


if __name__ == "__main__":
    EconomicChoice().plot(amounts="3:1").savefig("economic_choice.png")
