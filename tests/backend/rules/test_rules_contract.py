"""What every learning rule keeps, under every constraint; the rules are found by themselves.

A rule trains a network, or is refused at `compile` by a message that names rules that serve it.
"""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend import rules
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.importing import import_all
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.composed import Composed
from neurotask.backend.settings import Setting, registered_name

import_all(rules)
NAMED = {
    name: kind for name, kind in rules.named().items() if kind.__module__.startswith("neurotask.")
}


def within_trials(rule):
    """Return whether a rule can learn within a trial, and does not do so by default."""
    return isinstance(rule, Composed) and rule.when == "trial" and rule.credit.forward


# Where a default would let nothing happen in a few short trials.
SETTINGS = {"miconi": dict(warmup=0, rate=20.0)}
DEFAULTS = {name: kind(**SETTINGS.get(name, {})) for name, kind in NAMED.items()}
WITHIN = {
    f"{name}, when=3": dataclasses.replace(rule, when=3)
    for name, rule in DEFAULTS.items()
    if within_trials(rule) and name != "snap0"  # as rflo and snap1
}
VARIANTS = {
    "bptt, random feedback": nt.rules.BPTT(feedback="random"),
    "truncated_bptt, sliding": nt.rules.TruncatedBPTT(steps=3, form="sliding"),
    "rflo, when=1, Kolen-Pollack": nt.rules.RFLO(when=1, feedback="kolen_pollack"),
}
RULES = DEFAULTS | WITHIN | VARIANTS
BY_KERNELS = {"bptt", "bptt, random feedback", "rflo", "snap0", "snap1", "truncated_bptt"}

RNG = np.random.default_rng(5)
MASK, FROZEN = RNG.random((6, 6)) < 0.7, RNG.random((6, 6)) < 0.3
AREAS = nt.Units({"A": 4, "B": 4}, excitatory=0.5)
STAGE = nt.FeedForward(4, connectivity=Connectivity(frozen=True))
NETWORKS = {
    "plain": (nt.RateRNN, dict(units=6, activation="tanh", noise=0.1)),
    "Dale, areas, learned tau": (nt.RateRNN, dict(
        units=AREAS, noise=0.1, trainable={"tau": True}, input=Connectivity(to="A"),
        recurrent=Connectivity(autapses=False, density={"A.E->B": 0.5}, forbidden="A.I->B",
                               frozen="E->I"),
        output=Connectivity(of="B.E"),
    )),
    "rate, masked, frozen, feedback": (nt.RateRNN, dict(
        units=6, form="rate", activation="tanh", feedback=Connectivity(), feedforward=STAGE,
        recurrent=Connectivity(mask=MASK, frozen=FROZEN),
        output=Connectivity(frozen=FROZEN[:2]),
        trainable={"feedforward_bias": False},
    )),
    "LSTM, masked, frozen": (nt.LSTM, dict(
        units=6, recurrent=Connectivity(mask=MASK, frozen=FROZEN), input=Connectivity(density=0.7)
    )),
    "stage": (nt.RateRNN, dict(units=6, feedforward=4)),
    "plasticity, projection": (nt.RateRNN, dict(
        units=nt.Units(6, excitatory=0.5), activation="softplus",
        plasticity=nt.ShortTermPlasticity(), recurrent=Connectivity(law="projection"),
    )),
    "GRU": (nt.GRU, dict(units=4)),
    "frozen readout": (nt.RateRNN, dict(units=6, output=Connectivity(frozen=True))),
    "readout alone": (nt.RateRNN, dict(
        units=6, recurrent=Connectivity(frozen=True), input=Connectivity(frozen=True),
        trainable={"bias": False, "initial_state": False},
    )),
}  # fmt: skip


def made(label, short, **settings):
    kind, own = NETWORKS[label]
    return kind.for_task(short, seed=1, **(own | settings))


def compiled(model, rule, optimizer="sgd", engine="graph"):
    """Return whether a rule serves a network; where it does not, others must that it names."""
    try:
        model.compile(optimizer, rule=rule, engine=engine)
    except ValueError as error:
        others = [one for one in NAMED if re.search(rf"\b{one}\b", str(error))]
        for other in others:
            model.compile(optimizer, rule=other, engine="graph")
        # Of a feedback that does not fit, a feedback is named in place of a rule.
        assert others or 'feedback="' in str(error), error
        return False
    return True


def bits(variables):
    return [variable.numpy().tobytes() for variable in variables]


def check_kept(model, before):
    """Masks, signs and frozen values hold bit for bit."""
    for name, kernel in model.kernels.items():
        after, sign = kernel.effective().numpy(), kernel.sign.numpy()
        exists, plastic = kernel.exists.numpy(), kernel.plastic.numpy()
        assert np.isfinite(after).all()
        assert not after[..., ~exists].any(), name
        assert after[..., ~plastic].tobytes() == before[name][..., ~plastic].tobytes(), name
        assert (after * sign >= 0).all(), name


