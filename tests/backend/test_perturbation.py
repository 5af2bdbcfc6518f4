"""What is done to a network, against networks that were made so, and loops."""

import numpy as np
import pytest

import neurotask as nt

P = nt.Perturbation
UNITS = nt.Units({"A": 4, "B": 4}, excitatory=0.5)
UNITS_DO = ("silence", "clamp", "lesion", "current", "kick")
KINDS = {"RateRNN": nt.RateRNN, "LSTM": nt.LSTM, "GRU": nt.GRU}


@pytest.fixture
def model(quick):
    m = nt.RateRNN.for_task(quick, units=UNITS, noise=0.1, seed=3)
    m.bias.assign(np.random.default_rng(0).random(8))
    m.output_bias.assign([0.3, -0.2])
    return m


@pytest.fixture
def trials(quick):
    return quick.trials(6, seed=1)


def arrays(m):
    return {name: w.values for name, w in m.effective_weights().items()}


def step(m, x, u, rates=None, current=0.0, recurrent=1.0):
    """One noise-free step, written out."""
    w, r = arrays(m), np.maximum(x, 0) if rates is None else rates
    alpha = m.dt / 100.0
    drive = r @ (w["recurrent"] * recurrent).T + u @ w["input"].T + m.bias.numpy() + current
    return (1 - alpha) * x + alpha * drive


