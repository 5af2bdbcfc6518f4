"""Sessions go to netCDF and come back as they were: those of every task, of blocks and of several networks."""

import numpy as np
import pytest
import xarray as xr

import neurotask as nt
from neurotask.comparison.sessions import joined
from neurotask.load import library
from neurotask.session import session

LIBRARY = library()
CELLS = np.array(["E", "E", "I"]), np.array(["PPC", "PFC", "PFC"])


def run(task, seed=0, n=4):
    """A Session of a network that does what it likes: random outputs and activity."""
    trials, rng = task.trials(n, seed=0), np.random.default_rng(seed)
    shape = trials.targets.shape
    outputs = trials.targets + 0.3 * rng.normal(size=shape).astype(np.float32)
    activity = {name: rng.normal(size=(*shape[:2], 3)) for name in ("states", "rates")}
    return session(trials, outputs, activity, *CELLS)


def check_same(read, made):
    assert set(read.variables) == set(made.variables) and set(read.coords) == set(made.coords)
    assert read.sizes == made.sizes
    for name in made.variables:
        one, two = read[name].variable, made[name].variable
        xr.testing.assert_identical(one, two)
        assert one.dtype.kind == two.dtype.kind  # text is text, and no objects
        if two.dtype.kind == "f":
            assert one.to_numpy().tobytes() == two.to_numpy().tobytes()
    assert set(read.attrs) == set(made.attrs)
    for name, value in made.attrs.items():  # a list of one comes back as the one
        np.testing.assert_array_equal(np.atleast_1d(read.attrs[name]), np.atleast_1d(value))


@pytest.mark.parametrize("name", LIBRARY)
def test_a_session_of_any_task_comes_back(name, tmp_path):
    made = run(LIBRARY[name]())
    made.to_netcdf(tmp_path / "session.nc")
    with xr.open_dataset(tmp_path / "session.nc") as opened:
        check_same(opened.load(), made)
    check_same(nt.by_trial(xr.load_dataset(tmp_path / "session.nc")), nt.by_trial(made))


@pytest.mark.parametrize("name", ["perceptual_discrimination", "n_back", "go_no_go"])
def test_that_of_several_networks_comes_back(name, tmp_path):
    task = LIBRARY[name]()
    sessions = {(v, seed): run(task, seed) for v in ("bptt", "rflo") for seed in (3, 5)}
    made = joined(sessions, ["bptt", "rflo"], [3, 5])
    made.to_netcdf(tmp_path / "session.nc")
    check_same(xr.load_dataset(tmp_path / "session.nc"), made)


def test_states_of_several_variables_come_back(tmp_path):
    trials = LIBRARY["perceptual_discrimination"]().trials(3)
    states = np.random.default_rng(0).normal(size=(*trials.targets.shape[:2], 2, 3))
    names = ("state", "resources")
    made = session(trials, trials.targets, {"states": states}, *CELLS, variables=names)
    made.to_netcdf(tmp_path / "session.nc")
    check_same(xr.load_dataset(tmp_path / "session.nc"), made)


def test_trials_of_a_task_without_answers_come_back(tmp_path):
    task = LIBRARY["sequence_execution"]()
    made = run(task)
    assert made.attrs["choices"] == list(task.choices)
    made.to_netcdf(tmp_path / "session.nc")
    assert np.size(xr.load_dataset(tmp_path / "session.nc").attrs["choices"]) == len(task.choices)


@pytest.mark.parametrize("name", ["perceptual_discrimination", "go_no_go"])
def test_what_is_read_is_analysed_as_what_was_made(name, tmp_path):
    # The choices of one and of two: a file holds a list of one as the one.
    made = run(LIBRARY[name](), n=60)
    made.to_netcdf(tmp_path / "session.nc")
    read = xr.load_dataset(tmp_path / "session.nc")
    tables = [nt.analysis.tidy(one) for one in (made, read)]
    assert (tables[0] == tables[1]).sum().sum() == tables[0].notna().sum().sum()
    if name == "perceptual_discrimination":
        fits = [nt.analysis.psychometric(one).parameters for one in (made, read)]
        np.testing.assert_equal(*fits)
