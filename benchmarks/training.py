"""A training step: the package beside plain `tf.scan`, Keras, and the matrix products alone."""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.keras_rnn import KerasRNN
from benchmarks.ours import Ours
from benchmarks.plain_scan import PlainScan
from benchmarks.problem import N_STEPS, N_TRIALS, NOISE, TAU, task
from benchmarks.products import by_numpy, by_tensorflow
from benchmarks.table import Row
from benchmarks.timing import Candidate, Times, interleave

UPDATES = 50  # of one `fit`: a segment of the default length
SCAN = "training step, plain tf.scan"
PRODUCTS = "matrix products of a training step"
SCAN_FORWARD = "forward only, plain tf.scan"
TARGETS = {"training step, neurotask, bare update": "<= 1.2 x plain tf.scan"}


def plain_scan(units: int) -> PlainScan:
    """Return the yardstick with the channels and the settings of the problem."""
    problem = task()
    alpha = problem.dt / TAU
    return PlainScan(units, len(problem.inputs), len(problem.outputs), alpha, NOISE)


def batch() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return inputs, targets and mask of one batch."""
    trials = task().trials(N_TRIALS, seed=1)
    return tf.constant(trials.inputs), tf.constant(trials.targets), tf.constant(trials.mask)


def rows(units: int, rounds: int) -> list[Row]:
    """Return the rows of one network size."""
    times = interleave(_candidates(units), rounds)
    return [_row(name, times, units) for name in times]


def _candidates(units: int) -> dict[str, Candidate]:
    problem, arrays = task(), batch()
    ours, scan = Ours(units, problem), plain_scan(units)
    layers = KerasRNN(units, len(problem.inputs), len(problem.outputs))
    # The noise is another one in every call, as in training.
    keys = (tf.constant([1, update], tf.int64) for update in itertools.count())
    trained = {
        "training step, neurotask, bare update": lambda: ours.update(*arrays, next(keys)),
        SCAN: lambda: scan.update(*arrays, next(keys)),
        "training step, Keras SimpleRNN + Dense (no noise)": lambda: layers.update(*arrays),
        "forward only, neurotask": lambda: ours.forward(arrays[0], next(keys)),
        SCAN_FORWARD: lambda: scan.forward(arrays[0], next(keys)),
    }
    whole = Candidate(lambda: ours.fit(UPDATES), repeats=1, updates=UPDATES)
    sizes = N_TRIALS, N_STEPS, units
    return {
        "training step, neurotask, whole fit with trials": whole,
        **{name: Candidate(_finished(call)) for name, call in trained.items()},
        f"{PRODUCTS}, NumPy on 1 thread": Candidate(by_numpy(*sizes)),
        f"{PRODUCTS}, TensorFlow": Candidate(_finished(by_tensorflow(*sizes))),
    }


def _finished(call: Callable[[], tf.Tensor]) -> Callable[[], np.ndarray]:
    return lambda: call().numpy()


def _row(name: str, times: dict[str, Times], units: int) -> Row:
    own, is_forward = times[name], name.startswith("forward")
    scan = times[SCAN_FORWARD if is_forward else SCAN]
    floor = min((times[n] for n in times if n.startswith(PRODUCTS)), key=lambda t: t.median)
    return Row(
        f"{name}, {units} units",
        f"{own.median:.2f} ms",
        f"{own.best:.2f} ms",
        "" if name.startswith(PRODUCTS) else f"{own.ratio(scan):.2f}",
        "" if is_forward else f"{own.ratio(floor):.1f}",
        TARGETS.get(name, ""),
    )
