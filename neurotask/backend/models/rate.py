"""The leaky rate network, the package's flagship."""

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from neurotask._checks import number
from neurotask.backend._types import Tensor
from neurotask.backend.connectivity import Connectivity, Kernel
from neurotask.backend.initializers import Gaussian, SpectralRadius
from neurotask.backend.models.base import RecurrentModel, Weights
from neurotask.backend.units import Units


@keras.saving.register_keras_serializable("neurotask")
class RateRNN(RecurrentModel):
    """Leaky rate network, its state before the transfer function.

    With alpha = dt / tau and rates r = phi(x), the input at step t acting in step t:

        x_t = (1 - alpha) x_{t-1} + alpha (W r_{t-1} + W_in u_t + b)
              + sqrt(alpha (2 - alpha)) sigma xi_t
        z_t = W_out r_t + b_out

    The noise is scaled so that an unconnected unit has standard deviation sigma at every dt.
    Weights are (postsynaptic, presynaptic). All but the biases and the initial state go through
    `Connectivity`; where units are excitatory or inhibitory, Dale's law holds for the recurrent and
    the output weights, from the first step.

    Args:
        inputs: names of the input channels.
        outputs: names of the output channels.
        units: number of units, or `Units`.
        dt: length of a step in ms; at most every tau, and better below half of it.
        tau: time constant in ms, where `units` does not say.
        noise: sigma of the private noise, in units of the state.
        shared_noise: sigma of noise that is the same in all units of a network.
        activation: the transfer function phi: name of a Keras activation, or a function registered
            with Keras.
        recurrent: synapses among units.
        input: synapses from inputs to units.
        output: synapses from units to outputs.
        initial_state: value of every unit's state before the first step; it is learned.
        seed: seed of connectivity and initial weights.
        dtype: "float32", or "float64" for exact comparisons.

    Raises:
        ValueError: for a setting out of range, such as dt above tau.

    Source: the network of Song, Yang & Wang (2016) PLoS Comput Biol 12:e1004792; its noise in the
    form whose stationary variance does not depend on dt.

    Example:
        >>> model = RateRNN(["u"], ["z"], units=4, dt=20.0, seed=1)
        >>> model.step(np.zeros(4), np.zeros(1)).shape
        (4,)
    """

    settings: ClassVar[tuple[str, ...]] = (
        "units", "tau", "noise", "shared_noise", "activation", "recurrent", "input", "output",
        "initial_state", "seed",
    )  # fmt: skip

    def __init__(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        units: Units | int,
        dt: float,
        tau: float = 100.0,
        noise: float = 0.0,
        shared_noise: float = 0.0,
        activation: Any = "relu",
        recurrent: Connectivity = Connectivity(),
        input: Connectivity = Connectivity(),
        output: Connectivity = Connectivity(),
        initial_state: float = 0.1,
        seed: int = 0,
        dtype: str = "float32",
    ):
        super().__init__(inputs, outputs, dt, dtype)
        self.units = self._units = units if isinstance(units, Units) else Units(units)
        self._tau, self._seed, self._initial_state = tau, seed, initial_state
        self._noise = number("noise", noise, low=0.0)
        self._shared_noise = number("shared_noise", shared_noise, low=0.0)
        self._activation = activation
        self.phi = transfer_function(activation)
        self._recurrent, self._input, self._output = recurrent, input, output
        self._set_time_constants()
        self._add_kernels()
        n = len(self.units)
        self.bias = self.add_weight((n,), "zeros", name="bias")
        self.output_bias = self.add_weight((len(self.output_names),), "zeros", name="output_bias")
        state = keras.initializers.Constant(number("initial_state", initial_state))
        self.initial_state = self.add_weight((n,), state, name="initial_state")
        self.built = True

    def prepare(self) -> Weights:
        alpha = tf.constant(self.alpha, self.compute_dtype)
        # alpha acts on a unit's whole input, hence on the columns of the transposed weights.
        return {
            "leak": 1.0 - alpha,
            "recurrent": tf.transpose(self.recurrent_kernel.effective()) * alpha,
            "input": tf.transpose(self.input_kernel.effective()) * alpha,
            "bias": self.bias * alpha,
            "noise": tf.constant(self._noise_gain, self.compute_dtype),
            "output": tf.transpose(self.output_kernel.effective()),
            "output_bias": tf.convert_to_tensor(self.output_bias),
        }

    def start(self, n_trials: Tensor) -> Tensor:
        return tf.broadcast_to(self.initial_state, (n_trials, len(self.units)))

    def transition(
        self, weights: Weights, state: Tensor, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        # x <- (1 - alpha) x + alpha (W phi(x) + W_in u + b) + sqrt(alpha (2 - alpha)) sigma xi
        # add_n broadcasts nothing: the gradient of a broadcast costs several operations a step.
        terms = [
            weights["leak"] * state,
            tf.matmul(self.phi(state), weights["recurrent"]),
            tf.matmul(inputs, weights["input"]) + weights["bias"],
        ]
        if noise is not None:
            terms.append(self._noise_of(weights, noise))
        return tf.add_n(terms)

    def rates_of(self, state: Tensor) -> Tensor:
        return self.phi(state)

    def readout(self, weights: Weights, rates: Tensor) -> Tensor:
        # As one matrix product; the gradient of einsum transposes the rates of all steps.
        return tf.tensordot(rates, weights["output"], 1) + weights["output_bias"]

    def effective_weights(self) -> dict[str, xr.DataArray]:
        """Return the weights that the network computes with.

        Returns:
            "input" (unit, input), "recurrent" (unit, source) and "output" (output, unit), each
            (postsynaptic, presynaptic), with cell types and areas as coordinates.
        """
        post = {"cell_type": ("unit", self.units.cell_type), "area": ("unit", self.units.area)}
        pre = {f"source_{name}": ("source", values) for name, (_, values) in post.items()}
        inputs, outputs = {"input": list(self.input_names)}, {"output": list(self.output_names)}
        frames = {
            "input": (self.input_kernel, ("unit", "input"), post | inputs),
            "recurrent": (self.recurrent_kernel, ("unit", "source"), post | pre),
            "output": (self.output_kernel, ("output", "unit"), post | outputs),
        }
        return {
            name: xr.DataArray(kernel.effective().numpy(), dims=dims, coords=coords, name=name)
            for name, (kernel, dims, coords) in frames.items()
        }

    def _set_time_constants(self) -> None:
        taus = self.units.taus(number("tau", self._tau, low=0.0, above=True))
        if self.dt > taus.min():
            raise ValueError(
                f"`dt` must be at most tau = {taus.min():g} ms, got {self.dt:g} ms. "
                "Make dt shorter or tau longer."
            )
        if self.dt > taus.min() / 2:
            warnings.warn(
                f"`dt` should be at most half of tau = {taus.min():g} ms, got {self.dt:g} ms: "
                "the steps are too coarse to follow the network's equation.",
                stacklevel=3,
            )
        alpha = self.dt / taus
        self.alpha = float(alpha[0]) if (alpha == alpha[0]).all() else alpha
        self._noise_gain = np.sqrt(self.alpha * (2.0 - np.asarray(self.alpha)))
        self.noise_per_step = len(self.units) * (self._noise > 0) + (self._shared_noise > 0)

    def _add_kernels(self) -> None:
        for name in ("input", "output"):
            if not getattr(self, f"_{name}").autapses:
                raise ValueError(
                    f"`{name}.autapses` must be True: only recurrent synapses can be autapses."
                )
        n, n_in, n_out = len(self.units), len(self.input_names), len(self.output_names)
        dale, free = self.units.sign, np.zeros(n_in)
        rest = self._seed, self.dtype
        self.input_kernel = _kernel("input", self._input, free, (n, n_in), Gaussian(), 0, *rest)
        self.recurrent_kernel = _kernel(
            "recurrent", self._recurrent, dale, (n, n), SpectralRadius(), 1, *rest
        )
        self.output_kernel = _kernel("output", self._output, dale, (n_out, n), Gaussian(), 2, *rest)

    def _noise_of(self, weights: Weights, noise: Tensor) -> Tensor:
        if self._shared_noise == 0:
            return weights["noise"] * self._noise * noise
        n = len(self.units)
        private = self._noise * noise[:, :n] if self._noise > 0 else 0.0
        shared = self._shared_noise * noise[:, -1:] if self._shared_noise > 0 else 0.0
        drawn = weights["noise"] * (private + shared)
        return tf.broadcast_to(drawn, (tf.shape(noise)[0], n))


def transfer_function(activation: Any) -> Any:
    """Return a Keras activation by its name, or a registered function, else raise."""
    if callable(activation):
        if keras.saving.get_registered_name(activation) == getattr(activation, "__name__", ""):
            raise ValueError(
                f"`activation` must be the name of a Keras activation or a registered function, "
                f"got {activation!r}, which would save and not load. Put "
                "@keras.saving.register_keras_serializable() above the function."
            )
        return activation
    try:
        return keras.activations.get(activation)
    except ValueError:
        raise ValueError(
            f'`activation` must be the name of a Keras activation such as "relu", "tanh" or '
            f'"softplus", got {activation!r}.'
        ) from None


def _kernel(
    name: str,
    connectivity: Connectivity,
    sign: np.ndarray,
    shape: tuple[int, int],
    default: Any,
    index: int,
    seed: int,
    dtype: str,
) -> Kernel:
    if not isinstance(connectivity, Connectivity):
        raise TypeError(f"`{name}` must be a Connectivity, got {connectivity!r}.")
    return Kernel(name, connectivity, sign, shape, default, seed, index, dtype)
