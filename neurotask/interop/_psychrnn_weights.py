"""PsychRNN's trained networks as `RateRNN`, and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import number
from neurotask.interop._channels import channels
from neurotask.interop._psychrnn_checks import check_model
from neurotask.interop._psychrnn_dale import law, outputs_of, units_of, with_taus
from neurotask.interop._psychrnn_file import APPLIED, MASKS, Arrays, read, write

# The backend loads TensorFlow, which the bridge for tasks does not need: imported where used.
if TYPE_CHECKING:
    from neurotask.backend.connectivity import Connectivity
    from neurotask.backend.models.rate import RateRNN
    from neurotask.backend.units import PerUnit, Units


def load(
    path: Any,
    *,
    dt: float,
    tau: "PerUnit",
    activation: Any,
    noise: float = 0.0,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    units: "Units | None" = None,
    factors_applied: bool | None = None,
) -> "RateRNN":
    """Return the network whose weights PsychRNN (`Basic` or `BasicScan`) saved.

    Without noise it gives the states and outputs that PsychRNN gives. Masks and Dale's law of the
    file hold in further training as they do there: the law also keeps input weights from becoming
    negative, and inhibitory units whose sign in `Dale_out` is 0 from projecting to the outputs.

    The file is silent about `dt`, `tau` and the transfer function, so they must be said. Nothing in
    it is unpickled.

    Args:
        path: path of the `.npz` file.
        dt: length of a step in ms, as in training.
        tau: time constant in ms: one, or one a unit as PsychRNN takes it, or one for each label.
        activation: the transfer function: name of a Keras activation ("relu" is PsychRNN's own
            default), or a function registered with Keras.
        noise: PsychRNN's `rec_noise`. It adds noise of standard deviation sqrt(2 alpha) rec_noise a
            step, with alpha = dt / tau; the model gets the setting that adds the same.
        inputs: names of the input channels; None: "input_0", "input_1" and so on, as `task` calls
            them.
        outputs: names of the output channels; None: "output_0" and so on.
        units: areas and time constants, of which the file does not know. Its types must be the
            file's. None: types alone, a share where excitatory units come first.
        factors_applied: whether the weights in the file hold the factors of their masks already.
            It must be said where a mask has other factors than 0 and 1: True for a file of a
            network's `save`, where PsychRNN multiplies a second time when it loads it; False for
            one of an initializer's `save`. A file that `save` here wrote says it itself.

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
    effective = effective_weights(arrays, _applied(arrays, factors_applied))
    units, tau = with_taus(units_of(arrays, units), tau)
    dt, noise = number("dt", dt, low=0.0, above=True), number("noise", noise, low=0.0)
    output_mask, output_rules = outputs_of(arrays, units)
    model = RateRNN(
        channels("inputs", arrays["W_in"].shape[1], inputs),
        channels("outputs", len(arrays["b_out"]), outputs),
        units=units,
        dt=dt,
        tau=tau,
        noise=noise and _same_noise(noise, dt / units.taus(tau)),
        activation=activation,
        recurrent=_connectivity(arrays["rec_connectivity"], recurrent=True),
        input=_connectivity(arrays["input_connectivity"], sign=1 if units.has_types else None),
        output=_connectivity(output_mask, **output_rules),
    )
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
    tau, noise, transfer function and areas: give them to PsychRNN by hand (without a transfer
    function it takes ReLU). Nor does it have one for what training keeps beside masks and types:
    frozen synapses (give PsychRNN its `fixed_weights`), the law "projection", and signs that a
    `Connectivity` gives to units without type.

    Where a mask has other factors than 0 and 1, the file holds the weights before they are
    multiplied, as PsychRNN's networks take them; its simulator, which does not multiply, wants
    `get_weights()` of such a network.

    Args:
        model: a `RateRNN`.
        path: path of the file, ending in `.npz`.
        dale: whether Dale's law is written where units have types. False writes the same weights
            without the law, so that PsychRNN's network is the same until it is trained.

    Raises:
        TypeError: for another model.
        ValueError: if PsychRNN would make another network of it: of rates as states, short-term
            plasticity, feedback, a feed-forward stage or outputs that are not linear; and, under
            Dale's law, of negative input weights and of outputs that a unit both excites and
            inhibits.

    Source: the file format of PsychRNN 1.0.

    Example:
        >>> import neurotask as nt, tempfile
        >>> model = nt.RateRNN(["u"], ["z"], units=3, dt=10.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/w.npz")
        ...     np.load(f"{folder}/w.npz")["W_rec"].shape
        (3, 3)
    """
    check_model(model)
    kernels = {
        "W_rec": model.recurrent_kernel,
        "W_in": model.input_kernel,
        "W_out": model.output_kernel,
    }
    weights = {name: kernel.effective().numpy() for name, kernel in kernels.items()}
    strength = {name: kernel.strength.numpy() for name, kernel in kernels.items()}
    free = np.eye(len(model.units))
    rules = {mask: strength[name] for mask, name in MASKS.items()}
    rules |= {"Dale_rec": free, "Dale_out": free}
    if dale and model.units.has_types:
        rules |= law(model.units, weights["W_in"], model.output_kernel)
    ratio = rules.pop("dale_ratio", None)
    raw = {
        name: np.divide(weights[name], strength[name], out=0.0 * weights[name], where=there != 0)
        for name, there in strength.items()
    }
    arrays = {
        "init_state": model.initial_state.numpy()[None],
        **raw,
        "b_rec": model.bias.numpy(),
        "b_out": model.output_bias.numpy(),
    }
    # + 0.0 turns the -0.0 of silent inhibitory synapses into 0.0.
    arrays = {name: values + 0.0 for name, values in arrays.items()}
    arrays |= {name: values.astype(np.float32) for name, values in rules.items()}
    if _weighted(arrays):
        arrays[APPLIED] = np.array(False)
    write(path, arrays if ratio is None else {**arrays, "dale_ratio": ratio})


def effective_weights(arrays: Arrays, applied: bool) -> Arrays:
    """Return the weights that PsychRNN computes with: W_rec, W_in and W_out.

    With masks M and, under Dale's law, the signs D of the sending units:

        W = M W,    W_rec = |W_rec| D_rec,    W_in = |W_in|,    W_out = |W_out| D_out

    Args:
        arrays: the arrays of a file.
        applied: whether W is M W already, so that only the zeros of M still act.
    """
    effective = {}
    for mask, name in MASKS.items():
        effective[name] = arrays[name] * (arrays[mask] != 0 if applied else arrays[mask])
    if not arrays["dale_ratio"]:
        return effective
    signs = {"W_rec": arrays["Dale_rec"], "W_in": 1.0, "W_out": arrays["Dale_out"]}
    return {name: np.abs(values) * signs[name] for name, values in effective.items()}


def _weighted(arrays: Arrays) -> bool:
    return not all(np.isin(arrays[mask], (0, 1)).all() for mask in MASKS)


def _applied(arrays: Arrays, said: bool | None) -> bool:
    """Return whether the weights of a file hold the factors of their masks, or ask."""
    if not isinstance(said, bool | None):
        raise TypeError(f"`factors_applied` must be True, False or None, got {said!r}.")
    if said is None and APPLIED in arrays:
        return bool(arrays[APPLIED])
    if said is None and _weighted(arrays):
        raise ValueError(
            "`factors_applied` must be said where a mask has factors other than 0 and 1, got None. "
            "Give True for a file that a network's save() wrote, whose weights hold them already, "
            "or False for one of an initializer's save()."
        )
    return bool(said)


def _same_noise(noise: float, alpha: np.ndarray) -> float:
    # sqrt(alpha (2 - alpha)) sigma = sqrt(2 alpha) rec_noise
    sigma = noise * np.sqrt(2.0 / (2.0 - alpha))
    if not (sigma == sigma[0]).all():
        raise ValueError(
            f"`noise` must be 0 where units have several time constants, got {noise:g}: PsychRNN's "
            "noise then has another standard deviation in each. Load without it and choose one."
        )
    return float(sigma[0])


def _connectivity(mask: np.ndarray, recurrent: bool = False, **rules: Any) -> "Connectivity":
    """Return a mask in the shortest words; weights are assigned afterwards.

    A negative factor and its positive size make the same network, as raw weights have any sign.
    """
    from neurotask.backend.connectivity import Connectivity
    from neurotask.backend.initializers import Gaussian

    mask = np.abs(mask)
    # The default for recurrent synapses wants a cycle among them, which a mask need not leave.
    start = Gaussian()
    if (mask == 1).all():
        return Connectivity(**rules, initializer=start)
    if recurrent and np.array_equal(mask, 1 - np.eye(len(mask))):
        return Connectivity(**rules, autapses=False, initializer=start)
    return Connectivity(**rules, mask=mask, initializer=start)