def effective(model):
    return {name: kernel.effective().numpy() for name, kernel in model.kernels.items()}


def test_every_rule_is_found():
    assert set(NAMED) >= {"bptt", "truncated_bptt", "rtrl", "snap0", "snap1", "rflo"}
    for name, kind in NAMED.items():
        assert rules.get(name.upper()) == kind()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_it_is_what_it_says(rule):
    known = {kind.__name__: kind for kind in everything()}
    assert eval(repr(rule), known) == rule
    assert hash(eval(repr(rule), known)) == hash(rule)


def everything():
    """Yield all kinds of settings of the package."""
    waiting = [Setting]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("neurotask."):
            yield kind


def test_files_can_tell_all_settings_apart():
    names = [registered_name(kind) for kind in everything()]
    assert {name for name in names if names.count(name) > 1} == set()


@pytest.mark.parametrize("label", NETWORKS)
def test_it_serves_a_network_or_says_which_rule_does(label, short):
    model = made(label, short)
    served = {name for name, rule in RULES.items() if compiled(model, rule)}
    assert {"bptt", "truncated_bptt", "rtrl"} <= served
    if label == "plain":
        assert served == set(RULES)
        assert BY_KERNELS == {name for name, rule in RULES.items() if rule.fuses(model)}
    if label != "stage":
        assert {"rflo", "snap0", "snap1"} <= served


@pytest.mark.parametrize(
    ("name", "engine"),
    [(name, "graph") for name in DEFAULTS | VARIANTS] + [(n, "fused") for n in sorted(BY_KERNELS)],
)
def test_training_goes_on_from_a_file(name, engine, short, tmp_path):
    label, how = "Dale, areas, learned tau", (RULES[name], "adam", engine)
    model = made(label, short)
    if not compiled(model, *how):
        label = "plain"
        model = made(label, short)
        assert compiled(model, *how)
    twin = made(label, short)
    assert compiled(twin, *how)
    assert model.runs_on == engine
    before = effective(model)
    started = bits(model.trainable_variables)
    model.fit(short, updates=2, batch_size=3, verbose=0)
    assert bits(model.trainable_variables) != started
    model.save(tmp_path / "n.keras")
    again = nt.load_model(tmp_path / "n.keras")
    assert again.rule == model.rule
    for one in (model, again):  # of another number of trials
        history = one.fit(short, updates=2, batch_size=1, verbose=0)
        assert np.isfinite(history.history["loss"]).all()
    assert bits(again.trainer.variables) == bits(model.trainer.variables)
    check_kept(model, before)


@pytest.mark.parametrize("name", DEFAULTS)
def test_constraints_hold_in_gated_units(name, short):
    model = made("LSTM, masked, frozen", short)
    if not compiled(model, RULES[name]):
        return  # by a message that was checked
    before, started = effective(model), bits(model.trainable_variables)
    model.fit(short, updates=4, batch_size=3, verbose=0)
    assert bits(model.trainable_variables) != started
    check_kept(model, before)


@pytest.mark.parametrize("name", RULES)
def test_doubled_padding_changes_nothing_and_constraints_hold(name, short, batch):
    penalty = nt.regularizers.L2(0.1)
    model = made("rate, masked, frozen, feedback", short, dtype="float64")
    if not compiled(model, RULES[name]):
        model = made("plain", short, dtype="float64")
        assert compiled(model, RULES[name])
    try:
        model.compile("sgd", rule=RULES[name], regularizers=(penalty,), engine="graph")
    except ValueError as error:
        assert "regularizers" in str(error)
    before = effective(model)
    data, longer = batch(), batch(steps=32)
    fields = [f.name for f in dataclasses.fields(Batch)]
    specs = [
        tf.TensorSpec([None] * 2 + list(getattr(data, f).shape[2:]), tf.float64) for f in fields[:-1]
    ] + [tf.TensorSpec((2,), tf.int64)]  # fmt: skip
    learn = tf.function(
        lambda *arrays: model.rule.learn(model, Batch(*arrays), model.trainer.state),
        input_signature=specs, autograph=False,
    )  # fmt: skip
    variables = model.trainer.variables
    start, ends = [v.numpy() for v in variables], []
    for one in (data, longer):
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        loss, outputs, good = learn(*(getattr(one, f) for f in fields))
        assert good
        ends.append([loss.numpy(), outputs.numpy()[:, :16], *(v.numpy() for v in variables)])
    for one, two in zip(*ends, strict=True):
        assert np.allclose(one, two, rtol=1e-10, atol=1e-12)
    assert any((a != b).any() for a, b in zip(start, ends[0][2:], strict=True))
    check_kept(model, before)
