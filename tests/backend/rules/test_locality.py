"""What a synapse cannot see does not change what it learns: given states, others' weights varied."""

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.credit.back_in_time import Blocks
from neurotask.backend.rules.credit.influence import Influence
from neurotask.backend.rules.credit.within import Diagonal, Immediate, LeakyCredit
from neurotask.backend.rules.prepared import Prepared

B = np.random.default_rng(8).normal(size=(5, 2))
NETWORKS = {
    "current": (nt.RateRNN, dict(noise=0.2, feedback=nt.Connectivity())),
    "rate": (nt.RateRNN, dict(noise=0.2, form="rate")),
    "plasticity": (nt.RateRNN, dict(activation="softplus", plasticity=nt.ShortTermPlasticity())),
    "LSTM": (nt.LSTM, {}),
    "GRU": (nt.GRU, dict(reset_after=True)),
}


def ran(model, data):
    """Return what the network did on a batch, and the outputs before each step."""
    prepared = Prepared(model)
    run = model.unrolled(prepared.weights, data.inputs, data.noise)
    return run, model.readout(prepared.weights, model.rates_of(run.before))


def signal_of(run):
    """Return some signal to every variable of the state at every step."""
    shape = tf.concat([tf.shape(values) for values in run.states.values()][:1], 0)
    n = len(run.states) * int(shape[-1])
    return tf.constant(np.random.default_rng(4).normal(size=(*shape[:-1].numpy(), n)))


def of_unit_0(model, credit, data, run, fed, signal, forward):
    """Return the gradients of what unit 0 receives, for states that are given."""
    rule = nt.rules.Composed(credit=credit)

    def run_it():
        if not forward:
            return credit.back(model, run, fed, signal)
        prepared = Prepared(model)
        state = {"credit": credit.init(model)}
        return prepared.pull(rule._forward(model, prepared, data, run, fed, signal, state)[0])

    got = tf.function(run_it, autograph=False)()
    found = {}
    for variable, gradient in zip(model.trainable_variables, got, strict=True):
        name, gradient = variable.path, gradient.numpy()
        if "output" in name:
            continue
        if gradient.ndim == 1:  # (gate * unit,)
            found[name] = gradient.reshape(-1, 5)[:, 0]
        else:  # (..., post, pre)
            found[name] = gradient[..., 0, :]
    return found


def change_others(model):
    """Change all weights onto other units than the first, its own outgoing ones included."""
    random = np.random.default_rng(9)
    for name, kernel in model.kernels.items():
        weights = kernel.effective().numpy()
        if name == "output":
            weights = weights + random.normal(size=weights.shape)
        else:
            weights[..., 1:, :] += random.normal(size=weights[..., 1:, :].shape)
        kernel.assign(weights)
    for name in ("bias", "recurrent_bias"):
        if hasattr(model, name):
            values = getattr(model, name).numpy().reshape(-1, 5)
            values[:, 1:] += random.normal(size=values[:, 1:].shape)
            getattr(model, name).assign(values.ravel())


def moved(one, two):
    size = max(np.abs(values).max() for values in one.values())
    return max(np.abs(one[name] - two[name]).max() for name in one) / size


@pytest.mark.parametrize(("kind", "settings"), NETWORKS.values(), ids=NETWORKS)
def test_weights_of_other_units_do_not_matter(kind, settings, network, batch):
    model, data = network(kind, **settings), batch()
    run, fed = ran(model, data)
    signal = signal_of(run)
    cases = [
        (LeakyCredit(), False),
        (LeakyCredit(), True),
        (Diagonal(), False),
        (Immediate(), False),
    ]
    whole = [(Blocks(), False), *([(Influence(), True)] if kind is nt.RateRNN else [])]
    asked = [(*case, True) for case in cases] + [(*case, False) for case in whole]
    given = (data, run, fed, signal)
    before = [of_unit_0(model, credit, *given, way) for credit, way, _ in asked]
    change_others(model)
    for (credit, way, is_local), then in zip(asked, before, strict=True):
        now = of_unit_0(model, credit, *given, way)
        if is_local:
            assert moved(then, now) < 1e-14, credit
        else:  # the test can fail
            assert moved(then, now) > 0.05, credit


@pytest.mark.parametrize("form", ["current", "rate"])
def test_activity_of_units_that_do_not_project_to_it_does_not_matter(form, network, batch):
    mask = np.ones((5, 5))
    mask[0, 3:] = 0.0  # the units 3 and 4 do not project to the first
    model, data = network(form=form, recurrent=nt.Connectivity(mask=mask)), batch()
    run, fed = ran(model, data)
    signal = signal_of(run)
    then = of_unit_0(model, LeakyCredit(), data, run, fed, signal, False)
    bptt = of_unit_0(model, Blocks(), data, run, fed, signal, False)
    run.before["state"] = run.before["state"] + np.array([0.0, 0.0, 0.0, -2.0, 1.0])
    now = of_unit_0(model, LeakyCredit(), data, run, fed, signal, False)
    assert moved(then, now) < 1e-14
    assert moved(bptt, of_unit_0(model, Blocks(), data, run, fed, signal, False)) > 0.01
    run.before["state"] = run.before["state"] * np.array([1.0, 3.0, 1.0, 1.0, 1.0])
    now = of_unit_0(model, LeakyCredit(), data, run, fed, signal, False)
    assert moved(then, now) > 0.1  # what it does see matters


LOCAL = [nt.rules.Random(weights=B), nt.rules.Random(), nt.rules.LowRank(1), nt.rules.Broadcast(),
         nt.rules.KolenPollack()]  # fmt: skip


@pytest.mark.parametrize("feedback", LOCAL, ids=repr)
def test_the_readout_does_not_matter_under_feedback_of_its_own(feedback, network):
    model, error = network(), tf.constant(np.random.default_rng(1).normal(size=(16, 3, 2)))
    state = nt.backend.rules.feedback.variable(model, feedback.init(model))
    then = feedback.signal(model.prepare(), state, error).numpy()
    change_others(model)
    assert np.array_equal(feedback.signal(model.prepare(), state, error).numpy(), then)
    assert feedback.local


def test_the_readout_matters_under_symmetric_feedback(network):
    model, error = network(), tf.constant(np.random.default_rng(1).normal(size=(16, 3, 2)))
    for feedback in (nt.rules.Symmetric(), nt.rules.SignConcordant()):
        state = nt.backend.rules.feedback.variable(model, feedback.init(model))
        then = feedback.signal(model.prepare(), state, error).numpy()
        weights = model.kernels["output"].effective().numpy()
        model.kernels["output"].assign(-weights)
        assert np.allclose(feedback.signal(model.prepare(), state, error).numpy(), -then)
    assert not nt.rules.Symmetric().local
