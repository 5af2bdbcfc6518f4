"""What penalties add to the loss, and how that depends on states and on variables."""

from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.base import Batch
from neurotask.backend.tensors import derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


def of_activity(model: "RecurrentModel") -> bool:
    """Return whether some penalty looks at what units do, and not at a kernel alone."""
    return any(penalty.of is None for penalty in model.penalties)


def penalised(
    model: "RecurrentModel", batch: Batch, states: State
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return what is added to the loss, and its derivatives by states and by variables.

    Args:
        model: the network, with its penalties.
        batch: the trials.
        states: of the network, each variable (time, ..., trial, unit); none where no penalty looks
            at them.
    """
    variables = [variable.value for variable in model.trainable_variables]
    arrays = list(states.values())
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(arrays)
        terms = [penalty(model, batch, states) for penalty in model.penalties]
        total = tf.add_n(terms) if terms else tf.zeros((), model.compute_dtype)
    by = derivatives(tape, total, [arrays, variables])
    return total, tf.concat(by[0], -1) if arrays else tf.zeros(()), by[1]
