"""Interval production: respond a certain time after a flash; a cue says which.

The subject knows a few intervals by heart (800 and 1500 ms). A cue says which one is asked for,
and after a time that cannot be foreseen a flash, set, starts it. The answer is a ramp that starts
at set and reaches 1 when the response is due: the same course of activity at different speeds.

Source: Wang, Narain, Hosseini & Jazayeri (2018) Nat. Neurosci. 21:102. Set lasts 80 ms, whole steps
of 20 ms; the other times are those of neurogym's MotorTiming.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Interval
from neurotask.distributions import Derived, Duration, Levels, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class IntervalProduction(Task):
    """Production of one of several intervals that are known.

    Args:
        intervals: the intervals, ms; each has a cue of its own.
        tolerance: the largest error that is still correct, as a share of the right interval.
        noise: density of the noise in the cues and in the flash.
        flash: duration of the flash, ms.
        fixation: time before the cue, ms.
        cue: time from the start of the cue, ms, to the flash, at which it ends.
        production: time to respond from the start of the flash; twice the right interval.
        dt: length of a time step, ms.

    Example:
        >>> trials = IntervalProduction().trials(2, interval=[800.0, 1500.0], cue=1000.0)
        >>> trials.phases["production"].tolist()
        [[1500.0, 3100.0], [1500.0, 4500.0]]
    """

    outputs = ("go",)
    psychometric_axis = "interval"
    go_cue = "production"
    hard = dict(noise=3.0)
    expected_score = 0.95
    function = "timing"
    aliases = ("MotorTiming", "cue_set_go")

    intervals: tuple[float, ...] = (800.0, 1500.0)
    tolerance: float = 0.2
    noise: float = 0.02
    flash: float = 80.0
    fixation: Duration = 500.0
    cue: Duration = Uniform(1000.0, 3000.0)
    production: Duration = Derived()

    def __post_init__(self):
        number("flash", self.flash, low=0.0, above=True)
        if not isinstance(self.intervals, (tuple, list)) or not self.intervals:
            raise ValueError(f"`intervals` must be a tuple of times, got {self.intervals!r}.")
        for interval in self.intervals:
            number("intervals", interval, low=0.0, above=True)
        Levels(self.intervals, name="intervals")  # refuses one that is there twice
        super().__post_init__()

    @property
    def cues(self):
        return tuple(f"cue_{interval:g}" for interval in self.intervals)

    @property
    def inputs(self):
        return (*self.cues, "set")

    @property
    def decision_rule(self):
        return Interval(1.0, from_="production", wanted="interval", tolerance=self.tolerance)

    def factors(self):
        return dict(interval=self.intervals)

    def derive(self, c):
        unknown = c.interval[~np.isin(c.interval, self.intervals)]
        if len(unknown):
            raise ValueError(
                f"`interval` must be one of {self.intervals}, got {unknown[0]:g}: no other has a "
                "cue. Name it in `intervals`."
            )
        return dict(production=np.rint(2 * c.interval / self.dt) * self.dt)

    def build(self, t: Canvas):
        c = t.conditions
        t.input(self.cues, c.interval[:, None] == self.intervals, phase="cue", noise=self.noise)
        t.input("set", phase="production", duration=self.flash, noise=self.noise)
        t.hold(until="production")
        since = t.time - t.phases["production"][:, :1]
        share = since / c.interval[:, None]
        # Asked on a little behind 1, so that the ramp crosses it and does not only touch it. The
        # weight makes errors of the same share count alike, however long the interval.
        weight = np.where(share <= 1.2, 5000.0 / c.interval[:, None], 0.0)
        t.target("go", 0.2 + 0.8 * share, phase="production", weight=weight)

    def observe(self, seen: Seen):
        # Adds up each cue, and starts the ramp of the strongest when the flash is seen.
        steps = np.array(self.intervals)[seen.sum(self.cues).argmax(1)] / self.dt
        start = (seen["set"] > 0.5).argmax(1)
        ramp = (np.arange(seen.n_steps) - start[:, None]) / steps[:, None]
        return (0.2 + 0.8 * np.maximum(ramp, 0.0))[..., None]


if __name__ == "__main__":
    IntervalProduction().plot(interval=800.0).savefig("interval_production.png")
