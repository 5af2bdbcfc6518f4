"""The leaky rate network against a NumPy loop, its closed forms and its invariants."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import expm

import neurotask as nt
from neurotask.backend.initializers import Gaussian, SpectralRadius


def model(units=6, dt=10.0, n_inputs=2, n_outputs=3, **settings):
    names = [f"u{i}" for i in range(n_inputs)], [f"z{i}" for i in range(n_outputs)]
    settings = dict(dtype="float64", seed=1) | settings
    return nt.RateRNN(*names, units=units, dt=dt, **settings)


def inputs(n_trials=3, n_steps=12, n_inputs=2, seed=0):
    return np.random.default_rng(seed).standard_normal((n_trials, n_steps, n_inputs))


def by_loop(m, u, phi, taus):
    """The equation of the docstring, one step after the other."""
    w = {name: array.values for name, array in m.effective_weights().items()}
    alpha, x, states = m.dt / taus, np.tile(m.initial_state.numpy(), (len(u), 1)), []
    for t in range(u.shape[1]):
        drive = phi(x) @ w["recurrent"].T + u[:, t] @ w["input"].T + m.bias.numpy()
        x = (1 - alpha) * x + alpha * drive
        states.append(x)
    states = np.stack(states, 1)
    return states, phi(states) @ w["output"].T + m.output_bias.numpy()


@pytest.mark.parametrize("excitatory", [None, 0.5])
@pytest.mark.parametrize("tau", [100.0, {"": 40.0}])
@pytest.mark.parametrize(("name", "phi"), [("relu", lambda x: np.maximum(x, 0)), ("tanh", np.tanh)])
def test_equals_a_plain_loop(excitatory, tau, name, phi):
    units = nt.Units(6, excitatory=excitatory, tau=tau)
    m = model(units, activation=name, recurrent=nt.Connectivity(density=0.5))
    for variable in (m.bias, m.output_bias, m.initial_state):
        variable.assign(np.random.default_rng(2).standard_normal(variable.shape))
    states, outputs = m.unroll(tf.constant(inputs()))
    wanted = by_loop(m, inputs(), phi, units.taus(100.0))
    assert np.transpose(states["state"], (1, 0, 2)) == pytest.approx(wanted[0], abs=1e-12)
    assert outputs.numpy() == pytest.approx(wanted[1], abs=1e-12)


def test_a_time_constant_for_each_type():
    units = nt.Units(6, excitatory=0.5, tau={"E": 100.0, "I": 25.0})
    m = model(units)
    states, _ = m.unroll(tf.constant(inputs()))
    wanted, _ = by_loop(m, inputs(), lambda x: np.maximum(x, 0), np.repeat([100.0, 25.0], 3))
    assert np.transpose(states["state"], (1, 0, 2)) == pytest.approx(wanted, abs=1e-12)


def test_public_steps_are_the_same_dynamics():
    m, u = model(), inputs()
    states, outputs = m.unroll(tf.constant(u))
    x = np.tile(m.initial_state.numpy(), (3, 1))
    for t in range(12):
        x = m.step(x, u[:, t])
    assert x == pytest.approx(states["state"][-1].numpy(), abs=1e-12)
    assert m.output(x) == pytest.approx(outputs[:, -1].numpy(), abs=1e-12)
    assert m.rates(x) == pytest.approx(np.maximum(x, 0))
    assert m.step(x[0], u[0, 0]).shape == (6,) and m.output(x[0]).shape == (3,)
    assert m.step(x, u[0, 0])[1] == pytest.approx(m.step(x[1], u[0, 0]))


def test_linear_network_converges_to_the_matrix_exponential():
    # tau x' = (W - 1) x + W_in u + b; Euler's method is of order 1 in dt.
    total, errors, steps = 200.0, [], (4.0, 2.0, 1.0)
    for dt in steps:
        m = model(dt=dt, activation="linear")
        w = {name: array.values for name, array in m.effective_weights().items()}
        a, drive = (w["recurrent"] - np.eye(6)) / 100.0, w["input"] @ [1.0, -1.0] / 100.0
        start = m.initial_state.numpy()
        rest = -np.linalg.solve(a, drive)
        exact = rest + expm(a * total) @ (start - rest)
        u = np.tile([1.0, -1.0], (1, int(total / dt), 1))
        errors.append(np.abs(m.unroll(tf.constant(u))[0]["state"][-1, 0].numpy() - exact).max())
    orders = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert orders == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("dt", [2.0, 10.0, 40.0])
def test_noise_has_the_same_effect_at_every_dt(dt):
    alone = nt.Connectivity(mask=np.zeros((6, 6)), initializer=Gaussian())
    m = model(dt=dt, noise=0.3, shared_noise=0.4, activation="linear", recurrent=alone)
    m.initial_state.assign(np.zeros(6))
    # After 10 tau the state has forgotten its start.
    u = np.zeros((3000, int(1000 / dt), 2))
    x = m.unroll(tf.constant(u), tf.constant([5, 0], tf.int64))[0]["state"][-1].numpy()
    assert x.var() == pytest.approx(0.3**2 + 0.4**2, rel=0.06)
    correlation = np.corrcoef(x.T)[np.triu_indices(6, 1)]
    assert correlation == pytest.approx(0.4**2 / 0.5**2, abs=0.06)


def test_noise_is_independent_in_time_trials_and_updates():
    m = model(noise=1.0, dt=100.0 / 2, activation="linear")

    def draw(update, t):
        key = tf.constant([7, update], tf.int64)
        return m.normals(key, tf.constant(t, tf.int64), tf.constant(2000)).numpy()

    parts = np.concatenate([draw(0, 0), draw(0, 1), draw(1, 0), draw(1, 1)], axis=1)
    correlation = np.corrcoef(parts.T)[np.triu_indices(24, 1)]
    assert np.abs(correlation).max() < 0.1
    assert parts.mean() == pytest.approx(0, abs=0.02) and parts.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(draw(3, 4), draw(3, 4))


def test_padding_changes_no_state_before_it():
    m, u = model(noise=0.5), inputs()
    key = tf.constant([3, 9], tf.int64)
    longer = np.concatenate([u, np.zeros_like(u)], axis=1)
    assert np.array_equal(
        m.unroll(tf.constant(u), key)[0]["state"],
        m.unroll(tf.constant(longer), key)[0]["state"][:12],
    )


def test_effective_weights_are_labelled_post_pre():
    m = model(nt.Units({"A": 4, "B": 2}, excitatory=0.5))
    w = m.effective_weights()
    assert {name: array.dims for name, array in w.items()} == {
        "input": ("unit", "input"),
        "recurrent": ("unit", "source"),
        "output": ("output", "unit"),
    }
    recurrent = w["recurrent"]
    assert (recurrent.sel(source=recurrent.source_cell_type == "I") <= 0).all()
    assert (recurrent.sel(source=recurrent.source_cell_type == "E") >= 0).all()
    assert w["input"]["input"].values.tolist() == ["u0", "u1"]
    assert w["output"]["area"].values.tolist() == ["A"] * 4 + ["B"] * 2
    assert (w["output"].values[:, m.units.cell_type == "I"] <= 0).all()


def test_call_is_the_noise_free_output():
    m = model(noise=1.0)
    assert np.array_equal(m(inputs()), m.unroll(tf.constant(inputs()))[1])


def test_seed_makes_the_network():
    a, b, c = model(seed=1), model(seed=1), model(seed=2)
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        assert np.array_equal(x, y)
    assert not np.array_equal(a.recurrent_kernel.raw, c.recurrent_kernel.raw)


def test_two_networks_live_side_by_side():
    a, b = model(seed=1), model(seed=2)
    before = a(inputs()).numpy()
    b.bias.assign(np.ones(6))
    assert np.array_equal(a(inputs()), before)


def test_with_dt_keeps_the_weights():
    calm = nt.Connectivity(initializer=SpectralRadius(0.5))
    m = model(dt=10.0, noise=0.2, recurrent=calm)
    finer = m.with_dt(5.0)
    assert finer.dt == 5.0 and m.dt == 10.0
    for x, y in zip(m.get_weights(), finer.get_weights(), strict=True):
        assert np.array_equal(x, y)
    # Under a held input both settle at the same point, which does not depend on dt.
    u = np.ones((1, 2000, 2))
    ends = [n.unroll(tf.constant(u))[0]["state"][-1].numpy() for n in (m, finer)]
    assert m.step(ends[0], u[0, 0]) == pytest.approx(ends[0], abs=1e-9)
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_config_makes_the_same_network():
    units = nt.Units({"A": 4, "B": 2}, excitatory=0.5, tau={"E": 50.0})
    m = model(units, noise=0.1, recurrent=nt.Connectivity(autapses=False, density=0.5))
    again = nt.RateRNN.from_config(m.get_config())
    for x, y in zip(m.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(x, y)
    assert again.units == units and again.get_config() == m.get_config()


@keras.saving.register_keras_serializable("tests")
def quadratic(x):
    return tf.maximum(x, 0) ** 2


def test_a_registered_function_may_be_the_activation():
    assert model(units=2, activation=quadratic).rates([2.0, -1.0]).tolist() == [4.0, 0.0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: model(dt=200.0), ValueError, r"`dt` must be at most tau = 100 ms, got 200 ms"),
        (lambda: model(dt=0.0), ValueError, r"`dt` must be a number above 0, got 0.0"),
        (lambda: model(tau=-1.0), ValueError, r"`tau` must be a number above 0, got -1.0"),
        (lambda: model(noise=-0.1), ValueError, r"`noise` must be a number of 0 or more, got -0.1"),
        (lambda: model(activation="rleu"), ValueError, r"`activation` must be the name of a Keras"),
        (lambda: model(activation=lambda x: x), ValueError, r"which would save and not load"),
        (
            lambda: model(dtype="float16"),
            ValueError,
            r"`dtype` must be one of \"float32\", \"float64\"",
        ),
        (lambda: model(recurrent=0.5), TypeError, r"`recurrent` must be a Connectivity, got 0.5"),
        (
            lambda: model(input=nt.Connectivity(autapses=False)),
            ValueError,
            r"`input.autapses` must be True: only recurrent synapses can be autapses",
        ),
        (lambda: model(nosie=0.5), TypeError, r"nosie"),
        (
            lambda: nt.RateRNN("motion", ["z"], units=4, dt=10.0),
            ValueError,
            r"`inputs` must be a sequence of different names, got 'motion'",
        ),
        (
            lambda: nt.RateRNN(["u"], [], units=4, dt=10.0),
            ValueError,
            r"`outputs` must be a sequence",
        ),
        (
            lambda: nt.RateRNN(["u", "u"], ["z"], units=4, dt=10.0),
            ValueError,
            r"`inputs` must be a seq",
        ),
        (
            lambda: model().step(np.zeros(5), np.zeros(2)),
            ValueError,
            r"`state` must have the shape \(..., unit\), with 6 last, got \(5,\)",
        ),
        (
            lambda: model().step(np.zeros(6), np.zeros(3)),
            ValueError,
            r"`input` must have the shape",
        ),
        (
            lambda: model()(np.zeros((3, 4, 5))),
            ValueError,
            r"`inputs` must have the shape \(trial, time, input\), with 2 last",
        ),
        (lambda: model()(np.zeros((4, 2))), ValueError, r"`inputs` must have the shape"),
        (lambda: model(units=0), ValueError, r"`n` must be a whole number of 1 or more, got 0"),
        (
            lambda: nt.RateRNN.for_task("rdm", units=5),
            TypeError,
            r"`task` must be a Task or a Curriculum, got 'rdm'",
        ),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_coarse_steps_are_warned_of():
    with pytest.warns(UserWarning, match=r"`dt` should be at most half of tau = 100 ms, got 60 ms"):
        model(dt=60.0)
