"""Chance is a pure function of (seed, stream, index)."""

import itertools

import numpy as np
import pytest

from neurotask._streams import Stream, generator, key


def test_same_address_same_numbers():
    assert generator(3, Stream.TRAINING, 5).random(4).tolist() == (
        generator(3, Stream.TRAINING, 5).random(4).tolist()
    )


def test_all_addresses_differ():
    addresses = itertools.product((0, 1, 7), Stream, (0, 1, 2))
    draws = [generator(seed, stream, at).random() for seed, stream, at in addresses]
    assert len(set(draws)) == 3 * len(Stream) * 3


def test_a_seed_is_not_the_tuple_of_itself():
    # default_rng(7) and default_rng((7, 0)) are the same generator: the trap that this file avoids.
    assert np.random.default_rng(7).random() == np.random.default_rng((7, 0)).random()
    assert generator(7, Stream.TRIALS).random() != generator(7, Stream.TRIALS, 0).random()


def test_keys_have_63_bits():
    keys = [key(seed, Stream.TRAINING_NOISE) for seed in range(200)]
    assert len(set(keys)) == 200
    assert 0 <= min(keys) and max(keys) < 2**63
    assert max(keys) > 2**62


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match=r"`seed` must be a whole number of 0 or more, got"):
        generator(seed, Stream.TRIALS)
