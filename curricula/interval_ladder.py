"""Interval ladder: time short intervals first, then longer ones.

A network whose units forget within a tenth of a second has to make ramps that last for many times
as long. It makes short ones first, and then slows them down. The last stage has the intervals of
the task, and some trials of shorter ones go on being trained.

Source: Jazayeri & Shadlen (2010) Nat. Neurosci. 13:1020 for the task; Krueger & Dayan (2009)
Cognition 110:380 for shaping; the intervals are choices made here.

Seen: a network of 100 units passes all stages in 400 updates (64 trials each; Adam, 0.001) and is
right in 94 % of fresh trials; one trained on the long intervals for as long, in 96 %. So the ladder
is a path to study, not a faster one: intervals of 1.5-3 s, too, are learned sooner alone.
"""

from neurotask.curriculum import Curriculum, Stage
from neurotask.distributions import Uniform
from neurotask.task import Task
from neurotask.tasks.ready_set_go import ReadySetGo


def curriculum(
    task: Task | None = None,
    *,
    intervals: tuple[tuple[float, float], ...] = ((200.0, 400.0), (400.0, 800.0)),
    settings: tuple[str, ...] = ("interval",),
    threshold: float = 0.9,
    every: int = 50,
    rehearsal: float = 0.2,
) -> Curriculum:
    """Return the ladder of a task with intervals; its last stage is the task as it is.

    Args:
        task: the task; None: ready-set-go, with intervals of 800-1500 ms.
        intervals: the shortest and the longest interval of each stage before, ms.
        settings: which settings of the task are intervals: ("first", "second") of
            interval discrimination.
        threshold: share correct at which a stage is left.
        every: updates between evaluations.
        rehearsal: share of the trials in a stage that are of the stages before.
    """
    task = ReadySetGo() if task is None else task
    laws = [Uniform(shortest, longest) for shortest, longest in intervals]
    steps = [*(task.replace(**dict.fromkeys(settings, law)) for law in laws), task]
    return Curriculum(
        [
            Stage(step, threshold=threshold, every=every, rehearsal=rehearsal if place else 0.0)
            for place, step in enumerate(steps)
        ]
    )


if __name__ == "__main__":
    print(curriculum())
