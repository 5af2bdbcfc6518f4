"""Backpropagation through time: the exact gradient of the loss, over the whole trial."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.rules import feedback as feedbacks
from neurotask.backend.rules.base import Batch, LearningRule, Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.back_in_time import Blocks
from neurotask.backend.rules.feedback import Symmetric
from neurotask.backend.rules.update import Descent, finite
from neurotask.backend.tensors import derivatives

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
        feedback: how the errors of the outputs reach the units. "symmetric" is the gradient; with
            any other, they reach the units so, and go back in time from there as gradients do.

    Source: Werbos (1990) Proc. IEEE 78:1550. Clipping: Pascanu, Mikolov & Bengio (2013) ICML.
    Random feedback without locality: Murray (2019) eLife 8:e43299, figure 2d.

    Example:
        >>> BPTT(clip_norm=None)
        BPTT(clip_norm=None, feedback=Symmetric())
    """

    clip_norm: float | None = 1.0
    feedback: Any = "symmetric"

    price = Price("N M", "T (N + M)", causal=False, local=False)

    def __post_init__(self) -> None:
        Descent(self.clip_norm)
        object.__setattr__(self, "feedback", feedbacks.get(self.feedback))

    @property
    def composed(self) -> Composed | None:
        """The rule in its four parts, where the feedback is not that of the gradient."""
        if isinstance(self.feedback, Symmetric):
            return None
        update = Descent(self.clip_norm)
        return Composed(credit=Blocks(), feedback=self.feedback, update=update)

    def fuses(self, model: "RecurrentModel") -> bool:
        return self.composed is None or self.composed.fuses(model)

    def check(self, model: "RecurrentModel") -> None:
        self.feedback.check(model)

    def init(self, model: "RecurrentModel") -> Any:
        return None if self.composed is None else self.composed.init(model)

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        if self.composed is not None:
            return self.composed.learn(model, batch, state)
        loss, outputs, gradients = self.gradients(model, batch)

        def change() -> Tensor:
            Descent(self.clip_norm).apply(model, (), gradients)
            return tf.constant(True)

        made = tf.cond(finite([loss, *gradients]), change, lambda: tf.constant(False))
        return loss, outputs, made

    def gradients(
        self, model: "RecurrentModel", batch: Batch, state: Any = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return loss, outputs and the gradient of each trainable variable, before clipping."""
        if self.composed is not None:
            return self.composed.gradients(model, batch, state)
        variables = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            loss, outputs = self.loss(model, batch)
        return loss, outputs, derivatives(tape, loss, variables)

    def loss(self, model: "RecurrentModel", batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what is minimised, penalties included, and the outputs."""
        # Kernels go back faster where nobody asks for the states.
        wanted = {} if model.fused is None else {"states": bool(model.penalties)}
        states, outputs = model.unroll(batch.inputs, batch.noise, **wanted)
        loss = model.loss_function(batch.targets, outputs, batch.mask, batch.present)
        return loss + sum(penalty(model, batch, states) for penalty in model.penalties), outputs
