"""How fast trials are made."""

import importlib
import importlib.util
import itertools

import numpy as np

from benchmarks.problem import N_TRIALS
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, interleave
from neurotask import load
from neurotask._streams import Stream
from neurotask.load import library, task_names
from neurotask.task import Task

REFERENCE = "perceptual_discrimination"


def table(rounds: int) -> str:
    """Return a line for each task of the library: how fast it makes batches of 128 rows."""
    tasks = {stem: load(stem) for stem in library()}
    candidates = {stem: Candidate(_maker(made), repeats=3) for stem, made in tasks.items()}
    times = interleave(candidates, rounds)
    per_element = {stem: times[stem].median / _elements(made) for stem, made in tasks.items()}
    peers = _neurogym()
    head = ("task", "channels", "steps", "trials/s", "best", "ns an element", "/ reference")
    cells: list[list[str]] = [[*head, *(["neurogym, trials/s"] if peers is not None else [])]]
    for stem, made in tasks.items():
        trials = N_TRIALS * (made.trials_per_block or 1)
        median, best = (
            f"{1e3 * trials / ms:,.0f}" for ms in (times[stem].median, times[stem].best)
        )
        steps = int(made.trials(N_TRIALS).lengths.mean())
        cost, ratio = per_element[stem], per_element[stem] / per_element[REFERENCE]
        channels = f"{len(made.inputs)} / {len(made.outputs)}"
        line = (stem, channels, f"{steps}", median, best, f"{1e6 * cost:.2f}", f"{ratio:.2f}")
        cells.append([*line, *([_peer(made, peers)] if peers is not None else [])])
    note = (
        f"Batches of {N_TRIALS} rows at dt = 20 ms, each from a number of its own. Targets: 20,000 "
        f"trials/s in each task, and per element of inputs, targets and mask at most 5 times the "
        f"cost of {REFERENCE}. A row of a block task holds several trials; its steps are those of "
        "the row. Channels are inputs / outputs."
    )
    return f"{note}\n\n{lined_up(cells)}"


def _maker(made: Task):
    index = itertools.count()
    return lambda: made.batch(N_TRIALS, seed=0, stream=Stream.TRAINING, index=next(index))


def _elements(made: Task) -> int:
    trials = made.trials(N_TRIALS)
    return sum(array.size for array in (trials.inputs, trials.targets, trials.mask))


def _neurogym() -> set[str] | None:
    """Return the environments of neurogym by id, or None where it is not installed."""
    if importlib.util.find_spec("neurogym") is None:
        return None
    return set(importlib.import_module("neurogym").all_envs())


def _peer(made: Task, known: set[str]) -> str:
    """Return how fast neurogym makes trials of the task of the same name, if it has one."""
    names = [f"{name}-v0" for name in task_names(type(made)) if f"{name}-v0" in known]
    if not names:
        return ""
    env = importlib.import_module("neurogym").make(names[0], dt=20)
    env.reset()
    make = Candidate(env.get_wrapper_attr("new_trial"), repeats=N_TRIALS)
    times = interleave({"new_trial": make}, 3)["new_trial"]
    return f"{1e3 / np.median(times.median):,.0f}"
