"""Networks that are kicked while they run, and what each trial of them costs: rules of one reward.

A rule that tries things out needs no derivative of the network: it kicks units at random, and asks
whether the trial went better or worse for it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State, Weights
from neurotask.backend.models.forward import Run
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.composed import random_at
from neurotask.backend.rules.linear import joined, parted
from neurotask.backend.rules.update import Update
from neurotask.backend.tensors import time_first, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, eq=False)
class Kicks:
    """What is done to a network in each step of trials; None: nothing.

    Args:
        start: added to the state before the first step, (..., trial, variable * unit).
        states: added to the state after each step, (time, ..., trial, variable * unit).
        outputs: added to what the outputs receive, (1 + time, ..., trial, output), the first at the
            start, whose output feeds back into the first step.
        stage: added to what the feed-forward stage receives, (time, ..., trial, unit of it).
        currents: injected into the units, (time, ..., trial, unit).
    """

    start: Tensor | None = None
    states: Tensor | None = None
    outputs: Tensor | None = None
    stage: Tensor | None = None
    currents: Tensor | None = None


def kicked(
    model: "RecurrentModel", weights: Weights, batch: Batch, kicks: Kicks
) -> tuple[Run, Tensor, Tensor]:
    """Return a kicked run of whole trials.

    Args:
        model: the network.
        weights: what its `prepare` returned.
        batch: the trials; the network's own noise is that of a run without kicks.
        kicks: what is done to it.

    Returns:
        The run, the outputs of each step, and those before it, (time, ..., trial, output).
    """
    network, names = model.network, list(model.network.dynamics.state_variables)
    inputs = time_first(tf.cast(batch.inputs, model.compute_dtype))
    n_steps, n_trials = tf.shape(inputs)[0], tf.shape(inputs)[-2]
    noise_at = model.stepwise(batch.noise, n_steps, n_trials)
    function = model.ops.function(network.output_activation)
    start = model.start(weights, n_trials)
    if kicks.start is not None:
        start = parted(joined(start) + kicks.start, names)
    first = noise_at(tf.constant(0))
    none = next(iter(start.values()))[..., :0] if first is None else first

    def step(last: tuple[State, Tensor, Tensor], t: Tensor) -> tuple[State, Tensor, Tensor]:
        noise = noise_at(t)
        own = weights
        if kicks.stage is not None:
            own = {**own, "feedforward_bias": own["feedforward_bias"] + kicks.stage[t]}
        current = None if kicks.currents is None else kicks.currents[t]
        given = {"noise": noise, "current": current, "fed": last[1]}
        state: State = network.step(model.ops, own, last[0], inputs[t], **given)
        if kicks.states is not None:
            state = parted(joined(state) + kicks.states[t], names)
        received = network.received(model.ops, own, model.rates_of(state))
        if kicks.outputs is not None:
            received = received + kicks.outputs[t + 1]
        kept = last[2] if noise is None else tf.ensure_shape(noise, none.shape)
        return state, function(received), kept

    received = network.received(model.ops, weights, model.rates_of(start))
    fed = function(received if kicks.outputs is None else received + kicks.outputs[0])
    states, outputs, noise = tf.scan(step, tf.range(n_steps), initializer=(start, fed, none))
    before = {n: tf.concat([start[n][tf.newaxis], states[n][:-1]], 0) for n in names}
    run = Run(states, before, inputs, None if first is None else noise)
    return run, outputs, tf.concat([fed[tf.newaxis], outputs[:-1]], 0)


def trial_losses(model: "RecurrentModel", batch: Batch, outputs: Tensor) -> Tensor:
    """Return the loss of each trial, (..., trial); their mean is the loss of the batch.

    Args:
        model: the network; its loss is a mean over entries.
        batch: the trials.
        outputs: (time, ..., trial, output).
    """
    loss = model.loss_function
    errors = loss.errors(batch.targets, trial_first(outputs))
    summed = tf.reduce_sum(loss.weights(batch.mask) * errors, (-2, -1))
    n_trials = tf.cast(tf.shape(batch.mask)[-3], summed.dtype)
    return n_trials * summed / loss.size(batch.mask, batch.present)[..., tf.newaxis]


def drawn(key: Tensor, n_steps: Tensor, shape: Any, dtype: str, law: str = "normal") -> Tensor:
    """Return random numbers of a rule's own, (time, ..., *shape).

    Each step has a counter of its own, so that padding behind trials changes nothing before it.

    Args:
        key: two whole numbers that name those of an update, (2,); of several networks (network, 2).
        n_steps: number of steps.
        shape: of a step, (trial, n).
        dtype: "float32" or "float64".
        law: "normal", of variance 1, or "uniform", from 0 to 1.
    """
    if key.shape.rank == 2:
        each = [drawn(one, n_steps, shape, dtype, law) for one in tf.unstack(key)]
        return tf.stack(each, 1)
    draw = {"normal": tf.random.stateless_normal, "uniform": tf.random.stateless_uniform}[law]

    def at(t: Tensor) -> Tensor:
        return draw(shape, random_at(key, t), dtype=dtype, alg="philox")

    signature = tf.TensorSpec((None, shape[-1]), dtype)
    return tf.map_fn(at, tf.range(n_steps), fn_output_signature=signature)


def check_rewarded(model: "RecurrentModel", rule: str, update: Update) -> None:
    """Raise a ValueError where a rule that knows a trial by its loss alone cannot serve a network.

    Args:
        model: the network, with its loss and penalties.
        rule: name of the rule.
        update: how the rule changes weights.
    """
    if not isinstance(update, Update) or update.needs != "gradients":
        raise ValueError(
            f"`update` must be one that takes gradients for {rule}, got {update!r}. Give "
            "update=Descent()."
        )
    if not model.loss_function.separable:
        raise ValueError(
            f"`loss` must be a mean over entries for {rule}, which asks what each trial costs, got "
            f"{model.loss_function!r}, of which the whole alone is known. Give one of neurotask."
        )
    for penalty in model.penalties:
        if penalty.of is None:
            raise ValueError(
                f"`regularizers` must be penalties of weights for {rule}, got {penalty!r}, of "
                'which trials have no share. Give L1 or L2, or rule="bptt".'
            )
    update.check(model)
