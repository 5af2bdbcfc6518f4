"""Which synapses exist, which may learn and which sign they have: settings and what they mean."""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import neurotask as nt
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.initializers import Gaussian, Given
from neurotask.backend.sides import Channels

AREAS = nt.Units({"PPC": 10, "PFC": 20}, excitatory=0.8)
INPUTS = Channels("input", ("fixation", "motion", "colour"))
OUTPUTS = Channels("output", ("left", "right"))
FOUR = nt.Units(4)
MASK = np.array([[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]])
FROZEN = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])


def resolve(connectivity=None, post=FOUR, pre=None, kernel="recurrent", seed=0, **settings):
    connectivity = connectivity or Connectivity(**settings)
    pre = post if pre is None else pre
    sign = pre.sign if isinstance(pre, nt.Units) else np.zeros(len(pre))
    return connectivity.resolve(kernel, post, pre, sign, np.random.default_rng(seed))


def pairs(post_label, pre_label, post=AREAS, pre=AREAS):
    return np.outer(post.select(post_label), pre.select(pre_label))


# --- which exist -----------------------------------------------------------------------------


def test_by_default_all_synapses_exist_and_learn():
    synapses = resolve(post=AREAS)
    assert synapses.exists.all() and synapses.plastic.all() and (synapses.strength == 1).all()
    assert np.array_equal(synapses.sign, AREAS.sign)


def test_a_mask_of_numbers_is_the_strength():
    mask = MASK * [[0.5], [1.0], [2.0], [3.0]]
    synapses = resolve(mask=mask, autapses=False)
    assert np.array_equal(synapses.strength, mask * (1 - np.eye(4)))
    assert np.array_equal(synapses.exists, (MASK == 1) & ~np.eye(4, dtype=bool))


def test_forbidden_labels():
    exists = resolve(post=AREAS, forbidden=("PPC.I->PFC", "PFC->PPC.E")).exists
    assert np.array_equal(exists, ~(pairs("PFC", "PPC.I") | pairs("PPC.E", "PFC")))


def test_to_and_of():
    into = resolve(post=AREAS, pre=INPUTS, kernel="input", to=("PPC", "PFC.I")).exists
    assert np.array_equal(into, np.outer(AREAS.select(("PPC", "PFC.I")), [1, 1, 1]))
    out = resolve(post=OUTPUTS, pre=AREAS, kernel="output", of="PFC.E", to="left").exists
    assert np.array_equal(out, np.outer([True, False], AREAS.select("PFC.E")))


def test_labels_of_channels():
    exists = resolve(
        post=AREAS, pre=INPUTS, kernel="input", forbidden=("motion->PFC", "*o*r->PPC")
    ).exists
    wanted = ~(pairs("PFC", "motion", pre=INPUTS) | pairs("PPC", "colour", pre=INPUTS))
    assert np.array_equal(exists, wanted)


@pytest.mark.parametrize("density", [0.1, 0.5, 0.75])
def test_density_is_exact_in_each_row(density):
    exists = resolve(post=nt.Units(40), density=density, autapses=False).exists
    assert set(exists.sum(1)) == {round(density * 39)} and not np.diag(exists).any()
    assert exists.sum(0).std() > 0  # drawn, not the same sources for all


def test_density_within_a_mask():
    mask = np.random.default_rng(0).random((40, 40)) < 0.5
    exists = resolve(post=nt.Units(40), density=0.5, mask=mask).exists
    assert np.array_equal(exists.sum(1), np.rint(0.5 * mask.sum(1)))
    assert not (exists & ~mask).any()


def test_the_draw_by_its_definition():
    exists = resolve(post=nt.Units(30), density=0.3, autapses=False, seed=4).exists
    ranks = np.random.default_rng(4).random((30, 30))
    for unit in range(30):
        sources = [source for source in range(30) if source != unit]
        kept = sorted(sources, key=lambda source: ranks[unit, source])[: round(0.3 * 29)]
        assert set(np.flatnonzero(exists[unit])) == set(kept)


def test_density_by_label_is_exact_in_each_block():
    shares = {"PPC.E->PFC": 0.5, "PFC->PPC": 0.15, "I->": 1.0}
    with pytest.raises(ValueError, match="must be of synapses that do not overlap"):
        resolve(post=AREAS, density=shares)
    exists = resolve(post=AREAS, density={"PPC.E->PFC": 0.5, "PFC.E->PPC": 0.15}).exists
    assert set(exists[AREAS.select("PFC")][:, AREAS.select("PPC.E")].sum(1)) == {4}
    assert set(exists[AREAS.select("PPC")][:, AREAS.select("PFC.E")].sum(1)) == {2}
    assert exists[~(pairs("PFC", "PPC.E") | pairs("PPC", "PFC.E"))].all()


