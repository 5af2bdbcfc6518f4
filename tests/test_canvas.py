"""The verbs of painting, each against a plain loop over trials and steps."""

import numpy as np
import pytest

import neurotask as nt
from neurotask._normals import normals
from neurotask._painting import FEW
from neurotask.canvas import Canvas
from neurotask.conditions import Conditions
from neurotask.phases import Phases, lay_out

FIXED = np.array([[0, 2, 5, 8]] * 3)
VARIED = np.array([[0, 2, 5, 8], [0, 1, 1, 4], [0, 3, 7, 10]])


def canvas(edges=VARIED, n_steps=10, choices=("l", "r")):
    names, lengths = ("before", "on", "after"), edges[:, -1]
    phases = Phases(names, edges[:, :-1], edges[:, 1:], lengths, dt=10.0)
    conditions = Conditions({"c": np.array([0.1, -0.2, 0.3])})
    return Canvas(
        ("u", "v"), ("l", "r"), choices, conditions, phases, n_steps, np.random.default_rng(0)
    )


def by_loop(edges, first, last, value, n_steps=10):
    """Paint `value(trial, step)` from edge `first` (plus steps) to edge `last`, step by step."""
    (first, shift), layer = first, np.zeros((3, n_steps), np.float32)
    for trial in range(3):
        for step in range(n_steps):
            if edges[trial, first] + shift <= step < edges[trial, last]:
                layer[trial, step] = value(trial, step)
    return layer


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
@pytest.mark.parametrize(
    ("stretch", "first", "last"),
    [
        (dict(phase="on"), (1, 0), 2),
        (dict(phase="on", delay=10.0), (1, 1), 2),
        (dict(since="on"), (1, 0), 3),
        (dict(until="on"), (0, 0), 1),
        (dict(), (0, 0), 3),
    ],
)
def test_stretches(edges, stretch, first, last):
    t = canvas(edges)
    t.input("u", 2.0, **stretch)
    assert np.array_equal(t.inputs[..., 0], by_loop(edges, first, last, lambda i, k: 2.0))
    assert not t.inputs[..., 1].any()


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
def test_values_a_trial_and_courses_in_time(edges):
    t = canvas(edges)
    t.input("u", t.conditions.c, phase="on")
    t.input("v", np.arange(10.0)[None], phase="on")
    t.input("v", 1.0, phase="on")  # inputs add up
    c = t.conditions.c
    assert np.array_equal(t.inputs[..., 0], by_loop(edges, (1, 0), 2, lambda i, k: c[i]))
    assert np.array_equal(t.inputs[..., 1], by_loop(edges, (1, 0), 2, lambda i, k: k + 1))


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
def test_targets_and_mask(edges):
    t = canvas(edges)
    t.target("l", 0.7, phase="after", grace=10.0, weight=2.0)
    assert np.array_equal(
        t.targets[..., 0], by_loop(edges, (2, 0), 3, lambda i, k: np.float32(0.7))
    )
    assert np.array_equal(t.mask[..., 0], by_loop(edges, (2, 1), 3, lambda i, k: 2.0))
    assert not t.mask[..., 1].any()


OUT = nt.Ring("out", 4)


def wide(edges=VARIED, outputs=("fixation", "l", "r", *OUT), **conditions):
    """A canvas with a fixation point, four inputs in a ring, and a ring of outputs."""
    names, inputs = ("before", "on", "after"), ("fixation", "x", *nt.Ring("in", 4), "y")
    phases = Phases(names, edges[:, :-1], edges[:, 1:], edges[:, -1], dt=10.0)
    conditions = Conditions({k: np.array(v) for k, v in conditions.items()})
    rng = np.random.default_rng(0)
    return Canvas(inputs, outputs, ("l", "r"), conditions, phases, 10, rng)


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
@pytest.mark.parametrize(
    ("channel", "places"),
    [
        (nt.Ring("in", 4), [2, 3, 4, 5]),
        (("x", "in_0", "in_1", "in_2"), [1, 2, 3, 4]),
        (("y", "fixation", "in_2", "x"), [6, 0, 4, 1]),  # neither adjacent nor in order
        (("in_1", "in_0", "in_3", "in_2"), [3, 2, 5, 4]),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        lambda i, k, c: 0.5,
        lambda i, k, c: i + 1.0,
        lambda i, k, c: 10.0 * i + c,
        lambda i, k, c: k + 100.0 * c,
        lambda i, k, c: i + 10.0 * k + 100.0 * c,
    ],
    ids=["number", "trial", "trial-channel", "time-channel", "trial-time-channel"],
)
def test_several_channels_at_once(edges, channel, places, value):
    i, k, c = np.ogrid[:3, :10, :4]
    full = np.broadcast_to(value(i, k, c), (3, 10, 4)) + 0.0
    given = _least(full)
    t = wide(edges)
    t.input(channel, given, phase="on")
    t.input(channel, given, phase="on")  # inputs add up
    t.target(("r", "out_3"), 0.25, phase="on")
    for at in range(7):
        shown = np.zeros((3, 10))
        if at in places:
            inside = by_loop(edges, (1, 0), 2, lambda i, k: 1.0)
            shown = 2 * inside * full[..., places.index(at)]
        assert np.array_equal(t.inputs[..., at], shown.astype("f4"))
    for at in range(7):
        wanted = by_loop(edges, (1, 0), 2, lambda i, k, at=at: 0.25 * (at in (2, 6)))
        assert np.array_equal(t.targets[..., at], wanted)
        assert np.array_equal(t.mask[..., at], wanted * 4)


