"""Leaky rate units, forward: the equations of `dynamics.leaky`, for a shard of the trials."""

from typing import NamedTuple

import numpy as np

from neurotask.backend.kernels.blocks import (
    copy,
    filled,
    flat,
    gather,
    keep,
    normals,
    read_out,
    room_for_noise,
    rows,
    steps_of_block,
    tiled,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.elementary import F
from neurotask.backend.kernels.products import add_product, product
from neurotask.backend.kernels.transfer import activate


class Weights(NamedTuple):
    """Weights as a step uses them; see `Leaky.prepare`.

    Args:
        input: (input, unit); for kernels (input and 1, unit), where the last row is the bias.
        recurrent: (presynaptic, postsynaptic).
        output: (unit, output).
        bias: (unit,).
        output_bias: (output,).
        leak: share of the state that is left after a step, (unit,).
        gain: factor of what the units receive, behind the transfer function, (unit,).
        private: factor of the noise of each unit, (unit,); 0 numbers for none.
        shared: factor of the noise that all units have in common, (unit,); 0 numbers for none.
        start: state before the first step, (unit,).
    """

    input: np.ndarray
    recurrent: np.ndarray
    output: np.ndarray
    bias: np.ndarray
    output_bias: np.ndarray
    leak: np.ndarray
    gain: np.ndarray
    private: np.ndarray
    shared: np.ndarray
    start: np.ndarray


class Done(NamedTuple):
    """What is done to units while they run, each (time, trial, unit); without units: nothing.

    Args:
        gain: factor of what they send.
        offset: what is added to that.
        current: what is added to what they receive.
        kick_gain: factor of their state before a step.
        kick: what is added to it.
    """

    gain: np.ndarray
    offset: np.ndarray
    current: np.ndarray
    kick_gain: np.ndarray
    kick: np.ndarray


@part
def _scale(gain, offset, t, first, last, values):
    """Multiply what is flat by what holds in a step, and add to it."""
    factor, more = gain[t, first:last].ravel(), offset[t, first:last].ravel()
    for i in range(values.size):
        values[i] = values[i] * factor[i] + more[i]


@part
def _kicked(rate_form, activation, done, t, first, last, x, r):
    """Kick the state x before a step, and put what is sent then into r; both flat."""
    _scale(done.kick_gain, done.kick, t, first, last, x)
    if rate_form:
        copy(x, r)
    else:
        activate(activation, x, r)
    if done.gain.shape[2] > 0:
        _scale(done.gain, done.offset, max(t - 1, 0), first, last, r)


@part
def _inject(rate_form, gain, current, a):
    # alpha acts on all that reaches a unit; of the rate form, behind the transfer function
    for i in range(a.size):
        a[i] += current[i] if rate_form else gain[i] * current[i]


@part
def _noisy(w, drawn, noise):
    """Put what the noise adds to each unit into `noise`, flat, for normals (trial, number)."""
    n, private, shared = w.leak.size, w.private.size > 0, w.shared.size > 0
    size = n * private + shared
    for i in range(noise.size // n):
        for j in range(n):
            own = w.private[j] * drawn[i * size + j] if private else F(0.0)
            both = w.shared[j] * drawn[i * size + size - 1] if shared else F(0.0)
            noise[i * n + j] = own + both


@part
def _move(rate_form, activation, leak, gain, spread, noise, a, x, r):
    """Move trials by a step, all flat; `a`, to which noise is added, is W r + W_in u + b."""
    for i in range(noise.size):
        a[i] += spread[i] * noise[i]
    if rate_form:
        # x <- (1 - alpha) x + alpha phi(W x + I + sqrt((2 - alpha) / alpha) sigma xi)
        activate(activation, a, r)
        for i in range(x.size):
            x[i] = leak[i] * x[i] + gain[i] * r[i]
        copy(x, r)
    else:
        # x <- (1 - alpha) x + [alpha] (W r + I)
        for i in range(x.size):
            x[i] = leak[i] * x[i] + a[i]
        activate(activation, x, r)


@kernel
def forward(
    first, last, rate_form, activation, w, inputs, noise, done, trial_first, states, received,
    outputs,
):  # fmt: skip
    """Run the trials from `first` to `last`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        rate_form: whether the state is what units send; else it is what they receive.
        activation: number of the transfer function, its place in `transfer.NAMES`.
        w: `Weights`, those of the inputs with the bias.
        inputs: (trial, time, input).
        noise: `Noise`.
        done: `Done`.
        trial_first: whether what is kept is (trial, time, unit); else (time, trial, unit).
        states: room for the state after each step; without units: it is not kept.
        received: of the rate form, room for what the transfer function is of; see `states`.
        outputs: room for W_out r + b_out, (trial, time, output).
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.leak.size
    per_block = steps_of_block(n_trials, n_steps)
    most = per_block * n_trials
    leak, gain = tiled(w.leak, n_trials), tiled(w.gain, n_trials)
    noisy, only_private = noise.size > 0, w.shared.size == 0
    own = noisy and only_private
    spread = tiled(w.private, n_trials) if own else filled(n_trials, n, F(1.0)).ravel()
    words, drawn = room_for_noise(noise.size, n_trials)
    numbers = n_trials * n if noisy else 0
    added = drawn[:numbers] if only_private else np.empty(numbers, np.float32)

    u = filled(most, w.input.shape[0], F(1.0))
    z = np.empty((most, w.output.shape[1]), np.float32)
    a = np.empty((most, n), np.float32)
    sent = np.empty((most + n_trials, n), np.float32)  # before each step, and after the last
    kicked = np.empty((n_trials if done.kick.shape[2] > 0 else 0, n), np.float32)
    x = tiled(w.start, n_trials)
    if rate_form:
        copy(x, sent[:n_trials].ravel())
    else:
        activate(activation, x, sent[:n_trials].ravel())
    if done.gain.shape[2] > 0:
        _scale(done.gain, done.offset, 0, first, last, sent[:n_trials].ravel())

    for t in range(0, n_steps, per_block):
        steps = min(per_block, n_steps - t)
        n_rows = steps * n_trials
        gather(inputs, first, t, steps, n_trials, u)
        product(u[:n_rows], w.input, a[:n_rows])
        for k in range(steps):
            now, after = flat(a, k, k + 1, n_trials), flat(sent, k + 1, k + 2, n_trials)
            before = rows(sent, k, n_trials)
            if done.kick.shape[2] > 0:
                before = kicked  # the outputs of the step before see what was sent without it
                _kicked(rate_form, activation, done, t + k, first, last, x, before.ravel())
            add_product(before, w.recurrent, rows(a, k, n_trials))
            if done.current.shape[2] > 0:
                _inject(rate_form, gain, done.current[t + k, first:last].ravel(), now)
            if noisy:
                normals(noise, first, t + k, words, drawn)
                if not only_private:
                    _noisy(w, drawn, added)
            _move(rate_form, activation, leak, gain, spread, added, now, x, after)
            if done.gain.shape[2] > 0:
                _scale(done.gain, done.offset, t + k, first, last, after)
            if received.shape[2] > 0:
                keep(now, first, last, t + k, trial_first, received)
            if states.shape[2] > 0:
                keep(x, first, last, t + k, trial_first, states)
        read_out(sent[n_trials : n_rows + n_trials], w, first, t, steps, n_trials, z, outputs)
        copy(flat(sent, steps, steps + 1, n_trials), flat(sent, 0, 1, n_trials))
