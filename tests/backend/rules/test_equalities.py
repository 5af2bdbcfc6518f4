"""What must be equal exactly, in float64: rules that are the same by theory."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.credit.influence import Influence

EQUAL = 1e-10
RATE = dict(form="rate", noise=0.2)
SYNAPSES = ("recurrent", "input", "bias")
RECURRENT = ("recurrent", "input", "bias", "initial_state")
B = np.random.default_rng(8).normal(size=(5, 2))
RANDOM = nt.rules.Random(weights=B)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_rtrl_is_bptt(form, network, batch, gradients, apart):
    # 1: sum_t q_t^T M_t = dL/dW
    model = network(form=form, noise=0.2)
    rtrl, bptt = gradients(model, batch(), nt.rules.RTRL(), nt.rules.BPTT())
    assert apart(rtrl, bptt) < EQUAL
    # With another feedback too: what goes back in time is then not the readout's error.
    rtrl, bptt = gradients(
        model, batch(), nt.rules.RTRL(feedback=RANDOM), nt.rules.BPTT(feedback=RANDOM)
    )
    assert apart(rtrl, bptt) < EQUAL


def by_hand(model, data, feedback=None):
    """Return dL/dw of the form "rate" by automatic differentiation of a loop with edges cut.

    The state that synapses send is held, and the readout sends its errors back by `feedback`.
    """
    kernels = {name: kernel.effective() for name, kernel in model.kernels.items()}
    start, w_in, w = model.initial_state.value, kernels["input"], kernels["recurrent"]
    bias, w_out, out_bias = model.bias.value, kernels["output"], model.output_bias.value
    a = model.dt / 100.0
    spread = ((2.0 - a) / a) ** 0.5 * 0.2

    @tf.custom_gradient
    def readout(r, w_out):
        def back(error):
            return error @ tf.transpose(feedback), tf.transpose(error) @ r

        return r @ tf.transpose(w_out), back

    variables = [w, w_in, bias, w_out, out_bias, start]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        r, summed = tf.tile(start[tf.newaxis], (3, 1)), 0.0
        for t in range(16):
            sent, u = tf.stop_gradient(r), data.inputs[:, t]
            noise = spread * model.normals(data.noise, tf.constant(t, tf.int64), 3)
            v = sent @ tf.transpose(w) + u @ tf.transpose(w_in) + bias + noise
            r = (1.0 - a) * r + a * tf.tanh(v)
            z = readout(r, w_out) + out_bias
            summed += tf.reduce_sum(data.mask[:, t] * (z - data.targets[:, t]) ** 2)
        loss = summed / tf.reduce_sum(data.mask)
    names = ("recurrent", "input", "bias", "output", "output_bias", "initial_state")
    return dict(zip(names, (g.numpy() for g in tape.gradient(loss, variables)), strict=True))


def test_rflo_is_autodiff_with_the_edges_cut(network, batch, gradients, apart):
    # 2: and both forms are the same, the traces and the backward pass that has none.
    model, data = network(**RATE), batch()
    rule = nt.rules.RFLO(feedback=RANDOM)
    back, forward = gradients(model, data, (rule, {}), (rule, {"forward": True}))
    wanted = by_hand(model, data, B)
    assert apart(back, wanted) < EQUAL
    assert apart(forward, wanted) < EQUAL


@dataclass(frozen=True)
class LeakAlone(Influence):
    """The influence of RTRL with J <- (1 - a) I."""

    def _jacobian(self, moment):
        jacobian = super()._jacobian(moment)
        leak = 1.0 - moment.model.dt / 100.0
        jacobian.state = tf.zeros_like(jacobian.state) + leak * tf.eye(5, dtype=tf.float64)
        return jacobian


@pytest.mark.parametrize("form", ["current", "rate"])
def test_rflo_is_rtrl_with_the_leak_as_jacobian(form, network, batch, gradients, apart):
    # 2b
    model = network(form=form)
    cut = nt.rules.Composed(credit=LeakAlone(), feedback=RANDOM)
    one, two = gradients(model, batch(), cut, nt.rules.RFLO(feedback=RANDOM))
    assert apart(one, two) < EQUAL


@pytest.mark.parametrize("form", ["current", "rate"])
def test_rflo_is_bptt_without_recurrent_weights(form, network, batch, gradients, apart):
    # 2c: at W = 0 and with symmetric feedback; a weight of W still has its gradient.
    zeros = nt.Connectivity(initializer="zeros")
    model = network(form=form, noise=0.2, recurrent=zeros)
    rflo, bptt = gradients(model, batch(), nt.rules.RFLO(feedback="symmetric"), nt.rules.BPTT())
    assert apart(rflo, bptt) < EQUAL
    model = network(form=form, noise=0.2)
    rflo, bptt = gradients(model, batch(), nt.rules.RFLO(feedback="symmetric"), nt.rules.BPTT())
    assert apart(rflo, bptt, SYNAPSES) > 0.01


@pytest.mark.parametrize("form", ["current", "rate"])
def test_snap1_is_rflo_without_autapses(form, network, batch, gradients, apart):
    # 2d: if, and only if, no unit projects to itself
    rules = nt.rules.SnAp1(feedback=RANDOM), nt.rules.RFLO(feedback=RANDOM)
    without = network(form=form, recurrent=nt.Connectivity(autapses=False))
    assert apart(*gradients(without, batch(), *rules)) < EQUAL
    assert apart(*gradients(network(form=form), batch(), *rules), SYNAPSES) > 0.005


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(nt.RateRNN, RATE), (nt.LSTM, {})],
    ids=["rate", "LSTM"],
)
def test_truncated_bptt_lies_between_snap0_and_bptt(
    kind, settings, network, batch, gradients, apart
):
    # 3: blocks as long as the trial are BPTT, blocks of one step are SnAp-0.
    model, truncated = network(kind, **settings), nt.rules.TruncatedBPTT
    whole, long, sliding, one, short, snap0, some = gradients(
        model, batch(), nt.rules.BPTT(), truncated(steps=16),
        truncated(steps=17, form="sliding"), truncated(steps=1),
        truncated(steps=1, form="sliding"), nt.rules.SnAp0(), truncated(steps=5),
    )  # fmt: skip
    assert apart(long, whole) < EQUAL
    assert apart(sliding, whole) < EQUAL
    # The first block holds the start, on which nothing acts in SnAp-0.
    names = [name for name in whole if not name.startswith("initial_")]
    assert apart(one, snap0, names) < EQUAL
    assert apart(short, snap0) < EQUAL
    assert min(apart(some, whole, names), apart(some, snap0, names)) > 0.01


def blocks_by_hand(model, data, steps, sliding):
    """Return dL/d[W, W_in, b] of the form "rate": each error goes back as far as it may."""
    w, w_in = (model.kernels[n].effective().numpy() for n in ("recurrent", "input"))
    out = np.hstack(
        [model.kernels["output"].effective().numpy(), model.output_bias.numpy()[:, None]]
    )
    fused = np.hstack([w, w_in, model.bias.numpy()[:, None]])
    a, total, mask = model.dt / 100.0, np.zeros_like(fused), data.mask.numpy()
    for k in range(3):
        r, gots, slopes = model.initial_state.numpy(), [], []
        for t in range(16):
            got = np.concatenate([r, data.inputs[k, t].numpy(), [1.0]])
            v = fused @ got
            r = (1.0 - a) * r + a * np.tanh(v)
            gots.append(got)
            slopes.append(a * (1.0 - np.tanh(v) ** 2))
            error = (
                2 * mask[k, t] * (out @ np.append(r, 1.0) - data.targets[k, t].numpy()) / mask.sum()
            )
            c = out[:, :-1].T @ error
            first = t - steps + 1 if sliding else t - t % steps
            for s in range(t, max(first, 0) - 1, -1):
                total += np.outer(slopes[s] * c, gots[s])
                c = (1.0 - a) * c + w.T @ (slopes[s] * c)
    return {"recurrent": total[:, :5], "input": total[:, 5:-1], "bias": total[:, -1]}


def test_truncated_bptt_is_its_derivation(network, batch, gradients, apart):
    model, data = network(form="rate"), batch(key=None)
    rules = [nt.rules.TruncatedBPTT(steps=5, form=form) for form in ("block", "sliding")]
    for rule, got in zip(rules, gradients(model, data, *rules), strict=True):
        wanted = blocks_by_hand(model, data, 5, rule.form == "sliding")
        assert apart({name: got[name] for name in SYNAPSES}, wanted) < EQUAL


@pytest.mark.parametrize("optimizer", ["SGD", "momentum", "Adam"])
def test_kolen_pollack_feedback_nears_the_readout(optimizer, short, network):
    # 10: B_n - W_out^T = (1 - decay)^n (B_0 - W_out,0^T), whatever moves the readout
    made = {
        "SGD": keras.optimizers.SGD(0.5),
        "momentum": keras.optimizers.SGD(0.1, momentum=0.9),
        "Adam": keras.optimizers.Adam(0.05),
    }[optimizer]
    rule = nt.rules.RFLO(feedback=nt.rules.KolenPollack(decay=0.03))
    model = network(rule=rule, optimizer=made)

    def gap():
        return (
            model.trainer.state["feedback"].numpy() - model.kernels["output"].effective().numpy().T
        )

    start, readout = gap(), model.kernels["output"].effective().numpy()
    model.fit(short, updates=12, batch_size=3, verbose=0)
    assert np.abs(model.kernels["output"].effective().numpy() - readout).max() > 0.1
    assert gap() == pytest.approx(0.97**12 * start, rel=EQUAL, abs=EQUAL)
