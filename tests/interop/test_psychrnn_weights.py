"""PsychRNN's files of weights: read without running them, equal in what they compute, written back."""

# ruff: noqa: NPY002 - the global state is what PsychRNN's tasks draw from

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask.interop import psychrnn

N, N_IN, N_OUT, STEPS = 10, 3, 2, 30
SETTINGS = dict(dt=10.0, tau=100.0, activation="relu")
# A network that PsychRNN trained, from its own repository, where the project has its data at hand.
FOLDERS = [folder / "shared" / "data" for folder in Path(__file__).parents[2:4]]
TRAINED = next((f for f in FOLDERS if f.is_dir()), FOLDERS[0]) / "psychrnn_saved_weights.npz"
WEIGHTS = ("W_rec", "W_in", "W_out", "b_rec", "b_out", "init_state")
MASKS = ("rec_connectivity", "input_connectivity", "output_connectivity")


class Trap:
    """What a hostile file holds: unpickling it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def contents(dale_ratio=None, autapses=True, mask=False, version="master", seed=0):
    """What PsychRNN's `get_weights` returns after training, optimizer slots included."""
    rng = np.random.default_rng(seed)
    weights = dict(
        init_state=0.1 + 0.01 * rng.standard_normal((1, N)),
        W_in=rng.standard_normal((N, N_IN)),
        W_rec=rng.standard_normal((N, N)) / np.sqrt(N),
        W_out=rng.standard_normal((N_OUT, N)),
        b_rec=0.1 * rng.standard_normal(N),
        b_out=rng.standard_normal(N_OUT),
        input_connectivity=rng.random((N, N_IN)) < 0.7 if mask else np.ones((N, N_IN)),
        rec_connectivity=rng.random((N, N)) < 0.5 if mask else np.ones((N, N)),
        output_connectivity=rng.random((N_OUT, N)) < 0.9 if mask else np.ones((N_OUT, N)),
    )
    if not autapses:
        np.fill_diagonal(weights["rec_connectivity"], 0)
    sign = np.ones(N)
    if dale_ratio is not None:
        sign[int(dale_ratio * N) :] = -1
    weights |= dict(Dale_rec=np.diag(sign))
    # Inhibitory units project to no output; in the release 1.0.0 they do, with their sign.
    weights |= dict(Dale_out=np.diag(sign if version == "1.0.0" else np.maximum(sign, 0)))
    for weight, connectivity in (("W_in", "input"), ("W_rec", "rec"), ("W_out", "output")):
        weights[weight] *= weights[f"{connectivity}_connectivity"]
    if dale_ratio is not None:
        weights["W_in"] = abs(weights["W_in"])
        weights["W_rec"] = abs(weights["W_rec"]) @ weights["Dale_rec"]
        weights["W_out"] = abs(weights["W_out"]) @ weights["Dale_out"]
    weights = {name: np.asarray(values, np.float32) for name, values in weights.items()}
    weights |= {f"{name}/Adam": np.full_like(weights[name], np.nan) for name in WEIGHTS}
    return weights | dict(dale_ratio=dale_ratio)


def run(weights, inputs, dt=10.0, tau=100.0, f=lambda x: np.maximum(x, 0.0)):
    """PsychRNN's equations, from its paper: states and outputs (trial, time, ...), noise-free."""
    w = {name: np.asarray(weights[name], float) for name in WEIGHTS}
    alpha, x = dt / tau, np.repeat(w["init_state"].reshape(1, -1), len(inputs), 0)
    states = []
    for t in range(inputs.shape[1]):
        drive = f(x) @ w["W_rec"].T + inputs[:, t] @ w["W_in"].T + w["b_rec"]
        x = (1 - alpha) * x + alpha * drive
        states.append(x)
    states = np.stack(states, 1)
    return states, f(states) @ w["W_out"].T + w["b_out"]


def compute(model, inputs):
    """States and outputs of a model, each (trial, time, ...)."""
    states, outputs = model.unroll(inputs)
    return states["state"].numpy().transpose(1, 0, 2), outputs.numpy()


def stimuli(n_in=N_IN, seed=9):
    return np.random.default_rng(seed).standard_normal((4, STEPS, n_in)).astype(np.float32)


def same_run(got, wanted):
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.fixture
def file(tmp_path):
    """Return a maker of files; further entries replace those of a network."""

    def make(name="theirs.npz", without=(), **entries):
        kinds = ("dale_ratio", "autapses", "mask", "version", "seed")
        made = contents(**{k: entries.pop(k) for k in kinds if k in entries}) | entries
        path = tmp_path / name
        np.savez(path, **{name: values for name, values in made.items() if name not in without})
        return path

    return make


