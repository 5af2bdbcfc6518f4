"""Diagnostics against what is known of rules, and that looking at a network changes nothing."""

import dataclasses
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask._streams import Stream
from neurotask.backend.rules.base import Batch, LearningRule
from neurotask.backend.rules.bptt import BPTT
from neurotask.backend.rules.diagnosis import cosine, dimensions
from neurotask.backend.rules.probe import Probe
from neurotask.rules import FORCE, RFLO, RLS, Diagnostics, LowRank, SnAp0, diagnose


def exactly(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


@dataclass(frozen=True, kw_only=True)
class Three(nt.Task):
    """Three outputs, each with a level of its own; 25 steps."""

    inputs = ("a", "b")
    outputs = ("x", "y", "z")
    look: nt.Duration = 500.0

    def factors(self):
        return {name: nt.Uniform(-1.0, 1.0) for name in "abxyz"}

    def build(self, t):
        for name in self.inputs:
            t.input(name, t.conditions[name], phase="look", noise=1.0)
        for name in self.outputs:
            t.target(name, t.conditions[name], phase="look")


@dataclass(frozen=True)
class Plain(LearningRule):
    """Gradient descent of one's own, which says nothing of its gradient."""

    def init(self, model):
        return None

    def learn(self, model, batch, state):
        loss, outputs, gradients = BPTT().gradients(model, batch)
        model.optimizer.apply(gradients, model.trainable_variables)
        return loss, outputs, tf.constant(True)


def three(rule, n=10, **settings):
    """Return a network of tanh units that leak 0.3 a step, for the task of three outputs."""
    settings = dict(activation="tanh", form="rate", tau=20.0 / 0.3, dtype="float64") | settings
    model = nt.RateRNN.for_task(Three(), units=n, seed=3, **settings)
    model.compile("sgd", rule=rule)
    return model


# --- what is known of rules -----------------------------------------------------------------------


def test_bptt_is_itself_and_its_update_is_the_clipped_step(network, short):
    model = network(rule=BPTT(clip_norm=0.01), optimizer=keras.optimizers.SGD(0.5))
    found = diagnose(model, short, n=4)
    assert found.of == "gradient"
    assert found.cosine_to_bptt == exactly(1.0)
    assert list(found.cosines.values()) == exactly([1.0] * len(found.cosines))
    assert found.feedback_alignment == exactly(1.0)
    assert found.feedback_correlation == exactly({"left": 1.0, "right": 1.0})
    norm = np.linalg.norm(list(found.gradient_norms.values()))
    assert norm > 0.01
    wanted = {name: 0.5 * 0.01 / norm * size for name, size in found.bptt_norms.items()}
    assert found.update_norms == pytest.approx(wanted, rel=1e-10)
    table = found.table()
    assert table.loc["all", "update_norm"] == pytest.approx(0.5 * 0.01, rel=1e-10)
    assert {"recurrent", "input", "output", "bias", "output_bias", "all"} <= set(table.index)


def test_rtrl_is_bptt(network, short):
    found = diagnose(network(rule="rtrl"), short, n=3)
    assert list(found.cosines.values()) == exactly([1.0] * len(found.cosines))


def test_local_rules_against_the_gradient():
    """Without recurrence RFLO is the gradient; with strong recurrence it is near, SnAp-0 is not."""
    trials = Three().trials(1, seed=1)
    noise = np.random.default_rng(1).normal(size=trials.targets.shape)
    trials = dataclasses.replace(trials, targets=noise.astype(np.float32))
    of = {}
    for rule in (RFLO(feedback="symmetric"), SnAp0()):
        model = three(rule)
        probe, recurrent = Probe(model, trials, 1, 0), model.kernels["recurrent"]
        recurrent.assign(np.zeros((10, 10)))
        of[rule] = [probe.look().cosines["recurrent"]]
        for seed in range(9):
            weights = np.random.default_rng(seed).normal(0.0, 2.0 / 10**0.5, (10, 10))
            recurrent.assign(weights)
            of[rule].append(probe.look().cosines["recurrent"])
    (flat, *rflo), (flat_snap0, *snap0) = of.values()
    assert flat == exactly(1.0)
    assert flat_snap0 < 0.999
    assert 0.85 < np.median(rflo) < 0.9999
    assert np.median(snap0) < np.median(rflo) - 0.05


def test_low_rank_feedback_sends_a_signal_of_its_rank():
    found = diagnose(three(RFLO(feedback=LowRank(2))), Three(), n=8)
    assert found.signal_rank == 2.0
    assert 1.0 <= found.signal_participation_ratio <= 2.0
    assert abs(found.feedback_alignment) < 0.99
    whole = diagnose(three(RFLO()), Three(), n=8)
    assert whole.signal_rank == 3.0  # as many as there are outputs


def test_alignment_is_that_of_the_matrices():
    weights = np.random.default_rng(2).normal(size=(10, 3))
    model = three(RFLO(feedback=nt.rules.Random(weights=weights)))
    found, readout = diagnose(model, Three(), n=2), model.effective_weights()["output"].values.T
    wanted = (weights * readout).sum() / np.linalg.norm(weights) / np.linalg.norm(readout)
    assert found.feedback_alignment == exactly(wanted)
    by_output = [np.corrcoef(weights[:, at], readout[:, at])[0, 1] for at in range(3)]
    assert list(found.feedback_correlation.values()) == pytest.approx(by_output, rel=1e-10)
    assert list(found.feedback_correlation) == ["x", "y", "z"]


def test_dimensions_of_signals():
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.normal(size=(50, 3)))[0]
    s = np.array([3.0, 2.0, 1.0])
    signal = (basis * s) @ np.linalg.qr(rng.normal(size=(7, 3)))[0].T
    assert dimensions(signal.reshape(5, 10, 7)) == (
        3.0, pytest.approx((s**2).sum() ** 2 / (s**4).sum(), rel=1e-12)
    )  # fmt: skip
    noisy = (signal + 1e-8 * rng.normal(size=signal.shape)).astype(np.float32)
    assert dimensions(noisy)[0] == 3.0
    assert dimensions(np.zeros((4, 3)))[0] == 0.0
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))


