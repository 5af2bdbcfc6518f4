"""Reward-modulated Hebbian learning: a plain loop over trials, steps and synapses."""

import re
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.miconi import Miconi, kinds_of

RULE = Miconi(rate=20.0, warmup=2, memory=0.6, smoothing=0.1)


def update_by_hand(model, rule, given, usual):
    """Return the change of the recurrent weights in an update, and how far each trial missed."""
    weights = {name: kernel.effective().numpy() for name, kernel in model.kernels.items()}
    u, y, m, present = (a.numpy() for a in (given.inputs, given.targets, given.mask, given.present))
    jolts, alpha = rule.jolts(model, given).numpy(), model.dt / 100.0
    changes, missed = [], []
    for trial in range(len(u)):
        x = model.initial_state.numpy()
        mean, hebb, distance = x, np.zeros_like(weights["recurrent"]), 0.0
        for t in range(u.shape[1]):
            r = np.tanh(x)
            drive = weights["recurrent"] @ r + weights["input"] @ u[trial, t]
            x = (1 - alpha) * x + alpha * (drive + model.bias.numpy() + jolts[t, trial])
            if present[trial, t]:
                hebb += np.outer(x - mean, r) ** 3
            mean = rule.smoothing * mean + (1 - rule.smoothing) * x
            z = weights["output"] @ np.tanh(x) + model.output_bias.numpy()
            distance += (m[trial, t] * np.abs(z - y[trial, t])).sum() / m[trial].sum()
        missed.append(distance)
        changes.append(usual[trial] * (distance - usual[trial]) * hebb)
    step = np.clip(rule.update.rate * np.mean(changes, 0), -rule.update.limit, rule.update.limit)
    return -step, np.array(missed)


@pytest.mark.parametrize("limit", [3e-4, 1e9], ids=["clipped", "free"])
def test_updates_are_those_of_a_plain_loop(batch, network, limit):
    rule = replace(RULE, update=nt.rules.ClippedStep(rate=0.1, limit=limit))
    model = network(rule=rule)
    state, usual = rule.init(model), {}

    def one(update):
        trial = slice(update % 3, update % 3 + 1)
        arrays = (batch().inputs, batch().targets, batch().mask, batch().present)
        return Batch(*(a[trial] for a in arrays), tf.constant([11, update], tf.int64))

    for update in range(7):
        given = one(update)
        kind = int(tf.argmax(kinds_of(given, rule.kinds)[0]))
        before = model.recurrent_kernel.effective().numpy()
        was = usual.get(kind, 0.0)
        change, missed = update_by_hand(model, rule, given, [was])
        assert rule.learn(model, given, state)[2]
        after = model.recurrent_kernel.effective().numpy()
        warm = update >= rule.warmup
        assert after - before == pytest.approx(warm * change, abs=1e-12)
        assert (np.abs(after - before).max() > 0) == (warm and was > 0)
        usual[kind] = 0.6 * was + 0.4 * missed[0]
        assert state["usual"].numpy()[kind] == pytest.approx(usual[kind], abs=1e-12)
    assert len(usual) > 1


def test_trials_of_an_update_are_taken_together(batch, network):
    rule = replace(RULE, kinds=1, warmup=0)
    model, given = network(rule=rule), batch(3)
    state = rule.init(model)
    state["usual"].assign([0.7])
    change, missed = update_by_hand(model, rule, given, [0.7] * 3)
    before = model.recurrent_kernel.effective().numpy()
    rule.learn(model, given, state)
    after = model.recurrent_kernel.effective().numpy()
    assert after - before == pytest.approx(change, abs=1e-12) and (change != 0).any()
    keep = 0.6**3
    assert float(state["usual"][0]) == pytest.approx(keep * 0.7 + (1 - keep) * missed.mean())
    assert int(state["trials"]) == 3


def test_jolts_are_uniform_and_rare(network, batch):
    rule, model = Miconi(rate=5.0, amplitude=4.0), network()
    arrays = (batch(1).inputs, batch(1).targets, batch(1).mask, batch(1).present)
    key = tf.constant([3, 9], tf.int64)
    jolts = rule.jolts(model, Batch(*(tf.repeat(a, 2000, 0) for a in arrays), noise=key)).numpy()
    there = jolts[jolts != 0]
    share = 5.0 * model.dt / 1000.0
    error = np.sqrt(share * (1 - share) / jolts.size)
    assert there.size / jolts.size == pytest.approx(share, abs=4 * error)
    assert np.abs(there).max() < 4.0 and there.mean() == pytest.approx(
        0.0, abs=4 * 4.0 / np.sqrt(3 * there.size)
    )
    assert there.std() == pytest.approx(4.0 / np.sqrt(3), rel=0.02)


