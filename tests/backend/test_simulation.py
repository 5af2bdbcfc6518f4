"""Networks as plain arrays: run in NumPy, written to files, read without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest

import neurotask as nt
from neurotask.backend import running, simulation
from neurotask.backend.kernels import networks

ENDINGS = (".npz", ".safetensors")


@pytest.fixture
def model(quick):
    units = nt.Units({"A": 4, "B": 4}, excitatory=0.5)
    recurrent = nt.Connectivity(density={"A->B": 0.5})
    return nt.RateRNN.for_task(quick, units=units, noise=0.2, recurrent=recurrent, seed=2)


def outputs(session):
    return session["outputs"].values


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_holds_the_network(model, quick, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    model.parameters().save(path)
    again = nt.Parameters.load(path)
    assert again.network == model.network
    for group in ("kernels", "vectors"):
        one, two = getattr(again, group), getattr(model.parameters(), group)
        assert one.keys() == two.keys()
        assert all(np.array_equal(one[name], two[name]) for name in one)
    trials = quick.trials(5, seed=1)
    one = nt.simulate(path, trials, noise=False)
    assert outputs(one) == pytest.approx(outputs(model.run(trials, noise=False)), abs=1e-5)
    assert one["area"].values.tolist() == ["A"] * 4 + ["B"] * 4
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_runs_without_tensorflow(model, quick, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    model.parameters().save(path)
    code = (
        "import sys, neurotask as nt;"
        "task = nt.load('rdm', coherences=(0.25, 0.5), fixation=60.0, stimulus=120.0,"
        " decision=140.0, noise=0.01);"
        "trials = task.trials(3, seed=1);"
        "done = nt.Perturbation('silence', area='B', phase='decision');"
        "both = [nt.simulate(sys.argv[1], trials, seed=5, perturbation=p) for p in ((), done)];"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'loaded';"
        "assert 'neurotask.backend.kernels.run' in sys.modules, 'no kernels';"
        "print(*(float(s['outputs'].sum()) for s in both))"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    done, trials = nt.Perturbation("silence", area="B", phase="decision"), quick.trials(3, seed=1)
    wanted = [model.run(trials, seed=5, perturbation=p)["outputs"].sum() for p in ((), done)]
    assert [*map(float, run.stdout.split())] == pytest.approx([*map(float, wanted)], abs=1e-4)


LATE = nt.Perturbation("current", value=0.5, phase="decision")


@pytest.mark.parametrize("perturbation", [None, LATE], ids=["plain", "perturbed"])
@pytest.mark.parametrize("kernels", [True, False], ids=["numba", "no numba"])
def test_a_seed_names_the_noise_of_the_model(model, quick, monkeypatch, perturbation, kernels):
    for module in (running, simulation):
        monkeypatch.setattr(module, "CHUNK", 9)
    trials = quick.trials(20, seed=1)
    wanted = model.run(trials, seed=7, perturbation=perturbation)
    if not kernels:
        monkeypatch.setattr(networks, "missing", lambda: "there is no numba")
    session = nt.simulate(model, trials, seed=7, perturbation=perturbation)
    for name in ("outputs", "states", "rates"):
        assert session[name].values == pytest.approx(wanted[name].values, abs=1e-5)
        assert session[name].dtype == np.float32


@pytest.mark.parametrize("dynamics", [{"form": "rate"}, {"shared_noise": 0.1}])
def test_a_seed_names_the_noise_in_double_precision_too(quick, dynamics):
    m = nt.RateRNN.for_task(quick, units=5, noise=0.2, dtype="float64", **dynamics)
    trials = quick.trials(7, seed=1)
    one, two = m.run(trials, seed=3), nt.simulate(m, trials, seed=3)
    assert two["states"].dtype == np.float64
    assert one["states"].values == pytest.approx(two["states"].values, abs=1e-12)


def test_given_noise_is_that_of_its_trials(model, quick, monkeypatch):
    monkeypatch.setattr(simulation, "CHUNK", 4)
    trials = quick.trials(10, seed=1)
    noise = np.random.default_rng(0).normal(size=(10, trials.inputs.shape[1], 8))
    by_kernels = nt.simulate(model, trials, noise=noise)
    monkeypatch.setattr(networks, "missing", lambda: "there is no numba")
    by_numpy = nt.simulate(model, trials, noise=noise)
    assert by_kernels["states"].values == pytest.approx(by_numpy["states"].values, abs=1e-5)


def test_the_models_own_noise_gives_the_models_own_run(model, quick, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 3)
    trials = quick.trials(7, seed=1)
    noise = model.noise(7, trials.inputs.shape[1], seed=9)
    one, two = nt.simulate(model, trials, noise=noise), model.run(trials, seed=9)
    for name in ("outputs", "states", "rates"):
        assert one[name].values == pytest.approx(two[name].values, abs=1e-5)


def test_noise_belongs_to_the_seed_and_has_the_right_size(model, quick):
    alone = nt.Connectivity(mask=np.zeros((6, 6)), initializer="zeros")
    m = nt.RateRNN.for_task(quick, units=6, noise=0.3, activation="linear", recurrent=alone,
                            input=nt.Connectivity(initializer="zeros"), initial_state=0.0)  # fmt: skip
    trials = quick.replace(fixation=1000.0).trials(600, seed=1)
    x = nt.simulate(m, trials, seed=3)["states"].values
    assert x[:, -1].std() == pytest.approx(0.3, rel=0.05)
    assert np.array_equal(x, nt.simulate(m, trials, seed=3)["states"])
    assert not np.array_equal(x, nt.simulate(m, trials, seed=4)["states"])
    assert abs(np.corrcoef(x[:300, -1].ravel(), x[300:, -1].ravel())[0, 1]) < 0.1


def test_chunks_change_nothing_without_noise(model, quick, monkeypatch):
    trials = quick.trials(7, seed=1)
    whole = nt.simulate(model, trials, noise=False)
    monkeypatch.setattr(simulation, "CHUNK", 2)
    assert outputs(nt.simulate(model, trials, noise=False)) == pytest.approx(
        outputs(whole), abs=1e-6
    )


def test_record_and_behaviour(model, quick):
    trials = quick.trials(4, seed=1)
    s = nt.simulate(model, trials, record=())
    assert "states" not in s and "rates" not in s
    table = quick.behavior(trials, outputs(s))
    assert s["choice"].values.tolist() == table["choice"].tolist()


def test_labelled_weights_say_what_exists_and_learns(model):
    w = model.effective_weights()["recurrent"]
    assert np.array_equal(w.exists, w.values != 0) and w.exists.values.dtype == bool
    assert w.exists[4:, :4].values.mean() == 0.5 and w.plastic.equals(w.exists)


@pytest.mark.parametrize("ending", ENDINGS)
def test_truncated_and_foreign_files(model, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    model.parameters().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ValueError, match=rf"`path` must be a whole {ending} file, but .* truncated"
    ):
        nt.Parameters.load(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_bit_that_flipped_is_noticed(model, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    model.parameters().save(path)
    whole, p = path.read_bytes(), model.parameters()
    for at in np.random.default_rng(0).integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        path.write_bytes(damaged)
        try:
            again = nt.Parameters.load(path)
        except ValueError:
            continue
        # A bit of the archive's own, on which nothing depends.
        assert all(np.array_equal(again.kernels[name], p.kernels[name]) for name in p.kernels)


def test_weights_that_are_not_the_networks_are_refused(model):
    p = model.parameters()
    few = {name: k for name, k in p.kernels.items() if name != "input"}
    with pytest.raises(ValueError, match=r"`kernels` must be those of the network, .*\"input\""):
        nt.Parameters(p.network, few, p.vectors)
    with pytest.raises(ValueError, match=r"`bias` must have the shape \(8,\), got \(1,\)"):
        nt.Parameters(p.network, p.kernels, {**p.vectors, "bias": np.zeros(1)})


def test_double_precision_is_kept(quick):
    m = nt.RateRNN.for_task(quick, units=4, dtype="float64", activation="tanh")
    trials = quick.trials(3)
    one, two = m.run(trials, noise=False), nt.simulate(m, trials, noise=False)
    assert one["states"].dtype == two["states"].dtype == np.float64
    assert one["states"].values == pytest.approx(two["states"].values, abs=1e-13)


def test_another_npz_is_no_network(tmp_path):
    np.savez(tmp_path / "w.npz", W_rec=np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"`path` must be a file that Parameters.save wrote"):
        nt.Parameters.load(tmp_path / "w.npz")
    np.savez(tmp_path / "p.npz", neurotask=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"`path` must hold arrays of numbers, but .* pickles"):
        nt.Parameters.load(tmp_path / "p.npz")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, t: nt.simulate(3, t), TypeError, r"`weights` must be Parameters, a file of them"),
        (lambda m, t: nt.simulate("no.npz", t), FileNotFoundError, r"there is no no.npz"),
        (lambda m, t: nt.simulate(m, t.inputs), TypeError, r"`trials` must be Trials, got ndarray"),
        (lambda m, t: nt.simulate(m, t, noise=np.ones(3)), ValueError, r"`noise` must be True, False, or an array"),
        (lambda m, t: nt.simulate(m, t, record="states"), ValueError, r"`record` must be names in a tuple"),
        (lambda m, t: nt.simulate(m, nt.load("rdm", dt=10.0).trials(2)), ValueError, r"must have the model's dt"),
        (lambda m, t: nt.simulate(m, nt.load("go_no_go").trials(2)), ValueError, r"must have the model's inputs"),
        (lambda m, t: m.parameters().save("w.h5"), ValueError, r"`path` must end in .npz or .safetensors, got 'w.h5'"),
        (lambda m, t: m.parameters().save("no/w.npz"), FileNotFoundError, r"in a folder that exists, but no is none"),
        (lambda m, t: nt.Parameters.load(__file__), ValueError, r"`path` must end in .npz or .safetensors"),
    ],
)  # fmt: skip
def test_bad_calls(model, quick, call, error, message):
    with pytest.raises(error, match=message):
        call(model, quick.trials(2))


def test_weights_that_are_no_numbers_name_their_kernel(model, quick):
    p = model.parameters()
    kernels = {**p.kernels, "input": p.kernels["input"] * np.nan}
    with pytest.raises(ValueError, match=r"`input` must hold finite numbers, got NaN"):
        nt.Parameters(p.network, kernels, p.vectors)
