"""From a task to a trained network: updates with their trials, and what else goes with training."""

import io
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any

import keras
import numpy as np

import neurotask as nt
from benchmarks import ways
from benchmarks.ours import Ours
from benchmarks.problem import N_STEPS, N_TRIALS, Size, task
from benchmarks.section import Goal, Section
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, Times, interleave
from benchmarks.turns import Worker
from neurotask._streams import Stream
from neurotask.backend.feeding import UPDATES_PER_EXECUTION

UPDATES = 50  # of one `fit`: a segment of the default length
EVERY, TESTED = 50, 256  # updates between evaluations, and trials of each
HEADINGS = ("measurement", "median", "best", "trials/s", "ratio", "to")
FIT, QUIET = "fit", "fit, no noise"
BARE, TRIALS = "bare update", "making the trials"
FORWARD, SCAN_FORWARD = "forward only", "forward only, tf.scan"
DALE = "fit, Dale's law and a mask"
CHECKED = f"fit, evaluated every {EVERY} updates on {TESTED} trials"
SHOWN, ALL = "fit, callbacks and progress bar", "fit, all of these"
# What each is compared with.
COMPARED = {
    FIT: (BARE, "PyTorch"),
    QUIET: ("PsychRNN",),
    TRIALS: (BARE,),
    FORWARD: (SCAN_FORWARD,),
    **dict.fromkeys((DALE, CHECKED, SHOWN, ALL), (FIT,)),
}


class Terminal(io.StringIO):
    """Takes what is printed; progress bars are drawn as on a terminal."""

    def isatty(self) -> bool:
        return True


def measure(
    sizes: Iterable[int], rounds: int, workers: Mapping[tuple[str, int], Worker]
) -> dict[tuple[str, int], Times]:
    """Time everything in turns, by what it is and by number of units."""
    sizes = tuple(sizes)
    candidates = {
        (name, units): candidate
        for units in sizes
        for name, candidate in _candidates(units, full=units == sizes[0]).items()
    }
    candidates |= {key: Candidate(call) for key, call in workers.items() if key[1] in sizes}
    return interleave(candidates, rounds)


def section(times: Mapping[tuple[str, int], Times]) -> Section:
    """Return the table and the goals of what was measured."""
    cells = [HEADINGS, *(_row(times, name, units) for name, units in times)]
    runs_on = Ours(2, task()).model.runs_on
    text = (
        f'{N_TRIALS} trials an update, {N_STEPS} steps; `engine="auto"`, which here is "{runs_on}".'
    )
    body = f"{text}\n\n{lined_up(cells)}"
    return Section("From the task to the trained network", body, tuple(_goals(times)))


def _candidates(units: int, full: bool) -> dict[str, Candidate]:
    """Return what is timed at a size; `full`: also the parts of `ALL` one by one."""
    problem, size = task(), Size(units)
    ours, bare = Ours(units, problem), Ours(units, problem, at_once=UPDATES_PER_EXECUTION)
    scan, arrays, noise = ways.plain_scan(units), ways.batch(), ways.keys()
    trials, index = problem.trials(N_TRIALS, seed=1), itertools.count()
    extras = _extras(units, problem)
    fits = {FIT: _fit(ours), QUIET: _fit(Ours(units, problem, noise=0.0))}
    fits |= extras if full else {ALL: extras[ALL]}
    calls = {
        TRIALS: lambda: problem.batch(N_TRIALS, seed=0, stream=Stream.TRAINING, index=next(index)),
        FORWARD: lambda: ours.forward(trials, next(index)),
        SCAN_FORWARD: lambda: scan.forward(arrays[0], next(noise)).numpy(),
    }
    once = {
        name: Candidate(call, repeats=1, updates=UPDATES, settles=True)
        for name, call in fits.items()
    }
    once[BARE] = Candidate(ways.updated(bare, size), 5, UPDATES_PER_EXECUTION, settles=True)
    return once | {name: Candidate(call) for name, call in calls.items()}


def _extras(units: int, problem: nt.Task) -> dict[str, Callable[[], None]]:
    """Return what goes with training, one by one and together."""
    mask = np.random.default_rng(0).random((units, units)) < 0.5
    constrained: dict[str, Any] = {
        "units": nt.Units(units, excitatory=0.8),
        "recurrent": nt.Connectivity(mask=mask),
    }
    stage = nt.Stage(problem, threshold=None, every=EVERY, trials=TESTED)
    evaluated, watched = {"source": nt.Curriculum((stage,))}, {"verbose": 1}
    return {
        DALE: _fit(Ours(task=problem, **constrained)),
        CHECKED: _fit(Ours(units, problem), **evaluated),
        SHOWN: _fit(Ours(units, problem), **watched),
        ALL: _fit(Ours(task=problem, **constrained), **evaluated, **watched),
    }


def _fit(ours: Ours, **how: Any) -> Callable[[], None]:
    def fit() -> None:
        callbacks = [
            keras.callbacks.EarlyStopping("loss", patience=1000),
            keras.callbacks.ReduceLROnPlateau("loss", patience=1000),
        ]
        with redirect_stdout(Terminal()):
            ours.fit(UPDATES, callbacks=callbacks if "verbose" in how else (), **how)

    return fit


def _row(times: Mapping[tuple[str, int], Times], name: str, units: int) -> tuple[str, ...]:
    own = times[name, units]
    others = [other for other in COMPARED.get(name, ()) if (other, units) in times]
    ratios = (f"{own.ratio(times[other, units]):.3f}" for other in others)
    return (
        f"{name}, {units} units",
        f"{own.median:.2f} ms",
        f"{own.best:.2f} ms",
        f"{1e3 * N_TRIALS / own.median:,.0f}",
        ", ".join(ratios),
        ", ".join(others),
    )


def _goals(times: Mapping[tuple[str, int], Times]) -> Iterable[Goal]:
    wanted = (
        (QUIET, 50, "PsychRNN", "<= 0.025, or 0.017"),
        (FIT, 50, "PyTorch", "<= 0.2"),
        (FIT, 200, "PyTorch", "<= 0.33"),
        (TRIALS, 50, BARE, "<= 0.05"),
        (TRIALS, 200, BARE, "<= 0.05"),
        (FIT, 50, BARE, ""),
        (FIT, 200, BARE, ""),
        (ALL, 50, FIT, "<= 1.10"),
        (ALL, 200, FIT, "<= 1.10"),
    )
    for name, units, other, target in wanted:
        if (name, units) not in times:
            continue
        below = times.get((other, units))
        figure = "not installed" if below is None else f"{times[name, units].ratio(below):.3f}"
        yield Goal(f"{name} / {other}, {units} units", figure, target)