def test_density_by_label_counts_allowed_sources():
    mask = np.random.default_rng(1).random((30, 30)) < 0.6
    allowed = mask & ~np.eye(30, dtype=bool) & ~pairs("I", "I")
    exists = resolve(
        post=AREAS, mask=mask, autapses=False, forbidden="I->I", density={"E->": 0.4}
    ).exists
    excitatory = AREAS.select("E")
    wanted = np.rint(0.4 * allowed[:, excitatory].sum(1))
    assert np.array_equal(exists[:, excitatory].sum(1), wanted)
    assert np.array_equal(exists[:, ~excitatory], allowed[:, ~excitatory])


def test_density_of_all_by_label_is_density():
    one = resolve(post=AREAS, density=0.3, autapses=False).exists
    assert np.array_equal(one, resolve(post=AREAS, density={"->": 0.3}, autapses=False).exists)


def test_the_order_of_labels_changes_nothing():
    shares = {"E->I": 0.5, "I->E": 0.6}
    one, two = (Connectivity(density=dict(s)) for s in (shares.items(), [*shares.items()][::-1]))
    assert one == two and hash(one) == hash(two) and repr(one) == repr(two)


@pytest.mark.parametrize("n", [1, 2, 4, 7, 11, 12, 300])
def test_the_least_density_that_is_told_will_do(n):
    units = nt.Units(n)
    with pytest.raises(ValueError, match="or more, or unit 0 receives none") as error:
        resolve(post=units, density=0.5 / n * 0.99)
    least = float(str(error.value).split("must be ")[1].split()[0])
    assert set(resolve(post=units, density=least).exists.sum(1)) == {1}
    assert least < 0.5 / n * 1.02


def test_a_unit_that_may_receive_nothing_is_no_error():
    mask = np.ones((4, 4))
    mask[2] = 0
    assert resolve(mask=mask, density=0.5).exists.sum(1).tolist() == [2, 2, 0, 2]


def test_draws_belong_to_the_generator():
    def draw(seed):
        return resolve(post=nt.Units(40), density=0.3, seed=seed).exists

    assert np.array_equal(draw(1), draw(1)) and not np.array_equal(draw(1), draw(2))


# --- which learn, and their signs ------------------------------------------------------------


@pytest.mark.parametrize(
    ("frozen", "wanted"),
    [
        (None, np.zeros((30, 30), bool)),
        (False, np.zeros((30, 30), bool)),
        (True, np.ones((30, 30), bool)),
        ("E->I", pairs("I", "E")),
        (("E->I", "I->E"), pairs("I", "E") | pairs("E", "I")),
        (np.eye(30), np.eye(30, dtype=bool)),
    ],
)
def test_frozen(frozen, wanted):
    synapses = resolve(post=AREAS, frozen=frozen, forbidden="PPC->PFC")
    absent = pairs("PFC", "PPC")
    assert np.array_equal(synapses.frozen, wanted & ~absent)
    assert np.array_equal(synapses.plastic, ~wanted & ~absent)
    assert np.array_equal(synapses.exists, ~absent)


def test_sign():
    into = dict(post=AREAS, pre=INPUTS, kernel="input")
    out = dict(post=OUTPUTS, pre=AREAS, kernel="output")
    assert not resolve(**into).sign.any()
    assert resolve(**into, sign=1).sign.tolist() == [1, 1, 1]
    assert resolve(**into, sign=(1, 0, -1)).sign.tolist() == [1, 0, -1]
    assert np.array_equal(resolve(**out).sign, AREAS.sign)
    assert not resolve(**out, sign=0).sign.any()
    assert resolve(sign=-1).sign.tolist() == [-1] * 4
    assert np.array_equal(resolve(post=AREAS, sign=AREAS.sign).sign, AREAS.sign)


# --- settings --------------------------------------------------------------------------------

