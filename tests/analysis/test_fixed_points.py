"""Fixed points of networks that are built to have known ones."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from neurotask.analysis import FixedPoints, PointSearch, fixed_points, pca

DT = 10.0
ALPHA = 0.1
GAIN = 1.8
SIGNS = np.random.default_rng(3).choice([-1.0, 1.0], 12)
WELL = brentq(lambda c: GAIN * np.tanh(c) - c, 0.5, 3.0)


def wells(x, u):
    """Twelve tanh units with one pattern: x <- x + a (g v <v, tanh x> - x + v <1, u>), v = +-1.

    Along v it is c <- c + a (g tanh c - c): rest at 0 and at c = g tanh c.
    """
    pattern = (np.tanh(x) @ SIGNS)[..., None] / len(SIGNS)
    return x + ALPHA * (SIGNS * (GAIN * pattern + u.sum(-1, keepdims=True)) - x)


def visited(n=60, size=12, seed=0, scale=1.5):
    return scale * np.random.default_rng(seed).standard_normal((n, size))


def search(step=wells, states=None, **settings):
    settings = {"input": [0.0], "dt": DT} | settings
    return fixed_points(step, visited() if states is None else states, **settings)


def linear(matrix):
    return lambda x, u: x @ np.asarray(matrix).T + u.sum(-1, keepdims=True)


def session(rng_seed=0, n=24, steps=20, context=("a", "b"), noise=0.1):
    """A Session of random states with two phases, an input that says the context, and padding."""
    rng = np.random.default_rng(rng_seed)
    contexts = np.resize(np.array(context), n)
    inputs = np.zeros((n, steps, 2))
    inputs[:, 5:, 0] = np.where(contexts == "a", 0.5, -0.5)[:, None]
    inputs[:, 5:, 1] = noise * rng.standard_normal((n, steps - 5))
    states = 1.5 * rng.standard_normal((n, steps, 12))
    stop = np.resize([15, 20], n)
    behind = np.arange(steps) >= stop[:, None]
    inputs[behind], states[behind] = np.nan, np.nan
    dims = ("trial", "time")
    return xr.Dataset(
        {"states": ((*dims, "unit"), states), "inputs": ((*dims, "input"), inputs)},
        {
            "time": np.arange(steps) * DT,
            "input": ["cue", "noisy"],
            "context": ("trial", contexts),
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), np.tile([0.0, 5 * DT], (n, 1))),
            "phase_stop": (("trial", "phase"), np.stack([np.full(n, 5 * DT), stop * DT], 1)),
        },
        {"dt": DT},
    )


# --- known points --------------------------------------------------------------------------------


def test_two_wells_and_the_saddle_between_them():
    found = search()
    assert found.kind.tolist() == ["fixed"] * 3 and found.n_unconverged == 0
    order = np.argsort(found.states @ SIGNS)
    wanted = np.array([-WELL, 0.0, WELL])[:, None] * SIGNS
    np.testing.assert_allclose(found.states[order], wanted, atol=1e-12)
    assert found.stability[order].tolist() == ["stable", "saddle", "stable"]
    assert found.n_unstable[order].tolist() == [0, 1, 0]
    # Along the pattern 1 - a + a g (1 - tanh(c)^2), along all else 1 - a.
    along = [1 - ALPHA + ALPHA * GAIN * (1 - np.tanh(c) ** 2) for c in (-WELL, 0.0, WELL)]
    values = found.eigenvalues[order]
    other = np.full((3, 11), 1 - ALPHA)
    largest = [values[0].real.max(), values[1].real.max(), values[2].real.max()]
    np.testing.assert_allclose(largest, np.maximum(along, 1 - ALPHA), atol=1e-9)
    rest = np.sort(values.real, axis=1)
    np.testing.assert_allclose(rest, np.sort(np.c_[along, other], axis=1), atol=1e-9)
    np.testing.assert_allclose(values.imag, 0, atol=1e-9)
    times = found.time_constants[order]
    np.testing.assert_allclose(times, -DT / np.log(np.abs(values)), rtol=1e-9)
    assert times[1, 0] < 0 < times[0, 0]
    assert found.speed.max() < 1e-15 and found.q.max() < 1e-30
    assert found.arrived.sum() == len(found.starts) == 60


def test_a_constant_input_moves_the_points():
    drive = 0.05
    roots = [
        brentq(lambda c: GAIN * np.tanh(c) - c + drive, *ends)
        for ends in ((-3.0, -1.0), (-1.0, 0.5), (0.5, 3.0))
    ]
    found = search(input=[drive])
    got = np.sort(found.states @ SIGNS / len(SIGNS))
    np.testing.assert_allclose(got, roots, atol=1e-12)
    np.testing.assert_array_equal(found.inputs, np.full((3, 1), drive))
    np.testing.assert_allclose(
        found.input_jacobians[..., 0], np.tile(ALPHA * SIGNS, (3, 1)), atol=1e-10
    )


def test_a_linear_focus_has_its_closed_form():
    angle, size = 2 * np.pi * 4.0 * DT / 1000, np.exp(-DT / 250.0)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = search(linear(turn), visited(size=2))
    assert len(found) == 1
    np.testing.assert_allclose(found.states, 0, atol=1e-13)
    np.testing.assert_allclose(found.time_constants, 250.0, rtol=1e-8)
    np.testing.assert_allclose(found.frequencies, 4.0, rtol=1e-8)
    values = size * np.exp([1j * angle, -1j * angle])
    np.testing.assert_allclose(found.eigenvalues[0], values, atol=1e-10)


def test_modes_are_those_of_the_matrix():
    matrix = np.array([[1.05, 0.3, 0.0], [0.0, 0.8, 0.1], [0.0, 0.0, 0.5]])
    found = search(linear(matrix), visited(size=3))
    assert found.stability.tolist() == ["saddle"]
    modes = found.modes(0)
    np.testing.assert_allclose(modes.eigenvalues, [1.05, 0.8, 0.5], atol=1e-8)
    np.testing.assert_allclose(modes.left @ modes.right, np.eye(3), atol=1e-12)
    back = modes.right @ np.diag(modes.eigenvalues) @ modes.left
    np.testing.assert_allclose(back, matrix, atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(modes.right, axis=0), 1)


def test_what_neither_decays_nor_grows_is_marginal():
    found = search(linear([[1.0, 0.0], [0.0, 0.5]]), visited(size=2))
    assert set(found.stability) == {"marginal"} and set(found.n_unstable) == {0}
    # Every start goes straight to the line, and stays where it is along it.
    np.testing.assert_allclose(found.states[:, 1], 0, atol=1e-12)
    np.testing.assert_allclose(found.states[:, 0], visited(size=2)[found_first(found), 0])
    assert found.n_unconverged == 0 and 20 < len(found) <= 60
    slowest = np.abs(found.time_constants[:, 0])
    assert (slowest > 1e8).all()


def found_first(found):
    """The start that each point stands for: the one that is nearest."""
    states = visited(size=2)
    return [np.abs(states[:, 0] - x).argmin() for x in found.states[:, 0]]


def test_a_ring_of_points():
    def step(x, u):
        return x + ALPHA * x * (1 - np.sum(x**2, -1, keepdims=True))

    found = search(step, visited(200, 2), search=PointSearch(unique=0.05))
    ring = np.linalg.norm(found.states, axis=1) > 0.5
    np.testing.assert_allclose(np.linalg.norm(found.states[ring], axis=1), 1, atol=1e-10)
    assert set(found.stability[ring]) == {"marginal"} and ring.sum() > 30
    # Around the ring 1, across it 1 - 2 a.
    np.testing.assert_allclose(found.eigenvalues[ring].real, [[1, 1 - 2 * ALPHA]] * ring.sum(),
                               atol=1e-8)  # fmt: skip


def test_an_unstable_point_is_found():
    found = search(linear([[1.2, 0.0], [0.0, 1.1]]), visited(size=2))
    assert found.stability.tolist() == ["unstable"] and found.n_unstable.tolist() == [2]
    np.testing.assert_allclose(found.time_constants[0], -DT / np.log([1.2, 1.1]), rtol=1e-8)


def test_a_drift_has_no_point_and_says_so():
    found = search(lambda x, u: x + 0.1, visited())
    assert len(found) == 0 and found.n_unconverged == 60 and len(found.table) == 0
    assert "none; 0 outliers; 60 of 60 starts unconverged" in repr(found)
    assert set(found.starts["why"]) == {"minimum"} and set(found.starts["point"]) == {-1}
    np.testing.assert_allclose(found.starts["speed"], 0.1 * np.sqrt(12) / DT)
    assert found.states.shape == (0, 12) and found.jacobians.shape == (0, 12, 12)
    found.plot(), found.plot_eigenvalues()


def test_a_limit_cycle_has_the_point_inside_it_alone():
    def step(x, u):
        turn = np.stack([-x[..., 1], x[..., 0]], -1)
        return x + ALPHA * (x * (1 - np.sum(x**2, -1, keepdims=True)) + 2 * turn)

    angle = np.linspace(0, 2 * np.pi, 50)
    found = search(step, np.stack([np.cos(angle), np.sin(angle)], 1))
    assert len(found) <= 1
    assert found.n_unconverged + found.arrived.sum() == 50
    near = search(step, 0.3 * np.stack([np.cos(angle), np.sin(angle)], 1))
    np.testing.assert_allclose(near.states, 0, atol=1e-12)
    value = 1 + ALPHA + 2j * ALPHA
    np.testing.assert_allclose(near.eigenvalues[0], [value, np.conj(value)], atol=1e-9)
    assert near.frequencies[0] == pytest.approx(np.angle(value) / (2 * np.pi * DT / 1000))


# --- slow points ---------------------------------------------------------------------------------


def ghost(c):
    """x' = c + x^2 along the first axis, decay along the second: no fixed point for c > 0."""
    return lambda x, u: np.stack(
        [x[..., 0] + DT * (c + x[..., 0] ** 2), 0.5 * x[..., 1]], axis=-1
    )  # fmt: skip