def _least(full):
    """The smallest array that says the same: without the axes along which nothing varies."""
    if (full == full[0, 0, 0]).all():
        return full[0, 0, 0]
    if (full == full[:, :1, :1]).all():
        return full[:, 0, 0]
    if (full == full[:, :1]).all():
        return full[:, 0]
    return full[:1] if (full == full[:1]).all() else full


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
@pytest.mark.parametrize("n", [FEW, FEW + 1], ids=["few", "many"])
def test_many_channels_are_painted_as_few_are(edges, n):
    names, ring = ("before", "on", "after"), nt.Ring("in", n)
    phases = Phases(names, edges[:, :-1], edges[:, 1:], edges[:, -1], dt=10.0)
    rng = np.random.default_rng(0)
    t = Canvas(("u", *ring), ("l", *ring), ("l",), Conditions({}), phases, 10, rng)
    i, k, c = np.ogrid[:3, :10, :n]
    given = i + 10.0 * k + 100.0 * c
    t.input(ring, given, phase="on")
    t.input(ring, given[:, 0], phase="on")
    t.target(ring, given, phase="on", weight=given[:, 0])
    inside = by_loop(edges, (1, 0), 2, lambda i, k: 1.0)[..., None]
    assert np.array_equal(t.inputs[..., 1:], inside * (given + given[:, :1]))
    assert np.array_equal(t.targets[..., 1:], inside * given)
    assert np.array_equal(t.mask[..., 1:], inside * given[:, :1])
    assert not (t.inputs[..., 0].any() or t.targets[..., 0].any())
    # Noise is drawn in the order trial, step, channel for those steps that are in the stretch.
    before, drawn = t.inputs.copy(), normals(np.random.default_rng(0), (int(inside.sum()), n), 10.0)
    t.input(ring, 0.0, phase="on", noise=1.0)
    shown = before[..., 1:][inside[..., 0] > 0] + drawn
    assert np.array_equal(t.inputs[..., 1:][inside[..., 0] > 0], shown)


def test_times_that_all_trials_share_are_as_one_number():
    one, each = canvas(FIXED), canvas(FIXED)
    one.input("u", one.conditions.c, phase="on", delay=10.0, duration=20.0, noise=0.1)
    delay, duration = np.full(3, 10.0), np.full(3, 20.0)
    each.input("u", each.conditions.c, phase="on", delay=delay, duration=duration, noise=0.1)
    assert one.inputs.any()
    assert np.array_equal(one.inputs, each.inputs)