SETTINGS = [
    dict(),
    dict(mask=MASK, frozen=FROZEN, density=0.5, initializer=Gaussian(2.0)),
    dict(mask=MASK * 0.5, frozen="E->I", sign=np.array([1, 0, -1, 1]), law="projection"),
    dict(density={"I->": 0.5, "E -> I": 0.25}, forbidden=["I->I"], to="PPC", of=("E", "I")),
    dict(autapses=False, frozen=True, sign=1, initializer=Given(np.eye(3))),
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_repr_is_exact_and_plain_data_restore(settings):
    c = Connectivity(**settings)
    names = {"Connectivity": Connectivity, "Gaussian": Gaussian, "Given": Given}
    assert eval(repr(c), names) == c
    again = Connectivity.from_config(c.get_config())
    assert again == c and hash(again) == hash(c) and repr(again) == repr(c)
    assert c.replace() == c


@pytest.mark.parametrize(("one", "two"), [*itertools.combinations(range(len(SETTINGS)), 2)])
def test_different_settings_are_different(one, two):
    assert Connectivity(**SETTINGS[one]) != Connectivity(**SETTINGS[two])


def test_initializers_may_be_given_in_other_forms():
    assert Connectivity(initializer=MASK).initializer == Given(MASK)
    made = Connectivity(initializer="glorot_uniform").initializer
    assert made == Connectivity(initializer=keras.initializers.GlorotUniform()).initializer


def test_settings_are_kept_and_frozen():
    mask, frozen, density = np.ones((4, 4)), np.zeros((4, 4)), {"->": 0.5}
    c = Connectivity(mask=mask, frozen=frozen, density=density, autapses=False)
    resolve(c)
    assert mask.all() and not frozen.any()
    mask[:], density["->"] = 0, 0.75
    assert resolve(c).exists.any() and c.density == {"->": 0.5}
    with pytest.raises(AttributeError, match="cannot assign to field 'density'"):
        c.density = 0.2
    assert c.replace(density=0.2).density == 0.2
    with pytest.raises(TypeError, match="unexpected keyword argument 'densty'"):
        c.replace(densty=0.2)


# --- composition -----------------------------------------------------------------------------

PARTS = [
    Connectivity(mask=np.random.default_rng(0).random((30, 30)) < 0.7),
    Connectivity(mask=np.random.default_rng(1).random((30, 30)) * 2),
    Connectivity(autapses=False, frozen="E->I"),
    Connectivity(forbidden=("PPC.I->PFC", "PFC.I->PPC"), frozen=("I->E", "E->I")),
    Connectivity(forbidden="I->I", to="PPC"),
    Connectivity(density={"E->": 0.5}),
    Connectivity(sign=tuple(AREAS.sign), law="projection"),
]


def same(one, two):
    return all(
        np.array_equal(getattr(one, name), getattr(two, name))
        for name in ("strength", "plastic", "sign")
    )


@pytest.mark.parametrize("a", PARTS)
def test_nothing_said_changes_nothing(a):
    assert a & Connectivity() == a and Connectivity() & a == a


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations(PARTS, 2)])
def test_order_changes_nothing(a, b):
    assert same(resolve(a & b, AREAS), resolve(b & a, AREAS))


def test_grouping_changes_nothing():
    for a, b, c in itertools.combinations(PARTS, 3):
        one, two = (a & b) & c, a & (b & c)
        np.testing.assert_allclose(one.mask or 0, two.mask or 0, rtol=1e-15)
        assert one.replace(mask=None) == two.replace(mask=None)


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations(PARTS[:5], 2)])
def test_allowed_synapses_intersect_and_frozen_ones_unite(a, b):
    both, one, two = resolve(a & b, AREAS), resolve(a, AREAS), resolve(b, AREAS)
    assert np.array_equal(both.strength, one.strength * two.strength)
    assert np.array_equal(both.plastic, one.plastic & two.plastic)


def test_frozen_arrays_unite():
    both = Connectivity(frozen=MASK) & Connectivity(frozen=FROZEN)
    assert np.array_equal(both.frozen, (MASK | FROZEN) == 1)
    assert (Connectivity(frozen=True) & Connectivity(frozen="E->I")).frozen is True


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (dict(density=0.5), dict(density={"E->I": 0.5})),
        (dict(to="PPC"), dict(to="PFC")),
        (dict(of="PPC"), dict(of="PFC")),
        (dict(sign=1), dict(sign=0)),
        (dict(initializer=Gaussian(1.0)), dict(initializer=Gaussian(2.0))),
    ],
)
def test_settings_that_contradict_each_other(one, two):
    (name,) = one
    with pytest.raises(ValueError, match=f"`{name}` must be the same in both or the default in"):
        Connectivity(**one) & Connectivity(**two)
    assert Connectivity(**one) & Connectivity(**one) == Connectivity(**one)


