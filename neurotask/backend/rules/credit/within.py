"""Credit that stays within a unit: immediate, leaky, and through the unit's autapse."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.linear import Step, Watching, joined, parted
from neurotask.backend.tensors import derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.models.forward import Run


@dataclass(frozen=True)
class LeakyCredit(Credit):
    """What a synapse did fades as the state of its unit does; no credit passes to other units.

        P_t = D_t P_{t-1} + g_t r_{t-1}^T

    for each kind of synapse, where D_t is how the unit's own state lasts, g_t how a current enters
    it and r_{t-1} what was sent. A unit of several variables (the hidden and the cell state of an
    LSTM, resources of synapses) has a matrix D_t of its own. For rate units, state after the
    transfer function, D = 1 - alpha and g_t = alpha phi'(u_t); before it, D = 1 - alpha and
    g_t = alpha, and the slope phi'(x_t) comes with the learning signal.

    Over a whole trial the same gradient is that of a backward pass without the edges between units,
    c_t = q_t + D_{t+1}^T c_{t+1}, which keeps one number a unit and step:

        dL/dW = sum_t (g_t c_t) r_{t-1}^T

    Source: Murray (2019) eLife 8:e43299, eq. 9 to 11; for LSTM: Bellec et al. (2020) Nat Commun
    11:3625, supplement.

    Example:
        >>> LeakyCredit().local
        True
    """

    cut = "synapses"
    local = True

    def check(self, model: "RecurrentModel") -> None:
        stage = model.kernels.get("feedforward")
        if stage is not None and stage.raw.trainable:
            raise ValueError(
                "`feedforward` must be frozen under a rule whose credit stays within a unit, since "
                "no error reaches the stage before the units. Give "
                'FeedForward(..., connectivity=Connectivity(frozen="->")), or rule="bptt".'
            )

    def memory(self, model: "RecurrentModel") -> int:
        kernels = (k for name, k in model.kernels.items() if name not in ("output", "feedforward"))
        n_variables = len(model.network.dynamics.state_variables)
        return n_variables * sum(int(tf.size(kernel.raw)) for kernel in kernels)

    def begin(self, moment: Moment) -> Traces:
        step = self._step(moment)
        zeros = [tf.zeros_like(values) for values in moment.before.values()]
        n = len(moment.model.units)
        traces = {}
        for name in self._names(moment, step):
            sent, post = step.sent[name], step.received[name]
            shape = tf.concat(
                [tf.shape(sent), [post.shape[-1] // n, n]], 0
            )  # (..., trial, pre, gate, unit)
            traces[name] = [tf.zeros(shape, sent.dtype) for _ in zeros]
        for name, values in step.vectors.items():
            shape = tf.concat([tf.shape(values)[:-1], [values.shape[-1] // n, n]], 0)
            traces[name] = [tf.zeros(shape, values.dtype) for _ in zeros]
        for at, variable in enumerate(moment.before):
            name = f"initial_{variable}"
            if name in moment.prepared.starts:
                own = [tf.ones_like(z) if at == v else z for v, z in enumerate(zeros)]
                traces[name] = [values[..., tf.newaxis, :] for values in own]
        return traces

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        step = self._step(moment)
        decay, gain, own = step.local()
        n = len(moment.model.units)
        after = {}
        for name, trace in traces.items():
            rank = trace[0].shape.rank
            lasts = [[_spread(d, rank) for d in row] for row in decay]
            after[name] = [
                tf.add_n([d * p for d, p in zip(row, trace, strict=True)])
                if self.decays
                else tf.zeros_like(trace[v])
                for v, row in enumerate(lasts)
            ]
            if name in gain:
                entering = [_gates(g, n)[..., tf.newaxis, :, :] for g in gain[name]]
                sent = step.sent[name][..., tf.newaxis, tf.newaxis]
                after[name] = [p + sent * g for p, g in zip(after[name], entering, strict=True)]
            elif name in own:
                entering = [_gates(g, n) for g in own[name]]
                after[name] = [p + g for p, g in zip(after[name], entering, strict=True)]
        return step.after, after

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        parts = list(parted(signal, list(moment.before)).values())
        trial = parts[0].shape.rank - 2
        return {
            name: tf.add_n([
                tf.reduce_sum(_spread(q, p.shape.rank) * p, trial)
                for q, p in zip(parts, trace, strict=True)
            ])
            for name, trace in traces.items()
        }  # fmt: skip

    def back(
        self, model: "RecurrentModel", run: "Run", fed: Tensor, signal: Tensor
    ) -> list[Tensor]:
        variables = [variable.value for variable in model.trainable_variables]
        names = list(run.states)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(run.before)
            weights = model.prepare()
            start = joined(model.start(weights, tf.shape(signal)[-2]))
            ops: Any = Watching(model.ops, self.cut or "synapses", tape)
            after = model.network.step(ops, weights, run.before, run.inputs, run.noise, fed=fed)
            both = joined(after)
        credit, at_start = signal, tf.zeros_like(signal[0])
        always = model.network.dynamics.lasting(weights) if self.cut == "synapses" else None
        if self.decays and always is not None:
            credit, at_start = _filtered(signal, always)
        elif self.decays:
            before = list(run.before.values())
            lasting = [derivatives(tape, after[name], before) for name in names]
            credit, at_start = _reverse(signal, lasting, names)
        return derivatives(tape, [both, start], variables, [credit, at_start])

    def _step(self, moment: Moment) -> Step:
        prepared = moment.prepared
        # No credit passes from the units to the stage before them.
        vectors = [name for name in prepared.vectors if name != "feedforward_bias"]
        return Step(
            moment.model, prepared.weights, moment.before, moment.inputs, moment.noise,
            fed=moment.fed, cut=self.cut or "synapses", vectors=vectors,
        )  # fmt: skip

    def _names(self, moment: Moment, step: Step) -> list[str]:
        return [name for name in step.received if moment.prepared.learns(name)]


@dataclass(frozen=True)
class Immediate(LeakyCredit):
    """A synapse remembers nothing: what it does in a step counts for that step alone.

        P_t = g_t r_{t-1}^T

    Source: SnAp-0 of Menick et al. (2021) ICLR; truncation of backpropagation at one step.

    Example:
        >>> Immediate().decays
        False
    """

    decays = False


@dataclass(frozen=True)
class Diagonal(LeakyCredit):
    """As `LeakyCredit`, and credit returns to the unit through its own autapse.

        P_t = D_t P_{t-1} + g_t r_{t-1}^T,   D_t,i = (1 - alpha) + alpha phi'(u_t,i) W_ii

    Without autapses it is `LeakyCredit`.

    Source: SnAp-1 of Menick et al. (2021) ICLR, for dense networks.

    Example:
        >>> Diagonal().cut
        'others'
    """

    cut = "others"


def _spread(values: Tensor, rank: int) -> Tensor:
    """Return (..., trial, unit) with axes before the last, so that it has `rank` axes."""
    for _ in range(rank - values.shape.rank):
        values = values[..., tf.newaxis, :]
    return values


def _filtered(signal: Tensor, lasting: Tensor) -> tuple[Tensor, Tensor]:
    """Return c_t = q_t + d c_{t+1} of each step, and of the state before the first; as `_reverse`.

    Args:
        signal: (time, ..., trial, unit).
        lasting: d, a number or (..., unit).
    """
    n_steps, axes = tf.shape(signal)[0], [1] * (signal.shape.rank - 1)
    at = tf.reshape(tf.range(n_steps), (-1, *axes))

    def turn(span: Tensor, credit: Tensor, lasts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        there = tf.cast(at + span < n_steps, signal.dtype)
        return 2 * span, credit + lasts * there * tf.roll(credit, -span, 0), lasts * lasts

    _, credit, _ = tf.while_loop(
        lambda span, *_: span < n_steps,
        turn,
        (tf.constant(1), signal, lasting),
        parallel_iterations=1,
    )
    return credit, lasting * credit[0]


def _reverse(
    signal: Tensor, lasting: list[list[Tensor]], names: list[str]
) -> tuple[Tensor, Tensor]:
    """Return c_t = q_t + D_{t+1}^T c_{t+1} of each step, and of the state before the first.

    All steps at once: after k turns c_t holds what comes from the next 2^k steps, and D_t how the
    state lasts over as many. So there are log2(steps) turns in place of a loop over steps.
    """
    n = len(names)
    n_steps, axes = tf.shape(signal)[0], [1] * (signal.shape.rank - 1)
    at = tf.reshape(tf.range(n_steps), (-1, *axes))

    def turn(span: Tensor, credit: Any, lasting: Any) -> Any:
        there = tf.cast(at + span < n_steps, signal.dtype)
        later = [tf.roll(c, -span, 0) * there for c in credit]
        after = [[tf.roll(d, -span, 0) * there for d in row] for row in lasting]
        # c_t <- c_t + D_t^T c_{t+span};   D_t <- D_{t+span} D_t
        credit = [
            credit[w] + tf.add_n([lasting[v][w] * later[v] for v in range(n)]) for w in range(n)
        ]
        lasting = [
            [tf.add_n([after[v][k] * lasting[k][w] for k in range(n)]) for w in range(n)]
            for v in range(n)
        ]
        return 2 * span, credit, lasting

    own = list(parted(signal, names).values())
    last = tf.cast(tf.equal(at, n_steps - 1), signal.dtype)
    onward = [[tf.roll(d, -1, 0) * (1 - last) for d in row] for row in lasting]
    _, credit, _ = tf.while_loop(
        lambda span, *_: span < n_steps,
        turn,
        (tf.constant(1), own, onward),
        parallel_iterations=1,
    )
    first = [tf.add_n([lasting[v][w][0] * credit[v][0] for v in range(n)]) for w in range(n)]
    return tf.concat(credit, -1), tf.concat(first, -1)


def _gates(values: Tensor, n: int) -> Tensor:
    """Return (..., gate * unit) as (..., gate, unit)."""
    return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [values.shape[-1] // n, n]], 0))
