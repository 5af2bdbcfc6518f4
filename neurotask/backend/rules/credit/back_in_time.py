"""Credit that goes back in time through all units: over whole trials, in blocks, or in a window."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from neurotask._checks import count
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.linear import joined, parted
from neurotask.backend.tensors import derivatives

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.models.forward import Run


@dataclass(frozen=True)
class BackInTime(Credit):
    """Credit from later steps comes back through the Jacobian of the whole network.

        c_t = q_t + J_{t+1}^T c_{t+1},   dL/dW = sum_t (dx_t/dW)^T c_t

    where an edge that is cut has no J. A subclass says which.
    """

    cut = "none"
    forward = False

    def back(
        self, model: "RecurrentModel", run: "Run", fed: Tensor, signal: Tensor
    ) -> list[Tensor]:
        credit, at_start = self._credit(model, run, signal)
        variables = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            weights = model.prepare()
            start = joined(model.start(weights, tf.shape(signal)[-2]))
            step = model.network.step
            after = joined(step(model.ops, weights, run.before, run.inputs, run.noise))
        return derivatives(tape, [after, start], variables, [credit, at_start])

    def _credit(self, model: "RecurrentModel", run: "Run", signal: Tensor) -> Any:
        """Return c_t of each step, and of the state before the first."""
        raise NotImplementedError

    def begin(self, moment: Moment) -> Traces:
        raise NotImplementedError

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        raise NotImplementedError

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        raise NotImplementedError


@dataclass(frozen=True)
class Blocks(BackInTime):
    """Trials are cut into blocks of steps; credit does not pass from a block to the one before.

    Args:
        steps: steps of a block, from the first on; None: the trial is one block.

    Source: Werbos (1990) Proc. IEEE 78:1550; in blocks: the stateful layers of deep learning
    packages, "E-BPTT" of Marschall, Cho & Savin (2020) JMLR 21:135.

    Example:
        >>> Blocks(10)
        Blocks(steps=10)
    """

    steps: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None:
            count("steps", self.steps)

    def _credit(self, model: "RecurrentModel", run: "Run", signal: Tensor) -> Any:
        weights = model.prepare()
        n_steps = tf.shape(signal)[0]
        edges = tf.zeros(n_steps, tf.bool)
        if self.steps is not None:
            t = tf.range(n_steps)
            edges = tf.equal(t % self.steps, 0) & (t > 0)

        def back(later: Any, now: Any) -> Any:
            q, t, edge = now
            c = q + later[1]
            noise = None if run.noise is None else run.noise[t]
            before = {name: values[t] for name, values in run.before.items()}
            earlier = _back(model, weights, before, run.inputs[t], noise, c)
            return c, tf.where(edge, tf.zeros_like(c), earlier)

        elements, zero = (signal, tf.range(n_steps), edges), tf.zeros_like(signal[0])
        credit, carried = tf.scan(back, elements, initializer=(zero, zero), reverse=True)
        return credit, carried[0]


@dataclass(frozen=True)
class Window(BackInTime):
    """The error of each step counts for the last few steps before it.

        c_t = sum_{k < steps} J_{t+1}^T ... J_{t+k}^T q_{t+k}

    Args:
        steps: steps that an error goes back, its own included.

    Source: "F-BPTT" of Marschall, Cho & Savin (2020) JMLR 21:135.

    Example:
        >>> Window(10)
        Window(steps=10)
    """

    steps: int = 20

    def __post_init__(self) -> None:
        count("steps", self.steps)

    def _credit(self, model: "RecurrentModel", run: "Run", signal: Tensor) -> Any:
        # All steps at once: at each turn the errors of all steps go back by one.
        weights = model.prepare()
        turns = tf.minimum(self.steps, tf.shape(signal)[0] + 1)

        def turn(k: Tensor, moving: Tensor, credit: Tensor, at_start: Tensor) -> Any:
            earlier = _back(model, weights, run.before, run.inputs, run.noise, moving)
            moving = tf.concat([earlier[1:], tf.zeros_like(earlier[:1])], 0)
            return k + 1, moving, credit + moving, at_start + earlier[0]

        _, _, credit, at_start = tf.while_loop(
            lambda k, *_: k < turns,
            turn,
            (tf.constant(1), signal, signal, tf.zeros_like(signal[0])),
            parallel_iterations=1,
        )
        return credit, at_start


def _back(
    model: "RecurrentModel",
    weights: Any,
    before: State,
    inputs: Tensor,
    noise: Tensor | None,
    credit: Tensor,
) -> Tensor:
    """Return J^T c, (..., trial, variable * unit)."""
    names = list(before)
    state = joined(before)
    with tf.GradientTape() as tape:
        tape.watch(state)
        after = model.network.step(model.ops, weights, parted(state, names), inputs, noise)
        both = joined(after)
    return tape.gradient(both, state, output_gradients=credit)
