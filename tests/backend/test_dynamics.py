"""Each dynamics against an independent loop, its closed forms, or Keras' layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import solve_ivp

import neurotask as nt
from neurotask.backend import activations

ALONE = nt.Connectivity(mask=np.zeros((6, 6)), initializer="zeros")


def model(kind=nt.RateRNN, units=6, dt=10.0, **settings):
    settings = dict(dtype="float64", seed=1) | settings
    return kind(["u0", "u1"], ["z0", "z1", "z2"], units=units, dt=dt, **settings)


def inputs(n_trials=3, n_steps=12, seed=0):
    return np.random.default_rng(seed).standard_normal((n_trials, n_steps, 2))


def arrays(m):
    weights = {name: w.values for name, w in m.effective_weights().items()}
    return weights, {name: np.asarray(v) for name, v in m.vectors().items()}


def scramble(m, seed=3):
    """Give every vector that may change other values than its start."""
    rng = np.random.default_rng(seed)
    for variable in m.trainable_variables:
        if len(variable.shape) == 1:
            variable.assign(variable.numpy() + 0.3 * rng.standard_normal(variable.shape))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run(m, u):
    states, outputs = m.unroll(tf.constant(u))
    return {name: np.transpose(x, (1, 0, 2)) for name, x in states.items()}, outputs.numpy()


# --- leaky ----------------------------------------------------------------------------------


def test_rate_form_equals_a_plain_loop():
    m, u = model(form="rate", activation="tanh", tau=40.0), inputs()
    scramble(m)
    w, v = arrays(m)
    h, wanted = np.tile(v["initial_state"], (3, 1)), []
    for t in range(12):
        drive = h @ w["recurrent"].T + u[:, t] @ w["input"].T + v["bias"]
        h = 0.75 * h + 0.25 * np.tanh(drive)
        wanted.append(h)
    states, outputs = run(m, u)
    assert states["state"] == pytest.approx(np.stack(wanted, 1), abs=1e-12)
    assert outputs == pytest.approx(np.stack(wanted, 1) @ w["output"].T + v["output_bias"])
    assert m.rates(h) == pytest.approx(h)


def test_both_forms_settle_alike_in_a_linear_network():
    # Linear, x = W x + W_in u + b at rest in either form.
    calm = nt.Connectivity(initializer=nt.initializers.SpectralRadius(0.5))
    u = np.tile([1.0, -1.0], (1, 3000, 1))
    ends = []
    for form in ("current", "rate"):
        m = model(form=form, activation="linear", recurrent=calm)
        ends.append(run(m, u)[0]["state"][0, -1])
    assert ends[0] == pytest.approx(ends[1], abs=1e-10)


@pytest.mark.parametrize("dt", [2.0, 10.0, 40.0])
def test_noise_of_the_rate_form_has_the_same_effect_at_every_dt(dt):
    m = model(form="rate", dt=dt, noise=0.3, shared_noise=0.4, activation="linear", recurrent=ALONE)
    m.initial_state.assign(np.zeros(6))
    u = np.zeros((3000, int(1000 / dt), 2))
    x = m.unroll(tf.constant(u), tf.constant([5, 0], tf.int64))[0]["state"][-1].numpy()
    assert x.var() == pytest.approx(0.5**2, rel=0.06)
    correlation = np.corrcoef(x.T)[np.triu_indices(6, 1)]
    assert correlation == pytest.approx(0.4**2 / 0.5**2, abs=0.06)


def test_rates_of_the_rate_form_keep_the_range_of_phi():
    m = model(form="rate", noise=1.0, activation="relu")
    x = m.unroll(tf.constant(inputs()), tf.constant([5, 0], tf.int64))[0]["state"].numpy()
    assert x.min() >= 0 and x.max() > 0.5


def test_feedback_and_feedforward_equal_a_plain_loop():
    stage = nt.FeedForward(4, activation="tanh")
    m = model(
        feedback=nt.Connectivity(),
        feedforward=stage,
        output_activation="sigmoid",
        activation="tanh",
    )
    scramble(m)
    (w, v), u = arrays(m), inputs()
    assert w["input"].shape == (6, 4) and w["feedforward"].shape == (4, 2)
    assert w["feedback"].shape == (6, 3)
    read = lambda x: sigmoid(np.tanh(x) @ w["output"].T + v["output_bias"])  # noqa: E731
    x, wanted = np.tile(v["initial_state"], (3, 1)), []
    for t in range(12):
        seen = np.tanh(u[:, t] @ w["feedforward"].T + v["feedforward_bias"])
        drive = np.tanh(x) @ w["recurrent"].T + seen @ w["input"].T + read(x) @ w["feedback"].T
        x = 0.9 * x + 0.1 * (drive + v["bias"])
        wanted.append(x)
    states, outputs = run(m, u)
    assert states["state"] == pytest.approx(np.stack(wanted, 1), abs=1e-12)
    assert outputs == pytest.approx(read(np.stack(wanted, 1)), abs=1e-12)


def test_a_time_constant_that_learns_stays_above_dt(quick):
    m = nt.RateRNN.for_task(quick, units=nt.Units(8, excitatory=0.5, tau={"E": 100.0, "I": 50.0}),
                            trainable={"tau": True, "initial_state": False}, seed=1)  # fmt: skip
    before = np.array(m.vectors()["tau"])
    assert before == pytest.approx(np.repeat([100.0, 50.0], 4), rel=1e-6)
    m.compile(keras.optimizers.Adam(3.0))
    fixed = m.initial_state.numpy()
    m.fit(quick, updates=30, batch_size=8, verbose=0)
    after = np.array(m.vectors()["tau"])
    assert (after != before).any() and (after >= 20.0).all()
    assert np.array_equal(m.initial_state.numpy(), fixed)


def test_with_dt_keeps_time_constants_that_learned():
    m = model(trainable={"tau": True})
    m._vectors.raw_tau.assign(np.linspace(2.0, 5.0, 6))
    finer = m.with_dt(2.0)
    assert np.array(finer.vectors()["tau"]) == pytest.approx(np.array(m.vectors()["tau"]))


@pytest.mark.parametrize("name", activations.NUMPY)
def test_transfer_functions_are_those_of_keras(name):
    x = np.concatenate([np.linspace(-12, 12, 97), [0.0, 1e-3, -1e-3]])
    wanted = keras.activations.get(name)(tf.constant(x)).numpy()
    assert activations.in_numpy(name)(x) == pytest.approx(wanted, abs=1e-6)


def test_a_function_that_only_keras_knows_runs_in_numpy_too():
    x = np.linspace(-3, 3, 13)
    wanted = keras.activations.get("tanh_shrink")(tf.constant(x)).numpy()
    assert activations.in_numpy("tanh_shrink")(x) == pytest.approx(wanted, abs=1e-6)


# --- short-term plasticity ------------------------------------------------------------------


def synapses_at(rate, plasticity, dt, n_steps):
    """u and x of a unit whose rate is held, (time,), from rest."""
    m = model(units=1, dt=dt, tau=1000.0, activation="relu", plasticity=plasticity,
              recurrent=nt.Connectivity(initializer="zeros"))  # fmt: skip
    state, rows = np.array([rate, plasticity.utilization, 1.0])[:, None], []
    m.bias.assign([rate])  # what keeps the rate where it is
    for _ in range(n_steps):
        state = m.step(state, np.zeros(2))
        rows.append(state[1:, 0])
    assert state[0, 0] == pytest.approx(rate)
    return np.array(rows).T


@pytest.mark.parametrize("hz", [1.0, 20.0, 80.0])
def test_synapses_settle_where_mongillo_says(hz):
    p = nt.ShortTermPlasticity(hz=hz)
    u, x = synapses_at(1.0, p, 10.0, 3000)
    r, use, tau_f, tau_d = hz / 1000, 0.2, 1500.0, 200.0
    rest = use * (1 + tau_f * r) / (1 + use * tau_f * r)
    assert u[-1] == pytest.approx(rest, rel=1e-9)
    assert x[-1] == pytest.approx(1 / (1 + rest * tau_d * r), rel=1e-9)


def test_utilization_is_exact_and_resources_converge_at_first_order():
    p, hz = nt.ShortTermPlasticity(hz=40.0), 40.0 / 1000

    def move(_, y):
        u, x = y
        return [(0.2 - u) / 1500 + 0.2 * (1 - u) * hz, (1 - x) / 200 - u * x * hz]

    exact = solve_ivp(move, (0, 160), [0.2, 1.0], rtol=1e-11, atol=1e-13).y[:, -1]
    errors, steps = [], (8.0, 4.0, 2.0)
    for dt in steps:
        u, x = synapses_at(1.0, p, dt, int(160 / dt))
        assert u[-1] == pytest.approx(exact[0], rel=1e-9)
        errors.append(abs(x[-1] - exact[1]))
    assert np.diff(np.log(errors)) / np.diff(np.log(steps)) == pytest.approx(1.0, abs=0.1)


def test_synapses_take_a_negative_rate_for_none(quick):
    m = nt.RateRNN.for_task(quick, units=4, plasticity=nt.ShortTermPlasticity())
    done = nt.Perturbation("clamp", units=[0], value=-30.0)
    s = m.run(quick.trials(2), perturbation=done)["states"]
    at_rest = s.sel(variable="utilization")[..., 0], s.sel(variable="resources")[..., 0]
    assert np.allclose(at_rest[0], 0.2) and np.allclose(at_rest[1], 1.0)


def test_the_order_of_labels_is_part_of_what_they_say():
    one, two = ({"": 0.2, "E": 0.3}, {"E": 0.3, "": 0.2})
    p, q = nt.ShortTermPlasticity(utilization=one), nt.ShortTermPlasticity(utilization=two)
    assert p != q and p == nt.ShortTermPlasticity(utilization=dict(one))


def test_weight_decay_takes_a_learned_time_constant_back_to_its_start(quick):
    m = nt.RateRNN.for_task(quick, units=4, trainable={"tau": True}, tau=100.0)
    m._vectors.raw_tau.assign(np.full(4, 0.5))
    assert np.array(m.vectors()["tau"]) == pytest.approx(20 + 80 * np.exp(0.5))
    m.compile(keras.optimizers.AdamW(1e-6, weight_decay=1e5))
    m.fit(quick, updates=60, batch_size=2, verbose=0)
    assert np.array(m.vectors()["tau"]) == pytest.approx(100.0, rel=0.05)


def test_shared_noise_alone_reaches_every_unit_alike():
    quiet = nt.Connectivity(initializer="zeros")
    m = model(shared_noise=0.4, activation="linear", recurrent=ALONE, input=quiet)
    x = m.unroll(tf.constant(inputs()), tf.constant([5, 0], tf.int64))[0]["state"].numpy()
    moved = x - m.unroll(tf.constant(inputs()))[0]["state"].numpy()
    assert moved.std() > 0.05 and np.ptp(moved, axis=-1).max() < 1e-12


def test_synapses_stay_between_0_and_1_at_any_rate_and_step():
    u, x = synapses_at(1e4, nt.ShortTermPlasticity(hz=100.0), 500.0, 50)
    assert (u > 0).all() and (u <= 1).all() and (x > 0).all() and (x <= 1).all()


def test_plastic_synapses_send_u_x_r():
    units = nt.Units(6, excitatory=0.5)
    p = nt.ShortTermPlasticity(utilization={"E": 0.1, "I": 0.5}, tau_depression=[100.0] * 6)
    m, u = model(units=units, plasticity=p), inputs()
    w, v = arrays(m)
    assert v["utilization"].tolist() == [0.1] * 3 + [0.5] * 3
    state = np.stack(
        [np.abs(np.random.default_rng(1).standard_normal(6)), np.full(6, 0.3), np.full(6, 0.6)]
    )
    after = m.step(state, u[0, 0])
    drive = w["recurrent"] @ (0.3 * 0.6 * state[0]) + w["input"] @ u[0, 0] + v["bias"]
    assert after[0] == pytest.approx(0.9 * state[0] + 0.1 * drive)
    assert m.rates(state) == pytest.approx(state[0])  # the rate is phi(x), not what is sent


def test_a_session_names_the_variables_of_a_state(quick):
    m = nt.RateRNN.for_task(quick, units=4, plasticity=nt.ShortTermPlasticity())
    s = m.run(quick.trials(3))
    assert s["states"].dims == ("trial", "time", "variable", "unit")
    assert s["variable"].values.tolist() == ["state", "utilization", "resources"]
    x = s["states"].sel(variable="state")
    assert np.array_equal(s["rates"], np.maximum(x, 0))


# --- gates ----------------------------------------------------------------------------------


def keras_matrix(weights):
    """(gate, post, pre) as Keras has it, (pre, gate * post)."""
    return weights.transpose(2, 0, 1).reshape(weights.shape[2], -1)


def test_lstm_equals_keras_layer():
    m, u = model(nt.LSTM), inputs()
    scramble(m)
    w, v = arrays(m)
    layer = keras.layers.LSTM(6, return_sequences=True, dtype="float64")
    layer.build((3, 12, 2))
    layer.set_weights([keras_matrix(w["input"]), keras_matrix(w["recurrent"]), v["bias"]])
    start = [np.tile(v[f"initial_{name}"], (3, 1)) for name in ("hidden", "cell")]
    wanted = layer(u, initial_state=start).numpy()
    states, outputs = run(m, u)
    assert states["hidden"] == pytest.approx(wanted, abs=1e-12)
    assert outputs == pytest.approx(wanted @ w["output"].T + v["output_bias"], abs=1e-12)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_equals_keras_layer(reset_after):
    m, u = model(nt.GRU, reset_after=reset_after), inputs()
    scramble(m)
    w, v = arrays(m)
    layer = keras.layers.GRU(6, return_sequences=True, reset_after=reset_after, dtype="float64")
    layer.build((3, 12, 2))
    bias = v["bias"]
    if reset_after:
        bias = np.stack([bias, np.concatenate([np.zeros(12), v["recurrent_bias"]])])
    layer.set_weights([keras_matrix(w["input"]), keras_matrix(w["recurrent"]), bias])
    wanted = layer(u, initial_state=np.tile(v["initial_hidden"], (3, 1))).numpy()
    assert run(m, u)[0]["hidden"] == pytest.approx(wanted, abs=1e-12)


def test_the_forget_gate_starts_open():
    m = model(nt.LSTM)
    assert m.bias.numpy().reshape(4, 6).mean(1).tolist() == [0, 1, 0, 0]


def test_gates_share_their_synapses():
    mask = np.eye(6)[::-1]
    w = model(nt.LSTM, recurrent=nt.Connectivity(mask=mask)).effective_weights()["recurrent"]
    assert w.dims == ("gate", "unit", "source")
    assert w["gate"].values.tolist() == ["input", "forget", "cell", "output"]
    assert np.array_equal(w.values != 0, np.tile(mask == 1, (4, 1, 1)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: model(form="post"), ValueError, r"`form` must be one of \"current\", \"rate\""),
        (
            lambda: model(plasticity=0.2),
            TypeError,
            r"`plasticity` must be a ShortTermPlasticity or",
        ),
        (
            lambda: model(activation="tanh", plasticity=nt.ShortTermPlasticity()),
            ValueError,
            r"`activation` must give rates of 0 or more where synapses have short-term plasticity",
        ),
        (
            lambda: nt.ShortTermPlasticity(utilization=1.5),
            ValueError,
            r"`utilization` must be a number in \(0, 1\], got 1.5",
        ),
        (
            lambda: nt.ShortTermPlasticity(tau_facilitation={"E": -1.0}),
            ValueError,
            r"`tau_facilitation\['E'\]` must be a number above 0, got -1.0",
        ),
        (
            lambda: model(plasticity=nt.ShortTermPlasticity(tau_depression=[1.0, 2.0])),
            ValueError,
            r"`tau_depression` must",
        ),
        (
            lambda: model(nt.LSTM, units=nt.Units(6, excitatory=0.5)),
            ValueError,
            r"`units` must have no types in LSTM, whose gates let one unit excite and inhibit",
        ),
        (
            lambda: model(nt.LSTM, tau=100.0),
            TypeError,
            r"`LSTM` must be given arguments that it has, got `tau`",
        ),
        (lambda: model(nt.LSTM).with_dt(5.0), ValueError, r"`dt` must stay 10 ms: LSTM has no"),
        (lambda: model(nt.GRU, reset_after=1), ValueError, r"`reset_after` must be True or False"),
        (
            lambda: model(nt.LSTM, units=nt.Units(6, tau=50.0)),
            ValueError,
            r"`units` must have no tau in LSTM",
        ),
        (
            lambda: model(nt.GRU, recurrent=nt.Connectivity(sign=1)),
            ValueError,
            r"`recurrent.sign` must be left out of GRU",
        ),
        (lambda: model(nosie=1.0), TypeError, r"got `nosie`. Did you mean \"noise\"\?"),
        (
            lambda: model(trainable={"taw": True}),
            ValueError,
            r"`trainable` must be one of \"bias\", .*\"tau\", got 'taw'. Did you mean \"tau\"",
        ),
        (lambda: model(trainable=("tau",)), TypeError, r"`trainable` must say True or False of"),
        (
            lambda: model(dt=50.0, tau=50.0, trainable={"tau": True}),
            ValueError,
            r"`tau` must be above dt = 50 ms where it learns, got 50 ms",
        ),
        (
            lambda: model(feedforward="x"),
            TypeError,
            r"`feedforward` must be a FeedForward, a number",
        ),
        (lambda: model(feedforward=0), ValueError, r"`units` must be a whole number of 1 or more"),
        (lambda: model(feedback=True), TypeError, r"`feedback` must be a Connectivity, got True"),
        (
            lambda: model(output_activation="sigmoyd"),
            ValueError,
            r"`output_activation` must be the name .* Did you mean \"sigmoid\"",
        ),
        (
            lambda: model(plasticity=nt.ShortTermPlasticity()).step(np.zeros(6), np.zeros(2)),
            ValueError,
            r"`state` must have the shape \(..., variable, unit\), with 3 x 6 last, got \(6,\)",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:`dt` should be")
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=message):
        make()


@keras.saving.register_keras_serializable("tests")
def doubled(x):
    return 2.0 * tf.nn.relu(x)


def test_settings_print_as_what_makes_them_again():
    names = {name: getattr(nt, name) for name in ("Leaky", "ShortTermPlasticity", "FeedForward")}
    names |= {"Huber": nt.losses.Huber, "L1": nt.regularizers.L1}
    for one in (
        nt.Leaky(tau=50.0, activation=doubled, form="rate"),
        nt.Leaky(tau=np.float64(50.0), noise=np.float32(0.5)),
        nt.FeedForward(np.int64(3)),
        nt.losses.Huber(np.float64(0.5)),
        nt.regularizers.L1(np.float64(0.5)),
        nt.Leaky(plasticity=nt.ShortTermPlasticity(utilization={"E": 0.1})),
        nt.ShortTermPlasticity(tau_depression=np.array([100.0, 200.0])),
        nt.FeedForward(3, activation=doubled),
    ):
        again = eval(repr(one), {**names, "Connectivity": nt.Connectivity})
        assert again == one and type(one).from_config(one.get_config()) == one
        assert hash(again) == hash(one)


def test_a_registered_function_runs_in_both_engines(quick):
    m = nt.RateRNN.for_task(quick, units=4, activation=doubled, output_activation=doubled)
    trials = quick.trials(3)
    one, two = m.run(trials, noise=False), nt.simulate(m, trials, noise=False)
    assert one["outputs"].values == pytest.approx(two["outputs"].values, abs=1e-5)
    assert one["rates"].values == pytest.approx(2 * np.maximum(one["states"].values, 0))
