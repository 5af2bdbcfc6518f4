"""Task variance against a loop, clusters that were built in, and tasks of one Session or several."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import TaskVariance, task_variance

RULES = ("anti", "dm", "go")


def make(rates, **coords):
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "time": np.arange(rates.shape[1]) * 10.0,
            "cell_type": ("unit", np.resize(["E", "I"], rates.shape[2])),
            **{name: ("trial", np.asarray(values)) for name, values in coords.items()},
        },
        {"dt": 10.0},
    )


def modular(seed=0, n=12, steps=5):
    """Units 0-5 are of "anti", 6-11 of "dm", 12-17 of "go", 18-21 of all, 22 is silent, 23 constant."""
    rng = np.random.default_rng(seed)
    rule, side = np.repeat(RULES, n), np.tile(np.linspace(-1, 1, n), 3)
    gain = np.zeros((3, 24))
    for k in range(3):
        gain[k, 6 * k : 6 * k + 6] = rng.uniform(1, 2, 6)
    gain[:, 18:22] = 1.5
    drive = gain[np.repeat(np.arange(3), n)] * side[:, None]
    rates = np.repeat(drive[:, None], steps, axis=1) * np.linspace(0, 1, steps)[:, None]
    rates[:, :, 23] = 5.0
    return make(rates, rule=rule, side=side)


def test_it_is_the_variance_over_conditions_averaged_over_times():
    session = modular()
    found = task_variance(session, by="rule")
    assert isinstance(found, TaskVariance) and list(found.variance) == list(RULES)
    rates, rule = session["rates"].to_numpy(), session["rule"].to_numpy()
    for name in RULES:
        expected = rates[rule == name].var(axis=0).mean(axis=0)
        np.testing.assert_allclose(found.variance[name], expected, atol=1e-12)


def test_clusters_are_those_the_units_were_made_in():
    found = task_variance(modular(), by="rule")
    assert found.n_clusters == 4 and found.silhouettes.idxmax() == 4
    cluster = found.cluster.to_numpy()
    groups = [cluster[6 * k : 6 * k + 6] for k in range(3)] + [cluster[18:22]]
    assert [len(set(g)) for g in groups] == [1] * 4 and len({g[0] for g in groups}) == 4
    # in the order of the tasks; the units of all tasks are as much of the first
    assert [g[0] for g in groups[1:3]] == [3, 4] and {groups[0][0], groups[3][0]} == {1, 2}
    assert cluster[22:].tolist() == [0, 0]  # silent, constant
    normal = found.normalized.to_numpy()
    np.testing.assert_allclose(normal[:22].max(axis=1), 1)
    assert np.isnan(normal[22:]).all()
    assert task_variance(modular(), by="rule", n_clusters=2).n_clusters == 2
    table = found.table
    assert list(table) == ["unit", "cell_type", "cluster", *RULES] and len(table) == 24


def test_fractional_variance_is_one_for_a_unit_of_one_task():
    found = task_variance(modular(), by="rule")
    fraction = found.fractional("anti", "dm")
    np.testing.assert_allclose(fraction[:12], [1] * 6 + [-1] * 6)
    np.testing.assert_allclose(fraction[18:22], 0, atol=1e-12)
    assert fraction[12:18].isna().all() and fraction[22:].isna().all()
    ax: Any = found.plot_fractional("anti", "dm")
    assert sum(bar.get_height() for bar in ax.patches) == 16
    with pytest.raises(ValueError, match="`a` must be one of the tasks"):
        found.fractional("anty", "dm")


def test_sessions_by_task_are_as_one_session_by_rule():
    session = modular()
    parts = {r: session.isel(trial=np.flatnonzero(session["rule"] == r)) for r in RULES}
    one, two = task_variance(session, by="rule"), task_variance(parts)
    np.testing.assert_allclose(one.variance, two.variance)
    with pytest.raises(ValueError, match="`sessions` must be of one network, got different"):
        task_variance(parts | {"go": parts["go"].isel(unit=slice(5))})
    with pytest.raises(ValueError, match="`of` must be one of") as error:
        task_variance(parts | {"go": parts["go"].rename(rates="states")})
    assert error.value.__notes__ == ["This is the task 'go'."]


def test_noise_counts_in_single_trials_and_not_in_condition_averages():
    session = modular(n=8)
    many = xr.concat([session] * 25, "trial")
    many["rates"] = many["rates"] + np.random.default_rng(0).normal(size=many["rates"].shape)
    clean = task_variance(session, by="rule").variance
    single = task_variance(many, by="rule", n_clusters=2).variance
    averaged = task_variance(many, by="rule", condition="side", n_clusters=2).variance
    np.testing.assert_allclose(single - clean, 1, atol=0.3)
    np.testing.assert_allclose(averaged - clean, 0, atol=0.15)
    exact = task_variance(session, by="rule", condition="side").variance
    np.testing.assert_allclose(exact, clean, atol=1e-12)


def test_padding_is_left_out_and_a_window_chosen():
    session = modular()
    padded = session.pad(time=(0, 4), constant_values=np.nan)
    padded = padded.assign_coords(time=np.arange(9) * 10.0)
    one, two = (task_variance(s, by="rule").variance for s in (session, padded))
    np.testing.assert_allclose(one, two)
    last = task_variance(session, by="rule", window=(40, 50)).variance
    expected = session["rates"][:12, 4].var("trial")
    np.testing.assert_allclose(last["anti"], expected, atol=1e-12)
    with pytest.raises(ValueError, match="`window` must hold a time that half of the trials have"):
        task_variance(session, by="rule", window=(90, 100))


def test_few_or_silent_units_make_no_clusters():
    session = modular()
    found = task_variance(session.isel(unit=[0, 22]), by="rule")
    assert found.cluster.tolist() == [1, 0] and found.silhouettes.empty
    silent = task_variance(session.isel(unit=[22, 23]), by="rule")
    assert silent.cluster.tolist() == [0, 0] and silent.n_clusters == 0
    assert "0 of 2 units active" in repr(silent)


def test_seeds_repeat():
    one, two = (task_variance(modular(), by="rule", seed=3) for _ in range(2))
    assert one.cluster.tolist() == two.cluster.tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "`by` must name what tells the task"),
        ({"by": "rul"}, ValueError, '`by` must be one of .* Did you mean "rule"'),
        ({"by": "one"}, ValueError, "`sessions` must be of two tasks or more"),
        ({"by": "rule", "n_clusters": 1}, ValueError, "`n_clusters` must be a whole number of 2"),
        ({"by": "rule", "n_clusters": 20}, ValueError, "`n_clusters` must be at most the number"),
        ({"by": "rule", "min_variance": -1}, ValueError, "`min_variance` must be a number of 0"),
    ],
)
def test_what_is_wrong_is_said(arguments: Any, error, message):
    session = modular().assign_coords(one=("trial", np.ones(36)))
    with pytest.raises(error, match=message):
        task_variance(session, **arguments)


def test_other_things_are_no_sessions():
    with pytest.raises(TypeError, match="`sessions` must be a Session or a mapping"):
        task_variance([modular()])  # type: ignore[arg-type]


def test_the_heat_map_is_sorted_by_cluster():
    found = task_variance(modular(), by="rule")
    ax: Any = found.plot()
    order = found.cluster[found.cluster > 0].sort_values(kind="stable").index
    np.testing.assert_array_equal(ax.images[0].get_array(), found.normalized.loc[order].T)
    assert [t.get_text() for t in ax.get_yticklabels()] == list(RULES)
    assert ax.get_xlabel() == "units (22 of 24), by cluster"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3", "4"]
    assert "4 clusters" in repr(found)
