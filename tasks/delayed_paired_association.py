"""Delayed paired association: go if the second odour is the partner of the first.

Each sample odour has one partner among the test odours. The subject smells a sample and, after a
delay, a test, and then licks if the two are a pair and withholds if not. Sample and partner have
nothing in common, so the pairs have to be learned, and the sample, or its partner, be kept in mind.

Each odour has a channel of its own, with white noise while an odour of its kind is there.

Source: Zhang et al. (2019) eLife 8:e43191. Phases of one second are those of neurogym; the noise is
a choice made here.
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
class DelayedPairedAssociation(Task):
    """Go for paired odours, no go for the others, over a delay.

    Args:
        n_pairs: number of pairs, 2 or more. Half of the trials show one of them.
        noise: density of the noise in each channel of the odours.
        fixation: time before the sample, ms.
        sample: duration of the sample odour, ms.
        delay: time from its end to the test odour, ms.
        test: duration of the test odour, ms.
        wait: time from its end to the go cue, ms.
        decision: time to respond after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = DelayedPairedAssociation()
        >>> trials = task.grid(sample_odour=["sample_0", "sample_1"], paired=[True, False])
        >>> trials.conditions["pair"].tolist()
        ['sample_0-test_0', 'sample_0-test_1', 'sample_1-test_1', 'sample_1-test_0']
    """

    outputs = ("fixation", "go")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "pair"
    go_cue = "decision"
    hard = dict(noise=2.0)
    expected_score = None
    function = "working memory"
    aliases = ("dpa", "DelayPairedAssociation", "paired_associates")

    n_pairs: int = 2
    noise: float = 0.03
    fixation: Duration = 0.0
    sample: Duration = 1000.0
    delay: Duration = 1000.0
    test: Duration = 1000.0
    wait: Duration = 1000.0
    decision: Duration = 500.0

    @cached_property
    def samples(self):
        return tuple(Ring("sample", self.n_pairs))

    @cached_property
    def tests(self):
        return tuple(Ring("test", self.n_pairs))

    @property
    def inputs(self):
        return ("fixation", *self.samples, *self.tests)

    def __post_init__(self):
        count("n_pairs", self.n_pairs, low=2)
        super().__post_init__()

    def factors(self):
        return dict(
            sample_odour=self.samples,
            paired=(False, True),
            draw=Uniform(0.0, 1.0),  # which of the tests that are not the partner, if unpaired
        )

    def derive(self, c):
        n_others = self.n_pairs - 1
        away = 1 + np.minimum((c.draw * n_others).astype(int), n_others - 1)
        sample = (c.sample_odour[:, None] == np.array(self.samples)).argmax(1)
        test = np.array(self.tests)[(sample + np.where(c.paired, 0, away)) % self.n_pairs]
        pair = np.char.add(np.char.add(c.sample_odour, "-"), test)
        return dict(test_odour=test, pair=pair)

    def build(self, t: Canvas):
        c = t.conditions
        sample = c.sample_odour[:, None] == np.array(self.samples)
        test = c.test_odour[:, None] == np.array(self.tests)
        t.input("fixation", until="decision")
        t.input(self.samples, sample, phase="sample", noise=self.noise)
        t.input(self.tests, test, phase="test", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(0, phase="decision", grace=100.0, withhold=~c.paired)

    def observe(self, seen: Seen):
        # Names the two odours and looks the pair up.
        sample, test = seen.sum(self.samples).argmax(1), seen.sum(self.tests).argmax(1)
        return seen.choose(0, withhold=sample != test)


if __name__ == "__main__":
    DelayedPairedAssociation().plot(paired=True).savefig("delayed_paired_association.png")
