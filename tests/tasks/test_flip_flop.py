"""Flip-flop: targets and conditions by playing the pulses back."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.distributions import Uniform


@pytest.fixture
def task():
    return nt.load("flip_flop")


@pytest.mark.parametrize("n_bits", [1, 3])
def test_targets_follow_from_the_inputs(task, n_bits):
    trials = task.replace(noise=0.0, n_bits=n_bits).trials(4, seed=1)
    for row in range(4):
        kept = np.zeros(n_bits)
        for step in range(trials.lengths[row]):
            pulse = trials.inputs[row, step]
            kept = np.where(pulse != 0, pulse, kept)
            asked = (kept != 0) & (pulse == 0)
            assert trials.mask[row, step].tolist() == asked.tolist()
            assert trials.targets[row, step][asked].tolist() == kept[asked].tolist()


def test_conditions_by_a_loop(task):
    for _, block in task.trials(20, seed=2).conditions.groupby("block"):
        kept = dict.fromkeys(task.outputs, "?")
        for n_pulses, (_, pulse) in enumerate(block.iterrows(), 1):
            was, kept[pulse["bit"]] = kept[pulse["bit"]], pulse["sign"]
            effect = "sets" if was == "?" else "repeats" if was == pulse["sign"] else "flips"
            assert (pulse["effect"], pulse["n_pulses"]) == (effect, n_pulses)
            assert pulse["state"] == "".join(kept.values())
            numbers = [pulse[f"state_{bit}"] for bit in range(3)]
            assert numbers == [{"?": 0, "-": -1, "+": 1}[sign] for sign in kept.values()]


def test_pulses_are_even_and_two_a_second(task):
    trials = task.trials(500, seed=3)
    shares = trials.conditions[["bit", "sign"]].value_counts(normalize=True)
    assert shares.to_numpy() == pytest.approx(np.full(6, 1 / 6), abs=0.02)
    assert 1000.0 / (trials.phases.lengths.mean() * task.dt) == pytest.approx(2.0, abs=0.05)


def test_a_wrong_bit_costs_the_trials_it_is_wrong_in(task):
    bits = ["bit_0", "bit_1", "bit_2"] + ["bit_0"] * 7
    trials = task.trials(1, seed=4, bit=[bits])
    outputs = trials.targets.copy()
    start, stop = trials.phases.steps("hold")
    outputs[0, start[7] : stop[7], 1] *= -1
    table = task.behavior(trials, outputs)
    assert table["correct"].tolist() == [1.0] * 7 + [0.0] + [1.0] * 2
    assert table["error"][7] == pytest.approx(2 / np.sqrt(3))  # one bit of three is off by 2


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(n_bits=0), "`n_bits` must be a whole number of 1 or more, got 0"),
        (dict(pulse=Uniform(20.0, 100.0)), "`pulse` must be a number above 0, got Uniform"),
        (dict(pulse=0.0), "`pulse` must be a number"),
    ],
)
def test_refused(task, settings, message):
    with pytest.raises(ValueError, match=message):
        task.replace(**settings)


def test_a_bit_that_is_not_there_is_refused(task):
    with pytest.raises(ValueError, match='`bit` must be one of "bit_0"'):
        task.trials(1, bit="bit_3")


def test_a_pulse_of_another_length_asks_for_its_bit_when_it_is_over(task):
    trials = task.replace(n_bits=1, trials_per_block=1).trials(1, pulse=400.0, hold=200.0)
    assert trials.mask[0, :, 0].tolist() == [0] * 20 + [1] * 10


def test_it_is_a_block_task(task):
    with pytest.raises(ValueError, match=r"`trials_per_block` must be a whole number .*, got None"):
        task.replace(trials_per_block=None)
