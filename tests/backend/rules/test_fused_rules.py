"""Rules after whole trials by kernels: the gradients of the graph, for every rule that fuses."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.back_in_time import Blocks, Window
from neurotask.backend.rules.credit.influence import Influence
from neurotask.backend.rules.credit.within import Diagonal, Immediate, LeakyCredit
from neurotask.backend.rules.error import OutputError
from neurotask.backend.rules.feedback import Broadcast

RULES = {
    "rflo": nt.rules.RFLO(),
    "rflo, Kolen-Pollack": nt.rules.RFLO(feedback="kolen_pollack"),
    "e-prop": nt.rules.RFLO(feedback="symmetric"),
    "snap0": nt.rules.SnAp0(),
    "snap1": nt.rules.SnAp1(feedback="sign_concordant"),
    "truncated": nt.rules.TruncatedBPTT(steps=5),
    "truncated, low rank": nt.rules.TruncatedBPTT(steps=3, feedback=nt.rules.LowRank(1)),
    "bptt, broadcast": nt.rules.BPTT(feedback="broadcast"),
    "blocks": Composed(credit=Blocks()),
}
RNG = np.random.default_rng(5)
MASK, FROZEN = RNG.random((6, 6)) < 0.7, RNG.random((6, 6)) < 0.3
AREAS = nt.Units({"A": 4, "B": 4}, excitatory=0.5, tau={"E": 100.0, "I": 50.0})
NETWORKS = {
    "current, Dale, areas, own tau": dict(
        units=AREAS, noise=0.1, activation="softplus", input=Connectivity(to="A"),
        recurrent=Connectivity(density={"A.E->B": 0.5}, forbidden="A.I->B", frozen="E->I"),
        output=Connectivity(of="B.E"),
    ),
    "current, learned tau": dict(units=6, noise=0.1, shared_noise=0.1, trainable={"tau": True}),
    "rate, masked, learned tau": dict(
        units=6, form="rate", noise=0.1, shared_noise=0.1, trainable={"tau": True},
        recurrent=Connectivity(mask=MASK, frozen=FROZEN),
    ),
    "current, feedback": dict(units=6, noise=0.1, feedback=Connectivity()),
    "rate, feedback, frozen stage": dict(
        units=6, form="rate", feedback=Connectivity(),
        feedforward=nt.FeedForward(4, connectivity=Connectivity(frozen=True)),
    ),
    "stage": dict(units=6, noise=0.1, feedforward=4),
}  # fmt: skip
PENALTIES = nt.regularizers.L2(0.1), nt.regularizers.RateL2(0.1)


@pytest.fixture(scope="module")
def data(batch):
    """40 trials in single precision, of which the last is shorter."""
    values = (getattr(batch(40), field.name) for field in fields(Batch))
    return Batch(*(tf.cast(one, tf.float32) if one.dtype.is_floating else one for one in values))


def descended(model, data, rules):
    """Return the gradient of each variable by its path, for each rule; outside of a graph."""
    each = [rule.gradients(model, data)[2] for rule in rules]
    paths = [variable.path for variable in model.trainable_variables]
    return [{p: g.numpy().astype(float) for p, g in zip(paths, one, strict=True)} for one in each]


def served(model):
    """Return the rules that can serve a network."""
    rules = {}
    for name, rule in RULES.items():
        try:
            rule.check(model)
        except ValueError:
            continue
        rules[name] = rule
    return rules


@pytest.mark.parametrize("label", NETWORKS)
def test_kernels_give_the_gradients_of_the_graph(label, network, data, apart, monkeypatch):
    model = network(dtype="float32", **NETWORKS[label], regularizers=PENALTIES)
    rules = {name: rule for name, rule in served(model).items() if rule.fuses(model)}
    assert len(rules) >= (4 if label == "stage" else 8)
    wanted = descended(model, data, rules.values())
    model.compile("sgd", regularizers=PENALTIES, engine="fused")
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "unrolled", None)  # what the graph would ask for
        got = descended(model, data, rules.values())
    for name, one, two in zip(rules, got, wanted, strict=True):
        assert apart(one, two) < 1e-5, name
    if "learned" in label:
        (tau,) = (path for path in got[0] if path.endswith("raw_tau"))
        assert all(np.abs(one[tau]).max() > 0 for one in got)


def test_losses_and_outputs_are_those_of_the_graph(network, data):
    rule, ends = nt.rules.RFLO(), []
    for engine in ("graph", "fused"):
        model = network(dtype="float32", noise=0.1, regularizers=PENALTIES)
        model.compile("sgd", rule=rule, regularizers=PENALTIES, engine=engine)
        ends.append([one.numpy() for one in rule.gradients(model, data)[:2]])
    (loss, outputs), (loss_by_kernels, outputs_by_kernels) = ends
    assert loss_by_kernels == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(outputs_by_kernels, outputs, atol=1e-5)


@pytest.mark.parametrize("name", ["rflo, Kolen-Pollack", "truncated"])
def test_networks_learn_as_on_the_graph(name, short):
    losses = []
    for engine in ("graph", "fused"):
        model = nt.RateRNN.for_task(short, units=10, activation="tanh", noise=0.05, seed=1)
        model.compile(rule=RULES[name], engine=engine)
        history = model.fit(short, updates=40, batch_size=32, segment=10, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    assert losses[0][-1] < 0.9 * losses[0][0]


@dataclass(frozen=True)
class OwnCredit(LeakyCredit):
    """Credit that may go back in another way than the one that it is made of."""


@dataclass(frozen=True)
class OwnError(OutputError):
    """A comparison of its own."""


@dataclass(frozen=True)
class OwnFeedback(Broadcast):
    """Feedback that is no matrix."""

    def signal(self, weights, state, error):
        return tf.tanh(super().signal(weights, state, error))


REST = {
    "forward in time": Composed(credit=Influence()),
    "within a trial": nt.rules.RFLO(when=3),
    "a window": Composed(credit=Window(3)),
    "sliding": nt.rules.TruncatedBPTT(steps=3, form="sliding"),
    "own credit": Composed(credit=OwnCredit()),
    "own error": Composed(error=OwnError()),
    "own feedback": Composed(feedback=OwnFeedback()),
    "one number a trial": nt.rules.NodePerturbation(),
}


@pytest.mark.parametrize("rule", REST.values(), ids=REST)
def test_what_needs_more_is_left_to_the_graph(rule, network):
    model = network(dtype="float32")
    assert not rule.fuses(model)
    with pytest.raises(ValueError, match="needs more of a step than they give"):
        model.compile("sgd", rule=rule, engine="fused")


@pytest.mark.parametrize("credit", [LeakyCredit(), Immediate(), Diagonal(), Blocks(4)])
def test_networks_for_which_a_kernel_goes_back_otherwise_are_left_to_the_graph(credit, network):
    rule = Composed(credit=credit)
    assert rule.fuses(network(dtype="float32"))
    assert not rule.fuses(network(nt.LSTM, dtype="float32"))
    # What comes back through outputs is among the recurrent weights there, autapses included.
    returning = network(dtype="float32", feedback=Connectivity())
    assert rule.fuses(returning) == (credit != Diagonal())
