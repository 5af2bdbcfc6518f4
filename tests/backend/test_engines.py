"""Which engine trains a network: kernels where they can, and where not, why not."""

import logging
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend import engines
from neurotask.backend.checkpoints import versions
from neurotask.backend.dynamics.short_term_plasticity import ShortTermPlasticity
from neurotask.backend.fused import Fused


@keras.saving.register_keras_serializable("tests")
class OtherSteps(nt.RateRNN):
    """A network that does something of its own in each step."""

    def transition(self, weights, state, inputs, noise):
        return super().transition(weights, state, 2.0 * inputs, noise)


@pytest.fixture
def model(quick):
    """Return a maker of networks that are not compiled."""

    def make(kind=nt.RateRNN, **settings):
        return kind.for_task(quick, **({"units": 6, "noise": 0.1, "seed": 1} | settings))

    return make


@pytest.fixture(autouse=True)
def unsaid(monkeypatch):
    """Nothing has been said yet."""
    monkeypatch.setattr(engines, "_said", set())


def without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)


def with_gpu(monkeypatch):
    listed = tf.config.list_physical_devices
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind=None: ["GPU:0"] if kind == "GPU" else listed(kind)
    )  # fmt: skip


UNCOVERED = {
    "precision": (dict(dtype="float64"), None, "they compute in float32, and not in float64"),
    "plasticity": (
        dict(plasticity=ShortTermPlasticity()),
        None,
        "there is none for short-term plasticity",
    ),
    "transfer function": (
        dict(activation="gelu"),
        None,
        'there is none for the transfer function "gelu"',
    ),
    "feedback": (
        dict(feedback=nt.Connectivity(), output_activation="tanh"),
        None,
        "there is none for feedback from outputs that are not linear",
    ),
    "class": (dict(kind=OtherSteps), None, "OtherSteps has a `transition` of its own"),
    "no numba": (dict(), without_numba, "numba cannot be imported"),
}


def test_kernels_are_chosen_where_they_can(model):
    one = model()
    one.compile()
    assert (one.engine, one.runs_on) == ("auto", "fused") and one.fused is not None
    for engine in ("fused", "graph", "xla"):
        one.compile(engine=engine)
        assert (one.engine, one.runs_on) == (engine, engine)
        assert (one.fused is not None) == (engine == "fused")


@pytest.mark.parametrize("why", UNCOVERED)
def test_the_graph_takes_over_and_says_so_once(model, monkeypatch, caplog, why):
    settings, change, reason = UNCOVERED[why]
    if change is not None:
        change(monkeypatch)
    with caplog.at_level(logging.INFO, "neurotask"):
        for _ in range(2):
            one = model(**settings)
            one.compile()
            assert one.runs_on == "graph" and one.fused is None
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"neurotask trains by TensorFlow's graph, which is slower than its own kernels: {reason}"
    )


@pytest.mark.parametrize("why", UNCOVERED)
def test_kernels_that_are_asked_for_and_cannot_are_an_error(model, monkeypatch, why):
    settings, change, reason = UNCOVERED[why]
    one = model(**settings)
    one.compile("sgd", rule="rflo")
    before = one.get_compile_config()
    if change is not None:
        change(monkeypatch)
    with pytest.raises(ValueError) as caught:
        one.compile("adam", engine="fused")
    said = str(caught.value)
    start = '`engine` must be "auto", "graph" or "xla" here, got "fused": kernels cannot run this '
    assert said.startswith(f"{start}training, since {reason}") and said.endswith(".")
    assert one.get_compile_config() == before  # refused before anything was changed


def test_a_rule_that_needs_more_is_named(model):
    with pytest.raises(ValueError, match=r"since RTRL needs more of a step than they give\.$"):
        model().compile(rule="rtrl", engine="fused")


def test_with_a_gpu_the_graph_trains_and_nothing_is_said(model, monkeypatch, caplog):
    with_gpu(monkeypatch)
    one = model()
    one.compile()
    assert one.runs_on == "graph" and not caplog.records
    with pytest.raises(ValueError, match=r"since there is a GPU\.$"):
        one.compile(engine="fused")


def test_a_graph_that_was_asked_for_is_not_explained(model, caplog):
    model(dtype="float64").compile(engine="graph")
    assert not caplog.records


@pytest.mark.parametrize(
    ("engine", "runs"), [("auto", "fused"), ("fused", "fused"), ("graph",) * 2]
)
def test_files_keep_what_was_asked_for(model, tmp_path, engine, runs):
    one = model()
    one.compile(engine=engine)
    one.save(tmp_path / "n.keras")
    again = nt.load_model(tmp_path / "n.keras")
    assert (again.engine, again.runs_on) == (engine, runs)
    assert (again.fused is not None) == (runs == "fused")


def test_a_file_of_kernels_loads_where_there_are_none_and_runs_by_the_graph(
    model, tmp_path, monkeypatch, quick
):
    one = model()
    one.compile()
    one.save(tmp_path / "n.keras")
    without_numba(monkeypatch)
    again = nt.load_model(tmp_path / "n.keras")
    assert again.runs_on == "graph"
    again.fit(quick, updates=2, batch_size=16, verbose=0)


def test_checkpoints_say_what_ran(model):
    one = model()
    one.compile()
    said = versions(one)
    assert said["engine"] == "fused" and {"numba", "scipy"} <= set(said)
    one.compile(engine="graph")
    said = versions(one)
    assert said["engine"] == "graph" and not {"numba", "scipy"} & set(said)


def test_a_call_stays_on_the_graph(model, quick, monkeypatch):
    one = model()
    one.compile()
    trials = quick.trials(3, seed=1)
    truth = one.run(trials, noise=False)["outputs"].values

    def fail(*_, **__):
        raise AssertionError("kernels were called")

    monkeypatch.setattr(Fused, "forward", fail)
    np.testing.assert_allclose(one(trials.inputs), truth, atol=1e-5)
    with pytest.raises(Exception, match="kernels were called"):
        one.fit(quick, updates=1, batch_size=16, verbose=0)


def test_numba_is_loaded_when_kernels_are_asked_for_and_not_before():
    code = """
import sys
import neurotask as nt, neurotask.backend, neurotask.backend.models, neurotask.backend.rules
assert "numba" not in sys.modules, "import"
import neurotask.backend.engines, neurotask.backend.fused, neurotask.backend.kernels
model = nt.RateRNN.for_task(nt.load("rdm"), units=5)
assert "numba" not in sys.modules, "build"
model.compile(engine="graph")
assert "numba" not in sys.modules, "graph"
model.compile()
assert "numba" in sys.modules and model.runs_on == "fused"
print("late")
"""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert run.stdout.split() == ["late"], run.stderr


def test_settings_of_a_covered_network(model):
    """All forms, sources of noise, feedback and stages are covered: a change here is a change."""
    for settings in (
        dict(form="rate"),
        dict(shared_noise=0.1),
        dict(feedback=nt.Connectivity()),
        dict(feedforward=4, output_activation="tanh"),
        dict(units=nt.Units(10, excitatory=0.8)),
        dict(trainable={"tau": True}),
    ):
        one = model(**settings)
        one.compile()
        assert one.runs_on == "fused", settings


def test_a_file_that_asks_for_kernels_opens_without_them(model, tmp_path, monkeypatch):
    made = model()
    made.compile(engine="fused")
    made.save(tmp_path / "network.keras")
    monkeypatch.setitem(sys.modules, "numba", None)
    again = nt.load_model(tmp_path / "network.keras")
    assert (again.engine, again.runs_on) == ("auto", "graph")
