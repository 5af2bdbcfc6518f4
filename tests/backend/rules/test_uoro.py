"""UORO: its mean over all signs is the gradient."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit import chance
from neurotask.backend.rules.credit.base import Moment
from neurotask.backend.rules.credit.rank_one import RankOne
from neurotask.backend.rules.credit.whole import forward
from neurotask.backend.rules.linear import Jacobian, Step

NETWORKS = {
    "current": (nt.RateRNN, dict(units=3, activation="tanh")),
    "rate": (nt.RateRNN, dict(units=3, activation="tanh", form="rate")),
    "LSTM": (nt.LSTM, dict(units=1)),
    "GRU": (nt.GRU, dict(units=2)),
    "GRU, reset after": (nt.GRU, dict(units=2, reset_after=True)),
    "feedback": (nt.RateRNN, dict(units=2, activation="tanh", feedback=nt.Connectivity())),
    "stage": (nt.RateRNN, dict(units=2, activation="tanh", feedforward=2)),
    "tau": (nt.RateRNN, dict(units=2, activation="tanh", trainable={"tau": True})),
    "Dale": (nt.RateRNN, dict(units=nt.Units(3, excitatory=0.67), activation="softplus")),
}
STEPS, EQUAL = 4, 1e-10


@dataclass(frozen=True)
class AllSigns(RankOne):
    """Each trial has signs of its own: together, all that there are."""

    def signs(self, moment, n, use=0):
        step = 0 if use else 1 + (moment.random[1] & 0xFFFFFFFF)
        n_trials = tf.shape(next(iter(moment.before.values())))[-2]
        trial = tf.range(tf.cast(n_trials, tf.int64))[:, tf.newaxis]
        place = tf.cast(step, tf.int64) * n + tf.range(n, dtype=tf.int64)
        bits = tf.bitwise.bitwise_and(tf.bitwise.right_shift(trial, place), 1)
        return 2.0 * tf.cast(bits, tf.float64) - 1.0


ALL = AllSigns()


def tiny(kind, **settings):
    model = kind(["a", "b"], ["y", "z"], dt=20.0, seed=3, dtype="float64", **settings)
    model.compile("sgd")
    return model


def one_trial(n, steps):
    """Return a batch of the same trial n times."""
    random = np.random.default_rng(1)
    drawn = [np.tile(random.normal(size=(1, steps, 2)), (n, 1, 1)) for _ in range(2)]
    mask, present = tf.ones((n, steps, 2), tf.float64), tf.ones((n, steps), tf.float64)
    inputs, targets = map(tf.constant, drawn)
    return Batch(inputs, targets, mask, present, tf.constant([11, 4], tf.int64))


@pytest.mark.parametrize(("kind", "settings"), NETWORKS.values(), ids=NETWORKS)
def test_mean_over_all_signs_is_the_gradient(kind, settings, gradients, apart):
    # 4
    model = tiny(kind, **settings)
    n = len(model.units) * len(model.network.dynamics.state_variables)
    mean = gradients(model, one_trial(2 ** (n * (STEPS + 1)), STEPS), nt.rules.UORO(credit=ALL))
    exact = gradients(model, one_trial(1, STEPS), nt.rules.BPTT())
    assert min(np.abs(gradient).max() for gradient in exact.values()) > 1e-6
    assert apart(mean, exact) < EQUAL


def test_mean_over_random_signs_nears_the_gradient(network, batch, gradients):
    # Drawn as in training: the standard error falls with the number of trials.
    model = tiny(nt.RateRNN, units=3, activation="tanh")
    n = 20_000
    mean = gradients(model, one_trial(n, STEPS), nt.rules.UORO())
    exact = gradients(model, one_trial(1, STEPS), nt.rules.BPTT())
    for name, gradient in exact.items():
        error = np.linalg.norm(mean[name] - gradient) / np.linalg.norm(gradient)
        assert error < 5.0 * np.sqrt(10.0 / n), name  # relative variance of one draw: about 10


def test_product_forward_is_the_jacobian(network):
    model = network(nt.LSTM)
    random = np.random.default_rng(0)
    before = {name: tf.constant(random.normal(size=(3, 5))) for name in ("hidden", "cell")}
    given = (model, model.prepare(), before, tf.constant(random.normal(size=(3, 3))), None)
    a = random.normal(size=(3, 10))
    wanted = np.einsum("tij,tj->ti", Jacobian(*given).state.numpy(), a)
    for settings in ({}, {"jit_compile": True}):
        moved = tf.function(lambda a: forward(Step(*given), a), autograph=False, **settings)
        assert moved(tf.constant(a)).numpy() == pytest.approx(wanted, abs=EQUAL)


def moment_of(n, key):
    """Return a moment of n trials that has random numbers, and nothing else."""
    shape = (n, 3) if np.ndim(key) == 1 else (len(key), n, 3)
    rest: Any = dict.fromkeys(field.name for field in dataclasses.fields(Moment))
    rest |= {"before": {"state": tf.zeros(shape, tf.float64)}}
    return Moment(**rest | {"random": tf.constant(key, tf.int64)})


@pytest.mark.parametrize("draw", [chance.signs, chance.normals])
def test_random_numbers_belong_to_the_step_alone(draw):
    drawn = [
        tf.function(lambda: draw(moment_of(4, [5, 6]), 3), autograph=False, **settings)().numpy()
        for settings in ({}, {"jit_compile": True})
    ]
    # The same under both engines, but for the rounding of logarithms.
    assert drawn[0] == pytest.approx(drawn[1], abs=1e-12)
    assert (drawn[0] != draw(moment_of(4, [5, 7]), 3).numpy()).any()
    assert (drawn[0] != draw(moment_of(4, [5, 6]), 3, use=1).numpy()).any()
    # Of several networks, each has those that it has alone.
    several = draw(moment_of(4, [[5, 7], [5, 6]]), 3).numpy()
    assert several.shape == (2, 4, 3) and several[1] == pytest.approx(drawn[0], abs=1e-12)


def test_random_numbers_are_what_they_say():
    many = moment_of(100_000, [5, 6])
    signs, normals = chance.signs(many, 3).numpy(), chance.normals(many, 3).numpy()
    assert set(np.unique(signs)) == {-1.0, 1.0}
    for drawn in (signs, normals):
        assert drawn.mean() == pytest.approx(0.0, abs=0.01)
        assert np.cov(drawn.T) == pytest.approx(np.eye(3), abs=0.02)
    assert scipy.stats.kstest(normals.ravel(), "norm").pvalue > 0.01


@pytest.mark.parametrize("when", ["trial", 1])
def test_trains(when, short, network):
    model = network(rule=nt.rules.UORO(when=when), optimizer="adam", units=8)
    before = [variable.numpy() for variable in model.trainable_variables]
    first = model.fit(short, updates=10, batch_size=16, verbose=0).history["loss"][-1]
    last = model.fit(short, updates=40, batch_size=16, verbose=0).history["loss"][-1]
    assert last < 0.8 * first
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - value).max() > 1e-3, variable.path


def test_memory_is_one_number_for_each_weight_and_state(network):
    model = network(nt.LSTM)
    n_weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert nt.rules.UORO().traces(model) == n_weights + 10


def test_needs_random_numbers(network, batch):
    with pytest.raises(ValueError, match=r"`noise` must name the random numbers .*, got None"):
        nt.rules.UORO().gradients(network(), batch(key=None))
