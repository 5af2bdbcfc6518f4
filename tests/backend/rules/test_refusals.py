"""What a rule cannot do is said when it is asked for, and a bad update leaves the network good."""

import inspect
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules import checks
from neurotask.backend.rules.base import Batch, within_trials


@dataclass(frozen=True, kw_only=True)
class PastSynapses(nt.Leaky):
    """Uses its recurrent weights where no rule can see it."""

    def step(self, ops, weights, state, rates, drive, noise):
        return {"state": weights["leak"] * state["state"] + rates @ weights["recurrent"] + drive}


@dataclass(frozen=True, kw_only=True)
class TwiceThroughSynapses(nt.Leaky):
    """Sends the same through the same synapses twice."""

    def step(self, ops, weights, state, rates, drive, noise):
        received = ops.synapses(weights, "recurrent", rates)
        received = received + ops.synapses(weights, "recurrent", 0.5 * rates)
        return {"state": weights["leak"] * state["state"] + received + drive}


class PastRNN(nt.RecurrentModel):
    dynamics_type = PastSynapses


class TwiceRNN(nt.RecurrentModel):
    dynamics_type = TwiceThroughSynapses


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (PastRNN, r"`step` of PastSynapses must send what goes through recurrent synapses by"),
        (TwiceRNN, r"`step` of TwiceThroughSynapses must call ops.synapses\(weights, .recurrent"),
    ],
)
def test_weights_that_a_rule_cannot_see_are_refused(kind, message):
    model = kind(["u"], ["z"], units=3, dt=10.0)
    for rule in ("rflo", "rtrl", "uoro"):
        with pytest.raises(ValueError, match=message):
            model.compile("sgd", rule=rule)
    model.compile("sgd", rule="bptt")  # differentiates whatever there is


def batch(size: float) -> Batch:
    ones = tf.ones((2, 4, 1))
    return Batch(size * ones, ones, ones, ones[..., 0], tf.constant([1, 0], tf.int64))


@pytest.mark.parametrize("rule", ["bptt", "rflo"])
def test_a_gradient_too_long_to_be_clipped_is_refused(rule):
    model = nt.RateRNN(["u"], ["z"], units=3, dt=10.0, activation="linear")
    model.compile("sgd", rule=rule)
    before = model.get_weights()
    loss, _, made = model.rule.learn(model, batch(1e13), model.trainer.state)
    assert np.isfinite(loss) and not made  # each entry is finite, their squares are not
    assert all(map(np.array_equal, model.get_weights(), before))


def test_memory_is_asked_for_the_whole_batch(quick, monkeypatch):
    model = nt.RateRNN.for_task(quick, units=6)
    model.compile("sgd", rule="rtrl")
    monkeypatch.setattr(checks.os, "sysconf", lambda name: 100)  # 10 kB of memory
    with pytest.raises(ValueError, match=r"`rule` must fit into memory, but RTRL keeps .* for 64"):
        model.fit(quick, updates=1, batch_size=64, verbose=0)


def test_a_file_loads_where_its_rule_would_not_fit(quick, tmp_path, monkeypatch):
    model = nt.RateRNN.for_task(quick, units=6)
    model.compile("sgd", rule="rtrl")
    model.save(tmp_path / "network.keras")
    monkeypatch.setattr(checks.os, "sysconf", lambda name: 1)
    loaded = nt.load_model(tmp_path / "network.keras")
    assert loaded.rule == model.rule
    with pytest.raises(ValueError, match=r"`rule` must fit into memory"):
        loaded.compile("sgd", rule="rtrl")
    monkeypatch.delattr(checks.os, "sysconf")  # as on Windows, where nobody says how much there is
    loaded.compile("sgd", rule="rtrl")


def test_force_learns_at_the_next_step_that_asks():
    model = nt.RateRNN(["u"], ["z"], units=5, dt=10.0, activation="tanh")
    model.compile("sgd", rule=nt.rules.FORCE(when=2))
    ones = tf.ones((1, 6, 1))
    mask = np.zeros((1, 6, 1), np.float32)
    mask[0, 2] = 1.0  # the third step, where nothing is due by itself
    b = Batch(ones, ones, tf.constant(mask), ones[..., 0], tf.constant([1, 0], tf.int64))
    before = model.effective_weights()["output"].values
    model.rule.learn(model, b, model.trainer.state)
    assert np.abs(model.effective_weights()["output"].values - before).max() > 1e-3


def test_force_takes_nothing_that_it_would_ignore():
    with pytest.raises(ValueError, match=r"`update` must be one that takes errors for FORCE"):
        nt.rules.FORCE(carry=True, update=nt.rules.Descent())
    with pytest.raises(ValueError, match=r"`feedback` must be left out with FORCE"):
        nt.rules.FORCE(feedback="random")


