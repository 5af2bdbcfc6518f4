"""What variants of a comparison may be, and what all of them share."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask.comparison.compare import _check_start
from neurotask.comparison.variants import Variant, aimed, all_channels, variants_of
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

HARD = PerceptualDiscrimination(coherences=(0.128,), stimulus=200.0)
EASY = HARD.replace(coherences=(0.512,))
OTHER = GoNoGo(dt=HARD.dt)
COMMON = {"batch_size": 8, "units": 6}


def made(given, task=None, **common):
    return variants_of(given, task, COMMON | common)


def test_a_variant_is_what_it_is_trained_on_or_its_settings():
    variants, goal = made(
        {
            "ladder": [EASY, HARD],
            "stage": nt.Stage(HARD),
            "direct": HARD,
            "slow": {"learning_rate": 1e-4, "units": 9},
            "both": {"source": nt.Curriculum([EASY, HARD]), "batch_size": 4},
        },
        HARD,
    )
    by_name = {variant.name: variant for variant in variants}
    assert goal is HARD
    assert by_name["ladder"].source == nt.Curriculum([EASY, HARD])
    assert by_name["stage"].source == nt.Curriculum([nt.Stage(HARD)])
    assert by_name["direct"].source is by_name["slow"].source is HARD
    assert by_name["slow"].settings == {"batch_size": 8, "units": 9, "learning_rate": 1e-4}
    assert by_name["both"].batch_size == 4 and by_name["direct"].batch_size == 8


def test_a_list_of_curricula_gets_names():
    one, other = nt.Curriculum([EASY, HARD]), nt.Curriculum([HARD])
    variants, goal = made([one, other, HARD])
    assert [v.name for v in variants] == [
        "curriculum 1",
        "curriculum 2",
        "perceptual_discrimination",
    ]
    assert goal == HARD
    assert variants[0].folder == "curriculum_1"


def test_the_goal_is_that_of_all_curricula():
    wide = nt.Curriculum([OTHER, HARD])
    assert made({"a": wide, "b": HARD})[1] == HARD
    with pytest.raises(
        ValueError, match=r"`variants` must lead to one task, got Perceptual.*in 'b'"
    ):
        made({"a": HARD, "b": nt.Curriculum([HARD, EASY])})


@pytest.mark.parametrize(
    ("given", "task", "error", "message"),
    [
        ({}, HARD, ValueError, "`variants` must hold one or more, got none"),
        (3, HARD, TypeError, "`variants` must be a dict of what differs by name, got 3"),
        ({1: HARD}, None, TypeError, "`variants` must have names of text, got 1"),
        ({"a": 3}, HARD, TypeError, r"`variants\['a'\]` must be a task, a curriculum or a dict"),
        ({"a": {"seed": 3}}, HARD, ValueError, r"`variants\['a'\]` must not have seed, .* got 3"),
        ({"a": {"rule": "bptt"}}, None, ValueError, "`task` must be given, since variant 'a'"),
        ({"a b": {}, "a_b": {}}, HARD, ValueError, "names that differ as names of folders"),
        ({"a": {}}, "rdm", TypeError, "`task` must be a task, got 'rdm'"),
    ],
)
def test_what_is_no_variant_is_refused(given, task, error, message):
    with pytest.raises(error, match=message):
        made(given, task)


def test_settings_of_all_may_not_be_seeds():
    with pytest.raises(ValueError, match=r"`settings` must not have dt, .* got 20.0"):
        made({"a": {}}, HARD, dt=20.0)


def test_networks_of_a_pair_start_from_the_same_weights_whatever_they_learn():
    variants, goal = made({"wide": nt.Curriculum([OTHER, HARD]), "direct": HARD})
    channels = all_channels(variants, goal)
    assert channels[0][: len(HARD.inputs)] == HARD.inputs and set(OTHER.inputs) <= set(channels[0])
    first, second = (variant.model(channels, seed=3) for variant in variants)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    another = variants[1].model(channels, seed=4)
    differ = [
        not np.array_equal(*pair)
        for pair in zip(first.get_weights(), another.get_weights(), strict=True)
    ]
    assert sum(differ) >= 3  # input, recurrent and output weights
    starts: dict = {}
    _check_start(starts, "wide", first)
    _check_start(starts, "direct", second)
    second.set_weights([weights + 1 for weights in second.get_weights()])
    with pytest.raises(RuntimeError, match="start from the same weights in a pair, but 'direct'"):
        _check_start(starts, "direct", second)


def test_a_network_is_made_as_its_variant_says():
    settings = {"model": nt.GRU, "optimizer": "sgd", "learning_rate": 0.25, "rule": "bptt"}
    variants, goal = made({"a": settings, "b": {}}, HARD, loss="huber")
    gru, rate = (variant.model(all_channels(variants, goal), 0) for variant in variants)
    assert isinstance(gru, nt.GRU) and isinstance(rate, nt.RateRNN)
    assert isinstance(gru.optimizer, keras.optimizers.SGD)
    assert float(gru.optimizer.learning_rate) == 0.25
    assert isinstance(rate.optimizer, keras.optimizers.Adam)
    assert repr(gru.loss_function) == repr(rate.loss_function) == "Huber(delta=1.0, mean='weights')"


def test_each_network_has_an_optimizer_of_its_own():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    given = keras.optimizers.SGD(schedule, momentum=0.9)
    (variant,), goal = made({"a": {"optimizer": given}}, HARD)
    one, other = (variant.model(all_channels([variant], goal), seed) for seed in (0, 1))
    assert one.optimizer is not other.optimizer and not given.built
    assert one.optimizer.momentum == 0.9
    assert float(one.optimizer.learning_rate) == 0.5


def test_an_optimizer_has_its_own_learning_rate():
    (variant,), goal = made(
        {"a": {"optimizer": keras.optimizers.SGD(), "learning_rate": 1.0}}, HARD
    )
    with pytest.raises(ValueError, match=r"`learning_rate` must be left out .* got 1.0 beside"):
        variant.model(all_channels([variant], goal), 0)


def test_all_variants_have_one_criterion_and_equal_checks():
    target = nt.Stage(HARD, threshold=0.8, every=10)
    shaped = nt.Curriculum([EASY, HARD], target=nt.Stage(EASY))
    channels = (HARD.inputs, HARD.outputs)
    assert aimed(shaped, target, channels, 100) == nt.Curriculum([EASY, HARD], target=target)
    direct = aimed(HARD, target, channels, 100)
    assert direct.target == target
    # Its own stage comes to no test within the budget.
    (stage,) = direct.stages
    assert stage.threshold is None and stage.every == 101


def test_without_a_criterion_a_task_stays_a_task_on_all_channels():
    channels = ((*HARD.inputs, "tone"), HARD.outputs)
    assert aimed(HARD, None, channels, 9) == nt.OnChannels(
        task=HARD, inputs=channels[0], outputs=HARD.outputs
    )
    shaped = nt.Curriculum([EASY, HARD])
    assert aimed(shaped, None, channels, 9) is shaped


def test_names_become_folders():
    variant = Variant("0.7 → 0.1, steep", HARD, COMMON)
    assert variant.folder == "0.7_0.1_steep"
    assert replace(variant, name="→").folder == "variant"
