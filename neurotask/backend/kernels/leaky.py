"""Leaky rate units, forward: the equations of `dynamics.leaky`, for a shard of the trials."""

from typing import NamedTuple

import numpy as np

from neurotask.backend.kernels.blocks import (
    STEPS,
    copy,
    gather,
    keep,
    normals,
    product,
    read_out,
    room_for_noise,
    tiled,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.transfer import activate


class Weights(NamedTuple):
    """Weights as a step uses them; see `Leaky.prepare`.

    Args:
        input: (input, unit).
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


@part
def _noisy(w, drawn, noise):
    """Put what the noise adds to each unit into `noise`, flat, for normals (trial, number)."""
    n, private, shared = w.bias.size, w.private.size > 0, w.shared.size > 0
    size = n * private + shared
    for i in range(noise.size // n):
        for j in range(n):
            own = w.private[j] * drawn[i * size + j] if private else np.float32(0.0)
            both = w.shared[j] * drawn[i * size + size - 1] if shared else np.float32(0.0)
            noise[i * n + j] = own + both


@part
def _current(leak, recurrent, drive, bias, x):
    # x <- (1 - alpha) x + [alpha] (W r + I)
    for i in range(x.size):
        x[i] = leak[i] * x[i] + (recurrent[i] + drive[i] + bias[i])


@part
def _received(recurrent, drive, bias, a):
    for i in range(a.size):
        a[i] = recurrent[i] + drive[i] + bias[i]


@part
def _add(spread, noise, out):
    for i in range(out.size):
        out[i] += spread[i] * noise[i]


@part
def _send(leak, gain, r, x):
    # x <- (1 - alpha) x + alpha phi(W x + I + sqrt((2 - alpha) / alpha) sigma xi)
    for i in range(x.size):
        x[i] = leak[i] * x[i] + gain[i] * r[i]


@kernel
def forward(
    first, last, rate_form, activation, w, inputs, noise, trial_first, states, received, outputs
):
    """Run the trials from `first` to `last`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        rate_form: whether the state is what units send; else it is what they receive.
        activation: number of the transfer function, its place in `transfer.NAMES`.
        w: `Weights`.
        inputs: (trial, time, input).
        noise: `Noise`.
        trial_first: whether what is kept is (trial, time, unit); else (time, trial, unit).
        states: room for the state after each step; without units: it is not kept.
        received: of the rate form, room for what the transfer function is of; see `states`.
        outputs: room for W_out r + b_out, (trial, time, output).
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.bias.size
    leak, gain, bias = tiled(w.leak, n_trials), tiled(w.gain, n_trials), tiled(w.bias, n_trials)
    noisy, only_private = noise.size > 0, w.shared.size == 0
    spread = tiled(w.private, n_trials) if noisy and only_private else np.ones_like(leak)
    words, drawn = room_for_noise(noise.size, n_trials)
    added = drawn[: leak.size] if noisy and only_private else np.empty_like(leak)

    u = np.empty((STEPS * n_trials, w.input.shape[0]), np.float32)
    z = np.empty((STEPS * n_trials, w.output.shape[1]), np.float32)
    drive = np.empty((STEPS * n_trials, n), np.float32)
    recurrent = np.empty((n_trials, n), np.float32)
    sent = np.empty(((STEPS + 1) * n_trials, n), np.float32)  # before each step, and after the last
    x, a = tiled(w.start, n_trials), np.empty_like(leak)
    if rate_form:
        copy(x, sent[:n_trials].ravel())
    else:
        activate(activation, x, sent[:n_trials].ravel())

    for t in range(0, n_steps, STEPS):
        steps = min(STEPS, n_steps - t)
        rows = steps * n_trials
        gather(inputs, first, t, steps, n_trials, u)
        np.dot(u[:rows], w.input, drive[:rows])
        for k in range(steps):
            before = sent[k * n_trials : (k + 1) * n_trials]
            after = sent[(k + 1) * n_trials : (k + 2) * n_trials].ravel()
            now = drive[k * n_trials : (k + 1) * n_trials].ravel()
            product(before, w.recurrent, recurrent)
            if rate_form:
                _received(recurrent.ravel(), now, bias, a)
            else:
                _current(leak, recurrent.ravel(), now, bias, x)
            if noisy:
                normals(noise, first, t + k, words, drawn)
                if not only_private:
                    _noisy(w, drawn, added)
                _add(spread, added, a if rate_form else x)
            if rate_form:
                activate(activation, a, after)
                _send(leak, gain, after, x)
                copy(x, after)
                if received.shape[2] > 0:
                    keep(a, first, last, t + k, trial_first, received)
            else:
                activate(activation, x, after)
            if states.shape[2] > 0:
                keep(x, first, last, t + k, trial_first, states)
        sent_here = sent[n_trials : rows + n_trials]
        read_out(sent_here, w, first, t, steps, n_trials, z, outputs)
        copy(sent[rows : rows + n_trials].ravel(), sent[:n_trials].ravel())
