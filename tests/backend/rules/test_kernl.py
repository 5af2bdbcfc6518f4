"""KeRNL: what it starts from, what its regression learns, and from what it learns it."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit.learned_kernel import LearnedKernel

EQUAL = 1e-10
ALPHA = 0.2  # dt / tau of the networks here
ZETA = np.random.default_rng(4).normal(size=(16, 3, 5))
ZEROS = nt.Connectivity(initializer="zeros")


def learner(rule, model, data):
    """Return a function that learns from the same batch, with the random numbers of an update."""
    state = rule.init(model)

    @tf.function(autograph=False)
    def learn(key):
        rule.learn(model, Batch(data.inputs, data.targets, data.mask, data.present, key), state)

    return state["credit"], lambda n: learn(tf.constant([11, n], tf.int64))


@pytest.mark.parametrize("feedback", ["symmetric", "random"])
@pytest.mark.parametrize("settings", [{}, {"form": "rate"}], ids=["current", "rate"])
def test_is_rflo_before_it_has_learned(settings, feedback, network, batch, gradients, apart):
    # 6: A = 1 and k = 1 - a
    model = network(noise=0.2, units=nt.Units(5, tau=[60.0, 80.0, 100.0, 150.0, 200.0]), **settings)
    rules = nt.rules.KeRNL(feedback=feedback), nt.rules.RFLO(feedback=feedback)
    kernl, rflo = gradients(model, batch(), *rules)
    assert apart(kernl, rflo) < EQUAL


@dataclass(frozen=True)
class GivenNoise(LearnedKernel):
    def normals(self, moment, n):
        return tf.constant(ZETA)[moment.random[1] & 0xFFFFFFFF]


def regression_by_hand(model, data, kernel, decay, rate, size):
    """Return A and k after an update, of the form "rate", trial by trial."""
    w, w_in = (model.kernels[name].effective().numpy() for name in ("recurrent", "input"))
    by_kernel, by_decay, left_power, moved_power = np.zeros((5, 5)), np.zeros(5), 0.0, 0.0
    for trial, inputs in enumerate(data.inputs.numpy()):

        def step(r, u):
            return (1 - ALPHA) * r + ALPHA * np.tanh(w @ r + w_in @ u + model.bias.numpy())

        r = copy = model.initial_state.numpy()
        left = moved = np.zeros(5)
        for t in range(int(data.present.numpy()[trial].sum())):
            zeta = ZETA[t, trial]
            r, copy = step(r, inputs[t]), step(copy, inputs[t]) + size * zeta
            left, moved = decay * left + zeta, decay * moved - left
            missed = kernel @ left - (copy - r) / size
            by_kernel += np.outer(missed, left)
            by_decay += (kernel.T @ missed) * moved
            left_power += left @ left
            moved_power += ((kernel * moved) ** 2).sum()
    return kernel - rate * by_kernel / left_power, decay + rate * by_decay / moved_power


def test_regression_is_its_derivation(network, batch):
    random = np.random.default_rng(6)
    kernel, decay = random.normal(size=(5, 5)), random.uniform(0.3, 0.9, 5)
    model, data = network(form="rate"), batch()
    rule = nt.rules.KeRNL(credit=GivenNoise(rate=0.3, noise=0.01))
    wanted = regression_by_hand(model, data, kernel, decay, 0.3, 0.01)
    memory, learn = learner(rule, model, data)
    memory["kernel"].assign(kernel)
    memory["decay"].assign(decay)
    learn(0)
    assert memory["kernel"].numpy() == pytest.approx(wanted[0], abs=EQUAL)
    assert memory["decay"].numpy() == pytest.approx(wanted[1], abs=EQUAL)
    assert np.abs(wanted[0] - kernel).max() > 0.01 and np.abs(wanted[1] - decay).max() > 0.01


@pytest.mark.parametrize("when", ["trial", 5])
@pytest.mark.parametrize("form", ["current", "rate"])
def test_kernel_of_units_without_synapses_is_one(form, when, network, batch):
    # Noise that is compared before it is in the copy leads to (1 - a)² = 0.64 instead.
    model = network(form=form, recurrent=ZEROS, optimizer=keras.optimizers.SGD(0.0))
    rule = nt.rules.KeRNL(credit=LearnedKernel(decay=0.6), when=when)
    memory, learn = learner(rule, model, batch())
    memory["kernel"].assign(np.random.default_rng(6).normal(0.0, 0.5, (5, 5)))
    for n in range(150):
        learn(n)
    assert memory["kernel"].numpy() == pytest.approx(np.eye(5), abs=0.01)
    assert memory["decay"].numpy() == pytest.approx(1.0 - ALPHA, abs=0.01)


def test_learned_kernel_is_nearer_to_the_gradient(network, batch, gradients):
    strong = nt.Connectivity(initializer=nt.initializers.SpectralRadius(1.2))
    model = network(form="rate", recurrent=strong, optimizer=keras.optimizers.SGD(0.0))
    rule = nt.rules.KeRNL()
    memory, learn = learner(rule, model, batch())
    exact, before = gradients(model, batch(), nt.rules.BPTT(), rule)
    for n in range(60):
        learn(n)

    @dataclass(frozen=True)
    class Learned(LearnedKernel):
        def init(self, model):
            return memory

    after = gradients(model, batch(), nt.rules.KeRNL(credit=Learned()))
    for name in ("recurrent", "input", "bias"):
        missed = np.linalg.norm(before[name] - exact[name])
        assert np.linalg.norm(after[name] - exact[name]) < 0.5 * missed, name


def test_padding_teaches_nothing(network, batch):
    found = []
    for steps in (None, 25):
        model = network(noise=0.2)
        memory, learn = learner(nt.rules.KeRNL(), model, batch(steps=steps))
        learn(0)
        found.append((memory["kernel"].numpy(), memory["decay"].numpy()))
    (kernel, decay), (longer, later) = found
    assert np.abs(kernel - np.eye(5)).max() > 1e-3
    assert kernel == pytest.approx(longer, abs=EQUAL)
    assert decay == pytest.approx(later, abs=EQUAL)


@pytest.mark.parametrize("when", ["trial", 1])
def test_trains(when, short, network):
    model = network(rule=nt.rules.KeRNL(when=when), optimizer="adam", units=8)
    before = [variable.numpy() for variable in model.trainable_variables]
    first = model.fit(short, updates=10, batch_size=16, verbose=0).history["loss"][-1]
    last = model.fit(short, updates=40, batch_size=16, verbose=0).history["loss"][-1]
    assert last < 0.8 * first
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - value).max() > 1e-3, variable.path
    assert np.abs(model.trainer.state["credit"]["kernel"].numpy() - np.eye(8)).max() > 0.01


def test_gru_starts_from_half(network, batch):
    model = network(nt.GRU, rule="kernl")
    assert model.trainer.state["credit"]["decay"].numpy() == pytest.approx(0.5)
    named = network(nt.GRU, rule=nt.rules.KeRNL(credit=LearnedKernel(decay=0.9)))
    assert named.trainer.state["credit"]["decay"].numpy() == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("kind", "settings", "variables"),
    [
        (nt.LSTM, {}, "hidden, cell"),
        (
            nt.RateRNN,
            dict(activation="softplus", plasticity=nt.ShortTermPlasticity()),
            "state, utilization, resources",
        ),
    ],
    ids=["LSTM", "plastic synapses"],
)
def test_refuses_units_of_several_variables(kind, settings, variables, network):
    with pytest.raises(ValueError, match=f"one state variable .*, got {variables} of .*rflo"):
        network(kind, rule="kernl", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(rate=1.5), r"`rate` must be a number in \[0, 1\], got 1.5"),
        (dict(noise=0.0), "`noise` must be a number above 0, got 0.0"),
        (dict(decay=-0.1), r"`decay` must be a number in \[0, 1\], got -0.1"),
    ],
)
def test_refuses_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LearnedKernel(**settings)


def test_needs_random_numbers(network, batch):
    with pytest.raises(ValueError, match=r"`noise` must name the random numbers .*, got None"):
        nt.rules.KeRNL().gradients(network(), batch(key=None))