def test_bad_compositions():
    with pytest.raises(
        ValueError, match=r"`mask` must have one shape .*, got \(4, 4\) and \(2, 2\)"
    ):
        Connectivity(mask=MASK) & Connectivity(mask=np.ones((2, 2)))
    with pytest.raises(ValueError, match="`frozen` must be labels in both or an array in both"):
        Connectivity(frozen=MASK) & Connectivity(frozen="E->I")
    with pytest.raises(TypeError, match="unsupported operand"):
        Connectivity() & 3


# --- errors ----------------------------------------------------------------------------------

BAD_MASK = np.ones((4, 4))
BAD_MASK[1, 2] = -0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(density=0.0), r"`density` must be a number in \(0, 1\], got 0.0"),
        (dict(density=1.5), r"`density` must be a number in \(0, 1\], got 1.5"),
        (dict(density={"E->I": 0}), r"`density\['E->I'\]` must be a number in \(0, 1\], got 0"),
        (dict(density={"E": 0.5}), r"`density` must be made of labels PRE->POST, .* got \('E',\)"),
        (
            dict(density={"E->I": 0.5, "E -> I": 0.4}),
            r"`density` must give one share for each label, got two of 'E->I'",
        ),
        (dict(autapses=0), r"`autapses` must be True or False, got 0"),
        (
            dict(mask=BAD_MASK),
            r"`mask` must be an array \(post, pre\) of numbers of 0 or more, got -0.5\. The sign",
        ),
        (dict(mask=BAD_MASK * np.nan), r"`mask` must be .* of 0 or more, got nan"),
        (dict(mask=BAD_MASK * np.inf), r"`mask` must be .* of 0 or more, got inf"),
        (dict(mask=[1, 0]), r"`mask` must be .* of 0 or more, got int64 of shape \(2,\)"),
        (dict(mask=[[1, 0], [1]]), r"`mask` must be .* of 0 or more, got rows of different length"),
        (dict(mask="E->I"), r"`mask` must be .* of 0 or more, got <U4 of shape \(\)"),
        (
            dict(frozen=np.full((4, 4), 0.5)),
            r"`frozen` must be True, labels such as \"E->I\", or an array \(post, pre\) of 0 and 1, got 0.5",
        ),
        (dict(frozen=1), r"`frozen` must be True, labels .* got int64 of shape \(\)"),
        (dict(frozen="PPC"), r"`frozen` must be made of labels PRE->POST, .* got 'PPC'"),
        (dict(forbidden="PPC"), r"`forbidden` must be made of labels PRE->POST, .* got 'PPC'"),
        (dict(to="E->I"), r"`to` must be a label such as \"PPC.E\", or several, got 'E->I'"),
        (dict(of=()), r"`of` must be a label such as \"PPC.E\", or several, got \(\)"),
        (
            dict(sign=2),
            r"`sign` must be 1, -1, 0 for any, or one of them for each that sends, got 2",
        ),
        (dict(sign=True), r"`sign` must be 1, -1, 0 for any, .* got True"),
        (dict(sign="+"), r"`sign` must be 1, -1, 0 for any, .* got '\+'"),
        (dict(law="abs"), r"`law` must be one of \"magnitude\", \"projection\", got 'abs'"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Connectivity(**settings)


TYPED = nt.Units({"PPC": 10, "PFC": 10}, excitatory=0.5)
FLIPPED = TYPED.sign.copy()
FLIPPED[13] = -1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            dict(mask=np.ones((4, 5))),
            r"`recurrent.mask` must have the shape \(post, pre\) = \(4, 4\), got \(4, 5\)\.$",
        ),
        (
            dict(post=AREAS, pre=INPUTS, kernel="input", mask=np.ones((3, 30))),
            r"`input.mask` must have the shape \(post, pre\) = \(30, 3\), got \(3, 30\)\. Transpose it",
        ),
        (
            dict(frozen=np.ones((5, 4))),
            r"`recurrent.frozen` must have the shape \(post, pre\) = \(4, 4\), got \(5, 4\)",
        ),
        (
            dict(post=AREAS, pre=INPUTS, kernel="input", autapses=False),
            r"`input.autapses` must be True: only recurrent synapses can be autapses\.",
        ),
        (
            dict(post=AREAS, forbidden="PCP->PFC"),
            r"`recurrent.forbidden` must be made of \"E\", \"I\", \"PFC\", \"PPC\", got 'PCP'",
        ),
        (dict(post=AREAS, frozen="PCP->PFC"), r"`recurrent.frozen` must be made of .*, got 'PCP'"),
        (
            dict(post=AREAS, density={"PCP->PFC": 0.5}),
            r"`recurrent.density` must be made of .*, got 'PCP'",
        ),
        (dict(post=AREAS, of="PCP"), r"`recurrent.of` must be made of .*, got 'PCP'"),
        (dict(post=AREAS, to="PCP"), r"`recurrent.to` must be made of .*, got 'PCP'"),
        (
            dict(post=AREAS, pre=INPUTS, kernel="input", forbidden="moton->PPC"),
            r"`input.forbidden` must be among the input channels .* got 'moton'. Did you mean \"motion\"\?",
        ),
        (
            dict(post=AREAS, density={"E->": 0.5, "->I": 0.5}),
            r"`recurrent.density` must be of synapses that do not overlap, got '->I' and 'E->'",
        ),
        (
            dict(post=TYPED, density={"PPC.I->PFC": 0.1}),
            r"`recurrent.density\['PPC.I->PFC'\]` must be 0.101 or more, or unit 10 \(PFC.E\) receives none of its 5 possible synapses, got 0.1\.",
        ),
        (
            dict(post=OUTPUTS, pre=FOUR, kernel="output", density=0.1),
            r"`output.density` must be 0.126 or more, or output \"left\" receives none of its 4 possible synapses, got 0.1\.",
        ),
        (
            dict(post=AREAS, pre=INPUTS, kernel="input", sign=(1, 1)),
            r"`input.sign` must be one sign or one for each of the 3 that send, got 2\.",
        ),
        (
            dict(post=TYPED, sign=FLIPPED),
            r"`recurrent.sign` must be that of the units' types, 1 for unit 13 \(PFC.E\), got -1\.",
        ),
        (dict(post=TYPED, sign=1), r"`recurrent.sign` must be .* -1 for unit 5 \(PPC.I\), got 1\."),
        (dict(post=TYPED, sign=0), r"`recurrent.sign` must be .* 1 for unit 0 \(PPC.E\), got 0\."),
    ],
)
def test_settings_that_do_not_fit_the_units(settings, message):
    with pytest.raises(ValueError, match=message):
        resolve(**settings)


