"""How well each learning rule trains a network under Dale's law, at a learning rate of its own."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from scipy.stats import binom

import neurotask as nt
from benchmarks.table import lined_up

UNITS, TRIALS, UPDATES = 20, 32, 2000
RATES = (3e-4, 1e-3, 3e-3, 1e-2)  # the same for all rules
TUNING, SEEDS = (100, 101), (0, 1, 2, 3, 4)
N_TEST = 2048
HEADINGS = (
    "rule", "learning rate", "accuracy (median of 5)", "lowest, highest", "networks above chance",
    "ms an update",
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """What a rule made of several networks: accuracy of each, (network,), and ms an update."""

    accuracy: np.ndarray
    milliseconds: float


def task() -> nt.Task:
    """Return motion discrimination in 26 steps of 50 ms."""
    timing = {"dt": 50.0, "fixation": 200.0, "stimulus": 800.0, "decision": 300.0}
    return nt.load("perceptual_discrimination", **timing)


@dataclass(frozen=True)
class Way:
    """A way to learn: the rule at a learning rate, and what its networks have of their own."""

    rule: Callable[[float], nt.rules.LearningRule]
    network: dict[str, Any] = field(default_factory=dict)


def ways() -> dict[str, Way]:
    """Return all ways to learn, by name."""

    def as_it_comes(kind: type[nt.rules.LearningRule]) -> Way:
        return Way(lambda _: kind())

    made = {
        name: as_it_comes(kind) for name, kind in nt.rules.named().items() if kind.price is not None
    }
    made["rflo, symmetric feedback"] = Way(lambda _: nt.rules.RFLO(feedback="symmetric"))
    made["rflo, at each step"] = Way(lambda _: nt.rules.RFLO(when=1))
    # A jolt of 50 ms moves more than one of 1 ms, and cubes want rates that are bounded.
    jolted = nt.rules.Miconi(amplitude=3.0, rate=0.5, update=nt.rules.Descent())
    made["miconi"] = Way(lambda _: jolted, {"activation": "tanh"})
    # The readout alone learns: the rest must be stable, and least squares know no signs.
    reservoir = {
        "activation": "tanh",
        "recurrent": nt.Connectivity(initializer=nt.initializers.SpectralRadius(0.9)),
        "output": nt.Connectivity(sign=0),
    }
    made["force"] = Way(
        lambda rate: nt.rules.FORCE(update=nt.rules.RLS(alpha=1.0 / rate / 100)), reservoir
    )
    return dict(sorted(made.items()))


def train(way: Way, rate: float, seeds: Sequence[int]) -> Trained:
    """Train a network of each seed; one that diverges has no accuracy."""
    problem, accuracy, took = task(), [], []
    for seed in seeds:
        units = nt.Units(UNITS, excitatory=0.8)
        model = nt.RateRNN.for_task(problem, units=units, noise=0.05, seed=seed, **way.network)
        model.compile(keras.optimizers.Adam(rate), rule=way.rule(rate))
        how_to: dict[str, Any] = {"batch_size": TRIALS, "seed": seed, "verbose": 0}
        try:
            model.fit(problem, updates=50, **how_to)  # compiled by the end
            start = time.perf_counter()
            model.fit(problem, updates=UPDATES - 50, **how_to)
            took.append((time.perf_counter() - start) / (UPDATES - 50) * 1e3)
            accuracy.append(model.evaluate(problem, n=N_TEST, seed=seed)["accuracy"])
        except FloatingPointError:
            accuracy.append(np.nan)
    return Trained(np.array(accuracy), float(np.median(took)) if took else np.nan)


def table(names: Sequence[str] = ()) -> str:
    """Return the table of some rules, of all where none is named."""
    names = [name for name in ways() if not names or name in names]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        rows = []
        for row in pool.map(measure, names):
            rows.append(row)
            print(*row, sep=" | ", file=sys.stderr, flush=True)
    return f"{_text()}\n\n{lined_up([HEADINGS, *rows])}"


def measure(name: str) -> tuple[str, ...]:
    """Return the row of a rule: its rate is chosen, then it is trained on other seeds."""
    way = ways()[name]
    # By the worst of them: a rate at the edge of what is stable fails in some network.
    tuned = [np.nan_to_num(train(way, rate, TUNING).accuracy).min() for rate in RATES]
    best = RATES[int(np.argmax(tuned))]
    return _row(name, best, train(way, best, SEEDS))


def _row(name: str, rate: float, done: Trained) -> tuple[str, ...]:
    # Share correct that chance passes once in a thousand.
    bound = binom.ppf(0.999, N_TEST, 0.5) / N_TEST
    known = done.accuracy[np.isfinite(done.accuracy)]
    middle = f"{np.median(known):.3f}" if len(known) else ""
    ends = f"{known.min():.3f}, {known.max():.3f}" if len(known) else ""
    above = f"{int((known > bound).sum())} of {len(done.accuracy)}"
    return name, f"{rate:g}", middle, ends, above, f"{done.milliseconds:.1f}"


def _text() -> str:
    problem = task()
    trials = problem.trials(20_000, seed=3)
    ideal = problem.behavior(trials, problem.observer(trials))["correct"].mean()
    return (
        f"Leaky rate networks of {UNITS} units, 80 % excitatory, under Dale's law (tau 100 ms, "
        f"noise 0.05), on motion discrimination of {problem.trials(1).inputs.shape[1]} steps; "
        f"{UPDATES} updates of {TRIALS} trials by Adam. The learning rate is the best of "
        f"{', '.join(f'{rate:g}' for rate in RATES)} by the lower accuracy of networks "
        f"of the seeds {', '.join(map(str, TUNING))}; the table is of the seeds "
        f"{', '.join(map(str, SEEDS))}, "
        f"each tested on {N_TEST} other trials. A network is above chance where its accuracy is "
        f"one that guessing passes once in a thousand. An ideal observer has {ideal:.3f}. The "
        "networks of miconi have tanh units, jolts of amplitude 3 at 0.5 Hz, and Adam in place of "
        "clipped steps. force changes the readout alone, in networks of tanh units, of a spectral "
        "radius of 0.9, with readouts of either sign; it has no rate, and the grid is one of "
        "alpha = 1 / (100 rate). As many rules at once as there are cores."
    )
