"""Tables of trials and of activity, value for value."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurotask as nt
from neurotask.analysis import tables, tidy
from neurotask.comparison.sessions import joined
from neurotask.session import session

CELLS = np.array(["E", "I"]), np.array(["PPC", "PFC"])


def run(name, seed=0, n=5, **settings):
    task = nt.load(name, **settings)
    trials, rng = task.trials(n, seed=0), np.random.default_rng(seed)
    outputs = trials.targets + 0.1 * rng.normal(size=trials.targets.shape)
    rates = rng.random((*outputs.shape[:2], 2))
    return session(trials, outputs, {"rates": rates}, *CELLS)


def varied(**how):
    return run("perceptual_discrimination", delay=nt.Uniform(100.0, 300.0), **how)


def test_a_row_is_a_trial_with_its_conditions_behaviour_and_phases():
    made = varied()
    table = tidy(made)
    assert len(table) == 5
    for name in ("coherence", "choice", "correct", "rt", "outcome", "delay"):
        expected = made[name].to_numpy()
        pd.testing.assert_series_equal(
            table[name], pd.Series(expected, name=name), check_dtype=False
        )
    for edge in ("start", "stop"):
        for at, phase in enumerate(made["phase"].to_numpy()):
            expected = made[f"phase_{edge}"].to_numpy()[:, at]
            np.testing.assert_array_equal(table[f"{phase}_{edge}"], expected)
    assert table.columns[0] == "trial"
    assert table.attrs["psychometric_axis"] == "coherence"


def test_the_table_is_what_psychometrics_take():
    made = run("perceptual_discrimination", n=200)
    one, two = (nt.analysis.psychometric(data) for data in (made, tidy(made)))
    np.testing.assert_equal(one.parameters, two.parameters)


def test_the_long_table_has_each_value_where_it_belongs():
    made = varied()
    table = tidy(made, of="rates")
    rates = made["rates"].to_numpy()
    assert len(table) == np.isfinite(rates).sum() < rates.size  # padding is no row
    steps = np.rint(table["time"] / made.attrs["dt"]).astype(int)
    np.testing.assert_array_equal(table["rates"], rates[table["trial"], steps, table["unit"]])
    assert not table.duplicated(["trial", "time", "unit"]).any()
    np.testing.assert_array_equal(table["cell_type"].astype(str), CELLS[0][table["unit"]])
    np.testing.assert_array_equal(table["area"].astype(str), CELLS[1][table["unit"]])
    outputs = tidy(made, of="outputs")
    assert outputs.columns.tolist() == ["trial", "time", "output", "outputs"]
    mean = outputs.groupby("output", observed=True)["outputs"].mean()
    np.testing.assert_allclose(mean, made["outputs"].mean(("trial", "time")).to_numpy())


def test_one_missing_unit_is_a_row_of_nan_and_no_padding():
    made = varied()
    made["rates"][0, 0, 1] = np.nan
    table = tidy(made, of="rates")
    assert table["rates"].isna().sum() == 1


def test_states_of_several_variables_are_told_apart():
    made = varied()
    states = np.stack([made["rates"].to_numpy(), 2 * made["rates"].to_numpy()], 2)
    made = made.assign(states=(("trial", "time", "variable", "unit"), states))
    table = tidy(made.assign_coords(variable=["state", "resources"]), of="states")
    wide = table.pivot(index=["trial", "time", "unit"], columns="variable", values="states")
    np.testing.assert_allclose(wide["resources"], 2 * wide["state"])


def test_blocks_are_cut_into_their_trials():
    made = run("n_back", n=2)
    table, cut = tidy(made), nt.by_trial(made)
    assert len(table) == cut.sizes["trial"]
    assert table.columns[:3].tolist() == ["block", "trial_in_block", "trial"]
    np.testing.assert_array_equal(table["stimulus_start"], 0.0)
    rates = tidy(made, of="rates")
    assert len(rates) == np.isfinite(cut["rates"]).sum()
    assert rates["trial"].nunique() == len(table)


def test_networks_are_columns():
    sessions = {(v, seed): varied(seed=seed) for v in ("a", "b") for seed in (3, 5)}
    made = joined(sessions, ["a", "b"], [3, 5])
    table = tidy(made)
    assert len(table) == 4 * 5
    assert table.columns[:2].tolist() == ["variant", "network"]
    own = table[(table["variant"] == "b") & (table["network"] == 5)].reset_index(drop=True)
    alone = tidy(sessions["b", 5])
    assert own["choice"].tolist() == alone["choice"].tolist()
    rates = tidy(made, of="rates")
    part = rates[(rates["variant"] == "a") & (rates["network"] == 3)]
    np.testing.assert_array_equal(part["rates"], tidy(sessions["a", 3], of="rates")["rates"])
    assert len(tidy(made, of="inputs")) == 4 * len(tidy(sessions["a", 3], of="inputs"))


def test_a_table_that_has_no_room_is_refused_with_figures(monkeypatch):
    made = varied()
    n = made["rates"].size
    monkeypatch.setattr(tables, "_memory", lambda: 2.0 * 2 * 8 * 4 * n)
    assert len(tidy(made, of="rates"))
    monkeypatch.setattr(tables, "_memory", lambda: 2.0 * 2 * 8 * 4 * n - 1)
    with pytest.raises(MemoryError, match=rf"'rates' has {n:,} values, which takes .* GB of the"):
        tidy(made, of="rates")
    assert len(tidy(made)) == 5


def test_bad_input_is_refused():
    with pytest.raises(TypeError, match=r"`session` must be a Session .* got DataFrame"):
        tidy(pd.DataFrame())
    with pytest.raises(ValueError, match=r"must have a dimension 'trial', got \('unit',\)"):
        tidy(xr.Dataset({"a": ("unit", [1.0])}))
    with pytest.raises(ValueError, match=r'`of` must be one of .*Did you mean "rates"'):
        tidy(varied(), of="rate")
