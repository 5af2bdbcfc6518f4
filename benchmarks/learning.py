"""Whether a network of 100 units learns a task to the score that its file states."""

import sys
import time
from dataclasses import dataclass

import keras

import neurotask as nt
from benchmarks.table import lined_up

# One task of each cognitive function.
TASKS = (
    "perceptual_discrimination",
    "probabilistic_reasoning",
    "economic_choice",
    "flip_flop",
    "context_dependent_decision",
    "match_to_category",
    "sequence_execution",
    "go_no_go",
    "center_out_reach",
    "ready_set_go",
)
SEEDS = (0, 1, 2)
UNITS, BATCH, SEGMENT, MOST = 100, 64, 50, 2500
CHECKED, TESTED = 512, 2048  # trials of a check while training, and of the test at the end


@dataclass(frozen=True)
class Learned:
    """What came of training one network.

    Args:
        updates: updates made.
        reached: whether a check reached the expected score.
        score: share correct in the test, on trials of which none was seen before.
        seconds: time that training took.
    """

    updates: int
    reached: bool
    score: float
    seconds: float


class StopAt(keras.callbacks.Callback):
    """Stops training once two checks in a row reach a score: one may be luck."""

    def __init__(self, task: nt.Task, score: float):
        super().__init__()
        self._task, self._score, self.passed = task, score, 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        # A block task has many trials a row.
        n = max(1, CHECKED // (self._task.trials_per_block or 1))
        found = self.model.evaluate(self._task, n=n, seed=1000 + epoch)["accuracy"]
        self.passed = self.passed + 1 if found >= self._score else 0
        self.model.stop_training = self.passed == 2


def train(task: nt.Task, seed: int, most: int = MOST) -> Learned:
    """Train a network until it has the expected score, and test it.

    Args:
        task: the task.
        seed: seed of weights, trials and noise.
        most: updates after which it is given up.
    """
    if task.expected_score is None:
        raise ValueError(
            f"`task` must state an `expected_score`, but {type(task).__name__} has none."
        )
    per_row = task.trials_per_block or 1
    model = nt.RateRNN.for_task(task, units=UNITS, tau=100.0, noise=0.05, seed=seed)
    model.compile(keras.optimizers.Adam(1e-3), rule="bptt")
    stop, begun = StopAt(task, task.expected_score), time.perf_counter()
    rows = max(8, BATCH // per_row)
    model.fit(
        task,
        updates=most,
        batch_size=rows,
        seed=seed,
        segment=SEGMENT,
        callbacks=[stop],
        verbose=0,
    )
    seconds = time.perf_counter() - begun
    # Seed 7 is that of no check, so nothing was selected on these trials.
    score = model.evaluate(task, n=max(1, TESTED // per_row), seed=7)["accuracy"]
    return Learned(int(model.updates.numpy()), stop.passed == 2, score, seconds)


def table(names: tuple[str, ...] = (), seeds: tuple[int, ...] = SEEDS) -> str:
    """Return a line for each task named, or all: how long networks trained, how well they did."""
    cells = [("task", "function", "expected", "updates", "score in the test", "ideal", "seconds")]
    for name in names or TASKS:
        task = nt.load(name)
        found = []
        for seed in seeds:
            found.append(train(task, seed))
            print(f"{name}, seed {seed}: {found[-1]}", file=sys.stderr)
        updates = (f"{one.updates}{'' if one.reached else ' (not reached)'}" for one in found)
        cells.append(
            (
                name,
                task.function,
                f"{task.expected_score:.2f}",
                ", ".join(updates),
                ", ".join(f"{one.score:.3f}" for one in found),
                f"{_ideal(task):.3f}",
                ", ".join(f"{one.seconds:.0f}" for one in found),
            )
        )
    note = (
        f"Leaky rate networks of {UNITS} units (tau 100 ms, noise 0.05), BPTT, Adam with learning "
        f"rate 0.001, batches of {BATCH} trials (block tasks: of 8 blocks or more), seeds "
        f"{', '.join(map(str, seeds))}. Training ends when two checks in a row, {SEGMENT} updates "
        f"apart, on {CHECKED} fresh trials each, reach the score that the task's file states as "
        f"expected, or after {MOST} updates. The test is on {TESTED} other trials. Ideal is the "
        "share correct of the task's ideal observer on such trials."
    )
    return f"{note}\n\n{lined_up(cells)}"


def _ideal(task: nt.Task) -> float:
    trials = task.trials(max(1, TESTED // (task.trials_per_block or 1)), seed=7)
    return float(task.behavior(trials, task.observer(trials))["correct"].mean())
