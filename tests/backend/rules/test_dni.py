"""DNI: with the exact credit it is BPTT, and its prediction learns from the step that follows."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit.synthetic import Synthetic

EQUAL = 1e-10
NETWORKS = {
    "current": (nt.RateRNN, dict(noise=0.2)),
    "rate": (nt.RateRNN, dict(form="rate", noise=0.2)),
    "tau": (nt.RateRNN, dict(trainable={"tau": True})),
    "feedback": (nt.RateRNN, dict(feedback=nt.Connectivity())),
    "stage": (nt.RateRNN, dict(feedforward=4)),
    "LSTM": (nt.LSTM, {}),
    "GRU": (nt.GRU, {}),
}


@dataclass(frozen=True)
class Exact(Synthetic):
    """The prediction is right: c itself, (time, trial, state), is given."""

    credit: Any = None

    def predicted(self, moment, features):
        n_trials = tf.cast(tf.shape(features)[0], features.dtype)
        return n_trials * tf.constant(self.credit)[moment.random[1] & 0xFFFFFFFF]


def credit_of(model, data):
    """Return c_t = dL/dx_t by differentiation by what could be added to each state."""
    weights, steps, n_trials = model.prepare(), data.inputs.shape[1], data.inputs.shape[0]
    state, outputs = model.start(weights, n_trials), []
    added = [{n: tf.zeros_like(v) for n, v in state.items()} for _ in range(steps)]
    with tf.GradientTape() as tape:
        tape.watch(added)
        for t in range(steps):
            noise = None
            if model.noise_per_step:
                noise = model.normals(data.noise, tf.constant(t, tf.int64), n_trials)
            state = model.transition(weights, state, data.inputs[:, t], noise)
            state = {name: values + added[t][name] for name, values in state.items()}
            outputs.append(model.readout(weights, model.rates_of(state)))
        loss = model.loss_function(data.targets, tf.stack(outputs, 1), data.mask, data.present)
    by = tape.gradient(loss, added, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return np.stack([np.concatenate(list(one.values()), -1) for one in by])


@pytest.mark.parametrize(("kind", "settings"), NETWORKS.values(), ids=NETWORKS)
def test_is_bptt_with_the_exact_credit(kind, settings, network, batch, gradients, apart):
    # 7
    model, data = network(kind, **settings), batch()
    credit = Exact(credit=credit_of(model, data))
    dni, bptt = gradients(model, data, nt.rules.DNI(credit=credit), nt.rules.BPTT())
    assert apart(dni, bptt) < EQUAL


def learner(rule, model, data):
    """Return what learns, and a function that learns from the same batch."""
    state = rule.init(model)
    return state["credit"], tf.function(lambda: rule.learn(model, data, state), autograph=False)


def lesson_by_hand(model, data, s, rate):
    """Return S after an update, of the form "rate", trial by trial."""
    w, w_in, w_out = (
        model.kernels[name].effective().numpy() for name in ("recurrent", "input", "output")
    )
    a, mask, sums, power = 0.2, data.mask.numpy(), np.zeros_like(s), 0.0
    for k, inputs in enumerate(data.inputs.numpy()):
        r, last = model.initial_state.numpy(), None
        n_steps = int(data.present.numpy()[k].sum())
        for t in range(n_steps):
            v = w @ r + w_in @ inputs[t] + model.bias.numpy()
            r = (1 - a) * r + a * np.tanh(v)
            target = data.targets.numpy()[k, t]
            z = np.concatenate([r, target, [1.0]])
            c = s.T @ z
            if last is not None:
                z_last, c_last, q_last = last
                jacobian = (1 - a) * np.eye(5) + a * (1 - np.tanh(v) ** 2)[:, None] * w
                sums += np.outer(z_last, c_last - (q_last + jacobian.T @ c))
            error = w_out @ r + model.output_bias.numpy() - target
            q = w_out.T @ (2 * mask[k, t] * error / mask.sum() * len(mask))
            last, power = (z, c, q), power + z @ z
        sums += np.outer(last[0], last[1] - last[2])
    return s - rate * sums / power


def test_prediction_learns_as_derived(network, batch):
    s = np.random.default_rng(5).normal(size=(8, 5))
    model, data = network(form="rate"), batch()
    wanted = lesson_by_hand(model, data, s, 0.3)
    memory, learn = learner(nt.rules.DNI(credit=Synthetic(rate=0.3)), model, data)
    memory.assign(s)
    learn()
    assert np.abs(wanted - s).max() > 0.01
    assert memory.numpy() == pytest.approx(wanted, abs=EQUAL)


@pytest.mark.parametrize("when", ["trial", 4])
def test_prediction_comes_near_the_gradient(when, network, batch, gradients):
    still = keras.optimizers.SGD(0.0)
    model, data = network(form="rate", optimizer=still), batch(20)
    memory, learn = learner(nt.rules.DNI(when=when), model, data)
    for _ in range(200):
        learn()

    @dataclass(frozen=True)
    class Learned(Synthetic):
        def init(self, model):
            return memory

    rules = nt.rules.DNI(credit=Learned()), nt.rules.BPTT()
    dni, bptt = gradients(model, data, *rules)
    names = ("recurrent", "input", "bias")
    one, two = (np.concatenate([g[name].ravel() for name in names]) for g in (dni, bptt))
    assert one @ two / np.linalg.norm(one) / np.linalg.norm(two) > 0.9
    assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(two), rel=0.3)


def test_neither_padding_nor_the_number_of_trials_counts(network, batch, gradients, apart):
    one = batch()
    inputs, targets, mask, present = (
        tf.concat([values, values], 0)
        for values in (one.inputs, one.targets, one.mask, one.present)
    )
    twice = Batch(inputs, targets, mask, present, one.noise)
    found = []
    for data in (one, batch(steps=25), twice):
        model = network(optimizer=keras.optimizers.SGD(0.0))
        memory, learn = learner(nt.rules.DNI(), model, data)
        for _ in range(3):
            learn()

        @dataclass(frozen=True)
        class Learned(Synthetic):
            def init(self, model, memory=memory):
                return memory

        found.append((memory.numpy(), gradients(model, data, nt.rules.DNI(credit=Learned()))))
    (s, got), *others = found
    assert np.abs(s).max() > 1e-3 and np.abs(got["recurrent"]).max() > 1e-6
    for other, same in others:
        assert other == pytest.approx(s, abs=EQUAL)
        assert apart(same, got) < EQUAL


@pytest.mark.parametrize("when", ["trial", 1])
def test_trains(when, short, network):
    model = network(rule=nt.rules.DNI(when=when), optimizer="adam", units=8)
    before = [variable.numpy() for variable in model.trainable_variables]
    first = model.fit(short, updates=10, batch_size=16, verbose=0).history["loss"][-1]
    last = model.fit(short, updates=40, batch_size=16, verbose=0).history["loss"][-1]
    assert last < 0.8 * first
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - value).max() > 1e-3, variable.path


def test_refuses_a_rate_above_one():
    with pytest.raises(ValueError, match=r"`rate` must be a number in \[0, 1\], got 2"):
        Synthetic(rate=2)
