"""KF-RTRL and its reverse: their means over all signs are the gradient."""

from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit.kronecker import Kronecker, ReverseKronecker

SYNAPSES = nt.ShortTermPlasticity(tau_facilitation=100.0)
NETWORKS = {
    "current": (nt.RateRNN, dict(units=2, activation="tanh")),
    "rate": (nt.RateRNN, dict(units=2, activation="tanh", form="rate")),
    "LSTM": (nt.LSTM, dict(units=1)),
    "plastic synapses": (nt.RateRNN, dict(units=2, activation="softplus", plasticity=SYNAPSES)),
    "Dale": (nt.RateRNN, dict(units=nt.Units(2, excitatory=0.5), activation="softplus")),
}
EQUAL = 1e-10


def all_signs(moment, n):
    """Return the signs of a step where each trial has its own: together, all that there are."""
    n_trials = tf.shape(next(iter(moment.before.values())))[-2]
    trial = tf.range(tf.cast(n_trials, tf.int64))[:, tf.newaxis]
    place = (moment.random[1] & 0xFFFFFFFF) * n + tf.range(n, dtype=tf.int64)
    bits = tf.bitwise.bitwise_and(tf.bitwise.right_shift(trial, place), 1)
    return 2.0 * tf.cast(bits, tf.float64) - 1.0


@dataclass(frozen=True)
class AllSigns(Kronecker):
    def signs(self, moment, n):
        return all_signs(moment, n)


@dataclass(frozen=True)
class AllReversed(ReverseKronecker):
    def signs(self, moment, n):
        return all_signs(moment, n)


ALL, ALL_REVERSED = AllSigns(), AllReversed()


def tiny(kind, rule="bptt", **settings):
    model = kind(["a", "b"], ["y", "z"], dt=20.0, seed=3, dtype="float64", **settings)
    model.compile("sgd", rule=rule)
    return model


def one_trial(n, steps):
    """Return a batch of the same trial n times."""
    random = np.random.default_rng(1)
    drawn = [np.tile(random.normal(size=(1, steps, 2)), (n, 1, 1)) for _ in range(2)]
    mask, present = tf.ones((n, steps, 2), tf.float64), tf.ones((n, steps), tf.float64)
    inputs, targets = map(tf.constant, drawn)
    return Batch(inputs, targets, mask, present, tf.constant([11, 4], tf.int64))


@pytest.mark.parametrize("name", NETWORKS)
def test_means_over_all_signs_are_the_gradient(name, gradients, apart):
    # 5, and the same of the reverse
    kind, settings = NETWORKS[name]
    model, steps = tiny(kind, **settings), 3 if name == "LSTM" else 4
    n_drive = max(len(model.network.dynamics.gates), 1) * len(model.units)
    exact = gradients(model, one_trial(1, steps), nt.rules.BPTT())
    assert min(np.abs(gradient).max() for gradient in exact.values()) > 1e-6
    kf = gradients(model, one_trial(2 ** (2 * steps), steps), nt.rules.KFRTRL(credit=ALL))
    assert apart(kf, exact) < EQUAL
    data = one_trial(2 ** (n_drive * steps), steps)
    assert apart(gradients(model, data, nt.rules.ReverseKFRTRL(credit=ALL_REVERSED)), exact) < EQUAL


@pytest.mark.parametrize("when", ["trial", 1])
@pytest.mark.parametrize("rule", [nt.rules.KFRTRL, nt.rules.ReverseKFRTRL])
def test_trains(rule, when, short, network):
    model = network(rule=rule(when=when), optimizer="adam", units=8)
    before = [variable.numpy() for variable in model.trainable_variables]
    first = model.fit(short, updates=10, batch_size=16, verbose=0).history["loss"][-1]
    last = model.fit(short, updates=40, batch_size=16, verbose=0).history["loss"][-1]
    assert last < 0.8 * first
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - value).max() > 1e-3, variable.path


def test_memory_is_that_of_the_factors(network):
    # N = 5, 3 inputs; LSTM: 10 states, 20 entries of the drive, 9 = 5 + 3 + 1 of what is sent.
    model = network(nt.LSTM)
    assert nt.rules.KFRTRL().traces(model) == 9 + 10 * 20 + 10 * 10
    assert nt.rules.ReverseKFRTRL().traces(model) == 20 + 10 * 9 + 10 * 10


REFUSED = {
    "gates, candidate": (nt.GRU, dict(units=2)),
    "tau": (nt.RateRNN, dict(units=2, trainable={"tau": True})),
    "feedforward, feedforward_bias": (nt.RateRNN, dict(units=2, feedforward=2)),
    "output, output_bias": (nt.RateRNN, dict(units=2, feedback=nt.Connectivity())),
}


@pytest.mark.parametrize("rule", ["kf_rtrl", "reverse_kf_rtrl"])
@pytest.mark.parametrize("what", REFUSED)
def test_refuses_networks_without_one_drive(what, rule):
    kind, settings = REFUSED[what]
    with pytest.raises(ValueError, match=f"one common drive .*, but {what} of .*uoro"):
        tiny(kind, rule, **settings)


def test_serves_feedback_of_a_frozen_readout(gradients, apart):
    frozen = nt.Connectivity(frozen="->")
    model = tiny(
        nt.RateRNN, units=2, activation="tanh", feedback=nt.Connectivity(), output=frozen,
        trainable={"output_bias": False},
    )  # fmt: skip
    exact = gradients(model, one_trial(1, 4), nt.rules.BPTT())
    assert apart(gradients(model, one_trial(2**8, 4), nt.rules.KFRTRL(credit=ALL)), exact) < EQUAL


def test_needs_random_numbers(network, batch):
    with pytest.raises(ValueError, match=r"`noise` must name the random numbers .*, got None"):
        nt.rules.KFRTRL().gradients(network(), batch(key=None))
