"""FORCE: a plain loop over steps, what it leaves alone, and that it learns."""

import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.nothing import Nothing

N, TAU, STEPS = 120, 10.0, 1200


@dataclass(frozen=True, kw_only=True)
class Wave(nt.Task):
    """A wave, without anything that tells of it; each trial starts where the last one ended."""

    inputs = ("none",)
    outputs = ("wave",)
    choices = ()
    dt: float = 1.0
    trial: nt.Duration = float(STEPS)

    def build(self, t):
        t.target("wave", wave(np.arange(1, STEPS + 1))[None])


def wave(t):
    """Return a wave of two harmonics; the trial is ten periods."""
    phase = 2 * np.pi * np.asarray(t) / 120
    return np.sin(phase) + 0.5 * np.sin(2 * phase)


def network(n=N, feedback=True, **settings):
    """Return Sussillo & Abbott's network of a smaller size."""
    draw = np.random.default_rng(5)
    back = nt.Connectivity(initializer=draw.uniform(-1, 1, (n, 1)))
    settings = {"dt": 1.0, "tau": TAU, "activation": "tanh", "seed": 1} | settings
    start = nt.initializers.Gaussian(1.5)
    model = nt.RateRNN(
        ["none"],
        ["wave"],
        units=n,
        recurrent=nt.Connectivity(density=0.5, initializer=start),
        feedback=back if feedback else None,
        output=nt.Connectivity(initializer="zeros"),
        **settings,
    )
    model.initial_state.assign(0.5 * draw.standard_normal(n))
    return model


def batch(targets, **changes):
    """Return a batch of a trial without inputs."""
    y = np.asarray(targets, float)[None, :, None]
    arrays = {"mask": np.ones_like(y), "present": np.ones(y.shape[:2])} | changes
    given = (np.zeros_like(y), y, arrays["mask"], arrays["present"])
    return Batch(*(tf.constant(a) for a in given), noise=None)


def by_hand(model, targets, alpha, every):
    """Return outputs and readout of FORCE by a loop over steps."""
    kernels = {name: kernel.effective().numpy() for name, kernel in model.kernels.items()}
    x, n = model.initial_state.numpy().copy(), len(model.units)
    inverse, w, z, outputs = np.eye(n) / alpha, kernels["output"][0].copy(), 0.0, []
    for t, f in enumerate(targets):
        drive = kernels["recurrent"] @ np.tanh(x) + kernels["feedback"][:, 0] * z
        x = (1 - 1 / TAU) * x + drive / TAU
        r = np.tanh(x)
        z = w @ r
        outputs.append(z)
        if (t + 1) % every == 0:
            k = inverse @ r / (1 + r @ inverse @ r)
            inverse = inverse - np.outer(k, r @ inverse)
            w = w - (z - f) * k
    return np.array(outputs), w


@pytest.mark.parametrize("xla", [False, True])
def test_outputs_and_readout_are_those_of_a_plain_loop(xla):
    model, targets = network(20, dtype="float64"), wave(np.arange(1, 61))
    outputs, readout = by_hand(model, targets, alpha=2.0, every=3)
    rule = nt.rules.FORCE(update=nt.rules.RLS(alpha=2.0), when=3)
    model.compile("sgd", rule=rule)
    state, given = rule.init(model), batch(targets)
    learn = tf.function(lambda: rule.learn(model, given, state), autograph=False, jit_compile=xla)
    loss, came, made = learn()
    assert made and float(loss) == pytest.approx(np.mean((outputs - targets) ** 2), abs=1e-10)
    assert came.numpy()[0, :, 0] == pytest.approx(outputs, abs=1e-10)
    assert model.output_kernel.effective().numpy()[0] == pytest.approx(readout, abs=1e-10)


@pytest.fixture(scope="module")
def trained():
    """A network that has learned the wave over four trials, and what it was before."""
    model = network()
    before = {variable.path: variable.numpy() for variable in model.variables}
    model.compile("sgd", rule=nt.rules.FORCE(carry=True))
    history = model.fit(Wave(), updates=4, batch_size=1, segment=1, verbose=0)
    return model, before, history.history["loss"]


def test_network_learns_to_make_the_wave_by_itself(trained):
    model, _, losses = trained
    assert losses[-1] < 3e-3  # silence: 0.63
    outputs = model.run(Wave().trials(1, seed=0), seed=0).outputs.values[0, :, 0]
    assert np.corrcoef(outputs, wave(np.arange(1, STEPS + 1)))[0, 1] > 0.98


def test_readout_and_start_alone_change(trained):
    model, before, _ = trained
    changed = {v.path for v in model.variables if (v.numpy() != before[v.path]).any()}
    names = {"/".join(path.split("/")[-2:]) for path in changed}
    assert names == {"output/raw", "vectors/initial_state", model.updates.path}


def test_updates_that_carry_on_are_one_long_trial():
    targets = wave(np.arange(1, 41))
    networks = [network(20, feedback=False, dtype="float64") for _ in range(2)]
    states = []
    for model in networks:
        model.compile("sgd", rule=nt.rules.FORCE(carry=True))
        states.append(model.rule.init(model))
    long, parts = networks
    long.rule.learn(long, batch(targets), states[0])
    parts.rule.learn(parts, batch(targets[:22]), states[1])
    # What is behind the end of a trial is no part of it.
    padded = {"mask": np.ones((1, 30, 1)), "present": np.ones((1, 30))}
    for values in padded.values():
        values[:, 18:] = 0.0
    parts.rule.learn(parts, batch(np.append(targets[22:], np.ones(12)), **padded), states[1])
    for one, two in zip(long.trainable_variables, parts.trainable_variables, strict=True):
        assert one.numpy() == pytest.approx(two.numpy(), abs=1e-12)
    one, two = (state["update"]["output"][0].numpy() for state in states)
    assert one == pytest.approx(two, abs=1e-12)


