"""What kernels of gated units share: their weights, gates, states in blocks, and gradients.

Each gate has arrays of its own, (trial, unit) of a step or (row, unit) of a block, so that loops
over them are flat. The bias is the weight of an input that is always 1.
"""

from typing import NamedTuple

import numpy as np

from neurotask.backend.kernels.blocks import copy, filled, scatter, tiled, transposed
from neurotask.backend.kernels.compiling import part
from neurotask.backend.kernels.elementary import F, sigmoid, tanh
from neurotask.backend.kernels.products import add_product, add_transposed, product


class Weights(NamedTuple):
    """Weights of gated units, as `Dynamics.prepare` has them.

    Args:
        input: (input, gate x unit).
        recurrent: (presynaptic, gate x postsynaptic).
        output: (unit, output).
        bias: (gate x unit,).
        output_bias: (output,).
        recurrent_bias: what is added behind the weights of the candidate, (unit,); 0 numbers for
            none.
        start: state before the first step, (variable x unit,).
    """

    input: np.ndarray
    recurrent: np.ndarray
    output: np.ndarray
    bias: np.ndarray
    output_bias: np.ndarray
    recurrent_bias: np.ndarray
    start: np.ndarray


class Gates(NamedTuple):
    """The same, gate by gate, as kernels take them.

    Args:
        input: (gate, input and 1, unit): the last row is the bias.
        recurrent: (gate, presynaptic, postsynaptic).
        output: (unit, output).
        output_bias: (output,).
        recurrent_bias: (unit,), or without numbers.
        start: (variable, unit).
    """

    input: np.ndarray
    recurrent: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray
    recurrent_bias: np.ndarray
    start: np.ndarray


def by_gate(w: Weights) -> Gates:
    """Return weights gate by gate."""
    n = w.output.shape[0]
    input, recurrent = (
        np.ascontiguousarray(m.reshape(len(m), -1, n).swapaxes(0, 1))
        for m in (np.concatenate([w.input, w.bias[np.newaxis]]), w.recurrent)
    )
    start = w.start.reshape(-1, n)
    return Gates(input, recurrent, w.output, w.output_bias, w.recurrent_bias, start)


def side_by_side(w: Gates) -> Weights:
    """Return weights as they were before `by_gate`."""
    input, recurrent = (
        np.ascontiguousarray(m.swapaxes(0, 1)).reshape(m.shape[1], -1)
        for m in (w.input, w.recurrent)
    )
    return Weights(
        input[:-1], recurrent, w.output, input[-1], w.output_bias, w.recurrent_bias, w.start.ravel()
    )


@part
def squash(both_signs, received):
    """Put tanh, or the sigmoid, of a flat array in its place."""
    if both_signs:
        for i in range(received.size):
            received[i] = tanh(received[i])
    else:
        for i in range(received.size):
            received[i] = sigmoid(received[i])


@part
def times(a, b, out):
    """Put the product of two flat arrays into a third."""
    for i in range(out.size):
        out[i] = a[i] * b[i]


@part
def keep_variable(x, variable, first, last, t, trial_first, kept):
    """Copy one of the variables of a step, flat (trial, unit), to its place in `kept`.

    Args:
        x: the variable.
        variable: its number.
        first: the first trial.
        last: the trial behind the last.
        t: the step.
        trial_first: whether `kept` is (trial, time, variable x unit); else (time, trial, ...).
        kept: where it goes.
    """
    n = x.size // (last - first)
    for i in range(last - first):
        row = kept[first + i, t] if trial_first else kept[t, first + i]
        copy(x[i * n : (i + 1) * n], row[variable * n : (variable + 1) * n])


@part
def states_of(variable, w, states, first, last, t, n_steps, block):
    """Copy a variable before step t, after it, and after those that follow into a block."""
    n_trials, n = last - first, block.shape[1]
    if t == 0:
        copy(tiled(w.start[variable], n_trials), block[:n_trials].ravel())
    for k in range(t == 0, n_steps + 1):
        for i in range(n_trials):
            row = states[t + k - 1, first + i]
            copy(row[variable * n : (variable + 1) * n], block[k * n_trials + i])


@part
def add_states(by_states, variable, first, t, n, total):
    """Add how a loss depends on a variable after a step to total, flat (trial, unit)."""
    if by_states.shape[1] > 0:
        for i in range(total.size // n):
            for j in range(n):
                total[i * n + j] += by_states[t, first + i, variable * n + j]


@part
def open_gate(gate, both_signs, sent, u, w, opened):
    """Put a gate of all steps of a block into `opened`: squash(W r + W_in u + b)."""
    product(u, w.input[gate], opened)
    add_product(sent, w.recurrent[gate], opened)
    squash(both_signs, opened.ravel())


@part
def from_inputs(d, u, w, first, t, n_steps, n_trials, total, by_inputs):
    """Add the gradients of the weights of the inputs; put those of the inputs to their place.

    Args:
        d: how the loss depends on what the gates receive, (gate, row, unit).
        u: what came in, and 1, (row, input and 1).
        w: weights.
        first: the first trial.
        t: the first step.
        n_steps: steps of the block.
        n_trials: trials of the shard.
        total: gradients.
        by_inputs: room for how the loss depends on the inputs; without trials: it is not wanted.
    """
    rows = n_steps * n_trials
    for gate in range(d.shape[0]):
        add_transposed(u[:rows], d[gate][:rows], total.input[gate])
    if by_inputs.shape[0] > 0:
        sum_ = filled(u.shape[0], u.shape[1], F(0.0))
        for gate in range(d.shape[0]):
            add_product(d[gate][:rows], transposed(w.input[gate]), sum_[:rows])
        scatter(sum_, first, t, n_steps, n_trials, by_inputs)
