"""Yes/no signal detection: was there a signal in the noise?

In some trials a brief signal is added to the noise, at a moment that cannot be foreseen; the
subject says yes or no. Two things shape the answers: how well signal and noise can be told apart,
and how ready the subject is to say yes. P(yes) by `strength` (0 where there is no signal) tells
them apart: d' = z(hits) - z(false alarms), and the criterion is -(z(hits) + z(false alarms)) / 2.
For a signal of level a and duration T (s) whose moment is known, an ideal observer has
d' = a sqrt(T) / noise; not knowing the moment costs it some of that.

Source: Green & Swets (1966) Signal Detection Theory and Psychophysics, Wiley. Timing and levels are
choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, Remainder, Uniform, chance
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class SignalDetection(Task):
    """Detection of a brief signal at an unknown moment in a window of noise.

    Args:
        levels: strengths of the signal, equally likely.
        prior: share of trials with a signal. It moves the criterion of a good observer, not d'.
        noise: density of the noise, which fills the window.
        fixation: time before the window, ms.
        wait: time from the start of the window to the signal (or to where there is none), ms.
        signal: duration of the signal, ms.
        rest: time from the end of the signal to the end of the window, ms. The default fills the
            trial, so that the window is as long in all trials while `fixation` and `decision` are;
            with another one it is longer the later the signal.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = SignalDetection()
        >>> trials = task.trials(4000, seed=1)
        >>> table = task.behavior(trials, task.observer(trials))
        >>> (table["choice"] == "yes").groupby(table["strength"]).mean().round(1).to_dict()
        {0.0: 0.1, 0.25: 0.3, 0.5: 0.7, 1.0: 1.0}
    """

    inputs = ("fixation", "stimulus")
    outputs = ("no", "yes")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "strength"
    go_cue = "decision"
    hard = dict(noise=0.5)
    expected_score = 0.73
    function = "perceptual decision"
    aliases = ("ToneDetection", "yes_no", "detection")

    levels: tuple[float, ...] = (0.25, 0.5, 1.0)
    prior: float = 0.5
    noise: float = 0.055
    fixation: Duration = 500.0
    wait: Duration = Uniform(0.0, 1000.0)
    signal: Duration = 100.0
    rest: Duration = Remainder(2000.0)
    decision: Duration = 300.0

    def __post_init__(self):
        number("prior", self.prior, low=0.0, high=1.0)
        number("signal", self.signal, low=0.0, above=True)  # the observer knows what it looks for
        super().__post_init__()

    def factors(self):
        return dict(
            present=chance(self.prior, "prior"), level=Levels(self.levels, 0.0, name="levels")
        )

    def derive(self, c):
        return dict(strength=np.where(c.present, c.level, 0.0))

    def build(self, t: Canvas):
        c = t.conditions
        window = dict(until="decision", delay=t.phases["wait"][:, 0])
        t.input("fixation", until="decision")
        t.input("stimulus", 0.0, **window, noise=self.noise)
        t.input("stimulus", c.strength, phase="signal")
        t.hold(until="decision")
        t.target_choice(c.strength > 0, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # The likelihood ratio of signal and noise, averaged over all moments and levels.
        if self.noise == 0:
            return seen.choose(seen.on("stimulus").any(1).astype(int))
        width, duration = round(self.signal / seen.dt), self.signal / 1000.0
        total = np.cumsum(np.pad(seen["stimulus"], ((0, 0), (1, 0))), axis=1) * seen.dt / 1000.0
        found = (total[:, width:] - total[:, :-width])[..., None]  # in a signal from each step on
        level = np.array(self.levels)
        log_ratio = level * (found - level * duration / 2) / self.noise**2
        start = np.arange(log_ratio.shape[1])
        fits = (start >= seen.onset("stimulus")[:, None]) & (start + width <= seen.go[:, None])
        log_ratio = np.where(fits[..., None], log_ratio, -np.inf)
        peak = log_ratio.max((1, 2), keepdims=True)
        ratio = np.exp(log_ratio - peak).sum((1, 2)) / (fits.sum(1) * len(level))
        with np.errstate(divide="ignore"):
            needed = np.log1p(-self.prior) - np.log(self.prior)
        return seen.choose((np.log(ratio) + peak[:, 0, 0] > needed).astype(int))


if __name__ == "__main__":
    SignalDetection().plot(present=True, level=1.0).savefig("signal_detection.png")
