"""What benchmarks say is what was measured: turns, ratios, exponents, floors, and workers."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # `benchmarks` is no part of the package

from benchmarks import first_update, memory, noise, products, sizes, ways, whole  # noqa: E402
from benchmarks.problem import ENGINES, Size, task  # noqa: E402
from benchmarks.section import Goal, Section, page  # noqa: E402
from benchmarks.timing import Candidate, Times, interleave  # noqa: E402
from benchmarks.turns import Worker  # noqa: E402

TINY = Size(3, trials=2, steps=40)


def constant(ms, rounds=3):
    return Times(np.full((rounds, 1), float(ms)))


def cells(text, first):
    """Return the cells of the line of a Markdown table that begins so."""
    lines = ([c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines())
    return next(line for line in lines if line[: len(first)] == list(first))


# --- turns --------------------------------------------------------------------------------------


def test_candidates_take_turns_in_an_order_that_moves_on():
    called = []
    candidates = {
        ("a", 1): Candidate(lambda: called.append("a"), repeats=2),
        ("b", 1): Candidate(lambda: called.append("b"), repeats=1, updates=4),
        ("c", 1): Candidate(lambda: called.append("c"), repeats=1, settles=True),
    }
    times = interleave(candidates, 3)
    # Each once to warm up, then three rounds, in which one is called once more.
    assert "".join(called) == "abc" + "aabcc" + "bccaa" + "ccaab"
    assert times["a", 1].samples.shape == (3, 2) and times["b", 1].samples.shape == (3, 1)


def test_the_ratio_is_that_of_the_typical_round():
    own, other = Times(np.array([[2.0], [90.0], [6.0]])), Times(np.array([[1.0], [30.0], [3.0]]))
    assert own.ratio(other) == 2.0


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Return a maker of a worker that writes a line a turn into a file, and ends after two."""
    (tmp_path / "peer.py").write_text(
        "import sys\n"
        "from benchmarks.turns import turns\n"
        "for n, _ in enumerate(turns()):\n"
        "    if n == 2: sys.exit()\n"
        "    print('chatter')\n"
        "    open(sys.argv[1], 'a').write('x')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    return lambda: Worker("peer", tmp_path / "made")


def test_a_worker_does_its_work_once_a_turn(worker, tmp_path):
    with worker() as call:
        for n in (1, 2):
            call()
            assert (tmp_path / "made").read_text() == "x" * n
        with pytest.raises(RuntimeError, match=r"ended early\. Run it by itself to see why"):
            call()


# --- a training step over sizes -----------------------------------------------------------------


def test_every_way_makes_a_step():
    calls = ways.calls(TINY)
    assert (
        {*ways.PRODUCTS, "graph", ways.SCAN} <= set(calls) <= {*ways.PRODUCTS, *ENGINES, ways.SCAN}
    )
    steps = {name: call for name, call in calls.items() if name not in ways.PRODUCTS}
    steps[ways.LAYER] = ways.layer(TINY)
    for name, call in steps.items():
        losses = [float(np.ravel(call())[-1]) for _ in range(2)]
        assert np.isfinite(losses).all() and losses[0] != losses[1], name  # it learns
    for name in ways.PRODUCTS:
        calls[name]()


def test_the_task_has_the_steps_that_are_asked_for():
    for size in sizes.all_sizes():
        assert task(size.steps).trials(2).inputs.shape[1] == size.steps


def test_products_of_long_trials_are_made_in_equal_parts():
    assert products.by_tensorflow(2, 400, 3)() != 0.0
    with pytest.raises(ValueError, match="`n_steps` must be a multiple of 2, got 201"):
        products.by_tensorflow(2, 201, 3)


@pytest.fixture
def measured():
    """Times of all sizes by a law: so many nanoseconds a multiplication, and a constant."""
    law = {"products, NumPy": 1.0, "products, TensorFlow": 2.0, "fused": 1.5, "graph": 4.0}
    law["tf.scan"] = 8.0
    return {
        (way, size): constant(1e-6 * ns * size.work + 1000 * (way == "graph"))
        for size in sizes.all_sizes()
        for way, ns in law.items()
    }


def test_exponents_are_slopes(measured):
    for axis in sizes.GROWTH:
        assert sizes.exponent(measured, "fused", axis) == pytest.approx(1.0)
        assert sizes.exponent(measured, "graph", axis) < 0.99  # the constant is in it
    slow = {key: Times(own.samples**1.1) for key, own in measured.items()}
    assert sizes.exponent(slow, "fused", "units²") == pytest.approx(1.1)


def test_the_factor_of_growth_is_that_of_the_sizes():
    for factor, small, large in sizes.GROWTH.values():
        assert large.work == factor * small.work and {small, large} <= set(sizes.all_sizes())


def test_the_floor_is_the_faster_way(measured):
    size = Size(200)
    assert sizes.floor(measured, size) is measured["products, NumPy", size]


def test_the_page_of_sizes_says_what_was_measured(measured):
    section = sizes.section(measured)
    size = ("200", "128", "200")  # 1.024e9 multiplications
    milliseconds, ratios = section.body.split("The same as ratios.")
    assert cells(milliseconds, size) == [*size, "1024.00", "1536.00", "5096.00", "8192.00"]
    assert cells(ratios, size) == [*size, "0.19", "1.50", "0.62", "4.98"]
    goals = {goal.what: (goal.figure, goal.target) for goal in section.goals}
    assert goals["training step, fused, 200 units, 128 trials, 200 steps, / plain tf.scan"] == (
        "0.19",
        "<= 0.4",
    )
    assert goals["exponent of growth against steps, fused"] == ("1.00", "<= 1.05")
    assert len(goals) == 3 + 3 * 2


def test_peers_stand_beside_the_size_that_they_were_measured_at(measured):
    section = sizes.section(measured | {("PyTorch", Size(50)): constant(7.0)})
    assert cells(section.body, ("50", "128", "200"))[-1] == "7.00"
    assert cells(section.body, ("50", "256", "200"))[-1] == ""


# --- the whole of training ----------------------------------------------------------------------


def test_what_goes_with_training_is_compared_with_a_plain_fit():
    ms = {whole.FIT: 4.0, whole.QUIET: 3.0, whole.BARE: 3.2, whole.TRIALS: 0.16, whole.ALL: 4.2}
    times = {(name, 50): constant(value) for name, value in ms.items()}
    section = whole.section(times | {("PsychRNN", 50): constant(150.0)})
    goals = {goal.what: goal.figure for goal in section.goals}
    assert goals == {
        "fit, no noise / PsychRNN, 50 units": "0.020",
        "fit / PyTorch, 50 units": "not installed",
        "making the trials / bare update, 50 units": "0.050",
        "fit / bare update, 50 units": "1.250",
        "fit, all of these / fit, 50 units": "1.050",
    }
    assert cells(section.body, ("fit, 50 units",))[3:] == ["32,000", "1.250", "bare update"]


def test_everything_that_goes_with_training_runs(monkeypatch, capsys):
    monkeypatch.setattr(whole, "UPDATES", 2)
    monkeypatch.setattr(whole, "EVERY", 1)
    monkeypatch.setattr(whole, "N_TRIALS", 2)
    monkeypatch.setattr(whole, "task", lambda: task(40))
    for name, candidate in whole._candidates(4, full=True).items():
        candidate.call()
        assert name in whole.COMPARED or name in (whole.BARE, whole.SCAN_FORWARD)
    assert capsys.readouterr().out == ""  # bars go nowhere


# --- memory, noise, the page --------------------------------------------------------------------


def test_resident_memory_is_what_a_process_has_now():
    before, block = memory.resident(), np.ones(2**24)  # 128 MiB
    assert memory.resident() - before > 120 and memory.peak() > before + 120
    del block
    assert memory.resident() - before < 20


def test_memory_is_that_of_the_long_update():
    size = Size(64, trials=256, steps=400)
    assert memory._measure("graph", size) > size.states


def test_states_are_counted_in_float32():
    assert Size(200, trials=256, steps=500).states == 256 * 500 * 200 * 4 / 2**20


def test_each_generator_draws_as_many_standard_normals_anew():
    for name, draw in noise.generators().items():
        first = np.array(draw())
        assert first.size == noise.DRAWN, name
        assert abs(first.mean()) < 0.005 and abs(first.std() - 1) < 0.005, name
        assert not np.array_equal(first, draw()), name


def test_a_network_is_trained_until_it_knows_the_task(monkeypatch, capsys):
    monkeypatch.setattr(first_update, "CORRECT", 0.55)
    monkeypatch.setattr(first_update, "UNITS", 8)
    first_update._train("graph", 0)
    first, updates = capsys.readouterr().out.split()
    assert first == "first" and int(updates) % first_update.UPDATES == 1


def test_the_page_begins_with_the_goals_of_all_sections():
    text = page([Section("A", "a", (Goal("x", "1", "<= 2"),)), Section("B", "b")])
    assert text.splitlines()[2] == "| x           | 1      | <= 2   |"
    assert text.endswith("\n\n## A\n\na\n\n## B\n\nb")
