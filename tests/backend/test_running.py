"""Sessions: labels, lengths, chunks, noise; by kernels and by the graph."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

import neurotask as nt
from neurotask._streams import Stream
from neurotask.backend import running
from neurotask.backend.kernels.crew import CREW
from neurotask.backend.kernels.leaky import forward
from neurotask.backend.kernels.transfer import apply


def test_session_is_labelled(quick, network):
    model, trials = network(), quick.trials(6, seed=3)
    s = model.run(trials, seed=0)
    assert s["outputs"].dims == ("trial", "time", "output")
    assert s["states"].dims == s["rates"].dims == ("trial", "time", "unit")
    assert s.sizes["unit"] == 10 and s.sizes["trial"] == 6
    assert np.array_equal(s["coherence"], trials.conditions["coherence"])
    assert "".join(s["cell_type"].values) == "EEEEEEEEII"
    assert s.attrs["psychometric_axis"] == "coherence"
    assert s.attrs["psychometric_levels"] == [-0.5, -0.25, 0.25, 0.5]
    assert s.attrs["choices"] == ["left", "right"] and s.attrs["dt"] == 20.0
    assert eval(s.attrs["task"], {type(quick).__name__: type(quick)}) == quick


def test_session_holds_what_the_network_did(quick, network):
    model, trials = network(), quick.trials(6, seed=3)
    s = model.run(trials, noise=False)
    states, outputs = model.unroll(trials.inputs)
    # Compiled against eager: the same operations, in float32 not always the same rounding.
    assert s["outputs"].values == pytest.approx(outputs.numpy(), abs=1e-6)
    assert s["states"].values == pytest.approx(np.transpose(states["state"], (1, 0, 2)), abs=1e-6)
    assert np.array_equal(s["rates"], np.maximum(s["states"], 0))
    table = quick.behavior(trials, outputs.numpy())
    for name in ("answer", "choice", "correct", "outcome"):
        assert s[name].values.tolist() == table[name].tolist()


def test_any_number_and_length_of_trials(quick, network):
    model = network()
    for n, stimulus in ((1, 120.0), (3, 60.0), (600, 200.0)):
        s = model.run(quick.replace(stimulus=stimulus).trials(n), record=())
        assert s["outputs"].shape == (n, (200 + stimulus) / 20, 2)
        assert "states" not in s and "rates" not in s


def test_padding_is_nan(quick, network):
    varied = quick.replace(stimulus=nt.Levels((60.0, 120.0)))
    trials = varied.trials(20, seed=1)
    s = network().run(trials)
    for name in ("inputs", "outputs", "states", "rates"):
        values = s[name].values
        assert np.isnan(values[~trials.present]).all() and np.isfinite(values[trials.present]).all()


def test_chunks_are_seamless(quick, network, monkeypatch):
    model, trials = network(), quick.trials(20, seed=1)
    whole = model.run(trials, noise=False)
    monkeypatch.setattr(running, "CHUNK", 7)
    parts = model.run(trials, noise=False)
    assert np.allclose(whole["states"], parts["states"], atol=1e-6)


def test_noise_comes_from_the_seed(quick, network, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 8)
    model, trials = network(), quick.trials(16, seed=1, coherence=0.25)
    one, again, other = (model.run(trials, seed=s)["states"].values for s in (4, 4, 5))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[8])  # chunks do not share their noise
    still = model.run(trials, seed=4, noise=False)["states"].values
    assert not np.array_equal(one, still)


def test_evaluation_is_fresh_and_repeats(quick, network):
    model = network()
    assert model.evaluate(quick, seed=1) == model.evaluate(quick, seed=1)
    assert model.evaluate(quick, seed=1) != model.evaluate(quick, seed=2)
    assert model.evaluate(quick, noise=False) != model.evaluate(quick, noise=True)


def test_evaluation_is_the_loss_of_its_trials(quick, network):
    model = network(noise=0.0)
    trials = quick.batch(40, seed=1, stream=Stream.EVALUATION, index=0)
    error = trials.mask * (model(trials.inputs).numpy() - trials.targets) ** 2
    result = model.evaluate(quick, n=40, seed=1)
    assert result["loss"] == pytest.approx(error.sum() / trials.mask.sum(), rel=1e-5)


def test_session_survives_a_file(quick, network, tmp_path):
    s = network().run(quick.trials(4))
    s.to_netcdf(tmp_path / "session.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "session.nc", engine="h5netcdf") as back:
        xr.testing.assert_equal(back.load(), s)
        assert back.attrs["psychometric_axis"] == "coherence"
        assert list(back.attrs["choices"]) == ["left", "right"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m, t: m.run(t),
            TypeError,
            r"`trials` must be Trials, got PerceptualDiscrimination",
        ),
        (
            lambda m, t: m.run(t.trials(2), record=["spikes"]),
            ValueError,
            r"`record` must be one of",
        ),
        (
            lambda m, t: m.run(t.trials(2), record="rates"),
            ValueError,
            r"`record` must be names in a tuple",
        ),
        (lambda m, t: m.evaluate(t.trials(2)), TypeError, r"`task` must be a Task, got Trials"),
        (lambda m, t: m.run(t.trials(2), seed=-1), ValueError, r"`seed` must be a whole number"),
        (lambda m, t: m.evaluate(t, n=0), ValueError, r"`n` must be a whole number of 1 or more"),
        (
            lambda m, t: m.run(t.replace(dt=10.0).trials(2)),
            ValueError,
            r"`task` must have the model's dt = 20 ms, got 10 ms",
        ),
    ],
)
def test_bad_calls(quick, network, call, error, message):
    with pytest.raises(error, match=message):
        call(network(), quick)


def test_nan_in_the_weights_is_named(quick, network):
    model = network()
    model.bias.assign(np.full(10, np.nan))
    with pytest.raises(
        ValueError, match=r"`outputs` must be numbers, got NaN in 3 trials, first in"
    ):
        model.run(quick.trials(3))


# --- by kernels, and by the graph -----------------------------------------------------------------


STATES = ("states", "rates")


def twin(model):
    """Return the same network, run by the graph."""
    other = type(model)(**model.settings)
    other.set_weights(model.get_weights())
    other.compile(engine="graph")
    return other


@pytest.fixture
def chunked(monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 40)  # more than a shard, and no multiple of one


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"form": "rate", "activation": "tanh", "shared_noise": 0.1, "noise": 0.0},
        {"activation": "softplus", "shared_noise": 0.1, "output_activation": "sigmoid"},
        {"feedforward": 7, "feedback": nt.Connectivity(), "trainable": {"tau": True}},
        {"units": nt.Units({"A": 3, "B": 4}, tau={"A": 50.0, "B": 100.0})},
    ],
    ids=["plain", "rate", "softplus", "stages", "taus"],
)
def test_kernels_run_what_the_graph_runs(quick, network, chunked, settings):
    model, trials = network(**settings), quick.trials(97, seed=2)
    assert model.runner.fused and not twin(model).runner.fused
    for noise in (True, False):
        one, two = (m.run(trials, seed=3, noise=noise) for m in (model, twin(model)))
        for name in ("outputs", "states", "rates"):
            assert one[name].values == pytest.approx(two[name].values, abs=2e-5), name
            assert one[name].dtype == np.float32


@pytest.mark.parametrize("form", ["current", "rate"])
def test_what_is_recorded_depends_on_nothing_else_that_is(quick, network, form):
    model, trials = network(form=form, activation="tanh"), quick.trials(5, seed=2)
    both = model.run(trials, record=STATES)
    assert not np.shares_memory(both["states"], both["rates"])
    assert both["states"].values.flags.writeable and both["outputs"].values.flags.writeable
    for record in (("states",), ("rates",), ("rates", "states"), ()):
        session = model.run(trials, record=record)
        assert set(session) & set(STATES) == set(record)
        for name in ("outputs", *record):
            assert np.array_equal(session[name], both[name])


def test_no_graph_is_traced_where_kernels_run(quick, network):
    model = network()
    model.run(quick.trials(3))
    assert model.runner._compiled == {}
    plain = nt.RateRNN.for_task(quick, units=3)  # never compiled
    assert plain.runner.fused
    plain.run(quick.trials(3))
    assert plain.runner._compiled == {}


def test_kernels_are_compiled_once(quick, network):
    model, trials = network(), quick.trials(3)
    model.fit(quick, updates=1, batch_size=4, verbose=0)
    trials.inputs.flags.writeable = False
    model.run(trials)
    model.run(trials, noise=False)
    noise = model.noise(3, trials.inputs.shape[1])
    noise.flags.writeable = False
    nt.simulate(model, trials, noise=noise)
    network(feedforward=3, feedback=nt.Connectivity(), shared_noise=0.1, form="rate").run(trials)
    assert len(forward.signatures) == len(apply.signatures) == 1


def test_what_is_asked_for_runs(quick, network, monkeypatch):
    model, trials = network(), quick.trials(3)
    graph, wanted = twin(model), model.run(trials)

    def refused(*arguments):
        raise AssertionError

    monkeypatch.setattr(running, "by_kernels", refused)
    assert graph.run(trials)["outputs"].values == pytest.approx(wanted["outputs"].values, abs=1e-5)
    with pytest.raises(AssertionError):
        model.run(trials)


def test_a_perturbation_leaves_the_noise_as_it_was(quick, network, chunked):
    model, trials = network(noise=0.3), quick.trials(97, seed=2)
    late = nt.Perturbation("current", value=1.0, phase="decision")
    one, two = model.run(trials, seed=3), model.run(trials, seed=3, perturbation=late)
    before = one["time"].values < 180.0
    assert np.allclose(one["states"][:, before], two["states"][:, before], atol=2e-5)
    assert not np.allclose(one["states"][:, ~before], two["states"][:, ~before], atol=0.1)


@pytest.mark.parametrize("stage", [None, 256])
def test_memory_without_records_does_not_grow_with_units(quick, stage, monkeypatch):
    monkeypatch.setattr(CREW, "_size", 1)  # each thread has room of its own
    model = nt.RateRNN.for_task(quick, units=256, noise=0.1, feedforward=stage)
    peaks = []
    for n in (256, 1024):
        trials = quick.trials(n)
        model.runner.forward(trials, 1, True, ())
        tracemalloc.start()
        model.runner.forward(trials, 1, True, ())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The outputs of 768 trials are 0.1 MB, the states of their units 13 MB.
    assert peaks[1] - peaks[0] < 2**20


def test_a_loss_is_compiled_once(quick, network):
    model = network()
    for n in (3, 4):
        trials = quick.trials(n)
        outputs, _ = model.runner.forward(trials, 1, True, ())
        for _ in range(2):
            assert model.runner.loss(trials, outputs) == pytest.approx(
                np.sum(trials.mask * (outputs - trials.targets) ** 2) / trials.mask.sum(), rel=1e-5
            )
    (compiled,) = model.runner._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1
    model.compile(loss="huber")
    other = model.runner.loss(trials, outputs)
    assert other == pytest.approx(
        float(nt.losses.Huber()(trials.targets, outputs, trials.mask, trials.present)), rel=1e-5
    )