def test_noise_in_several_channels_is_each_its_own():
    phases = lay_out({"on": np.full(4000, 2)}, 4000, dt=10.0)
    names = ("a", "b", "c")
    t = Canvas(names, ("z",), ("z",), Conditions({}), phases, 2, np.random.default_rng(0))
    t.input(("c", "a"), 1.0, noise=0.3)
    assert not t.inputs[..., 1].any()
    drawn = t.inputs[..., [0, 2]].reshape(4000, 4)
    assert np.allclose(drawn.mean(0), 1.0, atol=4 * 3 / np.sqrt(4000))
    # A density: 0.3 over a second is 0.3 / sqrt(0.01) = 3 in a step of 10 ms.
    assert np.allclose(np.cov(drawn.T), 9 * np.eye(4), atol=9 * 4 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("edges", [FIXED, VARIED], ids=["fixed", "varied"])
@pytest.mark.parametrize("delay", [0.0, 10.0, [0.0, 20.0, 30.0]])
@pytest.mark.parametrize("duration", [None, 0.0, 20.0, [30.0, 10.0, 500.0]])
@pytest.mark.parametrize(
    ("stretch", "first", "last"),
    [(dict(phase="on"), 1, 2), (dict(since="on"), 1, 3), (dict(until="after"), 0, 2), ({}, 0, 3)],
)
def test_delay_and_duration(edges, delay, duration, stretch, first, last):
    t = canvas(edges)
    t.input("u", 1.0, delay=delay, duration=duration, **stretch)
    t.target("l", 0.5, delay=delay, duration=duration, grace=10.0, **stretch)
    shift = np.broadcast_to(delay, 3) / 10
    lasts = np.broadcast_to(1e6 if duration is None else duration, 3) / 10
    shown, counts = np.zeros((2, 3, 10))
    for i in range(3):
        for k in range(10):
            start, stop = edges[i, first] + shift[i], edges[i, last]
            shown[i, k] = start <= k < min(stop, start + lasts[i])
            counts[i, k] = shown[i, k] and k >= start + 1
    assert np.array_equal(t.inputs[..., 0], shown)
    assert np.array_equal(t.targets[..., 0], 0.5 * shown.astype("f4"))
    assert np.array_equal(t.mask[..., 0], counts)


def test_hold():
    t = wide()
    t.hold(until="after", high=0.9, low=0.1, weight=2.0)
    for at in range(7):
        level = np.float32(0.9 if at == 0 else 0.1)
        assert np.array_equal(
            t.targets[..., at], by_loop(VARIED, (0, 0), 2, lambda i, k, level=level: level)
        )
    assert np.array_equal(t.mask[..., 3], by_loop(VARIED, (0, 0), 2, lambda i, k: 2.0))


def test_a_direction_is_a_bump():
    t = wide()
    t.target_direction(OUT, [0.0, 90.0, 300.0], phase="after", grace=10.0, low=0.1, high=0.8)
    assert t.answers.tolist() == [0, 0, 0]
    for trial, direction in enumerate((0.0, 90.0, 300.0)):
        shown = t.targets[trial, VARIED[trial, 2]]
        assert shown[3:] == pytest.approx(0.1 + 0.7 * OUT.bump(direction))
        assert shown[0] == np.float32(0.1) and not shown[1:3].any()
    assert np.array_equal(t.mask[..., 4], by_loop(VARIED, (2, 1), 3, lambda i, k: 1.0))
    assert np.array_equal(t.mask[..., 0], t.mask[..., 4]) and not t.mask[..., 1].any()


@pytest.mark.parametrize("catch", [False, True])
def test_withholding_asks_for_fixation(catch):
    withhold = np.array([True, False, False])
    t = wide(catch=withhold) if catch else wide()
    t.target_choice(np.array([1, 1, 0]), phase="after", withhold=False if catch else withhold)
    assert t.answers.tolist() == [-2, 1, 0]
    start = VARIED[:, 2]
    shown = t.targets[np.arange(3), start, :3].tolist()
    assert shown == pytest.approx(np.array([[1, 0.2, 0.2], [0.2, 0.2, 1], [0.2, 1, 0.2]]))
    t.target_direction(OUT, 90.0, phase="after", withhold=False if catch else withhold)
    assert t.answers.tolist() == [-2, 0, 0]
    shown = t.targets[np.arange(3), start]
    assert shown[0, [0, 3, 4, 5, 6]] == pytest.approx([1.0, 0.2, 0.2, 0.2, 0.2])
    assert shown[1, [0, 4]] == pytest.approx([0.2, 1.0])


def test_a_catch_trial_shows_its_noise_and_the_fixation_point():
    t = wide(FIXED, catch=[True, False, True])
    t.input("fixation")
    t.input("x", 2.0, phase="on")
    t.input(("y", "fixation"), 3.0, phase="on")
    t.input("in_0", 5.0, phase="on", noise=0.1)
    shown = t.inputs[:2, 3]
    assert shown[0, [0, 1, 6]].tolist() == [4.0, 0.0, 0.0]
    assert shown[1, [0, 1, 6]].tolist() == [4.0, 2.0, 3.0]
    assert 0 < abs(shown[0, 2]) < 4 and 1 < shown[1, 2] < 9 and shown[1, 2] != 5
    still, noisy = wide(catch=[True] * 3), wide(catch=[True] * 3)
    still.input("x", 0.0, phase="on", noise=0.1)
    noisy.input("x", 7.0, phase="on", noise=0.1)
    assert np.array_equal(still.inputs, noisy.inputs)


def test_withholding_needs_an_output_to_show_it():
    message = r'`outputs` must have "fixation" where a response can be withheld, got "l", "r"'
    with pytest.raises(ValueError, match=message):
        canvas().target_choice(np.ones(3), phase="after", withhold=[True, False, False])


def test_noise_stays_in_its_phase():
    t = canvas()
    t.input("u", noise=0.1, value=0.0, phase="on")
    inside = by_loop(VARIED, (1, 0), 2, lambda i, k: 1.0).astype(bool)
    assert t.inputs[..., 0][inside].all() and not t.inputs[..., 0][~inside].any()


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        ([0.5, -0.5, 0.0], [1, 0, -1]),
        ([True, False, True], [1, 0, 1]),
        ([1, -1, 0], [1, -1, 0]),
    ],
)
def test_choices_of_two(answer, places):
    t = canvas()
    t.target_choice(np.array(answer), phase="after")
    assert t.answers.tolist() == places
    start = VARIED[:, 2]
    for trial, place in enumerate(places):
        assert sorted(t.targets[trial, start[trial]]) == pytest.approx([0.2, 1.0])
        if place >= 0:
            assert t.targets[trial, start[trial], place] == 1.0


