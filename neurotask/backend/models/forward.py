"""A network run forward: its weights, its steps, whole trials."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from neurotask._streams import Stream, key
from neurotask.backend._types import Tensor
from neurotask.backend.arrays import NumPyOps
from neurotask.backend.drawing import normals_of_steps
from neurotask.backend.dynamics.base import State, Weights
from neurotask.backend.fused import Fused
from neurotask.backend.kernel import Kernel
from neurotask.backend.models._arguments import check_last
from neurotask.backend.models._jacobian import derived_by_state
from neurotask.backend.network import Network
from neurotask.backend.parameters import Parameters
from neurotask.backend.perturbation import listed
from neurotask.backend.running import Runner
from neurotask.backend.sides import KERNELS
from neurotask.backend.simulation import names, stacked
from neurotask.backend.synapses import synapse_table
from neurotask.backend.tensors import TensorOps, time_first, trial_first
from neurotask.backend.units import Units
from neurotask.backend.vectors import Vectors
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Run:
    """A run of whole trials, with time as the first axis, then what there may be, then trials.

    Args:
        states: the state after each step, each variable (time, ..., trial, unit).
        before: the state before each step.
        inputs: (time, ..., trial, input).
        noise: standard normals, (time, ..., trial, noise_per_step), or None.
    """

    states: State
    before: State
    inputs: Tensor
    noise: Tensor | None


class ForwardModel(keras.Model):
    """What a network does without learning; `RecurrentModel` makes its variables and trains them.

    Attributes:
        network: what the network is beside its weights: channels, units, dynamics, dt.
        ops: the engine, TensorFlow in the model's precision.
    """

    network: Network
    ops: TensorOps
    _vectors: Vectors
    runner: Runner
    fused: Fused | None = None  # runs whole trials; None: TensorFlow's graph does
    draws_ahead: bool = False  # the noise of whole trials at once, as suits XLA
    networks: int | None = None  # how many there are on an axis in front; None: this is one network
    _task: str

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return self.network.inputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the output channels."""
        return self.network.outputs

    @property
    def units(self) -> Units:
        """What the units are."""
        return self.network.units

    @property
    def dt(self) -> float:
        """Length of a step in ms."""
        return self.network.dt

    @property
    def task(self) -> str:
        """The task that the network was made for or last trained on, as text."""
        return self._task

    @property
    def times(self) -> dict[str, Any]:
        """The time constants that learn, by name."""
        return self._vectors.times

    @property
    def noise_per_step(self) -> int:
        """How many standard normals a step takes of noise."""
        return self.network.dynamics.noise_per_step(len(self.units))

    @property
    def kernels(self) -> dict[str, Kernel]:
        """The synapses by kernel: "input", "recurrent", "output", and others where it has them."""
        present = (name for name in KERNELS if hasattr(self, f"{name}_kernel"))
        return {name: getattr(self, f"{name}_kernel") for name in present}

    def effective_weights(self) -> "dict[str, xr.DataArray]":
        """Return the weights that the network computes with.

        Returns:
            "input" (unit, input), "recurrent" (unit, source), "output" (output, unit), and what
            else there is, each (postsynaptic, presynaptic); gated networks have the gate first.
            Coordinates: cell types and areas, and for each synapse whether it `exists` and whether
            it is `plastic`.
        """
        extra = {
            name: {"exists": kernel.exists.numpy(), "plastic": kernel.plastic.numpy()}
            for name, kernel in self.kernels.items()
        }
        return self.parameters().labelled(extra)

    def synapses(self) -> pd.DataFrame:
        """Return how many synapses there are, learn, and are silent, by kernel and by group.

        Pairs of groups without a synapse are left out.

        Silent is a synapse that exists and has the weight 0; one that does not exist is not.
        """
        tables = []
        for name, kernel in self.kernels.items():
            exists, plastic = kernel.exists.numpy(), kernel.plastic.numpy()
            weights = kernel.effective().numpy()
            of_gates = zip(kernel.gates, weights, strict=True) if kernel.gates else [("", weights)]
            for gate, values in of_gates:
                labels = kernel.post.labels, kernel.pre.labels
                table = synapse_table(name, values, exists, plastic, *labels)
                tables.append(table.assign(gate=gate) if kernel.gates else table)
        table = pd.concat(tables, ignore_index=True)
        return table[table["n_existing"] > 0].reset_index(drop=True)

    def project(self) -> None:
        """Put weights that a change has left on the wrong side of their sign back to 0."""
        for kernel in self.kernels.values():
            kernel.project()

    def parameters(self) -> Parameters:
        """Return the network as plain arrays, for `simulate` and for files without TensorFlow."""
        kernels = {name: k.effective().numpy() for name, k in self.kernels.items()}
        vectors = {name: np.array(values) for name, values in self._vectors.values().items()}
        return Parameters(self.network, kernels, vectors)

    # --- simulation ----------------------------------------------------------------------------

    def prepare(self) -> Weights:
        """Return the weights as `transition` and `readout` use them; once an update."""
        return self.network.prepare(self.ops, self.effective(), self._vectors.values())

    def vectors(self) -> dict[str, Any]:
        """Return the parameters that are no synapses, by name: tensors, or arrays of constants."""
        return self._vectors.values()

    def effective(self) -> dict[str, Tensor]:
        """Return the effective weights by kernel, as tensors."""
        return {name: kernel.effective() for name, kernel in self.kernels.items()}

    def start(self, weights: Weights, n_trials: Tensor) -> State:
        """Return the state before the first step, each variable (trial, unit)."""
        return self.network.start(self.ops, weights, n_trials)

    def transition(
        self, weights: Weights, state: State, inputs: Tensor, noise: Tensor | None
    ) -> State:
        """Return the state after a step.

        Args:
            weights: what `prepare` returned.
            state: the state before, each variable (trial, unit).
            inputs: what comes in during the step, (trial, input).
            noise: standard normals, (trial, noise_per_step), or None.
        """
        return self.network.step(self.ops, weights, state, inputs, noise)

    def rates_of(self, state: State) -> Tensor:
        """Return the rates that belong to a state, of any leading shape."""
        return self.network.dynamics.rates(self.ops, state)

    def readout(self, weights: Weights, rates: Tensor) -> Tensor:
        """Return the outputs (..., output) for rates (..., unit)."""
        return self.network.output(self.ops, weights, rates)

    def unroll(
        self, inputs: Tensor, noise: Tensor | None = None, *, states: bool = True
    ) -> tuple[State, Tensor]:
        """Return states and outputs of whole trials; TensorFlow, or kernels.

        Args:
            inputs: (..., trial, time, input).
            noise: two whole numbers (int64) that name the noise, or None for none. Each step draws
                from a counter of its own, so padding at the end changes nothing before it.
            states: whether the states are needed; without, they may be missing.

        Returns:
            Each variable of the state, (time, ..., trial, unit), and the outputs (..., trial, time,
            output).
        """
        if self.fused is not None:
            return self.fused.unroll(inputs, noise, states)
        return self._scanned(inputs, noise)

    def _scanned(self, inputs: Tensor, noise: Tensor | None) -> tuple[State, Tensor]:
        """Return states and outputs of whole trials, by TensorFlow's graph; see `unroll`."""
        weights = self.prepare()
        inputs = time_first(tf.cast(inputs, self.compute_dtype))
        n_steps, n_trials = tf.shape(inputs)[0], tf.shape(inputs)[-2]
        drawn = self.stepwise(noise, n_steps, n_trials)

        def step(state: State, now: tuple[Tensor, Tensor]) -> State:
            current, t = now
            return self.transition(weights, state, current, drawn(t))

        elements = (inputs, tf.range(n_steps))
        states = tf.scan(step, elements, initializer=self.start(weights, n_trials))
        outputs = self.readout(weights, self.rates_of(states))
        return states, trial_first(outputs)

    def unrolled(self, weights: Weights, inputs: Tensor, noise: Tensor | None) -> "Run":
        """Return a run of whole trials with all that went into each of its steps; TensorFlow.

        Args:
            weights: what `prepare` returned.
            inputs: (..., trial, time, input).
            noise: as in `unroll`.
        """
        inputs = time_first(tf.cast(inputs, self.compute_dtype))
        n_steps, n_trials = tf.shape(inputs)[0], tf.shape(inputs)[-2]
        start = self.start(weights, n_trials)
        drawn = self.stepwise(noise, n_steps, n_trials)
        first = drawn(tf.constant(0))
        none = next(iter(start.values()))[..., :0] if first is None else first

        def step(last: tuple[State, Tensor], now: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
            current, t = now
            normals = drawn(t)
            state = self.transition(weights, last[0], current, normals)
            return state, last[1] if normals is None else tf.ensure_shape(normals, none.shape)

        elements = (inputs, tf.range(n_steps))
        states, normals = tf.scan(step, elements, initializer=(start, none))
        before = {n: tf.concat([start[n][tf.newaxis], states[n][:-1]], 0) for n in states}
        return Run(states, before, inputs, None if first is None else normals)

    def call(self, inputs: Any) -> Tensor:
        """Return the noise-free outputs (trial, time, output) for inputs (trial, time, input)."""
        check_last("inputs", inputs, len(self.input_names), "(trial, time, input)", 3)
        return self._scanned(inputs, None)[1]

    def step(self, state: np.ndarray, input: np.ndarray) -> np.ndarray:
        """Return the state after a noise-free step, of the shape of `state`.

        A state in float64 is stepped in float64 (NumPy), whatever the precision of the weights, so
        that a search for fixed points can converge. Others are in the precision of the model.

        Args:
            state: (..., unit); where a unit's state has several variables, (..., variable, unit).
            input: (..., input).
        """
        ops = self._engine(state)
        lead, variables = self._unpacked(ops, state)
        inputs = self._entering(ops, input, lead)
        after = self.network.step(ops, self._prepared(ops), variables, inputs, None)
        return stacked([np.asarray(v) for v in after.values()], np.stack).reshape(np.shape(state))

    def jacobian(self, state: np.ndarray, input: np.ndarray) -> np.ndarray:
        """Return how the state after a noise-free step depends on the state before it.

        By automatic differentiation, in float64.

        Args:
            state: as in `step`.
            input: (..., input).

        Returns:
            d after / d before, (..., unit, unit), or (..., variable, unit, variable, unit).
        """
        ops = TensorOps("float64")
        lead, variables = self._unpacked(ops, state)
        inputs = self._entering(ops, input, lead)
        form = np.shape(state)[len(lead) :]
        matrices = derived_by_state(self.network, ops, self._prepared(ops), variables, inputs)
        return matrices.reshape(*lead, *form, *form)

    def rates(self, state: np.ndarray) -> np.ndarray:
        """Return the rates (..., unit) that belong to states; see `step` for their shape."""
        ops = self._engine(state)
        lead, variables = self._unpacked(ops, state)
        rates = self.network.dynamics.rates(ops, variables)
        return np.asarray(rates).reshape(*lead, len(self.units))

    def output(self, state: np.ndarray) -> np.ndarray:
        """Return the outputs (..., output) that belong to states; see `step` for their shape."""
        ops = self._engine(state)
        lead, variables = self._unpacked(ops, state)
        rates = self.network.dynamics.rates(ops, variables)
        z = self.network.output(ops, self._prepared(ops), rates)
        return np.asarray(z).reshape(*lead, len(self.output_names))

    def run(
        self,
        trials: Trials,
        *,
        seed: int = 0,
        noise: bool = True,
        record: Sequence[str] = ("states", "rates"),
        perturbation: Any = None,
    ) -> "xr.Dataset":
        """Run the network on trials and return the Session.

        Args:
            trials: what to run, any number and length, at the model's dt.
            seed: seed of the network's noise.
            noise: whether the network is noisy, as in training.
            record: what to keep beside outputs and behaviour: "states", "rates". Without them
                memory does not grow with the number of units.
            perturbation: a `Perturbation`, or a list of them. The noise is that of the unperturbed
                run of the same seed.

        Returns:
            A Session; see `neurotask.session`.
        """
        done = listed(perturbation)
        return self.runner.run(trials, seed, noise, names("record", record), done)

    def noise(self, n_trials: int, n_steps: int, seed: int = 0) -> np.ndarray:
        """Return the normals that `run` draws for a seed, (trial, time, noise_per_step)."""
        return self.runner.noise(n_trials, n_steps, key(seed, Stream.RUN_NOISE))

    # --- inside --------------------------------------------------------------------------------

    def _engine(self, state: Any) -> Any:
        """Return the engine for states: in their precision, or in that of the model."""
        exact = np.asarray(state).dtype == np.float64 and self.compute_dtype != "float64"
        return NumPyOps("float64") if exact else self.ops

    def _prepared(self, ops: Any) -> Weights:
        """Return the weights as a step uses them, in the engine and the precision of `ops`."""
        if ops is self.ops:
            return self.prepare()
        arrays = self.parameters()
        kernels, vectors = (
            {name: ops.array(values) for name, values in group.items()}
            for group in (arrays.kernels, arrays.vectors)
        )
        return self.network.prepare(ops, kernels, vectors)

    def _unpacked(self, ops: Any, state: Any) -> tuple[tuple[int, ...], State]:
        """Return the leading shape of states, and their variables, each (-1, unit)."""
        variables, n = self.network.dynamics.state_variables, len(self.units)
        shape = np.shape(state)
        form = "(..., unit)" if len(variables) == 1 else "(..., variable, unit)"
        wanted = (n,) if len(variables) == 1 else (len(variables), n)
        if shape[-len(wanted) :] != wanted:
            raise ValueError(
                f"`state` must have the shape {form}, with {' x '.join(map(str, wanted))} last, "
                f"got {shape}."
            )
        lead = shape[: len(shape) - len(wanted)]
        flat = ops.array(np.reshape(state, (-1, len(variables), n)))
        return lead, {name: flat[:, at] for at, name in enumerate(variables)}

    def _entering(self, ops: Any, input: Any, lead: tuple[int, ...]) -> Any:
        """Return what comes in, of any leading shape, as (-1, input), a row a state."""
        n = len(self.input_names)
        check_last("input", input, n, "(..., input)")
        return ops.array(np.broadcast_to(np.asarray(input), (*lead, n)).reshape(-1, n))

    def stepwise(
        self, noise: Tensor | None, n_steps: Tensor, n_trials: Tensor
    ) -> Callable[[Tensor], Tensor | None]:
        """Return what gives the normals of each step in a loop over time; None where none are.

        Args:
            noise: as for `normals`, or None for no noise.
            n_steps: number of steps.
            n_trials: number of trials.
        """
        if noise is None or self.noise_per_step == 0:
            return lambda t: None
        if self.draws_ahead:
            ahead = normals_of_steps(noise, n_steps, n_trials, self.noise_per_step)
            return lambda t: ahead[t]
        return lambda t: self.normals(noise, tf.cast(t, tf.int64), n_trials)

    def normals(self, noise: Tensor, t: Tensor, n_trials: Tensor) -> Tensor:
        """Return the normals of a step, (..., trial, noise_per_step).

        Args:
            noise: two whole numbers that name the noise, (2,); of several networks (network, 2).
            t: the step.
            n_trials: number of trials.
        """
        if len(noise.shape) == 2:  # each as it would be drawn for the network alone
            return tf.stack([self.normals(key, t, n_trials) for key in tf.unstack(noise)])
        # The upper half of the second word is the update (or chunk), the lower half the step.
        # philox by name: it counts, so that a draw depends on nothing before it.
        return tf.random.stateless_normal(
            (n_trials, self.noise_per_step),
            seed=tf.stack([noise[0], noise[1] * 2**32 + t]),
            dtype=self.compute_dtype,
            alg="philox",
        )
