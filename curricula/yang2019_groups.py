"""Yang's twenty rules in groups: from plain responses over decisions to delayed matching.

Each group builds on what those before it need: responses to a direction, the opposite direction,
the stronger of two stimuli, the same over a delay, and whether two stimuli match. All rules learned
so far are trained on, as many trials of each group; the last stage is all twenty alike.

Source: Yang, Joglekar, Song, Newsome & Wang (2019) Nat. Neurosci. 22:297 for the rules and their
families; they were trained mixed from the start there, and the order is a choice made here.

Seen: a network of 100 units passes "all" after 2300 updates (64 trials each; Adam, 0.003), about
four minutes: 74 % right on fresh trials of the twenty rules, near all in responses, about half in
contextual and in delayed decisions, whose groups end by their limit. With all rules from the start,
as many updates lead to 65 %.
"""

from neurotask.curriculum import Curriculum, Stage
from neurotask.tasks.yang2019 import Yang2019

GROUPS = {
    "go": ("fdgo", "reactgo", "delaygo"),
    "anti": ("fdanti", "reactanti", "delayanti"),
    "decision": ("dm1", "dm2", "contextdm1", "contextdm2", "multidm"),
    "delayed decision": (
        *("delaydm1", "delaydm2", "contextdelaydm1", "contextdelaydm2"),
        "multidelaydm",
    ),
    "matching": ("dmsgo", "dmsnogo", "dmcgo", "dmcnogo"),
}


def curriculum(
    task: Yang2019 | None = None,
    *,
    groups: tuple[str, ...] = tuple(GROUPS),
    threshold: float = 0.75,
    limit: int = 600,
    every: int = 100,
    trials: int = 512,
    rehearsal: float = 0.4,
) -> Curriculum:
    """Return a stage for each group of rules, and one for all of them.

    Args:
        task: the rules with their other settings; None: those of the paper.
        groups: names of groups, in order.
        threshold: share correct at which a stage is left.
        limit: updates after which the next group comes even so; "all" has no limit.
        every: updates between evaluations.
        trials: trials an evaluation.
        rehearsal: share of the trials in a group that are of the groups before.
    """
    task = Yang2019() if task is None else task
    criterion = dict(threshold=threshold, every=every, trials=trials)
    stages = [
        Stage(
            task.replace(rules=GROUPS[group], weights=None),
            rehearsal=rehearsal if place else 0.0,
            limit=limit,
            on_limit="advance",
            name=group,
            **criterion,
        )
        for place, group in enumerate(groups)
    ]
    learned = tuple(rule for group in groups for rule in GROUPS[group])
    all_rules = task.replace(rules=learned, weights=None)
    return Curriculum([*stages, Stage(all_rules, name="all", **criterion)])


if __name__ == "__main__":
    print(curriculum())
