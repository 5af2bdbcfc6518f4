"""A short batch, small networks in float64, and the gradient that a rule descends."""

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch

ARRAYS = ("inputs", "targets", "mask", "present")


@pytest.fixture(scope="session")
def short():
    """A short, easy task: 16 steps, 2 outputs."""
    return nt.load(
        "rdm", coherences=(0.25, 0.5), fixation=60.0, stimulus=120.0, decision=140.0, noise=0.01
    )


@pytest.fixture(scope="session")
def batch(short):
    """Return a maker of batches of the short task, the last trial two steps shorter."""

    def make(n=3, steps=None, key=(11, 4)):
        trials = short.trials(n, seed=1)
        arrays = {name: np.array(getattr(trials, name), float) for name in ARRAYS}
        arrays["mask"][-1, -2:] = arrays["present"][-1, -2:] = arrays["inputs"][-1, -2:] = 0.0
        if steps is not None:  # padded behind the end
            more = steps - arrays["present"].shape[1]
            for name, values in arrays.items():
                width = [(0, more) if axis == 1 else (0, 0) for axis in range(values.ndim)]
                arrays[name] = np.pad(values, width)
        tensors = [tf.constant(values, tf.float64) for values in arrays.values()]
        return Batch(*tensors, None if key is None else tf.constant(key, tf.int64))

    return make


@pytest.fixture(scope="session")
def network(short):
    """Return a maker of compiled networks; all parameters away from 0, where slopes jump."""

    def make(kind=nt.RateRNN, rule="bptt", optimizer="sgd", loss="mean_squared_error",
             regularizers=(), **settings):  # fmt: skip
        settings = {"units": 5, "seed": 2, "dtype": "float64"} | settings
        if kind is nt.RateRNN:
            settings = {"activation": "tanh"} | settings
        model = kind.for_task(short, **settings)
        random = np.random.default_rng(3)
        for variable in model.trainable_variables:
            if len(variable.shape) == 1:
                variable.assign(variable.numpy() + random.normal(0.0, 0.1, variable.shape))
        model.compile(optimizer, rule=rule, loss=loss, regularizers=regularizers, engine="graph")
        return model

    return make


@pytest.fixture(scope="session")
def gradients():
    """Return what rules descend, by the path of each variable: one graph for all that is asked."""

    def run(model, data, *asked):
        """Each of `asked` is a rule, or a rule and settings of its `gradients`."""
        pairs = [one if isinstance(one, tuple) else (one, {}) for one in asked]
        states = [rule.init(model) for rule, _ in pairs]

        def all_of_them():
            return [
                rule.gradients(model, data, state, **settings)[2]
                for (rule, settings), state in zip(pairs, states, strict=True)
            ]

        paths = [variable.path.rsplit("/", 2) for variable in model.trainable_variables]
        names = [path[-2] if path[-1] == "raw" else path[-1] for path in paths]
        got = tf.function(all_of_them, autograph=False)()
        named = [{n: g.numpy() for n, g in zip(names, one, strict=True)} for one in got]
        return named[0] if len(asked) == 1 else named

    return run


@pytest.fixture(scope="session")
def apart():
    """Return how far two sets of gradients are apart: the largest of the relative errors."""

    def of(one, two, names=None):
        assert set(one) == set(two)
        return max(
            np.abs(one[name] - two[name]).max() / (np.abs(two[name]).max() + 1e-300)
            for name in (names or one)
        )

    return of
