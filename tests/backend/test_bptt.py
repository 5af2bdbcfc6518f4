"""The gradient against finite differences, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch

MASK = np.random.default_rng(5).random((8, 8)) < 0.7
FROZEN = np.random.default_rng(6).random((8, 8)) < 0.2

NETWORKS = {
    "free": dict(units=8),
    "Dale": dict(units=nt.Units(8, excitatory=0.75)),
    "masked, frozen, Dale": dict(
        units=nt.Units(8, excitatory=0.75),
        recurrent=nt.Connectivity(mask=MASK, frozen=FROZEN, autapses=False),
        input=nt.Connectivity(density=0.5),
    ),
    "two time constants": dict(units=nt.Units(8, excitatory=0.5, tau={"E": 100.0, "I": 50.0})),
    "noisy": dict(units=8, noise=0.3, shared_noise=0.2),
}


def batch(task):
    trials = task.trials(5, seed=1)
    arrays = [tf.constant(a, tf.float64) for a in (trials.inputs, trials.targets, trials.mask)]
    present = tf.constant(trials.present, tf.float64)
    return Batch(*arrays, present, tf.constant([11, 4], tf.int64))


def loss_of(model, b):
    """Return a function of nothing that gives the loss at the model's present weights."""
    return tf.function(
        lambda: model.loss_function(
            b.targets, model.unroll(b.inputs, b.noise)[1], b.mask, b.present
        )
    )


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
def test_gradient_equals_finite_differences(quick, settings):
    # tanh: smooth everywhere, so that a difference never straddles a kink.
    model = nt.RateRNN.for_task(quick, seed=2, dtype="float64", activation="tanh", **settings)
    model.compile(optimizer="sgd")
    b = batch(quick)
    _, _, gradients = nt.rules.BPTT(clip_norm=None).gradients(model, b)
    loss, step = loss_of(model, b), 1e-6
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        value, estimate = variable.numpy(), np.zeros(variable.shape)
        for index in np.ndindex(*value.shape):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * step
                variable.assign(moved)
                sides.append(float(loss()))
            estimate[index] = (sides[0] - sides[1]) / (2 * step)
        variable.assign(value)
        assert gradient.numpy() == pytest.approx(estimate, abs=1e-8), variable.path


def test_doubled_padding_changes_neither_loss_nor_gradient(quick):
    model = nt.RateRNN.for_task(quick, units=8, noise=0.3, seed=2, dtype="float64")
    model.compile()
    b = batch(quick)
    pad = lambda a: tf.concat([a, tf.zeros_like(a)], axis=1)  # noqa: E731
    longer = Batch(pad(b.inputs), pad(b.targets), pad(b.mask), pad(b.present), b.noise)
    rule = nt.rules.BPTT(clip_norm=None)
    loss, _, gradients = rule.gradients(model, b)
    loss2, _, gradients2 = rule.gradients(model, longer)
    assert float(loss) == pytest.approx(float(loss2), abs=1e-14)
    for one, two in zip(gradients, gradients2, strict=True):
        assert one.numpy() == pytest.approx(two.numpy(), abs=1e-14)


def test_loss_is_the_mean_over_what_counts(quick):
    model = nt.RateRNN.for_task(quick, units=8, seed=2, dtype="float64")
    model.compile()
    b = batch(quick)
    outputs = model.unroll(b.inputs, None)[1].numpy()
    total = weight = 0.0
    for index in np.ndindex(*outputs.shape):
        m, y = b.mask.numpy()[index], b.targets.numpy()[index]
        total, weight = total + m * (y - outputs[index]) ** 2, weight + m
    assert float(model.loss_function(b.targets, outputs, b.mask, b.present)) == pytest.approx(
        total / weight
    )


def test_clipping_keeps_the_direction(quick):
    model = nt.RateRNN.for_task(quick, units=8, seed=2, dtype="float64")
    model.compile()
    start = model.get_weights()

    def change(clip_norm):
        """Return what an update of plain descent at rate 1 changes."""
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(1.0), rule=nt.rules.BPTT(clip_norm=clip_norm))
        before = [variable.numpy() for variable in model.trainable_variables]
        model.rule.learn(model, batch(quick), None)
        after = [variable.numpy() for variable in model.trainable_variables]
        return np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)])

    free, cut = change(None), change(1e-3)
    assert np.linalg.norm(cut) == pytest.approx(1e-3)
    assert cut / np.linalg.norm(cut) == pytest.approx(free / np.linalg.norm(free))
    assert change(1e6) == pytest.approx(free, abs=0)


def test_clip_norm_must_be_positive():
    with pytest.raises(ValueError, match=r"`clip_norm` must be a number above 0, got 0"):
        nt.rules.BPTT(clip_norm=0)
