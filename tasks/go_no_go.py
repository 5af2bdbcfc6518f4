"""Delayed go/no-go: respond to one stimulus, hold still after the other.

What is measured is the holding still: a response that has to be prepared, since it is often right,
and then withheld. Two channels carry the evidence, as two pools of neurons do: with evidence e,
from -1 (no-go) to 1 (go), their means are (1 - e)/2 and (1 + e)/2. Evidence in between makes a
continuum of stimuli, over which the probability of a response is a psychometric function; its shift
with the share of go trials is the bias of prepotency.

Source: Donders (1969) Acta Psychol. 30:412, a translation of his paper of 1868, for the task; his
subjects responded at once. Delay, stimulus and decision of 500 ms are those of the peers; the
fixation before them, the noise and the continuum are choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class GoNoGo(Task):
    """Go or no-go, told apart by the stimulus and reported after a delay.

    Args:
        strengths: distances of the stimuli from the middle between no-go and go, each in [0, 1].
            In the middle itself, at 0, no answer is right.
        go_share: share of go trials. Other than a half, it is drawn and not balanced in a grid.
        noise: density of the noise in each channel of the stimulus.
        fixation: time before the stimulus, ms.
        stimulus: duration of the stimulus, ms.
        delay: time from its end to the go cue, ms.
        decision: time to respond after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = GoNoGo()
        >>> trials = task.trials(2, evidence=[-1.0, 1.0])
        >>> task.behavior(trials, trials.targets)[["answer", "choice", "correct"]].values.tolist()
        [['withhold', 'none', 1.0], ['go', 'go', 1.0]]
    """

    inputs = ("fixation", "no_go", "go")
    outputs = ("fixation", "go")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "evidence"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = 0.97
    function = "inhibition"
    aliases = ("gonogo", "GoNogo", "go/no-go", "gng")

    strengths: tuple[float, ...] = (1.0,)
    go_share: float = 0.5
    noise: float = 0.2
    fixation: Duration = 500.0
    stimulus: Duration = 500.0
    delay: Duration = 500.0
    decision: Duration = 500.0

    def __post_init__(self):
        number("go_share", self.go_share, low=0.0, high=1.0)
        super().__post_init__()

    def factors(self):
        levels = signed(self.strengths, name="strengths")
        if self.go_share != 0.5:
            shares = np.interp(np.sign(levels.values), [-1, 1], [1 - self.go_share, self.go_share])
            levels = Levels(levels.values, levels.low, levels.high, weights=shares)
        return dict(evidence=levels)

    def build(self, t: Canvas):
        evidence = t.conditions.evidence
        t.input("fixation", until="decision")
        t.input("no_go", (1 - evidence) / 2, phase="stimulus", noise=self.noise)
        t.input("go", (1 + evidence) / 2, phase="stimulus", noise=self.noise)
        t.hold(until="decision")
        # In the middle nothing is right: trained towards either, by their shares, and not scored.
        middle, guess = evidence == 0, t.rng.random(t.n_trials) >= self.go_share
        withhold = np.where(middle, guess, evidence < 0)
        t.target_choice(0, phase="decision", grace=100.0, withhold=withhold)
        t.answers = np.where(middle, -1, t.answers)

    def observe(self, seen: Seen):
        # The log odds of go are s D / noise^2 + log(p / (1 - p)) with D the summed difference of
        # the channels (times seconds): exact for one strength s, near it for several.
        share = np.clip(self.go_share, 1e-9, 1 - 1e-9)
        difference = (seen.sum("go") - seen.sum("no_go")) * seen.dt / 1000
        odds = np.mean(self.strengths) * difference + self.noise**2 * np.log(share / (1 - share))
        return seen.choose(0, withhold=odds <= 0)


if __name__ == "__main__":
    GoNoGo().plot(evidence=1.0).savefig("go_no_go.png")
