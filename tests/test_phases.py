"""Timing: phases without gaps on the grid of steps."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.phases import lay_out, longest, to_steps


def test_phases_follow_each_other():
    phases = lay_out({"a": np.array([2, 3]), "b": np.array([5, 1])}, 2, dt=10.0)
    assert phases["a"].tolist() == [[0, 20], [0, 30]]
    assert phases["b"].tolist() == [[20, 70], [30, 40]]
    assert phases.lengths.tolist() == [7, 4]


def test_remainder_fills_the_trial():
    steps = {"on": np.array([3, 8]), "rest": nt.Remainder(200.0)}
    phases = lay_out(steps, 2, dt=20.0)
    assert phases["rest"].tolist() == [[60, 200], [160, 200]]


def test_remainder_too_short():
    with pytest.raises(ValueError, match=r"`rest` must fill a trial of 100 ms, .* take 160 ms"):
        lay_out({"on": np.array([8]), "rest": nt.Remainder(100.0)}, 1, dt=20.0)


def test_longest_trial():
    durations = {"a": 100.0, "b": nt.Uniform(200.0, 500.0), "c": nt.Levels((20.0, 60.0))}
    assert longest(durations, dt=20.0) == (100 + 500 + 60) / 20


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        (
            410.0,
            r"`delay` must be a whole multiple of dt = 20 ms, got 410 ms. .* valid one is 400 ms",
        ),
        (5.0, r"got 5 ms. The nearest valid one is 20 ms"),
        (-20.0, r"`delay` must be a time of 0 ms or more, got -20 ms"),
        (np.nan, r"`delay` must be a time of 0 ms or more, got nan ms"),
    ],
)
def test_off_the_grid(duration, message):
    with pytest.raises(ValueError, match=message):
        to_steps("delay", duration, 20.0)


def test_decimal_time_steps_are_exact():
    # 0.3 / 0.1 is 2.9999999999999996: a floor would lose a step, a ceil of 0.7 / 0.1 gain one.
    assert to_steps("x", [0.3, 0.7], 0.1).tolist() == [3, 7]


def test_unknown_phase():
    phases = lay_out({"stimulus": np.array([2])}, 1, dt=10.0)
    with pytest.raises(ValueError, match=r'`phase` must be one of "stimulus", got .* Did you mean'):
        phases.steps("stimulis")