KINDS = {
    "free": dict(),
    "masked": dict(mask=True),
    "no autapses": dict(autapses=False),
    "dale": dict(dale_ratio=0.8),
    "dale, as released": dict(dale_ratio=0.8, version="1.0.0"),
    "dale, masked": dict(dale_ratio=0.8, mask=True, autapses=False),
    "dale, half": dict(dale_ratio=0.5),
    "all excitatory": dict(dale_ratio=1.0),
    # PsychRNN takes a ratio of 0 for no law; what it rounds down to no unit is one.
    "all inhibitory": dict(dale_ratio=0.05),
    "all inhibitory, as released": dict(dale_ratio=0.05, version="1.0.0"),
}


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return KINDS[request.param]


def test_it_computes_what_psychrnn_does(file, kind):
    model = psychrnn.load(file(**kind), **SETTINGS)
    same_run(compute(model, stimuli()), run(contents(**kind), stimuli()))


@pytest.mark.parametrize(
    ("activation", "f"),
    [("tanh", np.tanh), ("softplus", lambda x: np.logaddexp(x, 0.0))],
)
def test_dt_tau_and_activation_are_what_is_said(file, activation, f):
    model = psychrnn.load(file(), dt=5.0, tau=40.0, activation=activation)
    same_run(compute(model, stimuli()), run(contents(), stimuli(), 5.0, 40.0, f))


class Discrimination(psychrnn.Task):
    """What that network was trained on: which of two inputs is larger, PsychRNN's own example."""

    def generate_trial_params(self, batch, trial):
        coherence, side = np.random.choice([0.1, 0.3, 0.5, 0.7]), np.random.choice([0, 1])
        return dict(coherence=coherence, side=side, onset=np.random.rand() * self.T / 2)

    def trial_function(self, time, params):
        x, y, mask = 0.045 * np.random.randn(2), np.zeros(2), np.zeros(2)
        off = params["onset"] + self.T / 4
        if params["onset"] < time < off:
            x += 1.0
            x[params["side"]] += params["coherence"]
        if time > off:
            y[:], mask = 0.2, np.ones(2)
            y[params["side"]] = 1.0
        return x, y, mask

    def accuracy_function(self, correct_output, test_output, output_mask):
        chosen = np.mean(test_output * output_mask, axis=1).argmax(1)
        return np.mean(chosen == np.mean(correct_output * output_mask, axis=1).argmax(1))


@pytest.fixture
def stored():
    """The arrays of a network that PsychRNN trained."""
    if not TRAINED.exists():
        pytest.skip(
            f"{TRAINED.name} is of PsychRNN's repository and no part of this one: put it into "
            "shared/data to run this"
        )
    with np.load(TRAINED) as archive:
        return {name: archive[name] for name in archive.files if name != "dale_ratio"}


def test_a_network_that_psychrnn_trained(tmp_path, stored):
    model = psychrnn.load(TRAINED, **SETTINGS)
    inputs = stimuli(2)
    same_run(compute(model, inputs), run(stored, inputs))
    for ours, theirs in zip(("recurrent", "input", "output"), WEIGHTS, strict=False):
        np.testing.assert_array_equal(model.effective_weights()[ours], stored[theirs])
    radius = np.abs(np.linalg.eigvals(model.effective_weights()["recurrent"])).max()
    assert radius == pytest.approx(1.31, abs=0.005)
    psychrnn.save(model, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as ours:
        assert set(ours.files) == {*WEIGHTS, *MASKS, "Dale_rec", "Dale_out"}
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], stored[name])


def test_it_does_what_psychrnn_trained_it_for(stored):
    task = psychrnn.task(Discrimination(2, 2, dt=10, tau=100, T=2000, N_batch=1))
    model, trials = psychrnn.load(TRAINED, **SETTINGS), task.trials(100, seed=1)
    session = model.run(trials)
    same_run((session.states, session.outputs), run(stored, trials.inputs))
    assert session.correct.mean() > 0.95
    simulated = nt.simulate(model, trials)
    same_run((simulated.states, simulated.outputs), (session.states, session.outputs))


def test_their_file_comes_back_as_it_was(file, kind, tmp_path):
    psychrnn.save(psychrnn.load(file(**kind), **SETTINGS), tmp_path / "ours.npz")
    wanted = {name: v for name, v in contents(**kind).items() if "/" not in name and v is not None}
    if kind.get("dale_ratio") and kind.get("mask"):
        # Masked inhibitory outputs are absent twice over in their file, once in ours.
        wanted["output_connectivity"][:, 8:] = 1.0
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as ours:
        assert set(ours.files) == set(wanted)
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], wanted[name], err_msg=name)
            assert ours[name].dtype == (np.float64 if name == "dale_ratio" else np.float32)


