"""What a learning rule is: a frozen setting that turns a batch into a change of the weights."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask._checks import choose
from neurotask.backend._types import Tensor
from neurotask.backend.settings import Setting

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch on its way through a compiled update.

    Args:
        inputs: (trial, time, input).
        targets: (trial, time, output).
        mask: (trial, time, output).
        present: 1 within a trial, 0 in the padding behind its end, (trial, time).
        noise: key of the update's noise, two whole numbers, or None for none.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor
    present: Tensor
    noise: Tensor


class LearningRule(Setting, ABC):
    """A learning rule. Its settings are its fields; what it carries along is in its state.

    A rule obeys the model's connectivity because it changes weights only through
    `descend` (gradients of raw weights) or `Kernel.assign` (effective weights).
    """

    @abstractmethod
    def init(self, model: "RecurrentModel") -> Any:
        """Return the state that the rule carries from update to update (None for none)."""

    @abstractmethod
    def update(
        self, model: "RecurrentModel", batch: Batch, state: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Change the weights of a model by one batch; runs inside a compiled graph.

        Returns:
            The loss (), the outputs (trial, time, output), and whether the change was made: it is
            refused where the loss or the change is not finite, so that the network stays good.
        """


def descend(model: "RecurrentModel", gradients: list[Any], loss: Tensor) -> Tensor:
    """Apply gradients by the optimizer if they and the loss are finite; return whether they are."""
    finite = tf.reduce_all([tf.math.is_finite(loss), *map(_all_finite, gradients)])
    variables = model.trainable_variables

    def apply() -> Tensor:
        model.optimizer.apply(gradients, variables)
        model.project()
        return tf.constant(True)

    return tf.cond(finite, apply, lambda: tf.constant(False))


def get(rule: Any) -> LearningRule:
    """Return a rule from a rule or its name ("bptt")."""
    if isinstance(rule, LearningRule):
        return rule
    rules = {kind.__name__.lower(): kind for kind in LearningRule.__subclasses__()}
    if isinstance(rule, str):
        return rules[choose("rule", rule.lower(), rules)]()
    raise TypeError(f"`rule` must be a learning rule or its name, got {rule!r}. Give rule=BPTT().")


def _all_finite(values: Tensor) -> Tensor:
    return tf.reduce_all(tf.math.is_finite(values))
