"""Delayed discrimination: which of two vibrations, some seconds apart, was the faster one?

The frequency of the first has to be kept over the delay, as a graded quantity, and be compared with
the second: parametric working memory. Firing rates in the prefrontal cortex rise or fall with it.

A frequency f in [low, high] is carried by a channel that rises, 0.4 + 0.8 (f - low)/(high - low),
and one that falls, 0.4 + 0.8 (high - f)/(high - low), or by the first alone. White noise is there
while a stimulus is. With k channels and stimuli of T seconds an ideal observer is right with
probability Phi(0.8 |f2 - f1| sqrt(k T) / ((high - low) sqrt(2) noise)).

Source: Romo, Brody, Hernández & Lemus (1999) Nature 399:470; Barak, Tsodyks & Romo (2010) J.
Neurosci. 30:9424. The pairs (18, 10), (22, 14) ... (34, 26) Hz, both ways round, and their coding
are those of PsychRNN. The noise is a choice made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, Remainder, plain, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class DelayedDiscrimination(Task):
    """Comparison of two frequencies over a delay (Romo's task, parametric working memory).

    A pair is given by its `midpoint` and its `difference` f2 - f1, so that a grid over differences
    is a psychometric function. The conditions `f1` and `f2` follow.

    Args:
        midpoints: means of the two frequencies of a pair, Hz.
        differences: distances of the two, Hz; each comes with either sign.
        frequencies: the lowest and the highest frequency that the channels are made for, Hz. Both
            frequencies of every pair must lie between them.
        n_inputs: 2 channels, one rising and one falling with frequency; or 1, the rising one.
        noise: density of the noise in each of them.
        fixation: time before the first stimulus, ms.
        stimulus_1: duration of the first stimulus, ms.
        delay: time from its end to the second one, ms.
        stimulus_2: duration of the second stimulus, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = DelayedDiscrimination()
        >>> task.grid(delay=[3000.0, 6000.0], difference=8.0, midpoint=14.0).phases["stimulus_2"]
        array([[4000., 4500.],
               [7000., 7500.]])
    """

    outputs = ("f1_higher", "f2_higher")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "difference"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = None
    function = "working memory"
    aliases = ("romo", "pwm", "DelayComparison", "parametric_working_memory")

    midpoints: tuple[float, ...] = (14.0, 18.0, 22.0, 26.0, 30.0)
    differences: tuple[float, ...] = (8.0,)
    frequencies: tuple[float, float] = (10.0, 34.0)
    n_inputs: int = 2
    noise: float = 0.03
    fixation: Duration = 500.0
    stimulus_1: Duration = 500.0
    delay: Duration = 3000.0
    stimulus_2: Duration = 500.0
    decision: Duration = 300.0

    @property
    def tuned(self):
        return ("rising", "falling")[: self.n_inputs]

    @property
    def inputs(self):
        return ("fixation", *self.tuned)

    def __post_init__(self):
        pair = plain(self.frequencies)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ValueError(
                f"`frequencies` must be two numbers, got {pair!r}. Give the lowest and the highest."
            )
        low, high = (number("frequencies", frequency) for frequency in pair)
        if low >= high:
            raise ValueError(
                f"`frequencies` must be two numbers that rise, got {pair!r}. Give the lowest first."
            )
        factors = self.factors()
        middle, apart = np.meshgrid(factors["midpoint"].values, factors["difference"].values)
        self._check_pairs("differences", middle.ravel(), apart.ravel())
        number("n_inputs", count("n_inputs", self.n_inputs), low=1, high=2)
        # Whatever is drawn, there are two stimuli and a step that is scored.
        for name, least in dict(stimulus_1=0.0, stimulus_2=0.0, decision=100.0).items():
            law = getattr(self, name)
            if not isinstance(law, Remainder):
                number(name, _shortest(law), low=least, above=True)
        super().__post_init__()

    def factors(self):
        low, high = self.frequencies
        return dict(
            midpoint=Levels(self.midpoints, low, high, name="midpoints"),
            difference=signed(self.differences, high - low, "differences"),
        )

    def _check_pairs(self, name, midpoint, difference):
        """Raise unless the channels have both frequencies of each pair."""
        low, high = self.frequencies
        room = 2 * np.minimum(midpoint - low, high - midpoint)
        beyond = np.abs(difference) > room + 1e-9
        if beyond.any():
            pair = beyond.argmax()
            raise ValueError(
                f"`{name}` must be at most {room[pair]:g} Hz where the midpoint is "
                f"{midpoint[pair]:g} Hz, got {abs(difference[pair]):g}: f1 or f2 would lie outside "
                f"{low:g} to {high:g} Hz. Widen `frequencies`."
            )

    def derive(self, c):
        self._check_pairs("difference", c.midpoint, c.difference)
        return dict(f1=c.midpoint - c.difference / 2, f2=c.midpoint + c.difference / 2)

    def rate(self, frequency):
        """Activity of the channels for a frequency, (..., channel)."""
        low, high = self.frequencies
        share = (np.asarray(frequency)[..., None] - low) / (high - low)
        return 0.4 + 0.8 * np.concatenate([share, 1 - share], axis=-1)[..., : self.n_inputs]

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", until="decision")
        t.input(self.tuned, self.rate(c.f1), phase="stimulus_1", noise=self.noise)
        t.input(self.tuned, self.rate(c.f2), phase="stimulus_2", noise=self.noise)
        t.hold(phase="fixation")
        t.target_choice(c.difference, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The first stimulus ends where, after it began, nothing is on.
        on = seen.on(self.tuned)
        gap = (np.logical_or.accumulate(on, axis=1) & ~on).argmax(1)
        before = seen.between(0, gap)
        rise = seen.mean(self.tuned, on & ~before) - seen.mean(self.tuned, on & before)
        return seen.choose((rise @ [1, -1][: self.n_inputs]) > 0)


def _shortest(law):
    """The shortest that a phase can be, ms."""
    return min(law.values) if isinstance(law, Levels) else getattr(law, "low", law)


if __name__ == "__main__":
    DelayedDiscrimination().plot(midpoint=22.0, difference=8.0).savefig(
        "delayed_discrimination.png"
    )
