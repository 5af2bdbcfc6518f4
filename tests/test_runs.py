"""Run folders: whole or absent, and all that they say is so."""

import hashlib
import math
import tomllib
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
import pytest
import xarray as xr

import neurotask as nt
from neurotask import _toml, runs
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

TASK = PerceptualDiscrimination(coherences=(0.0, 0.128, 0.512), stimulus=200.0)
PARTS = {
    "run.toml",
    "checkpoint.keras",
    "network.keras",
    "weights.nc",
    "history.csv",
    "session.nc",
    "sources",
    "figures",
    "report.html",
}


def network(optimizer="adam", **settings):
    units = nt.Units(8, excitatory=0.75)
    model = nt.RateRNN.for_task(TASK, units=units, noise=0.05, seed=3, **settings)
    model.compile(optimizer)
    return model


def train(model, out, **changes):
    plan: dict[str, Any] = {"updates": 4, "batch_size": 8, "seed": 5, "segment": 2} | changes
    return runs.train(model, TASK, out=out, **plan)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run, and the network that it left in memory."""
    model = network(keras.optimizers.Adam(0.002))
    return train(model, tmp_path_factory.mktemp("runs") / "deep" / "a"), model


class Stop(keras.callbacks.Callback):
    """Raises or does something at a moment of the training."""

    def __init__(self, moment, act):
        super().__init__()
        setattr(self, moment, act)


def interrupt(*_):
    raise KeyboardInterrupt


def interrupt_later(epoch, *_):
    if epoch == 1:
        raise KeyboardInterrupt


# --- what a folder holds ------------------------------------------------------------------------


def test_folder_holds_its_parts_and_nothing_is_left_beside_it(finished):
    run, _ = finished
    assert {file.name for file in run.path.iterdir()} == PARTS
    assert [folder.name for folder in run.path.parent.iterdir()] == ["a"]


def test_settings_say_what_was_done(finished):
    run, model = finished
    settings = runs.load_run(run.path).settings
    training = settings["training"]
    assert settings["status"] == "finished"
    assert eval(settings["task"]["repr"]) == TASK
    assert settings["task"]["settings"]["coherences"] == [0.0, 0.128, 0.512]
    assert eval(settings["model"]["units"], {"Units": nt.Units}) == model.units
    assert settings["model"]["noise"] == 0.05
    assert training["rule"] == "BPTT(clip_norm=1.0, feedback=Symmetric())"
    assert (training["updates_asked"], training["updates_done"]) == (4, 4)
    assert (training["batch_size"], training["seed"]) == (8, 5)
    assert settings["optimizer"]["learning_rate"] == 0.002
    assert settings["evaluation"]["n_trials"] == run.session.sizes["trial"]
    assert settings["versions"]["keras"] == keras.__version__
    assert settings["versions"]["numpy"] == np.__version__


def test_source_is_the_file_and_its_hash(finished):
    run, _ = finished
    code = (run.path / "sources" / "perceptual_discrimination.py").read_bytes()
    plan = (run.path / "sources" / "source.json").read_bytes()
    hashed = {
        "perceptual_discrimination.py": hashlib.sha256(code).hexdigest(),
        "source.json": hashlib.sha256(plan).hexdigest(),
    }
    assert runs.load_run(run.path).task == TASK
    assert b"class PerceptualDiscrimination(Task)" in code
    assert run.settings["sources"] == hashed


def test_history_has_a_row_a_segment(finished):
    history = runs.load_run(finished[0].path).history
    assert history.columns.tolist() == ["updates", "loss", "accuracy", "learning_rate"]
    assert history["updates"].tolist() == [2, 4]
    assert history["learning_rate"].tolist() == [0.002, 0.002]
    assert (history["loss"] > 0).all()


def test_network_comes_back_as_it_was(finished):
    run, model = finished
    loaded = runs.load_run(run.path).model
    assert int(loaded.updates.numpy()) == 4
    for name, weights in model.effective_weights().items():
        xr.testing.assert_equal(loaded.effective_weights()[name], weights)


def test_weights_are_labelled_as_in_the_network(finished):
    run, model = finished
    kept = runs.load_run(run.path).weights
    assert set(kept) == {"input", "recurrent", "output"}
    for name, weights in model.effective_weights().items():
        assert kept[name].dims == weights.dims
        np.testing.assert_array_equal(kept[name], weights)
        for what in ("exists", "plastic"):
            np.testing.assert_array_equal(kept[name][what], weights[what])
            assert kept[name][what].dtype == bool
    assert kept["recurrent"]["source_cell_type"].to_numpy().tolist() == ["E"] * 6 + ["I"] * 2


def test_session_is_the_noisy_network_on_the_evaluation_grid(finished):
    run, model = finished
    kept = runs.load_run(run.path).session
    assert kept is not None
    again = model.run(runs.evaluation_trials(TASK, 5), seed=5)
    np.testing.assert_allclose(kept["outputs"], again["outputs"], atol=1e-5)
    np.testing.assert_allclose(kept["rates"], again["rates"], atol=1e-5)
    assert kept["choice"].to_numpy().tolist() == again["choice"].to_numpy().tolist()
    assert kept.attrs["choices"] == ["left", "right"]
    silent = model.run(runs.evaluation_trials(TASK, 5), seed=5, noise=False)
    assert np.abs(kept["outputs"] - silent["outputs"]).max() > 1e-3


def test_report_can_be_made_again_and_is_the_same(finished):
    run, _ = finished
    before = (run.path / "report.html").read_bytes()
    (run.path / "report.html").unlink()
    assert runs.load_run(run.path).write_report() == run.path / "report.html"
    assert (run.path / "report.html").read_bytes() == before
    assert not [file for file in run.path.rglob(".*")]


@pytest.mark.parametrize(
    ("coherences", "n_trials"), [((0.0, 0.1, 0.5), 1000), (np.linspace(0.01, 1, 10), 2000)]
)
def test_evaluation_has_a_hundred_trials_a_cell_and_a_thousand_at_least(coherences, n_trials):
    trials = runs.evaluation_trials(TASK.replace(coherences=coherences), 0)
    assert len(trials) == n_trials
    assert trials.conditions["coherence"].value_counts().nunique() == 1


def test_a_list_of_one_comes_back_as_a_list(tmp_path):
    attrs = {"choices": ["go"], "psychometric_levels": [0.5]}
    runs.files.write_session(tmp_path, xr.Dataset(attrs=attrs))
    session = runs.files.read_session(tmp_path)
    assert session is not None and session.attrs == attrs


# --- what may go wrong --------------------------------------------------------------------------


def test_existing_folder_is_refused_before_anything_is_trained(tmp_path):
    model = network()
    (tmp_path / "a").mkdir()
    with pytest.raises(FileExistsError, match=r"`out` must be a new folder, but .*a exists\. Choo"):
        train(model, tmp_path / "a")
    assert int(model.updates.numpy()) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"updates": 0}, "`updates` must be a whole number of 1 or more, got 0"),
        ({"batch_size": 0}, "`batch_size` must be a whole number of 1 or more, got 0"),
        ({"seed": -1}, "`seed` must be a whole number of 0 or more, got -1"),
    ],
)
def test_bad_plan_is_refused_before_a_folder_is_made(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        train(network(), tmp_path / "deep" / "a", **changes)
    assert not list(tmp_path.iterdir())


def test_uncompiled_network_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`model` must be compiled before it is trained"):
        runs.train(nt.RateRNN.for_task(TASK, units=4), TASK, out=tmp_path / "a", updates=1)
    assert not list(tmp_path.iterdir())


def test_interrupt_keeps_what_was_learned_and_goes_on(tmp_path):
    model, reference = network(), network()
    with pytest.raises(KeyboardInterrupt) as caught:
        train(model, tmp_path / "a", callbacks=[Stop("on_epoch_begin", interrupt_later)])
    run = runs.load_run(tmp_path / "a")
    assert caught.value.__notes__ == [f"What was learned in 2 updates is in {tmp_path / 'a'}."]
    assert {file.name for file in run.path.iterdir()} == PARTS - {
        "session.nc",
        "figures",
        "report.html",
    }
    assert run.settings["status"] == "interrupted"
    assert run.settings["training"]["updates_done"] == 2
    assert run.history["updates"].tolist() == [2]
    assert run.session is None
    reference.fit(TASK, updates=2, batch_size=8, seed=5, verbose=0)
    for kept, wanted in zip(run.model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(kept, wanted, atol=1e-6)


def test_interrupt_before_the_first_update_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path / "a", callbacks=[Stop("on_train_begin", interrupt)])
    assert not list(tmp_path.iterdir())


def test_divergence_keeps_the_last_good_network(tmp_path):
    with pytest.raises(FloatingPointError, match="got a loss of") as caught:
        train(network(keras.optimizers.SGD(1e30)), tmp_path / "a")
    run = runs.load_run(tmp_path / "a")
    assert "What was learned in 1 update is in" in caught.value.__notes__[0]
    assert run.settings["status"] == "diverged"
    assert run.settings["message"] == str(caught.value)
    assert int(run.model.updates.numpy()) == 1
    assert all(np.isfinite(weights).all() for weights in run.model.get_weights())
    assert run.history.empty
    assert "diverged after 1 of 4 updates" in run.write_report().read_text(encoding="utf-8")


def test_failure_of_the_evaluation_does_not_lose_the_training(tmp_path, monkeypatch):
    model = network()

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(model, "run", fail)
    with pytest.raises(MemoryError):
        train(model, tmp_path / "a")
    assert [folder.name for folder in tmp_path.iterdir()] == ["a"]
    assert int(runs.load_run(tmp_path / "a").model.updates.numpy()) == 4


def test_other_errors_leave_nothing(tmp_path):
    def fail(*_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        train(network(), tmp_path / "a", callbacks=[Stop("on_epoch_end", fail)])
    assert not list(tmp_path.iterdir())


def test_folder_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    out, write = tmp_path / "a", runs.files.write_settings

    def take_the_name(*arguments):
        write(*arguments)
        out.mkdir()

    monkeypatch.setattr(runs.files, "write_settings", take_the_name)
    with pytest.raises(FileExistsError, match="`out` must be a new folder") as caught:
        train(network(), out)
    kept = caught.value.__notes__[0].removeprefix("The run itself is complete and lies in ")[:-1]
    assert {"run.toml", "checkpoint.keras"} <= {file.name for file in runs.Path(kept).iterdir()}
    assert not list(out.iterdir())


def test_load_run_refuses_what_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`run` must be a run folder, but .*has no run.to"):
        runs.load_run(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"`run` must be a run folder, but there is no .*x"):
        runs.load_run(tmp_path / "x")
    (tmp_path / "run.toml").write_text("status = finis", encoding="utf-8")
    with pytest.raises(ValueError, match=r"run.toml` must be valid TOML, got: .*line 1"):
        _ = runs.load_run(tmp_path).settings


# --- TOML ---------------------------------------------------------------------------------------

NASTY = ['"', "\\", "\n\r\t\b\f\x00\x1b\x7f", "\\u0041", "né 漢 🧠", "'''", '"""', "", "[a]", "#"]


