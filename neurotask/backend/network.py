"""A network in one step: feed-forward stage, drive, dynamics, readout and feedback.

It is plain data and knows no engine: TensorFlow trains it (`models`), NumPy simulates it
(`simulation`), and both run the equations here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import count
from neurotask.backend import activations
from neurotask.backend.arrays import Ops
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.dynamics.base import Array, Dynamics, State, Weights
from neurotask.backend.settings import Setting
from neurotask.backend.sides import Channels
from neurotask.backend.units import Units


@dataclass(frozen=True)
class FeedForward(Setting):
    """A stage between the inputs and the recurrent units: v_t = phi(W_ff u_t + b_ff).

    Args:
        units: number of its units.
        activation: the transfer function phi: name of a Keras activation, or a function registered
            with Keras.
        connectivity: synapses from the inputs to the stage.

    Example:
        >>> FeedForward(32).activation
        'relu'
    """

    units: int
    activation: Any = "relu"
    connectivity: Connectivity = Connectivity()

    def __post_init__(self) -> None:
        count("units", self.units)
        name = activations.named("activation", self.activation)
        object.__setattr__(self, "activation", name)
        if not isinstance(self.connectivity, Connectivity):
            raise TypeError(f"`connectivity` must be a Connectivity, got {self.connectivity!r}.")


@dataclass(frozen=True, kw_only=True)
class Network(Setting):
    """What a network is beside its weights.

    Args:
        dynamics: how the state of the units moves.
        units: the units.
        inputs: names of the input channels.
        outputs: names of the output channels.
        dt: length of a step in ms.
        feedforward: the stage before the recurrent units, or None.
        feedback: whether the outputs project back to the units.
        output_activation: transfer function of the outputs.
    """

    dynamics: Dynamics
    units: Units
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dt: float
    feedforward: FeedForward | None = None
    feedback: bool = False
    output_activation: Any = "linear"

    def sides(self) -> dict[str, tuple[Units | Channels, Units | Channels]]:
        """Return what each kernel connects: (postsynaptic side, presynaptic side)."""
        inputs, outputs = Channels("input", self.inputs), Channels("output", self.outputs)
        sides = {
            "input": (self.units, inputs),
            "recurrent": (self.units, self.units),
            "output": (outputs, self.units),
        }
        if self.feedback:
            sides["feedback"] = (self.units, outputs)
        if self.feedforward is None:
            return sides
        stage = Channels("feedforward", [f"feedforward_{i}" for i in range(self.feedforward.units)])
        return sides | {"feedforward": (stage, inputs), "input": (self.units, stage)}

    def vectors(self) -> dict[str, np.ndarray]:
        """Return what each vector of parameters starts from."""
        own = self.dynamics.vectors(self.units, self.dt)
        self._check_vectors(own)
        stage = (
            {}
            if self.feedforward is None
            else {"feedforward_bias": np.zeros(self.feedforward.units)}
        )
        return {**own, "output_bias": np.zeros(len(self.outputs)), **stage}

    def _check_vectors(self, own: Any) -> None:
        """Raise unless dynamics give the vectors that they need, each of numbers, (n,)."""
        kind, n = type(self.dynamics).__name__, len(self.units)
        sizes = {"bias": n * max(len(self.dynamics.gates), 1)}
        sizes |= {f"initial_{name}": n for name in self.dynamics.state_variables}
        own = own if isinstance(own, dict) else {}
        for name in (*sizes, *(set(own) - set(sizes))):
            values = np.asarray(own.get(name))
            size = sizes.get(name, n)
            if values.shape != (size,) or values.dtype.kind not in "biuf":
                got = f"the shape {values.shape}" if name in own else "none"
                raise ValueError(
                    f"`{kind}.vectors` must give `{name}` as an array of {size} numbers, got {got}."
                )
            if not np.isfinite(values).all():
                raise ValueError(f"`{kind}.vectors` must give finite numbers, got {name} with NaN.")

    def prepare(self, ops: Ops, kernels: dict[str, Array], vectors: dict[str, Array]) -> Weights:
        """Return the weights as a step uses them.

        Args:
            ops: the engine.
            kernels: effective weights (post, pre), or (gate, post, pre).
            vectors: the other parameters.
        """
        matrices = {name: ops.transposed(kernel) for name, kernel in kernels.items()}
        return self.dynamics.prepare(ops, {**matrices, **vectors}, self.dt)

    def start(self, ops: Ops, weights: Weights, n_trials: Any) -> State:
        """Return the state before the first step, each variable (trial, unit)."""
        names = self.dynamics.state_variables
        return {name: ops.repeat(ops.array(weights[f"initial_{name}"]), n_trials) for name in names}

    def step(
        self,
        ops: Ops,
        weights: Weights,
        state: State,
        inputs: Array,
        noise: Array | None = None,
        rates: Array | None = None,
        current: Array | None = None,
        fed: Array | None = None,
    ) -> State:
        """Return the state after a step.

        Args:
            ops: the engine.
            weights: what `prepare` returned.
            state: the state before, each variable (trial, unit).
            inputs: what comes in, (trial, input).
            noise: standard normals (trial, noise_per_step), or None.
            rates: what the units send, (trial, unit), where it is not what their state says.
            current: what is injected into the units, (trial, unit), or None.
            fed: the outputs that feed back, (trial, output), where they are not those of `rates`.
        """
        rates = self.dynamics.rates(ops, state) if rates is None else rates
        stage = self.stage(ops, weights, inputs)
        drive = [ops.synapses(weights, "input", stage) + weights["bias"]]
        if "feedback" in weights:
            fed = self._fed(ops, weights, rates) if fed is None else fed
            drive.append(ops.synapses(weights, "feedback", fed))
        if current is not None:
            gates = max(len(self.dynamics.gates), 1)
            drive.append(ops.concat([current] * gates) * weights["gain"])
        return self.dynamics.step(ops, weights, state, rates, ops.add(*drive), noise)

    def output(self, ops: Ops, weights: Weights, rates: Array) -> Array:
        """Return the outputs z = g(W_out r + b_out), (..., output), for rates (..., unit)."""
        return ops.function(self.output_activation)(self.received(ops, weights, rates))

    def received(self, ops: Ops, weights: Weights, rates: Array) -> Array:
        """Return what the outputs receive, W_out r + b_out, (..., output)."""
        return ops.product(rates, weights["output"]) + weights["output_bias"]

    def _fed(self, ops: Ops, weights: Weights, rates: Array) -> Array:
        """Return the outputs of rates (trial, unit) as they come back within a step."""
        received = ops.synapses(weights, "output", rates) + weights["output_bias"]
        return ops.function(self.output_activation)(received)

    def stage(self, ops: Ops, weights: Weights, inputs: Array) -> Array:
        """Return what reaches the units of inputs (..., input): those, or the stage before them."""
        if self.feedforward is None:
            return inputs
        received = ops.synapses(weights, "feedforward", inputs) + weights["feedforward_bias"]
        return ops.function(self.feedforward.activation)(received)
