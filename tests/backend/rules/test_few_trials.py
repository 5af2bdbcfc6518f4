"""Which engine a training gets where that is left to the package: by rule and number of trials."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.backend import engines
from neurotask.backend.checkpoints import read_checkpoint, read_state, write_checkpoint


@pytest.fixture
def small(short):
    """Return a maker of small networks in single precision."""

    def make(rule, engine="auto"):
        model = nt.RateRNN.for_task(short, units=5, activation="tanh", noise=0.1, seed=1)
        model.compile("sgd", rule=rule, engine=engine)
        return model

    return make


def engaged(model, n_trials):
    engines.engage(model, n_trials)
    assert (model.fused is not None) == (model.runs_on == "fused")
    assert model.draws_ahead == (model.runs_on == "xla")
    return model.runs_on


def test_few_trials_go_to_xla_and_many_to_kernels(small):
    model = small("rflo")
    assert model.runs_on == engaged(model, None) == "fused"
    most = engines.FEW_TRIALS
    assert [engaged(model, n) for n in (1, most, most + 1)] == ["xla", "xla", "fused"]


@pytest.mark.parametrize("engine", ["fused", "graph", "xla"])
def test_an_engine_that_is_asked_for_stays(engine, small):
    assert engaged(small("rflo", engine), 1) == engine


def test_rules_that_xla_does_not_suit_keep_their_kernels(small):
    assert engaged(small("bptt"), 1) == "fused"


def test_rules_without_kernels_are_as_they_were(small):
    model = small(nt.rules.RFLO(when=1))
    assert [engaged(model, n) for n in (None, 1, 100)] == ["xla", "xla", "xla"]


def test_each_fit_has_its_own(small, short):
    model, twin = small("rflo"), small("rflo", "fused")
    for batch_size, engine in {20: "fused", 2: "xla"}.items():
        for one in (model, twin):
            one.fit(short, updates=2, batch_size=batch_size, verbose=0)
        assert (model.runs_on, twin.runs_on) == (engine, "fused")
    for one, two in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-4, atol=1e-6)


def test_a_run_of_few_trials_goes_on_by_what_it_began_with(small, tmp_path):
    model = small("rflo")
    engaged(model, 2)
    write_checkpoint(model, tmp_path, {"batch_size": 2})
    again = read_checkpoint(tmp_path, read_state(tmp_path), (), force=False)
    assert again.runs_on == "xla"
