"""Reaction-time discrimination of random-dot motion: answer as soon as the motion has been seen.

The subject decides for itself how long to look, so that accuracy is traded for speed and every
trial has a reaction time: long where the motion is weak. With coherence c the mean of a motion
channel is (1 + c cos d)/2, where d is how far its preferred direction is from that of the motion;
white noise makes it worth waiting. Nothing tells when to answer: the choice is the first output to
reach a level, which the target lies above so that training pushes across it.

The observer adds up evidence to a bound, A = noise, or to the end of the motion. With two choices
it is right with probability 1 / (1 + exp(-c/noise)), after noise/c tanh(c / (2 noise)) seconds on
average, half a second at c = 0.

Source: Roitman & Shadlen (2002) J. Neurosci. 22:9475. The target from 300 ms on and its height are
those of Song, Yang & Wang (2016) PLoS Comput. Biol. 12:e1004792.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Threshold
from neurotask.distributions import Duration, Levels, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class ReactionTimeDiscrimination(Task):
    """Discrimination of the direction of motion, answered at a time of the subject's own.

    With two choices coherence is signed: above 0 the dots move to the right. With more it is not,
    and a factor `direction` (degrees) says where to.

    Args:
        coherences: strengths of the motion, each in [0, 1].
        noise: density of the noise in each motion channel: the standard deviation of its mean over
            one second.
        n_choices: number of directions, evenly spaced, with a motion channel each; two are left and
            right.
        grace: time from the onset of the motion to where the choice is asked for, ms. In it the
            outputs are free.
        fixation: time before the motion, ms.
        stimulus: duration of the motion, ms: the longest reaction time there is.
        dt: length of a time step, ms.

    Example:
        >>> task = ReactionTimeDiscrimination()
        >>> trials = task.grid(coherence=[0.032, 0.512], repeats=500, seed=1)
        >>> table = task.behavior(trials, task.observer(trials))
        >>> table.groupby("coherence")["rt"].median().to_dict()
        {0.032: 420.0, 0.512: 60.0}
    """

    decision_rule = Threshold(1.0, from_="stimulus")
    psychometric_axis = "coherence"
    easy = dict(coherences=(0.512,))
    hard = dict(coherences=(0.032,))
    expected_score = 0.8
    function = "perceptual decision"
    aliases = ("rdm_rt", "roitman02", "rt_discrimination")

    coherences: tuple[float, ...] = (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    noise: float = 0.0325
    n_choices: int = 2
    grace: float = 300.0
    fixation: Duration = 300.0
    stimulus: Duration = 1500.0

    def __post_init__(self):
        count("n_choices", self.n_choices, low=2)
        number("grace", self.grace, low=0.0)
        super().__post_init__()

    @property
    def motion(self):
        two = ("motion_left", "motion_right")
        return two if self.n_choices == 2 else tuple(Ring("motion", self.n_choices))

    @property
    def inputs(self):
        return ("fixation", *self.motion)

    @property
    def outputs(self):
        return ("left", "right") if self.n_choices == 2 else tuple(Ring("choice", self.n_choices))

    @property
    def directions(self):
        """Direction of each choice in degrees: left is 180, right 0."""
        two = np.array([180.0, 0.0])
        return two if self.n_choices == 2 else Ring("", self.n_choices).directions

    @property
    def tuning(self):
        """Cosine of the angle between directions and channels, (direction, channel)."""
        return np.cos(np.deg2rad(self.directions[:, None] - self.directions))

    def factors(self):
        if self.n_choices == 2:
            return dict(coherence=signed(self.coherences))
        return dict(coherence=Levels(self.coherences, 0.0, 1.0), direction=tuple(self.directions))

    def build(self, t: Canvas):
        c = t.conditions
        place, strength = self.place(c), np.abs(c.coherence)
        evidence = (1 + strength[:, None] * self.tuning[place]) / 2
        t.input("fixation")
        t.input(self.motion, evidence, phase="stimulus", noise=self.noise)
        t.hold(phase="fixation")
        answer = np.where(strength == 0, -1, place)
        t.target_choice(answer, phase="stimulus", delay=self.grace, high=1.2)

    def place(self, c):
        """Place among the choices of the direction in which the dots move."""
        if self.n_choices == 2:
            return (c.coherence > 0).astype(int)
        return np.abs(c.direction[:, None] - self.directions).argmin(1)

    def observe(self, seen: Seen):
        # A race: the leading direction wins when it is a bound ahead of the second, or at the end.
        moves, rows = seen.on(self.motion), np.arange(seen.n_rows)
        evidence = np.cumsum(seen[self.motion] @ self.tuning / 2, axis=1) * seen.dt / 1000.0
        second, best = np.moveaxis(np.sort(evidence, axis=2)[..., -2:], 2, 0)
        due = moves & (best - second >= self.noise)
        due[rows, seen.n_steps - 1 - moves[:, ::-1].argmax(1)] = True
        decided = due.argmax(1)
        place = evidence[rows, decided].argmax(1)
        return seen.choose(place, when=seen.between(decided, seen.n_steps))


if __name__ == "__main__":
    ReactionTimeDiscrimination().plot(coherence=0.128).savefig("reaction_time_discrimination.png")
