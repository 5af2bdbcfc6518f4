"""Currents against the network's own equation, run by an independent loop in NumPy."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import currents

DT, ALPHA = 10.0, 0.2
AREA = np.array(["V1", "V1", "V1", "M1", "M1"])
TYPE = np.array(["E", "E", "I", "E", "I"])
GROUP = np.array([f"{a}.{t}" for a, t in zip(AREA, TYPE, strict=True)])
N = len(AREA)


def labels(prefix, dim):
    named = zip(("area", "cell_type", "group"), (AREA, TYPE, GROUP), strict=True)
    return {f"{prefix}{name}": (dim, values) for name, values in named}


def network(seed=0, feedback=False):
    """Weights as a model gives them, and the biases."""
    rng = np.random.default_rng(seed)
    sign = np.where(TYPE == "E", 1.0, -1.0)
    w = np.abs(rng.normal(size=(N, N))) * sign
    both = labels("", "unit") | labels("source_", "source")
    kernels = {
        "recurrent": xr.DataArray(w, both, ("unit", "source")),
        "input": xr.DataArray(
            rng.normal(size=(N, 2)), labels("", "unit") | {"input": ["a", "b"]}, ("unit", "input")
        ),
        "output": xr.DataArray(rng.normal(size=(1, N)), dims=("output", "unit")),
    }
    if feedback:
        kernels["feedback"] = xr.DataArray(rng.normal(size=(N, 1)), dims=("unit", "output"))
    return kernels, rng.normal(size=N)


def simulate(kernels, bias, *, trials=12, steps=15, seed=1, phi=None, lengths=None):
    """Return a Session and the states before each step, with the start: the equation, step by step."""
    rng = np.random.default_rng(seed)
    phi = phi or (lambda x: np.maximum(x, 0.0))
    w, w_in, w_out = (kernels[k].to_numpy() for k in ("recurrent", "input", "output"))
    u = rng.normal(size=(trials, steps, 2))
    x = np.full((trials, N), 0.3)
    states, rates, outputs, received = [], [], [], []
    for t in range(steps):
        total = phi(x) @ w.T + u[:, t] @ w_in.T + bias
        if "feedback" in kernels:
            total = total + (phi(x) @ w_out.T) @ kernels["feedback"].to_numpy().T
        x = (1 - ALPHA) * x + ALPHA * total
        states.append(x)
        rates.append(phi(x))
        outputs.append(phi(x) @ w_out.T)
        received.append(total)
    states, rates, outputs, received = (np.stack(v, 1) for v in (states, rates, outputs, received))
    lengths = np.full(trials, steps) if lengths is None else lengths
    gone = np.arange(steps) >= lengths[:, None]
    for array in (states, rates, outputs, received, u):
        array[gone] = np.nan
    onset = np.minimum(3, lengths - 1) * DT
    session = xr.Dataset(
        {
            "states": (("trial", "time", "unit"), states),
            "rates": (("trial", "time", "unit"), rates),
            "outputs": (("trial", "time", "output"), outputs),
            "inputs": (("trial", "time", "input"), u),
        },
        {
            "trial": np.arange(trials),
            "time": np.arange(steps) * DT,
            "input": ["a", "b"],
            "coherence": ("trial", np.tile([-0.5, 0.0, 0.5], trials // 3)),
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), np.stack([0 * onset, onset], 1)),
            **labels("", "unit"),
        },
        {"dt": DT, "psychometric_axis": "coherence"},
    )
    return session, received, phi(np.full(N, 0.3))


def test_they_sum_to_what_the_equation_says_each_unit_receives():
    kernels, bias = network()
    session, received, start = simulate(kernels, bias)
    found = currents(session, kernels, bias=bias, start=start, condition="trial")
    assert found.values.dims == ("trial", "time", "source", "unit")
    assert found.sources == ("M1.E", "M1.I", "V1.E", "V1.I", "input", "bias")
    np.testing.assert_allclose(found.total, received, rtol=0, atol=1e-12)


def test_each_source_is_its_columns_of_the_weights_times_the_rates_of_the_step_before():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    found = currents(session, kernels, by="area", condition="trial")
    w, r = kernels["recurrent"].to_numpy(), session["rates"].to_numpy()
    for area in ("V1", "M1"):
        expected = np.zeros_like(r)
        for j in np.flatnonzero(AREA == area):
            expected[:, 1:] += r[:, :-1, j, None] * w[:, j]
        got = found.values.sel(source=area).to_numpy()
        np.testing.assert_allclose(got[:, 1:], expected[:, 1:], rtol=0, atol=1e-12)
        assert np.isnan(got[:, 0]).all()  # no Session holds the rates before the first step
    inputs = session["inputs"].to_numpy() @ kernels["input"].to_numpy().T
    np.testing.assert_allclose(found.values.sel(source="input")[:, 1:], inputs[:, 1:], atol=1e-12)


def test_channels_are_matched_by_name():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    swapped = session.isel(input=[1, 0])
    one, two = (currents(s, kernels, condition="trial") for s in (session, swapped))
    xr.testing.assert_allclose(one.values, two.values)


def test_feedback_brings_the_outputs_of_the_step_before():
    kernels, bias = network(feedback=True)
    session, received, start = simulate(kernels, bias)
    found = currents(session, kernels, bias=bias, start=start, condition="trial")
    assert "feedback" in found.sources
    np.testing.assert_allclose(found.total[:, 1:], received[:, 1:], rtol=0, atol=1e-12)
    assert np.isnan(found.values.sel(source="feedback")[:, 0]).all()


def test_averages_are_the_averages_of_trials():
    kernels, bias = network()
    session, _, start = simulate(kernels, bias)
    single = currents(session, kernels, bias=bias, start=start, condition="trial")
    found = currents(session, kernels, bias=bias, start=start)
    assert found.values.dims == ("condition", "time", "source", "unit")
    assert found.n_trials.to_dict() == {-0.5: 4, 0.0: 4, 0.5: 4}
    for level in (-0.5, 0.0, 0.5):
        own = (session["coherence"] == level).to_numpy()
        for name in ("values", "excitation", "inhibition"):
            mean = getattr(single, name)[own].mean("trial")
            got = getattr(found, name).sel(condition=level)
            np.testing.assert_allclose(got, mean, rtol=0, atol=1e-12)


def test_padding_is_no_current_and_trials_are_aligned():
    kernels, bias = network()
    lengths = np.resize([15, 12, 9], 12)
    session, received, start = simulate(kernels, bias, lengths=lengths)
    found = currents(session, kernels, bias=bias, start=start, condition="trial")
    there = ~np.isnan(received)
    np.testing.assert_allclose(found.total.to_numpy()[there], received[there], rtol=0, atol=1e-12)
    assert np.isnan(found.values.to_numpy()[~there[..., 0]]).all()
    aligned = currents(session, kernels, bias=bias, start=start, align="stimulus")
    assert aligned.values["time"].to_numpy()[[0, -1]].tolist() == [-30.0, 50.0]
    own = (session["coherence"] == 0.5).to_numpy()  # all of nine steps, their onset at the third
    mean = np.mean(received[own][:, :9], 0)
    np.testing.assert_allclose(aligned.total.sel(condition=0.5), mean, rtol=0, atol=1e-12)


def test_excitation_and_inhibition_are_the_two_signs_of_what_synapses_bring():
    for phi in (None, np.tanh):  # with tanh, a negative rate turns the sign of its synapses
        kernels, bias = network()
        session, _, _ = simulate(kernels, bias, phi=phi)
        found = currents(session, kernels, condition="trial")
        w, r = kernels["recurrent"].to_numpy(), session["rates"].to_numpy()[:, :-1]
        each = w * r[:, :, None, :]
        excitation, inhibition = each.clip(min=0).sum(-1), each.clip(max=0).sum(-1)
        np.testing.assert_allclose(found.excitation[:, 1:], excitation, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.inhibition[:, 1:], inhibition, rtol=0, atol=1e-12)
        balance = (excitation + inhibition) / (excitation - inhibition)
        np.testing.assert_allclose(found.balance[:, 1:], balance, atol=1e-10)


def test_synapses_with_short_term_plasticity_let_through_what_they_have():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    r = session["rates"].to_numpy()
    use, resources = 0.1 + 0.2 * np.tanh(r) ** 2, 1 - 0.5 * np.tanh(r) ** 2
    states = np.stack([session["states"].to_numpy(), use, resources], 2)
    session = session.drop_vars("states").assign(
        states=(("trial", "time", "variable", "unit"), states)
    )
    session = session.assign_coords(variable=["state", "utilization", "resources"])
    found = currents(session, kernels["recurrent"], condition="trial")
    expected = (use * resources * r)[:, :-1] @ kernels["recurrent"].to_numpy().T
    np.testing.assert_allclose(found.total[:, 1:], expected, rtol=0, atol=1e-12)


def test_shares_of_the_variance_sum_to_one_and_are_known_for_independent_sources():
    rng = np.random.default_rng(0)
    n = 200_000
    rates = rng.normal(size=(n // 100, 100, 2)) * [1.0, 3.0]
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {"trial": np.arange(n // 100), "time": np.arange(100) * DT},
    )
    table = currents(session, [[2.0, 1.0], [1.0, 0.0]], by="unit", condition="trial").table
    shares = table.pivot(index="source", columns="target", values="share")
    np.testing.assert_allclose(shares.sum(), 1.0, atol=1e-12)
    # Into unit 0: variances 4 and 9; into unit 1 the first source alone.
    np.testing.assert_allclose(shares["0"], [4 / 13, 9 / 13], atol=0.01)
    np.testing.assert_allclose(shares["1"], [1.0, 0.0], atol=1e-12)
    variances = table.pivot(index="source", columns="target", values="variance")
    np.testing.assert_allclose(variances["0"], [4.0, 9.0], rtol=0.02)


def test_a_source_that_cancels_another_has_a_negative_share():
    ramp = np.arange(20.0)[None, :, None] * [1.0, 1.0]
    session = xr.Dataset(
        {"rates": (("trial", "time", "unit"), ramp)}, {"trial": [0], "time": np.arange(20) * DT}
    )
    table = currents(session, [[2.0, -1.0], [1.0, -1.0]], by="unit", condition="trial").table
    shares = table.set_index(["target", "source"])["share"]
    np.testing.assert_allclose(shares["0"], [2.0, -1.0], atol=1e-12)
    assert shares["1"].isna().all()  # what it receives in all does not vary


def test_sources_are_groups_types_units_or_labels_that_are_given():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    given = np.array(["x", "y", "x", "y", "x"])
    for by, names in {
        "cell_type": ("E", "I"),
        "area": ("M1", "V1"),
        "unit": tuple("01234"),
    }.items():
        assert currents(session, kernels["recurrent"], by=by).sources == names
    found = currents(session, kernels["recurrent"], by=given)
    np.testing.assert_allclose(
        found.total, currents(session, kernels["recurrent"]).total, atol=1e-12
    )
    assert found.sources == found.targets == ("x", "y")


def test_a_block_task_is_cut_into_its_trials():
    kernels, bias = network()
    session, received, _ = simulate(kernels, bias, trials=3, steps=12)
    start = np.array([0.0, 60.0])
    strung = session.rename(trial="block").drop_vars(("phase_start", "phase", "coherence", "block"))
    strung = strung.assign_coords(
        block=np.arange(3),
        phase=["all"],
        phase_start=(("block", "trial", "phase"), np.tile(start, (3, 1))[..., None]),
        phase_stop=(("block", "trial", "phase"), np.tile(start + 60.0, (3, 1))[..., None]),
        level=(("block", "trial"), np.tile([0, 1], (3, 1))),
    )
    found = currents(strung, kernels, bias=bias, condition="trial")
    assert found.values.sizes["trial"] == 6
    second = found.total.to_numpy()[1::2, 1:]
    np.testing.assert_allclose(second, received[:, 7:], rtol=0, atol=1e-12)


def test_the_figure_has_a_panel_for_each_source_and_target():
    kernels, bias = network()
    session, _, start = simulate(kernels, bias)
    found = currents(session, kernels, bias=bias, start=start, by="area", align="stimulus")
    axes = found.plot()
    assert axes.shape == (4, 2)
    assert [ax.get_title() for ax in axes[0]] == ["into M1", "into V1"]
    assert axes[2, 0].get_ylabel() == "Current (a.u.)\nfrom input"
    assert axes[-1, 0].get_xlabel() == "Time from\nstimulus start (ms)"
    line = axes[1, 0].lines[-1]  # the last condition, from V1 into M1
    expected = found.values.sel(source="V1", condition=0.5)[:, AREA == "M1"].mean("unit")
    np.testing.assert_allclose(line.get_ydata(), expected)
    heat = found.plot(show="units")
    image = heat[0, 1].images[0]
    assert image.get_array().shape == (3, found.values.sizes["time"])
    assert image.get_clim()[0] == -image.get_clim()[1]
    _, own = plt.subplots(4, 2)
    assert found.plot(own)[0, 0] is own[0, 0]
    with pytest.raises(ValueError, match=r"`ax` must be 4 x 2 axes"):
        found.plot(plt.subplots(2, 2)[1])


def test_what_it_says_of_itself():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    found = currents(session, kernels, by="area")
    assert repr(found) == (
        "<Currents from M1, V1, input into 5 units: 3 conditions of coherence, 14 times, from rates>"
    )
    assert "<table" in found._repr_html_()


def test_bad_input_is_refused():
    kernels, bias = network()
    session, _, _ = simulate(kernels, bias)
    gated = kernels | {"recurrent": kernels["recurrent"].expand_dims(gate=["update", "reset"])}
    with pytest.raises(ValueError, match=r'of one gate, got those of "update", "reset"'):
        currents(session, gated)
    with pytest.raises(ValueError, match=r"of the 5 units of the Session, got 2"):
        currents(session, np.eye(2))
    with pytest.raises(ValueError, match=r"must be square, \(post, pre\), got \(2, 3\)"):
        currents(session, np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"must have the dimensions \(unit, source\), got str"):
        currents(session, "recurrent")
    with pytest.raises(ValueError, match=r'must have the kernel "recurrent", got "input"'):
        currents(session, {"input": kernels["input"]})
    with pytest.raises(ValueError, match=r"`start` must be one rate for each of the 5 units"):
        currents(session, kernels, start=np.ones(3))
    with pytest.raises(ValueError, match=r"`bias` must be one number for each of the 5 units"):
        currents(session, kernels, bias=0.0)
    with pytest.raises(ValueError, match=r'`by` must be one of "group", "cell_type", "area"'):
        currents(session, kernels, by="colour")
    with pytest.raises(
        ValueError, match=r"one value for each of the 5 units, got the shape \(2,\)"
    ):
        currents(session, kernels, by=["a", "b"])
    with pytest.raises(ValueError, match=r"must hold one network"):
        currents(session.expand_dims(network=2), kernels)
    with pytest.raises(TypeError, match=r"must be a Session"):
        currents(session.to_dataframe(), kernels)
    staged = kernels | {"input": kernels["input"].drop_vars("input").rename(input="feedforward")}
    with pytest.raises(ValueError, match=r"'feedforward', a stage whose rates the Session"):
        currents(session, staged)
    with pytest.raises(ValueError, match=r"must be finite"):
        currents(session, np.full((N, N), np.nan))