def test_updates_are_of_the_weights_that_the_network_uses():
    model = three("bptt", trainable={"tau": True})
    probe = Probe(model, Three(), 2, 0)
    found, before = probe.look(), model.parameters().vectors["tau"]
    model.rule.learn(model, Batch(*probe._arrays), None)
    moved = np.linalg.norm(model.parameters().vectors["tau"] - before)
    assert found.update_norms["tau"] == pytest.approx(moved, rel=1e-9) and moved > 1e-4


# --- rules that say no gradient -------------------------------------------------------------------


def test_rule_of_ones_own_is_told_by_its_change(network, short):
    found = diagnose(network(rule=Plain()), short, n=4)
    assert found.of == "change"
    assert found.cosine_to_bptt == pytest.approx(1.0, rel=1e-9)
    assert np.isnan([found.feedback_alignment, found.signal_rank]).all()
    assert "cosine of its change to BPTT 1.000" in repr(found)
    assert "no feedback of errors to units" in repr(found)


def test_force_is_told_by_its_change():
    rule = FORCE(update=RLS(alpha=2.0), when=1)
    model = three(rule, noise=0.0)
    trials = Three().trials(1, seed=1)
    found = diagnose(model, trials)
    # After all steps the readout is what ridge regression around its start gives.
    rates = model.run(trials, noise=False).rates.values[0]
    readout = model.parameters()
    weights, bias = readout.kernels["output"], readout.vectors["output_bias"]
    left = trials.targets[0] - bias - rates @ weights.T
    change = np.linalg.solve(rates.T @ rates + 2.0 * np.eye(10), rates.T @ left)
    assert found.of == "change"
    assert found.update_norms["output"] == pytest.approx(np.linalg.norm(change), rel=1e-6)
    others = [norm for name, norm in found.update_norms.items() if name != "output"]
    assert others == [0.0] * len(others)
    assert found.cosines["output"] > 0.2  # it goes down
    assert np.isnan(found.cosines["recurrent"])


