"""Model files: everything comes back, in a fresh process, and nothing is left half written."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask.load import module


def fit(model, task, updates):
    return model.fit(task, updates=updates, batch_size=8, seed=0, segment=5, verbose=0)


@pytest.fixture
def trained(quick, network):
    mask = np.random.default_rng(0).random((10, 10)) < 0.7
    model = network(
        optimizer=keras.optimizers.AdamW(0.01, global_clipnorm=1.0),
        rule=nt.rules.BPTT(clip_norm=None),
        recurrent=nt.Connectivity(mask=mask, autapses=False),
        shared_noise=0.1,
    )
    fit(model, quick, 6)
    return model


def test_everything_comes_back(quick, trained, tmp_path):
    trained.save(tmp_path / "network.keras")
    loaded = nt.load_model(tmp_path / "network.keras")
    assert loaded.get_config() == trained.get_config()
    assert loaded.rule == trained.rule and int(loaded.updates.numpy()) == 6
    for model in (trained, loaded):
        fit(model, quick, 7)
    for x, y in zip(trained.get_weights(), loaded.get_weights(), strict=True):
        assert np.array_equal(x, y)  # with the optimizer's state, or they would part
    assert [p.name for p in tmp_path.iterdir()] == ["network.keras"]


def test_loads_in_a_fresh_process(quick, trained, tmp_path):
    path = tmp_path / "network.keras"
    trained.save(path)
    wanted = trained(quick.trials(2).inputs).numpy().sum()
    code = (
        "import neurotask as nt; "
        f"m = nt.load_model({str(path)!r}); "
        "from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination; "
        f"t = {quick!r}; "
        "print(m(t.trials(2).inputs).numpy().sum())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) == pytest.approx(float(wanted), abs=1e-6)


def test_an_uncompiled_network_saves_too(quick, tmp_path):
    model = nt.RateRNN.for_task(quick, units=4)
    model.save(tmp_path / "n.keras")
    loaded = nt.load_model(tmp_path / "n.keras")
    assert np.array_equal(loaded(quick.trials(2).inputs), model(quick.trials(2).inputs))


def test_a_failed_write_leaves_the_last_good_file(trained, tmp_path, monkeypatch):
    path = tmp_path / "network.keras"
    trained.save(path)
    before = path.read_bytes()

    def full(self, filepath, **_):
        filepath.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(OSError, match="No space left"):
        trained.save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_truncated_and_foreign_files(trained, tmp_path):
    trained.save(tmp_path / "network.keras")
    cut = tmp_path / "cut.keras"
    cut.write_bytes((tmp_path / "network.keras").read_bytes()[:5000])
    with pytest.raises(
        ValueError, match=r"must be a whole .keras file, but .*cut.keras is truncated"
    ):
        nt.load_model(cut)
    empty = tmp_path / "empty.keras"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "no model")
    with pytest.raises(ValueError, match=r"empty.keras is truncated or foreign"):
        nt.load_model(empty)
    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(foreign)
    with pytest.raises(
        ValueError, match=r"must hold a model of neurotask, but .* holds a Sequential"
    ):
        nt.load_model(foreign)
    with pytest.raises(FileNotFoundError, match=r"there is no .*absent.keras"):
        nt.load_model(tmp_path / "absent.keras")


def test_a_strangers_code_is_not_run(tmp_path):
    path = tmp_path / "evil.keras"
    layers = [keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)]
    keras.Sequential(layers).save(path)
    with pytest.raises(
        ValueError, match=r"must hold a model of neurotask, but .* holds a Sequential"
    ):
        nt.load_model(path)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, d: m.save(d / "n.h5"), ValueError, r"`filepath` must end in .keras, got"),
        (
            lambda m, d: m.save(d / "no" / "n.keras"),
            FileNotFoundError,
            r"in a folder that exists, but",
        ),
        (
            lambda m, d: m.save(d / "n.keras", zipped=True),
            TypeError,
            r"`save` takes `filepath` and",
        ),
    ],
)
def test_bad_saves(trained, tmp_path, call, error, message):
    with pytest.raises(error, match=message):
        call(trained, tmp_path)
    assert not list(tmp_path.iterdir())


def test_overwriting_can_be_refused(trained, tmp_path):
    trained.save(tmp_path / "n.keras")
    with pytest.raises(FileExistsError, match=r"`filepath` must be new, but .* exists"):
        trained.save(tmp_path / "n.keras", overwrite=False)


MINE = '''
from dataclasses import dataclass
import keras
import numpy as np
import neurotask as nt


@keras.saving.register_keras_serializable("mine")
def bent(x):
    return keras.ops.relu(x) ** 1.5


@dataclass(frozen=True)
class Ring(nt.initializers.Initializer):
    """Each unit hears its neighbour."""

    weight: float = 0.5

    def sample(self, rng, strength, sign):
        n = strength.shape[-1]
        return nt.initializers.folded(np.roll(np.eye(n) * self.weight, 1, 0), strength, sign)


@dataclass(frozen=True, kw_only=True)
class Perfect(nt.Dynamics):
    """Units that do not leak."""

    gain: float = 0.1
    examples = ({"gain": 0.3},)

    def vectors(self, units, dt):
        return {"bias": np.zeros(len(units)), "initial_state": np.zeros(len(units))}

    def noise_per_step(self, n_units):
        return 0

    def prepare(self, ops, weights, dt):
        return {**weights, "gain": ops.array(1.0)}

    def step(self, ops, weights, state, rates, drive, noise):
        received = ops.add(rates @ weights["recurrent"], drive)
        return {"state": state["state"] + self.gain * received}

    def rates(self, ops, state):
        return ops.tanh(state["state"])


class PerfectRNN(nt.RecurrentModel):
    """A network of perfect integrators."""

    dynamics_type = Perfect
'''


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "my_model.py"
    path.write_text(MINE)
    return path


def names_of(path):
    return vars(module(path.resolve()))


def test_a_users_model_keeps_the_contract(mine):
    assert "files" in nt.testing.check_model(names_of(mine)["PerfectRNN"], gain=0.2)


def test_a_users_model_loads_with_its_code_in_a_fresh_process(mine, quick, tmp_path):
    own = names_of(mine)
    recurrent = nt.Connectivity(initializer=own["Ring"](0.3))
    model = own["PerfectRNN"].for_task(
        quick, units=4, recurrent=recurrent, output_activation=own["bent"]
    )
    assert model.recurrent_kernel.effective().numpy()[1, 0] == pytest.approx(0.3)
    model.compile()
    model.fit(quick, updates=2, batch_size=4, verbose=0)
    model.save(tmp_path / "n.keras")
    code = (
        "import sys, neurotask as nt\n"
        "try: nt.load_model(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
        "model = nt.load_model(sys.argv[1], code=sys.argv[2])\n"
        "print(type(model).__name__, model.network.dynamics, int(model.updates))\n"
    )
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    args = [sys.executable, "-c", code, tmp_path / "n.keras", mine]
    run = subprocess.run(args, capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stderr
    refused, loaded = run.stdout.splitlines()
    assert "holds one of class PerfectRNN, which nobody has defined here" in refused
    assert 'load_model(path, code="my_model.py")' in refused
    assert loaded == "PerfectRNN Perfect(gain=0.1) 2"


def test_a_users_network_is_simulated_with_its_code(mine, quick, tmp_path):
    model = names_of(mine)["PerfectRNN"].for_task(quick, units=4)
    model.parameters().save(tmp_path / "w.npz")
    code = (
        "import sys, neurotask as nt\n"
        "try: nt.Parameters.load(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
        "print(nt.Parameters.load(sys.argv[1], code=sys.argv[2]))\n"
        "assert 'tensorflow' in sys.modules  # my_model.py defines a model, too\n"
    )
    args = [sys.executable, "-c", code, tmp_path / "w.npz", mine]
    run = subprocess.run(args, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    refused, loaded = run.stdout.splitlines()
    assert "`Perfect` must be defined before the file that names it is read" in refused
    assert loaded == "<Parameters of 4 units, 3 inputs, 2 outputs, dt 20 ms>"


def test_the_code_that_is_named_says_what_a_name_means(mine, quick, tmp_path):
    model = names_of(mine)["PerfectRNN"].for_task(quick, units=4, seed=1)
    model.save(tmp_path / "n.keras")
    model.parameters().save(tmp_path / "w.npz")
    other = tmp_path / "other.py"
    other.write_text(MINE.replace("self.gain * received", "0.0 * received"))
    assert names_of(other)["PerfectRNN"] is not type(model)  # of the same name, and later
    trials = quick.trials(3, seed=1)
    wanted = model.run(trials)["states"].values
    loaded = nt.load_model(tmp_path / "n.keras", code=mine)
    assert np.array_equal(loaded.run(trials)["states"], wanted)
    names_of(other), nt.load_model(tmp_path / "n.keras", code=other)
    parameters = nt.Parameters.load(tmp_path / "w.npz", code=mine)
    assert nt.simulate(parameters, trials)["states"].values == pytest.approx(wanted, abs=1e-5)


def test_dynamics_keep_off_the_names_of_all_models():
    @dataclass(frozen=True, kw_only=True)
    class Seedy(nt.Leaky):
        seed: int = 0

    with pytest.raises(TypeError, match=r"`Seedy` must have settings other than \['seed'\]"):
        type("SeedyRNN", (nt.RecurrentModel,), {"dynamics_type": Seedy})
    with pytest.raises(TypeError, match=r"`dynamics_type` of Empty must be a subclass of Dynamics"):
        type("Empty", (nt.RecurrentModel,), {})


def test_a_users_part_of_a_model_of_ours_needs_its_code_too(mine, quick, tmp_path):
    recurrent = nt.Connectivity(initializer=names_of(mine)["Ring"]())
    nt.RateRNN.for_task(quick, units=4, recurrent=recurrent).save(tmp_path / "n.keras")
    code = "import sys, neurotask as nt; nt.load_model(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "n.keras"], capture_output=True, text=True
    )
    assert "`Ring` must be defined before the file that names it is read" in run.stderr
    assert 'code="my_model.py"' in run.stderr


def test_weights_that_are_no_numbers_are_refused(trained, tmp_path):
    trained.save(tmp_path / "n.keras")
    before = (tmp_path / "n.keras").read_bytes()
    trained.recurrent_kernel.raw.assign(np.full((10, 10), np.nan))
    with pytest.raises(ValueError, match=r"`recurrent/raw` must be finite to be saved"):
        trained.save(tmp_path / "n.keras")
    assert (tmp_path / "n.keras").read_bytes() == before
    keras.Model.save(trained, tmp_path / "n.keras")
    with pytest.raises(
        ValueError, match=r"must hold finite weights, but recurrent/raw in .* has NaN"
    ):
        nt.load_model(tmp_path / "n.keras")


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ({}, r"`Odd.vectors` must give `bias` as an array of 3 numbers, got none"),
        (dict(bias=np.zeros(4)), r"`bias` as an array of 3 numbers, got the shape \(4,\)"),
        (dict(bias=np.zeros(3)), r"`initial_state` as an array of 3 numbers, got none"),
        (
            dict(bias=np.zeros(3), initial_state=np.full(3, np.nan)),
            r"must give finite numbers, got initial_state with NaN",
        ),
    ],
)
def test_vectors_of_a_users_dynamics_are_checked(vectors, message):
    @dataclass(frozen=True, kw_only=True)
    class Odd(nt.Leaky):
        def vectors(self, units, dt):
            return vectors

    kind = type("OddRNN", (nt.RecurrentModel,), {"dynamics_type": Odd})
    with pytest.raises(ValueError, match=message):
        kind(["u"], ["z"], units=3, dt=10.0)


def test_code_that_is_not_there(trained, tmp_path):
    trained.save(tmp_path / "n.keras")
    with pytest.raises(
        FileNotFoundError, match=r"`code` must be a Python file, but there is no a.py"
    ):
        nt.load_model(tmp_path / "n.keras", code="a.py")


def test_a_bit_that_flipped_is_noticed(trained, tmp_path):
    path = tmp_path / "n.keras"
    trained.save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a whole .keras file"):
        nt.load_model(path)


def test_losses_penalties_and_the_task_are_kept(quick, tmp_path):
    model = nt.RateRNN.for_task(quick, units=4)
    penalties = [nt.regularizers.L2(0.1), nt.regularizers.RateHomeostasis(0.1, target=0.2)]
    model.compile(loss=nt.losses.Huber(delta=0.5, mean="steps"), regularizers=penalties)
    model.fit(quick, updates=2, batch_size=4, verbose=0)
    model.save(tmp_path / "n.keras")
    loaded = nt.load_model(tmp_path / "n.keras")
    assert loaded.loss_function == nt.losses.Huber(delta=0.5, mean="steps")
    assert loaded.penalties == tuple(penalties)
    assert loaded.task == repr(quick)
