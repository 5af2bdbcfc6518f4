"""How what a rule has learned becomes a change of weights: the last of a rule's four parts."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import tensorflow as tf

from neurotask._checks import number
from neurotask.backend._types import Tensor
from neurotask.backend.settings import Setting

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


class Update(Setting, ABC):
    """How gradients, or errors, become a change of weights. A subclass is a frozen dataclass.

    Attributes:
        needs: "gradients" (it gives `apply`) or "errors" of receivers beside the rates of their
            senders (it gives `apply_errors`).
        kernels: names of the kernels whose errors it needs.
        advice: what to do where a network diverges under it.
    """

    needs: ClassVar[str] = "gradients"
    kernels: ClassVar[tuple[str, ...]] = ()
    advice: ClassVar[str] = "Lower the learning rate, or clip the gradient (clip_norm=1.0)."

    def check(self, model: "RecurrentModel") -> None:
        """Raise a ValueError where a network cannot be updated so."""

    def init(self, model: "RecurrentModel") -> Any:
        """Return what is carried along: a nest of variables, () for nothing."""
        return ()

    def apply(self, model: "RecurrentModel", state: Any, gradients: Sequence[Tensor]) -> None:
        """Change the variables that learn; runs inside a compiled graph.

        Args:
            model: the network.
            state: what `init` returned.
            gradients: of each of `model.trainable_variables`; all finite.
        """
        raise NotImplementedError

    def apply_errors(
        self,
        model: "RecurrentModel",
        state: Any,
        kernel: str,
        rates: Tensor,
        error: Tensor,
        weight: Tensor,
    ) -> Tensor:
        """Change the weights of a kernel by a step of trials; runs inside a compiled graph.

        Args:
            model: the network.
            state: what `init` returned.
            kernel: its name.
            rates: what the senders sent, (..., trial, pre).
            error: what the receivers received less what they should have, (..., trial, post).
            weight: how much each error counts, 0 for not at all, (..., trial, post).

        Returns:
            Whether it was done: not where something is not finite.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Descent(Update):
    """A step of the optimizer that the model was compiled with.

    Args:
        clip_norm: largest norm of the gradient over all weights together; a longer one is shortened
            to it, so that its direction stays. None: as it comes.

    Source: clipping: Pascanu, Mikolov & Bengio (2013) ICML.

    Example:
        >>> Descent(clip_norm=None)
        Descent(clip_norm=None)
    """

    clip_norm: float | None = 1.0

    def __post_init__(self) -> None:
        if self.clip_norm is not None:
            number("clip_norm", self.clip_norm, low=0.0, above=True)

    def apply(self, model: "RecurrentModel", state: Any, gradients: Sequence[Tensor]) -> None:
        if self.clip_norm is not None:
            gradients = shortened(model, gradients, self.clip_norm)
        model.optimizer.apply(list(gradients), model.trainable_variables)
        model.project()


@dataclass(frozen=True)
class ClippedStep(Update):
    """w <- w - clip(rate * gradient, -limit, limit), each synapse on its own; no optimizer.

    Args:
        rate: learning rate.
        limit: largest change of a weight in an update.

    Source: Miconi (2017) eLife 6:e20899, as its code has it.

    Example:
        >>> ClippedStep(rate=0.1, limit=3e-4)
        ClippedStep(rate=0.1, limit=0.0003)
    """

    rate: float = 0.1
    limit: float = 3e-4

    advice = "Lower the `rate` or the `limit` of ClippedStep."

    def __post_init__(self) -> None:
        number("rate", self.rate, low=0.0, above=True)
        number("limit", self.limit, low=0.0, above=True)

    def apply(self, model: "RecurrentModel", state: Any, gradients: Sequence[Tensor]) -> None:
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            variable.assign(
                variable - tf.clip_by_value(self.rate * gradient, -self.limit, self.limit)
            )
        model.project()


def shortened(
    model: "RecurrentModel", gradients: Sequence[Tensor], clip_norm: float
) -> list[Tensor]:
    """Return gradients of a norm of at most `clip_norm`, of each network on its own."""
    if model.networks is None:
        return tf.clip_by_global_norm(list(gradients), clip_norm)[0]
    own = [tf.reduce_sum(g**2, range(1, g.shape.rank)) for g in gradients]
    norm = tf.sqrt(tf.add_n(own))
    factor = clip_norm / tf.maximum(norm, clip_norm)
    return [g * tf.reshape(factor, (-1, *[1] * (g.shape.rank - 1))) for g in gradients]


def changed_by_updates(model: "RecurrentModel", state: Any) -> list[Any]:
    """Return the variables that an update may change, of the network, optimizer and rule.

    Args:
        model: the network.
        state: what the rule carries along.
    """
    starts = [f"initial_{name}" for name in model.network.dynamics.state_variables]
    own = [getattr(model, name) for name in starts if hasattr(model, name)]
    learning = [*model.trainable_variables, *model.optimizer.variables]
    return [*own, *learning, *tf.nest.flatten(state)]


def finite(values: Sequence[Tensor]) -> Tensor:
    """Return whether all numbers are finite, and so small that 1e8 of them have a norm."""
    # No sum of squares: XLA takes a product with a matrix before it apart, at five times the cost.
    small = [tf.reduce_all(tf.abs(one) < one.dtype.max**0.5 / 1e4) for one in values]
    return tf.reduce_all(small)
