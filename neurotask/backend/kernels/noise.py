"""Normal random numbers by counting: each depends on its place and on nothing drawn before it.

They are those of `tf.random.stateless_normal(..., alg="philox")`, to rounding: a network has the
same noise whether a kernel runs it or TensorFlow's graph. The place of a number is its update and
step, which make the key of a stream of its own, and trial and unit, which are counted within it. So
it does not matter how trials are dealt out to cores.

The key of a stream is a permutation of 128 bits (seed, update, step), so that no two streams of a
seed are the same.

Source: Salmon, Moraes, Dror & Shaw (2011) SC '11, Philox4x32-10; Box & Muller (1958) Ann Math Stat
29:610; how TensorFlow mixes a seed into the key: `GenerateKey` in its stateless_random_ops.
"""

import math

import numpy as np

from neurotask.backend.kernels.compiling import inlined, kernel, part
from neurotask.backend.kernels.elementary import minus_two_log, sine_and_cosine

U, L = np.uint32, np.uint64
_MIX = U(0x3EC8F720), U(0x02461E29)
AT_ONCE = 4  # numbers that one count gives


@inlined
def philox(a, b, c, d, p, q):
    """Return the four words of a counter (a, b, c, d) under a key (p, q)."""
    for _ in range(10):
        x, y = L(a) * L(0xD2511F53), L(c) * L(0xCD9E8D57)
        a, b, c, d = U(y >> L(32)) ^ b ^ p, U(y), U(x >> L(32)) ^ d ^ q, U(x)
        p, q = U(p + U(0x9E3779B9)), U(q + U(0xBB67AE85))
    return a, b, c, d


@part
def pair(w, v):
    """Return two normals for two words, of which 23 bits each are used."""
    # n = sqrt(-2 log u) (sin 2 pi v, cos 2 pi v)
    u = np.uint32((w & U(0x7FFFFF)) | U(0x3F800000)).view(np.float32) - np.float32(1.0)
    radius = math.sqrt(minus_two_log(max(u, np.float32(1e-7))))
    sine, cosine = sine_and_cosine(v)
    return radius * sine, radius * cosine


@part
def _words(first, c, d, p, q, one, two, three, four):
    for j in range(one.size):
        one[j], two[j], three[j], four[j] = philox(U(first + j), U(0), c, d, p, q)


@part
def _normals(one, two, three, four, normals):
    for j in range(one.size):
        normals[4 * j], normals[4 * j + 1] = pair(one[j], two[j])
        normals[4 * j + 2], normals[4 * j + 3] = pair(three[j], four[j])


@part
def draw_step(name, update, t, first, words, normals):
    """Draw the normals of some trials in a step.

    Args:
        name: 64 bits that name the noise.
        update: which update, or which chunk of a run; it is counted up to 2^32 and then from 0.
        t: the step.
        first: place of the first number among those of all trials, in fours.
        words: room for the random words, (4, n).
        normals: where the numbers go, (4 n,).
    """
    low, high = U(name & L(0xFFFFFFFF)), U(name >> L(32))
    p, q, c, d = philox(low, high, U(t), U(update), _MIX[0], _MIX[1])
    # Words first, then normals: each loop is vectorised by itself.
    _words(first, c, d, p, q, words[0], words[1], words[2], words[3])
    _normals(words[0], words[1], words[2], words[3], normals)


@kernel
def draw(name, update, t, normals):
    """Draw the normals of the steps from `t` on, each row (step, trial x number) a step's."""
    size = normals.shape[1]
    n = -(-size // AT_ONCE)
    words, row = np.empty((4, n), np.uint32), np.empty(4 * n, np.float32)
    for k in range(normals.shape[0]):
        if size == row.size:
            draw_step(name, update, t + k, 0, words, normals[k])
        else:
            draw_step(name, update, t + k, 0, words, row)
            for i in range(size):
                normals[k, i] = row[i]
