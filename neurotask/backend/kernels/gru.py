"""Gated recurrent units: the equations of `dynamics.gru`, forward and backward.

With dh_t = dL/dh_t, m_t = s_t h_{t-1} where the reset gate s acts before the weights, and
q_t = W_g h_{t-1} + b_r where it acts behind them:

    dz_t = dh_t (h_{t-1} - g_t) z_t (1 - z_t),    dg_t = dh_t (1 - z_t) (1 - g_t^2)

    before: dm_t = W_g^T dg_t,   ds_t = dm_t h_{t-1} s_t (1 - s_t)
            dh_{t-1} = ... + z_t dh_t + s_t dm_t + W_z^T dz_t + W_s^T ds_t
    behind: dq_t = s_t dg_t,     ds_t = dg_t q_t s_t (1 - s_t)
            dh_{t-1} = ... + z_t dh_t + W_g^T dq_t + W_z^T dz_t + W_s^T ds_t

with ... what comes from outputs and elsewhere. The way back computes the gates again, a block at
once, from the states, which alone are kept.
"""

import numpy as np

from neurotask.backend.kernels.blocks import (
    add,
    add_outputs,
    add_rows,
    copy,
    filled,
    from_outputs,
    gather,
    read_out,
    steps_of_block,
    tiled,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.elementary import F
from neurotask.backend.kernels.gated import (
    add_states,
    from_inputs,
    keep_variable,
    open_gate,
    squash,
    states_of,
    times,
)
from neurotask.backend.kernels.products import add_product, add_transposed, product

UPDATE, RESET, CANDIDATE = range(3)


@part
def _reset(s, bias, q):
    # s (W r + b_r)
    for i in range(q.size):
        q[i] = s[i] * (q[i] + bias[i])


@part
def _move(z, g, before, after):
    # r_t = z r_{t-1} + (1 - z) g
    for i in range(after.size):
        after[i] = z[i] * before[i] + (F(1.0) - z[i]) * g[i]


@part
def _back(before, z, g, dh):
    # z, g become dz, dg;   dh becomes z dh
    one = F(1.0)
    for i in range(dh.size):
        dz, dg = dh[i] * (before[i] - g[i]) * z[i] * (one - z[i]), dh[i] * (one - z[i])
        past = dh[i] * z[i]
        slope = one - g[i] * g[i]
        z[i] = dz
        g[i] = dg * slope
        dh[i] = past


@part
def _back_before(before, dm, s, dh):
    # s becomes ds;   dh gets s dm
    for i in range(dh.size):
        dh[i] += s[i] * dm[i]
    for i in range(dh.size):
        s[i] = dm[i] * before[i] * s[i] * (F(1.0) - s[i])


@part
def _back_behind(dg, s, q):
    # q becomes dq, s becomes ds
    for i in range(q.size):
        dq, ds = dg[i] * s[i], dg[i] * q[i] * s[i] * (F(1.0) - s[i])
        q[i] = dq
        s[i] = ds


@kernel
def forward(first, last, reset_after, w, inputs, trial_first, states, outputs):
    """Run the trials from `first` to `last`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        reset_after: whether the reset gate acts behind the recurrent weights.
        w: `Gates`.
        inputs: (trial, time, input).
        trial_first: whether states are (trial, time, unit); else (time, trial, unit).
        states: room for the state after each step; without units: it is not kept.
        outputs: room for W_out r + b_out, (trial, time, output).
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.output.shape[0]
    per_block = steps_of_block(n_trials, n_steps)
    most = per_block * n_trials
    u = filled(most, w.input.shape[1], F(1.0))
    z = np.empty((most, w.output.shape[1]), np.float32)
    gates = np.empty((3, most, n), np.float32)
    bias = tiled(w.recurrent_bias, n_trials)
    kept = np.empty((n_trials, n), np.float32)  # what the reset gate lets through
    hidden = np.empty((most + n_trials, n), np.float32)  # before each step, and after the last
    copy(tiled(w.start[0], n_trials), hidden[:n_trials].ravel())

    for t in range(0, n_steps, per_block):
        steps = min(per_block, n_steps - t)
        rows = steps * n_trials
        gather(inputs, first, t, steps, n_trials, u)
        for gate in range(3):
            product(u[:rows], w.input[gate], gates[gate][:rows])
        for k in range(steps):
            here = slice(k * n_trials, (k + 1) * n_trials)
            before = hidden[here]
            after = hidden[(k + 1) * n_trials : (k + 2) * n_trials].ravel()
            update, reset = gates[UPDATE][here].ravel(), gates[RESET][here].ravel()
            candidate = gates[CANDIDATE][here].ravel()
            for gate in range(2):
                add_product(before, w.recurrent[gate], gates[gate][here])
                squash(False, gates[gate][here].ravel())
            if reset_after:
                product(before, w.recurrent[CANDIDATE], kept)
                _reset(reset, bias, kept.ravel())
                add(kept.ravel(), candidate)
            else:
                times(reset, before.ravel(), kept.ravel())
                add_product(kept, w.recurrent[CANDIDATE], gates[CANDIDATE][here])
            squash(True, candidate)
            _move(update, candidate, before.ravel(), after)
            if states.shape[2] > 0:
                keep_variable(after, 0, first, last, t + k, trial_first, states)
        read_out(hidden[n_trials : rows + n_trials], w, first, t, steps, n_trials, z, outputs)
        copy(hidden[rows : rows + n_trials].ravel(), hidden[:n_trials].ravel())


@kernel
def adjoint(
    first, last, reset_after, w, w_back, w_out_back, inputs, states, by_outputs, by_states, total,
    by_inputs,
):  # fmt: skip
    """Add the gradients of the trials from `first` to `last` to `total`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        reset_after: whether the reset gate acts behind the recurrent weights.
        w: the `Gates` of the run.
        w_back: the recurrent weights transposed, (gate, postsynaptic, presynaptic).
        w_out_back: those of the outputs transposed, (output, unit).
        inputs: (trial, time, input).
        states: the state after each step, (time, trial, unit).
        by_outputs: how the loss depends on W_out r + b_out, (trial, time, output); without trials:
            nothing comes from there.
        by_states: how it depends on the states beside, (time, trial, unit); without trials: not.
        total: `Gates` of gradients.
        by_inputs: room for how it depends on the inputs; without trials: it is not wanted.
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.output.shape[0]
    per_block = steps_of_block(n_trials, n_steps)
    most = per_block * n_trials
    u = filled(most, w.input.shape[1], F(1.0))
    dz = np.empty((most, w.output.shape[1]), np.float32)
    hidden = np.empty((most + n_trials, n), np.float32)
    dh, m = np.empty((most, n), np.float32), np.empty((most, n), np.float32)
    d = np.empty((3, most, n), np.float32)
    bias = tiled(w.recurrent_bias, most)
    later, one = filled(n_trials, n, F(0.0)), np.empty((n_trials, n), np.float32)

    stop = n_steps
    while stop > 0:
        t = (stop - 1) // per_block * per_block
        steps = stop - t
        rows = steps * n_trials
        before, after = slice(0, rows), slice(n_trials, rows + n_trials)
        states_of(0, w, states, first, last, t, steps, hidden)
        gather(inputs, first, t, steps, n_trials, u)
        sent, candidate = hidden[before], d[CANDIDATE][before]
        for gate in range(2):
            open_gate(gate, False, sent, u[before], w, d[gate][before])
        if reset_after:
            product(sent, w.recurrent[CANDIDATE], m[before])
            add(bias[: rows * n], m[before].ravel())
            times(d[RESET][before].ravel(), m[before].ravel(), candidate.ravel())
        else:
            times(d[RESET][before].ravel(), sent.ravel(), m[before].ravel())
            product(m[before], w.recurrent[CANDIDATE], candidate)
        add_product(u[before], w.input[CANDIDATE], candidate)
        squash(True, candidate.ravel())
        from_outputs(by_outputs, w_out_back, first, t, steps, n_trials, dz, dh[before])

        for k in range(steps - 1, -1, -1):
            here = slice(k * n_trials, (k + 1) * n_trials)
            now, past = dh[here].ravel(), hidden[here].ravel()
            reset = d[RESET][here].ravel()
            add(later.ravel(), now)
            add_states(by_states, 0, first, t + k, n, now)
            _back(past, d[UPDATE][here].ravel(), d[CANDIDATE][here].ravel(), now)
            if reset_after:
                _back_behind(d[CANDIDATE][here].ravel(), reset, m[here].ravel())
                add_product(m[here], w_back[CANDIDATE], dh[here])
            else:
                product(d[CANDIDATE][here], w_back[CANDIDATE], one)
                _back_before(past, one.ravel(), reset, now)
            copy(now, later.ravel())
            for gate in range(2):
                add_product(d[gate][here], w_back[gate], later)

        for gate in range(2):
            add_transposed(sent, d[gate][before], total.recurrent[gate])
        if reset_after:
            add_transposed(sent, m[before], total.recurrent[CANDIDATE])
            add_rows(m[before], total.recurrent_bias)
        else:
            add_transposed(m[before], candidate, total.recurrent[CANDIDATE])
        from_inputs(d, u, w, first, t, steps, n_trials, total, by_inputs)
        add_outputs(by_outputs, hidden[after], dz[before], total)
        stop = t

    add_rows(later, total.start[0])
