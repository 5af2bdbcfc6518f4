"""A step with all of its edges, and what credit needs of it: products forward and backward."""

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.rules.credit.base import Moment
from neurotask.backend.rules.linear import Step, parted
from neurotask.backend.tensors import derivatives


def whole_step(moment: Moment) -> Step:
    """Return the step of a moment, along all of its edges, to be derived by all that learns."""
    vectors = list(moment.prepared.vectors)
    if moment.model.network.feedback and moment.prepared.learns("output_bias"):
        vectors.append("output_bias")
    return Step(
        moment.model, moment.prepared.weights, moment.before, moment.inputs, moment.noise,
        vectors=vectors,
    )  # fmt: skip


def forward(step: Step, tangent: Tensor) -> Tensor:
    """Return J a: how the state after a step moves with the state before it.

    J^T c is linear in c, and its derivative by c, transposed, is J: two passes backward make one
    forward, with nothing but gradients of gradients, which every engine compiles.

    Args:
        step: the step.
        tangent: a, (..., trial, variable * unit).

    Returns:
        (..., trial, variable * unit).
    """
    credit = tf.zeros_like(tangent)
    with tf.GradientTape() as tape:
        tape.watch(credit)
        back = step.back(credit, list(step.state.values()))
    along = list(parted(tangent, list(step.state)).values())
    return derivatives(tape, back, credit, along)


def norm(*arrays: Tensor) -> Tensor:
    """Return the norm over the last axis of all arrays together, (..., 1)."""
    squares = [tf.reduce_sum(values**2, -1, keepdims=True) for values in arrays]
    return tf.sqrt(tf.add_n(squares))


def balance(one: Tensor, other: Tensor) -> Tensor:
    """Return sqrt(one / other), by which two factors come to equal norms; 1 where either is 0."""
    fine = (one > 0) & (other > 0)
    safe = tf.where(fine, other, tf.ones_like(other))
    return tf.where(fine, tf.sqrt(one / safe), tf.ones_like(one))
