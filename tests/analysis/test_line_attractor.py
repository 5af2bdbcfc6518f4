"""Line attractors that are built, and what is none."""

from typing import Any

import numpy as np
import pytest

from neurotask.analysis import LineCriteria, PointSearch, fixed_points, line_attractor

DT = 10.0
SLOW = PointSearch(find="slow", slow=500.0)


def nonnormal(leak=1.0, n=6, seed=1):
    """A network with one mode that lasts and others that fade: matrix, right and left vector."""
    rng = np.random.default_rng(seed)
    right = np.linalg.qr(rng.normal(size=(n, n)))[0] + 0.3 * rng.normal(size=(n, n))
    right /= np.linalg.norm(right, axis=0)
    left = np.linalg.inv(right)
    return right @ np.diag([leak, *np.linspace(0.7, 0.3, n - 1)]) @ left, right[:, 0], left[0]


def points_of(step, n=6, n_inputs=2, **settings):
    visited = np.random.default_rng(0).normal(size=(80, n))
    settings = {"input": [0.0] * n_inputs, "dt": DT} | settings
    return fixed_points(step, visited, **settings)


INPUTS = np.random.default_rng(5).normal(size=(6, 2))


def integrator(leak=1.0):
    matrix, right, left = nonnormal(leak)
    return lambda x, u: x @ matrix.T + u @ INPUTS.T, right, left


@pytest.mark.parametrize("leak", [1.0, np.exp(-DT / 10_000.0)])
def test_an_integrator_is_a_line_and_its_selection_vector_the_left_eigenvector(leak):
    step, right, left = integrator(leak)
    line = line_attractor(points_of(step, search=SLOW))
    assert line.is_line is True and line.status == "ok" and len(line.position) > 20
    assert line.criteria["met"].all()
    sign = np.sign(line.axis @ right)
    spread = line.points.spread
    np.testing.assert_allclose(line.axis, sign * right, atol=0.02)
    np.testing.assert_allclose(
        line.right, np.tile(sign * right, (len(line.position), 1)), atol=1e-6
    )
    np.testing.assert_allclose(line.selection_vector, sign * left, atol=1e-6)
    np.testing.assert_allclose(np.sum(line.right * line.selection_vectors, axis=1), 1)
    assert line.share > 0.99 and spread > 0
    if leak < 1:
        np.testing.assert_allclose(line.time_constants[:, 0], DT / (1 - leak), rtol=1e-4)
    np.testing.assert_allclose(line.time_constants[:, 1], DT / 0.3, rtol=1e-5)
    # What an input adds to the position, in units of the state per ms.
    for direction in ([1.0, 0.0], [0.5, -2.0]):
        wanted = sign * (left @ INPUTS @ direction) / DT
        np.testing.assert_allclose(line.selected(direction), wanted, atol=1e-8)
        vectors = line.input_vectors(direction)
        np.testing.assert_allclose(vectors, np.tile(INPUTS @ direction / DT, (len(vectors), 1)),
                                   atol=1e-8)  # fmt: skip


def test_the_position_after_an_input_is_what_was_selected():
    step, *_ = integrator()
    line = line_attractor(points_of(step, search=SLOW))
    state, pulse = np.zeros((1, 6)), np.array([[0.3, 0.7]])
    state = step(state, pulse)
    for _ in range(300):
        state = step(state, 0 * pulse)
    moved = line.selected(pulse[0])[0] * DT
    np.testing.assert_allclose(state[0], moved * line.right[0], atol=1e-6)


def test_a_ring_is_a_line_that_bends():
    def step(x, u):
        return x + 0.1 * x * (1 - np.sum(x**2, -1, keepdims=True))

    points = points_of(step, n=2, search=PointSearch(unique=0.05))
    ring = points.only(np.linalg.norm(points.states, axis=1) > 0.5)
    line = line_attractor(ring)
    assert line.is_line and line.share < 0.8
    assert (line.right @ line.axis > -1e-9).all()
    assert np.median(line.local_share) > 0.95 and np.median(line.alignment) > 0.99


