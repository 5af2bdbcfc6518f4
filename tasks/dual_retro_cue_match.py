"""Dual retro-cue match: two items in memory, and a cue after the fact says which one is tested.

Two items are shown side by side and taken away. A cue then points at one of them, and a test
follows: is it the cued item? A second cue, to the same item or to the other one, and a second test
come after. So what was not cued at first must be kept too, outside the focus of attention, and its
fate in memory can be seen. Some tests show the other item: without the cue they cannot be answered.

Each item has a channel on the left, one on the right and one as a test, with white noise while
something is shown there. A block is a pair of items with its cues and tests; a trial is one cue
with its test, and only the first trial of a block shows the items.

Source: Rose et al. (2016) Science 354:1136. Eight phases of 500 ms are those of neurogym; the
shares of matches and the noise are choices made here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Derived, Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task

SIDES = ("left", "right")


@dataclass(frozen=True, kw_only=True)
class DualRetroCueMatch(Task):
    """Match or non-match with the one of two remembered items that a cue points at afterwards.

    The condition `focus` says whether a cue is the "first", a "stay" on the same item or a "switch"
    to the other one.

    Args:
        n_stimuli: number of different items, 3 or more.
        swap: share of tests that show the item that was not cued, at most 0.5. Half of all tests
            match; the rest show neither item.
        noise: density of the noise in each channel of the items.
        trials_per_block: number of cues, each with a test, for a pair of items.
        fixation: time before the items, ms.
        sample: duration of the items, ms.
        delay: time before each cue, ms.
        cue: duration of a cue, ms.
        test: duration of a test, during which the fixation point is off and the answer is given,
            ms. The first 100 ms of it do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = DualRetroCueMatch().trials(1, cued=[["left", "right"]], kind="match")
        >>> trials.conditions["focus"].tolist(), trials.inputs.shape[1] * trials.dt
        (['first', 'switch'], 4000.0)
    """

    outputs = ("fixation", "non_match", "match")
    decision_rule = Argmax("test", grace=100.0)
    psychometric_axis = "kind"
    go_cue = "test"
    hard = dict(noise=1.0)
    expected_score = None
    function = "working memory"
    aliases = ("retro_cue", "DualDelayMatchSample")

    n_stimuli: int = 4
    swap: float = 0.25
    noise: float = 0.03
    trials_per_block: int = 2
    fixation: Duration = 500.0
    sample: Duration = 500.0
    delay: Duration = 500.0
    cue: Duration = 500.0
    test: Duration = 500.0

    @property
    def inputs(self):
        items = [name for kind in (*SIDES, "test") for name in self.channels[kind]]
        return ("fixation", *items, "cue_left", "cue_right")

    @cached_property
    def channels(self):
        """The channels of the items by where they are shown."""
        return {kind: Ring(kind, self.n_stimuli) for kind in (*SIDES, "test")}

    @cached_property
    def items(self):
        return np.array([f"item_{place}" for place in range(self.n_stimuli)])

    @cached_property
    def durations(self):
        # The later trials of a block have no items of their own.
        return {**super().durations, "fixation": Derived(), "sample": Derived()}

    def __post_init__(self):
        count("n_stimuli", self.n_stimuli, low=3)
        number("swap", self.swap, low=0.0, high=0.5)
        count("trials_per_block", self.trials_per_block)
        number("fixation", self.fixation, low=0.0)
        number("sample", self.sample, low=0.0, above=True)
        if self.cue == 0:
            number("cue", self.cue, low=0.0, above=True)
        super().__post_init__()

    def block_factors(self):
        return dict(left=tuple(self.items), draw_right=Uniform(0.0, 1.0))

    def factors(self):
        shares = (0.5, self.swap, 0.5 - self.swap)
        return dict(
            cued=SIDES,
            kind=Levels(("match", "swap", "new"), weights=shares),
            draw_new=Uniform(0.0, 1.0),  # which item, among those that were not shown
        )

    def derive(self, c):
        left = (c.left[..., None] == self.items).argmax(-1)
        right = (left + 1 + _pick(c.draw_right, self.n_stimuli - 1)) % self.n_stimuli
        new = _pick(c.draw_new, self.n_stimuli - 2)
        for shown in (np.minimum(left, right), np.maximum(left, right)):
            new = new + (new >= shown)
        is_left = c.cued == "left"
        cued, other = np.where(is_left, left, right), np.where(is_left, right, left)
        test = np.select([c.kind == "match", c.kind == "swap"], [cued, other], new)
        first = np.indices(test.shape)[1] == 0
        switch = np.where(c.cued != np.roll(c.cued, 1, axis=1), "switch", "stay")
        return dict(
            right=self.items[right],
            test_item=self.items[test],
            focus=np.where(first, "first", switch),
            fixation=np.where(first, self.fixation, 0.0),
            sample=np.where(first, self.sample, 0.0),
        )

    def build(self, t: Canvas):
        c = t.conditions
        shown = dict(left=(c.left, "sample"), right=(c.right, "sample"), test=(c.test_item, "test"))
        t.input("fixation", until="test")
        for kind, (item, phase) in shown.items():
            one_hot = item[:, None] == self.items
            t.input(self.channels[kind], one_hot, phase=phase, noise=self.noise)
        for side in SIDES:
            t.input(f"cue_{side}", c.cued == side, phase="cue")
        t.hold(until="test")
        t.target_choice(c.kind == "match", phase="test", grace=100.0)

    def observe(self, seen: Seen):
        # A test is wherever the fixation point is off; the cue before it says what to compare.
        due = (seen["fixation"] < 0.5) & seen.on(self.channels["test"])
        over = np.diff(due, axis=1, prepend=False) & ~due
        now = np.cumsum(over, axis=1)  # tests that are over
        left, right = (seen.sum(self.channels[side]).argmax(1) for side in SIDES)
        outputs = seen.wait()
        for k in range(self.trials_per_block):
            is_left = seen.sum("cue_left", now == k) > seen.sum("cue_right", now == k)
            test = seen.sum(self.channels["test"], now == k).argmax(1)
            answer = test == np.where(is_left, left, right)
            when = due & (now == k)
            outputs = np.where(when[..., None], seen.choose(answer, when), outputs)
        return outputs


def _pick(draw, n):
    """One of n places by a number in [0, 1]."""
    return np.minimum((draw * n).astype(int), n - 1)


if __name__ == "__main__":
    figure = DualRetroCueMatch(n_stimuli=3).plot(kind="match")
    figure.savefig("dual_retro_cue_match.png")
