"""Kernels of gated units against a loop over time in float64, and against TensorFlow's graph."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

import neurotask as nt
from neurotask.backend.arrays import NumPyOps
from neurotask.backend.dynamics.gru import GRUDynamics
from neurotask.backend.dynamics.lstm import LSTMDynamics
from neurotask.backend.kernels import gru, lstm
from neurotask.backend.kernels import run as kernels
from neurotask.backend.kernels.cells import GRUCell, LSTMCell
from neurotask.backend.kernels.crew import MOST, TRIALS
from neurotask.backend.kernels.networks import lets_pass, uncovered_network
from neurotask.backend.regularizers import RateL2
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.bptt import BPTT

CELLS = [LSTMCell(), GRUCell(False), GRUCell(True)]
NOISE = kernels.Noise(0, np.uint64(0), 0, kernels.NONE)
# Trials, steps, units, inputs, outputs: around the sizes of shards and of blocks.
SIZES = [
    (1, 1, 1, 1, 1),
    (3, 8, 4, 2, 1),
    (33, 9, 5, 3, 2),
    (70, 17, 7, 1, 3),
    (MOST * TRIALS + 5, 3, 2, 2, 1),
    (4, 25, 6, 0, 1),
    (0, 5, 3, 2, 1),
]


def off(values, truth):
    """Return how far an array is from the truth, relative to the truth's size."""
    return np.linalg.norm(values - truth) / max(np.linalg.norm(truth), 1e-30)


def problem(cell, n_trials, n_steps, n, n_in, n_out):
    """Return weights and inputs."""
    rng = np.random.default_rng(n_trials)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    gates = 4 if cell.variables == 2 else 3
    w = cell.weights(
        draw(n_in, gates * n), draw(n, gates * n) / np.sqrt(np.float32(n)), draw(n, n_out),
        draw(gates * n), draw(n_out), draw(n if getattr(cell, "reset_after", False) else 0),
        draw(cell.variables * n),
    )  # fmt: skip
    return w, draw(n_trials, n_steps, n_in)


def loop(cell, w, inputs):
    """Return outputs and states (trial, time, variable, unit), in float64."""
    w = cell.weights(*(values.astype(float) for values in w))
    start = np.broadcast_to(w.start, (len(inputs), w.start.size))
    h, c = np.split(start, 2, 1) if cell.variables == 2 else (start, None)
    outputs, states = [], []
    for t in range(inputs.shape[1]):
        drive = inputs[:, t].astype(float) @ w.input + w.bias
        if c is not None:
            i, f, g, o = np.split(h @ w.recurrent + drive, 4, axis=1)
            c = expit(f) * c + expit(i) * np.tanh(g)
            h = expit(o) * np.tanh(c)
        else:
            (a, b, u), (to_z, to_s, to_g) = (np.split(m, 3, 1) for m in (drive, w.recurrent))
            z, s = expit(h @ to_z + a), expit(h @ to_s + b)
            behind = w.recurrent_bias.size > 0
            sent = s * (h @ to_g + w.recurrent_bias) if behind else (s * h) @ to_g
            h = z * h + (1 - z) * np.tanh(sent + u)
        states.append(np.stack([h] if c is None else [h, c], 1))
        outputs.append(h @ w.output + w.output_bias)
    return np.stack(outputs, 1), np.stack(states, 1)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("sizes", SIZES)
