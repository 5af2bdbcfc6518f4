"""The weights as a step uses them, and the way back from them to the variables that learn.

Credit is given to prepared weights, where a kernel is a matrix (pre, gate * post) and time
constants are factors of a step. From there it goes back through signs, masks and strengths by the
chain rule, so that every rule obeys the connectivity without knowing of it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Weights
from neurotask.backend.tensors import derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# Prepared weights whose credit the readout gets from the loss itself.
READOUT = ("output", "output_bias")


class Prepared:
    """The weights of a network at one moment.

    Args:
        model: the network.

    Attributes:
        weights: what `prepare` returned.
        vectors: names of its vectors that depend on what learns, readout and start left out.
        starts: names of the vectors that the state starts from, where they learn.
    """

    def __init__(self, model: "RecurrentModel"):
        self._variables = [variable.value for variable in model.trainable_variables]
        self._tape = tf.GradientTape(persistent=True)
        with self._tape:
            self.weights: Weights = model.prepare()
        self._learns: dict[str, bool] = {}  # each answer takes a gradient
        starts = [f"initial_{name}" for name in model.network.dynamics.state_variables]
        self.starts = [name for name in starts if self.learns(name)]
        others = {*model.network.sides(), *READOUT, *starts}
        self.vectors = [
            name
            for name, values in self.weights.items()
            if name not in others and _is_vector(values) and self.learns(name)
        ]

    def learns(self, name: str) -> bool:
        """Return whether some of these weights depend on what learns."""
        if name not in self._learns:
            values = self.weights[name]
            by = self._tape.gradient(values, self._variables) if tf.is_tensor(values) else []
            self._learns[name] = any(gradient is not None for gradient in by)
        return self._learns[name]

    def pull(self, credit: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the gradient of each variable that learns, for gradients of prepared weights."""
        given = {name: values for name, values in credit.items() if self.learns(name)}
        if not given:
            return [tf.zeros_like(variable) for variable in self._variables]
        weights = [self.weights[name] for name in given]
        shaped = [tf.reshape(v, tf.shape(self.weights[name])) for name, v in given.items()]
        return derivatives(self._tape, weights, self._variables, shaped)


def _is_vector(values: Tensor) -> bool:
    """Return whether prepared weights are (n,), or (network, 1, n) of several networks."""
    return tf.is_tensor(values) and (
        values.shape.rank == 1 or (values.shape.rank == 3 and values.shape[1] == 1)
    )
