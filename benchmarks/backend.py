"""What constraints add to an update, what other models take, and the memory of a long `run`."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import neurotask as nt
from benchmarks.memory import peak
from benchmarks.ours import Ours, batch
from benchmarks.problem import task
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, interleave

UNITS = 200
N_RUN = 10_000  # trials of the long run
HEADINGS = ("measurement, 200 units, 128 trials of 200 steps", "median", "best", "ratio", "target")


def table(rounds: int) -> str:
    """Return all rows as a Markdown table. What starts processes comes first."""
    memory = [_memory_row(record) for record in ((), ("states", "rates"))]
    return lined_up([HEADINGS, *memory, *_training(rounds), *_running(rounds)])


def constraints() -> dict[str, dict[str, Any]]:
    """Return settings of the networks whose updates are compared, by name."""
    rng = np.random.default_rng(0)
    typed = nt.Units(UNITS, excitatory=0.8)
    mask = rng.random((UNITS, UNITS)) < 0.5
    full = nt.Connectivity(autapses=False, density=0.5, frozen=("E->I", "I->E"))
    return {
        "no constraint": {"units": UNITS},
        "Dale's law": {"units": typed},
        "Dale's law by projection": {
            "units": typed,
            "recurrent": nt.Connectivity(law="projection"),
            "output": nt.Connectivity(law="projection"),
        },
        "mask": {"units": UNITS, "recurrent": nt.Connectivity(mask=mask)},
        "weighted mask": {
            "units": UNITS,
            "recurrent": nt.Connectivity(mask=mask * rng.uniform(0.5, 2.0, mask.shape)),
        },
        "Dale's law, density, frozen, no autapses": {"units": typed, "recurrent": full},
    }


def _training(rounds: int) -> list[tuple[str, ...]]:
    free, *others = constraints()
    networks = {name: _updater(Ours(task=task(), **how)) for name, how in constraints().items()}
    kinds = {
        "form rate": {"units": UNITS, "form": "rate"},
        "short-term plasticity": {"units": UNITS, "plasticity": nt.ShortTermPlasticity()},
        "output feedback": {"units": UNITS, "feedback": nt.Connectivity()},
        "learned tau": {"units": UNITS, "trainable": {"tau": True}},
        "penalties of weights and rates": {
            "units": UNITS,
            "regularizers": [nt.regularizers.L2(1e-3), nt.regularizers.RateL2(1e-3)],
        },
    }
    networks |= {name: _updater(Ours(task=task(), **how)) for name, how in kinds.items()}
    for kind in (nt.LSTM, nt.GRU):
        networks[kind.__name__] = _updater(Ours(task=task(), kind=kind, units=UNITS))
    times = interleave(networks, rounds)
    return [
        (
            f"update, {name}",
            f"{own.median:.1f} ms",
            f"{own.best:.1f} ms",
            f"{own.ratio(times[free]):.2f} x no constraint",
            "<= 1.05" if name in others else "",
        )
        for name, own in times.items()
    ]


def _updater(ours: Ours) -> Candidate:
    arrays, keys = batch(), (tf.constant([1, k], tf.int64) for k in itertools.count())
    return Candidate(lambda: ours.update(*arrays, next(keys)).numpy(), repeats=3)


def _running(rounds: int) -> list[tuple[str, ...]]:
    problem = task()
    trials, model = (
        problem.trials(512, seed=1),
        nt.RateRNN.for_task(problem, units=UNITS, noise=0.05),
    )
    silence = nt.Perturbation("silence", units=list(range(20)), phase="stimulus")
    scaled = nt.Perturbation("weights", factor=0.5, phase="stimulus")
    calls: dict[str, Callable[[], object]] = {
        "run of 512 trials": lambda: model.run(trials, record=()),
        "the same, units silenced": lambda: model.run(trials, record=(), perturbation=silence),
        "the same, weights scaled": lambda: model.run(trials, record=(), perturbation=scaled),
        "simulate (NumPy) of 512 trials": lambda: nt.simulate(model, trials, record=()),
    }
    times = interleave({name: Candidate(call, repeats=1) for name, call in calls.items()}, rounds)
    plain = times["run of 512 trials"]
    return [
        (name, f"{own.median:.0f} ms", f"{own.best:.0f} ms", f"{own.ratio(plain):.2f} x run", "")
        for name, own in times.items()
    ]


def _memory_row(record: tuple[str, ...]) -> tuple[str, ...]:
    command = [sys.executable, "-m", "benchmarks.backend", *record]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peaks = json.loads(done.stdout)
    kept = " and ".join(record) or "outputs and behaviour alone"
    target = "" if record else "< 1000 MiB"
    above = f"({peaks['run'] - peaks['import']:.0f} after import)"
    name = f"peak memory of `run`, {N_RUN} trials of 200 steps, {kept}"
    return (name, f"{peaks['run']:.0f} MiB {above}", "", "", target)


def _measure(record: tuple[str, ...]) -> dict[str, float]:
    imported = peak()
    problem = task()
    model = nt.RateRNN.for_task(problem, units=UNITS, noise=0.05, seed=0)
    model.run(problem.trials(N_RUN, seed=1), record=record)
    return {"import": imported, "run": peak()}


if __name__ == "__main__":
    print(json.dumps(_measure(tuple(sys.argv[1:]))))
