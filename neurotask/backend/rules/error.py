"""What is compared with what: the first of a rule's four parts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Weights
from neurotask.backend.settings import Setting
from neurotask.backend.tensors import derivatives, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, eq=False)
class Compared:
    """What a comparison gave.

    Args:
        loss: the loss, (), of the steps that were compared.
        outputs: of the network, (..., trial, output).
        error: derivative of the loss by what the outputs receive, (..., trial, output).
        readout: derivatives of the loss by the readout's own variables, of each of the model's
            `trainable_variables`.
    """

    loss: Tensor
    outputs: Tensor
    error: Tensor
    readout: list[Tensor]


@dataclass(frozen=True)
class OutputError(Setting):
    """The outputs are compared with the targets, as the model's loss says.

    Source: for the squared error, the difference that all supervised rules for recurrent networks
    start from.

    Example:
        >>> OutputError()
        OutputError()
    """

    def __call__(
        self,
        model: "RecurrentModel",
        rates: Tensor,
        targets: Tensor,
        mask: Tensor,
        present: Tensor,
        size: Tensor | None = None,
    ) -> Compared:
        """Compare a batch, or a step of it.

        Args:
            model: the network.
            rates: of its units, (time, ..., trial, unit) or (..., trial, unit) of one step.
            targets: what is wanted, (..., trial, time, output); of one step (..., trial, output).
            mask: weight of each, of the same shape.
            present: (..., trial, time).
            size: what the sum of errors is divided by, of one step; None: these are whole trials.
        """
        variables = [variable.value for variable in model.trainable_variables]
        network, ops = model.network, model.ops
        with tf.GradientTape(persistent=True) as tape:
            weights: Weights = model.prepare()
            received = network.received(ops, weights, rates)
            tape.watch(received)  # a readout that learns nothing is not watched by itself
            outputs = ops.function(network.output_activation)(received)
            if size is None:
                outputs = trial_first(outputs)
                loss = model.loss_function(targets, outputs, mask, present)
            else:
                errors = model.loss_function.errors(targets, outputs)
                summed = tf.reduce_sum(model.loss_function.weights(mask) * errors, (-2, -1))
                loss = summed / size
        by = derivatives(tape, loss, [received, variables])
        return Compared(loss, outputs, *by)
