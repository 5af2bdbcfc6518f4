"""Who the units are, and the channels on the other side of a kernel."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.backend.sides import Channels, block, synapse_labels


def test_areas_and_types():
    units = nt.Units({"PPC": 5, "PFC": 10}, excitatory=0.8)
    assert len(units) == 15
    assert units.area.tolist() == ["PPC"] * 5 + ["PFC"] * 10
    assert "".join(units.cell_type) == "EEEEI" + "EEEEEEEEII"
    assert units.sign.tolist() == [1, 1, 1, 1, -1] + [1] * 8 + [-1] * 2
    assert units.select("PPC.I").nonzero()[0].tolist() == [4]
    assert units.select("I").nonzero()[0].tolist() == [4, 13, 14]
    assert units.select("").all()


def test_several_labels_are_a_union():
    units = nt.Units({"PPC": 5, "PFC": 10}, excitatory=0.8)
    assert units.select(("PPC.I", "PFC.I")).nonzero()[0].tolist() == [4, 13, 14]
    assert not units.select(()).any()


@pytest.mark.parametrize(("share", "n", "wanted"), [(0.29, 100, 29), (0.0, 5, 0), (1.0, 5, 5)])
def test_shares_are_exact(share, n, wanted):
    assert (nt.Units(n, excitatory=share).cell_type == "E").sum() == wanted


def test_a_share_for_each_area():
    units = nt.Units({"PPC": 5, "PFC": 2, "LIP": 2}, {"PFC": 1, "PPC": 0.4, "LIP": 0})
    assert "".join(units.cell_type) == "EEIII" + "EE" + "II"
    assert units.labels.tolist() == ["PPC.E"] * 2 + ["PPC.I"] * 3 + ["PFC.E"] * 2 + ["LIP.I"] * 2


@pytest.mark.parametrize(
    "entries",
    [(True, False, True), [1, 0, 1], np.array([1, 0, 1]), (1, -1, 1), np.array([1.0, -1.0, 1.0])],
)
def test_one_type_a_unit(entries):
    units = nt.Units(3, excitatory=entries)
    assert units.sign.tolist() == [1, -1, 1] and units.has_types
    assert units == nt.Units(3, excitatory=(True, False, True))


def test_units_without_types():
    units = nt.Units(3)
    assert not units.has_types and not units.sign.any()
    assert units.cell_type.tolist() == ["", "", ""]


@pytest.mark.parametrize(
    ("units", "wanted"),
    [
        (nt.Units(2), ["", ""]),
        (nt.Units(2, excitatory=0.5), ["E", "I"]),
        (nt.Units({"PPC": 1, "PFC": 1}), ["PPC", "PFC"]),
    ],
)
def test_labels_name_the_smallest_group(units, wanted):
    assert units.labels.tolist() == wanted
    for label in wanted:
        assert np.array_equal(units.select(label), units.labels == label)


def test_time_constants_by_label():
    units = nt.Units(5, excitatory=0.8, tau={"E": 100.0, "I": 50.0})
    assert units.taus(10.0).tolist() == [100.0] * 4 + [50.0]
    assert nt.Units(2).taus(10.0).tolist() == [10.0, 10.0]
    assert nt.Units(2, tau=30.0).taus(10.0).tolist() == [30.0, 30.0]
    assert nt.Units(2, tau=np.array([30.0, 40.0])).taus(10.0).tolist() == [30.0, 40.0]


def test_one_number_a_unit():
    units = nt.Units({"PPC": 2, "PFC": 2}, excitatory=0.5)
    assert units.per_unit("x", 2).tolist() == [2.0] * 4
    assert units.per_unit("x", np.array(2.0)).tolist() == [2.0] * 4
    assert units.per_unit("x", None, 3.0).tolist() == [3.0] * 4
    assert units.per_unit("x", {"PPC": 1.0, "PPC.I": -1.0}, 0.0).tolist() == [1.0, -1.0, 0.0, 0.0]
    assert units.per_unit("x", {"E": 1.0, "I": 2.0}).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert units.per_unit("x", range(4)).tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "units",
    [
        nt.Units({"A": 5, "B": 5}, excitatory=0.8, tau={"A.E": 20}),
        nt.Units({"A": 5, "B": 5}, excitatory={"A": 0.8, "B": 1}, tau=np.arange(1, 11)),
        nt.Units(np.int64(3), excitatory=np.array([1, -1, -1]), tau=np.float64(5.0)),
    ],
)
def test_repr_is_exact(units):
    same = eval(repr(units), {"Units": nt.Units})
    assert same == units and len({units, same}) == 1
    assert np.array_equal(same.sign, units.sign) and np.array_equal(same.taus(1.0), units.taus(1.0))
    assert nt.Units.from_config(units.get_config()) == units


def test_the_order_of_areas_matters():
    assert nt.Units({"A": 1, "B": 2}) != nt.Units({"B": 2, "A": 1})
    assert nt.Units(3) != "Units(n=3, excitatory=None, tau=None)"


def test_nobody_can_change_units():
    areas = {"A": 2}
    units = nt.Units(areas, excitatory=1.0)
    areas["B"] = 3
    assert len(units) == 2
    for array in (units.sign, units.area, units.cell_type, units.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


AREAS = {"PPC": 5, "PFC": 5}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Units(0), r"`n` must be a whole number of 1 or more, got 0"),
        (lambda: nt.Units({"A": 2.5}), r"`n\['A'\]` must be a whole number of 1 or more, got 2.5"),
        (
            lambda: nt.Units({}),
            r"`n` must name areas other than E and I, without dots and arrows, got {}",
        ),
        (lambda: nt.Units({"E": 3}), r"`n` must name areas other than E and I"),
        (lambda: nt.Units({"A.B": 3}), r"`n` must name areas other than E and I, without dots"),
        (
            lambda: nt.Units({"A->B": 3}),
            r"`n` must name areas .*, without dots and arrows, got {'A->B': 3}",
        ),
        (
            lambda: nt.Units(5, excitatory=1.5),
            r"`excitatory` must be a number in \[0, 1\], got 1.5",
        ),
        (
            lambda: nt.Units(5, excitatory="most"),
            r"`excitatory` must be a number in \[0, 1\], got 'most'",
        ),
        (
            lambda: nt.Units({"A": 50, "B": 2}, excitatory=0.8),
            r"`excitatory` must leave a unit of each type in B, got 0.8 of 2 units\. Take more units",
        ),
        (
            lambda: nt.Units(AREAS, excitatory={"PPC": 0.8}),
            r"`excitatory` must give a share for each area, \"PPC\", \"PFC\", got {'PPC': 0.8}",
        ),
        (
            lambda: nt.Units(5, excitatory={"PPC": 0.8}),
            r"`excitatory` must be a share or one entry a unit where units have no areas, got {'PPC': 0.8}",
        ),
        (
            lambda: nt.Units(AREAS, excitatory={"PPC": 0.8, "PFC": 2}),
            r"`excitatory\['PFC'\]` must be a number in \[0, 1\], got 2",
        ),
        (
            lambda: nt.Units(3, excitatory=(1, 0)),
            r"`excitatory` must have one entry for each of the 3 units, got 2\.",
        ),
        (
            lambda: nt.Units(3, excitatory=(1, 0, -1)),
            r"`excitatory` must be a share, {area: share}, or one entry a unit, True and False or the signs 1 and -1, got \(1, 0, -1\)",
        ),
        (
            lambda: nt.Units(2, excitatory=("E", "I")),
            r"`excitatory` must be a share, .* got \('E', 'I'\)",
        ),
        (lambda: nt.Units(5, tau=0.0), r"`tau` must be a number above 0, got 0.0"),
        (lambda: nt.Units(2, tau=(5.0, -1.0)), r"`tau\[1\]` must be a number above 0, got -1.0"),
        (
            lambda: nt.Units(3, tau=(5.0, 1.0)),
            r"`tau` must be one number, {label: number} or one number for each of the 3 units, got 2 numbers\.",
        ),
        (
            lambda: nt.Units(3, tau="slow"),
            r"`tau` must be one number, {label: number} .*, got 'slow'",
        ),
        (
            lambda: nt.Units(5, tau={"X": 5.0}),
            r"`tau` must be \"\", all units, where units have neither areas nor types, got 'X'",
        ),
        (
            lambda: nt.Units(AREAS, tau={"PCP": 5.0}),
            r"`tau` must be made of \"PFC\", \"PPC\", got 'PCP'. Did you mean \"P.C\"\?",
        ),
        (
            lambda: nt.Units(AREAS, tau={"PPC": 0.0}),
            r"`tau\['PPC'\]` must be a number above 0, got 0.0",
        ),
        (
            lambda: nt.Units(AREAS).per_unit("x", {"PPC": 1.0}),
            r"`x` must say a number for every unit, got {'PPC': 1.0}, which says none for unit 5 \(PFC\)",
        ),
        (
            lambda: nt.Units(2).per_unit("x", None),
            r"`x` must say a number for every unit, got None",
        ),
        (
            lambda: nt.Units({"PPC": 5}, excitatory=0.8).select("PPC.EI"),
            r"`label` must be made of \"E\", \"I\", \"PPC\", got 'PPC.EI'",
        ),
        (
            lambda: nt.Units(AREAS, excitatory={"PPC": 1.0, "PFC": 0.8}).select("PPC.I"),
            r"`label` must name units that there are, \"PPC.E\", \"PFC.E\", \"PFC.I\", got 'PPC.I'",
        ),
        (lambda: nt.Units(5).select(3), r"`label` must be a label or several in a tuple, got 3"),
        (
            lambda: nt.Units(5).select(("", 3)),
            r"`label` must be a label or several in a tuple, got \('', 3\)",
        ),
    ],
)
def test_bad_units(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sign_is_by_source():
    assert np.array_equal(nt.Units(4, excitatory=0.5).sign, [1, 1, -1, -1])


# --- channels and labels of synapses ---------------------------------------------------------


def test_channels_are_named_or_matched():
    channels = Channels("input", ["fix", "motion_0", "motion_1", "motion_up", "a[0]"])
    assert len(channels) == 5 and channels.names[0] == "fix"
    assert channels.select("motion_1").nonzero()[0].tolist() == [2]
    assert channels.select("motion_*").nonzero()[0].tolist() == [1, 2, 3]
    assert channels.select(("fix", "*_up")).nonzero()[0].tolist() == [0, 3]
    assert channels.select("a[0]").nonzero()[0].tolist() == [4]
    assert channels.select("").all()
    assert channels.labels.tolist() == ["fix", "motion_*", "motion_*", "motion_up", "a[0]"]
    assert eval(repr(channels), {"Channels": Channels}) == channels
    assert channels.described(0) == 'input "fix"'


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Channels("inputs", ["a"]),
            r"`kind` must be one of \"input\", .* Did you mean \"input\"\?",
        ),
        (lambda: Channels("input", "ab"), r"`names` must be distinct names of channels, got 'ab'"),
        (lambda: Channels("input", ["a", "a"]), r"`names` must be distinct names of channels"),
        (lambda: Channels("input", []), r"`names` must be distinct names of channels, got \[\]"),
        (
            lambda: Channels("output", ["left", "right"]).select("lefft"),
            r"`label` must be among the output channels \"left\", \"right\", or a pattern with \* of some, got 'lefft'. Did you mean \"left\"\?",
        ),
        (
            lambda: synapse_labels("forbidden", "PPC"),
            r"`forbidden` must be made of labels PRE->POST, such as .* got 'PPC'",
        ),
        (
            lambda: synapse_labels("forbidden", ("E->I", 3)),
            r"`forbidden` must be made of labels .* got \('E->I', 3\)",
        ),
        (
            lambda: synapse_labels("forbidden", "A->B->C"),
            r"`forbidden` must be made of labels PRE->POST",
        ),
    ],
)
def test_bad_channels_and_labels(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_labels_of_synapses():
    units = nt.Units({"PPC": 2, "PFC": 2}, excitatory=0.5)
    inputs = Channels("input", ["motion", "colour"])
    assert synapse_labels("x", ("E -> I", "E->I", "->")) == ("E->I", "->")
    for label, post, pre, wanted in [
        ("PPC.E->PFC", units, units, {(2, 0), (3, 0)}),
        ("->PPC.I", units, units, {(1, 0), (1, 1), (1, 2), (1, 3)}),
        ("motion->PPC", units, inputs, {(0, 0), (1, 0)}),
    ]:
        assert set(map(tuple, np.argwhere(block(label, post, pre, "x")).tolist())) == wanted
