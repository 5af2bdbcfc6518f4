"""Credit in one pair of vectors: an unbiased estimate of the influence matrix of rank one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit import chance
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.credit.whole import balance, forward, norm, whole_step
from neurotask.backend.rules.linear import Step, joined, parted

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class RankOne(Credit):
    """The influence of all weights on the state as the product of a vector for each.

    With nu_t of random signs, one for each entry of the state, and G_t = dx_t/dw of that step,

        A_t = p0 J_t A_{t-1} + p1 nu_t,   B_t = B_{t-1} / p0 + nu_t^T G_t / p1
        dL/dw = sum_t (q_t . A_t) B_t

    The mean of A_t B_t over the signs is the influence M_t = J_t M_{t-1} + G_t, as nu nu^T has the
    mean 1. p0 and p1 give both factors equal norms, which keeps the variance low:

        p0 = sqrt(|B| / |J A|),   p1 = sqrt(|nu^T G| / |nu|)

    Each trial has signs of its own. A state that learns where it starts has x_0 = w, hence
    A_0 = B_0 = nu_0; else both start from 0, which is exact, and p0 is 1 where a norm is 0.

    Source: Tallec & Ollivier (2018) ICLR, "Unbiased online recurrent optimization", eq. 13 to 17.

    Example:
        >>> RankOne().local
        False
    """

    def memory(self, model: "RecurrentModel") -> int:
        n_states = len(model.units) * len(model.network.dynamics.state_variables)
        return n_states + sum(int(np.prod(v.shape)) for v in model.trainable_variables)

    def begin(self, moment: Moment) -> Traces:
        step = whole_step(moment)
        state = tf.zeros_like(joined(moment.before))
        weights = {name: tf.zeros_like(by) for name, by in _direct(moment, step, state).items()}
        if moment.prepared.starts:
            state = self.signs(moment, state.shape[-1], use=1)
            for name, part in parted(state, list(moment.before)).items():
                if f"initial_{name}" in moment.prepared.starts:
                    weights[f"initial_{name}"] = part
        return {"state": state, "weights": weights}

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        step = whole_step(moment)
        nu = self.signs(moment, traces["state"].shape[-1])
        carried, kept = forward(step, traces["state"]), traces["weights"]
        direct = _direct(moment, step, nu)
        p0 = balance(norm(*kept.values()), norm(carried))
        p1 = balance(norm(*direct.values()), norm(nu))
        weights = {name: by / p0 for name, by in kept.items()}
        weights |= {name: weights[name] + by / p1 for name, by in direct.items()}
        return step.after, {"state": p0 * carried + p1 * nu, "weights": weights}

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        share = tf.reduce_sum(signal * traces["state"], -1)  # q . A, (..., trial)
        weights = traces["weights"].items()
        return {name: tf.einsum("...t,...tw->...w", share, by) for name, by in weights}

    def signs(self, moment: Moment, n: int, use: int = 0) -> Tensor:
        """Return nu, (..., trial, n); `use` is 0 for a step, 1 for the start."""
        return chance.signs(moment, n, use)


def _direct(moment: Moment, step: Step, credit: Tensor) -> dict[str, Tensor]:
    """Return credit^T G of a step for prepared weights by name, (..., trial, pre * post)."""
    learned = [name for name in step.received if moment.prepared.learns(name)]
    received = {name: step.received[name] for name in learned}
    by = step.back(credit, [received, step.vectors])
    direct = dict(by[1])
    for name, delta in by[0].items():
        outer = step.sent[name][..., :, tf.newaxis] * delta[..., tf.newaxis, :]
        size = outer.shape[-2] * outer.shape[-1]
        direct[name] = tf.reshape(outer, tf.concat([tf.shape(outer)[:-2], [size]], 0))
    return direct
