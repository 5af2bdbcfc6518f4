"""Every way of making a training step that is measured, each as a function without arguments."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

import numpy as np
import tensorflow as tf

from benchmarks.keras_rnn import KerasRNN
from benchmarks.ours import Ours, batch, engines
from benchmarks.plain_scan import PlainScan
from benchmarks.problem import NOISE, TAU, Size, task
from benchmarks.products import by_numpy, by_tensorflow
from benchmarks.turns import Worker
from neurotask.backend.feeding import UPDATES_PER_EXECUTION

Call = Callable[[], object]
# A peer where it is installed, and its worker.
PEERS = {
    "PyTorch": ("torch", "benchmarks.torch_loop"),
    "PsychRNN": ("psychrnn", "benchmarks.psychrnn_loop"),
}
PRODUCTS = ("products, NumPy", "products, TensorFlow")
SCAN, LAYER = "tf.scan", "SimpleRNN"
PEER_UNITS = (50, 200)  # sizes of the peers, at the usual trials and steps


def calls(size: Size) -> dict[str, Call]:
    """Return the ways that are measured at every size, by name."""
    n = at_once(size)
    ours = {name: Ours(size.units, task(), engine=name, at_once=n) for name in engines()}
    steps = {name: updated(one, size) for name, one in ours.items()}
    steps[SCAN] = updated(plain_scan(size.units), size)
    numpy, tensorflow = PRODUCTS
    shape = size.trials, size.steps, size.units
    return {
        numpy: by_numpy(*shape),
        tensorflow: _finished(by_tensorflow(*shape)),
        **steps,
    }


def at_once(size: Size) -> int:
    """Return how many updates of ours go into an execution: as in `fit`, where it matters."""
    return UPDATES_PER_EXECUTION if size.work <= Size(200).work else 1


def layer(size: Size) -> Call:
    """Return the step of Keras' layers."""
    problem, arrays = task(), batch(size.trials, size.steps)
    layers = KerasRNN(size.units, len(problem.inputs), len(problem.outputs))
    return _finished(lambda: layers.update(*arrays))


@contextmanager
def peers(sizes: tuple[int, ...] = PEER_UNITS) -> Iterator[dict[tuple[str, int], Worker]]:
    """Yield the workers of those peers that are installed, by name and number of units."""
    there = {name: module for name, (package, module) in PEERS.items() if find_spec(package)}
    with ExitStack() as stack:
        yield {
            (name, units): stack.enter_context(Worker(module, units))
            for name, module in there.items()
            for units in sizes
        }


def plain_scan(units: int) -> PlainScan:
    """Return the yardstick with the channels and the settings of the problem."""
    problem = task()
    alpha = problem.dt / TAU
    return PlainScan(units, len(problem.inputs), len(problem.outputs), alpha, NOISE)


def keys() -> Iterator[tf.Tensor]:
    """Yield keys of noise: another one in every call, as in training."""
    return (tf.constant([1, update], tf.int64) for update in itertools.count())


def updated(trained: Ours | PlainScan, size: Size) -> Call:
    """Return what makes an update of a network on trials that are there already."""
    arrays, noise = batch(size.trials, size.steps), keys()
    return _finished(lambda: trained.update(*arrays, next(noise)))


def _finished(call: Callable[[], tf.Tensor]) -> Callable[[], np.ndarray]:
    return lambda: call().numpy()