def test_run_goes_on_where_training_ended():
    model = network(20, dtype="float64")
    model.compile("sgd", rule=nt.rules.FORCE(carry=True))
    state, targets = model.rule.init(model), wave(np.arange(1, 41))
    mask = np.zeros((1, 40, 1))
    mask[0, 0] = 1.0  # asked where no change is due, so that nothing is learned
    start, still = model.initial_state.numpy(), batch(targets, mask=mask)
    model.rule.learn(model, still, state)
    end, wanted = model.initial_state.numpy(), start
    for _ in range(40):
        wanted = model.step(wanted, np.zeros(1))
    assert end == pytest.approx(wanted, abs=1e-12)
    session = model.run(Wave().trials(1, seed=0))
    assert session.states.values[0, 0] == pytest.approx(model.step(wanted, np.zeros(1)))


def test_inverse_is_kept_in_files(trained, tmp_path):
    model, _, _ = trained
    model.save(tmp_path / "a.keras")
    again = nt.load_model(tmp_path / "a.keras")
    one, two = (m.trainer.state["update"]["output"][0].numpy() for m in (model, again))
    assert (one == two).all() and (one != np.eye(N)).any()


def test_masked_and_small_batches_train(quick, network_of_two):
    model = network_of_two(rule="force", output=nt.Connectivity(density=0.5))
    exists = model.output_kernel.exists.numpy()
    model.fit(quick, updates=3, batch_size=4, verbose=0)
    weights = model.output_kernel.effective().numpy()
    assert (weights[~exists] == 0).all() and np.isfinite(weights).all()


@pytest.fixture
def network_of_two(quick):
    """Return a maker of small networks for the quick task, which has two outputs."""

    def make(rule, **settings):
        model = nt.RateRNN.for_task(quick, units=10, seed=0, **settings)
        model.compile("sgd", rule=rule, engine="graph")
        return model

    return make


def test_readout_alone_learns_by_gradients_too(quick, network_of_two):
    rule = Composed(credit=Nothing())
    model = network_of_two(rule=rule)
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    model.fit(quick, updates=3, batch_size=4, verbose=0)
    changed = [v.path for v in model.trainable_variables if (v.numpy() != before[v.path]).any()]
    assert sorted(path.split("/")[-1] for path in changed) == ["output_bias", "raw"]
    assert (model.output_kernel.raw.numpy() != before[model.output_kernel.raw.path]).any()


@pytest.mark.parametrize("when", ["trial", 1])
def test_gradient_of_the_readout_is_that_of_backpropagation(quick, when):
    model = nt.RateRNN.for_task(quick, units=8, seed=0, dtype="float64")
    trials = quick.trials(3, seed=1)
    arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
    given = Batch(*(tf.constant(a, tf.float64) for a in arrays), noise=None)
    model.compile(keras.optimizers.SGD(1.0))
    _, _, wanted = nt.rules.BPTT(clip_norm=None).gradients(model, given)
    rule = Composed(credit=Nothing(), when=when)
    state = rule.init(model)
    got = rule.gradients(model, given, state, forward=when == 1)[2]
    for variable, one, two in zip(model.trainable_variables, got, wanted, strict=True):
        readout = variable.path.split("/")[-2] == "output" or "output_bias" in variable.path
        assert one.numpy() == pytest.approx(two.numpy() if readout else 0.0, abs=1e-14)


def test_carry_is_for_one_trial_an_update():
    model = network(20)
    model.compile("sgd", rule=nt.rules.FORCE(carry=True))
    with pytest.raises(
        ValueError, match=re.escape("`batch_size` must be 1 with FORCE(carry=True)")
    ):
        model.fit(Wave(), updates=1, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match="`carry` must be True or False, got 1"):
        nt.rules.FORCE(carry=1)


def test_divergence_is_told_with_what_to_do_about_it():
    model = network(20)
    model.compile("sgd", rule="force", engine="graph")
    model.fit(Wave(), updates=1, batch_size=1, verbose=0)
    model.output_kernel.raw.assign(np.full((1, 20), 1e30))
    with pytest.raises(FloatingPointError, match=r"as it was after update 1. Raise alpha \(FORCE"):
        model.fit(Wave(), updates=1, batch_size=1, verbose=0)


@pytest.fixture(scope="module")
def reproduction():
    path = Path(nt.__file__).parents[1] / "docs" / "reproductions" / "force.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


def test_reproduction_paints_the_pattern_of_the_scripts(reproduction):
    task = reproduction.FourSines(pattern=2 * reproduction.PERIOD)
    t, amplitude = 0.1 * np.arange(1, 2401), 1.3  # in time constants
    f = np.pi / 60
    wanted = (
        amplitude * np.sin(f * t)
        + amplitude / 2 * np.sin(2 * f * t)
        + amplitude / 6 * np.sin(3 * f * t)
        + amplitude / 3 * np.sin(4 * f * t)
    ) / 1.5
    assert task.trials(1, seed=0).targets[0, :, 0] == pytest.approx(wanted, abs=1e-6)


def test_reproduction_runs_and_draws_a_small_network(reproduction):
    result = reproduction.train(0, units=100, periods=2)
    assert result.gain == pytest.approx(1.5, abs=0.1)
    assert result.before == pytest.approx(0.0, abs=1e-12)
    assert len(result.errors) == len(result.norms) == 2 and result.error < 0.3
    assert "seed 0" in reproduction.table([result])
    figure = reproduction.draw([result])
    assert len(figure.axes) == 6 and all(ax.get_xlabel() for ax in figure.axes)
