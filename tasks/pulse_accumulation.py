"""Accumulation of pulses (flashes, clicks, towers): which side had more of them?

Pulses come in bins that start at regular intervals. In each bin each side may have one: with one
probability on the rich side of the trial, with a lower one on the poor side. Unlike noise that
nobody sees, the evidence of every trial is known pulse by pulse, so that it can be told how each of
them weighed on the choice. A channel is 1 during a pulse on its side, plus white noise.

Source: Scott, Constantinople, Erlich, Tank & Brody (2015) eLife 4:e11308: flashes of 10 ms, 20 ms
here (a multiple of dt), each followed by 240 ms without; the side with more of them is rewarded.
The probabilities are those of neurogym. Bins as short as a pulse make trains of clicks, as in
Brunton, Botvinick & Brody (2013) Science 340:95.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Derived, Duration, Levels
from neurotask.observers import Seen
from neurotask.task import Task

SHARES = ("rich", "poor")


@dataclass(frozen=True, kw_only=True)
class PulseAccumulation(Task):
    """Comparison of the numbers of pulses on the left and on the right.

    Conditions `bin_1`, `bin_2`, ... say which sides have a pulse there ("none", "rich", "poor" or
    "both"), and `evidence_1`, ... what follows: 1 for a pulse on the right alone, -1 on the left, 0
    for none or both. Trials with as many on both sides are not scored.

    Args:
        bins: numbers of bins, each equally likely.
        rich: probability of a pulse in a bin, on the side that has more of them.
        poor: the same on the other side.
        noise: density of the noise in each channel.
        pulse: duration of a pulse, ms.
        gap: time from the end of a pulse to the next bin, ms.
        fixation: time before the first bin, ms.
        stimulus: all bins together; it follows from their number.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = PulseAccumulation().trials(3, seed=1, rich_side="right")
        >>> trials.conditions[["n_left", "n_right"]].to_numpy().tolist()
        [[2, 4], [1, 5], [2, 5]]
    """

    inputs = ("fixation", "pulse_left", "pulse_right")
    outputs = ("left", "right")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "difference"
    go_cue = "decision"
    hard = dict(noise=0.3)
    expected_score = 0.9
    function = "perceptual decision"
    aliases = ("PulseDecisionMaking", "clicks", "poisson_clicks", "towers", "flashes")

    bins: tuple[int, ...] = (6,)
    rich: float = 0.7
    poor: float = 0.3
    noise: float = 0.01
    pulse: float = 20.0
    gap: float = 240.0
    fixation: Duration = 500.0
    stimulus: Duration = Derived()
    decision: Duration = 500.0

    def __post_init__(self):
        if not isinstance(self.bins, (tuple, list)) or not self.bins:
            raise ValueError(
                f"`bins` must be a tuple of whole numbers, got {self.bins!r}. "
                "Give one number as (6,)."
            )
        for n in self.bins:
            count("bins", n)
        rich, poor = (number(name, getattr(self, name), low=0.0, high=1.0) for name in SHARES)
        if rich < poor:
            raise ValueError(
                f"`rich` must be poor = {poor:g} or more, got {rich:g}. Swap the two: which side "
                "is the rich one is drawn."
            )
        if rich == poor and rich in (0.0, 1.0):
            raise ValueError(
                f"`rich` must not be {rich:g} where `poor` is, got {rich:g}: both sides would "
                "always have the same number of pulses."
            )
        number("pulse", self.pulse, low=0.0, above=True)
        number("gap", self.gap, low=0.0)
        super().__post_init__()

    @property
    def all_bins(self):
        return range(1, max(self.bins) + 1)

    def factors(self):
        rich, poor = self.rich, self.poor
        shares = ((1 - rich) * (1 - poor), rich * (1 - poor), (1 - rich) * poor, rich * poor)
        pulses = Levels(("none", "rich", "poor", "both"), weights=shares)
        return dict(
            rich_side=("left", "right"),
            n_bins=Levels(self.bins, 1, max(self.bins)),
            **{f"bin_{k}": pulses for k in self.all_bins},
        )

    def shown(self, c):
        """Whether there is a pulse, (trial, bin, side); left is the first side."""
        pulses = np.stack([c[f"bin_{k}"] for k in self.all_bins], axis=1)
        rich, poor = ((pulses == side) | (pulses == "both") for side in ("rich", "poor"))
        right = (c.rich_side == "right")[:, None]
        sides = np.stack([np.where(right, poor, rich), np.where(right, rich, poor)], axis=2)
        return sides & (np.array(self.all_bins) <= c.n_bins[:, None])[..., None]

    def derive(self, c):
        shown = self.shown(c)
        evidence = shown[..., 1].astype(int) - shown[..., 0]
        left, right = shown.sum(1).T
        return dict(
            stimulus=c.n_bins * (self.pulse + self.gap),
            n_left=left,
            n_right=right,
            difference=right - left,
            **{f"evidence_{k}": evidence[:, k - 1] for k in self.all_bins},
        )

    def build(self, t: Canvas):
        c, channels = t.conditions, self.inputs[1:]
        shown = self.shown(c)
        t.input("fixation", until="decision")
        t.input(channels, 0.0, phase="stimulus", noise=self.noise)
        for k in range(max(self.bins)):
            timing = dict(delay=k * (self.pulse + self.gap), duration=self.pulse)
            t.input(channels, shown[:, k], phase="stimulus", **timing)
        t.hold(until="decision")
        t.target_choice(c.difference.astype(float), phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Where pulses can be is known, counted back from the go cue. How likely there was one in
        # each of these places, by its likelihood ratio, adds up to the expected numbers of pulses.
        k, width = max(self.bins), round(self.pulse / seen.dt)
        every = round((self.pulse + self.gap) / seen.dt)
        step = seen.go[:, None, None] - every * np.arange(1, k + 1)[:, None] + np.arange(width)
        step = np.maximum(step, -1)  # a shorter trial's missing bins: the last step, without pulses
        level = seen[self.inputs[1:]][np.arange(seen.n_rows)[:, None, None], step].mean(2)
        weight = self.pulse / 1000.0 / max(self.noise, 1e-3) ** 2
        expected = 1 / (1 + np.exp(np.clip(weight * (0.5 - level), -50, 50)))
        left, right = expected.sum(1).T
        return seen.choose((right > left).astype(int))


if __name__ == "__main__":
    PulseAccumulation().plot().savefig("pulse_accumulation.png")
