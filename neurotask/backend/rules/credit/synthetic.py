"""Credit that is predicted: a linear guess of all that will come of a state, learned as it goes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import number
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.credit.whole import whole_step
from neurotask.backend.rules.linear import Step, joined

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class Synthetic(Credit):
    """Synthetic gradients: c_t = dL/dx_t, of this and of all later steps, is predicted.

    With the state x_t after a step and what is wanted of the outputs y*_t,

        c^_t = S [x_t, y*_t, 1],   dL/dw = sum_t c^_t^T dx_t/dw

    where dx_t/dw is what the weights do in step t alone. S learns from what the next step says, by
    the learning signal q and the next prediction sent back through the step's Jacobian J:

        c*_{t-1} = q_{t-1} + J_t^T c^_t,   c*_T = q_T at the end
        dS = -rate (c^_t - c*_t) z_t^T / |z|²,   z_t = [x_t, y*_t, 1]

    a mean over the trials and steps of an update; the normalisation makes rates below 1 stable.
    S starts from 0, so that at first the readout alone learns. With c^ = c it is BPTT.

    S predicts for a trial as if it were the only one, so that it holds for batches of any size.

    Args:
        rate: learning rate of S, in [0, 1].

    Source: Jaderberg et al. (2017) ICML, "Decoupled neural interfaces using synthetic gradients";
    forward in time, with the bootstrap of one step: Marschall, Cho & Savin (2020) JMLR 21(135).

    Example:
        >>> Synthetic(rate=0.1)
        Synthetic(rate=0.1)
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        number("rate", self.rate, low=0.0, high=1.0)

    def memory(self, model: "RecurrentModel") -> int:
        n_states, n_features = _sizes(model)
        return 2 * n_states + n_features

    def init(self, model: "RecurrentModel") -> Any:
        n_states, n_features = _sizes(model)
        zeros = np.zeros((n_features, n_states))
        return keras.Variable(zeros, dtype=model.dtype, trainable=False, name="synthetic")

    def begin(self, moment: Moment) -> Traces:
        step = whole_step(moment)
        zero, s = tf.zeros_like(joined(moment.before)), tf.convert_to_tensor(moment.memory)
        features = tf.zeros_like(_features(step.after, moment.targets))
        now, _ = _direct(moment, step, zero)
        weights = moment.prepared.weights
        now |= {name: tf.zeros_like(weights[name]) for name in moment.prepared.starts}
        return {
            "now": now, "first": tf.ones((), zero.dtype), "features": features, "credit": zero,
            "signal": zero, "sum": tf.zeros_like(s), "power": _power(features),
        }  # fmt: skip

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        step = whole_step(moment)
        # Nothing comes of what is behind a trial's end.
        features = moment.present * _features(step.after, moment.targets)
        credit = moment.present * self.predicted(moment, features)
        now, earlier = _direct(moment, step, credit)
        traces = _taught(traces, traces["signal"] + joined(earlier))
        for name in moment.prepared.starts:
            at_start = traces["first"] * earlier[name.removeprefix("initial_")]
            total = tf.reduce_sum(at_start, -2, keepdims=True) / _trials(credit)
            now[name] = tf.reshape(total, tf.shape(moment.prepared.weights[name]))
        return step.after, {
            **traces, "now": now, "first": tf.zeros_like(traces["first"]),
            "features": features, "credit": credit,
        }  # fmt: skip

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        return traces["now"]

    def hear(self, moment: Moment, traces: Traces, signal: Tensor, last: Tensor) -> Traces:
        signal = signal * _trials(signal)
        taught = _taught(traces, signal)
        # Nothing comes after the last step: there the learning signal is all.
        sums = {name: tf.where(last, taught[name], traces[name]) for name in ("sum", "power")}
        return {**traces, **sums, "signal": signal}

    def learn(self, model: "RecurrentModel", memory: Any, traces: Traces) -> Traces:
        change = tf.math.divide_no_nan(traces["sum"], traces["power"])
        memory.assign(memory - self.rate * change)
        return {
            **traces,
            "sum": tf.zeros_like(traces["sum"]),
            "power": tf.zeros_like(traces["power"]),
        }

    def predicted(self, moment: Moment, features: Tensor) -> Tensor:
        """Return c^, (..., trial, variable * unit), for [x, y*, 1]."""
        return features @ tf.convert_to_tensor(moment.memory)


def _sizes(model: "RecurrentModel") -> tuple[int, int]:
    """Return how many numbers a state has, and how many [x, y*, 1] has."""
    n_states = len(model.units) * len(model.network.dynamics.state_variables)
    return n_states, n_states + len(model.network.outputs) + 1


def _features(state: State, targets: Tensor) -> Tensor:
    """Return [x, y*, 1], (..., trial, feature)."""
    x = joined(state)
    return tf.concat([x, targets, tf.ones_like(x[..., :1])], -1)


def _trials(values: Tensor) -> Tensor:
    """Return the number of trials of (..., trial, n), as a number of its precision."""
    return tf.cast(tf.shape(values)[-2], values.dtype)


def _direct(moment: Moment, step: Step, credit: Tensor) -> tuple[dict[str, Tensor], State]:
    """Return what credit gives to prepared weights for one step, and to the state before it."""
    learned = [name for name in step.received if moment.prepared.learns(name)]
    received = {name: step.received[name] for name in learned}
    by, vectors, earlier = step.back(credit, [received, step.vectors, step.state])
    share = 1.0 / _trials(credit)
    direct = {name: share * tf.reduce_sum(values, -2) for name, values in vectors.items()}
    for name, delta in by.items():
        direct[name] = share * tf.matmul(step.sent[name], delta, transpose_a=True)
    return direct, earlier


def _taught(traces: Traces, target: Tensor) -> Traces:
    """Return the traces with what the last prediction has to learn of c*, its target."""
    features, credit = traces["features"], traces["credit"]
    missed = tf.matmul(features, credit - target, transpose_a=True)
    power = traces["power"] + _power(features)
    return {**traces, "sum": traces["sum"] + missed, "power": power}


def _power(features: Tensor) -> Tensor:
    """Return |z|² over all trials, (..., 1, 1)."""
    return tf.reduce_sum(features**2, (-2, -1), keepdims=True)
