"""What every model keeps under every constraint; models and constraints are found by themselves."""

import dataclasses
import inspect
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask.backend import models
from neurotask.backend.checking import POINTS, Case
from neurotask.backend.checking import constraints as hold
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.importing import import_all

import_all(models)
MODELS = {
    kind.__name__: kind
    for kind in nt.RecurrentModel.__subclasses__()
    if kind.__module__.startswith("neurotask.")
}

RNG = np.random.default_rng(5)
MASK, FROZEN = RNG.random((6, 6)) < 0.7, RNG.random((6, 6)) < 0.3
MASK[np.arange(6), (np.arange(6) + 1) % 6] = True  # a cycle through all units
WEIGHTED = np.where(MASK, RNG.uniform(0.2, 2.0, (6, 6)), 0.0)
START = np.abs(RNG.standard_normal((6, 6))) * np.repeat([1.0, -1.0], 3)
MIXED = nt.Units(6, excitatory=(True, True, True, False, False, False))
AREAS = nt.Units({"A": 4, "B": 4}, excitatory=0.5)

# Of units with types and of units without; gates take the second alone.
CONSTRAINTS = {
    "free": dict(units=6),
    "Dale, magnitude": dict(units=MIXED, recurrent=Connectivity(autapses=False)),
    "Dale, projection": dict(
        units=MIXED,
        recurrent=Connectivity(law="projection", initializer="balanced"),
        output=Connectivity(law="projection", of="E"),
        input=Connectivity(law="projection", sign=1),
    ),
    "masked and frozen": dict(
        units=6,
        recurrent=Connectivity(mask=MASK, frozen=FROZEN),
        input=Connectivity(density=0.7, sign=1),
        output=Connectivity(frozen=True, initializer="orthogonal"),
    ),
    "weighted": dict(units=6, recurrent=Connectivity(mask=WEIGHTED, density=0.8)),
    "Dale, given, weighted, frozen": dict(
        units=MIXED,
        recurrent=Connectivity(mask=WEIGHTED * 0 + 2.0, frozen=("E->I", "I->E"), initializer=START),
        output=Connectivity(sign=0),
    ),
    "areas": dict(
        units=AREAS,
        recurrent=Connectivity(
            density={"A.E->B": 0.5}, forbidden=("A.I->B", "B.I->A"), frozen="E->I"
        ),
        input=Connectivity(to="A"),
        output=Connectivity(of="B.E"),
    ),
    "areas without types": dict(
        units=nt.Units({"A": 4, "B": 3}),
        recurrent=Connectivity(density={"A->B": 0.5}, forbidden="B->A", frozen=("A->A",)),
        input=Connectivity(to="A"),
        output=Connectivity(of="B"),
    ),
    "zero start": dict(units=6, recurrent=Connectivity(initializer="zeros")),
    "identity start, Dale": dict(units=MIXED, recurrent=Connectivity(initializer="identity")),
}


def variants(kind):
    """Return settings of a model's own that are worth checking."""
    times = kind.dynamics_type.time_constants
    learned = {"output_bias": False} | dict.fromkeys(times, True)
    around = dict(feedback=Connectivity(), feedforward=5, output_activation="tanh")
    return [{}, *kind.dynamics_type.examples, around | dict(trainable=learned)]


CASES = [
    pytest.param(kind, settings | constraint, id=f"{name}-{at}-{label}")
    for name, kind in MODELS.items()
    for at, settings in enumerate(variants(kind))
    for label, constraint in CONSTRAINTS.items()
    # The variants of a model are checked with three constraints, its defaults with all.
    if at == 0 or label in ("free", "Dale, projection", "areas")
    if kind.dynamics_type.signed or not getattr(constraint["units"], "has_types", False)
]


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_it_keeps_the_contract(kind, settings):
    assert nt.testing.check_model(kind, **settings) == tuple(POINTS)


@pytest.mark.parametrize("point", ["constraints", "files", "side by side"])
@pytest.mark.parametrize("label", ["Dale, projection", "masked and frozen", "areas"])
def test_training_by_the_graph_keeps_it_too(label, point):
    """Where kernels run a model, they do so above."""
    case = Case(nt.RateRNN, dict(noise=0.1) | CONSTRAINTS[label], engine="graph")
    assert case.make().runs_on == "graph" and Case(nt.RateRNN).make().runs_on == "fused"
    POINTS[point](case)