@pytest.mark.parametrize(
    ("matrix", "missed"),
    [
        (np.diag([1.0, 1.0, 0.3]), ["share", "ratio", "alignment"]),  # a plane
        (np.diag([0.9, 0.8, 0.7]), []),  # one point
        (np.diag([0.995, 0.99, 0.3]), ["ratio"]),  # two slow modes
    ],
)
def test_what_is_no_line_is_told_apart(matrix, missed):
    how = PointSearch(find="slow", slow=150.0, unique=0.01)
    points = points_of(lambda x, u: x @ matrix.T, n=3, search=how if missed else PointSearch())
    line = line_attractor(points)
    if not missed:
        assert line.is_line is None and line.status == "1 points, of which no line can be told"
        assert "undetermined" in repr(line) and np.isnan(line.criteria["value"][0])
        return
    assert line.is_line is False
    failed = line.criteria.loc[~line.criteria["met"], "criterion"].tolist()
    assert set(missed) & set(failed) and "ratio" in failed


def test_a_slow_mode_that_turns_is_no_line():
    size, angle = 0.9999, 0.02
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    line = line_attractor(points_of(lambda x, u: x @ turn.T, n=2, search=SLOW))
    assert line.is_line is False
    np.testing.assert_allclose(np.linalg.norm(line.right, axis=1), 1)
    assert not line.criteria.set_index("criterion").loc["the slowest mode does not turn", "met"]


def two_lines():
    step, *_ = integrator()
    return points_of(step, input=[[0.0, 0.0], [1e-9, 0.0]], search=SLOW)


def test_each_condition_has_a_line():
    points = two_lines()
    both = line_attractor(points, by="input")
    assert list(both) == [0, 1] and both[0].is_line and both[1].is_line
    assert set(both.table["input"]) == {0, 1}
    ax = both.plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1"]
    alone = line_attractor(points.sel(input=1))
    assert alone.position.tolist() == both[1].position.tolist()


def test_the_table_runs_along_the_line_and_the_figure_shows_it():
    step, *_ = integrator(np.exp(-DT / 10_000.0))
    line = line_attractor(points_of(step, search=SLOW))
    assert line.table["position"].is_monotonic_increasing
    assert len(line.table) == len(line.points)
    ax = line.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), line.table["time_constant"])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), line.table["next_time_constant"])
    assert ax.get_ylabel() == "time constant (ms)" and ax.get_yscale() == "log"
    assert "<LineAttractor: a line attractor, " in repr(line) and "<table" in line._repr_html_()


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda p, f: line_attractor(3), TypeError, "`points` must be FixedPoints, got int"),
    (lambda p, f: line_attractor(p, criteria=0.9), TypeError, "`criteria` must be LineCriteria, got 0.9"),
    (lambda p, f: line_attractor(p.only(np.zeros(len(p), bool))), ValueError,
     "`points` must hold a point, got none near the visited states: <FixedPoints: none"),
    (lambda p, f: line_attractor(two_lines()), ValueError,
     r"`by` must be \"input\" for points of several conditions, got None"),
    (lambda p, f: line_attractor(two_lines(), by="context"), ValueError, "got 'context': each con"),
    (lambda p, f: f.selected([1.0]), ValueError, r"`direction` must be finite changes of the 2 inp"),
    (lambda p, f: LineCriteria(share=2.0), ValueError, r"`share` must be a number in \[0, 1\], got 2.0"),
    (lambda p, f: LineCriteria(ratio=0.5), ValueError, "`ratio` must be a number of 1 or more, got 0.5"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED)
def test_what_does_not_fit_is_refused(ask, error, message):
    step, *_ = integrator()
    points = points_of(step, search=SLOW)
    with pytest.raises(error, match=message):
        ask(points, line_attractor(points))


def test_criteria_print_as_they_are_written():
    assert eval(repr(LineCriteria(ratio=7.0))) == LineCriteria(ratio=7.0)
