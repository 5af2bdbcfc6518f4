"""The rules against NumPy loops written from their derivations, for both forms of the network.

    "current"   x_t = (1 - a) x_{t-1} + a (W r_{t-1} + W_in u_t + b) + s xi_t,   r_t = phi(x_t)
    "rate"      r_t = (1 - a) r_{t-1} + a phi(v_t),   v_t = W r_{t-1} + W_in u_t + b + s xi_t

Weights on a unit's whole input are one matrix [W, W_in, b], what it gets is [r; u; 1]. In the form
"current" the signal q_t = F e_t about rates reaches the state through the slope phi'(x_t); in the
form "rate" the slope is that of the step, phi'(v_t).
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt

TAUS = (60.0, 80.0, 100.0, 120.0, 200.0)
UNITS = nt.Units(5, tau=TAUS)
A = 20.0 / np.array(TAUS)
SIGMA = 0.3
B = np.random.default_rng(8).normal(size=(5, 2))
RULES = {
    "RFLO": nt.rules.RFLO,
    "SnAp0": nt.rules.SnAp0,
    "SnAp1": nt.rules.SnAp1,
    "RTRL": nt.rules.RTRL,
}


def slope(x):
    return 1.0 - np.tanh(x) ** 2


class Current:
    """The form "current": the state is what a unit receives."""

    spread = np.sqrt(A * (2.0 - A)) * SIGMA

    @staticmethod
    def step(w, x, u, noise):
        """Return the state after a step, what the weights are multiplied with, and their gain."""
        got = np.concatenate([np.tanh(x), u, [1.0]])
        return (1.0 - A) * x + A * (w @ got) + Current.spread * noise, got, A

    @staticmethod
    def jacobian(w, x, u, noise):
        # dx_t,i / dx_{t-1},j = (1 - a_i) [i = j] + a_i W_ij phi'(x_{t-1},j)
        return np.diag(1.0 - A) + A[:, None] * w[:, :5] * slope(x)

    @staticmethod
    def rates(x):
        return np.tanh(x), slope(x)


class Rate:
    """The form "rate": the state is what a unit sends."""

    spread = np.sqrt((2.0 - A) / A) * SIGMA

    @staticmethod
    def step(w, r, u, noise):
        got = np.concatenate([r, u, [1.0]])
        v = w @ got + Rate.spread * noise
        return (1.0 - A) * r + A * np.tanh(v), got, A * slope(v)

    @staticmethod
    def jacobian(w, r, u, noise):
        # dr_t,i / dr_{t-1},j = (1 - a_i) [i = j] + a_i phi'(v_i) W_ij
        return np.diag(1.0 - A) + Rate.step(w, r, u, noise)[2][:, None] * w[:, :5]

    @staticmethod
    def rates(r):
        return r, np.ones(5)


FORMS = {"current": Current, "rate": Rate}
# What each rule keeps of the Jacobian: the leak, nothing, its diagonal, all.
KEPT = {
    "RFLO": lambda jacobian: np.diag(1.0 - A),
    "SnAp0": lambda jacobian: 0.0 * jacobian,
    "SnAp1": lambda jacobian: np.diag(np.diag(jacobian)),
    "RTRL": lambda jacobian: jacobian,
}


def local(form, kept, w, out, start, feedback, u, errors, noise):
    """Return the gradients of one trial by one trace P_ij a synapse."""
    x, p, p_start, grads = start, np.zeros_like(w), np.ones(5), [0.0 * w, 0.0 * out, 0.0 * start]
    for t in range(len(u)):
        last = np.diag(kept(form.jacobian(w, x, u[t], noise[t])))
        x, got, gain = form.step(w, x, u[t], noise[t])
        p, p_start = last[:, None] * p + np.outer(gain, got), last * p_start
        r, by_state = form.rates(x)
        sent = np.append(r, 1.0)
        e = errors(t, out @ sent)
        q = by_state * (feedback @ e)
        for total, own in zip(grads, (q[:, None] * p, np.outer(e, sent), q * p_start), strict=True):
            total += own
    return grads


def rtrl(form, _, w, out, start, feedback, u, errors, noise):
    """Return the gradients of one trial by the whole influence of each weight on each unit."""
    x, m, grads = start, np.zeros((5, *w.shape)), [0.0 * w, 0.0 * out, 0.0 * start]
    m_start, unit = np.eye(5), np.arange(5)
    for t in range(len(u)):
        jacobian = form.jacobian(w, x, u[t], noise[t])
        x, got, gain = form.step(w, x, u[t], noise[t])
        m, m_start = np.einsum("kl,lij->kij", jacobian, m), jacobian @ m_start
        m[unit, unit] += np.outer(gain, got)
        r, by_state = form.rates(x)
        sent = np.append(r, 1.0)
        e = errors(t, out @ sent)
        q = by_state * (feedback @ e)
        for total, own in zip(
            grads, (np.einsum("k,kij->ij", q, m), np.outer(e, sent), q @ m_start), strict=True
        ):
            total += own
    return grads


def weights_of(model):
    """Return [W, W_in, b], [W_out, b_out] and the start, float64."""
    kernel = {name: k.effective().numpy() for name, k in model.kernels.items()}
    w = np.hstack([kernel["recurrent"], kernel["input"], model.bias.numpy()[:, None]])
    out = np.hstack([kernel["output"], model.output_bias.numpy()[:, None]])
    return w, out, model.initial_state.numpy()


def named(w, out, start):
    """Return arrays that lie side by side by the names of the variables."""
    parts = {"recurrent": w[:, :5], "input": w[:, 5:-1], "bias": w[:, -1]}
    return parts | {"output": out[:, :-1], "output_bias": out[:, -1], "initial_state": start}


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_the_derivation(form, network, batch, gradients, apart):
    model, data = network(units=UNITS, form=form, noise=SIGMA), batch()
    u, targets, mask = (v.numpy() for v in (data.inputs, data.targets, data.mask))
    noise = np.stack([model.normals(data.noise, tf.constant(t, tf.int64), 3) for t in range(16)], 1)
    w, out, start = weights_of(model)
    feedbacks = {"symmetric": out[:, :-1].T, "random": B}
    asked = [
        rule(feedback="symmetric" if name == "symmetric" else nt.rules.Random(weights=B))
        for rule in RULES.values()
        for name in feedbacks
    ]
    got = gradients(model, data, *asked)
    for number, (rule, feedback) in enumerate((r, f) for r in RULES for f in feedbacks):
        wanted = 0
        for k in range(3):
            # L = sum m (z - y)^2 / sum m
            errors = lambda t, z, k=k: 2 * mask[k, t] * (z - targets[k, t]) / mask.sum()  # noqa: E731
            loop = rtrl if rule == "RTRL" else local
            own = loop(FORMS[form], KEPT[rule], w, out, start, feedbacks[feedback], u[k],
                       errors, noise[k])  # fmt: skip
            wanted = [a + b for a, b in zip(own, wanted or [0, 0, 0], strict=True)]
        assert apart(got[number], named(*wanted)) < 1e-12, (rule, feedback)


def online(form, kept, w, out, start, feedback, every, rate, u, targets, mask):
    """Change weights within the trials of a batch, by influence matrices of which some is kept."""
    (n, n_steps), unit = mask.shape[:2], np.arange(5)
    x, m, start = np.tile(start, (n, 1)), np.zeros((n, 5, *w.shape)), start.copy()
    m_start, grads, asked = np.tile(np.eye(5), (n, 1, 1)), [0.0, 0.0, 0.0], False
    for t in range(n_steps):
        for k in range(n):
            last = kept(form.jacobian(w, x[k], u[k, t], 0.0))
            x[k], got, gain = form.step(w, x[k], u[k, t], 0.0)
            m[k], m_start[k] = np.einsum("kl,lij->kij", last, m[k]), last @ m_start[k]
            m[k, unit, unit] += np.outer(gain, got)
            r, by_state = form.rates(x[k])
            sent = np.append(r, 1.0)
            e = 2 * mask[k, t] * (out @ sent - targets[k, t]) / mask.sum()
            q = by_state * ((out[:, :-1].T if feedback is None else feedback) @ e)
            own = np.einsum("k,kij->ij", q, m[k]), np.outer(e, sent), q @ m_start[k]
            grads = [total + one for total, one in zip(grads, own, strict=True)]
        asked = asked or mask[:, t].any()
        if asked and ((t + 1) % every == 0 or t + 1 == n_steps):
            w, out, start = (a - rate * g for a, g in zip((w, out, start), grads, strict=True))
            grads, asked = [0.0, 0.0, 0.0], False
    return w, out, start


@pytest.mark.parametrize(
    ("form", "rule", "feedback", "every"),
    [
        ("current", "RFLO", B, 1),
        ("rate", "RFLO", B, 3),
        ("rate", "SnAp1", None, 1),
        ("current", "SnAp0", B, 3),
        ("current", "RTRL", None, 1),
    ],
)
def test_learning_within_trials_is_that_of_the_derivation(
    form, rule, feedback, every, short, network
):
    rate = 2.0  # large enough for weights that change within a trial to matter
    given = "symmetric" if feedback is None else nt.rules.Random(weights=feedback)
    free = nt.rules.Descent(clip_norm=None)
    model = network(
        units=UNITS, form=form, optimizer=keras.optimizers.SGD(rate),
        rule=RULES[rule](feedback=given, when=every, update=free),
    )  # fmt: skip
    before = weights_of(model)
    model.fit(short, updates=1, batch_size=2, seed=6, verbose=0)
    trials = short.batch(2, seed=6, stream=nt._streams.Stream.TRAINING, index=0)
    arrays = [np.float32(a).astype(float) for a in (trials.inputs, trials.targets, trials.mask)]
    settings = (FORMS[form], KEPT[rule], *before, feedback)
    wanted, once = (online(*settings, k, rate, *arrays) for k in (every, 10**6))
    after = weights_of(model)
    assert max(np.abs(a - b).max() for a, b in zip(after, wanted, strict=True)) < 1e-12
    # What changes within the trial is seen.
    assert min(np.abs(a - b).max() for a, b in zip(after[:2], once[:2], strict=True)) > 1e-4


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_an_update_that_is_refused_midway_leaves_all_as_it_was(optimizer, short, network):
    made = getattr(keras.optimizers, optimizer)(1e200)  # too much for the second change
    free = nt.rules.Descent(clip_norm=None)
    model = network(
        rule=nt.rules.RFLO(feedback="kolen_pollack", when=1, update=free), optimizer=made
    )
    before = [np.array(variable.numpy()) for variable in model.trainer.variables]
    with pytest.raises(FloatingPointError, match="network is as it was after update 0"):
        model.fit(short, updates=2, batch_size=2, verbose=0)
    for variable, then in zip(model.trainer.variables, before, strict=True):
        assert variable.numpy().tobytes() == then.tobytes(), variable.path
