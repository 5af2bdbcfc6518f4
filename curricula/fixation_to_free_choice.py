"""From fixation to free choice: hold still, then go where the only offer is, then choose.

The steps by which a subject is brought to a choice of its own: it learns to keep its eyes on the
fixation point; then one offer is shown, and the answer is to go there once the point is off; then
two are shown that differ much in value; then all. Each step keeps what was learned in the one
before and adds one thing. The first has no inputs but the fixation point: in it the other inputs of
the network are silent.

Source: the choice is that of Padoa-Schioppa & Assad (2006) Nature 441:223, which had trials with
one juice alone too; steps as in Krueger & Dayan (2009) Cognition 110:380. The times of fixation
and the thresholds are choices made here.

Seen: a network of 100 units passes all stages in 260 updates (64 trials each; Adam, 0.001) and
chooses right in 89 % of fresh trials; one trained on free choice for as long, in 89 % too. What the
steps change is the way there, not the end.
"""

from dataclasses import dataclass

import numpy as np

from neurotask.canvas import Canvas
from neurotask.curriculum import Curriculum, Stage
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Uniform
from neurotask.observers import Seen
from neurotask.task import Task
from neurotask.tasks.economic_choice import SIDES, EconomicChoice


@dataclass(frozen=True, kw_only=True)
class FixationOnly(Task):
    """Keep to the fixation point while it is on.

    Args:
        wait: time for which it is on, ms. The first 100 ms of it do not count.
        dt: length of a time step, ms.
    """

    inputs = ("fixation",)
    outputs = ("fixation", *SIDES)
    decision_rule = Argmax("wait", grace=100.0)
    function = "shaping"

    wait: Duration = Uniform(500.0, 3000.0)

    def factors(self):
        return dict()

    def build(self, t: Canvas):
        t.input("fixation")
        t.target_choice(0, phase="wait", grace=100.0, withhold=True)

    def observe(self, seen: Seen):
        return seen.choose(0, withhold=True)


@dataclass(frozen=True, kw_only=True)
class OneOffer(Task):
    """Go to the side on which something is offered, once the fixation point is off.

    Args:
        most: the largest number of units offered of either juice.
        noise: density of the noise in each channel of the offers.
        fixation: time before the offer, ms.
        offer: time for which it is shown, ms.
        decision: time to go there after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.
    """

    inputs = EconomicChoice.inputs
    outputs = EconomicChoice.outputs
    decision_rule = Argmax("decision", grace=100.0)
    go_cue = "decision"
    function = "shaping"

    most: int = 6
    noise: float = 0.1
    fixation: Duration = 1500.0
    offer: Duration = Uniform(1000.0, 2000.0)
    decision: Duration = 760.0

    def factors(self):
        return dict(side=SIDES, juice=("A", "B"), units=tuple(range(1, self.most + 1)))

    def build(self, t: Canvas):
        c = t.conditions
        place = 2 * (c.side == "right") + (c.juice == "B")
        t.input("fixation", until="decision")
        shown = np.eye(4)[place] * c.units[:, None] / self.most
        t.input(self.inputs[1:], shown, phase="offer", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(c.side == "right", phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        left, right = seen.sum(("left_A", "left_B")), seen.sum(("right_A", "right_B"))
        return seen.choose(right.sum(1) > left.sum(1))


def curriculum(
    task: EconomicChoice | None = None,
    *,
    easy: tuple[tuple[int, int], ...] = ((1, 3), (1, 2), (6, 1)),
    threshold: float = 0.95,
    final_threshold: float = 0.9,
    every: int = 20,
    trials: int = 512,
    rehearsal: float = 0.2,
) -> Curriculum:
    """Return fixation, one offer, two offers that differ much, and the choice itself.

    Args:
        task: the choice; None: economic choice as it is in the library.
        easy: offers of the stage before the last: pairs (units of B, units of A).
        threshold: share correct at which a stage is left.
        final_threshold: that of the last stage, in which some offers are almost alike.
        every: updates between evaluations.
        trials: trials an evaluation.
        rehearsal: share of the trials that are of the stages before.
    """
    task = EconomicChoice() if task is None else task
    if not isinstance(task, EconomicChoice):
        raise TypeError(
            f"`task` must be an EconomicChoice, got {task!r}. Its offers are shown one at a time "
            "before they are compared."
        )
    most = max(max(pair) for pair in task.offers)
    times = {phase: getattr(task, phase) for phase in ("fixation", "offer", "decision")}
    one = OneOffer(most=most, noise=task.noise, dt=task.dt, **times)
    tested = dict(every=every, trials=trials)
    criterion = dict(threshold=threshold, **tested)
    return Curriculum(
        [
            Stage(FixationOnly(dt=task.dt), name="fixation", **criterion),
            Stage(one, name="one offer", rehearsal=rehearsal, **criterion),
            Stage(task.replace(offers=easy), name="easy", rehearsal=rehearsal, **criterion),
            Stage(task, name="free choice", threshold=final_threshold, **tested),
        ]
    )


if __name__ == "__main__":
    print(curriculum())
