"""No credit: what units do is nobody's doing, and only the readout learns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit.base import Credit, Moment, Traces

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.models.forward import Run


@dataclass(frozen=True)
class Nothing(Credit):
    """The state is taken as given: the readout alone learns, the network behind it stays.

    Source: Jaeger (2001) GMD Report 148, the echo state network.

    Example:
        >>> from neurotask.backend.rules.composed import Composed
        >>> Composed(credit=Nothing()).credit
        Nothing()
    """

    cut = "all"
    decays = False
    local = True

    def begin(self, moment: Moment) -> Traces:
        return {}

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        model, weights = moment.model, moment.prepared.weights
        after = model.network.step(
            model.ops, weights, moment.before, moment.inputs, moment.noise, fed=moment.fed
        )
        return after, {}

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        return {}

    def back(
        self, model: "RecurrentModel", run: "Run", fed: Tensor, signal: Tensor
    ) -> list[Tensor]:
        return [tf.zeros_like(variable.value) for variable in model.trainable_variables]
