"""Leaky rate units, backward: how a loss depends on each weight, for a shard of the trials.

With c_t = dL/dx_t, what reaches the units r_t from the outputs and q_t from elsewhere, in the form
"current" (a_t = x_t)

    c_t = phi'(x_t) (W_out^T dz_t + W^T c_{t+1}) + (1 - alpha) c_{t+1} + q_t,    d_t = c_t

and in the form "rate"

    c_t = W_out^T dz_t + W^T d_{t+1} + (1 - alpha) c_{t+1} + q_t,    d_t = alpha phi'(a_t) c_t

from which dL/dW = sum_t d_t r_{t-1}^T, dL/dW_in = sum_t d_t u_t^T, dL/dW_out = sum_t dz_t r_t^T.
"""

from typing import NamedTuple

import numpy as np

from neurotask.backend.kernels.blocks import (
    STEPS,
    add,
    add_product,
    add_rows,
    add_rows_of_products,
    copy,
    flat,
    from_outputs,
    gather,
    normals,
    product,
    room_for_noise,
    rows,
    scatter,
    tiled,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.transfer import activate, steepen

# What passes from a step to the one before: all; what lasts in the unit; nothing; what lasts in the
# unit and what it sends itself.
ALL, LASTING, NOTHING, OWN = range(4)


class Products(NamedTuple):
    """Room for the product that is added to each matrix of gradients of what enters the units."""

    input: np.ndarray
    recurrent: np.ndarray


class Room(NamedTuple):
    """What the way back through a block of steps needs room for; rows are (step, trial).

    Args:
        u: inputs.
        dz: how the loss depends on what outputs receive.
        x: states, from the one before the block on.
        r: what is sent by them.
        a: of the rate form, what the transfer function was of.
        sent: what the transfer function gave.
        slope: factor of c_t on its way to what enters the unit.
        c: how the loss depends on the states, up to the one behind the block.
        d: how it depends on what enters the units.
        back: W^T d of the step behind, (trial, presynaptic unit).
    """

    u: np.ndarray
    dz: np.ndarray
    x: np.ndarray
    r: np.ndarray
    a: np.ndarray
    sent: np.ndarray
    slope: np.ndarray
    c: np.ndarray
    d: np.ndarray
    back: np.ndarray


@part
def _room(rate_form, n_trials, n_inputs, n_units, n_outputs):
    most = STEPS * n_trials
    x = np.empty((most + n_trials, n_units), np.float32)
    c = np.zeros((most + n_trials, n_units), np.float32)
    return Room(
        np.empty((most, n_inputs), np.float32),
        np.empty((most, n_outputs), np.float32),
        x,
        np.empty_like(x),
        np.empty_like(x),
        np.empty_like(x),
        np.empty_like(x),
        c,
        np.empty_like(x) if rate_form else c,
        np.zeros((n_trials, n_units), np.float32),
    )


@part
def _recall(rate_form, activation, start, gain, states, received, first, last, t, steps, room):
    """Fill a block from step `t` on with states, what was sent, and slopes."""
    n = last - first
    for k in range(steps + 1):
        here = flat(room.x, k, k + 1, n)
        copy(states[t + k - 1, first:last].ravel() if t + k > 0 else start, here)
    states_, sent = flat(room.x, 0, steps + 1, n), flat(room.r, 0, steps + 1, n)
    slope = flat(room.slope, 0, steps, n)
    slope[:] = 1
    if rate_form:
        copy(states_, sent)
        for k in range(steps):
            copy(received[t + k, first:last].ravel(), flat(room.a, k, k + 1, n))
        a, r = flat(room.a, 0, steps, n), flat(room.sent, 0, steps, n)
        activate(activation, a, r)
        steepen(activation, a, r, slope)
        _times(gain, steps, slope)
    else:
        activate(activation, states_, sent)
        after = steps + 1
        steepen(activation, flat(room.x, 1, after, n), flat(room.r, 1, after, n), slope)


@part
def _through(slope, back, lasting, later, c):
    # c_t = phi'(x_t) (W_out^T dz_t + W^T c_{t+1}) + (1 - alpha) c_{t+1}
    for i in range(c.size):
        c[i] = slope[i] * (c[i] + back[i]) + lasting[i] * later[i]


@part
def _past(slope, back, lasting, later, c, d):
    # c_t = W_out^T dz_t + W^T d_{t+1} + (1 - alpha) c_{t+1};   d_t = alpha phi'(a_t) c_t
    for i in range(c.size):
        c[i] += back[i] + lasting[i] * later[i]
        d[i] = slope[i] * c[i]


@part
def _times(factor, n_steps, values):
    """Multiply the steps of a block, flat, by a factor of a step."""
    for k in range(n_steps):
        for i in range(factor.size):
            values[k * factor.size + i] *= factor[i]


@part
def _diagonal(weights, n_trials):
    own = np.empty(weights.shape[0], np.float32)
    for j in range(own.size):
        own[j] = weights[j, j]
    return tiled(own, n_trials)


@part
def _add_noise(w, noise, first, t, words, drawn, d, total):
    """Add sum_t d_t xi_t to the gradients of the factors of noise."""
    n, private, shared = w.bias.size, w.private.size > 0, w.shared.size > 0
    normals(noise, first, t, words, drawn)
    for i in range(d.size // n):
        for j in range(n):
            if private:
                total.private[j] += d[i * n + j] * drawn[i * noise.size + j]
            if shared:
                total.shared[j] += d[i * n + j] * drawn[(i + 1) * noise.size - 1]


@part
def _step_back(rate_form, room, k, n, lasting, by_states):
    """Go back through step `k` of a block; `by_states` is flat, without units for nothing."""
    c, d = flat(room.c, k, k + 1, n), flat(room.d, k, k + 1, n)
    slope, later = flat(room.slope, k, k + 1, n), flat(room.c, k + 1, k + 2, n)
    if rate_form:
        add(by_states, c)
        _past(slope, room.back.ravel(), lasting, later, c, d)
    else:
        _through(slope, room.back.ravel(), lasting, later, c)
        add(by_states, c)


@part
def _add_factors(rate_form, w, noise, first, t, words, drawn, room, k, n, total):
    """Add what step `k` of a block, step `t` of the trials, says of leak, gain and noise."""
    c = flat(room.c, k, k + 1, n)
    add_rows_of_products(c, flat(room.x, k, k + 1, n), total.leak)
    if rate_form:
        add_rows_of_products(c, flat(room.sent, k, k + 1, n), total.gain)
    if noise.size > 0:
        _add_noise(w, noise, first, t, words, drawn, flat(room.d, k, k + 1, n), total)


@part
def _add_up(room, n_rows, products, total):
    """Add what a block says of the weights; `products` is room for what is added."""
    d = room.d[:n_rows]
    add_product(room.r[:n_rows], d, products.recurrent, total.recurrent)
    add_product(room.u[:n_rows], d, products.input, total.input)
    add_rows(d, total.bias)


@kernel
def adjoint(
    first, last, rate_form, activation, passes, every, w, w_back, w_out_back, inputs, noise,
    states, received, by_outputs, by_states, total, by_inputs,
):  # fmt: skip
    """Add the gradients of the trials from `first` to `last` to `total`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        rate_form: whether the state is what units send; else it is what they receive.
        activation: number of the transfer function, its place in `transfer.NAMES`.
        passes: what passes from a step to the one before: ALL, LASTING, NOTHING or OWN.
        every: steps of a block to which credit is confined; 0: the whole trial.
        w: the `Weights` of the run.
        w_back: the recurrent ones transposed, (postsynaptic, presynaptic).
        w_out_back: those of the outputs transposed, (output, unit).
        inputs: (trial, time, input).
        noise: the `Noise` of the run.
        states: the state after each step, (time, trial, unit).
        received: of the rate form, what the transfer function was of, (time, trial, unit).
        by_outputs: dz, how the loss depends on W_out r + b_out, (trial, time, output); without
            trials: nothing comes from there.
        by_states: q, how it depends on the states beside, (time, trial, unit); without trials: not.
        total: `Weights` of gradients. Where leak is without units, neither it nor gain nor noise
            have one.
        by_inputs: room for how it depends on the inputs; without trials: it is not wanted.
    """
    n, n_steps, n_units = last - first, inputs.shape[1], w.bias.size
    room = _room(rate_form, n, inputs.shape[2], n_units, w.output.shape[1])
    products = Products(np.empty_like(w.input), np.empty_like(w.recurrent))
    words, drawn = room_for_noise(noise.size, n)
    start, leak, gain = tiled(w.start, n), tiled(w.leak, n), tiled(w.gain, n)
    own, none = _diagonal(w.recurrent, n), np.zeros_like(leak)
    lasting, nothing = none, none[:0]

    stop = n_steps
    while stop > 0:
        t = (stop - 1) // STEPS * STEPS
        steps = stop - t
        n_rows = steps * n
        copy(flat(room.c, 0, 1, n), flat(room.c, steps, steps + 1, n))
        _recall(rate_form, activation, start, gain, states, received, first, last, t, steps, room)
        from_outputs(
            by_outputs, w_out_back, room.r[n : n_rows + n], first, t, steps, n, room.dz, total,
            room.c[:n_rows],
        )  # fmt: skip
        for k in range(steps - 1, -1, -1):
            beside = nothing
            if by_states.shape[1] > 0:
                beside = by_states[t + k, first:last].ravel()
            _step_back(rate_form, room, k, n, lasting, beside)
            if total.leak.size > 0:
                _add_factors(rate_form, w, noise, first, t + k, words, drawn, room, k, n, total)
            ends = passes == NOTHING or (every > 0 and t + k > 0 and (t + k) % every == 0)
            lasting = none if ends else leak
            if ends or passes == LASTING:
                room.back[:] = 0
            elif passes == OWN:
                copy(flat(room.d, k, k + 1, n), room.back.ravel())
                _times(own, 1, room.back.ravel())
            else:
                product(rows(room.d, k, n), w_back, room.back)
        gather(inputs, first, t, steps, n, room.u)
        _add_up(room, n_rows, products, total)
        if by_inputs.shape[0] > 0:
            np.dot(room.d[:n_rows], w.input.T, room.u[:n_rows])
            scatter(room.u, first, t, steps, n, by_inputs)
        stop = t

    back, c = room.back.ravel(), flat(room.c, 0, 1, n)
    if not rate_form:
        steepen(activation, flat(room.x, 0, 1, n), flat(room.r, 0, 1, n), back)
    for i in range(back.size):
        back[i] += lasting[i] * c[i]
    add_rows(room.back, total.start)
