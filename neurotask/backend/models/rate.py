"""The leaky rate network, the package's flagship."""

from neurotask.backend.dynamics.leaky import Leaky
from neurotask.backend.models.base import RecurrentModel


class RateRNN(RecurrentModel):
    """Leaky rate network, its state before the transfer function unless `form="rate"`.

    With alpha = dt / tau and rates r = phi(x), the input at step t acting in step t:

        x_t = (1 - alpha) x_{t-1} + alpha (W r_{t-1} + W_in u_t + b) + noise
        z_t = W_out r_t + b_out

    `neurotask.backend.dynamics.leaky.Leaky` has the equations of both forms and of the noise. All
    weights go through `Connectivity`; where units are excitatory or inhibitory, Dale's law holds
    for the recurrent and the output weights, from the first step.

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
        form: "current", the state before the transfer function, or "rate", behind it.
        initial_state: value of every unit's state before the first step; it is learned.
        plasticity: `ShortTermPlasticity` of the recurrent synapses; None: none.
        recurrent: synapses among units.
        input: synapses from inputs to units.
        output: synapses from units to outputs.
        feedback: synapses from outputs back to units, z_{t-1} acting in step t; None: none.
        feedforward: a stage of units between inputs and network: `FeedForward`, or the number of
            its units; None: none.
        output_activation: transfer function of the outputs.
        trainable: whether "bias", "output_bias", "initial_state", "tau" and "feedforward_bias"
            learn, by name: `{"tau": True}`. Unless named, all do but "tau", which stays above dt.
        seed: seed of connectivity and initial weights.
        dtype: "float32", or "float64" for exact comparisons.
        task: what the network is for, as text; `for_task` and `fit` note it.

    Raises:
        ValueError: for a setting out of range, such as dt above tau.

    Source: the network of Song, Yang & Wang (2016) PLoS Comput Biol 12:e1004792.

    Example:
        >>> import numpy as np
        >>> model = RateRNN(["u"], ["z"], units=4, dt=20.0, seed=1)
        >>> model.step(np.zeros(4), np.zeros(1)).shape
        (4,)
    """

    dynamics_type = Leaky