@pytest.mark.parametrize("c", [1e-6, 1e-3])
def test_a_minimum_of_speed_is_a_slow_point_if_it_is_slow(c):
    states = visited(40, 2, scale=0.05)
    found = search(ghost(c), states)
    spread = np.sqrt(((states - states.mean(0)) ** 2).sum(1).mean())
    assert found.spread == pytest.approx(spread)
    if spread / c > 1e4:
        assert set(found.kind) == {"slow"} and found.n_unconverged == 0
        np.testing.assert_allclose(found.states, 0, atol=0.02 * spread)
        np.testing.assert_allclose(found.speed, c, rtol=1e-2)
    else:
        assert len(found) == 0 and found.n_unconverged == 40


def test_all_of_a_drifting_line_is_kept_if_asked_for():
    leak = np.exp(-DT / 20_000.0)
    step = linear([[leak, 0.0], [0.0, 0.97]])
    states = visited(50, 2)
    fixed = search(step, states)
    assert len(fixed) == 1 and fixed.kind.tolist() == ["fixed"]
    slow = search(step, states, search=PointSearch(find="slow", slow=1000.0))
    assert set(slow.kind) == {"slow"} and len(slow) > 20 and slow.n_unconverged == 0
    nearest = np.abs(states[:, 0] - slow.states[:, :1]).min(1)
    assert nearest.max() < 0.05  # none has slid along
    assert np.abs(slow.states[:, 1]).max() < 0.05  # nor is anything left of what fades faster
    assert (slow.speed <= slow.spread / 1000.0).all()


