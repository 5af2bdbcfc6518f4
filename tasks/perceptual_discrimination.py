"""Random-dot motion discrimination: report whether the dots move to the left or to the right.

Two channels carry the evidence, as two pools of neurons tuned to opposite directions do: with
coherence c their means are (1 - c)/2 and (1 + c)/2. White noise makes single moments unreliable, so
that the evidence is worth integrating: an ideal observer of the whole stimulus is right with
probability Phi(c sqrt(T) / (sqrt(2) noise)), which at the defaults is 82 % at 4.7 % coherence.

Source: Britten, Shadlen, Newsome & Movshon (1992) J. Neurosci. 12:4745. The coherences are those of
Roitman & Shadlen (2002) J. Neurosci. 22:9475.
"""

from dataclasses import dataclass

from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, signed
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class PerceptualDiscrimination(Task):
    """Two-choice discrimination of the direction of random-dot motion, at a fixed duration.

    Args:
        coherences: strengths of the motion, each in [0, 1]; trials show them in both directions.
        noise: density of the noise in each motion channel: the standard deviation of its mean over
            one second.
        fixation: time before the motion, ms.
        stimulus: duration of the motion, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> PerceptualDiscrimination().trials(256, seed=1).inputs.shape
        (256, 70, 3)
    """

    inputs = ("fixation", "motion_left", "motion_right")
    outputs = ("left", "right")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "coherence"
    function = "perceptual decision"
    aliases = ("rdm", "dm1", "random_dots", "PerceptualDecisionMaking")

    coherences: tuple[float, ...] = (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    noise: float = 0.0325
    fixation: Duration = 300.0
    stimulus: Duration = 800.0
    decision: Duration = 300.0

    def factors(self):
        return dict(coherence=signed(self.coherences))

    def build(self, t: Canvas):
        coherence = t.conditions.coherence
        t.input("fixation", 1.0, until="decision")
        t.input("motion_left", (1 - coherence) / 2, phase="stimulus", noise=self.noise)
        t.input("motion_right", (1 + coherence) / 2, phase="stimulus", noise=self.noise)
        t.target("left", 0.2, phase="fixation")
        t.target("right", 0.2, phase="fixation")
        t.target_choice(coherence, phase="decision", grace=100.0)


if __name__ == "__main__":
    PerceptualDiscrimination().plot(coherence=0.256).savefig("perceptual_discrimination.png")
