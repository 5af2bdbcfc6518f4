"""The verbs of painting, each against a plain loop over trials and steps."""

import numpy as np
import pytest

from neurotask.canvas import Canvas, Conditions
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
