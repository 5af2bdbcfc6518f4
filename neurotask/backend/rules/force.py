"""FORCE learning of the readout."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask._checks import count
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.nothing import Nothing
from neurotask.backend.rules.feedback import Symmetric
from neurotask.backend.rules.recursive_least_squares import RLS
from neurotask.backend.rules.update import Update

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, kw_only=True)
class FORCE(Composed):
    """FORCE learning of the readout: first-order reduced and controlled error, as the trial runs.

    The network's own activity goes on, driven by the output where it feeds back, and the readout
    follows so fast that the output is right from nearly the first step; over the trial it needs to
    move ever less, until it stands. What is fed back is the output z_{t-1} by the weights of then,
    errors and all, so that they do not come as a surprise once learning stops.

    Synapses among units, from inputs and from outputs stay, as do all biases: among tanh units of
    a chaotic network nothing speaks for a constant, and where one is needed, a unit that is always
    on gives it. What does not learn must be fit to be read out: units whose rates are bounded, or
    recurrent weights in which activity does not grow, and a readout that may take both signs.

    Args:
        update: `RLS(alpha=...)`.
        when: number of steps after which the readout learns.
        carry: whether the state at the end of a trial becomes the network's initial state, so that
            the next update, or `run`, goes on from there. Updates are then of one trial each.

    Raises:
        ValueError: at `compile`, as `RLS`; in `fit`, for `carry` with several trials an update.

    Source: Sussillo & Abbott (2009) Neuron 63:544, figure 1A.

    Example:
        >>> FORCE(update=RLS(alpha=10.0)).when
        2
    """

    credit: Credit = Nothing()
    update: Update = RLS()
    when: Any = 2
    carry: bool = False

    price = Price("N²", "N² (none a trial)", causal=True, local=False, feedback="none")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.carry, bool):
            raise ValueError(f"`carry` must be True or False, got {self.carry!r}.")
        if self.update.needs != "errors":
            raise ValueError(
                f"`update` must be one that takes errors for FORCE, got {self.update!r}. Give "
                "update=RLS(alpha=1.0), or another rule."
            )
        if not isinstance(self.feedback, Symmetric):
            raise ValueError(
                f"`feedback` must be left out with FORCE, which sends no error to the units, got "
                f"{self.feedback!r}."
            )

    def check_batch(self, batch_size: int) -> None:
        if self.carry and count("batch_size", batch_size) != 1:
            raise ValueError(
                f"`batch_size` must be 1 with FORCE(carry=True), got {batch_size}: one network "
                "goes on from one state. Give batch_size=1, or carry=False."
            )

    def ended(self, model: "RecurrentModel", last: State) -> None:
        if self.carry:
            for name, values in last.items():
                start = getattr(model, f"initial_{name}")
                start.assign(tf.reshape(values[..., 0, :], start.shape))
