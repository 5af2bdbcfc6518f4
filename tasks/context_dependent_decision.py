"""Context-dependent decision: of two streams of evidence, only the cued one counts.

Motion and colour of one stimulus speak for left or right, each with a coherence of its own, and a
cue says which of them to follow. The other is as strong and must not matter: one network makes two
decisions on the same inputs, so that selection and integration can be studied in one place.

Each modality has two channels with means (1 - c)/2 and (1 + c)/2, for coherence c. The white noise
on them makes the evidence worth integrating: an ideal observer of the cued modality alone is right
with probability Phi(|c| sqrt(T) / (sqrt(2) noise)), at the defaults 83 % at 5 % coherence.

Source: Mante, Sussillo, Shenoy & Newsome (2013) Nature 503:78. The coherences and the round 800 ms
of stimulus, with no delay behind it, are choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, chance, signed
from neurotask.observers import Seen
from neurotask.task import Task

MODALITIES = ("motion", "colour")


@dataclass(frozen=True, kw_only=True)
class ContextDependentDecision(Task):
    """Selective integration of motion or colour, as the context says.

    Coherences are signed: above 0 motion, or colour, speaks for right. The conditions `relevant`
    and `irrelevant` are the coherences of the cued modality and of the other one.

    Args:
        coherences: strengths of the evidence in either modality, each in [0, 1].
        noise: density of the noise in each channel of evidence: the standard deviation of its mean
            over one second.
        catch: share of trials with neither stimulus nor cue, in which no choice is right.
        fixation: time before the stimulus, ms. The cue is on from here to the end.
        stimulus: duration of the stimulus, ms.
        delay: time from its end to the go cue, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = ContextDependentDecision()
        >>> held = dict(motion=0.5, colour=-0.15)
        >>> task.grid(context=["motion", "colour"], **held).conditions["relevant"].tolist()
        [0.5, -0.15]
    """

    inputs = (
        "fixation",
        *("motion_left", "motion_right", "colour_left", "colour_right"),
        *("cue_motion", "cue_colour"),
    )
    outputs = ("fixation", "left", "right")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "relevant"
    go_cue = "decision"
    hard = dict(coherences=(0.05,))
    expected_score = 0.85
    function = "context and rules"
    aliases = ("mante", "ctxdm", "ContextDecisionMaking", "CDDM")

    coherences: tuple[float, ...] = (0.05, 0.15, 0.5)
    noise: float = 0.0325
    catch: float = 0.0
    fixation: Duration = 300.0
    stimulus: Duration = 800.0
    delay: Duration = 0.0
    decision: Duration = 300.0

    def factors(self):
        evidence = {modality: signed(self.coherences) for modality in MODALITIES}
        return dict(context=MODALITIES, **evidence, catch=chance(self.catch, "catch"))

    def derive(self, c):
        cued, other = (c.motion, c.colour), (c.colour, c.motion)
        relevant, irrelevant = (np.where(c.context == "motion", *pair) for pair in (cued, other))
        return dict(relevant=relevant, irrelevant=irrelevant)

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        for modality in MODALITIES:
            evidence = (1 + c[modality][:, None] * [-1, 1]) / 2
            t.input(_pool(modality), evidence, phase="stimulus", noise=self.noise)
            t.input(f"cue_{modality}", c.context == modality)
        t.hold(until="decision")
        t.target_choice(c.relevant, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Adds up the evidence of the cued modality; without a cue there was no stimulus.
        cue = seen.sum([f"cue_{modality}" for modality in MODALITIES])
        evidence = [seen.sum(_pool(modality)) @ [-1, 1] for modality in MODALITIES]
        relevant = np.where(cue[:, 0] > cue[:, 1], *evidence)
        return seen.choose(relevant > 0, withhold=~cue.any(1))


def _pool(modality):
    """The two channels of a modality."""
    return (f"{modality}_left", f"{modality}_right")


if __name__ == "__main__":
    figure = ContextDependentDecision().plot(context="motion", motion=0.5, colour=-0.5)
    figure.savefig("context_dependent_decision.png")
