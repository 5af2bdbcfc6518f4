"""Reward-modulated Hebbian learning of chaotic networks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import count, number
from neurotask.backend._types import Tensor
from neurotask.backend.losses import Huber, MeanSquaredError
from neurotask.backend.models.forward import Run
from neurotask.backend.rules.base import Batch, LearningRule, Price
from neurotask.backend.rules.composed import own_key
from neurotask.backend.rules.credit.perturbation import Kicks, check_rewarded, drawn, kicked
from neurotask.backend.rules.update import ClippedStep, Update, finite
from neurotask.backend.tensors import derivatives, time_first, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

LEVELS = 8  # that targets are told apart by, to each 1
_PRIME = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Miconi(LearningRule):
    """Reward-modulated Hebbian learning: jolt units now and then, and keep what helped.

    Each unit gets a current A U(-1, 1) for a step, at a mean rate. What a synapse has seen of it is
    summed over the trial from the departure of a unit's state x from its running mean,

        H += (r_{t-1} (x_t - m_{t-1}))³,   m_t = a m_{t-1} + (1 - a) x_t

    where the cube lets the jolts stand out from what dynamics bring back. A trial that misses by R
    instead of the usual R_k of its kind then changes the recurrent weights by

        dW = -clip(rate R_k (R - R_k) H, -limit, limit),   R_k <- b R_k + (1 - b) R

    R is the mean distance of outputs from targets where the mask asks. Trials that ask for the same
    at their last asked step are of one kind. Only the recurrent weights learn. With several trials
    an update H is the mean over them, and the sum is clipped, not each.

    The jolts must stand out: they move the state by up to A dt / tau, 0.5 in the paper, at steps of
    1 ms. For longer steps give fewer ones and a lower A, and tanh units: the cubes of rates that
    are not bounded belong to the few most active units, and may point away from the gradient.

    Args:
        amplitude: A, in units of what a unit receives.
        rate: jolts of a unit in a second, Hz.
        smoothing: a, share of the running mean of the state that a step keeps.
        memory: b, share of R_k that a trial keeps.
        warmup: number of trials from which R_k is learned, and nothing else.
        kinds: number of R_k there are; kinds above it share. 1: one for all trials.
        update: how H becomes a change.

    Raises:
        ValueError: at `compile`, for gated units, a loss that does not compare outputs with targets
            themselves, or recurrent synapses that cannot learn.

    Source: Miconi (2017) eLife 6:e20899, as its code has it.

    Example:
        >>> Miconi(amplitude=30.0).rate
        3.0
    """

    amplitude: float = 16.0
    rate: float = 3.0
    smoothing: float = 0.05
    memory: float = 0.75
    warmup: int = 100
    kinds: int = 64
    update: Update = ClippedStep(rate=0.1, limit=3e-4)

    compiled = True
    price = Price("N M", "T N", causal=True, local=True, feedback="one number a trial")

    def __post_init__(self) -> None:
        number("amplitude", self.amplitude, low=0.0)
        number("rate", self.rate, low=0.0)
        for name in ("smoothing", "memory"):
            number(name, getattr(self, name), low=0.0, high=1.0)
        count("warmup", self.warmup, low=0)
        count("kinds", self.kinds)

    def check(self, model: "RecurrentModel") -> None:
        dynamics, kernel = model.network.dynamics, model.kernels["recurrent"]
        if dynamics.gates or "state" not in dynamics.state_variables:
            raise ValueError(
                "`rule` must be another than Miconi's, which is for units that one current moves, "
                f'as in RateRNN, got {type(dynamics).__name__}. Give "node_perturbation".'
            )
        if not isinstance(model.loss_function, MeanSquaredError | Huber):
            raise ValueError(
                "`loss` must compare outputs with targets themselves for Miconi's rule, got "
                f'{model.loss_function!r}. Give loss="mean_squared_error".'
            )
        if not kernel.raw.trainable:
            raise ValueError(
                "`recurrent.frozen` must leave some synapses to Miconi's rule, which changes no "
                'others, but none can learn. Give rule="force" or "bptt", which change others.'
            )
        if model.penalties:
            raise ValueError(
                "`regularizers` must be left out with Miconi's rule, which knows of the reward "
                f"alone, got {model.penalties!r}."
            )
        if self.rate * model.dt > 1000.0:
            raise ValueError(
                f"`rate` must be at most one jolt a step, {1000.0 / model.dt:g} Hz at a dt of "
                f"{model.dt:g} ms, got {self.rate:g} Hz."
            )
        check_rewarded(model, "Miconi's rule", self.update)

    def init(self, model: "RecurrentModel") -> dict[str, Any]:
        lead = () if model.networks is None else (model.networks, 1)
        return {
            "usual": _variable(np.zeros((*lead, self.kinds)), model.dtype, "usual"),
            "trials": _variable(0, "int64", "trials"),
            "update": self.update.init(model),
        }

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        jolts = Kicks(currents=self.jolts(model, batch))
        run, outputs, _ = kicked(model, model.prepare(), batch, jolts)
        outputs = trial_first(outputs)
        loss = model.loss_function(batch.targets, outputs, batch.mask, batch.present)
        missed = missed_by(batch, outputs)
        kinds = kinds_of(batch, self.kinds)
        usual = tf.reduce_sum(kinds * tf.convert_to_tensor(state["usual"]), -1)
        hebb = self.hebbian(model, batch, run, usual * (missed - usual))
        gradients = _of_raw(model, hebb)
        n_trials = tf.shape(missed)[-1]

        def change() -> Tensor:
            warm = state["trials"] >= self.warmup
            learns = lambda: self.update.apply(model, state["update"], gradients)  # noqa: E731
            tf.cond(warm, lambda: (learns(), True)[1], lambda: False)
            state["usual"].assign(self.remembered(state["usual"], kinds, missed))
            state["trials"].assign(state["trials"] + tf.cast(n_trials, tf.int64))
            return tf.constant(True)

        made = tf.cond(finite([loss, *gradients]), change, lambda: tf.constant(False))
        return loss, outputs, made

    def jolts(self, model: "RecurrentModel", batch: Batch) -> Tensor:
        """Return the currents of an update, (time, ..., trial, unit)."""
        n_trials, n_steps = tf.shape(batch.inputs)[-3], tf.shape(batch.inputs)[-2]
        shape, key = (n_trials, len(model.units)), own_key(batch)
        share = self.rate * model.dt / 1000.0
        if key is None or share == 0:
            lead = () if model.networks is None else (model.networks,)
            return tf.zeros((n_steps, *lead, *shape), model.compute_dtype)
        # One number says whether and, as it is uniform below the share, how strongly.
        u = drawn(key, n_steps, shape, model.compute_dtype, "uniform")
        return tf.where(u < share, self.amplitude * (2.0 * u / share - 1.0), 0.0)

    def hebbian(self, model: "RecurrentModel", batch: Batch, run: Run, reward: Tensor) -> Tensor:
        """Return the mean over trials of reward times H, (..., post, pre).

        Args:
            model: the network.
            batch: the trials.
            run: what it did.
            reward: factor of each trial, (..., trial).
        """
        states, start = run.states["state"], run.before["state"][0]
        a = self.smoothing
        means = tf.scan(lambda m, x: a * m + (1.0 - a) * x, states, initializer=start)
        departed = states - tf.concat([start[tf.newaxis], means[:-1]], 0)
        departed = departed * time_first(batch.present[..., tf.newaxis])
        # The cube of a product is the product of the cubes: one matrix product, no trace.
        post, pre = departed**3, model.rates_of(run.before) ** 3
        share = reward / tf.cast(tf.shape(reward)[-1], reward.dtype)
        return tf.einsum("t...bi,t...bj->...ij", share[..., tf.newaxis] * post, pre)

    def remembered(self, usual: Any, kinds: Tensor, missed: Tensor) -> Tensor:
        """Return R_k after trials of kinds (..., trial, kind) that missed by (..., trial).

        R_k is (kind,), or (network, 1, kind).
        """
        n = tf.reduce_sum(kinds, -2, keepdims=True)
        total = tf.reduce_sum(kinds * missed[..., tf.newaxis], -2, keepdims=True)
        mean = tf.math.divide_no_nan(total, n)
        keep = tf.pow(tf.constant(self.memory, n.dtype), n)
        after = tf.where(n > 0, keep * usual + (1.0 - keep) * mean, usual)
        return tf.reshape(after, usual.shape)


def missed_by(batch: Batch, outputs: Tensor) -> Tensor:
    """Return the mean distance of outputs from targets where the mask asks, (..., trial)."""
    distance = tf.reduce_sum(batch.mask * tf.abs(outputs - batch.targets), (-2, -1))
    return tf.math.divide_no_nan(distance, tf.reduce_sum(batch.mask, (-2, -1)))


def kinds_of(batch: Batch, n: int) -> Tensor:
    """Return the kind of each trial, one of n, as 1 among zeros, (..., trial, kind).

    Trials are of one kind where they ask for the same of the same outputs at their last asked step.
    """
    steps = tf.range(1, tf.shape(batch.mask)[-2] + 1)
    asked = tf.reduce_any(batch.mask != 0, -1)
    last = tf.reduce_max(tf.where(asked, steps, 0), -1, keepdims=True)
    there = tf.expand_dims(tf.cast(tf.equal(steps, last), batch.mask.dtype), -1)
    wanted = tf.reduce_sum(there * batch.targets, -2)
    counts = tf.reduce_sum(there * tf.sign(batch.mask), -2)
    levels = tf.cast(tf.round(LEVELS * wanted * counts), tf.int64) * 2 + tf.cast(counts, tf.int64)
    # Levels as digits of one number, to a base far above them; what is left by n is the kind.
    base = np.array([pow(1_000_003, at, _PRIME) for at in range(batch.mask.shape[-1])])
    code = tf.math.floormod(tf.math.floormod(tf.reduce_sum(levels * base, -1), _PRIME), n)
    return tf.one_hot(code, n, dtype=batch.mask.dtype)


def _of_raw(model: "RecurrentModel", hebb: Tensor) -> list[Tensor]:
    """Return the gradient of each variable for that of the effective recurrent weights."""
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        weights = model.kernels["recurrent"].effective()
    return derivatives(tape, weights, variables, hebb)


def _variable(value: Any, dtype: str, name: str) -> Any:
    return keras.Variable(value, dtype=dtype, trainable=False, name=name)