# --- duplicates, outliers, starts ----------------------------------------------------------------


def test_points_nearer_than_unique_are_one():
    gap = 2 * WELL * np.sqrt(12)
    spread = search().spread
    assert len(search(search=PointSearch(unique=0.45 * gap / spread))) == 3
    merged = search(search=PointSearch(unique=0.55 * gap / spread))
    assert len(merged) < 3 and merged.arrived.sum() == 60


def test_points_far_from_all_starts_are_outliers():
    states = visited(scale=0.1) + WELL * SIGNS
    found = search(states=states)
    assert found.outlier.tolist() == [False]
    far = search(linear(0.9 * np.eye(2)), visited(size=2, scale=0.1) + 5.0)
    assert far.outlier.tolist() == [True] and far.distance[0] > 10


def test_starts_lead_where_the_table_says():
    found = search()
    assert found.starts["point"].between(0, 2).all() and set(found.starts["status"]) == {"fixed"}
    np.testing.assert_array_equal(found.arrived, np.bincount(found.starts["point"]))
    assert (np.diff(found.arrived) <= 0).all()
    table = found.table
    assert table["n_starts"].tolist() == found.arrived.tolist()
    assert table["time_constant"].tolist() == found.time_constants[:, 0].tolist()


def test_starts_are_a_matter_of_the_seed():
    states = visited(500)
    first, again, other = (search(states=states, n_starts=20, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.starts["speed"], again.starts["speed"])
    np.testing.assert_array_equal(first.distance, again.distance)
    assert first.distance.tolist() != other.distance.tolist()
    assert len(first.starts) == 20


def test_scatter_leaves_the_visited_states_by_its_size():
    from neurotask.analysis.dynamics.starts import Visited, sampled

    states = visited(3)
    one = Visited({}, states, None, np.zeros(1))
    starts, which = sampled(one, 4000, 0.5, 2.0, 0, 0)
    away = np.linalg.norm(starts - states[which], axis=1)
    assert np.sqrt(np.mean(away**2)) == pytest.approx(0.5 * 2.0, rel=0.03)
    starts, which = sampled(one, 4000, 0.0, 2.0, 0, 0)
    assert sorted(which) == [0, 1, 2]


def test_memory_is_bounded_by_chunks(monkeypatch):
    from neurotask.analysis.dynamics import mapping

    whole = search()
    monkeypatch.setattr(mapping, "_AT_ONCE", 500)
    assert [c.stop - c.start for c in mapping.chunks(5, 250)] == [2, 2, 1]
    parts = search()
    np.testing.assert_allclose(parts.states, whole.states, atol=1e-12)
    np.testing.assert_allclose(parts.eigenvalues, whole.eigenvalues, atol=1e-9)


# --- Sessions ------------------------------------------------------------------------------------


def driven(x, u):
    return wells(x, u[..., :1] * 0.2)


def test_a_phase_gives_inputs_and_starts_by_condition():
    data = session()
    found = fixed_points(driven, data, input="stimulus", condition="context", n_starts=100)
    assert sorted(set(found.conditions["context"])) == ["a", "b"]
    for level, cue in (("a", 0.5), ("b", -0.5)):
        part = found.sel(context=level)
        np.testing.assert_allclose(part.inputs[:, 0], cue, atol=1e-15)
        inside = data["inputs"].sel(trial=data["context"] == level)[:, 5:, 1]
        assert np.abs(part.inputs[:, 1]) == pytest.approx(abs(float(inside.mean(skipna=True))), abs=0.02)  # fmt: skip
        direct = search(input=[0.2 * cue])
        got, wanted = (np.sort(p.states @ SIGNS) for p in (part, direct))
        np.testing.assert_allclose(got, wanted, atol=1e-10)
        assert (part.starts["context"] == level).all() and (part.starts["time"] >= 5 * DT).all()
        trials = data["context"].to_numpy()[part.starts["trial"]]
        assert set(trials) == {level}
        assert part.starts["point"].max() == len(part) - 1
        np.testing.assert_array_equal(part.arrived, np.bincount(part.starts["point"]))
    assert "FixedPoints for each context" in repr(found) and "<table" in found._repr_html_()


def test_the_summary_says_what_the_inputs_are_the_mean_of():
    data = session()
    found = fixed_points(driven, data, input="stimulus", n_starts=20)
    summary = found.input_summary.set_index("input")
    assert summary.loc["cue", "mean"] == pytest.approx(0.0)
    assert summary.loc["cue", "sd_between_trials"] == pytest.approx(0.5)
    assert summary.loc["noisy", "sd_within_trials"] == pytest.approx(0.1, rel=0.1)
    assert summary["differs"].to_dict() == {"cue": True, "noisy": False}
    assert "trials differ in cue" in repr(found)
    parted = fixed_points(driven, data, input="stimulus", condition="context", n_starts=5)
    assert not parted.input_summary["differs"].any()


def test_padding_is_no_state():
    data = session()
    found = fixed_points(driven, data, input="stimulus", n_starts=10_000)
    assert len(found.starts) == int(data["states"][:, 5:, 0].notnull().sum())
    given = fixed_points(driven, data, input=[0.5, 0.0], n_starts=10_000)
    assert len(given.starts) == int(data["states"][..., 0].notnull().sum())


def test_a_session_and_its_states_give_the_same():
    data = session()
    states = data["states"].to_numpy()
    states = states[np.isfinite(states).all(-1)]
    one, two = (
        fixed_points(driven, given, input=[0.5, 0.0], dt=DT, n_starts=40, seed=4)
        for given in (data, states)
    )
    np.testing.assert_array_equal(one.states, two.states)
    np.testing.assert_array_equal(one.eigenvalues, two.eigenvalues)


def test_several_inputs_are_searched_one_by_one():
    found = search(input=[[0.0], [0.05]])
    assert found.conditions["input"].value_counts().to_dict() == {0: 3, 1: 3}
    np.testing.assert_allclose(found.sel(input=1).inputs, 0.05)
    data = session()
    rows = [[0.5, 0.0], [-0.5, 0.0]]
    by = fixed_points(driven, data, input=rows, condition="context", n_starts=20)
    np.testing.assert_array_equal(by.sel(context="b").inputs[0], rows[1])


@pytest.mark.parametrize("n_trials", [1, 24])
def test_noise_is_no_change_of_input_but_a_ramp_is(n_trials):
    data = session(noise=5.0).isel(trial=slice(0, n_trials))
    fixed_points(driven, data, input="stimulus", n_starts=5)
    if n_trials > 1:
        ramp = np.linspace(0, 1, 20)[:, None] * [0.0, 1.0]
        with pytest.raises(ValueError, match=r"`input` must be a phase in which the inputs are "
                           r"constant but for noise, got 'stimulus', in which \"noisy\" changes"):  # fmt: skip
            quiet = session(noise=0.05)
            quiet["inputs"] = quiet["inputs"] + ramp
            fixed_points(driven, quiet, input="stimulus")


# --- steps of all kinds --------------------------------------------------------------------------


class Owner:
    """A network with all that is looked for on the owner of a step."""

    dt = DT

    def __init__(self, scale=1.0):
        self.scale, self.asked = scale, 0

    def step(self, x, u):
        return wells(x, u)

    def jacobian(self, x, u):
        self.asked += 1
        slope = 1 - np.tanh(x) ** 2
        outer = SIGNS[:, None] * SIGNS * slope[..., None, :] / len(SIGNS)
        return self.scale * ((1 - ALPHA) * np.eye(12) + ALPHA * GAIN * outer)

    def rates(self, x):
        return np.tanh(x)


def test_the_owner_of_a_step_gives_jacobian_rates_and_dt():
    owner = Owner()
    found = fixed_points(owner.step, visited(), input=[0.0])
    assert owner.asked > 0 and found.dt == DT
    np.testing.assert_array_equal(found.jacobians, owner.jacobian(found.states, None))
    np.testing.assert_array_equal(found.rates, np.tanh(found.states))
    plain = search()
    np.testing.assert_allclose(found.jacobians, plain.jacobians, atol=1e-9)
    assert plain.rates is None


def test_what_an_owner_has_by_that_name_may_be_something_else():
    class Other:
        dt, rates, jacobian = DT, np.zeros(3), None

        def step(self, x, u):
            return wells(x, u)

    found = fixed_points(Other().step, visited(), input=[0.0])
    assert len(found) == 3 and found.rates is None


def test_states_of_several_variables():
    def step(x, u):
        hidden, cell = x[..., 0, :], x[..., 1, :]
        return np.stack([0.5 * hidden + 0.2 * cell, wells(cell, u)], axis=-2)

    found = search(step, visited(60, 24).reshape(60, 2, 12))
    assert found.states.shape == (3, 2, 12) and found.jacobians.shape == (3, 24, 24)
    np.testing.assert_allclose(found.states[:, 0], 0.4 * found.states[:, 1], atol=1e-12)
    assert sorted(found.n_unstable) == [0, 0, 1]
    found.plot()


@pytest.mark.parametrize("told", [True, False])
def test_a_step_in_single_precision_finds_the_same_points(told):
    def step(x, u):
        after = wells(x.astype(np.float32), u).astype(np.float32)
        return after if told else after.astype(float)

    found = search(step)
    assert found.kind.tolist() == ["fixed"] * 3 and found.n_unconverged == 0
    got = np.sort(found.states @ SIGNS / 12)
    np.testing.assert_allclose(got, [-WELL, 0, WELL], atol=1e-5)
    slowest = found.eigenvalues.real.max(1)
    well = 1 - ALPHA + ALPHA * GAIN * (1 - np.tanh(WELL) ** 2)
    np.testing.assert_allclose(np.sort(slowest), [well, well, 1.08], atol=1e-3)


# --- parts, figures ------------------------------------------------------------------------------


def test_only_keeps_some_points():
    found = search()
    stable = found.only(found.stability == "stable")
    assert len(stable) == 2 and isinstance(stable, FixedPoints)
    assert (stable.starts["point"] == -1).sum() == found.arrived[found.stability == "saddle"]
    for at in (0, 1):
        assert (stable.starts["point"] == at).sum() == stable.arrived[at]


def trajectories(of="states", **settings):
    data = session().isel(time=slice(0, 15))
    data = data.assign(rates=np.tanh(data["states"]))
    return pca(data, of=of, condition="context", n_components=2, **settings)


@pytest.mark.parametrize("of", ["states", "rates"])
def test_points_lie_in_the_plane_of_a_pca(of):
    plane = trajectories(of)
    found = search(rates=np.tanh)
    ax = found.plot(plane)
    values = found.states if of == "states" else np.tanh(found.states)
    at = (values - plane.mean_) @ plane.components_.T
    drawn = [line for line in ax.lines if line.get_zorder() == 5]
    stable, saddle = (
        np.concatenate([line.get_xydata() for line in drawn if line.get_markerfacecolor() == face])
        for face in ("0.1", "white")
    )
    order = lambda xy: xy[np.lexsort(xy.T)]  # noqa: E731
    np.testing.assert_allclose(order(stable), order(at[found.n_unstable == 0]))
    np.testing.assert_allclose(saddle, at[found.n_unstable > 0])
    assert len(ax.figure.axes) == 1


def test_the_figure_of_eigenvalues_has_them_all():
    found = search()
    ax = found.plot_eigenvalues()
    drawn = np.concatenate([line.get_xydata() for line in ax.lines[1:]])
    wanted = np.stack([found.eigenvalues.real.ravel(), found.eigenvalues.imag.ravel()], 1)
    np.testing.assert_allclose(np.sort(drawn, 0), np.sort(wanted, 0))
    np.testing.assert_allclose(np.hypot(*ax.lines[0].get_data()), 1)
    assert ax.get_xlabel() == r"Re $\lambda$"


# --- what is refused -----------------------------------------------------------------------------

NAN = visited()
NAN[3, 2] = np.nan


def shaky(x, u):
    shaky.calls = getattr(shaky, "calls", 0) + 1
    return x + 0.01 * shaky.calls


def in_rows(x, u):
    """The wells, for inputs of any leading shape that states have."""
    return wells(x, 0 * x[..., :1])


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    (dict(step=3), TypeError, r"`step` must be a function step\(state, input\) -> state, got 3"),
    (dict(step=lambda x, u: x[..., :2]), ValueError, r"`step` must return states of the shape "
     r"that it is given, \(2, 12\), got \(2, 2\)"),
    (dict(step=lambda x, u: x * np.nan), ValueError, "`step` must return finite floating-point"),
    (dict(step=lambda x, u: x.astype(int)), ValueError, "floating-point states, got int64"),
    (dict(step=shaky), ValueError, "`step` must be free of noise, got two different states"),
    (dict(step=lambda x, u: x - x.mean(0)), ValueError, "must step each state by itself"),
    (dict(states=NAN), ValueError, "`states` must be finite, got NaN or infinite numbers in 1 of"),
    (dict(states=np.zeros((4, 12))), ValueError, "`states` must hold states that differ"),
    (dict(states=visited(40).reshape(8, 5, 12), step=in_rows), ValueError,
     r"got 5 rows for each, which `step` takes as states of their own. Give states.reshape\(-1, 12"),
    (dict(states=np.zeros(12)), ValueError, r"`states` must be a Session or an array of states"),
    (dict(states=np.zeros((0, 12))), ValueError, r"got the shape \(0, 12\)"),
    (dict(input="stimulus"), ValueError, "`input` must be the constant inputs where states are an"),
    (dict(input=[np.nan]), ValueError, "`input` must be the name of a phase or finite constant"),
    (dict(condition="context"), ValueError, "`condition` must be None where states are an array"),
    (dict(dt=None), ValueError, "`dt` must be the length of a step in ms where neither a Session"),
    (dict(dt=-1.0), ValueError, "`dt` must be a number above 0, got -1.0"),
    (dict(n_starts=1), ValueError, "`n_starts` must be a whole number of 2 or more, got 1"),
    (dict(scatter=-1.0), ValueError, "`scatter` must be a number of 0 or more"),
    (dict(search="slow"), TypeError, r"`search` must be a PointSearch, got 'slow'. Give Point"),
    (dict(jacobian=lambda x, u: np.zeros((1, 3, 3))), ValueError,
     r"`jacobian` must return finite numbers of the shape \(1, 12, 12\)"),
    (dict(jacobian=lambda x, u: 2 * np.ones((1, 12, 12))), ValueError, "Is it transposed?"),
    (dict(rates=lambda x: x[..., :3]), ValueError, r"`rates` must return \(3, 12\), \(point, unit"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "message"), WRONG)
