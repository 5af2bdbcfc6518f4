"""Probabilistic reversal: choose the better of several arms, which now and then changes.

One arm pays more often than the others. At unannounced moments, with a constant hazard, another one
becomes the better. Since the better arm also fails at times, one loss says little, and the subject
has to weigh its outcomes over several trials: a bandit whose hidden state must be inferred.

What is shown after a choice depends on it, so the choice is a factor: `choice`. In trials made
ahead it is "observer", an ideal Bayesian observer that knows the hazard and the shares of rewards
and sees nothing but its own choices and rewards; in the closed loop, or in an animal's list, it is
what the subject did. The reward follows from it and from a number drawn in each trial, `luck`:
another choice in one trial changes nothing before it. To show a network an animal's session, give
`choice`, and a `luck` of 0 where it was rewarded and of 1 where it was not.

Source: two-armed bandit with rewards as inputs: Wang et al. (2018) Nat. Neurosci. 21:860. Reversals
and the Bayesian observer: Hampton, Bossaerts & O'Doherty (2006) J. Neurosci. 26:8360. Durations,
hazard and shares of rewards are choices made here.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Levels, OwnChoice, Remainder, Uniform, chance
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class ProbabilisticReversal(Task):
    """Bandit with reversals, in blocks of trials through which the belief is carried on.

    The target is the arm that the observer favours. The answer that is scored is the better arm,
    but not where nobody can know it (`known`): in the first trial of a block and the first after a
    reversal (`since_reversal` is 0 in both), and where the observer's belief is tied. Of each trial
    `best`, `chosen` and `reward` say what happened, and `belief_0`, ... what the observer believed
    before it: the probability that each arm is the better one.

    Args:
        n_arms: number of arms.
        p_best: share of choices of the better arm that are rewarded.
        p_other: the same for each other arm.
        hazard: probability that another arm is the better one from this trial on, below
            1 - 1 / n_arms, at which the past says nothing about the next trial.
        trials_per_block: trials a block.
        fixation: time before the choice, ms.
        decision: time to choose after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        feedback: time in which the chosen arm and the reward are shown, ms.
        dt: length of a time step, ms.

    Example:
        >>> task = ProbabilisticReversal(p_best=1.0, p_other=0.0)
        >>> task.trials(1, seed=1).conditions[["best", "chosen", "reward"]].iloc[10:13].to_numpy()
        array([['arm_0', 'arm_0', True],
               ['arm_1', 'arm_0', False],
               ['arm_1', 'arm_1', True]], dtype=object)
    """

    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "since_reversal"
    go_cue = "decision"
    hard = dict(p_best=0.6, p_other=0.4)
    expected_score = 0.8
    function = "value"
    aliases = ("reversal_learning", "bandit", "Bandit")

    n_arms: int = 2
    p_best: float = 0.8
    p_other: float = 0.2
    hazard: float = 0.1
    trials_per_block: int = 30
    fixation: Duration = 200.0
    decision: Duration = 200.0
    feedback: Duration = 200.0

    def __post_init__(self):
        count("n_arms", self.n_arms, low=2)
        count("trials_per_block", self.trials_per_block, low=2)  # nobody can know the first
        open_ = 1 - 1 / self.n_arms
        if number("hazard", self.hazard, low=0.0, high=1.0) >= open_ - 1e-9:
            raise ValueError(
                f"`hazard` must be less than 1 - 1 / n_arms = {open_:g}, got {self.hazard:g}: the "
                "arm that was the better one would be no likelier to be it again."
            )
        number("p_best", self.p_best, low=0.0, high=1.0)
        if number("p_other", self.p_other, low=0.0, high=1.0) >= self.p_best:
            raise ValueError(
                f"`p_other` must be less than p_best = {self.p_best:g}, got {self.p_other:g}: no "
                "arm would be the better one."
            )
        # Without them it cannot be seen that a trial begins, or what came of it.
        for name in ("fixation", "feedback"):
            law = getattr(self, name)
            if not isinstance(law, Remainder):
                least = min(law.values) if isinstance(law, Levels) else getattr(law, "low", law)
                number(name, least, low=0.0, above=True)
        super().__post_init__()

    @property
    def easy(self):
        # Of three arms even certain rewards cannot tell a reversal during the search for the best.
        return dict(p_best=1.0, p_other=0.0, hazard=self.hazard if self.n_arms == 2 else 0.0)

    @property
    def arms(self):
        return tuple(Ring("arm", self.n_arms))

    @property
    def shown(self):
        return tuple(Ring("chosen", self.n_arms))

    @property
    def inputs(self):
        return ("fixation", *self.shown, "reward")

    @property
    def outputs(self):
        return ("fixation", *self.arms)

    def block_factors(self):
        return dict(start=self.arms)  # the better arm of the first trial

    def factors(self):
        return dict(
            choice=OwnChoice(self.arms),
            luck=Uniform(0.0, 1.0),  # rewarded if below the chosen arm's share
            switch=chance(self.hazard, "hazard"),  # of no effect in the first trial
            to=Uniform(0.0, 1.0),  # which other arm a reversal turns to
            whim=Uniform(0.0, 1.0),  # which arm the observer takes where its belief is tied
        )

    def derive(self, c):
        best, since = self._best(c)
        chosen, reward = self._place(c.choice), np.zeros(best.shape, bool)
        favoured, known = np.zeros(best.shape, int), since > 0
        n_blocks, n_trials = best.shape
        belief = np.full((n_blocks, n_trials + 1, self.n_arms), 1 / self.n_arms)
        for now in range(n_trials):
            tied = belief[:, now] > belief[:, now].max(1, keepdims=True) - 1e-9
            known[:, now] &= tied.sum(1) == 1
            favoured[:, now] = one_of(tied, c.whim[:, now])
            own = c.choice[:, now] == "observer"
            chosen[:, now] = np.where(own, favoured[:, now], chosen[:, now])
            arm = chosen[:, now, None] == np.arange(self.n_arms)
            pays = np.where(chosen[:, now] == best[:, now], self.p_best, self.p_other)
            reward[:, now] = arm.any(1) & (c.luck[:, now] < pays)
            belief[:, now + 1] = self._learn(belief[:, now], arm, reward[:, now])
        names = np.array([*self.arms, "none"])
        return dict(
            best=names[best],
            since_reversal=since,
            favoured=names[favoured],
            chosen=names[chosen],
            reward=reward,
            known=known,
            **{f"belief_{arm}": belief[:, :-1, arm] for arm in range(self.n_arms)},
        )

    def _place(self, name):
        """Place of an arm among the arms, -1 for what is none."""
        same = np.asarray(name)[..., None] == np.array(self.arms)
        return np.where(same.any(-1), same.argmax(-1), -1)

    def _best(self, c):
        """The better arm of each trial, and how many trials ago it became it."""
        best, since = self._place(c.start), np.zeros(c.start.shape, int)
        step = 1 + np.minimum((c.to * (self.n_arms - 1)).astype(int), self.n_arms - 2)
        for now in range(1, self.trials_per_block):
            best[:, now] = (best[:, now - 1] + c.switch[:, now] * step[:, now]) % self.n_arms
            since[:, now] = np.where(c.switch[:, now], 0, since[:, now - 1] + 1)
        return best, since

    def _learn(self, belief, arm, reward):
        """The belief before the next trial, (block, arm): Bayes' rule, then the hazard."""
        pays = self.p_other + (self.p_best - self.p_other) * arm  # if this arm is the better one
        joint = belief * np.where(reward[:, None], pays, 1 - pays)
        total = joint.sum(1, keepdims=True)
        # An animal's list may hold what the task rules out: then nothing is known any more.
        uniform = np.full_like(joint, 1 / self.n_arms)
        after = np.divide(joint, total, out=uniform, where=total > 0)
        return (1 - self.hazard) * after + self.hazard * (1 - after) / (self.n_arms - 1)

    def build(self, t: Canvas):
        c = t.conditions
        t.input("fixation", phase="fixation")
        t.input(self.shown, c.chosen[:, None] == np.array(self.arms), phase="feedback")
        t.input("reward", c.reward, phase="feedback")
        t.hold(phase="fixation")
        t.target_choice(self._place(c.favoured), phase="decision", grace=100.0)
        t.answers = np.where(c.known, self._place(c.best), -1)  # not all that was favoured is right

    def observe(self, seen: Seen):
        # Learns from what was shown of each trial, and chooses when the fixation point is off.
        on = seen["fixation"] > 0.5
        trial = (np.diff(on.astype(int), axis=1, prepend=0) == 1).cumsum(1) - 1
        outputs, belief = seen.wait(), np.full((seen.n_rows, self.n_arms), 1 / self.n_arms)
        for now in range(self.trials_per_block):
            within = trial == now
            due = within & ~on
            outputs = np.where(due[..., None], seen.choose(belief.argmax(1), due), outputs)
            arm = (seen.sum(self.shown, within) > 0).astype(float)
            belief = self._learn(belief, arm, seen.sum("reward", within) > 0)
        return outputs


def one_of(allowed: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Return one of the allowed places of each row, (row,), as `draw` in [0, 1] says."""
    n_allowed = allowed.sum(1)
    rank = np.minimum((draw * n_allowed).astype(int), n_allowed - 1)
    return (allowed.cumsum(1) > rank[:, None]).argmax(1)


if __name__ == "__main__":
    ProbabilisticReversal().plot().savefig("probabilistic_reversal.png")
