"""Multisensory integration: is the rate of events, seen, heard or both, above the boundary?

Flashes, clicks or both come at some rate, and the subject says whether it is high or low. Where
both are there they agree, and whoever adds them up decides better than from either: that gain over
the single senses is what the task measures.

Each sense has a channel that rises and one that falls with the rate, (1 + s)/2 and (1 - s)/2, where
s goes from -1 to 1 over the range of rates. The white noise is there in both senses, stimulated or
not: from k senses an ideal observer is right with probability Phi(|s| sqrt(k T) / (sqrt(2) noise)),
at the defaults 84 % and 92 % next to the boundary.

Source: Raposo, Kaufman & Churchland (2014) Nat. Neurosci. 17:1784. Rates as channels instead of
events are those of Song, Yang & Wang (2016) PLoS Comput. Biol. 12:e1004792; the noise is a choice
made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, chance
from neurotask.observers import Seen
from neurotask.task import Task

SENSES = ("visual", "auditory")


@dataclass(frozen=True, kw_only=True)
class MultisensoryIntegration(Task):
    """Discrimination of a rate from sight, hearing or both.

    The condition `excess` is the rate minus the boundary, Hz: above 0 "high" is right.

    Args:
        rates: rates of events, Hz.
        boundary: the rate above which "high" is right, Hz.
        span: rate at which the channels come to 0 and 1, as a distance from the boundary, Hz.
        noise: density of the noise in each channel of the senses.
        catch: share of trials without a stimulus, in which no choice is right.
        fixation: time before the stimulus, ms.
        stimulus: duration of the stimulus, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = MultisensoryIntegration(noise=0.0).trials(1, modality="visual", rate=16.0)
        >>> dict(zip(trials.input_names, trials.inputs[0, 40].tolist()))["visual_high"]
        1.0
    """

    inputs = ("fixation", "visual_low", "visual_high", "auditory_low", "auditory_high")
    outputs = ("fixation", "low", "high")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "excess"
    go_cue = "decision"
    hard = dict(noise=0.5)
    expected_score = 0.85
    function = "perceptual decision"
    aliases = ("multisensory", "MultiSensoryIntegration", "rate_discrimination")

    rates: tuple[float, ...] = (9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
    boundary: float = 12.5
    span: float = 3.5
    noise: float = 0.1
    catch: float = 0.0
    fixation: Duration = 500.0
    stimulus: Duration = 1000.0
    decision: Duration = 300.0

    def __post_init__(self):
        number("boundary", self.boundary)
        number("span", self.span, low=0.0, above=True)
        super().__post_init__()

    def factors(self):
        low, high = self.boundary - self.span, self.boundary + self.span
        rate = Levels(self.rates, low, high, name="rates")
        return dict(modality=(*SENSES, "both"), rate=rate, catch=chance(self.catch, "catch"))

    def derive(self, c):
        return dict(excess=c.rate - self.boundary)

    def build(self, t: Canvas):
        c = t.conditions
        evidence = (1 + c.excess[:, None] / self.span * [-1, 1]) / 2
        t.input("fixation", until="decision")
        for sense in SENSES:
            there = np.isin(c.modality, (sense, "both"))[:, None]
            t.input(_pool(sense), evidence * there, phase="stimulus", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(c.excess, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The channels of a sense add up to 1 where there is a stimulus; the others are left out.
        level = np.stack([seen.mean(_pool(sense), seen.on(_pool(sense))) for sense in SENSES])
        there = level.sum(2) > 0.5
        return seen.choose(((level @ [-1, 1]) * there).sum(0) > 0, withhold=~there.any(0))


def _pool(sense):
    """The two channels of a sense."""
    return (f"{sense}_low", f"{sense}_high")


if __name__ == "__main__":
    MultisensoryIntegration().plot(modality="both", rate=15.0).savefig("multisensory.png")