def test_what_does_not_fit_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        search(**change)


NOT_OF_SESSION: list[tuple[dict[str, Any], str]] = [
    (dict(input="stimlus"), r"`input` must be one of \"fixation\", \"stimulus\", got 'stimlus'"),
    (dict(condition="contxt"), r"`condition` must be one of \"context\", got 'contxt'. Did you"),
    (dict(input=[1.0]), r"`input` must have 2 entries, one for each of \"cue\", \"noisy\", got 1"),
    (dict(input=[[0.0, 0.0]] * 3, condition="context"), "a row for each of the 2 conditions, got"),
    (dict(dt=5.0), "`dt` must be the same for states and step, got 5 and 10 ms"),
]


@pytest.mark.parametrize(("change", "message"), NOT_OF_SESSION)
def test_a_session_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fixed_points(driven, session(), **({"input": "stimulus"} | change))


def test_an_error_of_the_step_says_what_it_was_given():
    def step(x, u):
        raise KeyError("weights")

    with pytest.raises(KeyError) as caught:
        search(step)
    assert "states (2, 12) and inputs (2, 1), a row a state" in caught.value.__notes__[0]


def test_a_session_of_several_networks_or_without_states_is_refused():
    data = session()
    with pytest.raises(ValueError, match="`session` must hold one network, got a dimension 'netw"):
        fixed_points(driven, data.expand_dims(network=2), input="stimulus")
    with pytest.raises(ValueError, match="`states` must be one of"):
        fixed_points(driven, data.drop_vars("states"), input="stimulus")
    with pytest.raises(ValueError, match='`inputs` must be one of "states"'):
        fixed_points(driven, data.drop_vars("inputs"), input="stimulus")


