"""Random numbers as pure functions of (seed, stream, index): no state is kept, none is global.

Each use of chance has a stream of its own, so that one seed is safe everywhere: the trials a
network is tested on are never the trials it was trained on. `numpy.random.SeedSequence` keeps the
keys apart; a tuple as seed would not (`default_rng(7)` and `default_rng((7, 0))` are the same).
"""

from enum import IntEnum
from numbers import Integral

import numpy as np


class Stream(IntEnum):
    """What a draw is for. The numbers are part of the results: never renumber."""

    TRIALS = 0
    GRID = 1
    TRAINING = 2
    EVALUATION = 3
    WEIGHTS = 4
    MASKS = 5
    TRAINING_NOISE = 6
    EVALUATION_NOISE = 7
    RUN_NOISE = 8
    ANALYSIS = 9
    ENVIRONMENT = 10
    ROLLOUT_NOISE = 11
    LESSONS = 12
    LESSONS_NOISE = 13
    ORDER = 14
    STAIRCASE = 15
    FEEDBACK = 16
    PROBE = 17
    PROBE_NOISE = 18


def generator(seed: int, stream: Stream, *index: int) -> np.random.Generator:
    """Return the generator that belongs to (seed, stream, index)."""
    return np.random.default_rng(_sequence(seed, stream, index))


def key(seed: int, stream: Stream, *index: int) -> int:
    """Return 63 bits that belong to (seed, stream, index), for counter-based generators."""
    high, low = _sequence(seed, stream, index).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) >> 1


def _sequence(seed: int, stream: Stream, index: tuple[int, ...]) -> np.random.SeedSequence:
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"`seed` must be a whole number of 0 or more, got {seed!r}.")
    return np.random.SeedSequence(int(seed), spawn_key=(int(stream), *index))
