"""A network of long short-term memory units."""

from neurotask.backend.dynamics.lstm import LSTMDynamics
from neurotask.backend.models.base import RecurrentModel


class LSTM(RecurrentModel):
    """Long short-term memory; `neurotask.backend.dynamics.lstm` has the equations.

    Its units are gates and memories, no cells: they have no time constant, no noise and no type.
    Where a synapse exists, and whether it learns, `Connectivity` says for all gates alike.

    Args:
        inputs: names of the input channels.
        outputs: names of the output channels.
        units: number of units, or `Units` with areas.
        dt: length of a step of the task in ms; it does not enter the equations.
        recurrent: synapses among units, each with a weight for every gate.
        input: synapses from inputs to units, likewise.
        output: synapses from units to outputs.
        feedback: synapses from outputs back to units; None: none.
        feedforward: a stage of units between inputs and network; None: none.
        output_activation: transfer function of the outputs.
        trainable: whether "bias", "output_bias", "initial_hidden" and "initial_cell" learn, by
            name: `{"initial_cell": False}`. Unless named, all do.
        seed: seed of connectivity and initial weights.
        dtype: "float32", or "float64" for exact comparisons.
        task: what the network is for, as text; `for_task` and `fit` note it.

    Raises:
        ValueError: for excitatory and inhibitory units.

    Example:
        >>> LSTM(["u"], ["z"], units=4, dt=20.0).effective_weights()["recurrent"].dims
        ('gate', 'unit', 'source')
    """

    dynamics_type = LSTMDynamics