@pytest.mark.parametrize("text", NASTY)
def test_toml_strings_and_keys_come_back(text):
    table = {"plain": text, text: {"inner": [text, text]}}
    assert tomllib.loads(_toml.dumps(table)) == table


@pytest.mark.parametrize(
    "value",
    [True, False, 0, -7, 2**62, 0.1, 1e-300, 1e22, -0.0, math.inf, -math.inf, [], [[1, 2], [3]],
     ["a", "b"], np.float64(0.1), np.int64(3), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)],
)  # fmt: skip
def test_toml_values_come_back(value):
    back = tomllib.loads(_toml.dumps({"a": {"b": {"value": value}}}))["a"]["b"]["value"]
    assert back == value
    assert repr(back) == repr(value.item() if isinstance(value, np.generic) else value)


def test_toml_keeps_nan_and_values_before_tables():
    text = _toml.dumps({"table": {"inside": 1}, "nan": math.nan, "empty": {}})
    back = tomllib.loads(text)
    assert math.isnan(back["nan"])
    assert (back["table"], back["empty"]) == ({"inside": 1}, {})


@pytest.mark.parametrize("value", [None, {1, 2}, [{"a": 1}]])
def test_toml_refuses_what_it_does_not_know(value):
    with pytest.raises(TypeError, match="`a` must be a string, number, bool, datetime or list of"):
        _toml.dumps({"a": value})