# --- looking changes nothing ----------------------------------------------------------------------


def test_nothing_is_changed_and_the_same_is_found_again(network, short):
    rule = RFLO(when=2, feedback="kolen_pollack")
    model = network(rule=rule, optimizer="adam", units=nt.Units(6, excitatory=0.5), noise=0.1)
    model.fit(short, updates=2, batch_size=4, verbose=0)
    before = [np.array(variable.numpy()) for variable in model.trainer.variables]
    probe = Probe(model, short, 4, 5)
    assert (
        (probe._arrays[0] == short.batch(4, seed=5, stream=Stream.PROBE, index=0).inputs)
        .numpy()
        .all()
    )
    found = probe.look()
    after = [np.array(variable.numpy()) for variable in model.trainer.variables]
    assert all((one == two).all() for one, two in zip(before, after, strict=True))
    assert found.updates == 2 and min(found.update_norms.values()) > 0
    assert probe.look().row() == found.row()


def test_training_is_followed_and_left_alone(network, short):
    def train(callbacks):
        model = network(rule="rflo", optimizer="adam", dtype="float32", noise=0.1)
        plan = dict(batch_size=4, segment=2, verbose=0, callbacks=callbacks)
        history = model.fit(short, updates=6, **plan).history
        return model, history

    seen = []
    watcher = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: seen.append(dict(logs)))
    diagnostics = Diagnostics(short, n=4, every=2)
    (model, history), (alone, _) = train([diagnostics, watcher]), train([])
    pairs = zip(model.get_weights(), alone.get_weights(), strict=True)
    assert all((one == two).all() for one, two in pairs)
    table = diagnostics.table
    assert table["updates"].tolist() == [0, 4]
    for name in ("cosine_to_bptt", "feedback_alignment", "signal_rank", "update_norm_recurrent"):
        assert np.isnan(history[name]).tolist() == [True, False, True]
        assert history[name][1] == table[name][1] == seen[1][name]
    assert history["updates"] == [2, 4, 6]
    assert table["feedback_alignment"].nunique() == 2

    found = diagnose(model, short, n=4)
    model.fit(short, updates=4, batch_size=4, segment=2, verbose=0, callbacks=[diagnostics])
    assert diagnostics.table["updates"].tolist() == [0, 4, 6, 10]
    assert diagnostics.table.iloc[2].to_dict() == {"updates": 6} | found.row()


# --- what is refused ------------------------------------------------------------------------------


def test_what_cannot_be_diagnosed_is_refused(network, short):
    model = network(rule=FORCE(carry=True))
    with pytest.raises(
        ValueError, match=r"`n` must be a number of trials .* got 64\. `batch_size`"
    ):
        diagnose(model, short)
    with pytest.raises(ValueError, match="`task` must have the model's inputs"):
        diagnose(model, Three())
    with pytest.raises(
        TypeError, match=r"`task_or_trials` must be a Task or Trials, got Curriculum"
    ):
        diagnose(model, nt.Curriculum([short]))  # pyright: ignore[reportArgumentType]
    silent = dataclasses.replace(short.trials(1), mask=np.zeros_like(short.trials(1).mask))
    with pytest.raises(ValueError, match="`mask` must ask for something"):
        diagnose(model, silent)
    with pytest.raises(ValueError, match="`seed` must be a whole number of 0 or more, got -1"):
        diagnose(model, short, n=1, seed=-1)
    with pytest.raises(
        TypeError, match=r"`model` must be a network, got Networks\. .*networks\[0\]"
    ):
        diagnose(nt.Networks([network(rule="rflo")]), short)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="must be compiled before"):
        diagnose(nt.RateRNN.for_task(short, units=3), short)
    with pytest.raises(ValueError, match="`every` must be a whole number of 1 or more, got 0"):
        Diagnostics(short, every=0)
