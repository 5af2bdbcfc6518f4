"""Post-decision wagering: decide about motion, then bet on it, or take a smaller but sure reward.

The subject judges the direction of random dots, shown for a time that varies. In half of the trials
a sure bet is offered during the delay that follows: a reward that is smaller than that of a right
answer but certain. Who knows how certain a decision is takes the sure bet after weak or brief
motion, and is right more often where it was offered and waived than where it was not offered.

What is right: being right pays 1, being wrong 0, the sure bet `safe`. With coherence c, duration T
(s) and noise density s, the evidence (right minus left, integrated) has mean c T and variance
2 s^2 T, so that its sign is right with probability Phi(|c| sqrt(T) / (sqrt(2) s)). Where the sure
bet is offered and that is below `safe`, the sure bet is right; elsewhere the direction is. Without
motion (c = 0) and offer nothing is, and the trial is not scored. The evidence of a single trial may
speak more or less clearly than its coherence, which no subject sees: so the observer, who bets by
the evidence alone, is not always counted as right. What to compare with it is P(sure).

Source: Kiani & Shadlen (2009) Science 324:759, for the timing, the share of offers and the sure
reward, about 80 % of the other. Scoring by the better bet is a choice made here.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Remainder, TruncatedExponential, Uniform, signed
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class PostDecisionWager(Task):
    """Direction discrimination with a sure bet, offered after the motion in half of the trials.

    Args:
        coherences: strengths of the motion, each in [0, 1]; above 0 it is to the right.
        noise: density of the noise in each motion channel.
        safe: reward of the sure bet, as a share of that of being right; more than 0.5, which
            guessing pays.
        fixation: time before the motion, ms.
        stimulus: duration of the motion, ms.
        delay: time from the end of the motion to when the sure bet is offered, ms.
        offer: time from then to the go cue, ms. In half of the trials nothing is offered.
        decision: time to choose after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> task = PostDecisionWager()
        >>> trials = task.trials(3, offered=True, stimulus=400.0, coherence=[0.0, 0.032, -0.128])
        >>> task.behavior(trials, trials.targets)["answer"].tolist()
        ['sure', 'sure', 'left']
    """

    inputs = ("fixation", "motion_left", "motion_right", "sure_bet")
    outputs = ("left", "right", "sure")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "coherence"
    go_cue = "decision"
    hard = dict(coherences=(0.064, 0.128))
    expected_score = None
    function = "inference and confidence"
    aliases = ("postdecisionwager", "wager", "sure_bet", "confidence")

    coherences: tuple[float, ...] = (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    noise: float = 0.0325
    safe: float = 0.8
    fixation: Duration = 100.0
    stimulus: Duration = TruncatedExponential(mean=180.0, low=100.0, high=900.0)
    delay: Duration = Uniform(500.0, 740.0)
    offer: Duration = Uniform(700.0, 1060.0)
    decision: Duration = 300.0

    def __post_init__(self):
        number("safe", self.safe, low=0.5, high=0.99, above=True)
        number("noise", self.noise, low=0.0)
        if isinstance(self.stimulus, Remainder):
            raise ValueError(
                f"`stimulus` must be a time in ms or a law of it, got {self.stimulus!r}. "
                "Let `delay` fill the trial."
            )
        super().__post_init__()

    def factors(self):
        return dict(coherence=signed(self.coherences), offered=(False, True))

    def derive(self, c):
        seconds = (c.stimulus if "stimulus" in c else self.stimulus) / 1000.0
        needed = NormalDist().inv_cdf(self.safe) * np.sqrt(2) * self.noise
        too_weak = (np.abs(c.coherence) * np.sqrt(seconds) < needed) | (c.coherence == 0)
        return dict(sure_is_right=c.offered & too_weak)

    def build(self, t: Canvas):
        c = t.conditions
        evidence = (1 + c.coherence[:, None] * [-1, 1]) / 2
        t.input("fixation", until="decision")
        t.input(("motion_left", "motion_right"), evidence, phase="stimulus", noise=self.noise)
        t.input("sure_bet", c.offered, since="offer")
        t.hold(until="decision")
        direction = np.select([c.coherence < 0, c.coherence > 0], [0, 1], -1)
        answer = np.where(c.sure_is_right, 2, direction)
        t.target_choice(answer, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Bets on the likelier direction, unless it is less likely right than the sure bet is worth.
        motion, levels = ("motion_left", "motion_right"), np.array(signed(self.coherences).values)
        seconds = seen.on(motion).sum(1) * seen.dt / 1000.0
        evidence = seen.sum(motion) @ [-1, 1] * seen.dt / 1000.0
        off = evidence[:, None] - levels * seconds[:, None]
        log = -(off**2) / (4 * max(self.noise, 1e-4) ** 2 * seconds[:, None])
        likelihood = np.exp(log - log.max(1, keepdims=True))
        right = likelihood @ ((np.sign(levels) + 1) / 2) / likelihood.sum(1)
        sure = (seen["sure_bet"] > 0.5).any(1) & (np.maximum(right, 1 - right) < self.safe)
        return seen.choose(np.where(sure, 2, right > 0.5))


if __name__ == "__main__":
    PostDecisionWager().plot(coherence=0.064, offered=True).savefig("post_decision_wager.png")
