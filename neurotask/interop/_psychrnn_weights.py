"""PsychRNN's trained networks as `RateRNN`, and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import number
from neurotask.interop._channels import channels
from neurotask.interop._psychrnn_dale import law, units_of
from neurotask.interop._psychrnn_file import Arrays, read, write

# The backend loads TensorFlow, which the bridge for tasks does not need: imported where used.
if TYPE_CHECKING:
    from neurotask.backend.connectivity import Connectivity
    from neurotask.backend.models.rate import RateRNN
    from neurotask.backend.units import Units


def load(
    path: Any,
    *,
    dt: float,
    tau: float,
    activation: Any,
    noise: float = 0.0,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    units: "Units | None" = None,
) -> "RateRNN":
    """Return the network whose weights PsychRNN (`Basic` or `BasicScan`) saved.

    Without noise it gives the states and outputs that PsychRNN gives. Masks and Dale's law of the
    file hold in further training. One thing does not: under Dale's law PsychRNN also keeps input
    weights from becoming negative; here they start as they are and are then free.

    The file is silent about `dt`, `tau` and the transfer function, so they must be said. Nothing in
    it is unpickled.

    Args:
        path: path of the `.npz` file.
        dt: length of a step in ms, as in training.
        tau: time constant in ms; also of units for which `units` names none.
        activation: the transfer function: name of a Keras activation ("relu" is PsychRNN's own
            default), or a function registered with Keras.
        noise: PsychRNN's `rec_noise`. It adds noise of standard deviation sqrt(2 alpha) rec_noise a
            step, with alpha = dt / tau; the model gets the setting that adds the same.
        inputs: names of the input channels; None: "input_0", "input_1" and so on, as `task` calls
            them.
        outputs: names of the output channels; None: "output_0" and so on.
        units: areas and time constants, of which the file does not know. Its types must be the
            file's.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no leaky network, or one that does not fit the other arguments.

    Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1)
    ENEURO.0427-20.2020; the file format of PsychRNN 1.0.

    Example:
        >>> import neurotask as nt, tempfile
        >>> model = nt.RateRNN(["input_0"], ["output_0"], units=5, dt=10.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/w.npz")
        ...     load(f"{folder}/w.npz", dt=10.0, tau=100.0, activation="relu")
        <RateRNN: 5 units, 1 inputs, 1 outputs, dt 10 ms, 0 updates>
    """
    from neurotask.backend.models.rate import RateRNN

    arrays = read(path)
    units = units_of(arrays, units)
    dt, tau = number("dt", dt, low=0.0, above=True), number("tau", tau, low=0.0, above=True)
    noise = number("noise", noise, low=0.0)
    model = RateRNN(
        channels("inputs", arrays["W_in"].shape[1], inputs),
        channels("outputs", len(arrays["b_out"]), outputs),
        units=units,
        dt=dt,
        tau=tau,
        noise=noise and _same_noise(noise, dt / units.taus(tau)),
        activation=activation,
        recurrent=_connectivity(arrays["rec_connectivity"], recurrent=True),
        input=_connectivity(arrays["input_connectivity"]),
        output=_connectivity(arrays["output_connectivity"] * (_dale_out(arrays) != 0)),
    )
    effective = effective_weights(arrays)
    model.recurrent_kernel.assign(effective["W_rec"])
    model.input_kernel.assign(effective["W_in"])
    model.output_kernel.assign(effective["W_out"])
    model.bias.assign(arrays["b_rec"])
    model.output_bias.assign(arrays["b_out"])
    model.initial_state.assign(arrays["init_state"])
    return model


def save(model: "RateRNN", path: Any, *, dale: bool = True) -> None:
    """Write the weights of a network under the names that PsychRNN reads.

    The file holds weights, biases, initial state, masks and Dale's law. It has no place for dt,
    tau, noise, transfer function, areas and frozen synapses: give them to PsychRNN by hand (without
    a transfer function it takes ReLU).

    Args:
        model: a `RateRNN`.
        path: path of the file, ending in `.npz`.
        dale: whether Dale's law is written where units have types. False writes the same weights
            without the law, so that PsychRNN's network is the same until it is trained.

    Raises:
        TypeError: for another model.
        ValueError: if PsychRNN would make another network of it: under Dale's law it turns negative
            input weights into positive ones, and takes a share of no excitatory units for no law.

    Source: the file format of PsychRNN 1.0.

    Example:
        >>> import neurotask as nt, tempfile
        >>> model = nt.RateRNN(["u"], ["z"], units=3, dt=10.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/w.npz")
        ...     np.load(f"{folder}/w.npz")["W_rec"].shape
        (3, 3)
    """
    from neurotask.backend.models.rate import RateRNN

    if not isinstance(model, RateRNN):
        raise TypeError(f"`model` must be a RateRNN, got {type(model).__name__}.")
    input_weights = model.input_kernel.effective().numpy()
    exists = model.output_kernel.exists.numpy()
    constraints = {
        "rec_connectivity": model.recurrent_kernel.exists.numpy(),
        "input_connectivity": model.input_kernel.exists.numpy(),
    }
    if dale and model.units.has_types:
        constraints |= law(model.units, input_weights, exists)
    else:
        free = np.eye(len(model.units))
        constraints |= {"output_connectivity": exists, "Dale_rec": free, "Dale_out": free}
    arrays = {
        "init_state": model.initial_state.numpy()[None],
        "W_in": input_weights,
        "W_rec": model.recurrent_kernel.effective().numpy(),
        "W_out": model.output_kernel.effective().numpy(),
        "b_rec": model.bias.numpy(),
        "b_out": model.output_bias.numpy(),
    }
    # + 0.0 turns the -0.0 of silent inhibitory synapses into 0.0.
    arrays = {name: values + 0.0 for name, values in arrays.items()}
    ratio = constraints.pop("dale_ratio", None)
    arrays |= {name: values.astype(np.float32) for name, values in constraints.items()}
    write(path, arrays if ratio is None else {**arrays, "dale_ratio": ratio})


def effective_weights(arrays: Arrays) -> Arrays:
    """Return the weights that PsychRNN computes with: W_rec, W_in and W_out.

    With masks M and, under Dale's law, the signs D of the sending units:

        W = M W,    W_rec = |W_rec| D_rec,    W_in = |W_in|,    W_out = |W_out| D_out
    """
    effective = {
        "W_rec": arrays["W_rec"] * arrays["rec_connectivity"],
        "W_in": arrays["W_in"] * arrays["input_connectivity"],
        "W_out": arrays["W_out"] * arrays["output_connectivity"],
    }
    if not arrays["dale_ratio"]:
        return effective
    signs = {"W_rec": arrays["Dale_rec"], "W_in": 1.0, "W_out": arrays["Dale_out"]}
    return {name: np.abs(values) * signs[name] for name, values in effective.items()}


def _same_noise(noise: float, alpha: np.ndarray) -> float:
    # sqrt(alpha (2 - alpha)) sigma = sqrt(2 alpha) rec_noise
    sigma = noise * np.sqrt(2.0 / (2.0 - alpha))
    if not (sigma == sigma[0]).all():
        raise ValueError(
            f"`noise` must be 0 where units have several time constants, got {noise:g}: PsychRNN's "
            "noise then has another standard deviation in each. Load without it and choose one."
        )
    return float(sigma[0])


def _dale_out(arrays: Arrays) -> np.ndarray:
    """Return how each unit may project to the outputs: 1, -1, or 0 for not at all, (unit,)."""
    return arrays["Dale_out"] if arrays["dale_ratio"] else np.ones(len(arrays["b_rec"]))


def _connectivity(mask: np.ndarray, recurrent: bool = False) -> "Connectivity":
    """Return a mask in the shortest words; weights are assigned afterwards."""
    from neurotask.backend.connectivity import Connectivity
    from neurotask.backend.initializers import Gaussian

    # The default for recurrent synapses wants a cycle among them, which a mask need not leave.
    start = Gaussian()
    if mask.all():
        return Connectivity(initializer=start)
    if recurrent and np.array_equal(mask == 0, np.eye(len(mask))):
        return Connectivity(autapses=False, initializer=start)
    return Connectivity(mask=mask, initializer=start)