def loop(m, trials, **at):
    """States of a noise-free run; each of `at` gives an argument of `step` for a step and state."""
    x, states = np.tile(m.initial_state.numpy(), (len(trials), 1)), []
    for t in range(trials.inputs.shape[1]):
        x = step(m, x, trials.inputs[:, t], **{name: f(t, x) for name, f in at.items()})
        states.append(x)
    return np.stack(states, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_is_the_network_without_the_units(quick, trials, kind):
    m = KINDS[kind].for_task(quick, units=8, seed=3)
    keep = [0, 2, 3, 6, 7]
    small = KINDS[kind].for_task(quick, units=5, seed=0)
    for name, kernel in small.kernels.items():
        weights = m.kernels[name].effective().numpy()
        if name != "output":
            weights = weights[..., keep, :]
        if name != "input":
            weights = weights[..., keep]
        kernel.assign(weights)
    wanted = small.run(trials, noise=False)["outputs"]
    lesioned = m.run(trials, noise=False, perturbation=P("lesion", units=[1, 4, 5]))
    assert lesioned["outputs"].values == pytest.approx(wanted.values, abs=1e-5)
    assert not lesioned["rates"][..., [1, 4, 5]].any()


def test_silencing_all_leaves_the_output_bias_and_a_leak(model, trials):
    s = model.run(trials, noise=False, perturbation=P("silence", phase="stimulus"))
    on = (s["time"] >= 60) & (s["time"] < 180)
    assert s["outputs"][:, on].values == pytest.approx(
        np.broadcast_to([0.3, -0.2], (6, 6, 2)), abs=1e-6
    )
    assert not s["rates"][:, on].any() and s["rates"][:, ~on].any()


def test_a_clamp_holds_rates_that_the_next_step_receives(model, trials):
    done = P("clamp", area="B", cell_type="E", phase="stimulus", value=0.7)
    s = model.run(trials, noise=False, perturbation=done)
    chosen = np.array([0, 0, 0, 0, 1, 1, 0, 0], bool)

    def rates(t, x):
        # Rates of the steps 3 to 8; step t receives those of the step before.
        return np.where(chosen & (3 <= t - 1 < 9), 0.7, np.maximum(x, 0))

    assert s["states"].values == pytest.approx(loop(model, trials, rates=rates), abs=1e-5)
    assert s["rates"][:, 3:9].values[..., chosen] == pytest.approx(0.7)
    assert np.array_equal(s["rates"][:, :3], np.maximum(s["states"][:, :3], 0))


def test_a_current_throughout_is_a_bias(quick, model, trials):
    values = np.random.default_rng(1).standard_normal(8)
    s = model.run(trials, perturbation=P("current", value=values))
    model.bias.assign_add(values)
    assert s["states"].values == pytest.approx(model.run(trials)["states"].values, abs=1e-5)


def test_currents_add_up_and_act_during_their_phase(model, trials):
    done = [P("current", units="A", phase="decision", value=0.5), P("current", value=0.1)]
    s = model.run(trials, noise=False, perturbation=done)
    in_a = np.repeat([1.0, 0.0], 4)
    wanted = loop(model, trials, current=lambda t, x: 0.1 + 0.5 * in_a * (t >= 9))
    assert s["states"].values == pytest.approx(wanted, abs=1e-5)


def test_a_kick_moves_the_state_once(model, trials):
    values = np.random.default_rng(1).standard_normal((6, 2))
    done = P("kick", units=[1, 6], phase="decision", value=values, factor=0.5)
    s = model.run(trials, noise=False, perturbation=done)
    before = model.run(trials, noise=False)
    assert np.allclose(s["states"][:, :9], before["states"][:, :9], atol=1e-6)
    x = before["states"].values[:, 8].copy()
    x[:, [1, 6]] = 0.5 * x[:, [1, 6]] + values
    assert s["states"].values[:, 9] == pytest.approx(step(model, x, trials.inputs[:, 9]), abs=1e-5)


def test_scaled_weights_are_a_network_with_such_weights(model, trials):
    weights = arrays(model)["recurrent"].copy()
    done = P("weights", synapses=("A.E->B", "B->A.I"), factor=0.25)
    s = model.run(trials, perturbation=done)
    chosen = np.zeros((8, 8), bool)
    chosen[4:, :2] = chosen[2:4, 4:] = True
    model.recurrent_kernel.assign(np.where(chosen, 0.25, 1.0) * weights)
    assert s["outputs"].values == pytest.approx(model.run(trials)["outputs"].values, abs=1e-5)


def test_scaled_weights_hold_during_their_phase_and_multiply(model, trials):
    mask = np.random.default_rng(2).random((8, 8)) < 0.5
    done = [
        P("weights", phase="stimulus", factor=0.5),
        P("weights", phase=(100.0, 240.0), synapses=mask, factor=0.0),
    ]
    s = model.run(trials, noise=False, perturbation=done)

    def recurrent(t, x):
        return (0.5 if 3 <= t < 9 else 1.0) * np.where(mask & (5 <= t < 12), 0.0, 1.0)

    assert s["states"].values == pytest.approx(loop(model, trials, recurrent=recurrent), abs=1e-5)


def test_scaled_output_weights_change_the_readout_of_their_phase(model, trials):
    s = model.run(trials, perturbation=P("weights", kernel="output", phase="decision", factor=0.0))
    plain = model.run(trials)
    assert np.allclose(s["outputs"][:, :9], plain["outputs"][:, :9], atol=2e-6)
    assert s["outputs"][:, 9:].values == pytest.approx(np.broadcast_to([0.3, -0.2], (6, 7, 2)))
    assert np.allclose(s["states"], plain["states"], atol=2e-6)


def test_connectivity_of_each_step(model, trials):
    factors = np.random.default_rng(3).uniform(0, 2, (16, 8, 8))
    s = model.run(trials, noise=False, perturbation=P("connectivity", value=factors))
    wanted = loop(model, trials, recurrent=lambda t, x: factors[t])
    assert s["states"].values == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    "done",
    [P("silence", area="B", phase="decision"), P("kick", phase="decision", value=1.0),
     P("weights", phase="decision", factor=0.0), P("current", phase="decision", value=1.0)],
)  # fmt: skip
def test_the_noise_is_that_of_the_run_without(model, trials, done):
    one, two = model.run(trials, seed=5, perturbation=done), model.run(trials, seed=5)
    if done.kind == "weights":  # by the graph, where the run without goes by kernels
        assert np.allclose(one["states"][:, :9], two["states"][:, :9], atol=2e-6)
    else:
        assert np.array_equal(one["states"][:, :9], two["states"][:, :9])
    assert not np.allclose(one["outputs"], two["outputs"], atol=0.01)
    model.compile(engine="graph")  # then both go the same way
    one, two = model.run(trials, seed=5, perturbation=done), model.run(trials, seed=5)
    assert np.array_equal(one["states"][:, :9], two["states"][:, :9])


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize(
    "kinds", [("silence",), ("clamp", "lesion"), ("current", "kick"), UNITS_DO]
)
def test_kernels_do_to_units_what_the_graph_does(quick, form, kinds):
    values = np.random.default_rng(2).random((300, 8))  # of each trial, in two chunks
    all_ = {
        "silence": P("silence", area="A", phase="decision"),
        "clamp": P("clamp", units=[2, 5], phase=(100.0, 300.0), value=0.7),
        "lesion": P("lesion", units=[1]),
        "current": P("current", phase="stimulus", value=values),
        "kick": P("kick", phase="decision", factor=0.5, value=0.2),
    }
    done, trials = [all_[kind] for kind in kinds], quick.trials(300, seed=1)
    how = dict(
        units=UNITS, noise=0.1, shared_noise=0.1, seed=3, form=form, activation="tanh", tau=60.0,
        feedback=nt.Connectivity(), feedforward=3,
    )  # fmt: skip
    model, graph = (nt.RateRNN.for_task(quick, **how) for _ in range(2))
    graph.compile("adam", engine="graph")
    wanted = graph.run(trials, seed=5, perturbation=done)
    for record in (("states", "rates"), ("rates",), ()):
        made = model.run(trials, seed=5, perturbation=done, record=record)
        for name in ("outputs", *record):
            assert made[name].values == pytest.approx(wanted[name].values, abs=1e-5)
    simulated = nt.simulate(model, trials, seed=5, perturbation=done, record=("rates",))
    assert np.array_equal(simulated["rates"], model.run(trials, seed=5, perturbation=done)["rates"])
    assert model.runner._compiled == {}  # no graph is traced


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_scale_weights_of_whole_trials(quick, kind):
    half = np.arange(64).reshape(8, 8) % 2
    trials, done = quick.trials(5, seed=1), P("weights", synapses=half, factor=0.5)
    model, graph = (KINDS[kind].for_task(quick, units=8, seed=3) for _ in range(2))
    graph.compile("adam", engine="graph")
    made, wanted = (one.run(trials, seed=5, perturbation=done) for one in (model, graph))
    for name in ("outputs", "states", "rates"):
        assert made[name].values == pytest.approx(wanted[name].values, abs=1e-5)
    assert model.runner._compiled == {}


