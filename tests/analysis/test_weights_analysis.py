"""The weight matrix: blocks, eigenvalues and degrees against loops and against random-matrix theory."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurotask.analysis import degrees, spectrum, weight_structure

TYPE = np.array(["I", "E", "E", "I", "E", "E"])
AREA = np.array(["B", "A", "B", "A", "A", "B"])
N = len(TYPE)


def labelled(exists=True, seed=0):
    """Weights as a model gives them: some pairs without a synapse, some synapses silent."""
    rng = np.random.default_rng(seed)
    there = rng.random((N, N)) < 0.7
    np.fill_diagonal(there, False)
    matrix = np.where(there, np.abs(rng.normal(size=(N, N))) + 0.1, 0.0) * np.where(
        TYPE == "E", 1, -1
    )
    matrix[tuple(np.argwhere(there)[[0, 5, 9]].T)] = 0.0
    named = {"cell_type": TYPE, "area": AREA, "group": np.char.add(np.char.add(AREA, "."), TYPE)}
    coords = {name: ("unit", values) for name, values in named.items()}
    coords |= {f"source_{name}": ("source", values) for name, values in named.items()}
    if exists:
        coords["exists"] = (("unit", "source"), there)
    return xr.DataArray(matrix, coords, ("unit", "source")), matrix, there


# Sorted


@pytest.mark.parametrize("by", ["cell_type", "area", "group"])
def test_blocks_are_those_of_a_loop(by):
    weights, matrix, there = labelled()
    found = weight_structure({"recurrent": weights}, sort_by=by)
    assert (np.diff(np.unique(found.blocks, return_inverse=True)[1]) >= 0).all()
    np.testing.assert_array_equal(found.weights, matrix[found.order][:, found.order])
    names = weights[by].to_numpy()
    assert len(found.table) == len(set(names)) ** 2
    for _, row in found.table.iterrows():
        values = [
            matrix[i, j]
            for i in range(N)
            for j in range(N)
            if there[i, j] and names[i] == row["target"] and names[j] == row["source"]
        ]
        n_pairs = (names == row["target"]).sum() * (names == row["source"]).sum()
        assert (row["n_synapses"], row["n_pairs"]) == (len(values), n_pairs)
        if values:
            np.testing.assert_allclose(row["mean"], np.mean(values))
            np.testing.assert_allclose(row["mean_absolute"], np.mean(np.abs(values)))
            np.testing.assert_allclose(row["sd"], np.std(values))
            np.testing.assert_allclose(row["share_silent"], np.mean(np.array(values) == 0))
        else:
            assert np.isnan([row["mean"], row["sd"], row["share_silent"]]).all()


def test_numbers_order_units_within_the_blocks_of_labels():
    weights, _, _ = labelled()
    selectivity = pd.Series([0.3, -0.2, 0.9, -0.7, np.nan, 0.1], name="index")
    found = weight_structure(weights, sort_by=("cell_type", selectivity))
    assert found.order.tolist() == [1, 5, 2, 4, 3, 0]
    assert found.blocks.tolist() == ["E"] * 4 + ["I"] * 2
    alone = weight_structure(weights, sort_by=selectivity)
    assert alone.order.tolist() == [3, 1, 5, 0, 2, 4]
    assert alone.sort_by == ("index",) and len(alone.table) == 1
    clusters = weight_structure(weights, sort_by=np.array([2, 0, 1, 2, 0, 1]))
    assert clusters.blocks.tolist() == ["0", "0", "1", "1", "2", "2"]
    # Ten comes after two: labels that are numbers are sorted as numbers.
    ten = weight_structure(weights, sort_by=np.array([10, 2, 10, 2, 10, 2]))
    assert ten.blocks.tolist() == ["2"] * 3 + ["10"] * 3


def test_a_bare_array_does_not_tell_silent_from_absent():
    weights, matrix, there = labelled()
    bare, known = weight_structure(matrix, sort_by=TYPE), weight_structure(weights, sort_by=TYPE)
    assert bare.table["share_silent"].isna().all()
    assert known.table["n_synapses"].sum() == there.sum()
    assert bare.table["n_synapses"].sum() == (matrix != 0).sum() == there.sum() - 3


def test_means_are_a_matrix_of_the_table():
    found = weight_structure(labelled()[0], sort_by="cell_type")
    wide, rows = found.means("density"), found.table.set_index(["target", "source"])["density"]
    assert wide.loc["E", "I"] == rows["E", "I"] and wide.shape == (2, 2)


def test_the_heat_map_has_zero_in_the_middle_and_lines_between_blocks():
    found = weight_structure(labelled()[0])
    ax = found.plot()
    image = ax.images[0]
    assert image.get_clim()[0] == -image.get_clim()[1] < 0
    np.testing.assert_array_equal(image.get_array(), found.weights)
    assert len(ax.lines) == 2 * 3  # four groups: three lines each way
    assert {text.get_text() for text in ax.texts} == {"A.E", "A.I", "B.E", "B.I"}
    assert ax.get_xlabel() == "Presynaptic unit, by group"
    _, own = plt.subplots()
    assert found.plot(own, limit=2.0) is own and own.images[0].get_clim() == (-2.0, 2.0)


# Eigenvalues


def test_eigenvalues_of_known_matrices():
    angle = 0.3
    turn = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = spectrum(turn)
    np.testing.assert_allclose(found.eigenvalues_, 0.9 * np.exp([1j * angle, -1j * angle]))
    np.testing.assert_allclose([found.radius, found.abscissa], [0.9, 0.9 * np.cos(angle)])
    assert found.non_normality < 1e-7  # a rotation is normal
    found = spectrum(np.diag([-2.0, 0.5, 1.0]))
    np.testing.assert_allclose(found.eigenvalues_, [-2.0, 1.0, 0.5])
    assert (found.radius, found.abscissa) == (2.0, 1.0)


def test_non_normality_is_henricis():
    b = 3.0
    found = spectrum(np.array([[1.0, b], [0.0, 2.0]]))
    np.testing.assert_allclose(found.non_normality, b / np.sqrt(1 + 4 + b**2))
    assert spectrum(np.zeros((3, 3))).non_normality == 0.0
    rng = np.random.default_rng(0)
    symmetric = rng.normal(size=(20, 20))
    assert spectrum(symmetric + symmetric.T).non_normality < 1e-6


def test_the_circular_law_holds_for_random_matrices():
    rng, n = np.random.default_rng(0), 400
    found = spectrum(rng.normal(0, 0.8 / np.sqrt(n), (n, n)))
    np.testing.assert_allclose(found.circular_radius, 0.8, rtol=0.01)
    np.testing.assert_allclose(found.radius, 0.8, rtol=0.06)
    assert not found.outliers.any()


def test_it_knows_of_cells_with_weights_of_different_spread():
    # Rajan & Abbott (2006): R^2 = N (f var_E + (1 - f) var_I), whatever the means.
    rng, n, f = np.random.default_rng(1), 400, 0.8
    kinds = np.where(np.arange(n) < f * n, "E", "I")
    spread = np.where(kinds == "E", 0.3, 1.2) / np.sqrt(n)
    noise = rng.normal(size=(n, n)) * spread
    expected = np.sqrt(f * 0.09 + (1 - f) * 1.44)
    found = spectrum(noise, blocks=kinds)
    np.testing.assert_allclose(found.circular_radius, expected, rtol=0.01)
    np.testing.assert_allclose(found.radius, expected, rtol=0.12)  # the edge is ragged
    # The mean of a random matrix puts one eigenvalue near N mean, outside the disc.
    shifted = spectrum(noise + 3.0 / n, blocks=kinds)
    np.testing.assert_allclose(shifted.circular_radius, found.circular_radius, rtol=1e-6)
    assert shifted.outliers.sum() == 1 and shifted.outliers[0]
    np.testing.assert_allclose(shifted.abscissa, 3.0, rtol=0.05)


def test_it_knows_of_areas_that_receive_differently():
    # Aljadeff, Stern & Sharpee (2015): variance by receiving and sending group.
    rng, n = np.random.default_rng(2), 400
    half = np.arange(n) < n // 2
    gain = np.where(half[:, None] & half, 1.5, 0.2)
    found = spectrum(rng.normal(size=(n, n)) * gain / np.sqrt(n), blocks=half)
    profile = np.array([[1.5**2, 0.04], [0.04, 0.04]]) / 2
    expected = np.sqrt(np.linalg.eigvals(profile).max())
    np.testing.assert_allclose(found.circular_radius, expected, rtol=0.02)
    np.testing.assert_allclose(found.radius, expected, rtol=0.12)


def test_eigenvalues_are_drawn_with_the_unit_circle():
    found = spectrum(np.array([[0.2, 0.1, 5.0], [-0.1, 0.3, 0.0], [5.0, 0.0, 0.1]]), margin=0.0)
    ax = found.plot()
    unit = ax.lines[0].get_xydata()
    np.testing.assert_allclose(np.hypot(*unit.T), 1.0)
    drawn = sum(len(line.get_xdata()) for line in ax.lines[2:])
    assert drawn == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Re(eigenvalue)", "Im(eigenvalue)")
    assert found.table["modulus"].is_monotonic_decreasing


# Degrees


def test_degrees_are_those_of_a_loop():
    weights, matrix, there = labelled()
    found = degrees(weights, threshold=0.2)
    for i in range(N):
        row = found.table.loc[i]
        received, made = matrix[i], matrix[:, i]
        assert row["in_degree"] == sum(abs(w) > 0.2 for w in received)
        assert row["out_degree"] == sum(abs(w) > 0.2 for w in made)
        np.testing.assert_allclose(
            row["in_strength"], sum(abs(w) for w in received if abs(w) > 0.2)
        )
        np.testing.assert_allclose(row["out_strength"], sum(abs(w) for w in made if abs(w) > 0.2))
        np.testing.assert_allclose(row["in_excitation"], sum(w for w in received if w > 0.2))
        np.testing.assert_allclose(row["in_inhibition"], sum(w for w in received if w < -0.2))
        assert row["in_silent"] == sum(
            t and abs(w) <= 0.2 for t, w in zip(there[i], received, strict=True)
        )
        assert (row["cell_type"], row["area"]) == (TYPE[i], AREA[i])
    assert found.n_synapses == there.sum() and found.density == there.mean()


def test_silent_synapses_are_not_absent_ones():
    weights, matrix, there = labelled()
    assert degrees(weights).n_silent == 3 == there.sum() - (matrix != 0).sum()
    bare = degrees(matrix)
    assert np.isnan(bare.n_silent) and bare.n_synapses == (matrix != 0).sum()
    assert "silent" in repr(degrees(weights)) and "silent" not in repr(bare)


def test_each_group_is_drawn():
    found = degrees(labelled()[0])
    ax = found.plot()
    assert [line.get_label() for line in ax.lines] == ["A.E", "A.I", "B.E", "B.I"]
    inhibitory = found.table["group"] == "A.I"
    np.testing.assert_allclose(ax.lines[1].get_xdata(), found.table["in_strength"][inhibitory])
    assert found.plot(of="degree").get_xlabel() == "Received (synapses)"
    assert degrees(labelled()[1]).plot().get_legend() is None


def test_bad_weights_are_refused():
    for analyse in (weight_structure, spectrum, degrees):
        with pytest.raises(ValueError, match=r"`weights` must be square"):
            analyse(np.ones((2, 3)))
        with pytest.raises(ValueError, match=r"`weights` must be finite"):
            analyse(np.array([[np.inf, 0.0], [0.0, 0.0]]))
        with pytest.raises(ValueError, match=r"must be of one gate"):
            analyse(labelled()[0].expand_dims(gate=["a"]))
    with pytest.raises(ValueError, match=r"`threshold` must be a number of 0 or more, got -1"):
        degrees(np.eye(2), threshold=-1)
    with pytest.raises(
        ValueError, match=r"one value for each of the 2 units, got the shape \(3,\)"
    ):
        weight_structure(np.eye(2), sort_by=np.arange(3))
    with pytest.raises(ValueError, match=r'Did you mean "area"'):
        weight_structure(np.eye(2), sort_by="areas")
    with pytest.raises(ValueError, match=r'`of` must be one of "strength", "degree"'):
        degrees(np.eye(2)).plot(of="number")
