"""Credit that passes between units through a matrix learned from the effect of noise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import number
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit import chance
from neurotask.backend.rules.credit.base import Moment, Traces
from neurotask.backend.rules.credit.within import LeakyCredit
from neurotask.backend.rules.linear import Step, joined, parted

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class LearnedKernel(LeakyCredit):
    """Traces that fade at a learned pace k, and a learned matrix A of what they do to other units.

    The influence of the synapse from j to i on unit k is taken to be A_ki P_ij:

        P_t = k P_{t-1} + g_t r_{t-1}^T,   dL/dW = sum_t (A^T q_t) P_t,   k_i = 1 - a_i

    A and a are a regression on what small noise does. A copy of the network gets noise zeta_t on
    its state after each step; z_t is what remains of noise by the model, and d_t is what is seen,
    the state of the copy less that of the network, the noise of the step included:

        z_t = k z_{t-1} + zeta_t,   Gamma_t = dz_t/da = k Gamma_{t-1} - z_{t-1}
        dA = -rate (A z_t - d_t) z_t^T / |z|²
        da = -rate A^T (A z_t - d_t) Gamma_t / |A Gamma|²

    each a mean over the trials and steps of an update. The normalisation, by what the sums have in
    the mean, makes rates below 1 stable whatever the size of the noise and of k. It starts from
    A = 1 and k = 1 - dt / tau, which is `LeakyCredit` with rate units.

    Args:
        rate: learning rate of A and a, in (0, 1]; 0 leaves both as they start.
        noise: standard deviation of the noise, in units of the state.
        decay: k at the start, in [0, 1]; None: 1 - dt / tau of each unit, 0.5 where units have no
            time constant.

    Raises:
        ValueError: at `compile`, for units whose state has several variables.

    Source: Roth, Kanitscheider & Fiete (2019) ICLR, "Kernel RNN learning (KeRNL)", algorithm 1; the
    normalisation is ours.

    Example:
        >>> LearnedKernel(rate=0.2).noise
        0.001
    """

    rate: float = 0.5
    noise: float = 1e-3
    decay: float | None = None

    cut = None

    def __post_init__(self) -> None:
        number("rate", self.rate, low=0.0, high=1.0)
        number("noise", self.noise, low=0.0, above=True)
        if self.decay is not None:
            number("decay", self.decay, low=0.0, high=1.0)

    def check(self, model: "RecurrentModel") -> None:
        super().check(model)
        variables = model.network.dynamics.state_variables
        if len(variables) > 1:
            raise ValueError(
                "`rule` must have units of one state variable where credit is a learned kernel, "
                f"which holds one number for each pair of units, got {', '.join(variables)} of "
                f'{type(model.network.dynamics).__name__}. Give rule="rflo", "uoro" or "bptt".'
            )

    def memory(self, model: "RecurrentModel") -> int:
        return super().memory(model) + 3 * len(model.units)

    def init(self, model: "RecurrentModel") -> dict[str, Any]:
        n = len(model.units)
        tau = model.vectors().get("tau") if self.decay is None else None
        start = 0.5 if self.decay is None else self.decay
        decay = np.full(n, start) if tau is None else 1.0 - model.dt / np.array(tau)
        values = {"kernel": np.eye(n), "decay": decay}
        return {
            name: keras.Variable(value, dtype=model.dtype, trainable=False, name=name)
            for name, value in values.items()
        }

    def begin(self, moment: Moment) -> Traces:
        zero = tf.zeros_like(joined(moment.before))
        kernel, decay = _values(moment.memory)
        none = _total(tf.zeros_like(kernel))
        sums = {
            "kernel": tf.zeros_like(kernel),
            "decay": tf.zeros_like(decay),
            "left": none,
            "moved": none,
        }
        return {
            "synapses": super().begin(moment),
            "copy": joined(moment.before),
            "left": zero,
            "moved": zero,
            "sums": sums,
        }

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        after, synapses = super().advance(moment, traces["synapses"])
        kernel, decay = _values(moment.memory)
        zeta = self.normals(moment, joined(after).shape[-1])
        model, copy = moment.model, parted(traces["copy"], list(after))
        weights = moment.prepared.weights
        copy = model.network.step(model.ops, weights, copy, moment.inputs, moment.noise)
        copy = joined(copy) + self.noise * zeta
        # In units of the noise.
        seen = (copy - joined(after)) / self.noise
        moved = decay * traces["moved"] - traces["left"]
        left = decay * traces["left"] + zeta
        # Nothing is learned from the padding behind a trial's end.
        missed = moment.present * (tf.matmul(left, kernel, transpose_b=True) - seen)
        now = {
            "kernel": tf.matmul(missed, left, transpose_a=True),
            "decay": tf.reduce_sum((missed @ kernel) * moved, -2, keepdims=True),
            "left": _total(moment.present * left**2),
            "moved": _total(moment.present * moved**2 * _power(kernel)),
        }
        sums = {name: traces["sums"][name] + now[name] for name in now}
        return after, {
            "synapses": synapses, "copy": copy, "left": left, "moved": moved, "sums": sums,
        }  # fmt: skip

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        kernel, _ = _values(moment.memory)
        return super().gradient(moment, traces["synapses"], signal @ kernel)

    def learn(self, model: "RecurrentModel", memory: Any, traces: Traces) -> Traces:
        sums = traces["sums"]
        kernel, decay = _values(memory)
        kernel -= self.rate * tf.math.divide_no_nan(sums["kernel"], sums["left"])
        decay += self.rate * tf.math.divide_no_nan(sums["decay"], sums["moved"])
        memory["kernel"].assign(kernel)
        decay = tf.reshape(decay, memory["decay"].shape)
        memory["decay"].assign(tf.clip_by_value(decay, 0.0, 1.0))
        return {**traces, "sums": tf.nest.map_structure(tf.zeros_like, sums)}

    def normals(self, moment: Moment, n: int) -> Tensor:
        """Return zeta, (..., trial, n)."""
        return chance.normals(moment, n)

    def _step(self, moment: Moment) -> Any:
        step = super()._step(moment)
        return _Fading(step, _values(moment.memory)[1])


class _Fading:
    """A step whose units' own state lasts as is given."""

    def __init__(self, step: Step, decay: Tensor):
        self._step, self._decay = step, decay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def local(self) -> Any:
        _, gain, own = self._step.local()
        return [[self._decay]], gain, own


def _values(memory: Any) -> tuple[Tensor, Tensor]:
    """Return A, (..., unit, unit), and k, (..., 1, unit)."""
    kernel, decay = (tf.convert_to_tensor(memory[name]) for name in ("kernel", "decay"))
    return kernel, decay if decay.shape.rank == kernel.shape.rank else decay[tf.newaxis]


def _power(kernel: Tensor) -> Tensor:
    """Return the sum of A_ki² over k, (..., 1, unit)."""
    return tf.reduce_sum(kernel**2, -2, keepdims=True)


def _total(values: Tensor) -> Tensor:
    """Return the sum over trials and units, (..., 1, 1)."""
    return tf.reduce_sum(values, (-2, -1), keepdims=True)
