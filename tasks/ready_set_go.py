"""Ready-set-go: reproduce a time interval.

Two flashes, ready and set, mark an interval; the subject responds when as much time has passed
again since set (or that times a gain). Responses are drawn to the middle of the intervals that
occur, and vary in proportion to the interval: bias, slope and Weber fraction of response time over
interval show both. The answer is a ramp that starts at set and reaches 1 when the response is due.

Source: Jazayeri & Shadlen (2010) Nat. Neurosci. 13:1020; with gains, Remington, Narain, Hosseini &
Jazayeri (2018) Neuron 98:1005. Intervals of 800-1500 ms and flashes of 80 ms, whole steps of 20 ms,
are choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Interval
from neurotask.distributions import Derived, Distribution, Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class ReadySetGo(Task):
    """Reproduction of the interval between two flashes.

    Args:
        gains: what the interval is to be multiplied by; with more than one, an input says which.
        tolerance: the largest error that is still correct, as a share of the right interval.
        noise: density of the noise in a flash.
        flash: duration of a flash, ms.
        fixation: time before ready, ms.
        interval: from the start of ready to the start of set, ms.
        production: time to respond from the start of set; twice the right interval.
        dt: length of a time step, ms.

    Example:
        >>> trials = ReadySetGo(gains=(1.0, 1.5)).trials(2, interval=1000.0, gain=[1.0, 1.5])
        >>> trials.conditions["right_interval"].tolist(), trials.lengths.tolist()
        ([1000.0, 1500.0], [155, 205])
    """

    outputs = ("go",)
    psychometric_axis = "interval"
    go_cue = "production"
    hard = dict(noise=1.0, tolerance=0.05)
    expected_score = 0.95
    function = "timing"
    aliases = ("rsg", "interval_reproduction")

    gains: tuple[float, ...] = (1.0,)
    tolerance: float = 0.2
    noise: float = 0.02
    flash: float = 80.0
    fixation: Duration = 100.0
    interval: Duration = Uniform(800.0, 1500.0)
    production: Duration = Derived()

    def __post_init__(self):
        number("flash", self.flash, low=0.0, above=True)
        if not isinstance(self.gains, (tuple, list)) or not self.gains:
            raise ValueError(f"`gains` must be a tuple of gains, got {self.gains!r}.")
        for gain in self.gains:
            number("gains", gain, low=0.0, above=True)
        if not isinstance(self.interval, (Distribution, Levels)):
            raise ValueError(
                f"`interval` must be a law of times, got {self.interval!r}. "
                "Give one time as Levels((800.0,))."
            )
        super().__post_init__()

    @property
    def inputs(self):
        return ("ready", "set") if len(self.gains) == 1 else ("ready", "set", "gain")

    @property
    def decision_rule(self):
        return Interval(1.0, from_="production", wanted="right_interval", tolerance=self.tolerance)

    def factors(self):
        return dict(gain=Levels(self.gains, min(self.gains), max(self.gains), name="gains"))

    def derive(self, c):
        right = c.gain * c.interval
        return dict(right_interval=right, production=np.rint(2 * right / self.dt) * self.dt)

    def build(self, t: Canvas):
        c = t.conditions
        t.input("ready", phase="interval", duration=self.flash, noise=self.noise)
        t.input("set", phase="production", duration=self.flash, noise=self.noise)
        if "gain" in self.inputs:
            t.input("gain", c.gain)
        t.hold(until="production")
        since = t.time - t.phases["production"][:, :1]
        share = since / c.right_interval[:, None]
        # Asked on a little behind 1, so that the ramp crosses it and does not only touch it. The
        # weight makes errors of the same share count alike, however long the interval.
        weight = np.where(share <= 1.2, 5000.0 / c.right_interval[:, None], 0.0)
        t.target("go", 0.2 + 0.8 * share, phase="production", weight=weight)

    def observe(self, seen: Seen):
        # Counts the steps between the flashes, and lets as many pass again.
        ready, set_ = ((seen[flash] > 0.5).argmax(1) for flash in ("ready", "set"))
        gain = seen["gain"][:, 0] if "gain" in self.inputs else self.gains[0]
        steps = np.maximum(gain * (set_ - ready), 1.0)
        ramp = (np.arange(seen.n_steps) - set_[:, None]) / steps[:, None]
        return (0.2 + 0.8 * np.maximum(ramp, 0.0))[..., None]


if __name__ == "__main__":
    ReadySetGo().plot(interval=1000.0).savefig("ready_set_go.png")