@pytest.mark.parametrize("baseline", ["mean", "clean"])
def test_node_perturbation_reports_the_loss_of_the_batch(quick, baseline):
    rule = nt.rules.NodePerturbation(baseline=baseline, sigma=1e-4)
    model = nt.RateRNN.for_task(quick, units=5, activation="tanh", seed=1)
    model.compile(keras.optimizers.SGD(0.0), rule=rule, engine="graph")
    plain = nt.RateRNN.for_task(quick, units=5, activation="tanh", seed=1)
    plain.compile(keras.optimizers.SGD(0.0))
    one, two = (
        m.fit(quick, updates=3, batch_size=8, segment=1, verbose=0).history["loss"]
        for m in (model, plain)
    )
    assert one == pytest.approx(two, rel=1e-3) and len(set(one)) == 3


@keras.saving.register_keras_serializable("test_refusals")
def prints(targets, outputs, mask):
    tf.print("x", output_stream="file:///dev/null")
    return tf.reduce_sum(tf.py_function(lambda x: x, [outputs], outputs.dtype))


def test_what_xla_cannot_compile_is_said_with_the_way_out(quick):
    model = nt.RateRNN.for_task(quick, units=4)
    model.compile("sgd", rule="rflo", loss=prints)
    with pytest.raises(ValueError, match=r"`engine` must be \"graph\" for this network"):
        model.fit(quick, updates=1, batch_size=2, verbose=0)


def test_parts_are_named_where_rules_are():
    for name, kind in nt.rules.named().items():
        if kind.__module__.startswith("neurotask."):
            rule = kind()
            assert eval(repr(rule), vars(nt.rules)) == rule, name


@pytest.mark.parametrize("weights", ["abc", [[1.0], [1.0, 2.0]], np.ones((2, 2)) * 1j, [[]]])
def test_what_is_no_matrix_is_no_feedback(weights):
    with pytest.raises(
        ValueError, match=r"`weights` must be a matrix of numbers, \(unit, output\)"
    ):
        nt.rules.Random(weights=weights)


@pytest.mark.parametrize("when", [0, 1.0, None, True, 10**30, "step", [1]])
def test_what_is_no_number_of_steps_is_no_when(when):
    with pytest.raises(ValueError, match='`when` must be "trial" or a number of steps, 1 or more'):
        nt.rules.RFLO(when=when)


def test_feedback_is_told_apart_from_what_it_is_made_of():
    with pytest.raises(ValueError, match="`scale` must be left out where `weights` are given"):
        nt.rules.Random(weights=[[1.0]], scale=2.0)
    with pytest.raises(
        ValueError, match=r"must be told its rank, got 'low_rank'. Give .*LowRank\(1"
    ):
        nt.rules.RFLO(feedback="low_rank")
    with pytest.raises(TypeError, match=r"got an array of the shape \(8, 2\).*Random\(weights="):
        nt.rules.RFLO(feedback=np.ones((8, 2)))


def test_a_rule_is_an_object_of_a_dataclass_and_keeps_its_promise(network, short):
    class Bare(nt.rules.LearningRule):
        name = "rflo"

        def init(self, model):
            return None

        def learn(self, model, batch, state):
            return 1.0

    assert nt.rules.named()["rflo"] is nt.rules.RFLO  # a name of the package stays its own
    with pytest.raises(TypeError, match=r"Give rule=RFLO\(\)"):
        network(rule=nt.rules.RFLO)
    with pytest.raises(TypeError, match=r"`rule` must be of a dataclass.*above class Bare"):
        network(rule=Bare())
    model = network(rule=dataclass(frozen=True)(Bare)())
    with pytest.raises(
        TypeError, match=r"`learn` of Bare must return \(loss, outputs, made\), got 1"
    ):
        model.fit(short, updates=1, batch_size=2, verbose=0)
    with pytest.raises(TypeError, match="`task` must be a task or trials, got 'task'"):
        nt.rules.Diagnostics("task")


def test_settings_that_a_rule_does_not_have_are_refused():
    for kind in (nt.rules.BPTT, nt.rules.NodePerturbation, nt.rules.Miconi):
        says = rf"`when` must be left out with {kind.__name__}, .* within a trial are dni, force, "
        with pytest.raises(ValueError, match=says):
            kind(when=1)
    with pytest.raises(TypeError, match=r'settings that it has, got `wen`. Did you mean "when"'):
        nt.rules.RFLO(wen=1)
    # What `help` says is not changed by it.
    assert list(inspect.signature(nt.rules.BPTT).parameters) == ["clip_norm", "feedback"]


def test_rules_that_are_named_as_learning_within_a_trial_can():
    told = within_trials().split(", ")
    assert {"rtrl", "uoro", "rflo", "snap0", "snap1", "force"} <= {*told}
    for name, kind in nt.rules.named().items():
        if kind.__module__.startswith("neurotask."):
            forward = getattr(getattr(kind(), "credit", None), "forward", False)
            assert (name in told) == forward, name
