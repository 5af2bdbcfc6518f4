"""Public steps: their precision, and how they depend on the state before."""

import numpy as np
import pytest

import neurotask as nt

NAMES = (["u0", "u1"], ["z0", "z1"])
CURRENT = nt.ShortTermPlasticity(tau_depression=300.0)
MODELS = {
    "rate units": lambda **s: nt.RateRNN(*NAMES, units=6, dt=10.0, activation="softplus", **s),
    "rate form": lambda **s: nt.RateRNN(*NAMES, units=6, dt=10.0, form="rate", activation="tanh", **s),
    "feedback and a stage": lambda **s: nt.RateRNN(
        *NAMES, units=6, dt=10.0, activation="tanh", feedback=nt.Connectivity(), feedforward=4, **s
    ),
    "plastic synapses": lambda **s: nt.RateRNN(
        *NAMES, units=6, dt=10.0, activation="softplus", plasticity=CURRENT, **s
    ),
    "LSTM": lambda **s: nt.LSTM(*NAMES, units=6, dt=10.0, **s),
    "GRU": lambda **s: nt.GRU(*NAMES, units=6, dt=10.0, **s),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def made(request):
    """A model in single precision, and states and inputs of it in double."""
    model = MODELS[request.param](seed=1)
    rng = np.random.default_rng(0)
    variables = len(model.network.dynamics.state_variables)
    form = (6,) if variables == 1 else (variables, 6)
    return model, rng.uniform(0.1, 0.9, (4, *form)), rng.standard_normal((4, 2))


def test_a_state_in_double_precision_is_stepped_in_it(made):
    model, state, inputs = made
    after = model.step(state, inputs)
    assert after.dtype == np.float64 and after.shape == state.shape
    single = model.step(state.astype(np.float32), inputs)
    assert single.dtype == np.float32
    np.testing.assert_allclose(after, single, atol=2e-6)
    # A change far below single precision goes through.
    tiny = 1e-11 * np.ones_like(state)
    rise = (model.step(state + tiny, inputs) - after) / 1e-11
    slope = model.jacobian(state, inputs).reshape(4, state[0].size, -1).sum(-1)
    np.testing.assert_allclose(rise.reshape(4, -1), slope, atol=1e-3)


def test_rates_and_outputs_follow_the_precision_of_the_state(made):
    model, state, _ = made
    for ask in (model.rates, model.output):
        double, single = ask(state), ask(state.astype(np.float32))
        assert double.dtype == np.float64 and single.dtype == np.float32
        np.testing.assert_allclose(double, single, atol=2e-6)
        assert ask(state[0]).shape == double.shape[1:]


def test_the_jacobian_is_the_derivative_of_the_step(made):
    model, state, inputs = made
    found = model.jacobian(state, inputs)
    form = state.shape[1:]
    assert found.shape == (4, *form, *form) and found.dtype == np.float64
    h = 1e-6
    for at in np.ndindex(form):
        e = np.zeros(form)
        e[at] = h
        rise = (model.step(state + e, inputs) - model.step(state - e, inputs)) / (2 * h)
        np.testing.assert_allclose(found[(..., *at)], rise, atol=1e-8)
    alone = model.jacobian(state[1], inputs[1])
    np.testing.assert_allclose(alone, found[1], atol=1e-12)


def test_the_jacobian_of_rate_units_is_their_equation():
    m = nt.RateRNN(*NAMES, units=nt.Units(6, tau=50.0), dt=10.0, activation="tanh", seed=2)
    state = np.random.default_rng(1).standard_normal(6)
    # (1 - alpha) 1 + alpha W diag(phi'(x))
    w = m.effective_weights()["recurrent"].values.astype(float)
    wanted = 0.8 * np.eye(6) + 0.2 * w * (1 - np.tanh(state) ** 2)
    np.testing.assert_allclose(m.jacobian(state, np.zeros(2)), wanted, atol=1e-12)


def test_jacobians_of_many_states_come_in_parts(monkeypatch):
    from neurotask.backend.models import _jacobian

    m = MODELS["LSTM"](seed=1)
    state, inputs = np.random.default_rng(0).uniform(-1, 1, (2, 3, 2, 6)), np.ones(2)
    whole = m.jacobian(state, inputs)
    assert whole.shape == (2, 3, 2, 6, 2, 6)
    monkeypatch.setattr(_jacobian, "_AT_ONCE", 4 * 12**2)
    np.testing.assert_allclose(m.jacobian(state, inputs), whole, atol=1e-14)


def test_a_jacobian_needs_states_and_inputs_of_the_right_shape():
    m = MODELS["rate units"](seed=1)
    with pytest.raises(ValueError, match=r"`state` must have the shape \(..., unit\), with 6 last"):
        m.jacobian(np.zeros(5), np.zeros(2))
    with pytest.raises(ValueError, match=r"`input` must have the shape \(..., input\), with 2"):
        m.jacobian(np.zeros(6), np.zeros(3))


def test_fixed_points_of_a_network_in_single_precision():
    m = nt.RateRNN(*NAMES, units=8, dt=10.0, activation="tanh", seed=3)
    visited = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    found = nt.analysis.fixed_points(m.step, visited, input=[0.3, -0.2])
    assert (found.kind == "fixed").any() and found.speed[0] < 1e-15
    at = found.states[0]
    np.testing.assert_allclose(m.step(at, np.array([0.3, -0.2])), at, atol=1e-13)
    np.testing.assert_array_equal(found.rates, np.tanh(found.states))
    values = np.linalg.eigvals(m.jacobian(at, np.array([0.3, -0.2])))
    largest = np.abs(values).max()
    np.testing.assert_allclose(np.abs(found.eigenvalues[0, 0]), largest, atol=1e-12)
