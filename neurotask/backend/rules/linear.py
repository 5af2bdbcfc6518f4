"""How a step of a network depends on what goes into it: what learning rules pass credit along.

Formulas are not asked of dynamics. A step is written once, and what a rule needs of it is taken
from it by automatic differentiation: along all edges, or with those cut that run through synapses,
so that what is left of a unit's future depends on the unit alone.

Arrays have trials on the last axis but one, and any axes in front.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State, Weights
from neurotask.backend.tensors import TensorOps, derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# Kernels that do not run from unit to unit.
_ACROSS = ("input", "output", "feedback", "feedforward")


class Watching:
    """An engine that notes what goes through synapses, and may cut credit there.

    Args:
        ops: the engine, which does all else.
        cut: "none"; "synapses": no credit passes a synapse; "others": it passes autapses alone.
        tape: watches what arrives.
    """

    def __init__(self, ops: TensorOps, cut: str, tape: tf.GradientTape):
        self._ops, self._cut, self._tape = ops, cut, tape
        self.sent: dict[str, Tensor] = {}
        self.received: dict[str, Tensor] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def synapses(self, weights: Weights, name: str, sent: Tensor) -> Tensor:
        held = sent if self._cut == "none" else tf.stop_gradient(sent)
        received = self._ops.synapses(weights, name, held)
        if self._cut == "others" and name not in _ACROSS:
            through = (sent - held)[..., tf.newaxis, :] * _autapses(weights[name])
            received = received + tf.reshape(through, tf.shape(received))
        self._tape.watch(received)
        self.sent[name], self.received[name] = held, received
        return received


def _autapses(matrix: Tensor) -> Tensor:
    """Return the weights of autapses, (..., 1, gate, unit), of a matrix (..., pre, gate * post)."""
    n = matrix.shape[-2]
    gates = tf.reshape(matrix, (*matrix.shape[:-1], matrix.shape[-1] // n, n))
    diagonal = tf.linalg.diag_part(tf.einsum("...pgu->...gpu", gates))
    return diagonal[..., tf.newaxis, :, :]


class _Severed(Watching):
    """An engine through whose synapses nothing arrives that could be traced back."""

    def __init__(self, ops: TensorOps):
        super().__init__(ops, "none", tf.GradientTape())
        self.called: list[str] = []

    def synapses(self, weights: Weights, name: str, sent: Tensor) -> Tensor:
        self.called.append(name)
        return tf.stop_gradient(self._ops.synapses(weights, name, sent))


def check_synapses(model: "RecurrentModel") -> None:
    """Raise a ValueError unless all weights of a step are used through `ops.synapses`, once each.

    Rules that pass credit along see what goes through there, and nothing else.
    """
    ops: Any = _Severed(model.ops)
    raws = {name: kernel.raw for name, kernel in model.kernels.items() if kernel.raw.trainable}
    with tf.GradientTape() as tape:
        weights = model.prepare()
        start = model.start(weights, tf.constant(1))
        inputs = tf.zeros((*next(iter(start.values())).shape[:-1], len(model.input_names)))
        inputs = tf.cast(inputs, model.compute_dtype)
        after = joined(model.network.step(ops, weights, start, inputs, None))
    by = tape.gradient(after, {name: raw.value for name, raw in raws.items()})
    past = [name for name, gradient in by.items() if gradient is not None]
    kind = type(model.network.dynamics).__name__
    if past:
        raise ValueError(
            f"`step` of {kind} must send what goes through {past[0]} synapses by "
            f'ops.synapses(weights, "{past[0]}", rates) for this rule, which sees nothing else, '
            f'but it uses weights["{past[0]}"] by itself. Mend it, or give rule="bptt".'
        )
    twice = [name for name in ops.called if ops.called.count(name) > 1]
    if twice:
        raise ValueError(
            f'`step` of {kind} must call ops.synapses(weights, "{twice[0]}", ...) once a step for '
            "this rule, got it more than once. Give the parts names of their own in `prepare`, or "
            'rule="bptt".'
        )


class Step:
    """A step of a network, and the products of its derivatives.

    Args:
        model: the network.
        weights: what its `prepare` returned.
        before: the state before, each variable (..., trial, unit).
        inputs: what comes in, (..., trial, input).
        noise: standard normals (..., trial, noise_per_step), or None.
        fed: the outputs that feed back, (..., trial, output), where they are given.
        cut: where credit is cut; see `Watching`.
        vectors: names of the vectors in `weights` to derive by.

    Attributes:
        after: the state after it.
        sent: what was sent through each kind of synapse, (..., trial, pre), by their name in
            `weights`.
        received: what arrived through them, (..., trial, post).
        vectors: a copy of each vector of `weights` for each trial, (..., trial, n).
    """

    def __init__(
        self,
        model: "RecurrentModel",
        weights: Weights,
        before: State,
        inputs: Tensor,
        noise: Tensor | None,
        *,
        fed: Tensor | None = None,
        cut: str = "none",
        vectors: Sequence[str] = (),
    ):
        self._before = {name: tf.identity(values) for name, values in before.items()}
        self._tape = tf.GradientTape(persistent=True)
        ops: Any = Watching(model.ops, cut, self._tape)
        one = next(iter(before.values()))[..., :1]  # (..., trial, 1)
        with self._tape:
            self._tape.watch(self._before)
            self.vectors = {name: weights[name] + tf.zeros_like(one) for name in vectors}
            self._tape.watch(self.vectors)
            own = {**weights, **self.vectors}
            self.after: State = model.network.step(ops, own, self._before, inputs, noise, fed=fed)
            self._joined = joined(self.after)
        self.sent, self.received = ops.sent, ops.received

    def back(self, credit: Tensor, targets: Any) -> Any:
        """Return the derivatives of sum(credit * after) by targets, a nest of watched arrays.

        Args:
            credit: (..., trial, variable * unit).
            targets: any of `received`, `vectors`, `state`.
        """
        return derivatives(self._tape, self._joined, targets, credit)

    @property
    def state(self) -> State:
        """The state before, to derive by."""
        return self._before

    def local(self) -> tuple[list[list[Tensor]], dict[str, list[Tensor]], dict[str, list[Tensor]]]:
        """Return the derivatives within each unit; exact where synapses are cut.

        Returns:
            decay[v][w], of variable v after by variable w before, (..., trial, unit); and of each
            variable after by what was received, and by vectors: (..., trial, gate * unit) by name.
        """
        decay: list[list[Tensor]] = []
        gain: dict[str, list[Tensor]] = {name: [] for name in self.received}
        own: dict[str, list[Tensor]] = {name: [] for name in self.vectors}
        for values in self.after.values():
            targets = [list(self._before.values()), self.received, self.vectors]
            by = derivatives(self._tape, values, targets)
            decay.append(by[0])
            for name in gain:
                gain[name].append(by[1][name])
            for name in own:
                own[name].append(by[2][name])
        return decay, gain, own


class Jacobian:
    """All derivatives of a step, as matrices: exact for any dynamics.

    The step is run once for each entry of the state, on copies of the trials.

    Args: those of `Step`.

    Attributes:
        state: of the state after by the state before, (..., trial, variable * unit, the same).
        received: of the state after by what was received, (..., trial, variable * unit, post).
        vectors: of the state after by vectors, (..., trial, variable * unit, n).
        sent: what was sent, (..., trial, pre).
        after: the state after.
    """

    def __init__(
        self,
        model: "RecurrentModel",
        weights: Weights,
        before: State,
        inputs: Tensor,
        noise: Tensor | None,
        *,
        fed: Tensor | None = None,
        vectors: Sequence[str] = (),
    ):
        n = len(before) * len(model.units)
        axis = next(iter(before.values())).shape.rank - 2  # of the trials

        def copies(values: Tensor | None) -> Tensor | None:
            return None if values is None else tf.repeat(values, n, axis)

        copied = {name: copies(values) for name, values in before.items()}
        step = Step(
            model, weights, copied, copies(inputs), copies(noise), fed=copies(fed), vectors=vectors
        )
        after = joined(step.after)
        shape = tf.shape(after)
        n_trials = shape[axis] // n

        def per_trial(values: Tensor) -> Tensor:
            parts = [tf.shape(values)[:axis], [n_trials, n], [values.shape[-1]]]
            return tf.reshape(values, tf.concat(parts, 0))

        rows = tf.eye(n, dtype=after.dtype)
        rows = tf.tile(rows, tf.stack([n_trials, 1]))
        rows = tf.broadcast_to(rows, shape)
        by = step.back(rows, [list(step.state.values()), step.received, step.vectors])
        self.state = per_trial(tf.concat(by[0], -1))
        self.received = {name: per_trial(values) for name, values in by[1].items()}
        self.vectors = {name: per_trial(values) for name, values in by[2].items()}
        self.sent = {name: per_trial(values)[..., 0, :] for name, values in step.sent.items()}
        self.after = {name: per_trial(values)[..., 0, :] for name, values in step.after.items()}


def joined(state: State) -> Tensor:
    """Return the variables of a state side by side, (..., trial, variable * unit)."""
    return tf.concat(list(state.values()), -1)


def parted(values: Tensor, names: Sequence[str]) -> State:
    """Return the state whose variables lie side by side."""
    return dict(zip(names, tf.split(values, len(names), -1), strict=True))
