"""Random-dot motion discrimination: report the direction in which the dots move.

Channels carry the evidence as pools of neurons tuned to directions do: with coherence c the mean of
a channel is (1 + c cos d)/2, where d is how far its preferred direction is from that of the motion.
Two choices have two channels, with (1 - c)/2 and (1 + c)/2. White noise makes single moments
unreliable, so that the evidence is worth integrating: an ideal observer of the whole stimulus is
right with probability Phi(c sqrt(T) / (sqrt(2) noise)), at the defaults 82 % at 4.7 % coherence.

Source: Britten, Shadlen, Newsome & Movshon (1992) J. Neurosci. 12:4745. The coherences are those of
Roitman & Shadlen (2002) J. Neurosci. 22:9475.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class PerceptualDiscrimination(Task):
    """Discrimination of the direction of random-dot motion, at a fixed duration.

    With two choices coherence is signed: above 0 the dots move to the right. With more it is not,
    and a factor `direction` (degrees) says where to.

    Args:
        coherences: strengths of the motion, each in [0, 1].
        noise: density of the noise in each motion channel: the standard deviation of its mean over
            one second.
        n_choices: number of directions, evenly spaced; two are left and right.
        n_inputs: number of motion channels, evenly spaced on the circle; None: one a choice. Two
            cannot tell more than two directions apart.
        fixation: time before the motion, ms.
        stimulus: duration of the motion, ms.
        delay: time from the end of the motion to the go cue, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> PerceptualDiscrimination().trials(256, seed=1).inputs.shape
        (256, 70, 3)
        >>> PerceptualDiscrimination(n_choices=4, n_inputs=32).outputs
        ('choice_0', 'choice_1', 'choice_2', 'choice_3')
    """

    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "coherence"
    go_cue = "decision"
    easy = dict(coherences=(0.512,))
    hard = dict(coherences=(0.032,))
    expected_score = 0.85
    function = "perceptual decision"
    aliases = ("rdm", "rdm_fixed", "dm1", "random_dots", "PerceptualDecisionMaking")

    coherences: tuple[float, ...] = (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    noise: float = 0.0325
    n_choices: int = 2
    n_inputs: int | None = None
    fixation: Duration = 300.0
    stimulus: Duration = 800.0
    delay: Duration = 0.0
    decision: Duration = 300.0

    def __post_init__(self):
        n_choices = count("n_choices", self.n_choices, low=2)
        if self.n_inputs is not None:
            count("n_inputs", self.n_inputs, low=min(n_choices, 3))
        super().__post_init__()

    @property
    def motion(self):
        if self.n_choices == 2 and self.n_inputs is None:
            return ("motion_left", "motion_right")
        return tuple(Ring("motion", self.n_inputs or self.n_choices))

    @property
    def inputs(self):
        return ("fixation", *self.motion)

    @property
    def outputs(self):
        return ("left", "right") if self.n_choices == 2 else tuple(Ring("choice", self.n_choices))

    @property
    def directions(self):
        """Direction of each choice in degrees: left is 180, right 0."""
        return (
            np.array([180.0, 0.0]) if self.n_choices == 2 else Ring("", self.n_choices).directions
        )

    def tuning(self, direction):
        """Cosine of the angle between motion channels and a direction, (..., channel)."""
        preferred = np.array([180.0, 0.0])
        if len(self.motion) > 2 or self.n_inputs:
            preferred = Ring("", len(self.motion)).directions
        return np.cos(np.deg2rad(preferred - np.asarray(direction)[..., None]))

    def factors(self):
        if self.n_choices == 2:
            return dict(coherence=signed(self.coherences))
        return dict(coherence=Levels(self.coherences, 0.0, 1.0), direction=tuple(self.directions))

    def build(self, t: Canvas):
        c = t.conditions
        direction = np.zeros(t.n_trials) if self.n_choices == 2 else c.direction
        evidence = (1 + c.coherence[:, None] * self.tuning(direction)) / 2
        t.input("fixation", until="decision")
        t.input(self.motion, evidence, phase="stimulus", noise=self.noise)
        t.hold(phase="fixation")
        t.target_choice(self.answer(c), phase="decision", grace=100.0)

    def answer(self, c):
        """Place of the right choice, or the signed coherence where there are two."""
        if self.n_choices == 2:
            return c.coherence
        place = np.abs(c.direction[:, None] - self.directions).argmin(1)
        return np.where(c.coherence == 0, -1, place)

    def observe(self, seen: Seen):
        # Adds up all evidence, weighted as it speaks for each of the directions.
        return seen.choose((seen.sum(self.motion) @ self.tuning(self.directions).T).argmax(1))


if __name__ == "__main__":
    PerceptualDiscrimination().plot(coherence=0.256).savefig("perceptual_discrimination.png")
