"""Dale's law in the words of PsychRNN's file (signs on diagonals) and in ours (types of units)."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask.interop._psychrnn_file import Arrays

if TYPE_CHECKING:
    from neurotask.backend.kernel import Kernel
    from neurotask.backend.units import Units


def units_of(arrays: Arrays, given: "Units | None") -> "Units":
    """Return the units of a file, or those given if they agree with it.

    Raises:
        ValueError: if they do not, or if a unit of the file has no sign.
    """
    from neurotask.backend.units import Units

    n, ratio = len(arrays["b_rec"]), float(arrays["dale_ratio"])
    sign = arrays["Dale_rec"] if ratio else np.zeros(n)
    if ratio and not sign.all():
        raise ValueError(f"`Dale_rec` must hold 1 or -1 for each unit, got {sign.tolist()}.")
    if given is None:
        return Units(n, excitatory=_types(sign, ratio) if ratio else None)
    if not isinstance(given, Units):
        raise TypeError(f"`units` must be Units or None, got {given!r}.")
    if not np.array_equal(given.sign, sign):
        raise ValueError(f"`units` must be as in the file, {_told(sign)}, got {_told(given.sign)}.")
    return given


def with_taus(units: "Units", tau: Any) -> tuple["Units", float]:
    """Return units and time constant, the latter within the units where they differ.

    Raises:
        ValueError: if `tau` is not above 0, or both say one for each unit.
    """
    taus = units.per_unit("tau", tau, low=0.0, above=True)
    if (taus == taus[0]).all():
        return units, float(taus[0])
    if units.tau is not None:
        raise ValueError(
            f"`tau` must be one number where `units` has time constants of its own, got {tau!r}. "
            "Leave them out of one of the two."
        )
    return dataclasses.replace(units, tau=taus), float(taus[0])


def outputs_of(arrays: Arrays, units: "Units") -> tuple[np.ndarray, dict[str, Any]]:
    """Return the mask of the output synapses, and what else a connectivity must say of them.

    A sign of 0 in Dale_out is a unit without outputs.
    """
    mask = arrays["output_connectivity"]
    if not units.has_types:
        return mask, {}
    sends = arrays["Dale_out"] != 0
    sign = np.where(sends, arrays["Dale_out"], units.sign)
    signs = {} if np.array_equal(sign, units.sign) else {"sign": sign.astype(int)}
    if sends.any() and not sends.all() and np.array_equal(sends, units.sign > 0):
        return np.where(sends, mask, 1.0), {"of": "E", **signs}
    return mask * sends, signs


def law(units: "Units", input_weights: np.ndarray, output: "Kernel") -> Arrays:
    """Return the entries of a file by which PsychRNN makes these units obey Dale's law.

    Args:
        units: units with types.
        input_weights: effective weights (unit, input).
        output: the output kernel.

    Raises:
        ValueError: if the law, which also holds for inputs there, would change a weight.
    """
    if (input_weights < 0).any():
        raise ValueError(
            f"`model` must have no negative input weights where units have types, got "
            f"{(input_weights < 0).sum()} of {input_weights.size}: PsychRNN would turn them "
            "positive. Make the network with input=Connectivity(sign=1), or give dale=False to "
            "write the same weights without the law."
        )
    strength = output.strength.numpy()
    # Inhibitory units that project to no output are PsychRNN's own default: a sign of 0.
    silent = (units.sign < 0) & ~(strength != 0).any(0)
    return {
        "Dale_rec": np.diag(units.sign),
        "Dale_out": np.diag(np.where(silent, 0.0, _output_sign(units, output))),
        "output_connectivity": np.where(silent, 1.0, strength),
        "dale_ratio": np.array(_ratio(units)),
    }


def _output_sign(units: "Units", output: "Kernel") -> np.ndarray:
    """Return the sign of each unit's output weights: the kernel's, else that of the weights."""
    sign, weights = output.sign.numpy(), output.effective().numpy()
    positive, negative = (weights > 0).any(0), (weights < 0).any(0)
    mixed = (sign == 0) & positive & negative
    if mixed.any():
        raise ValueError(
            "`model` must have output weights of one sign from each unit where units have types, "
            f"got both from {units.described(int(mixed.argmax()))}: PsychRNN would give them one. "
            "Make the network without output=Connectivity(sign=0), or give dale=False to write the "
            "same weights without the law."
        )
    of_weights = np.select([positive, negative], [1.0, -1.0], units.sign)
    return np.where(sign == 0, of_weights, sign)


def _types(sign: np.ndarray, ratio: float) -> Any:
    """Return which units are excitatory: a share where they come first, PsychRNN's own if right."""
    n, n_excitatory = len(sign), int((sign > 0).sum())
    if (sign[:n_excitatory] < 0).any():
        return tuple((sign > 0).tolist())
    # PsychRNN rounds ratio N down, `Units` to the nearest.
    same = int(np.floor(ratio * n + 0.5)) == n_excitatory and 0 < n_excitatory < n
    return ratio if same else n_excitatory / n


def _ratio(units: "Units") -> float:
    """Return a ratio that is not 0, PsychRNN's word for no law, and that it rounds to these units.

    It rounds ratio N down: 0.29 of 100 units are 28.
    """
    n, n_excitatory, share = len(units), int((units.sign > 0).sum()), units.excitatory
    own = [share] if isinstance(share, float) else []
    for ratio in (*own, n_excitatory / n):
        if ratio and int(ratio * n) == n_excitatory:
            return ratio
    return (n_excitatory + 0.5) / n


def _told(sign: np.ndarray) -> str:
    """Return units in words, such as "4 E, 1 I"."""
    edges = np.flatnonzero(np.diff(sign)) + 1
    names = {1.0: "E", -1.0: "I", 0.0: "without type"}
    runs = np.split(sign, edges)
    told = ", ".join(f"{len(run)} {names[float(run[0])]}" for run in runs[:6])
    return f"{told}, ..." if len(runs) > 6 else told
