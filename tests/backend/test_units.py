"""Who the units are."""

import numpy as np
import pytest

import neurotask as nt


def test_areas_and_types():
    units = nt.Units({"PPC": 5, "PFC": 10}, excitatory=0.8)
    assert len(units) == 15
    assert units.area.tolist() == ["PPC"] * 5 + ["PFC"] * 10
    assert "".join(units.cell_type) == "EEEEI" + "EEEEEEEEII"
    assert units.sign.tolist() == [1, 1, 1, 1, -1] + [1] * 8 + [-1] * 2
    assert units.select("PPC.I").nonzero()[0].tolist() == [4]
    assert units.select("I").nonzero()[0].tolist() == [4, 13, 14]
    assert units.select("").all()


@pytest.mark.parametrize(("share", "n", "wanted"), [(0.29, 100, 29), (0.0, 5, 0), (1.0, 5, 5)])
def test_shares_are_exact(share, n, wanted):
    assert (nt.Units(n, excitatory=share).cell_type == "E").sum() == wanted


def test_units_without_types():
    units = nt.Units(3)
    assert not units.has_types and not units.sign.any()
    assert units.cell_type.tolist() == ["", "", ""]


def test_time_constants_by_label():
    units = nt.Units(5, excitatory=0.8, tau={"E": 100.0, "I": 50.0})
    assert units.taus(10.0).tolist() == [100.0] * 4 + [50.0]
    assert nt.Units(2).taus(10.0).tolist() == [10.0, 10.0]
    assert nt.Units(2, tau=30.0).taus(10.0).tolist() == [30.0, 30.0]


def test_repr_is_exact():
    units = nt.Units({"A": 5, "B": 5}, excitatory=0.8, tau={"A.E": 20.0})
    assert eval(repr(units), {"Units": nt.Units}) == units
    assert len({units, eval(repr(units), {"Units": nt.Units})}) == 1
    assert nt.Units.from_config(units.get_config()) == units


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Units(0), r"`n` must be a whole number of 1 or more, got 0"),
        (lambda: nt.Units({"A": 2.5}), r"`n\['A'\]` must be a whole number of 1 or more, got 2.5"),
        (
            lambda: nt.Units(5, excitatory=1.5),
            r"`excitatory` must be a number in \[0, 1\], got 1.5",
        ),
        (
            lambda: nt.Units({"A": 50, "B": 2}, excitatory=0.8),
            r"`excitatory` must leave a unit of each type in B, got 0.8 of 2 units",
        ),
        (lambda: nt.Units({}), r"`n` must name areas other than E and I, without dots, got {}"),
        (lambda: nt.Units({"E": 3}), r"`n` must name areas other than E and I"),
        (lambda: nt.Units({"A.B": 3}), r"`n` must name areas other than E and I, without dots"),
        (lambda: nt.Units(5, tau=0.0), r"`tau` must be a number above 0, got 0.0"),
        (lambda: nt.Units(5, tau={"X": 5.0}), r"`label` must be made of nothing, got 'X'"),
        (
            lambda: nt.Units({"PPC": 5}, excitatory=0.8).select("PPC.EI"),
            r"`label` must be made of \"E\", \"I\", \"PPC\", got 'PPC.EI'",
        ),
    ],
)
def test_bad_units(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sign_is_by_source():
    assert np.array_equal(nt.Units(4, excitatory=0.5).sign, [1, 1, -1, -1])