def test_our_network_comes_back_as_it_was(tmp_path):
    units = nt.Units(N, excitatory=0.8)
    connectivity = nt.Connectivity(density=0.5, autapses=False)
    settings = dict(units=units, dt=10.0, recurrent=connectivity, input=nt.Connectivity(sign=1))
    model = nt.RateRNN(["a", "b"], ["c"], **settings, seed=3)
    psychrnn.save(model, tmp_path / "w.npz")
    back = psychrnn.load(tmp_path / "w.npz", **SETTINGS, inputs=["a", "b"], outputs=["c"])
    assert back.units == units and back.input_names == ("a", "b") and back.output_names == ("c",)
    for name, weights in model.effective_weights().items():
        np.testing.assert_array_equal(back.effective_weights()[name], weights)
    np.testing.assert_array_equal(back.recurrent_kernel.exists, model.recurrent_kernel.exists)
    for ours, theirs in zip(compute(back, stimuli(2)), compute(model, stimuli(2)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def trained(model, updates=5, rate=0.5):
    """Change a network by a few updates that pull all weights down."""
    inputs = stimuli()
    for _ in range(updates):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = model.unroll(inputs)[1]
            loss = tf.reduce_mean((outputs + 5.0) ** 2)
        variables = model.trainable_variables
        optimizer = keras.optimizers.SGD(rate)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return model


def test_masks_and_signs_hold_in_training(file):
    made = dict(dale_ratio=0.8, mask=True)
    model = trained(psychrnn.load(file(**made), **SETTINGS))
    before, after = contents(**made), model.effective_weights()
    for ours, weight, mask in zip(("recurrent", "input", "output"), WEIGHTS, MASKS, strict=False):
        now = after[ours].to_numpy()
        assert not now[before[mask] == 0].any()
        assert (now != before[weight])[before[mask] == 1].any()
    assert (after["recurrent"][:, :8] >= 0).all() and (after["recurrent"][:, 8:] <= 0).all()
    assert (after["output"][:, :8] >= 0).all() and not after["output"][:, 8:].any()
    assert (after["input"] >= 0).all()


def test_inputs_are_free_without_the_law(file):
    model = psychrnn.load(file(), **SETTINGS)
    assert model.settings["input"].sign is None and (model.effective_weights()["input"] < 0).any()


def test_the_loaded_network_saves_as_a_model(file, tmp_path):
    model = psychrnn.load(file(dale_ratio=0.8, mask=True), **SETTINGS, noise=0.1)
    model.save(tmp_path / "m.keras")
    back = nt.load_model(tmp_path / "m.keras")
    same_run(compute(back, stimuli()), compute(model, stimuli()))


def test_raw_weights_of_an_initializer_are_made_effective(file):
    # `WeightInitializer.save` writes what is before masks and signs, and init_state as a vector.
    rng = np.random.default_rng(4)
    wanted = contents(dale_ratio=0.8, mask=True)
    flips = {name: rng.choice([-1, 1], wanted[name].shape) for name in ("W_rec", "W_in", "W_out")}
    raw = {name: wanted[name] * flip for name, flip in flips.items()}
    raw["W_rec"] = np.where(wanted["rec_connectivity"], raw["W_rec"], 7.0)
    raw["init_state"] = wanted["init_state"].reshape(-1)
    path = file(dale_ratio=0.8, mask=True, **raw)
    same_run(compute(psychrnn.load(path, **SETTINGS), stimuli()), run(wanted, stimuli()))


def test_noise_is_psychrnns_in_every_step(file):
    model = psychrnn.load(file(), dt=20.0, tau=50.0, activation="relu", noise=0.3)
    noise_free = model.unroll(np.zeros((4000, 1, N_IN)))[0]["state"].numpy()
    noisy = model.unroll(np.zeros((4000, 1, N_IN)), np.array([1, 2]))[0]["state"].numpy()
    added = noisy - noise_free
    wanted = np.sqrt(2 * 0.4) * 0.3
    assert added.std() == pytest.approx(wanted, rel=5 / np.sqrt(2 * added.size))
    assert psychrnn.load(file(), **SETTINGS).noise_per_step == 0


def test_nothing_is_unpickled(file, tmp_path):
    trap = tmp_path / "trap"
    path = file(transfer_function=Trap(trap), dale_ratio=None, extra=Trap(trap))
    model = psychrnn.load(path, **SETTINGS)
    assert not trap.exists() and not model.units.has_types
    with np.load(path, allow_pickle=True) as archive, archive["transfer_function"].item():
        assert trap.exists()  # it does go off


def test_a_file_without_masks_has_none(file):
    path = file(without=(*MASKS, "Dale_rec", "Dale_out", "dale_ratio"))
    model = psychrnn.load(path, **SETTINGS)
    same_run(compute(model, stimuli()), run(contents(), stimuli()))


def test_a_mask_without_a_cycle(file):
    path = file(rec_connectivity=np.tril(np.ones((N, N)), -1))
    weights = psychrnn.load(path, **SETTINGS).effective_weights()["recurrent"]
    np.testing.assert_array_equal(weights, np.tril(contents()["W_rec"], -1))


def test_masks_are_said_in_the_shortest_words(file):
    model = psychrnn.load(file(autapses=False), **SETTINGS).settings
    assert not model["recurrent"].autapses and model["recurrent"].mask is None
    assert model["input"].mask is None and model["output"].mask is None


@pytest.mark.parametrize(("ratio", "n_excitatory"), [(0.89, 8), (0.85, 8), (0.99, 9), (0.2, 2)])
def test_psychrnns_rounding_of_the_ratio(file, ratio, n_excitatory):
    # It rounds 0.89 of 10 down; the nearest would be 9.
    units = psychrnn.load(file(dale_ratio=ratio), **SETTINGS).units
    assert (units.cell_type == "E").sum() == n_excitatory


def test_a_ratio_of_zero_is_no_law(file):
    # `if dale_ratio:` is how PsychRNN asks.
    free = contents()
    path = file(dale_ratio=0.0, Dale_rec=-np.eye(N), **{k: free[k] for k in WEIGHTS})
    model = psychrnn.load(path, **SETTINGS)
    assert not model.units.has_types
    same_run(compute(model, stimuli()), run(free, stimuli()))


def test_units_say_what_the_file_does_not(file):
    units = nt.Units({"PPC": 5, "PFC": 5}, excitatory=0.8, tau={"E": 100.0, "I": 50.0})
    model = nt.RateRNN(["a"], ["b"], units=units, dt=10.0, input=nt.Connectivity(sign=1))
    path = file().with_name("areas.npz")
    psychrnn.save(model, path)
    back = psychrnn.load(path, **SETTINGS, units=units)
    assert back.units == units
    same_run(compute(back, stimuli(1)), compute(model, stimuli(1)))
    # Without them it is one area, whose excitatory units do not come first.
    alone = psychrnn.load(path, **SETTINGS).units
    assert alone.excitatory == (True,) * 4 + (False,) + (True,) * 4 + (False,)
    with pytest.raises(
        ValueError,
        match=r"^`units` must be as in the file, 4 E, 1 I, 4 E, 1 I, got 10 without type\.$",
    ):
        psychrnn.load(path, **SETTINGS, units=nt.Units(N))
    with pytest.raises(
        ValueError,
        match=r"^`noise` must be 0 where units have several time constants, got 0\.1: PsychRNN's noise then has another standard deviation in each\. Load without it and choose one\.$",
    ):
        psychrnn.load(path, **SETTINGS, units=units, noise=0.1)
    with pytest.raises(TypeError, match=r"^`units` must be Units or None, got 10\.$"):
        psychrnn.load(path, **SETTINGS, units=10)


def test_units_of_any_order(file, tmp_path):
    sign = np.array([1, -1, 1, 1, -1, 1, 1, 1, -1, 1])
    made = contents(dale_ratio=0.7)
    made["W_rec"] = np.abs(made["W_rec"]) * sign
    made["W_out"] = np.abs(contents()["W_out"]) * np.maximum(sign, 0)
    made |= dict(Dale_rec=np.diag(sign), Dale_out=np.diag(np.maximum(sign, 0)))
    path = file(**made)
    model = psychrnn.load(path, **SETTINGS)
    assert model.units == nt.Units(N, excitatory=tuple((sign > 0).tolist()))
    assert model.settings["output"] == nt.Connectivity(of="E", initializer="gaussian")
    same_run(compute(model, stimuli()), run(made, stimuli()))
    psychrnn.save(model, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as ours, np.load(path) as theirs:
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    trained(model)
    assert (model.effective_weights()["recurrent"] * sign >= 0).all()


def test_inhibitory_units_that_excite_the_outputs(file, tmp_path):
    # PsychRNN takes any Dale_out in its params: the identity makes all readouts positive.
    made = contents(dale_ratio=0.8, version="1.0.0")
    made |= dict(W_out=np.abs(made["W_out"]), Dale_out=np.eye(N))
    model = psychrnn.load(file(**made), **SETTINGS)
    same_run(compute(model, stimuli()), run(made, stimuli()))
    psychrnn.save(model, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as ours:
        np.testing.assert_array_equal(ours["Dale_out"], np.eye(N))
    assert (trained(model).effective_weights()["output"] >= 0).all()


def test_a_readout_of_any_sign_is_saved_by_the_signs_it_has(tmp_path):
    settings = dict(units=nt.Units(N, excitatory=0.8), input=nt.Connectivity(sign=1))
    output = nt.Connectivity(sign=0, mask=np.arange(N)[None] != 3)
    model = nt.RateRNN(["a"], ["b"], dt=10.0, output=output, **settings)
    psychrnn.save(model, tmp_path / "w.npz")
    back = psychrnn.load(tmp_path / "w.npz", **SETTINGS)
    same_run(compute(back, stimuli(1)), compute(model, stimuli(1)))
    assert (model.effective_weights()["output"] < 0).to_numpy()[0, :8].any()


@pytest.mark.parametrize("share", [0.0, 1.0, 0.29, 0.45, (True, False) * 5])
def test_psychrnn_rounds_our_ratio_to_our_units(tmp_path, share):
    n = 100 if share == 0.29 else N
    units = nt.Units(n, excitatory=share)
    model = nt.RateRNN(["a"], ["b"], units=units, dt=10.0, input=nt.Connectivity(sign=1))
    psychrnn.save(model, tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as file:
        ratio = file["dale_ratio"].item()
        # PsychRNN asks `if dale_ratio:` and has int(dale_ratio N) excitatory units.
        assert 0 < ratio <= 1 and int(ratio * n) == (units.cell_type == "E").sum()
    back = psychrnn.load(tmp_path / "w.npz", **SETTINGS)
    np.testing.assert_array_equal(back.units.sign, units.sign)
    same_run(compute(back, stimuli(1)), compute(model, stimuli(1)))


def weighted(dale_ratio=None, seed=5):
    """A file's arrays and PsychRNN's raw weights, with masks that have factors, some negative."""
    made, rng, raw = contents(dale_ratio), np.random.default_rng(seed), {}
    for mask, name in zip(MASKS, ("W_rec", "W_in", "W_out"), strict=True):
        factors = rng.choice([0.0, 0.5, 1.0, -2.0, 3.0], made[mask].shape)
        raw[name] = made[name].astype(float)
        sign = np.where(made[name] < 0, -1, 1) if dale_ratio else 1
        made[name] = sign * np.abs(raw[name] * factors) if dale_ratio else raw[name] * factors
        made[mask] = factors
    return made, raw


@pytest.mark.parametrize("dale_ratio", [None, 0.8])
def test_masks_with_factors(file, tmp_path, dale_ratio):
    made, raw = weighted(dale_ratio)
    of_a_network = psychrnn.load(file(**made), **SETTINGS, factors_applied=True)
    of_an_initializer = psychrnn.load(file(**(made | raw)), **SETTINGS, factors_applied=False)
    for model in (of_a_network, of_an_initializer):
        same_run(compute(model, stimuli()), run(made, stimuli()))
        np.testing.assert_array_equal(model.recurrent_kernel.strength, np.abs(made[MASKS[0]]))
    psychrnn.save(of_a_network, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as ours:
        # What PsychRNN's network makes of it: it multiplies, whatever we write beside.
        masks = zip(MASKS, ("W_rec", "W_in", "W_out"), strict=True)
        theirs = made | {name: ours[name] * ours[mask] for mask, name in masks}
        assert not ours["factors_applied"]
    same_run(run(theirs, stimuli()), run(made, stimuli()))
    back = psychrnn.load(tmp_path / "ours.npz", **SETTINGS)
    same_run(compute(back, stimuli()), run(made, stimuli()))


def test_factors_act_in_training_as_in_psychrnn(file):
    made, _ = weighted()
    there = {mask: (made[mask] != 0).astype(float) for mask in MASKS}
    settings = dict(**SETTINGS, factors_applied=True)
    models = (
        psychrnn.load(file(**made), **settings),
        psychrnn.load(file(**(made | there)), **settings),
    )
    moved = [
        trained(m, 1, 1e-4).recurrent_kernel.effective().numpy() - made["W_rec"] for m in models
    ]
    # dL/draw = M dL/dW, and M again from raw to W.
    factors = np.square(made["rec_connectivity"])
    np.testing.assert_allclose(moved[0], factors * moved[1], rtol=0.01, atol=3e-6)
    assert np.abs(moved[1]).max() > 1e-4


def test_time_constants_one_a_unit(file):
    taus = np.linspace(50.0, 140.0, N)
    for tau in (taus, tuple(taus)):
        model = psychrnn.load(file(), dt=10.0, tau=tau, activation="relu")
        np.testing.assert_array_equal(model.units.taus(1.0), taus)
        same_run(compute(model, stimuli()), run(contents(), stimuli(), tau=taus))
    alike = psychrnn.load(file(), dt=10.0, tau=np.full(N, 80.0), activation="relu")
    assert alike.units == nt.Units(N) and alike.settings["tau"] == 80.0
    by_type = psychrnn.load(
        file(dale_ratio=0.8), dt=10.0, tau={"E": 100.0, "I": 50.0}, activation="relu"
    )
    np.testing.assert_array_equal(by_type.units.taus(1.0), [100.0] * 8 + [50.0] * 2)
    with pytest.raises(ValueError, match=r"^`noise` must be 0 where units have several time"):
        psychrnn.load(file(), dt=10.0, tau=taus, activation="relu", noise=0.1)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dt", "tau", "activation"])
def test_what_the_file_is_silent_about_must_be_said(file, name):
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{name}'"):
        psychrnn.load(file(), **{k: v for k, v in SETTINGS.items() if k != name})


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(W_rec=Trap("nowhere")), "`W_rec` must be an array of numbers, got a pickled object, which is not opened: a pickle can run code. Save the array itself."),
        (dict(W_rec=np.full((N, N), np.nan)), "`W_rec` must be an array of finite numbers, got NaN or infinite ones."),
        (dict(W_in=np.full((N, N_IN), "a")), "`W_in` must be an array of finite numbers, got <U1."),
        (dict(W_in=np.ones((N + 1, N_IN))), "`W_in` must have the shape (10, 3) to fit the other weights, got (11, 3)."),
        (dict(b_rec=np.ones(3)), "`b_rec` must have the shape (10,) to fit the other weights, got (3,)."),
        (dict(W_out=np.ones((N, N_OUT))), "`W_out` must have the shape (2, 10) to fit the other weights, got (10, 2)."),
        (dict(rec_connectivity=np.ones((2, 2))), "`rec_connectivity` must have the shape (10, 10) to fit the other weights, got (2, 2)."),
        (dict(rec_connectivity=np.full((N, N), 0.5)), "`factors_applied` must be said where a mask has factors other than 0 and 1, got None. Give True for a file that a network's save() wrote, whose weights hold them already, or False for one of an initializer's save()."),
        (dict(dale_ratio=0.8, Dale_rec=np.ones((N, N))), "`Dale_rec` must be a diagonal matrix of 1, 0 and -1, got other entries."),
        (dict(dale_ratio=1.0, Dale_rec=np.zeros((N, N))), "`Dale_rec` must hold 1 or -1 for each unit, got [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]."),
        (dict(init_cell=np.ones((4, N))), "`path` must hold the weights of a leaky network (Basic or BasicScan), but {path} holds those of an LSTM. PsychRNN's has h = o sigmoid(c), not the standard h = o tanh(c) of nt.LSTM, which would be another network: train it on the task."),
        (dict(without=("W_rec", "b_out")), '`path` must hold the weights "W_rec", "W_in", "W_out", "b_rec", "b_out", "init_state", but {path} is without "W_rec", "b_out". Save them with PsychRNN\'s `model.save(path)`.'),
        (dict(without=("dale_ratio",), Dale_rec=-np.eye(N)), "`dale_ratio` must be in a file whose Dale_rec has inhibitory units, but {path} has none: it is from before PsychRNN 1.0. Add its number to the file, or 0.0 if the law did not hold."),
    ],
)  # fmt: skip
def test_files_that_are_refused(file, entries, message):
    path = file(**entries)
    with pytest.raises(ValueError) as error:
        psychrnn.load(path, **SETTINGS)
    assert str(error.value) == message.format(path=path)


def test_a_ratio_out_of_range(file):
    path = file()
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "dale_ratio"}
    np.savez(path, **arrays, dale_ratio=1.5)
    with pytest.raises(
        ValueError, match=r"^`dale_ratio` must be a number in \[0, 1\], got 1\.5\.$"
    ):
        psychrnn.load(path, **SETTINGS)


def test_files_that_are_none(file, tmp_path):
    whole = file()
    cut, array, absent = (tmp_path / name for name in ("cut.npz", "array.npy", "absent.npz"))
    cut.write_bytes(whole.read_bytes()[:-200])
    np.save(array, np.ones(3))
    for path in (cut, array):
        with pytest.raises(ValueError) as error:
            psychrnn.load(path, **SETTINGS)
        assert (
            str(error.value)
            == f"`path` must be a whole .npz file, but {path} is truncated or foreign."
        )
    with pytest.raises(FileNotFoundError) as missing:
        psychrnn.load(absent, **SETTINGS)
    assert str(missing.value) == f"`path` must be a .npz file, but there is no {absent}."


def test_arguments_that_are_refused(file):
    with pytest.raises(
        ValueError,
        match=r"^`tau` must be one number, {label: number} or one number for each of the 10 units, got 2 numbers\.$",
    ):
        psychrnn.load(file(), dt=10.0, tau=np.ones(2), activation="relu")
    with pytest.raises(ValueError, match=r"^`tau` must be a number above 0, got 0\.$"):
        psychrnn.load(file(), dt=10.0, tau=0, activation="relu")
    with pytest.raises(
        ValueError,
        match=r"^`tau` must be one number where `units` has time constants of its own, got {'E': 100\.0, 'I': 50\.0}\. Leave them out of one of the two\.$",
    ):
        psychrnn.load(
            file(dale_ratio=0.8),
            dt=10.0,
            tau={"E": 100.0, "I": 50.0},
            activation="relu",
            units=nt.Units(N, excitatory=0.8, tau=80.0),
        )
    with pytest.raises(
        TypeError, match=r"^`factors_applied` must be True, False or None, got 'yes'\.$"
    ):
        psychrnn.load(file(), **SETTINGS, factors_applied="yes")
    with pytest.raises(ValueError, match=r"^`noise` must be a number of 0 or more, got -1\.$"):
        psychrnn.load(file(), **SETTINGS, noise=-1)
    with pytest.raises(
        ValueError,
        match=r"^`inputs` must be 3 different names, one a channel, got \['a', 'b'\]\. Leave it out to call them input_0 and so on\.$",
    ):
        psychrnn.load(file(), **SETTINGS, inputs=["a", "b"])


def test_networks_that_psychrnn_would_change_are_not_saved(tmp_path):
    path = tmp_path / "w.npz"
    mixed = nt.RateRNN(["a"], ["b"], units=nt.Units(N, excitatory=0.8), dt=10.0, seed=1)
    n_negative = int((mixed.effective_weights()["input"] < 0).sum())
    with pytest.raises(ValueError) as error:
        psychrnn.save(mixed, path)
    assert str(error.value) == (
        f"`model` must have no negative input weights where units have types, got {n_negative} of "
        "10: PsychRNN would turn them positive. Make the network with "
        "input=Connectivity(sign=1), or give dale=False to write the same weights without the law."
    )
    positive, free = nt.Connectivity(sign=1), nt.Connectivity(sign=0)
    both = nt.RateRNN(["a"], ["b", "c"], units=mixed.units, dt=10.0, input=positive, output=free)
    weights = both.effective_weights()["output"].to_numpy()
    unit = ((weights > 0).any(0) & (weights < 0).any(0)).argmax()
    with pytest.raises(ValueError) as error:
        psychrnn.save(both, path)
    assert str(error.value) == (
        "`model` must have output weights of one sign from each unit where units have types, got "
        f"both from {both.units.described(unit)}: PsychRNN would give them one. Make the network "
        "without output=Connectivity(sign=0), or give dale=False to write the same weights without "
        "the law."
    )
    assert list(tmp_path.iterdir()) == []
    for model, n_in in ((mixed, 1), (both, 1)):
        psychrnn.save(model, path, dale=False)
        back = psychrnn.load(path, **SETTINGS)
        assert not back.units.has_types
        same_run(compute(back, stimuli(n_in)), compute(model, stimuli(n_in)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(form="rate"), "`form` must be 'current' in a network for PsychRNN, since its state is what a unit receives, got 'rate'."),
        (dict(plasticity=nt.ShortTermPlasticity()), "`plasticity` must be None in a network for PsychRNN, since its synapses keep their strength within a trial, got {given!r}."),
        (dict(feedback=nt.Connectivity()), "`feedback` must be None in a network for PsychRNN, since its outputs do not come back, got {given!r}."),
        (dict(feedforward=nt.FeedForward(3)), "`feedforward` must be None in a network for PsychRNN, since its inputs reach the recurrent units directly, got {given!r}."),
        (dict(output_activation="tanh"), "`output_activation` must be 'linear' in a network for PsychRNN, since its outputs are linear, got 'tanh'."),
    ],
)  # fmt: skip
def test_settings_that_psychrnn_has_not(tmp_path, settings, message):
    model = nt.RateRNN(["a"], ["b"], units=4, dt=10.0, **settings)
    with pytest.raises(ValueError) as error:
        psychrnn.save(model, tmp_path / "w.npz")
    ((given),) = settings.values()
    assert str(error.value) == message.format(given=given) + (
        " Keep this network by model.save(...), or its arrays by model.parameters().save(...)."
    )
    assert list(tmp_path.iterdir()) == []


def test_gated_networks_are_not_saved(tmp_path):
    for kind, why in (
        (nt.LSTM, r"PsychRNN's LSTM has h = o sigmoid\(c\), not the standard h = o tanh\(c\)"),
        (nt.GRU, r"PsychRNN has no GRU"),
    ):
        model = kind(["a"], ["b"], units=4, dt=10.0)
        wanted = rf"^`model` must be a RateRNN, got {kind.__name__}: {why}\.$"
        with pytest.raises(TypeError, match=wanted):
            psychrnn.save(model, tmp_path / "w.npz")


def test_paths_that_cannot_be_written(tmp_path):
    model = nt.RateRNN(["a"], ["b"], units=4, dt=10.0)
    with pytest.raises(ValueError, match=r"^`path` must end in \.npz, got 'w\.keras'\.$"):
        psychrnn.save(model, "w.keras")
    with pytest.raises(FileNotFoundError) as error:
        psychrnn.save(model, tmp_path / "none" / "w.npz")
    assert (
        str(error.value)
        == f"`path` must be in a folder that exists, but {tmp_path / 'none'} is none. Make it first."
    )
    with pytest.raises(TypeError, match=r"^`model` must be a RateRNN, got dict\.$"):
        psychrnn.save({}, tmp_path / "w.npz")


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    model = nt.RateRNN(["a"], ["b"], units=4, dt=10.0)
    psychrnn.save(model, tmp_path / "w.npz")
    kept = (tmp_path / "w.npz").read_bytes()
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        psychrnn.save(model, tmp_path / "w.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]
    assert (tmp_path / "w.npz").read_bytes() == kept


# --- PsychRNN itself --------------------------------------------------------------------------

# In a process of its own: importing PsychRNN's networks switches TensorFlow's eager mode off.
THEIRS = """
import sys, warnings
import numpy as np
from psychrnn.backend.models.basic import Basic
settings = np.load(sys.argv[1])
params = dict(name="m", N_in=3, N_rec=10, N_out=2, N_steps=30, dt=10, N_batch=4)
params["tau"] = settings["tau"] if settings["tau"].ndim else float(settings["tau"])
if len(sys.argv) == 4:
    params["load_weights_path"] = sys.argv[3]
else:
    params |= dict(dale_ratio=0.8, autapses=False, rec_connectivity=settings["mask"])
model = Basic(params)
outputs, states = model.test(settings["inputs"])
model.save(sys.argv[2])
np.savez(sys.argv[2] + ".run.npz", outputs=outputs, states=states)
"""


def theirs(folder, *load, tau=100.0, factors=(0.0, 1.0)):
    """Run PsychRNN, return the path of the weights that it saved, its states and its outputs."""
    mask = np.random.default_rng(2).choice(factors, (N, N))
    np.savez(folder / "settings.npz", inputs=stimuli(), mask=mask, tau=tau)
    saved = folder / ("again.npz" if load else "theirs.npz")
    command = [sys.executable, "-c", THEIRS, folder / "settings.npz", saved, *load]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(f"{saved}.run.npz") as archive:
        return saved, archive["states"], archive["outputs"]


def test_psychrnn_and_this_package_read_each_other(tmp_path):
    pytest.importorskip("psychrnn.tasks.task")
    saved, *wanted = theirs(tmp_path)
    model = psychrnn.load(saved, **SETTINGS)
    assert (model.units.cell_type == "I").sum() == 2
    same_run(compute(model, stimuli()), wanted)
    ours = tmp_path / "ours.npz"
    psychrnn.save(model, ours)
    with np.load(ours) as a, np.load(saved) as b:
        assert set(a.files) == set(b.files)
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    _, *again = theirs(tmp_path, ours)
    for first, second in zip(wanted, again, strict=True):
        np.testing.assert_array_equal(first, second)


def test_psychrnn_saves_weights_with_their_factors(tmp_path):
    pytest.importorskip("psychrnn.tasks.task")
    saved, *wanted = theirs(tmp_path, factors=(0.0, 0.5, 2.0))
    same_run(compute(psychrnn.load(saved, **SETTINGS, factors_applied=True), stimuli()), wanted)
    # And multiplies them once more when it loads its own file.
    _, *again = theirs(tmp_path, saved)
    assert np.abs(again[1] - wanted[1]).max() > 0.1
    twice = psychrnn.load(saved, **SETTINGS, factors_applied=False)
    same_run(compute(twice, stimuli()), again)


OURS = {
    "free": dict(),
    "any order": dict(units=nt.Units(N, excitatory=(True, False, True, True, False) * 2)),
    "all inhibitory": dict(units=nt.Units(N, excitatory=0.0)),
    "all excitatory": dict(units=nt.Units(N, excitatory=1.0)),
    "no inhibitory outputs": dict(
        units=nt.Units(N, excitatory=0.8), output=nt.Connectivity(of="E")
    ),
    "positive outputs": dict(units=nt.Units(N, excitatory=0.8), output=nt.Connectivity(sign=1)),
    "factors": dict(
        units=nt.Units(N, excitatory=0.8),
        recurrent=nt.Connectivity(mask=np.random.default_rng(0).choice([0, 0.5, 2.0], (N, N))),
    ),
    "tau a unit": dict(units=nt.Units(N, tau=tuple(np.linspace(50.0, 140.0, N)))),
}


@pytest.mark.parametrize("settings", OURS.values(), ids=OURS)
def test_psychrnn_computes_our_files(tmp_path, settings):
    pytest.importorskip("psychrnn.tasks.task")
    settings = dict(units=N, input=nt.Connectivity(sign=1), seed=4) | settings
    model = nt.RateRNN(["a", "b", "c"], ["d", "e"], dt=10.0, **settings)
    rng = np.random.default_rng(1)
    model.output_bias.assign(rng.normal(size=2))
    model.bias.assign(rng.normal(size=N))
    ours = tmp_path / "ours.npz"
    psychrnn.save(model, ours)
    taus = model.units.taus(100.0)
    _, *got = theirs(tmp_path, ours, tau=taus if model.units.tau else 100.0)
    same_run(got, compute(model, stimuli()))
