"""The loop within a trial of rules that change weights by errors of receivers, not by gradients.

A step: the network moves by the weights as they are; the receivers that learn are compared with
what they should have received; every few steps the weights follow. Neither credit nor feedback is
needed. What no such weight enters is prepared once, not at each step.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.update import finite
from neurotask.backend.tensors import time_first, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.rules.composed import Composed


def learn_by_errors(
    rule: "Composed", model: "RecurrentModel", batch: Batch, state: Any
) -> tuple[Tensor, Tensor, Tensor, State]:
    """Learn from a batch, every `rule.when` steps.

    Args:
        rule: its `update` needs errors.
        model: the network.
        batch: the trials.
        state: what the update carries along.

    Returns:
        The loss (), the outputs (..., trial, time, output), whether all went well, and the state
        behind the last step of the longest trial, each variable (..., trial, unit).
    """
    inputs, targets, mask = map(time_first, (batch.inputs, batch.targets, batch.mask))
    n_trials = tf.shape(inputs)[-2]
    prepared = model.prepare()
    asked = tf.reduce_any(tf.reshape(mask, (tf.shape(mask)[0], -1)) != 0, 1)
    # Behind the end of all trials there is nothing to learn, and no state to go on from.
    lengths = tf.reduce_sum(tf.cast(batch.present != 0, tf.int32), -1)
    n_steps = tf.reduce_max(lengths)
    drawn = model.stepwise(batch.noise, tf.shape(inputs)[0], n_trials)

    def step(t: Any, before: State, fed: Tensor, outputs: Any, good: Any, waiting: Any) -> Any:
        # Of `prepare`, only what leads to these is computed again.
        changed = model.prepare()
        weights = {**prepared, **{name: changed[name] for name in rule.update.kernels}}
        after = model.network.step(model.ops, weights, before, inputs[t], drawn(t), fed=fed)
        rates = model.rates_of(after)
        output = model.readout(weights, rates)
        # A step that asks for nothing leaves its turn to the next one that asks.
        waiting = waiting | tf.equal((t + 1) % rule.when, 0)
        due = good & asked[t] & waiting

        def learn(_: Tensor, good: Tensor) -> tuple[Tensor, Tensor]:
            weight = model.loss_function.weights(mask[t])
            made = rule.update.apply_errors(
                model, state, "output", rates, output - targets[t], weight
            )
            return tf.constant(False), good & made

        # A loop of one round or none: XLA would copy all that goes through a tf.cond, P included.
        _, made = tf.while_loop(lambda due, _: due, learn, (due, good), parallel_iterations=1)
        return t + 1, after, output, outputs.write(t, output), made, waiting & ~due

    before = model.start(prepared, n_trials)
    fed = model.readout(prepared, model.rates_of(before))
    length = tf.shape(inputs)[0]
    written = tf.TensorArray(model.compute_dtype, length, element_shape=fed.shape)
    start = (tf.constant(0), before, fed, written, tf.constant(True), tf.constant(False))
    _, last, _, written, good, _ = tf.while_loop(
        lambda t, *_: t < n_steps, step, start, parallel_iterations=1, maximum_iterations=length
    )
    outputs = trial_first(written.stack())
    loss = model.loss_function(batch.targets, outputs, batch.mask, batch.present)
    return loss, outputs, good & finite([loss]), last