def test_a_run_is_that_of_a_loop(cell, sizes):
    w, inputs = problem(cell, *sizes)
    outputs, states = loop(cell, w, inputs)
    course = kernels.run(cell, w, inputs, NOISE, True)
    assert off(course.outputs, outputs) < 2e-6
    turned = course.states.reshape(sizes[1], sizes[0], cell.variables, sizes[2]).swapaxes(0, 1)
    assert off(turned, states) < 2e-6
    first = kernels.run(cell, w, inputs, NOISE, True, trial_first=True)
    one = states[:, :, 0] if cell.variables == 1 else states
    assert first.states.shape == one.shape and off(first.states, one) < 2e-6
    assert not first.received.size and np.array_equal(first.outputs, course.outputs)
    for in_place in (False, True):
        sent = kernels.rates(cell, first.states, in_place)
        assert sent.flags.c_contiguous and off(sent, states[:, :, 0]) < 2e-6
    bare = kernels.run(cell, w, inputs, NOISE, False)
    assert np.array_equal(bare.outputs, course.outputs)
    assert not bare.states.size and not bare.received.size


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("sizes", SIZES)
def test_gradients_are_those_of_finite_differences(cell, sizes):
    """Of the loop in float64, in a random direction of each array."""
    w, inputs = problem(cell, *sizes)
    rng = np.random.default_rng(1)
    outputs, states = loop(cell, w, inputs)
    by_outputs = rng.standard_normal(outputs.shape).astype(np.float32)
    by_states = rng.standard_normal(states.shape).astype(np.float32)
    flat = np.ascontiguousarray(by_states.swapaxes(0, 1)).reshape(
        sizes[1], sizes[0], cell.variables * sizes[2]
    )
    course = kernels.run(cell, w, inputs, NOISE, True)
    total, by_inputs = kernels.gradients(
        cell, w, inputs, NOISE, course, by_outputs, flat, wants_inputs=True
    )
    arrays, given = {**w._asdict(), "inputs": inputs}, {**total._asdict(), "inputs": by_inputs}
    for name, values in arrays.items():
        assert given[name].shape == values.shape
        way, sides = rng.standard_normal(values.shape), []
        for step in (1e-5, -1e-5):
            moved = {**arrays, name: values + step * way}
            there = loop(cell, cell.weights(*(moved[n] for n in w._fields)), moved["inputs"])
            sides.append(np.sum(by_outputs * there[0]) + np.sum(by_states * there[1]))
        slope, size = (sides[0] - sides[1]) / 2e-5, np.linalg.norm(given[name])
        assert abs(np.sum(given[name] * way) - slope) < 2e-5 * max(size, 1e-3), name


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_the_way_back_takes_what_there_is(cell):
    """Without states, without credit for them, or without any for the outputs."""
    w, inputs = problem(cell, 9, 11, 3, 2, 2)
    some = np.random.default_rng(0).standard_normal((9, 11, 2)).astype(np.float32)
    of_states = np.zeros((11, 9, 3 * cell.variables), np.float32)
    whole = kernels.run(cell, w, inputs, NOISE, True)
    bare = kernels.run(cell, w, inputs, NOISE, True, states=False)
    assert bool(bare.states.size) == cell.by_states
    given = [
        kernels.gradients(cell, w, inputs, NOISE, course, some, by_states)
        for course in (whole, bare)
        for by_states in (of_states, kernels.NONE)
    ]
    for total, none in given:
        assert none.shape == (0, 0, 0)
        for one, two in zip(total, given[0][0], strict=True):
            assert np.array_equal(one, two)
    zeros, _ = kernels.gradients(cell, w, inputs, NOISE, whole, 0 * some, of_states + 1)
    total, _ = kernels.gradients(cell, w, inputs, NOISE, whole, kernels.NONE, of_states + 1)
    for one, two in zip(total, zeros, strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_what_is_not_finite_comes_out(cell):
    for name in ("input", "recurrent", "bias", "start", "output"):
        w, inputs = problem(cell, 4, 9, 3, 2, 2)
        getattr(w, name).flat[0] = np.nan
        course = kernels.run(cell, w, inputs, NOISE, True)
        assert np.isnan(course.outputs).any(), name
        total, _ = kernels.gradients(cell, w, inputs, NOISE, course, np.ones_like(course.outputs))
        assert np.isnan(total.recurrent).any(), name


def test_kept_is_what_the_way_back_needs_and_no_more():
    w, inputs = problem(CELLS[0], 40, 30, 20, 2, 1)
    course = kernels.run(CELLS[0], w, inputs, NOISE, True, states=False)
    assert course.received.size + course.states.size <= 2.5 * 40 * 30 * 20 * 2
    for cell in CELLS[1:]:
        course = kernels.run(cell, *problem(cell, 40, 30, 20, 2, 1), NOISE, True)
        assert course.received.size == 0 and course.states.size == 40 * 30 * 20


NETWORKS = {
    "plain": dict(),
    "masked": dict(recurrent=nt.Connectivity(density=0.5)),
    "frozen": dict(input=nt.Connectivity(frozen=True), trainable={"bias": False}),
    "stage": dict(feedforward=5, output_activation="sigmoid"),
    "feedback": dict(feedback=nt.Connectivity()),
}
KINDS = {
    "LSTM": (nt.LSTM, dict()),
    "GRU": (nt.GRU, dict()),
    "GRU, reset after": (nt.GRU, dict(reset_after=True)),
}


@pytest.fixture
def make(quick):
    """Return a maker of compiled networks of the quick task."""

    def make(kind, engine="fused", regularizers=(), **settings):
        model = kind.for_task(quick, **({"units": 7, "seed": 1} | settings))
        for variable in model.trainable_variables:  # starts and biases away from 0
            if len(variable.shape) == 1:
                rng = np.random.default_rng(variable.shape[0])
                variable.assign_add(0.3 * rng.standard_normal(variable.shape))
        model.compile("adam", engine=engine, regularizers=regularizers)
        return model

    return make


def batch(task, dtype="float32"):
    trials = task.trials(37, seed=1)
    arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
    inputs, targets, mask, present = (tf.constant(a, dtype) for a in arrays)
    return Batch(inputs, targets, mask, present, tf.constant([5, 7], tf.int64))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("penalties", [(), (RateL2(0.1),)], ids=["", "penalised"])
def test_gradients_are_those_of_the_graph_in_double_precision(
    make, quick, kind, network, penalties
):
    kind, settings = KINDS[kind][0], KINDS[kind][1] | NETWORKS[network]
    if kind is nt.GRU and network == "feedback":
        return refused(make, settings)
    ours = make(kind, regularizers=penalties, **settings)
    exact = make(kind, "graph", penalties, dtype="float64", **settings)
    exact.set_weights([weights.astype(float) for weights in ours.get_weights()])
    rule = BPTT(clip_norm=None)
    loss, outputs, gradients = rule.gradients(ours, batch(quick))
    truth, outputs_there, gradients_there = rule.gradients(exact, batch(quick, "float64"))
    assert abs(float(loss) / float(truth) - 1) < 1e-5
    assert off(outputs.numpy(), outputs_there.numpy()) < 1e-5
    whole = np.sqrt(sum(np.sum(np.square(g.numpy())) for g in gradients_there))
    for variable, one, two in zip(
        ours.trainable_variables, gradients, gradients_there, strict=True
    ):
        apart = np.linalg.norm(one.numpy() - two.numpy())
        assert apart < 1e-5 * max(np.linalg.norm(two.numpy()), 1e-2 * whole), variable.path


def refused(make, settings):
    with pytest.raises(ValueError, match="there is none for feedback to gated recurrent units"):
        make(nt.GRU, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_states_by_name_can_be_derived(make, quick, kind):
    kind, settings = KINDS[kind]
    given, slopes = batch(quick), []
    for engine in ("fused", "graph"):
        model = make(kind, engine, **settings)
        with tf.GradientTape() as tape:
            tape.watch(given.inputs)
            states, outputs = model.unroll(given.inputs, given.noise)
            of_last = [tf.reduce_sum(values[-1] ** 2) for values in states.values()]
            loss = tf.add_n([*of_last, tf.reduce_sum(outputs[:, 3])])
        variables = [given.inputs, *(v.value for v in model.trainable_variables)]
        slopes.append((states, tape.gradient(loss, variables)))
    (ours, by_ours), (there, by_there) = slopes
    assert list(ours) == list(model.network.dynamics.state_variables)
    for name, values in there.items():
        assert off(ours[name].numpy(), values.numpy()) < 2e-6, name
    for one, two in zip(by_ours, by_there, strict=True):
        if two is None:
            assert one is None or not one.numpy().any()
        else:
            assert off(one.numpy(), two.numpy()) < 2e-5
    assert make(kind, **settings).unroll(given.inputs, None, states=False)[0] == {}


@pytest.mark.parametrize("kind", KINDS)
def test_runs_without_tensorflow_are_those_of_the_graph(make, quick, kind):
    kind, settings = KINDS[kind]
    model = make(kind, "graph", feedforward=3, **settings)
    trials = quick.trials(300, seed=2)
    one, two = model.run(trials), nt.simulate(model.parameters(), trials)
    for name in ("states", "rates", "outputs"):
        assert one[name].dims == two[name].dims
        assert off(two[name].values, one[name].values) < 2e-6, name


def test_local_rules_are_left_to_others(make):
    for kind in (nt.LSTM, nt.GRU):
        model = make(kind)
        model.compile("sgd", rule="rflo")
        assert model.fused is None and not lets_pass(model.network)


def test_classes_of_ones_own_are_not_covered(make):
    class Own(LSTMDynamics):
        """Perhaps with other steps."""

    model = make(nt.LSTM)
    network = dataclasses.replace(model.network, dynamics=Own())
    assert uncovered_network(model.network, "float32") is None
    assert uncovered_network(network, "float32") == "there is none for Own"


@pytest.mark.parametrize("dynamics", [LSTMDynamics(), GRUDynamics(), GRUDynamics(reset_after=True)])
def test_the_loop_of_this_file_is_that_of_the_dynamics(dynamics):
    """One step by the equations that both engines run."""
    cell = CELLS[0] if isinstance(dynamics, LSTMDynamics) else GRUCell(dynamics.reset_after)
    w, inputs = problem(cell, 3, 1, 4, 2, 1)
    states = loop(cell, w, inputs)[1][:, 0]
    ops, names = NumPyOps("float64"), dynamics.state_variables
    own = {name: values.astype(float) for name, values in w._asdict().items()}
    start = np.split(own["start"], len(names))
    before = {name: np.tile(row, (3, 1)) for name, row in zip(names, start, strict=True)}
    drive = inputs[:, 0] @ own["input"] + own["bias"]
    prepared = dynamics.prepare(ops, own, 10.0)
    after = dynamics.step(ops, prepared, before, before["hidden"], drive, None)
    np.testing.assert_allclose(np.stack(list(after.values()), 1), states, rtol=1e-12)


def test_kernels_are_compiled_once(make, quick):
    """Arrays of TensorFlow and of NumPy look the same to numba, or each would take seconds more."""
    for kind, settings in KINDS.values():
        model = make(kind, **settings)
        model.fit(quick, updates=1, batch_size=16, verbose=0)
        nt.simulate(model.parameters(), quick.trials(3, seed=1))
        model.compile(regularizers=(RateL2(0.1),))
        model.fit(quick, updates=1, batch_size=16, verbose=0)
    for module in (lstm, gru):
        assert len(module.forward.signatures) == 1 and len(module.adjoint.signatures) == 1