def test_trials_that_ask_for_the_same_at_their_end_are_of_one_kind(quick):
    trials = quick.trials(200, seed=0)
    arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
    given = Batch(*(tf.constant(a, tf.float64) for a in arrays), noise=None)
    kinds = kinds_of(given, 64).numpy()
    assert (kinds.sum(-1) == 1).all()
    right = np.array([(trials.targets[i, -1] == trials.targets[0, -1]).all() for i in range(200)])
    of = kinds.argmax(-1)
    assert len(set(of[right])) == len(set(of[~right])) == 1 and of[right][0] != of[~right][0]
    # Which output is asked counts, also where targets are 0, not what the others have as targets.
    zeros, one = np.zeros((2, 3, 2)), np.zeros((2, 3, 2))
    one[0, 1, 0] = one[1, 1, 1] = 1.0
    asked = Batch(*(tf.constant(a) for a in (zeros, zeros, one, zeros[..., 0])), noise=None)
    assert len(set(kinds_of(asked, 64).numpy().argmax(-1))) == 2
    mask = given.mask.numpy()
    mask[..., 0] = 0.0
    other = kinds_of(replace(given, mask=tf.constant(mask)), 64).numpy().argmax(-1)
    assert not set(other) & set(of)


def test_recurrent_weights_alone_learn_and_obey_the_connectivity(quick):
    frozen = np.eye(10, dtype=int)
    model = nt.RateRNN.for_task(
        quick,
        units=nt.Units(10, excitatory=0.5),
        recurrent=nt.Connectivity(density=0.5, frozen=frozen),
    )
    model.compile("sgd", rule=replace(RULE, rate=10.0), engine="graph")
    before = {v.path: v.numpy() for v in model.variables}
    weights = model.recurrent_kernel.effective().numpy()
    model.fit(quick, updates=6, batch_size=2, verbose=0)
    changed = {v.path for v in model.variables if (v.numpy() != before[v.path]).any()}
    assert changed == {model.recurrent_kernel.raw.path, model.updates.path}
    after, exists = model.recurrent_kernel.effective().numpy(), model.recurrent_kernel.exists
    assert (after[~exists.numpy()] == 0).all() and (after * model.units.sign >= 0).all()
    assert (after[frozen == 1] == weights[frozen == 1]).all()


def test_it_learns_to_hold_an_output(batch, network):
    """From the start of training to its end, the network misses by less."""
    rule = Miconi(rate=10.0, amplitude=8.0, warmup=20, update=nt.rules.ClippedStep(2.0, 0.02))
    model = network(rule=rule, units=20, noise=0.0)
    given, state = batch(2), rule.init(model)
    losses = []
    step = tf.function(
        lambda key: rule.learn(model, replace(given, noise=key), state)[0], autograph=False
    )
    for update in range(400):
        losses.append(float(step(tf.constant([1, update], tf.int64))))
    assert np.mean(losses[-50:]) < 0.7 * np.mean(losses[:50])


REFUSED = [
    ({"kind": nt.LSTM}, Miconi(), "one current moves, as in RateRNN, got LSTMDynamics"),
    ({"loss": "categorical_cross_entropy"}, Miconi(), "`loss` must compare outputs with targets"),
    (
        {"recurrent": nt.Connectivity(frozen=True)},
        Miconi(),
        "`recurrent.frozen` must leave some synapses to Miconi's rule",
    ),
    ({"regularizers": nt.regularizers.L2(0.1)}, Miconi(), "`regularizers` must be left out"),
    ({}, Miconi(rate=60.0), "`rate` must be at most one jolt a step, 50 Hz at a dt of 20 ms"),
    ({}, Miconi(update=nt.rules.RLS()), "`update` must be one that takes gradients for Miconi's"),
]


@pytest.mark.parametrize("settings, rule, message", REFUSED)
def test_what_it_cannot_serve_is_refused(network, settings, rule, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(rule=rule, **settings)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"amplitude": -1.0}, "`amplitude` must be"),
        ({"rate": -1.0}, "`rate` must be"),
        ({"smoothing": 2.0}, "`smoothing` must be"),
        ({"memory": -0.1}, "`memory` must be"),
        ({"warmup": -1}, "`warmup` must be"),
        ({"kinds": 0}, "`kinds` must be"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Miconi(**settings)


def test_settings_are_what_they_print():
    from neurotask.rules import ClippedStep  # noqa: F401

    assert eval(repr(RULE)) == RULE
