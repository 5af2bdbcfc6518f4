"""Whether the library's curricula bring networks further than training on the goal alone."""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

import keras

import neurotask as nt
from benchmarks.table import lined_up

SEEDS = (0, 1, 2)
UNITS, BATCH, TESTED = 100, 64, 2048


@dataclass(frozen=True)
class Case:
    """A curriculum to be tried.

    Args:
        curriculum: its name.
        most: updates after which a network that has not passed all stages is tested as it is.
        rate: learning rate of Adam.
        task: the task that it shapes; None: its own.
        settings: its other settings.
    """

    curriculum: str
    most: int
    rate: float = 1e-3
    task: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def load(self) -> nt.Curriculum:
        given = {} if self.task is None else {"task": nt.load(self.task)}
        return nt.load_curriculum(self.curriculum, **given, **self.settings)


CASES = (
    Case("coherence_ladder", 500),
    Case("coherence_staircase", 500),
    Case("context_one_rule_at_a_time", 1000),
    Case("delay_ladder", 2500, rate=3e-3),
    Case("fixation_to_free_choice", 1000),
    Case("interval_ladder", 1000),
    Case("yang2019_groups", 2400, rate=3e-3),
)


@dataclass(frozen=True)
class Shaped:
    """What came of a network.

    Args:
        updates: updates made.
        passed: whether all stages were passed.
        score: share correct of the goal, on trials of which none was seen before.
        seconds: time that training took.
    """

    updates: int
    passed: bool
    score: float
    seconds: float


def train(source: Any, channels: nt.Curriculum, updates: int, rate: float, seed: int) -> Shaped:
    """Train a network for as many updates, or until all stages are passed, and test it.

    Args:
        source: a task or a curriculum.
        channels: the curriculum whose channels and goal the network has.
        updates: updates at most.
        rate: learning rate of Adam.
        seed: seed of weights, trials and noise.
    """
    model = nt.RateRNN.for_task(channels, units=UNITS, tau=100.0, noise=0.05, seed=seed)
    model.compile(keras.optimizers.Adam(rate), rule="bptt")
    begun = time.perf_counter()
    model.fit(source, updates=updates, batch_size=BATCH, seed=seed, verbose=0)
    seconds = time.perf_counter() - begun
    # Seed 7 is that of no training, so nothing was selected on these trials.
    score = model.evaluate(channels.goal, n=TESTED, seed=7)["accuracy"]
    passed = isinstance(source, nt.Curriculum) and "end" in set(source.log["event"])
    return Shaped(int(model.updates.numpy()), passed, score, seconds)


def table(names: tuple[str, ...] = (), seeds: tuple[int, ...] = SEEDS) -> str:
    """Return a line for each case: how far networks come with the curriculum and without it."""
    cells = [("curriculum", "goal", "rate", "updates", "shaped", "goal alone", "seconds")]
    for case in CASES:
        if names and case.curriculum not in names:
            continue
        pairs = []
        for seed in seeds:
            curriculum = case.load()
            shaped = train(curriculum, curriculum, case.most, case.rate, seed)
            alone = train(curriculum.goal, curriculum, shaped.updates, case.rate, seed)
            pairs.append((shaped, alone))
            print(f"{case.curriculum}, seed {seed}: {shaped} {alone}", file=sys.stderr)
        cells.append(
            (
                case.curriculum,
                type(case.load().goal).__name__,
                f"{case.rate:g}",
                ", ".join(f"{one.updates}{'' if one.passed else ' (not all)'}" for one, _ in pairs),
                ", ".join(f"{one.score:.3f}" for one, _ in pairs),
                ", ".join(f"{other.score:.3f}" for _, other in pairs),
                ", ".join(f"{one.seconds:.0f}/{other.seconds:.0f}" for one, other in pairs),
            )
        )
    note = (
        f"Leaky rate networks of {UNITS} units (tau 100 ms, noise 0.05), BPTT, Adam with the "
        f"learning rate given, batches of {BATCH} trials, seeds {', '.join(map(str, seeds))}. A "
        "network is trained on the curriculum until it has passed all stages, or for the most "
        "updates that it is given; one with the same initial weights is trained on the goal alone "
        f"for as many updates. Both are tested on {TESTED} other trials of the goal: share "
        "correct. Seconds are those of training, shaped / alone."
    )
    return f"{note}\n\n{lined_up(cells)}"
