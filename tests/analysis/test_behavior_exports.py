"""Tables for PyDDM, HSSM and psytrack: units, signs, and who is left out."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurotask as nt
from neurotask.analysis import to_hssm, to_psytrack, to_pyddm


def rows():
    return pd.DataFrame(
        {
            "coherence": [0.1, -0.2, 0.0, 0.1, -0.1, 0.2],
            "choice": ["right", "left", "left", "none", "right", "right"],
            "correct": [1.0, 1.0, np.nan, 0.0, 0.0, 1.0],
            "rt": [500.0, 620.0, 700.0, np.nan, 550.0, np.nan],
            "context": ["a", "a", "b", "b", "a", "b"],
        }
    )


def session(table=None, **attributes):
    table = rows() if table is None else table
    columns = {name: ("trial", table[name].to_numpy()) for name in table}
    usual = {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    return xr.Dataset(coords=columns, attrs=usual | attributes)


def test_pyddm_gets_seconds_and_choices():
    table = to_pyddm(session())
    assert table.columns.tolist() == ["rt", "choice", "coherence"]
    np.testing.assert_allclose(table["rt"], [0.5, 0.62, 0.7, 0.55], rtol=1e-12)
    assert table["choice"].tolist() == [1, 0, 0, 1]
    assert table["coherence"].tolist() == [0.1, -0.2, 0.0, -0.1]
    assert table.attrs == {"n_no_response": 1, "n_no_rt": 1, "n_unscored": 0}


def test_accuracy_coding_takes_the_strength_and_leaves_out_what_is_not_scored():
    table = to_pyddm(session(), coding="accuracy")
    assert table.columns.tolist() == ["rt", "correct", "coherence"]
    assert table["correct"].tolist() == [1, 1, 0]
    assert table["coherence"].tolist() == [0.1, 0.2, 0.1]
    assert table.attrs == {"n_no_response": 1, "n_no_rt": 1, "n_unscored": 1}
    unsigned = rows().assign(coherence=lambda r: r["coherence"].abs())
    assert "correct" in to_pyddm(session(unsigned))


def test_hssm_gets_responses_of_1_and_minus_1():
    table = to_hssm(session(), conditions=["coherence", "context"])
    assert table.columns.tolist() == ["rt", "response", "coherence", "context"]
    assert table["response"].tolist() == [1, -1, -1, 1]
    assert np.issubdtype(table["response"].dtype, np.integer)
    other = to_hssm(session(), choice="left")
    assert other["response"].tolist() == [-1, 1, 1, -1]
    assert to_hssm(session(), coding="accuracy")["response"].tolist() == [1, 1, -1]


def test_several_networks_are_told_apart_by_a_column():
    first = rows()
    columns = {
        name: (("network", "trial"), np.stack([first[name].to_numpy()] * 2)) for name in first
    }
    attrs = {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    both = xr.Dataset(coords=columns, attrs=attrs)
    table = to_hssm(both, conditions=("coherence", "network"))
    assert table["network"].tolist() == [0] * 4 + [1] * 4
    with pytest.raises(ValueError, match="`by` must contain 'network'"):
        to_hssm(both)


def test_psytrack_gets_choices_of_1_and_2_and_the_past():
    table = rows().assign(day=[0, 0, 0, 0, 1, 1])
    D = to_psytrack(session(table), n_back=2, session="day")
    assert D["y"].tolist() == [2, 1, 1, 2, 2]
    assert D["dayLength"].tolist() == [3, 2]
    assert D["n_no_response"] == 1
    np.testing.assert_array_equal(
        D["inputs"]["coherence"],
        [[0.1, 0, 0], [-0.2, 0.1, 0], [0, -0.2, 0.1], [-0.1, 0, 0], [0.2, -0.1, 0]],
    )
    np.testing.assert_array_equal(
        D["inputs"]["previous_choice"], [[0, 0], [1, 0], [-1, 1], [0, 0], [1, 0]]
    )
    assert len(D["correct"]) == 5
    for values in D["inputs"].values():
        assert values.shape[0] == len(D["y"])
        assert not np.isnan(values).any()


def test_a_silent_trial_is_left_out_but_not_forgotten():
    D = to_psytrack(session(), n_back=1)
    assert D["dayLength"].tolist() == [5]
    # The trial behind the silent one has no previous choice, and the stimulus of the silent one.
    assert D["inputs"]["previous_choice"].ravel().tolist() == [0, 1, -1, 0, 1]
    assert D["inputs"]["coherence"][3].tolist() == [-0.1, 0.1]


def test_blocks_are_sessions_and_inputs_may_be_none():
    table = rows().drop(index=3)
    table = pd.concat([table] * 2, ignore_index=True)
    coords = {n: (("block", "trial"), table[n].to_numpy().reshape(2, 5)) for n in table}
    attrs = {"psychometric_axis": "coherence", "choices": ["left", "right"]}
    D = to_psytrack(xr.Dataset(coords=coords, attrs=attrs), inputs=())
    assert D["dayLength"].tolist() == [5, 5]
    assert D["inputs"] == {}


def test_trials_of_blocks_stay_in_order_whichever_coordinate_comes_first():
    """The Session of a block task has `trial` before `block` among its coordinates."""
    task = nt.load("probabilistic_reversal")
    trials = task.trials(3, seed=0)
    table = task.behavior(trials, task.observer(trials))
    session = trials.to_xarray().assign_attrs(table.attrs)
    k = session.sizes["trial"]
    columns = {n: (("block", "trial"), table[n].to_numpy().reshape(3, k)) for n in table}
    del columns["block"], columns["trial_in_block"]
    columns["rt"] = (("block", "trial"), 300.0 + np.arange(3 * k).reshape(3, k))
    session = session.assign_coords(columns)
    D, flat = to_psytrack(session, n_back=1), to_psytrack(table, n_back=1)
    assert D["dayLength"].tolist() == [k, k, k]
    for name in ("y", "dayLength", "correct"):
        np.testing.assert_array_equal(D[name], flat[name])
    for name, values in D["inputs"].items():
        np.testing.assert_array_equal(values, flat["inputs"][name])
    both = {"coding": "choice", "conditions": ("block", "trial")}
    for made in (to_hssm(session, **both), to_pyddm(session, **both)):  # type: ignore[arg-type]
        np.testing.assert_allclose(made["rt"], (300.0 + np.arange(3 * k)) / 1000, rtol=1e-12)
        assert made["trial"].tolist() == [*range(k)] * 3


@pytest.mark.parametrize("name", ["rt", "choice", "correct", "response"])
def test_a_condition_is_no_answer(name):
    data = session(rows().assign(response=0.5))
    for export in (to_hssm, to_pyddm):
        with pytest.raises(ValueError, match=f"`conditions` must name conditions.* got '{name}'"):
            export(data, conditions=[name])


def test_inputs_are_named_as_such():
    with pytest.raises(ValueError, match=r"`inputs` must be one of .*got 'contxt'"):
        to_psytrack(session(), inputs="contxt")
    with pytest.raises(TypeError, match="`inputs` must be a column of numbers, got 'context'"):
        to_psytrack(session(), inputs="context")
    with pytest.raises(ValueError, match=r'`inputs` must name the stimulus.* inputs="coherence"'):
        to_psytrack(rows(), choice="right")
    made = session(rows().assign(previous_choice=1.0))
    with pytest.raises(ValueError, match="which are made here, got 'previous_choice'"):
        to_psytrack(made, inputs="previous_choice")


def test_what_is_none():
    with pytest.raises(ValueError, match="`rt` must be known for some trials, got none of 6"):
        to_pyddm(session(rows().assign(rt=np.nan)))
    with pytest.raises(ValueError, match=r"`rt` must be in ms, got values of at most 0\.7"):
        to_hssm(session(rows().assign(rt=rows()["rt"] / 1000)))
    with pytest.raises(ValueError, match=r"`conditions` must be one of .*got 'contxt'"):
        to_pyddm(session(), conditions="contxt")
    with pytest.raises(ValueError, match='`coding` must be one of "choice", "accuracy"'):
        to_pyddm(session(), coding="stimulus")  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match='`choice` must have two values, got "left", "right", "up"'
    ):
        table = rows().assign(choice=["left", "right", "up"] * 2)
        to_psytrack(session(table, choices=[]), choice="up")
    with pytest.raises(TypeError, match="`data` must be a Session or a pandas DataFrame, got list"):
        to_pyddm([1, 2])
