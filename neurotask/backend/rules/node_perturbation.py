"""Node perturbation: kick every unit a little, and do more of what went well."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from neurotask._checks import choose, number
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Weights
from neurotask.backend.models.forward import Run
from neurotask.backend.rules.base import Batch, LearningRule, Price
from neurotask.backend.rules.composed import own_key
from neurotask.backend.rules.credit.perturbation import (
    Kicks,
    check_rewarded,
    drawn,
    kicked,
    trial_losses,
)
from neurotask.backend.rules.linear import Watching, joined
from neurotask.backend.rules.update import Descent, Update, finite
from neurotask.backend.tensors import derivatives, time_first, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, kw_only=True)
class NodePerturbation(LearningRule):
    """Node perturbation: an estimate of the gradient from kicks and one number a trial.

    Normal kicks xi of standard deviation sigma are added to the state x of each unit after each
    step, to the state at the start, and to what the outputs (and a feed-forward stage) receive. A
    trial then costs R instead of what was expected, R_0, and

        dW = -sum over trials (R - R_0) / sigma² sum_t (xi_t dx_t/dreceived_t) r_{t-1}^T

    which is minus the gradient of the loss, on average and up to sigma². Where the state is what a
    unit receives, the kick is noise in that, and the factor is alpha; for other units it is what a
    unit knows of itself: its slope, its gates. No error, and nothing of other units, is needed (but
    for the reset gates of a GRU with reset_after=False, which act through other units' synapses).
    In one trial N T kicks share one number, so that the estimate is as noisy as that is large.

    Args:
        sigma: standard deviation of the kicks, in units of the state and of what outputs receive.
        baseline: what is expected of a trial. "clean": what the same trial, with the same noise of
            the network, costs without kicks; "mean": what trials of earlier updates have cost, for
            which the first update learns nothing.
        memory: share of the running mean that an update keeps, of baseline="mean".
        update: how a gradient becomes a change.

    Raises:
        ValueError: at `compile`, for a loss that is no mean over entries, or penalties of activity.

    Source: Werfel, Xie & Seung (2005) Neural Comput 17:2699; in recurrent networks: Fiete & Seung
    (2006) Phys Rev Lett 97:048104.

    Example:
        >>> NodePerturbation(baseline="mean").sigma
        0.01
    """

    sigma: float = 0.01
    baseline: str = "clean"
    memory: float = 0.9
    update: Update = Descent()

    compiled = True
    name = "node_perturbation"
    price = Price("N M", "T N", causal=True, local=True, feedback="one number a trial")

    def __post_init__(self) -> None:
        number("sigma", self.sigma, low=0.0, above=True)
        choose("baseline", self.baseline, ("clean", "mean"))
        number("memory", self.memory, low=0.0, high=1.0)

    def check(self, model: "RecurrentModel") -> None:
        check_rewarded(model, "node perturbation", self.update)

    def init(self, model: "RecurrentModel") -> dict[str, Any]:
        shape = () if model.networks is None else (model.networks,)
        zeros = lambda name: keras.Variable(  # noqa: E731
            tf.zeros(shape), dtype=model.dtype, trainable=False, name=name
        )
        return {"mean": zeros("mean"), "seen": zeros("seen"), "update": self.update.init(model)}

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        loss, outputs, gradients, costs = self._estimate(model, batch, state, None)

        def change() -> Tensor:
            self.update.apply(model, state["update"], gradients)
            keep = self.memory * state["seen"]
            state["mean"].assign(keep * state["mean"] + (1.0 - keep) * tf.reduce_mean(costs, -1))
            state["seen"].assign(tf.ones_like(keep))
            return tf.constant(True)

        made = tf.cond(finite([loss, *gradients]), change, lambda: tf.constant(False))
        return loss, outputs, made

    def gradients(
        self, model: "RecurrentModel", batch: Batch, state: Any = None, kicks: Kicks | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return loss, outputs and the estimated gradient of each trainable variable.

        Args:
            model: the network.
            batch: the trials.
            state: what `init` returned; None: a fresh one.
            kicks: of standard deviation sigma; None: drawn, by the key of the batch's noise.
        """
        state = self.init(model) if state is None else state
        return self._estimate(model, batch, state, kicks)[:3]

    def draw(self, model: "RecurrentModel", batch: Batch) -> Kicks:
        """Return the kicks of an update."""
        key = own_key(batch)
        if key is None:
            raise ValueError(
                "`noise` of the batch must be a key for node perturbation, got None: the kicks are "
                "drawn by it. Give two whole numbers, or the kicks."
            )
        network = model.network
        n_states = len(network.dynamics.state_variables) * len(model.units)
        n_stage = 0 if network.feedforward is None else network.feedforward.units
        sizes = (n_states, len(network.outputs), n_stage)
        n_trials, n_steps = tf.shape(batch.inputs)[-3], tf.shape(batch.inputs)[-2]
        values = self.sigma * drawn(key, n_steps + 1, (n_trials, sum(sizes)), model.compute_dtype)
        states, outputs, stage = tf.split(values, sizes, -1)
        if not network.feedback:  # the outputs before the first step act on nothing
            outputs = tf.concat([tf.zeros_like(outputs[:1]), outputs[1:]], 0)
        return Kicks(states[0], states[1:], outputs, stage[1:] if n_stage else None)

    def _estimate(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any], kicks: Kicks | None
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Return loss, outputs, gradients, and what each trial has cost."""
        kicks = self.draw(model, batch) if kicks is None else kicks
        weights = model.prepare()
        run, outputs, fed = kicked(model, weights, batch, kicks)
        costs = trial_losses(model, batch, outputs)
        if self.baseline == "clean":
            clean = model.unrolled(weights, batch.inputs, batch.noise)
            outputs = model.readout(weights, model.rates_of(clean.states))
            usual = trial_losses(model, batch, outputs)
            more = costs - usual
        else:
            seen, mean = (state[name][..., tf.newaxis] for name in ("seen", "mean"))
            usual, more = costs, seen * (costs - mean)
        n_trials = tf.cast(tf.shape(costs)[-1], costs.dtype)
        start = (more / (n_trials * self.sigma**2))[..., tf.newaxis]  # (..., trial, 1)
        steps = start * time_first(batch.present[..., tf.newaxis])  # (time, ..., trial, 1)
        rewards = (start, steps, tf.concat([start[tf.newaxis], steps], 0), steps)
        done = (kicks.start, kicks.states, kicks.outputs, kicks.stage)
        credits = [r * k for r, k in zip(rewards, done, strict=True) if k is not None]
        penalty, gradients = _contracted(model, batch, run, fed, credits)
        return tf.reduce_mean(usual, -1) + penalty, trial_first(outputs), gradients, costs


class _Engine(Watching):
    """An engine that lets no credit back into a feed-forward stage, which has kicks of its own."""

    def synapses(self, weights: Weights, name: str, sent: Tensor) -> Tensor:
        held = tf.stop_gradient(sent) if name == "input" else sent
        return super().synapses(weights, name, held)


def _contracted(
    model: "RecurrentModel", batch: Batch, run: Run, fed: Tensor, credits: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Return the penalties, and the gradient of each variable for those of what was kicked.

    Args:
        model: the network.
        batch: the trials.
        run: what it did.
        fed: the outputs before each step.
        credits: how the loss depends on the state at the start, on the states, on what outputs
            received, and on what the stage received, each of the shape of the kicks.
    """
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        weights = model.prepare()
        ops: Any = _Engine(model.ops, "none", tape)
        after = model.network.step(ops, weights, run.before, run.inputs, run.noise, fed=fed)
        # The first outputs are those that feed back into the first step.
        rates = model.rates_of(run.states), model.rates_of(run.before)[:1]
        received = model.network.received(model.ops, weights, tf.concat(rates[::-1], 0))
        start = joined(model.start(weights, tf.shape(fed)[-2]))
        values = [start, joined(after), received]
        if "feedforward" in ops.received:
            values.append(ops.received["feedforward"] + weights["feedforward_bias"])
        terms = [penalty(model, batch, {}) for penalty in model.penalties]
        penalty = tf.add_n(terms) if terms else tf.zeros((), model.compute_dtype)
    times = [*credits, tf.ones_like(penalty)]
    return penalty, derivatives(tape, [*values, penalty], variables, times)
