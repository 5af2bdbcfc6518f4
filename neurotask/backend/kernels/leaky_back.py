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
    add,
    add_outputs,
    add_rows,
    add_rows_of_products,
    copy,
    fill,
    filled,
    flat,
    from_outputs,
    gather,
    normals,
    room_for_noise,
    rows,
    scatter,
    steps_of_block,
    tiled,
    transposed,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.elementary import F
from neurotask.backend.kernels.products import add_product, add_transposed, product
from neurotask.backend.kernels.transfer import activate, steepen

# What passes from a step to the one before: all; what lasts in the unit; nothing; what lasts in the
# unit and what it sends itself.
ALL, LASTING, NOTHING, OWN = range(4)


class Room(NamedTuple):
    """What the way back through a block of steps needs room for; rows are (step, trial).

    Args:
        u: inputs, and 1.
        dz: how the loss depends on what outputs receive.
        r: what is sent, from before the block on.
        c: how the loss depends on the states, up to the one behind the block.
        d: how it depends on what enters the units, likewise.
        phi: of the rate form, what the transfer function gave in a step, flat (trial, unit).
    """

    u: np.ndarray
    dz: np.ndarray
    r: np.ndarray
    c: np.ndarray
    d: np.ndarray
    phi: np.ndarray


@part
def _room(rate_form, most, n_trials, n_inputs, n_units, n_outputs):
    n = most + n_trials
    c = filled(n, n_units, F(0.0))
    return Room(
        filled(most, n_inputs, F(1.0)),
        np.empty((most, n_outputs), np.float32),
        np.empty((n, n_units), np.float32),
        c,
        filled(n, n_units, F(0.0)) if rate_form else c,
        np.empty(n_trials * n_units, np.float32),
    )


@part
def _diagonal(matrix):
    own = np.empty(matrix.shape[0], np.float32)
    for i in range(own.size):
        own[i] = matrix[i, i]
    return own


@part
def _send(rate_form, activation, x, r):
    if rate_form:
        copy(x, r)
    else:
        activate(activation, x, r)


@part
def _add_products(a, b, out):
    for i in range(out.size):
        out[i] += a[i] * b[i]


@part
def _move_back(rate_form, activation, gain, lasting, x, r, later, by_states, c, d):
    """Go back by a step; all is flat.

    Args:
        rate_form: see `adjoint`.
        activation: see `adjoint`.
        gain: factor of what comes out of the transfer function.
        lasting: share of the state that is left after the next step; 0 where no credit passes.
        x: what the transfer function was of.
        r: what it gave; of the rate form, room for it.
        later: c_{t+1}.
        by_states: q_t; 0 numbers for none.
        c: W_out^T dz_t + W^T d_{t+1}; then c_t.
        d: room for d_t; of the form "current", c.
    """
    if rate_form:
        _add_products(lasting, later, c)
        add(by_states, c)
        activate(activation, x, r)
        for i in range(d.size):
            d[i] = gain[i] * c[i]
        steepen(activation, x, r, d)
    else:
        steepen(activation, x, r, c)
        _add_products(lasting, later, c)
        add(by_states, c)


@part
def _add_noise(w, noise, first, t, words, drawn, d, total):
    """Add sum_t d_t xi_t to the gradients of the factors of noise."""
    n, private, shared = w.leak.size, w.private.size > 0, w.shared.size > 0
    normals(noise, first, t, words, drawn)
    for i in range(d.size // n):
        for j in range(n):
            if private:
                total.private[j] += d[i * n + j] * drawn[i * noise.size + j]
            if shared:
                total.shared[j] += d[i * n + j] * drawn[(i + 1) * noise.size - 1]


@part
def _add_factors(rate_form, before, phi, c, total):
    """Add what a step says of leak and gain; all is flat."""
    add_rows_of_products(c, before, total.leak)
    if rate_form:
        add_rows_of_products(c, phi, total.gain)


@part
def _from_behind(passes, own, d, w_back, c):
    """Add what comes to a step by way of the next one's d, beside what lasts in the units."""
    if passes == ALL:
        add_product(d, w_back, c)
    elif passes == OWN:
        for i in range(c.shape[0]):
            _add_products(own, d[i], c[i])


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
    n, n_steps, n_units = last - first, inputs.shape[1], w.leak.size
    per_block = steps_of_block(n, n_steps)
    room = _room(rate_form, per_block * n, n, w.input.shape[0], n_units, w.output.shape[1])
    words, drawn = room_for_noise(noise.size, n)
    start, gain, leak = tiled(w.start, n), tiled(w.gain, n), tiled(w.leak, n)
    own, none = _diagonal(w.recurrent), filled(n, n_units, F(0.0)).ravel()
    nothing = none[:0]

    if n_steps > 0:
        _send(rate_form, activation, states[n_steps - 1, first:last].ravel(), flat(room.r, 0, 1, n))
    stop = n_steps
    while stop > 0:
        t = (stop - 1) // per_block * per_block
        steps = stop - t
        n_rows = steps * n
        copy(flat(room.c, 0, 1, n), flat(room.c, steps, steps + 1, n))
        copy(flat(room.d, 0, 1, n), flat(room.d, steps, steps + 1, n))
        copy(flat(room.r, 0, 1, n), flat(room.r, steps, steps + 1, n))
        from_outputs(by_outputs, w_out_back, first, t, steps, n, room.dz, room.c[:n_rows])
        for k in range(steps - 1, -1, -1):
            c, d = flat(room.c, k, k + 1, n), flat(room.d, k, k + 1, n)
            later = flat(room.c, k + 1, k + 2, n)
            behind = t + k + 1
            links = passes != NOTHING and behind < n_steps and (every == 0 or behind % every > 0)
            lasting = leak if links else none
            if links:
                _from_behind(passes, own, rows(room.d, k + 1, n), w_back, rows(room.c, k, n))
            before = states[t + k - 1, first:last].ravel() if t + k > 0 else start
            kept = received if rate_form else states
            x, beside = kept[t + k, first:last].ravel(), nothing
            if by_states.shape[1] > 0:
                beside = by_states[t + k, first:last].ravel()
            sent, r = flat(room.r, k, k + 1, n), flat(room.r, k + 1, k + 2, n)
            if rate_form:
                r = room.phi
            _move_back(rate_form, activation, gain, lasting, x, r, later, beside, c, d)
            _send(rate_form, activation, before, sent)
            if total.leak.size > 0:
                _add_factors(rate_form, before, room.phi, c, total)
                if noise.size > 0:
                    _add_noise(w, noise, first, t + k, words, drawn, d, total)
        gather(inputs, first, t, steps, n, room.u)
        d_here = room.d[:n_rows]
        add_transposed(room.r[:n_rows], d_here, total.recurrent)
        add_transposed(room.u[:n_rows], d_here, total.input)
        add_outputs(by_outputs, room.r[n : n_rows + n], room.dz[:n_rows], total)
        if by_inputs.shape[0] > 0:
            product(d_here, transposed(w.input), room.u[:n_rows])
            scatter(room.u, first, t, steps, n, by_inputs)
            fill(room.u.ravel(), F(1.0))
        stop = t

    c = flat(room.c, 0, 1, n)
    back = filled(n, n_units, F(0.0))
    if passes != NOTHING and n_steps > 0:
        _from_behind(passes, own, rows(room.d, 0, n), w_back, back)
        if not rate_form:
            steepen(activation, start, flat(room.r, 0, 1, n), back.ravel())
        _add_products(leak, c, back.ravel())
    add_rows(back, total.start)
