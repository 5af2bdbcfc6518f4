"""Rules of four parts after whole trials by kernels: what `Composed` does there in a graph.

A kernel that goes back in time takes the errors of the outputs to the units by whichever matrix the
feedback says, and lets pass from a step to the one before what the credit says. What comes out is
the gradient of prepared weights; from there it goes to the variables by the chain rule.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.kernels.networks import lets_pass
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit.back_in_time import Blocks
from neurotask.backend.rules.credit.within import Diagonal, Immediate, LeakyCredit
from neurotask.backend.rules.error import OutputError
from neurotask.backend.rules.feedback import Feedback
from neurotask.backend.rules.penalties import of_activity, penalised
from neurotask.backend.rules.prepared import READOUT
from neurotask.backend.tensors import derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.rules.composed import Composed

# What passes from a step to the one before, by its name in `kernels.leaky_back`. A class that is
# made of one of these may go back in another way, so that it is not among them.
PASSES: dict[type, str] = {
    LeakyCredit: "LASTING",
    Immediate: "NOTHING",
    Diagonal: "OWN",
    Blocks: "ALL",
}
_OUTPUT, _OUTPUT_BIAS = 2, 4  # places in `Fused.weights`


def covers(rule: "Composed", model: "RecurrentModel") -> bool:
    """Return whether kernels do all that a rule needs of whole trials of a network."""
    passes, network = PASSES.get(type(rule.credit)), model.network
    if rule.when != "trial" or passes is None or not lets_pass(network):
        return False
    if passes == "OWN" and network.feedback:
        return False  # there a unit's way to itself through outputs looks like an autapse
    return type(rule.error) is OutputError and type(rule.feedback).signal is Feedback.signal


def fused_gradients(
    rule: "Composed", model: "RecurrentModel", batch: Batch, state: dict[str, Any]
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return loss, outputs and what is descended for each variable.

    Args:
        rule: a rule that `covers` says yes to.
        model: the network; it has kernels.
        batch: what to learn.
        state: what the rule carries along.
    """
    fused: Any = model.fused
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        prepared = model.prepare()
        given, inputs = prepared, fused.entering(prepared, batch.inputs)
        if rule.credit.cut != "none":
            # No credit passes from the units to a stage before them, nor to outputs that feed back.
            given = {**prepared, **{name: tf.stop_gradient(prepared[name]) for name in READOUT}}
            inputs = tf.stop_gradient(inputs)
        weights = fused.weights(given)
        weights[_OUTPUT], weights[_OUTPUT_BIAS] = (prepared[name] for name in READOUT)
    run = fused.forward(inputs, weights, batch.noise)
    loss, outputs, error = _compared(model, batch, run.received)
    states = {"state": run.states} if of_activity(model) else {}
    penalty, on_states, on_weights = penalised(model, batch, states)
    back = list(weights)
    back[_OUTPUT] = rule.feedback.matrix(prepared, state["feedback"])
    by = fused.backward(
        run, inputs, back, batch.noise, error, on_states if states else None,
        *_passage(rule.credit),
    )  # fmt: skip
    credited = derivatives(tape, [inputs, *weights], variables, by)
    gradients = [one + two for one, two in zip(credited, on_weights, strict=True)]
    return loss + penalty, outputs, gradients


def _compared(
    model: "RecurrentModel", batch: Batch, received: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return loss, outputs, and how the loss depends on what outputs receive; see `OutputError`."""
    with tf.GradientTape() as tape:
        tape.watch(received)
        outputs = model.ops.function(model.network.output_activation)(received)
        loss = model.loss_function(batch.targets, outputs, batch.mask, batch.present)
    return loss, outputs, derivatives(tape, loss, received)


def _passage(credit: Any) -> tuple[int, int]:
    """Return what passes back, as kernels number it, and the steps of a block, 0 for all."""
    from neurotask.backend.kernels import leaky_back

    steps = credit.steps if isinstance(credit, Blocks) else None
    return getattr(leaky_back, PASSES[type(credit)]), steps or 0
