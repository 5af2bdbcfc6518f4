"""The noise of a network in NumPy: what `tf.random.stateless_normal(alg="philox")` draws.

Kernels draw the same numbers, many times faster (`kernels/noise.py`, which says how places are
counted). This is for double precision, and for where kernels cannot be had, so that a seed means
one noise everywhere.

Source: Salmon, Moraes, Dror & Shaw (2011) SC '11, Philox4x32-10; Box & Muller (1958) Ann Math Stat
29:610.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_TIMES = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_PLUS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_MIX = np.uint64(0x3EC8F720), np.uint64(0x02461E29)


def normals(name: int, update: int, t: int, n: int, dtype: str = "float32") -> np.ndarray:
    """Return the standard normals of a step, (n,).

    Args:
        name: 64 bits that name the noise.
        update: which update, or which chunk of a run.
        t: the step.
        n: how many.
        dtype: "float32" or "float64", each with numbers of its own.

    Example:
        >>> normals(1, 0, 0, 3).shape
        (3,)
    """
    low, high = name & 0xFFFFFFFF, name >> 32
    p, q, c, d = _words(np.array([low, high, t, update], np.uint64), _MIX)
    at_once = 4 if dtype == "float32" else 2
    counter = np.arange(-(-n // at_once), dtype=np.uint64)
    words = _words([counter, np.zeros_like(counter), c, d], (p, q))
    drawn = np.empty((counter.size, at_once), dtype)
    uniform = _single(words) if dtype == "float32" else _double(words)
    for at in range(0, at_once, 2):
        u, v = uniform[at : at + 2]
        # n = sqrt(-2 log u) (sin 2 pi v, cos 2 pi v)
        radius, angle = np.sqrt(-2.0 * np.log(np.maximum(u, 1e-7))), 2.0 * np.pi * v
        drawn[:, at], drawn[:, at + 1] = radius * np.sin(angle), radius * np.cos(angle)
    return drawn.ravel()[:n]


def _words(counter: Any, key: Any) -> Any:
    """Return the four words, of 32 bits each, of a counter under a key of two words."""
    (a, b, c, d), (p, q) = counter, key
    for _ in range(10):
        x, y = a * _TIMES[0], c * _TIMES[1]
        a, b, c, d = y >> _HALF ^ b ^ p, y & _LOW, x >> _HALF ^ d ^ q, x & _LOW
        p, q = p + _PLUS[0] & _LOW, q + _PLUS[1] & _LOW
    return a, b, c, d


def _single(words: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return a number in [0, 1) for each word, of which 23 bits are used."""
    return [(word & np.uint64(2**23 - 1)) * 2.0**-23 for word in words]


def _double(words: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return a number in [0, 1) for every two words: 20 bits of the first, then the second."""
    pairs = zip(words[::2], words[1::2], strict=True)
    return [((high & np.uint64(2**20 - 1)) << _HALF | low) * 2.0**-52 for high, low in pairs]
