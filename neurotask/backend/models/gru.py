"""A network of gated recurrent units."""

from neurotask.backend.dynamics.gru import GRUDynamics
from neurotask.backend.models.base import RecurrentModel


class GRU(RecurrentModel):
    """Gated recurrent units; `neurotask.backend.dynamics.gru` has the equations.

    Its units have no time constant, no noise and no type. Where a synapse exists, and whether it
    learns, `Connectivity` says for all gates alike.

    Args:
        inputs: names of the input channels.
        outputs: names of the output channels.
        units: number of units, or `Units` with areas.
        dt: length of a step of the task in ms; it does not enter the equations.
        reset_after: whether the reset gate acts behind the recurrent weights, as in Keras' layer.
        recurrent: synapses among units, each with a weight for every gate.
        input: synapses from inputs to units, likewise.
        output: synapses from units to outputs.
        feedback: synapses from outputs back to units; None: none.
        feedforward: a stage of units between inputs and network; None: none.
        output_activation: transfer function of the outputs.
        trainable: whether "bias", "output_bias" and "initial_hidden" learn, by name:
            `{"initial_hidden": False}`. Unless named, all do.
        seed: seed of connectivity and initial weights.
        dtype: "float32", or "float64" for exact comparisons.
        task: what the network is for, as text; `for_task` and `fit` note it.

    Raises:
        ValueError: for excitatory and inhibitory units.

    Example:
        >>> GRU(["u"], ["z"], units=4, dt=20.0).effective_weights()["recurrent"].dims
        ('gate', 'unit', 'source')
    """

    dynamics_type = GRUDynamics
