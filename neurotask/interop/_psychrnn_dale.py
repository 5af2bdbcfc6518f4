"""Dale's law in the words of PsychRNN's file (signs on diagonals) and in ours (types of units)."""

from typing import TYPE_CHECKING

import numpy as np

from neurotask.interop._psychrnn_file import Arrays

if TYPE_CHECKING:
    from neurotask.backend.units import Units


def units_of(arrays: Arrays, given: "Units | None") -> "Units":
    """Return the units of a file, or those given if they agree with it.

    Raises:
        ValueError: if they do not, or if `Units` cannot say what the file says.
    """
    from neurotask.backend.units import Units

    n, ratio = len(arrays["b_rec"]), float(arrays["dale_ratio"])
    sign = arrays["Dale_rec"] if ratio else np.zeros(n)
    if ratio:
        _check_signs(sign, arrays["Dale_out"])
    if given is None:
        return Units(n, excitatory=_share(sign, ratio) if ratio else None)
    if not isinstance(given, Units):
        raise TypeError(f"`units` must be Units or None, got {given!r}.")
    if not np.array_equal(given.sign, sign):
        raise ValueError(f"`units` must be as in the file, {_told(sign)}, got {_told(given.sign)}.")
    return given


def law(units: "Units", input_weights: np.ndarray, output_exists: np.ndarray) -> Arrays:
    """Return the entries of a file by which PsychRNN makes these units obey Dale's law.

    Args:
        units: units with types.
        input_weights: effective weights (unit, input).
        output_exists: where output synapses are, boolean (output, unit).
    """
    ratio = units.excitatory
    if not ratio:
        raise ValueError(
            "`model` must have an excitatory unit: PsychRNN takes a share of 0 for no law of Dale. "
            "Give dale=False to write the same weights without the law."
        )
    if (input_weights < 0).any():
        raise ValueError(
            f"`model` must have no negative input weights where units have types, got "
            f"{(input_weights < 0).sum()} of {input_weights.size}: PsychRNN would turn them "
            "positive. Give dale=False to write the same weights without the law."
        )
    # Inhibitory units that project to no output are PsychRNN's own default: a sign of 0.
    silent = (units.sign < 0) & ~output_exists.any(0)
    return {
        "Dale_rec": np.diag(units.sign),
        "Dale_out": np.diag(np.where(silent, 0.0, units.sign)),
        "output_connectivity": output_exists | silent,
        "dale_ratio": np.array(ratio),
    }


def _check_signs(sign: np.ndarray, out: np.ndarray) -> None:
    if not sign.all():
        raise ValueError(f"`Dale_rec` must hold 1 or -1 for each unit, got {sign.tolist()}.")
    wrong = (out != 0) & (out != sign)
    if wrong.any():
        raise ValueError(
            "`Dale_out` must hold each unit's sign in Dale_rec, or 0 for no output, got another "
            f"for unit {wrong.argmax()}. Change it to 0 or to {sign[wrong.argmax()]:g}."
        )


def _share(sign: np.ndarray, ratio: float) -> float:
    """Return the share of excitatory units that gives these signs, PsychRNN's own if it does."""
    n, n_excitatory = len(sign), int((sign > 0).sum())
    if (sign[:n_excitatory] < 0).any():
        raise ValueError(
            "`Dale_rec` must have its excitatory units first, as `Units` has them in each area, "
            f"got {_told(sign)}. Give `units` with areas that have this order, or put the units of "
            "the file in order."
        )
    # PsychRNN rounds ratio N down, `Units` to the nearest.
    same = int(np.floor(ratio * n + 0.5)) == n_excitatory
    return ratio if same else n_excitatory / n


def _told(sign: np.ndarray) -> str:
    """Return units in words, such as "4 E, 1 I"."""
    edges = np.flatnonzero(np.diff(sign)) + 1
    names = {1.0: "E", -1.0: "I", 0.0: "without type"}
    runs = np.split(sign, edges)
    told = ", ".join(f"{len(run)} {names[float(run[0])]}" for run in runs[:6])
    return f"{told}, ..." if len(runs) > 6 else told
