"""n-back: is this item the one that was shown n items ago?

A block of items follow each other; each has to be compared with the one n places back, and kept for
the comparison n places on. Lures, items that repeat at the wrong distance, ask for the place of the
memory and not just its familiarity. Hits and false alarms by `kind` make the d' of the field.

Source: Kirchner (1958) J. Exp. Psychol. 55:352; Cohen et al. (1997) Nature 386:604 (items for
500 ms). The shares of matches and lures and the 1 s between items are choices made here; there is
no standard.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class NBack(Task):
    """Match or no match with the item n places back, in blocks of items.

    What is `planned` for an item is what it is (`kind`), but for the start of a block: the first n
    can match nothing and are new. Nor can an item be a lure where those n - 1 and n + 1 places back
    are themselves the one n places back.

    Args:
        n: how many places back.
        n_items: number of different items.
        match: share of matches, from place n of a block on.
        lure: share of items that match the one n - 1 or n + 1 places back instead. All others, the
            new ones, match none of the three.
        noise: density of the noise in each item's channel.
        trials_per_block: items a block.
        stimulus: duration of an item, ms.
        decision: time from its end to the next one, ms, in which the answer is given. The first
            100 ms of it do not count.
        dt: length of a time step, ms.

    Example:
        >>> table = NBack(n=1).trials(2, seed=1).conditions
        >>> table.loc[0, "item"].tolist()[:5], table.loc[0, "kind"].tolist()[:5]
        ([0, 7, 5, 5, 2], ['new', 'new', 'new', 'match', 'new'])
    """

    outputs = ("non_match", "match")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "kind"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = None
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

    def __post_init__(self):
        count("n", self.n)
        count("n_items", self.n_items, low=4)  # three may not be new
        if count("trials_per_block", self.trials_per_block) <= self.n:
            raise ValueError(
                f"`trials_per_block` must be more than n = {self.n}, got {self.trials_per_block}: "
                "no item could match."
            )
        if self.stimulus == 0:
            number("stimulus", self.stimulus, low=0.0, above=True)
        match, lure = (number(name, getattr(self, name), low=0.0) for name in ("match", "lure"))
        if match + lure > 1.0 + 1e-9:
            raise ValueError(f"`match` + `lure` must be 1 or less, got {match:g} + {lure:g}.")
        super().__post_init__()

    @cached_property
    def items(self):
        return Ring("item", self.n_items)

    @property
    def inputs(self):
        return tuple(self.items)

    def factors(self):
        new = max(0.0, 1 - self.match - self.lure)
        return dict(
            planned=Levels(("match", "lure", "new"), weights=(self.match, self.lure, new)),
            draw=Uniform(0.0, 1.0),  # which item, among those that the plan allows
        )

    def derive(self, c):
        item, kind = np.zeros(c.draw.shape, int), np.empty_like(c.planned, "U5")
        for now in range(self.trials_per_block):
            match = self._shown(item, now, self.n)
            near = self._shown(item, now, self.n - 1) | self._shown(item, now, self.n + 1)
            lure, new = near & ~match, ~(near | match)
            planned = c.planned[:, now]
            can_be = [(planned == "match") & match.any(1), (planned == "lure") & lure.any(1)]
            kind[:, now] = np.select(can_be, ["match", "lure"], "new")
            allowed = np.where(can_be[0][:, None], match, np.where(can_be[1][:, None], lure, new))
            item[:, now] = one_of(allowed, c.draw[:, now])
        return dict(item=item, kind=kind)

    def _shown(self, item, now, back):
        """Which item was shown so many places back, (block, item); none before the block."""
        if not 0 < back <= now:
            return np.zeros((len(item), self.n_items), bool)
        return np.eye(self.n_items, dtype=bool)[item[:, now - back]]

    def build(self, t: Canvas):
        c = t.conditions
        t.input(self.items, np.eye(self.n_items)[c.item], phase="stimulus", noise=self.noise)
        t.hold(phase="stimulus")
        t.target_choice(c.kind == "match", phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Counts the items as they come on, names each, and compares.
        on = seen.on(self.items)
        place = (np.diff(on.astype(int), axis=1, prepend=0) == 1).cumsum(1) - 1
        places = range(self.trials_per_block)
        item = np.stack([seen.sum(self.items, on & (place == p)).argmax(1) for p in places], 1)
        match = np.zeros(item.shape, int)
        match[:, self.n :] = item[:, self.n :] == item[:, : -self.n]
        answer = np.take_along_axis(match, np.maximum(place, 0), 1)
        return np.where(answer[..., None] == np.arange(2), 1.0, 0.2)


def one_of(allowed: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Return one of the allowed places of each row, (row,), as `draw` in [0, 1] says."""
    n_allowed = allowed.sum(1)
    rank = np.minimum((draw * n_allowed).astype(int), n_allowed - 1)
    return (allowed.cumsum(1) > rank[:, None]).argmax(1)


if __name__ == "__main__":
    NBack().plot().savefig("n_back.png")
