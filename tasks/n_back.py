"""n-back: is this item the one that was shown n items ago?

A block of items follow each other; each has to be compared with the one n places back, and kept for
the comparison n places on. Lures, items that repeat at the wrong distance, ask for the place of the
memory and not just its familiarity.

Source: Kirchner (1958) J. Exp. Psychol. 55:352; Cohen et al. (1997) Nature 386:604 (items for
500 ms). The shares of matches and lures and the 1 s between items are choices made here; there is
no standard.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class NBack(Task):
    """Match or no match with the item n places back, in blocks of items.

    Args:
        n: how many places back.
        n_items: number of different items.
        match: share of matches.
        lure: share of items that match the one n - 1 or n + 1 places back instead.
        noise: density of the noise in each item's channel.
        trials_per_block: items a block. The first n of a block can match nothing.
        stimulus: duration of an item, ms.
        decision: time from its end to the next one, ms, in which the answer is given. The first
            100 ms of it do not count.
        dt: length of a time step, ms.

    Example:
        >>> NBack(n=1).trials(2, seed=1).conditions.loc[0, "item"].tolist()[:6]
        [5, 5, 1, 3, 5, 7]
    """

    outputs = ("no_match", "match")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "kind"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = 0.9
    function = "working memory"
    aliases = ("nback", "n-back")

    n: int = 2
    n_items: int = 8
    match: float = 0.3
    lure: float = 0.15
    noise: float = 0.03
    trials_per_block: int = 20
    stimulus: Duration = 500.0
    decision: Duration = 1000.0

    @cached_property
    def items(self):
        return Ring("item", self.n_items)

    @property
    def inputs(self):
        return tuple(self.items)

    def factors(self):
        shares = (self.match, self.lure, 1 - self.match - self.lure)
        return dict(
            kind=Levels(("match", "lure", "new"), weights=shares),
            draw=Uniform(0.0, 1.0),  # which item, among those that `kind` allows
        )

    def derive(self, c):
        item = np.zeros(c.kind.shape, int)
        for now in range(self.trials_per_block):
            item[:, now] = self._next(c, now, item)
        match = np.zeros(item.shape, bool)
        match[:, self.n :] = item[:, self.n :] == item[:, : -self.n]
        return dict(item=item, is_match=match)

    def _next(self, c, now, item):
        """The item at a place in the block, given those before it."""
        back = item[:, now - self.n] if now >= self.n else np.full(len(item), -1)
        # A new item is any but the one n back; so is a lure, from n + 1 or n - 1 back.
        step = 1 + (c.draw[:, now] * (self.n_items - 1)).astype(int)
        new = np.where(back < 0, step - 1, (back + step) % self.n_items)
        away = self.n + 1 if now > self.n else self.n - 1
        lure = item[:, now - away] if 0 < away <= now else new
        lure = np.where(lure == back, new, lure)
        kind = c.kind[:, now]
        return np.select([(kind == "match") & (back >= 0), kind == "lure"], [back, lure], new)

    def build(self, t: Canvas):
        c = t.conditions
        t.input(self.items, np.eye(self.n_items)[c.item], phase="stimulus", noise=self.noise)
        t.hold(phase="stimulus")
        t.target_choice(c.is_match, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Cuts the row into its items, names each and compares.
        shown = seen[self.items].reshape(seen.n_rows, self.trials_per_block, -1, self.n_items)
        item = shown.sum(2).argmax(2)
        match = np.zeros(item.shape, int)
        match[:, self.n :] = item[:, self.n :] == item[:, : -self.n]
        answer = np.repeat(match, shown.shape[2], axis=1)[..., None]
        return np.where(answer == np.arange(2), 1.0, 0.2)


if __name__ == "__main__":
    NBack().plot().savefig("n_back.png")