def test_every_setting_is_checked():
    """A setting that is added has to enter the contract."""
    for kind in MODELS.values():
        given = {name for settings in variants(kind) for name in settings}
        fields = {f.name for f in dataclasses.fields(kind.dynamics_type)}
        assert fields <= given
        shared = set(inspect.signature(nt.RecurrentModel.__init__).parameters)
        found = given | {name for c in CONSTRAINTS.values() for name in c}
        # Each case is for a task (channels, dt, the task's text); points vary seed and dtype.
        rest = {"self", "inputs", "outputs", "dt", "task", "seed", "dtype", "dynamics"}
        assert shared - rest <= found
    used = [
        c
        for settings in CONSTRAINTS.values()
        for c in settings.values()
        if isinstance(c, Connectivity)
    ]
    for f in dataclasses.fields(Connectivity):
        assert any(getattr(c, f.name) != f.default for c in used), f.name


OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "AdamW": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.05),
    "AdamW with EMA": lambda: keras.optimizers.AdamW(
        0.01, weight_decay=0.05, use_ema=True, ema_overwrite_frequency=7
    ),
    "Lion": lambda: keras.optimizers.Lion(0.003, weight_decay=0.05),
    "Muon": lambda: keras.optimizers.Muon(0.01, weight_decay=0.05),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, weight_decay=0.05),
    "Lamb": lambda: keras.optimizers.Lamb(0.01, weight_decay=0.05),
    "Ftrl": lambda: keras.optimizers.Ftrl(0.05, l1_regularization_strength=0.01, weight_decay=0.05),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("label", ["Dale, projection", "Dale, given, weighted, frozen", "areas"])
def test_constraints_hold_under_every_optimizer(label, name):
    hold(Case(nt.RateRNN, CONSTRAINTS[label]), OPTIMIZERS[name]())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gated_synapses_hold_under_every_optimizer(name):
    hold(Case(nt.LSTM, CONSTRAINTS["areas without types"]), OPTIMIZERS[name]())


@pytest.mark.parametrize("start", ["zeros", "identity"])
@pytest.mark.parametrize("units", [6, MIXED], ids=["free", "Dale"])
@pytest.mark.parametrize("law", ["magnitude", "projection"])
def test_a_zero_or_identity_start_can_learn(start, units, law):
    case = Case(nt.RateRNN, dict(units=units, recurrent=Connectivity(initializer=start, law=law)))
    model = case.make(keras.optimizers.SGD(0.1))
    before = model.recurrent_kernel.effective().numpy()
    case.fit(model, 20)
    after = model.recurrent_kernel.effective().numpy()
    silent = before == 0
    assert (after[silent] != 0).mean() > 0.2


@pytest.mark.parametrize("name", MODELS)
def test_it_loads_in_a_fresh_process(name, tmp_path):
    case = Case(MODELS[name])
    model = case.make()
    case.fit(model, 3)
    model.save(tmp_path / "n.keras")
    trials = case.task.trials(4, seed=9)
    code = (
        "import sys, numpy as np, neurotask as nt; from neurotask.backend.checking import Case;"
        "model = nt.load_model(sys.argv[1]); task = Case(type(model)).task;"
        "np.save(sys.argv[2], model.run(task.trials(4, seed=9))['outputs'].values);"
        "print(type(model).__name__, model.task == repr(task), int(model.updates))"
    )
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    args = [sys.executable, "-c", code, tmp_path / "n.keras", tmp_path / "out.npy"]
    run = subprocess.run(args, capture_output=True, text=True, check=True, env=env)
    assert run.stdout.split() == [name, "True", "3"]
    assert np.array_equal(np.load(tmp_path / "out.npy"), model.run(trials)["outputs"])


def test_a_broken_model_is_named():
    with pytest.raises(TypeError, match=r"`kind` must be a class of models, got 3"):
        nt.testing.check_model(3)
    with pytest.raises(
        nt.testing.ContractError,
        match=r"RateRNN breaks `arguments`: ValueError: `dt` must be at most tau",
    ):
        nt.testing.check_model(nt.RateRNN, tau=1.0)