def test_the_phase_is_that_of_each_trial(quick):
    varied = quick.replace(stimulus=nt.Levels((40.0, 120.0)))
    trials = varied.trials(8, seed=2)
    m = nt.RateRNN.for_task(varied, units=UNITS, seed=1)
    s = m.run(trials, noise=False, perturbation=P("silence", phase="stimulus"))
    for row, (start, stop) in enumerate(trials.phases["stimulus"]):
        silent = (s["rates"][row] == 0).all("unit").values
        on = (s["time"].values >= start) & (s["time"].values < stop)
        assert silent[on].all() and not silent[~on & trials.present[row]].any()


def test_values_of_each_trial_reach_their_trial_in_every_chunk(quick):
    m, trials = nt.RateRNN.for_task(quick, units=UNITS, seed=1), quick.trials(600, seed=1)
    values = np.random.default_rng(0).standard_normal((600, 8))
    s = m.run(trials, noise=False, record=("states",), perturbation=P("kick", value=values))
    start = m.initial_state.numpy() + values
    assert s["states"].values[:, 0] == pytest.approx(step(m, start, trials.inputs[:, 0]), abs=1e-5)


def test_blocks_are_perturbed_in_each_of_their_trials():
    task = nt.load("probabilistic_reversal")
    trials = task.trials(2, seed=1)
    m = nt.RateRNN.for_task(task, units=4, seed=1, initial_state=1.0)
    phase = next(iter(trials.phases))
    s = m.run(trials, noise=False, perturbation=P("silence", phase=phase))
    silent = (s["rates"] == 0).all("unit").values
    for row in range(2):
        of_row = trials.phases[phase].reshape(2, -1, 2)[row]
        assert len(of_row) > 1
        for start, stop in of_row:
            assert silent[row, int(start / task.dt) : int(stop / task.dt)].all()
    assert silent.mean() < 0.7


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: P("leson"), ValueError, r"`kind` must be one of .* Did you mean \"lesion\""),
        (
            lambda: P("lesion", phase="delay"),
            ValueError,
            r"`phase` must be left out of a \"lesion\"",
        ),
        (lambda: P("clamp"), ValueError, r"`value` must be given for a \"clamp\", got None"),
        (lambda: P("kick"), ValueError, r"`value` or `factor` must be given for a \"kick\""),
        (lambda: P("weights", factor=-1.0), ValueError, r"`factor` must be a number of 0 or more"),
        (lambda: P("silence", value=2.0), ValueError, r"`value` must be left out of a \"silence\""),
        (
            lambda: P("silence", phase=(0.0, 20.0, 40.0)),
            ValueError,
            r"`phase` must be a name or \(sta",
        ),
        (
            lambda: P("silence", phase=5),
            ValueError,
            r"`phase` must be a name or \(start, stop\) in ms",
        ),
        (lambda: P("silence", phase=(400, 200)), ValueError, r"`phase` must start before it stops"),
        (
            lambda: P("current", value=True),
            ValueError,
            r"`value` must be made of numbers, got True",
        ),
        (lambda: P("current", value="a"), ValueError, r"`value` must be made of numbers, got 'a'"),
        (
            lambda: P("current", value=[[1.0], [1.0, 2.0]]),
            ValueError,
            r"got rows of several lengths",
        ),
        (lambda: P("current", value=np.nan), ValueError, r"`value` must be finite, got NaN"),
        (
            lambda: P("connectivity", value=1.0),
            ValueError,
            r"`value` must be an array \(time, post",
        ),
    ],
)
def test_bad_perturbations(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("done", "error", "message"),
    [
        (P("silence", units="C"), ValueError, r"must be made of \"A\", \"B\", \"E\", \"I\", got 'C'"),
        (P("silence", area="D"), ValueError, r"`area` must be one of \"A\", \"B\", got 'D'"),
        (P("silence", units=[9]), ValueError, r"`units` must be a label, different places below 8, or"),
        (P("silence", area="A", units=[7]), ValueError, r"`units` must name a unit, got none"),
        (P("silence", phase="dely"), ValueError, r"`phase` must be one of \"fixation\""),
        (P("silence", phase=(0.0, 30.0)), ValueError, r"`phase` must be a whole multiple of dt = 20"),
        (P("silence", phase=(5000.0, 5020.0)), ValueError, r"`phase` must be within a trial, but none"),
        (P("silence", units=[1, 1]), ValueError, r"`units` must be a label, different places below 8"),
        (P("weights", factor=2.0, synapses=np.full((8, 8), 0.5)), ValueError, r"an array of 0 and 1 with a 1"),
        (P("weights", factor=2.0, synapses=()), ValueError, r"`synapses` must be labels, or an array"),
        (P("weights", factor=2.0, synapses="EI"), ValueError, r"`synapses` must be made of labels PRE->POST"),
        (P("current", area="A", value=[1.0, 2.0]), ValueError, r"`value` must be a number, one for each of the 4 units"),
        (P("weights", factor=2.0, kernel="outptu"), ValueError, r"`kernel` must be one of .*got 'outptu'"),
        (P("weights", factor=2.0, synapses="A->C"), ValueError, r"`synapses` must be"),
        (P("weights", factor=2.0, synapses=np.ones((3, 3))), ValueError, r"of the shape \(post, pre\) = \(8, 8\), got the shape \(3, 3\)"),
        (P("weights", factor=2.0, kernel="feedback"), ValueError, r"`kernel` must be one of .*got 'feedback'"),
        (P("connectivity", value=np.ones((3, 8, 8))), ValueError, r"`value` must have the shape \(time, post, pre\) = \(16, 8, 8\), got \(3, 8, 8\)"),
        ("lesion", TypeError, r"`perturbation` must be a Perturbation or a list of them, got 'lesion'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_runs(model, trials, done, error, message):
    with pytest.raises(error, match=message):
        model.run(trials, perturbation=done)
    with pytest.raises(error, match=message):
        nt.simulate(model, trials, perturbation=done)


def test_values_go_to_the_units_in_the_order_in_which_they_are_named(model, trials):
    done = P("clamp", units=[3, 1], value=[0.1, 0.2])
    s = model.run(trials, noise=False, perturbation=done)
    assert s["rates"][..., 3].values == pytest.approx(0.1)
    assert s["rates"][..., 1].values == pytest.approx(0.2)
    assert P("clamp", units=np.array([3]), value=np.array(0.1)).value == 0.1


@pytest.mark.parametrize("kind", [nt.LSTM, nt.GRU])
def test_a_kick_moves_the_first_variable_once(quick, trials, kind):
    m = kind.for_task(quick, units=8, seed=3)
    done = P("kick", phase="stimulus", value=0.5)
    x = m.run(trials, noise=False)["states"].values
    states = m.run(trials, noise=False, perturbation=done)["states"].values
    now = x[:, 2].copy()
    if now.ndim == 3:
        now[:, 0] += 0.5
    else:
        now += 0.5
    for t in range(3, 16):  # kicked before step 3 and in no later one
        now = m.step(now, trials.inputs[:, t])
        assert states[:, t] == pytest.approx(now, abs=1e-5)


def test_what_feeds_back_was_read_out_in_the_step_before(quick, trials):
    m = nt.RateRNN.for_task(quick, units=UNITS, seed=3, feedback=nt.Connectivity())
    w = arrays(m)
    for done in (
        P("weights", kernel="output", phase="stimulus", factor=0.0),
        P("silence", area="B", phase="stimulus"),
    ):
        s = m.run(trials, noise=False, perturbation=done)
        x, r, z = s["states"].values, s["rates"].values, s["outputs"].values
        for t in range(1, 16):
            drive = r[:, t - 1] @ w["recurrent"].T + z[:, t - 1] @ w["feedback"].T
            drive += trials.inputs[:, t] @ w["input"].T
            assert x[:, t] == pytest.approx(0.8 * x[:, t - 1] + 0.2 * drive, abs=1e-5), t


def test_a_lesioned_unit_cannot_be_clamped(model, trials):
    lesion, clamp = P("lesion", units=[0]), P("clamp", value=1.0)
    for done in ([lesion, clamp], [clamp, lesion]):
        s = model.run(trials, perturbation=done)
        assert not s["rates"][..., 0].any() and (s["rates"][..., 1:] == 1.0).all()


def test_repr_is_exact():
    done = P("current", units=[1, 2], phase=(20.0, 40.0), value=np.array([0.1, 0.2]))
    assert eval(repr(done), {"Perturbation": P}) == done and hash(done) == hash(
        eval(repr(done), {"Perturbation": P})
    )
    assert P.from_config(done.get_config()) == done
    factors = np.ones((2, 3, 3))
    wide = P("connectivity", value=factors)
    factors[0] = 0.0  # what was given is left alone, and what was kept too
    assert wide == P("connectivity", value=np.ones((2, 3, 3))) != P("connectivity", value=factors)
    assert P.from_config(wide.get_config()) == wide