def test_trials_without_an_answer_are_trained_to_either():
    phases = lay_out({"on": np.full(2000, 2)}, 2000, dt=10.0)
    t = Canvas((), ("l", "r"), ("l", "r"), Conditions({}), phases, 2, np.random.default_rng(0))
    t.target_choice(np.zeros(2000), phase="on")
    assert (t.answers == -1).all()
    assert t.targets[:, 0, 1].mean() == pytest.approx(0.6, abs=0.03)


def test_signed_whole_numbers_are_no_places():
    with pytest.raises(ValueError, match=r"Give signed evidence for two choices as floats"):
        canvas().target_choice(np.array([2, -3, 0]), phase="after")


@pytest.mark.parametrize("answer", [[5, 0, 1], [0.5, 0, 1], [True, False, True]])
def test_wrong_answers(answer):
    phases = lay_out({"on": np.array([2, 2, 2])}, 3, dt=10.0)
    names = ("a", "b", "c")
    t = Canvas((), names, names, Conditions({}), phases, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"`answer` must be a place among the 3 choices"):
        t.target_choice(np.array(answer), phase="on")


@pytest.mark.parametrize(
    ("paint", "message"),
    [
        (
            lambda t: t.input("u", np.ones(4)),
            r"`value` must be a number, one a trial .* \(3,\) or \(3, 10\), got shape \(4,\)",
        ),
        (
            lambda t: t.input("u", np.ones((3, 4))),
            r"`value` must be a number, one a trial .* got shape \(3, 4\)",
        ),
        (
            lambda t: t.input("u", "high"),
            r"`value` must be a number or an array of numbers, got 'high'",
        ),
        (lambda t: t.target("l", 1.0, weight=-1.0), r"`weight` must be 0 or more, got -1"),
        (lambda t: t.target("l", 1.0, weight=np.nan), r"`weight` must be 0 or more, got nan"),
        (
            lambda t: t.input(("u", "v"), np.ones((3, 3))),
            r"`value` must be .* or \(trial, channel\), here \(3, 2\) or \(3, 10, 2\), got shape",
        ),
        (
            lambda t: t.input(("u", "w"), 1.0),
            r"`input channel` must be one of \"u\", \"v\", got 'w'",
        ),
        (
            lambda t: t.input("u", delay=[10.0, 20.0]),
            r"`delay` must be a time or one a trial, shape \(3,\) here, got shape \(2,\)",
        ),
        (
            lambda t: t.input("u", duration=np.full((3, 1), 10.0)),
            r"`duration` must be a time or one a trial, shape \(3,\) here, got shape \(3, 1\)",
        ),
        (lambda t: t.target("l", 1.0, grace=[10.0]), r"`grace` must be a time or one a trial"),
        (lambda t: t.input("u", delay=5.0), r"`delay` must be a whole multiple of dt = 10 ms"),
        (lambda t: t.input("u", duration=-10.0), r"`duration` must be a time of 0 ms or more"),
        (
            lambda t: t.target_choice(np.ones(4), phase="on"),
            r"`answer` must be one a trial, shape \(3,\) here, got shape \(4,\)",
        ),
        (
            lambda t: t.target_choice(np.full(3, np.nan), phase="on"),
            r"`answer` must be numbers, got NaN",
        ),
    ],
)
def test_values_that_do_not_fit(paint, message):
    with pytest.raises(ValueError, match=message):
        paint(canvas())


def test_negative_noise():
    with pytest.raises(ValueError, match=r"`noise` must be a number of 0 or more, got -1"):
        canvas().input("u", noise=-1)