NOT_ASKED: list[tuple[Any, type[Exception], str]] = [
    (lambda f: f.modes(3), ValueError, "`point` must be a number from 0 to 2, got 3"),
    (
        lambda f: f.sel(context="a"),
        ValueError,
        "`levels` must be left out for points of one condition",
    ),
    (lambda f: f.only([True]), ValueError, "`which` must be one boolean for each of 3 points"),
    (lambda f: f.plot(trajectories("rates")), ValueError, '`pca` must be of "states" where the po'),
    (lambda f: f.plot(trajectories(center="time")), ValueError, '`pca` must be centred by "mean"'),
    (lambda f: f.plot(3), TypeError, "`pca` must be a PCA of this package, got int"),
    (lambda f: f.plot(trajectories(), components=(0, 2)), ValueError, "`components` must be two"),
]


@pytest.mark.parametrize(("ask", "error", "message"), NOT_ASKED)
def test_what_cannot_be_asked_of_points(ask, error, message):
    with pytest.raises(error, match=message):
        ask(search())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(find="all"), r"`find` must be one of \"fixed\", \"slow\", got 'all'"),
        (dict(slow=0.0), "`slow` must be a number above 0"),
        (dict(fixed=100.0), "`fixed` must be a number of 10000 or more, got 100"),
        (dict(unique=-1.0), "`unique` must be a number of 0 or more"),
        (dict(iterations=0), "`iterations` must be a whole number of 1 or more"),
    ],
)
def test_tolerances_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PointSearch(**settings)


def test_settings_print_as_they_are_written():
    settings = PointSearch(find="slow", slow=500.0)
    assert eval(repr(settings)) == settings
