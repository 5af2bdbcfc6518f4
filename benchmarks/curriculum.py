"""What a curriculum adds to training: evaluations, the log, the run folder, a change of stage."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

import neurotask as nt
from benchmarks.problem import N_TRIALS, NOISE, TAU, task
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, Times, interleave
from neurotask import runs
from neurotask.backend.keeping import Keeper

SIZES = ((50, 100), (50, 200), (200, 100), (200, 200))  # units, steps
UPDATES = 100  # updates that are timed at once
EVERY, TESTED = 50, 256  # updates between evaluations, and trials of each
UNTESTED = {"seed": 0, "repeats": 1, "record": []}  # the end of a run is not what is timed
HEADINGS = ("measurement, 128 trials an update", "median", "best", "ratio", "target")


def table(rounds: int) -> str:
    """Return all rows as a Markdown table."""
    rows = [row for size in SIZES for row in _evaluating(*size, rounds)]
    return lined_up([HEADINGS, *rows, *_often(rounds), *_changing(rounds), *_keeping(rounds)])


class Clock(keras.callbacks.Callback):
    """Seconds of each segment, evaluation included, and of all from the first to the last."""

    def __init__(self) -> None:
        super().__init__()
        self._at: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._at = [time.perf_counter()]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._at.append(time.perf_counter())

    def on_train_end(self, logs: Any = None) -> None:
        self._at.append(time.perf_counter())  # after the last checkpoint

    @property
    def segments(self) -> np.ndarray:
        """Seconds of each segment."""
        return np.diff(self._at[:-1])

    @property
    def seconds(self) -> float:
        """Seconds from the first update to the last checkpoint."""
        return self._at[-1] - self._at[0]


def _evaluating(units: int, n_steps: int, rounds: int) -> list[tuple[str, ...]]:
    problem, name = task(n_steps), f"{units} units, {n_steps} steps"
    stage = nt.Stage(problem, threshold=None, every=EVERY, trials=TESTED)
    curriculum = nt.Curriculum((stage,))
    ways = {
        f"update, {name}, fit(task)": _trained(units, problem),
        f"update, {name}, evaluated every {EVERY} on {TESTED} trials": _trained(units, curriculum),
        "the same, in a run folder (a checkpoint each 30 s and at the end)": _kept(
            units, curriculum
        ),
    }
    return _rows(_in_turns(ways, rounds), "<= 1.10")


def _often(rounds: int) -> list[tuple[str, ...]]:
    problem, name = task(100), "50 units, 100 steps"
    curriculum = nt.Curriculum((nt.Stage(problem, threshold=None, every=1, trials=50),))
    ways = {
        f"update, {name}, fit(task, segment=1)": _trained(50, problem, segment=1),
        f"update, {name}, evaluated every update on 50 trials": _trained(50, curriculum),
        "the same, in a run folder (no checkpoint before the end)": _kept(50, curriculum),
    }
    return _rows(_in_turns(ways, rounds), "")


def _changing(rounds: int) -> list[tuple[str, ...]]:
    """Return how long the first segment of a stage takes that has longer trials."""
    stages = [
        nt.Stage(task(n), threshold=None, every=10, limit=50, on_limit="advance") for n in (96, 104)
    ]
    times, traces = {"before": [], "after": []}, 0
    for _ in range(rounds):
        model, clock = _network(50, stages[0].task), Clock()
        model.fit(stages[0].task, updates=10, batch_size=N_TRIALS, verbose=0)  # compiles
        model.evaluate(stages[0].task, n=TESTED)
        compiled = _traces(model)
        curriculum = nt.Curriculum(tuple(stages))
        model.fit(curriculum, updates=100, batch_size=N_TRIALS, callbacks=[clock], verbose=0)
        traces = max(traces, _traces(model) - compiled)
        times["before"].append(clock.segments[1:5] * 100)  # s of 10 updates to ms of one
        times["after"].append(clock.segments[5:6] * 100)
    before, after = (Times(np.array(times[name])) for name in ("before", "after"))
    name = "update, 50 units, evaluated every 10, last segments of a stage (96 steps)"
    return [
        (name, f"{before.median:.2f} ms", f"{before.best:.2f} ms", "", ""),
        (
            "the same, first segment of the next stage (104 steps)",
            f"{after.median:.2f} ms",
            f"{after.best:.2f} ms",
            f"{after.ratio(before):.2f} x",
            "",
        ),
        ("functions traced anew at the change of stage", str(traces), "", "", "0"),
    ]


def _keeping(rounds: int) -> list[tuple[str, ...]]:
    """Return what the end of a segment takes in a run folder, and a checkpoint."""
    calls = {}
    logs = {"updates": 50, "loss": 0.1, "accuracy": 0.5, "learning_rate": 0.001}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        for units in (50, 200, 1000):
            model, out = _network(units, task(100)), Path(folder) / f"{units}"
            course, plan = runs.prepare(
                model, task(100), out, updates=1, checkpoint_seconds=None, evaluation=UNTESTED
            )
            keeper = Keeper(model, course, out, plan | {"done": 0}, None)
            stack.callback(keeper.close)
            calls[f"{units} units, end of a segment: history, copy of all variables"] = Candidate(
                partial(keeper.keep, logs)
            )
            calls[f"{units} units, checkpoint"] = Candidate(keeper.checkpoint)
        times = interleave(calls, rounds)
    return [
        (name, f"{own.median:.2f} ms", f"{own.best:.2f} ms", "", "") for name, own in times.items()
    ]


def _trained(units: int, source: Any, **settings: Any) -> Callable[[], float]:
    """Return what trains a network and returns ms an update."""
    model, clock = _network(units, source), Clock()

    def train() -> float:
        model.fit(
            source,
            updates=UPDATES,
            batch_size=N_TRIALS,
            callbacks=[clock],
            verbose=0,
            **settings,
        )
        return clock.seconds / UPDATES * 1e3

    return train


def _kept(units: int, source: Any) -> Callable[[], float]:
    """Return the same with a run folder, whose beginning and end are not timed."""
    model, clock = _network(units, source), Clock()

    def train() -> float:
        with TemporaryDirectory() as folder:
            out, plan = Path(folder) / "run", {"updates": UPDATES, "batch_size": N_TRIALS}
            course, plan = runs.prepare(model, source, out, **plan, evaluation=UNTESTED)
            keeper = Keeper(model, course, out, plan | {"done": 0}, None)
            model.trainer.fit(course, UPDATES, N_TRIALS, 0, [clock], 0, keeper)
            keeper.close()
        return clock.seconds / UPDATES * 1e3

    return train


def _network(units: int, source: Any) -> nt.RateRNN:
    model = nt.RateRNN.for_task(source, units=units, tau=TAU, noise=NOISE, seed=0)
    model.compile("adam")
    return model


def _traces(model: nt.RateRNN) -> int:
    """Return how many graphs there are: the trainer's functions are of one each."""
    runs = model.runner._compiled.values()
    traced = sum(function.experimental_get_tracing_count() for function in runs)
    return len(model.trainer._compiled) + traced


def _in_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Times]:
    """Time ways of training round by round, each round in another order, once to warm up."""
    samples: dict[str, list[list[float]]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for at in range(rounds):
        for name in np.roll(list(ways), at):
            samples[name].append([ways[name]()])
    return {name: Times(np.array(rows)) for name, rows in samples.items()}


def _rows(times: Mapping[str, Times], target: str) -> list[tuple[str, ...]]:
    first, *_ = times
    return [
        (
            name,
            f"{own.median:.2f} ms",
            f"{own.best:.2f} ms",
            "" if name == first else f"{own.ratio(times[first]):.2f} x fit(task)",
            "" if name == first else target,
        )
        for name, own in times.items()
    ]
