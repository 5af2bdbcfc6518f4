"""Training by kernels against training by the graph: the same gradients, curves and manners."""

import os
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.kernels import run as kernels
from neurotask.backend.regularizers import RateL2
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.bptt import BPTT

SETTINGS = {
    "current": dict(),
    "rate": dict(form="rate", activation="tanh"),
    "shared noise": dict(shared_noise=0.2),
    "shared noise alone": dict(noise=0.0, shared_noise=0.2, form="rate", activation="softplus"),
    "a tau of each unit": dict(units=nt.Units(8, tau=np.linspace(40.0, 120.0, 8))),
    "tau learns": dict(trainable={"tau": True}, form="rate"),
    "tau learns, current": dict(trainable={"tau": True}, activation="sigmoid"),
    "feedback": dict(feedback=nt.Connectivity(), activation="tanh"),
    "stage and outputs": dict(feedforward=5, output_activation="tanh", activation="softplus"),
    "Dale": dict(units=nt.Units(10, excitatory=0.8)),
}


@pytest.fixture
def make(quick):
    """Return a maker of networks of the quick task."""

    def make(engine="fused", optimizer="adam", regularizers=(), **settings):
        given = {"units": 8, "noise": 0.1, "seed": 1} | settings
        model = nt.RateRNN.for_task(quick, **given)
        model.compile(optimizer, engine=engine, regularizers=regularizers)
        return model

    return make


def batch(task, n=40, dtype="float32"):
    trials = task.trials(n, seed=1)
    arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
    inputs, targets, mask, present = (tf.constant(a, dtype) for a in arrays)
    return Batch(inputs, targets, mask, present, tf.constant([2**62 + 5, 7], tf.int64))


def off(values, truth):
    """Return how far a tensor is from the truth, relative to the truth's size."""
    values, truth = values.numpy().astype(float), truth.numpy()
    return np.linalg.norm(values - truth) / max(np.linalg.norm(truth), 1e-12)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("penalties", [(), (RateL2(0.1),)], ids=["", "penalised"])
def test_gradients_are_those_of_the_graph_in_double_precision(make, quick, name, penalties):
    """With the same weights, and the same noise, which the graph has drawn in single precision."""
    ours = make(regularizers=penalties, **SETTINGS[name])
    exact = make("graph", regularizers=penalties, dtype="float64", **SETTINGS[name])
    exact.set_weights([weights.astype(float) for weights in ours.get_weights()])
    drawn = ours.normals
    exact.__dict__["normals"] = lambda *where: tf.cast(drawn(*where), tf.float64)
    rule = BPTT(clip_norm=None)
    loss, outputs, gradients = rule.gradients(ours, batch(quick))
    truth, outputs_there, gradients_there = rule.gradients(exact, batch(quick, dtype="float64"))
    assert abs(float(loss) / float(truth) - 1) < 1e-5 and off(outputs, outputs_there) < 1e-5
    whole = np.sqrt(sum(np.sum(np.square(g.numpy())) for g in gradients_there))
    for variable, one, two in zip(
        ours.trainable_variables, gradients, gradients_there, strict=True
    ):
        apart = np.linalg.norm(one.numpy() - two.numpy())
        assert apart < 1e-5 * max(np.linalg.norm(two.numpy()), 1e-2 * whole), variable.path


@pytest.mark.parametrize("name", ["current", "rate", "stage and outputs"])
def test_outputs_can_be_derived_by_the_inputs(make, quick, name):
    slopes, given = [], batch(quick)
    for engine in ("fused", "graph"):
        model = make(engine, **SETTINGS[name])
        with tf.GradientTape() as tape:
            tape.watch(given.inputs)
            last = model.unroll(given.inputs, given.noise)[1][:, -1, 0]
        slopes.append(tape.gradient(last, given.inputs))
    assert off(*slopes) < 1e-5 and np.abs(slopes[0].numpy()).max() > 1e-3


def test_states_are_given_where_they_are_wanted(make, quick):
    one, two = make(), make("graph")
    given = batch(quick)
    (here, _), (there, _) = (model.unroll(given.inputs, given.noise) for model in (one, two))
    assert off(here["state"], there["state"]) < 1e-6
    assert one.unroll(given.inputs, given.noise, states=False)[0] == {}


