"""Long short-term memory: the equations of `dynamics.lstm`, forward and backward.

With h_t what the outputs and all gates see, and c_t the cell, dh_t = dL/dh_t and dc_t = dL/dc_t:

    dc_t = dh_t o_t (1 - tanh^2 c_t) + f_{t+1} dc_{t+1} + q_t
    do_t = dh_t tanh(c_t) o_t (1 - o_t),    di_t = dc_t g_t i_t (1 - i_t)
    df_t = dc_t c_{t-1} f_t (1 - f_t),      dg_t = dc_t i_t (1 - g_t^2)
    dh_{t-1} = W_out^T dz_{t-1} + sum_k W_k^T dk_t + q'_{t-1}    over the gates k

with q and q' what reaches the states from elsewhere; dL/dW_k = sum_t dk_t h_{t-1}^T, and so on.

The way back needs gates and cell, which are kept, and computes the hidden state again: five numbers
a unit and step. Gates that were computed again would save four of them, for a third more products,
and products are what an update of a large network costs.
"""

import numpy as np

from neurotask.backend.kernels.blocks import (
    add,
    add_outputs,
    add_rows,
    copy,
    fill,
    filled,
    from_outputs,
    gather,
    read_out,
    steps_of_block,
    tiled,
)
from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.elementary import F, tanh
from neurotask.backend.kernels.gated import (
    add_states,
    from_inputs,
    keep_variable,
    squash,
    times,
)
from neurotask.backend.kernels.products import add_product, add_transposed, product

# Gates, in Keras' order, and the cell: what is kept, in this order.
INPUT, FORGET, NEW, OUTPUT, CELL = range(5)
KEPT = 5


