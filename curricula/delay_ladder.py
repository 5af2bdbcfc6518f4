"""Delay ladder: learn what to keep in mind over a short delay, then for longer.

Over a delay that is long at once a network finds no gradient to follow: what it forgets at first
says nothing of what would have been worth keeping. Over a short one it learns what matters, and
then only has to hold on. Some trials with the shorter delays go on being trained.

Source: Krueger & Dayan (2009) Cognition 110:380 on networks that are shaped for a task of working
memory. The task is that of Freedman & Assad (2006) Nature 443:85, the delays are choices made here.

Seen: networks of 100 units (64 trials an update; Adam, 0.003). Delayed match to category passes all
stages in 1950 updates, most of them at the shortest delay, and is right in 90 % of fresh trials
with 1 s of delay; trained on those alone for as long, in 47 %, chance. Delayed match to sample: in
79 % after 1500 updates, against 49 %.
"""

from neurotask.curriculum import Curriculum, Stage
from neurotask.task import Task
from neurotask.tasks.delayed_match_to_category import DelayedMatchToCategory


def curriculum(
    task: Task | None = None,
    *,
    delays: tuple[float, ...] = (100.0, 200.0, 500.0),
    setting: str = "delay",
    threshold: float = 0.9,
    every: int = 50,
    rehearsal: float = 0.2,
) -> Curriculum:
    """Return the ladder of a task with a delay; its last stage is the task as it is.

    Args:
        task: the task; None: delayed match to category, with a delay of 1 s.
        delays: the delay of each stage before, ms, from short to long.
        setting: which setting of the task is the delay.
        threshold: share correct at which a stage is left.
        every: updates between evaluations.
        rehearsal: share of the trials in a stage that have the delays of the stages before;
            0 for a task with blocks, which is not mixed with others.
    """
    task = DelayedMatchToCategory() if task is None else task
    steps = [*(task.replace(**{setting: delay}) for delay in delays), task]
    return Curriculum(
        [
            Stage(step, threshold=threshold, every=every, rehearsal=rehearsal if place else 0.0)
            for place, step in enumerate(steps)
        ]
    )


if __name__ == "__main__":
    print(curriculum())