@pytest.mark.parametrize("rule", ["bptt", BPTT(feedback="random")], ids=["", "random"])
@pytest.mark.parametrize("feedforward", [None, 4])
def test_an_update_goes_once_forward_and_once_back(make, quick, monkeypatch, feedforward, rule):
    """What nobody uses, such as the slope by the inputs, is left out of the graph."""
    calls = []
    for name in ("run", "gradients"):
        whole = getattr(kernels, name)

        def counted(*arguments, name=name, whole=whole, **settings):
            calls.append(name)
            return whole(*arguments, **settings)

        monkeypatch.setattr(kernels, name, counted)
    model = make(feedforward=feedforward)
    model.compile(rule=rule, regularizers=(RateL2(0.1),))
    assert model.runs_on == "fused"
    model.fit(quick, updates=6, batch_size=16, verbose=0)
    assert calls == ["run", "gradients"] * 6


def test_losses_are_those_of_the_graph(make, quick):
    """To rounding at first; later as close as two seeds are, or much closer."""
    curves = {}
    for engine, seed in (("fused", 0), ("graph", 0), ("graph", 1)):
        model = make(engine, keras.optimizers.Adam(0.01), units=nt.Units(20, excitatory=0.8))
        history = model.fit(quick, updates=60, batch_size=32, segment=1, verbose=0, seed=seed)
        curves[engine, seed] = np.array(history.history["loss"])
    fused, graph, other = curves.values()
    assert np.abs(fused[:5] / graph[:5] - 1).max() < 1e-3
    assert np.abs(fused - graph).mean() < 0.1 * np.abs(graph - other).mean()
    assert fused[-10:].mean() < 0.8 * fused[:5].mean()


def test_a_training_that_was_saved_goes_on_bit_for_bit(make, quick, tmp_path):
    settings = dict(SETTINGS["rate"], shared_noise=0.1)
    whole, first = make(**settings), make(**settings)
    whole.fit(quick, updates=13, batch_size=70, verbose=0, seed=3)
    first.fit(quick, updates=6, batch_size=70, verbose=0, seed=3)
    first.save(tmp_path / "n.keras")
    again = nt.load_model(tmp_path / "n.keras")
    assert again.runs_on == "fused"
    again.fit(quick, updates=7, batch_size=70, verbose=0, seed=3)
    for one, two in zip(whole.variables, again.variables, strict=True):
        assert one.numpy().tobytes() == two.numpy().tobytes(), one.path


def state(model):
    return [variable.numpy().copy() for variable in model.trainer.variables]


def same(one, two):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True))


def test_a_weight_that_is_no_number_is_refused(make, quick):
    model = make()
    model.fit(quick, updates=3, batch_size=16, verbose=0)
    raw = model.recurrent_kernel.raw
    raw.assign(np.where(np.eye(8), np.nan, raw.numpy()))
    before = state(model)
    with pytest.raises(FloatingPointError, match=r"got a loss of nan at update 4\. The network is"):
        model.fit(quick, updates=5, batch_size=16, verbose=0)
    assert same(state(model), before)


def test_divergence_leaves_the_last_good_network(make, quick):
    model = make(optimizer=keras.optimizers.SGD(1e25))
    with pytest.raises(FloatingPointError, match=r"The network is as it was after update \d+\."):
        model.fit(quick, updates=20, batch_size=16, verbose=0)
    assert all(np.isfinite(values).all() for values in model.get_weights())
    again = make(optimizer=keras.optimizers.SGD(1e25))
    again.fit(quick, updates=int(model.updates.numpy()), batch_size=16, verbose=0)
    assert same(state(again), state(model))


def test_an_interrupt_ends_between_updates(make, quick, monkeypatch):
    """It comes in the middle of a kernel; the network is that of a whole number of updates."""
    run, calls = kernels.run, []

    def interrupted(*arguments, **settings):
        calls.append(threading.current_thread())
        if len(calls) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return run(*arguments, **settings)

    model, undisturbed = make(), make()
    monkeypatch.setattr(kernels, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(quick, updates=200, batch_size=16, verbose=0)
    monkeypatch.undo()
    done = int(model.updates.numpy())
    assert 8 <= done < 200
    undisturbed.fit(quick, updates=done, batch_size=16, verbose=0)
    assert same(state(model), state(undisturbed))
    model.fit(quick, updates=2, batch_size=16, verbose=0)  # and it goes on


def test_two_networks_train_at_once(make, quick):
    """In two threads, each as if it were alone."""

    def trained(seed):
        model = make(seed=seed)
        model.fit(quick, updates=20, batch_size=70, verbose=0, seed=seed)
        return state(model)

    alone = [trained(seed) for seed in (1, 2)]
    together = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: trained(seed)}))
        for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(together[1], alone[0]) and same(together[2], alone[1])
