"""NWB files are valid and hold what the Session held."""

import sys

import numpy as np
import pynwb
import pytest

import neurotask as nt
from neurotask.interop.nwb import to_nwb
from neurotask.session import session

CELLS = np.array(["E", "E", "I"]), np.array(["PPC", "PFC", "PFC"])


def run(name, n=5, **settings):
    trials, rng = nt.load(name, **settings).trials(n, seed=0), np.random.default_rng(0)
    outputs = trials.targets + 0.1 * rng.normal(size=trials.targets.shape)
    activity = {k: rng.random((*outputs.shape[:2], 3)) for k in ("states", "rates")}
    return session(trials, outputs, activity, *CELLS)


def varied():
    return run("perceptual_discrimination", delay=nt.Uniform(100.0, 300.0))


def read(path):
    """Return series, trials and units of a file, after checking that it is valid."""
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as reader:
        file = reader.read()
        module = file.processing["network"].data_interfaces
        series = {
            name: (one.data[:], one.rate, None if one.timestamps is None else one.timestamps[:])
            for name, one in module.items()
            if name != "units"
        }
        return series, file.trials.to_dataframe(), module["units"].to_dataframe(), file.identifier


@pytest.mark.parametrize("name", ["perceptual_discrimination", "n_back", "yang2019", "go_no_go"])
def test_trials_are_laid_one_behind_another(name, tmp_path):
    made = run(name)
    series, trials, _, _ = read(to_nwb(made, tmp_path / "a.nwb"))
    cut, dt = nt.by_trial(made), made.attrs["dt"] / 1000
    assert set(series) == {"inputs", "targets", "mask", "outputs", "states", "rates"}
    assert len(trials) == cut.sizes["trial"]
    np.testing.assert_allclose(trials["start_time"][1:], trials["stop_time"][:-1])
    for variable in ("rates", "outputs", "inputs"):
        values, rate, _ = series[variable]
        np.testing.assert_allclose(rate, 1 / dt)
        for i in (0, len(trials) - 1):
            first, last = np.rint(
                trials.loc[i, ["start_time", "stop_time"]].astype(float) / dt
            ).astype(int)
            own = cut[variable].isel(trial=i).to_numpy()
            own = own[~np.isnan(own).all(1)]
            np.testing.assert_array_equal(values[first:last], own)
        assert len(values) == np.rint(trials["stop_time"].iloc[-1] / dt)


def test_the_table_of_trials_is_that_of_the_session(tmp_path):
    made = varied()
    _, trials, units, identifier = read(to_nwb(made, tmp_path / "a.nwb"))
    for name in ("coherence", "delay", "correct", "rt"):
        np.testing.assert_array_equal(trials[name], made[name])
    for name in ("choice", "outcome", "answer"):
        assert trials[name].tolist() == made[name].to_numpy().tolist()
    at = made["phase"].to_numpy().tolist().index("decision")
    start = made["phase_start"].to_numpy()[:, at] / 1000 + trials["start_time"]
    np.testing.assert_allclose(trials["decision_start"], start)
    assert units["cell_type"].tolist() == ["E", "E", "I"]
    assert units["area"].tolist() == ["PPC", "PFC", "PFC"]
    assert identifier == "PerceptualDiscrimination, 5 trials"


def test_steps_that_were_taken_keep_their_times(tmp_path):
    made = run("perceptual_discrimination")
    some = made.isel(time=slice(10, None, 5))  # from 200 ms, every 100 ms
    series, trials, _, _ = read(to_nwb(some, tmp_path / "a.nwb"))
    assert series["rates"][1] == pytest.approx(10.0)
    length = some.sizes["time"] * 0.1
    np.testing.assert_allclose(trials["stop_time"] - trials["start_time"], length)
    onset = made["phase_start"].sel(phase="stimulus").to_numpy() / 1000 - 0.2
    np.testing.assert_allclose(trials["stimulus_start"] - trials["start_time"], onset)


def test_a_gap_is_in_the_time_stamps(tmp_path):
    made = varied()
    series, trials, _, _ = read(to_nwb(made, tmp_path / "a.nwb", gap=500.0))
    np.testing.assert_allclose(trials["start_time"][1:] - trials["stop_time"][:-1].to_numpy(), 0.5)
    values, rate, times = series["rates"]
    assert rate is None and len(times) == len(values)
    inside = (times >= trials["start_time"][2]) & (times < trials["stop_time"][2])
    own = made["rates"].isel(trial=2).dropna("time").to_numpy()
    np.testing.assert_array_equal(values[inside], own)


def test_states_of_several_variables_are_series_of_their_own(tmp_path):
    made = varied()
    states = np.stack([made["states"].to_numpy(), made["rates"].to_numpy()], 2)
    made = made.drop_vars("states").assign(states=(("trial", "time", "variable", "unit"), states))
    made = made.assign_coords(variable=["state", "resources"])
    series, _, _, _ = read(to_nwb(made, tmp_path / "a.nwb", variables=("states", "rates")))
    assert set(series) == {"states_state", "states_resources", "rates"}
    np.testing.assert_array_equal(series["states_resources"][0], series["rates"][0])


def test_channels_are_named(tmp_path):
    made = varied()
    path = to_nwb(made, tmp_path / "a.nwb", variables=["outputs"], compress=False)
    with pynwb.NWBHDF5IO(str(path), "r") as reader:
        outputs = reader.read().processing["network"]["outputs"]
        assert outputs.comments == "output: left, right"


def test_a_file_that_exists_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = to_nwb(varied(), tmp_path / "a.nwb")
    before = path.read_bytes()
    with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
        patched.setattr(pynwb.NWBHDF5IO, "write", _full)
        to_nwb(varied(), path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.nwb"]


def _full(*_):
    raise OSError("full")


def test_bad_input_is_refused(tmp_path, monkeypatch):
    made = varied()
    with pytest.raises(ValueError, match=r"`path` must end in .nwb, got"):
        to_nwb(made, tmp_path / "a.h5")
    with pytest.raises(FileNotFoundError, match=r"must be in a folder that exists"):
        to_nwb(made, tmp_path / "none" / "a.nwb")
    with pytest.raises(ValueError, match=r'`variables` must be one of .*Did you mean "rates"'):
        to_nwb(made, tmp_path / "a.nwb", variables=["rate"])
    with pytest.raises(ValueError, match=r"must hold one network, got a dimension 'network'"):
        to_nwb(made.expand_dims(network=2), tmp_path / "a.nwb")
    with pytest.raises(TypeError, match=r"`session` must be a Session, got DataFrame"):
        to_nwb(made.to_dataframe(), tmp_path / "a.nwb")
    with pytest.raises(ValueError, match=r"`gap` must be a number of 0 or more, got -1"):
        to_nwb(made, tmp_path / "a.nwb", gap=-1)
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(ImportError, match=r"pip install 'neurotask-rnn\[nwb\]'"):
        to_nwb(made, tmp_path / "a.nwb")
    assert not list(tmp_path.iterdir())