@part
def _move(i, f, g, o, c, h):
    # c <- f c + i g;   h = o tanh(c)
    for j in range(c.size):
        c[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(c.size):
        h[j] = o[j] * tanh(c[j])


@part
def _tanh(x, y):
    for j in range(x.size):
        y[j] = tanh(x[j])


@part
def _back(dh, squashed, before, i, f, g, o, dc):
    """Go back a step; all is flat. Gates become how the loss depends on what they receive.

    Args:
        dh: how the loss depends on the hidden state after the step.
        squashed: tanh of the cell after it.
        before: the cell before it.
        i: input gate.
        f: forget gate.
        g: what is new.
        o: output gate.
        dc: how it depends on the cell after the step by other ways; then on that before it.
    """
    one = np.float32(1.0)
    for j in range(dc.size):
        dc[j] += dh[j] * o[j] * (one - squashed[j] * squashed[j])
    for j in range(dc.size):
        o[j] = dh[j] * squashed[j] * o[j] * (one - o[j])
    for j in range(dc.size):
        di, dg = g[j] * i[j] * (one - i[j]), i[j] * (one - g[j] * g[j])
        i[j] = dc[j] * di
        g[j] = dc[j] * dg
    for j in range(dc.size):
        df, past = dc[j] * before[j] * f[j] * (one - f[j]), dc[j] * f[j]
        f[j] = df
        dc[j] = past


@kernel
def forward(first, last, w, inputs, trial_first, states, past, outputs):
    """Run the trials from `first` to `last`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        w: `Gates`.
        inputs: (trial, time, input).
        trial_first: whether states are (trial, time, variable x unit); else (time, trial, ...).
        states: room for hidden and cell after each step; without units: they are not kept.
        past: room for what the way back needs, (time x KEPT, trial, unit); without units: not kept.
        outputs: room for W_out h + b_out, (trial, time, output).
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.output.shape[0]
    per_block = steps_of_block(n_trials, n_steps)
    most = per_block * n_trials
    u = filled(most, w.input.shape[1], F(1.0))
    z = np.empty((most, w.output.shape[1]), np.float32)
    gates = np.empty((4, most, n), np.float32)
    hidden = np.empty((most + n_trials, n), np.float32)  # before each step, and after the last
    copy(tiled(w.start[0], n_trials), hidden[:n_trials].ravel())
    cell = tiled(w.start[1], n_trials)

    for t in range(0, n_steps, per_block):
        steps = min(per_block, n_steps - t)
        rows = steps * n_trials
        gather(inputs, first, t, steps, n_trials, u)
        for gate in range(4):
            product(u[:rows], w.input[gate], gates[gate][:rows])
        for k in range(steps):
            here = slice(k * n_trials, (k + 1) * n_trials)
            after = hidden[(k + 1) * n_trials : (k + 2) * n_trials].ravel()
            for gate in range(4):
                now = gates[gate][here].ravel()
                add_product(hidden[here], w.recurrent[gate], gates[gate][here])
                squash(gate == NEW, now)
                if past.shape[2] > 0:
                    copy(now, past[(t + k) * KEPT + gate, first:last].ravel())
            _move(
                gates[INPUT][here].ravel(), gates[FORGET][here].ravel(), gates[NEW][here].ravel(),
                gates[OUTPUT][here].ravel(), cell, after,
            )  # fmt: skip
            if past.shape[2] > 0:
                copy(cell, past[(t + k) * KEPT + CELL, first:last].ravel())
            if states.shape[2] > 0:
                keep_variable(after, 0, first, last, t + k, trial_first, states)
                keep_variable(cell, 1, first, last, t + k, trial_first, states)
        read_out(hidden[n_trials : rows + n_trials], w, first, t, steps, n_trials, z, outputs)
        copy(hidden[rows : rows + n_trials].ravel(), hidden[:n_trials].ravel())


@part
def _states(w, past, first, last, t, n_steps, gates, cell, squashed, hidden):
    """Put gates, cell, tanh of the cell and hidden state of a block to their places.

    Gates are those of steps t and following; the others begin with the state before step t.
    """
    n_trials = last - first
    rows, start = n_steps * n_trials, slice(0, n_trials)
    for k in range(n_steps):
        at = (t + k) * KEPT
        for gate in range(4):
            here = gates[gate][k * n_trials : (k + 1) * n_trials]
            copy(past[at + gate, first:last].ravel(), here.ravel())
        here = cell[(k + 1) * n_trials : (k + 2) * n_trials]
        copy(past[at + CELL, first:last].ravel(), here.ravel())
    if t == 0:
        copy(tiled(w.start[1], n_trials), cell[start].ravel())
    else:
        copy(past[(t - 1) * KEPT + CELL, first:last].ravel(), cell[start].ravel())
    _tanh(cell[: rows + n_trials].ravel(), squashed[: rows + n_trials].ravel())
    if t == 0:
        copy(tiled(w.start[0], n_trials), hidden[start].ravel())
    else:
        opened = past[(t - 1) * KEPT + OUTPUT, first:last].ravel()
        times(opened, squashed[start].ravel(), hidden[start].ravel())
    after = slice(n_trials, rows + n_trials)
    times(gates[OUTPUT][:rows].ravel(), squashed[after].ravel(), hidden[after].ravel())


@kernel
def adjoint(
    first, last, w, w_back, w_out_back, inputs, past, by_outputs, by_states, total, by_inputs
):
    """Add the gradients of the trials from `first` to `last` to `total`.

    Args:
        first: the first trial.
        last: the trial behind the last.
        w: the `Gates` of the run.
        w_back: the recurrent weights transposed, (gate, postsynaptic, presynaptic).
        w_out_back: those of the outputs transposed, (output, unit).
        inputs: (trial, time, input).
        past: what `forward` kept.
        by_outputs: how the loss depends on W_out h + b_out, (trial, time, output); without trials:
            nothing comes from there.
        by_states: how it depends on hidden and cell beside, (time, trial, variable x unit); without
            trials: not.
        total: `Gates` of gradients.
        by_inputs: room for how it depends on the inputs; without trials: it is not wanted.
    """
    n_trials, n_steps, n = last - first, inputs.shape[1], w.output.shape[0]
    per_block = steps_of_block(n_trials, n_steps)
    most = per_block * n_trials
    u = filled(most, w.input.shape[1], F(1.0))
    dz = np.empty((most, w.output.shape[1]), np.float32)
    hidden = np.empty((most + n_trials, n), np.float32)
    cell = np.empty((most + n_trials, n), np.float32)
    squashed = np.empty((most + n_trials, n), np.float32)
    dh, d = np.empty((most, n), np.float32), np.empty((4, most, n), np.float32)
    later = filled(n_trials, n, F(0.0))
    dc = filled(n_trials, n, F(0.0)).ravel()

    stop = n_steps
    while stop > 0:
        t = (stop - 1) // per_block * per_block
        steps = stop - t
        rows = steps * n_trials
        before, after = slice(0, rows), slice(n_trials, rows + n_trials)
        _states(w, past, first, last, t, steps, d, cell, squashed, hidden)
        from_outputs(by_outputs, w_out_back, first, t, steps, n_trials, dz, dh[before])

        for k in range(steps - 1, -1, -1):
            here = slice(k * n_trials, (k + 1) * n_trials)
            squashed_after = squashed[(k + 1) * n_trials : (k + 2) * n_trials].ravel()
            now = dh[here].ravel()
            add(later.ravel(), now)
            add_states(by_states, 0, first, t + k, n, now)
            add_states(by_states, 1, first, t + k, n, dc)
            _back(
                now, squashed_after, cell[here].ravel(), d[INPUT][here].ravel(),
                d[FORGET][here].ravel(), d[NEW][here].ravel(), d[OUTPUT][here].ravel(), dc,
            )  # fmt: skip
            fill(later.ravel(), F(0.0))
            for gate in range(4):
                add_product(d[gate][here], w_back[gate], later)

        gather(inputs, first, t, steps, n_trials, u)
        for gate in range(4):
            add_transposed(hidden[before], d[gate][before], total.recurrent[gate])
        from_inputs(d, u, w, first, t, steps, n_trials, total, by_inputs)
        add_outputs(by_outputs, hidden[after], dz[before], total)
        stop = t

    add_rows(later, total.start[0])
    add_rows(dc.reshape(n_trials, n), total.start[1])
