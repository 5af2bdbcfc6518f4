"""Backpropagation through time: the exact gradient of the loss, over the whole trial."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.rules.base import Batch, LearningRule, Price
from neurotask.backend.rules.update import Descent, finite

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class BPTT(LearningRule):
    """Gradient descent by backpropagation through time.

    Neither local nor causal. Takes time of the order of steps x units² a trial and keeps the states
    of the whole trial in memory.

    Args:
        clip_norm: largest norm of the gradient over all weights together; a longer one is shortened
            to it, so that its direction stays. None: as it comes.

    Source: Werbos (1990) Proc. IEEE 78:1550. Clipping: Pascanu, Mikolov & Bengio (2013) ICML.

    Example:
        >>> BPTT(clip_norm=None)
        BPTT(clip_norm=None)
    """

    clip_norm: float | None = 1.0

    price = Price("N M", "T (N + M)", causal=False, local=False, feedback="symmetric")

    def __post_init__(self) -> None:
        Descent(self.clip_norm)

    def init(self, model: "RecurrentModel") -> None:
        return None

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: None
    ) -> tuple[Tensor, Tensor, Tensor]:
        loss, outputs, gradients = self.gradients(model, batch)

        def change() -> Tensor:
            Descent(self.clip_norm).apply(model, (), gradients)
            return tf.constant(True)

        made = tf.cond(finite([loss, *gradients]), change, lambda: tf.constant(False))
        return loss, outputs, made

    def gradients(
        self, model: "RecurrentModel", batch: Batch
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return loss, outputs and the gradient of each trainable variable, before clipping."""
        variables = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            loss, outputs = self.loss(model, batch)
        gradients = tape.gradient(
            loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, outputs, gradients

    def loss(self, model: "RecurrentModel", batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what is minimised, penalties included, and the outputs."""
        states, outputs = model.unroll(batch.inputs, batch.noise)
        loss = model.loss_function(batch.targets, outputs, batch.mask, batch.present)
        return loss + sum(penalty(model, batch, states) for penalty in model.penalties), outputs
