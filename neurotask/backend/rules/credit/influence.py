"""Credit in full: how every variable of the state depends on every weight, through all units."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.linear import Jacobian

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class Influence(Credit):
    """The influence matrix of real-time recurrent learning.

        M_t = J_t M_{t-1} + dx_t/dw,   dL/dw = sum_t q_t^T M_t

    with the Jacobian J_t = dx_t/dx_{t-1} of the whole network. A network of N rate units has N x N²
    entries for each trial, and a step costs of the order of N^4.

    Source: Williams & Zipser (1989) Neural Comput 1:270.

    Example:
        >>> Influence().local
        False
    """

    def memory(self, model: "RecurrentModel") -> int:
        n_states = len(model.units) * len(model.network.dynamics.state_variables)
        return n_states * sum(int(np.prod(v.shape)) for v in model.trainable_variables)

    def begin(self, moment: Moment) -> Traces:
        jacobian = self._jacobian(moment)
        zeros = tf.zeros_like(jacobian.state)
        names = [name for name in jacobian.received if moment.prepared.learns(name)]
        sizes = {n: jacobian.sent[n].shape[-1] * jacobian.received[n].shape[-1] for n in names}
        sizes |= {name: by.shape[-1] for name, by in jacobian.vectors.items()}
        lead = tf.shape(zeros)[:-1]
        traces = {
            name: tf.zeros(tf.concat([lead, [size]], 0), zeros.dtype)
            for name, size in sizes.items()
        }
        n = len(moment.model.units)
        for at, variable in enumerate(moment.before):
            name = f"initial_{variable}"
            if name in moment.prepared.starts:
                identity = tf.eye(zeros.shape[-1], dtype=zeros.dtype)[:, at * n : (at + 1) * n]
                traces[name] = identity + zeros[..., :n]
        return traces

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        jacobian = self._jacobian(moment)
        after = {}
        for name, trace in traces.items():
            trace = jacobian.state @ trace
            if name in jacobian.vectors:
                trace = trace + jacobian.vectors[name]
            elif name in jacobian.sent:
                # (..., state, pre * post), in the order of the prepared matrix (pre, post)
                sent = jacobian.sent[name][..., tf.newaxis, :, tf.newaxis]
                direct = sent * jacobian.received[name][..., tf.newaxis, :]
                trace = trace + tf.reshape(direct, tf.shape(trace))
            after[name] = trace
        return jacobian.after, after

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        return {n: tf.einsum("...bs,...bsp->...p", signal, m) for n, m in traces.items()}

    def _jacobian(self, moment: Moment) -> Jacobian:
        weights, vectors = moment.prepared.weights, list(moment.prepared.vectors)
        if moment.model.network.feedback and moment.prepared.learns("output_bias"):
            vectors.append("output_bias")
        return Jacobian(
            moment.model, weights, moment.before, moment.inputs, moment.noise, vectors=vectors
        )
