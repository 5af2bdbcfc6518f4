"""What kernels of all kinds of units share: blocks of steps of a shard, and matrix products.

A shard goes through the steps of its trials in blocks, so that products with inputs, outputs and
for gradients are few and large, while all that a block needs stays in the cache. Rows of a block
are (step, trial).
"""

from typing import NamedTuple

import numpy as np

from neurotask.backend.kernels.compiling import part
from neurotask.backend.kernels.elementary import F
from neurotask.backend.kernels.noise import AT_ONCE, draw_step
from neurotask.backend.kernels.products import add_transposed, product

ROWS = 256  # of a block, as far as whole steps make them


class Noise(NamedTuple):
    """Where the noise of a run comes from.

    Args:
        size: normals of a step and trial; 0 for no noise.
        name: 64 bits that name it.
        update: which update, or which chunk of a run.
        given: the normals, (trial, time, size); without trials: they are drawn.
    """

    size: int
    name: np.uint64
    update: int
    given: np.ndarray


@part
def steps_of_block(n_trials, n_steps):
    """Return how many steps of a shard make a block."""
    return max(1, min(ROWS // n_trials, n_steps))


@part
def rows(block, k, n):
    """Return the rows of step `k` of a block, n rows a step."""
    return block[k * n : (k + 1) * n]


@part
def flat(block, first, last, n):
    """Return the rows of steps from `first` to before `last` of a block as one row."""
    return block[first * n : last * n].ravel()


@part
def add_rows(values, total):
    """Add the rows of values to total."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            total[j] += values[i, j]


@part
def add_rows_of_products(a, b, total):
    """Add the rows (trial, unit) of a times b, flat, to total."""
    n = total.size
    for i in range(0, a.size, n):
        for j in range(n):
            total[j] += a[i + j] * b[i + j]


@part
def fill(values, number):
    """Make all of what is flat a number."""
    # numba takes a second to compile what writes `values[:] = number`, and as long for np.zeros.
    for i in range(values.size):
        values[i] = number


@part
def filled(n_rows, n_columns, number):
    """Return rows of a number."""
    values = np.empty((n_rows, n_columns), np.float32)
    fill(values.ravel(), number)
    return values


@part
def tiled(row, n_trials):
    """Return a row for each trial, flat."""
    n = row.size
    tile = np.empty(n_trials * n, np.float32)
    for i in range(n_trials):
        copy(row, tile[i * n : (i + 1) * n])
    return tile


@part
def transposed(matrix):
    """Return a matrix by columns, in rows."""
    turned = np.empty((matrix.shape[1], matrix.shape[0]), np.float32)
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            turned[j, i] = matrix[i, j]
    return turned


@part
def gather(values, first, t, n_steps, n_trials, block):
    """Copy some steps of some trials of (trial, time, channel) into a block."""
    for k in range(n_steps):
        for i in range(n_trials):
            for j in range(values.shape[2]):
                block[k * n_trials + i, j] = values[first + i, t + k, j]


@part
def scatter(block, first, t, n_steps, n_trials, values):
    """Copy a block to its steps and trials in (trial, time, channel)."""
    for k in range(n_steps):
        for i in range(n_trials):
            for j in range(values.shape[2]):
                values[first + i, t + k, j] = block[k * n_trials + i, j]


@part
def add(values, total):
    """Add what is flat to total."""
    for i in range(values.size):
        total[i] += values[i]


@part
def copy(values, out):
    """Copy what is flat."""
    for i in range(values.size):
        out[i] = values[i]


@part
def keep(x, first, last, t, trial_first, kept):
    """Copy a step, flat (trial, unit), into (time, trial, unit), or into (trial, time, unit)."""
    if not trial_first:
        copy(x, kept[t, first:last].ravel())
        return
    n = kept.shape[2]
    for i in range(last - first):
        copy(x[i * n : (i + 1) * n], kept[first + i, t])


@part
def read_out(sent, w, first, t, n_steps, n_trials, z, outputs):
    """Put W_out r + b_out of a block to its place in (trial, time, output); z is room for it."""
    rows = n_steps * n_trials
    product(sent, w.output, z[:rows])
    for i in range(rows):
        for j in range(z.shape[1]):
            z[i, j] += w.output_bias[j]
    scatter(z, first, t, n_steps, n_trials, outputs)


@part
def from_outputs(by_outputs, w_out_back, first, t, n_steps, n_trials, dz, c):
    """Put what comes from the outputs of a block into c.

    Args:
        by_outputs: how the loss depends on W_out r + b_out, (trial, time, output), or no trials.
        w_out_back: W_out transposed, (output, unit).
        first: the first trial.
        t: the first step.
        n_steps: steps of the block.
        n_trials: trials of the shard.
        dz: room for what is of the block, (row, output).
        c: how the loss depends on r by way of the outputs of the same step, (row, unit).
    """
    if by_outputs.shape[0] == 0:
        fill(c.ravel(), F(0.0))
        return
    gather(by_outputs, first, t, n_steps, n_trials, dz)
    product(dz[: n_steps * n_trials], w_out_back, c)


@part
def add_outputs(by_outputs, sent, dz, total):
    """Add the gradients of the weights of the outputs over a block; what is of it is in rows."""
    if by_outputs.shape[0] > 0:
        add_transposed(sent, dz, total.output)
        add_rows(dz, total.output_bias)


@part
def room_for_noise(size, n_trials):
    """Return room for random words and for the normals of a step."""
    n = -(-n_trials * size // AT_ONCE)
    return np.empty((AT_ONCE, n), np.uint32), np.empty(AT_ONCE * n, np.float32)


@part
def normals(noise, first, t, words, drawn):
    """Put the normals of a step, flat (trial, number), into `drawn`."""
    if noise.given.shape[0] == 0:
        draw_step(noise.name, noise.update, t, first * noise.size // AT_ONCE, words, drawn)
        return
    size = noise.size
    for i in range(min(drawn.size // size, noise.given.shape[0] - first)):  # there may be room left
        for j in range(size):
            drawn[i * size + j] = noise.given[first + i, t, j]
