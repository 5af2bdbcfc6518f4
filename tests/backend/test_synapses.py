"""Synapses counted by groups."""

import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.synapses import synapse_table

UNITS = nt.Units({"PPC": 10, "PFC": 20}, excitatory=0.8)


def made(weights, **settings):
    rng = np.random.default_rng(0)
    s = Connectivity(**settings).resolve("recurrent", UNITS, UNITS, UNITS.sign, rng)
    weights = np.where(s.exists, weights, 0.0)
    return weights, s


def test_counts_by_their_definition():
    weights = np.random.default_rng(1).standard_normal((30, 30))
    weights[np.random.default_rng(2).random((30, 30)) < 0.2] = 0.0
    weights, s = made(weights, density=0.4, frozen="E->I", forbidden="PPC.I->PFC", autapses=False)
    table = synapse_table("recurrent", weights, s.exists, s.plastic, UNITS.labels, UNITS.labels)
    assert len(table) == 16 and (table.kernel == "recurrent").all()
    for row in table.itertuples():
        block = [
            (weights[i, j], s.exists[i, j], s.plastic[i, j])
            for i in range(30)
            for j in range(30)
            if (UNITS.labels[i], UNITS.labels[j]) == (row.target, row.source)
        ]
        present = [w for w, exists, _ in block if exists]
        learning = [w for w, _, plastic in block if plastic]
        silent = sum(w == 0 for w in learning)
        assert row.n_possible == len(block) and row.n_existing == len(present)
        assert row.n_plastic == len(learning) and row.n_frozen == len(present) - len(learning)
        assert row.n_silent == silent
        assert row.total == pytest.approx(sum(present))
        np.testing.assert_allclose(row.share_silent, silent / len(learning) if learning else np.nan)
        np.testing.assert_allclose(row.mean, np.mean(present) if present else np.nan)
    assert table.n_silent.sum() > 0


def test_what_is_absent_or_frozen_is_not_silent():
    weights, s = made(np.zeros((30, 30)), forbidden="PPC->PFC", frozen="PFC->PPC")
    table = synapse_table("recurrent", weights, s.exists, s.plastic, UNITS.area, UNITS.area)
    table = table.set_index(["source", "target"])
    columns = ["n_possible", "n_existing", "n_plastic", "n_frozen", "n_silent"]
    assert table.loc[("PPC", "PFC"), columns].tolist() == [200, 0, 0, 0, 0]
    assert table.loc[("PFC", "PPC"), columns].tolist() == [200, 200, 0, 200, 0]
    assert table.loc[("PFC", "PFC"), columns].tolist() == [400, 400, 400, 0, 400]
    assert table.share_silent.isna().tolist() == [False, True, True, False]
    assert pd.isna(table.loc[("PPC", "PFC"), "mean"]) and table.loc[("PPC", "PFC"), "total"] == 0


@pytest.mark.parametrize("name", ["weights", "exists", "plastic"])
def test_shapes_must_agree(name):
    arrays = dict.fromkeys(("weights", "exists", "plastic"), np.ones((2, 3))) | {
        name: np.ones((3, 2))
    }
    message = rf"`{name}` must have the shape \(post, pre\) = \(2, 3\), got \(3, 2\)"
    with pytest.raises(ValueError, match=message):
        synapse_table("input", *arrays.values(), ["a", "b"], ["x", "y", "z"])