# --- figure ----------------------------------------------------------------------------------


def test_plot_shows_the_synapses_that_a_seed_draws():
    before = dict(plt.rcParams)
    c = Connectivity(density=0.5, forbidden="PPC.I->PFC", frozen="E->I", autapses=False)
    ax = c.plot(AREAS, seed=3)
    from neurotask._streams import Stream, generator

    synapses = c.resolve("recurrent", AREAS, AREAS, AREAS.sign, generator(3, Stream.MASKS, 1))
    image = ax.images[0].get_array()
    assert np.array_equal((image == 1).all(-1), ~synapses.exists)
    plastic_inhibitory = (image == to_rgb("#56A8DC")).all(-1)
    assert np.array_equal(plastic_inhibitory, synapses.plastic & (AREAS.sign < 0))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("presynaptic unit", "postsynaptic unit")
    ticks = [text.get_text() for text in ax.get_xticklabels()]
    assert ticks == ["PPC.E", "PPC.I", "PFC.E", "PFC.I"]
    assert ax.get_xticks().tolist() == [3.5, 8.5, 17.5, 27.5]
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["excitatory", "excitatory, frozen", "inhibitory", "absent"]
    assert dict(plt.rcParams) == before


def test_plot_of_numbers_and_names():
    ax = plt.figure().add_subplot()
    assert Connectivity().plot(5, ax=ax) is ax and ax.images[0].get_array().shape == (5, 5, 3)
    ax = Connectivity(to="PPC").plot(AREAS, ("fixation", "motion"), kernel="input")
    assert ax.get_xlabel() == "presynaptic channel"
    assert ax.images[0].get_array().shape == (30, 2, 3)
    ax = Connectivity().plot(["left", "right"], AREAS, kernel="output")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["left", "right"]
    alternating = nt.Units(60, excitatory=[1, -1] * 30)
    assert "E" not in {
        text.get_text() for text in Connectivity().plot(alternating).get_xticklabels()
    }


def test_bad_plots():
    with pytest.raises(
        ValueError, match=r"`post` must be Units, their number or names of channels, got 2.5"
    ):
        Connectivity().plot(2.5)
    with pytest.raises(ValueError, match=r'`kernel` must be one of .* Did you mean "input"\?'):
        Connectivity().plot(5, kernel="inputs")
