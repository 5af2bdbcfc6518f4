"""Model files: everything comes back, in a fresh process, and nothing is left half written."""

import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import neurotask as nt


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
