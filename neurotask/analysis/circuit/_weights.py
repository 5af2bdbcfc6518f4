"""Reads labelled weights, as `model.effective_weights()` returns them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurotask._checks import choose, listed

LABELS = ("group", "cell_type", "area")
UNNAMED = "units"  # of units that have no label


def kernels_of(weights: Any) -> dict[str, xr.DataArray]:
    """Return the kernels by name; a recurrent matrix alone stands for itself."""
    if isinstance(weights, Mapping):
        return {**weights, "recurrent": recurrent_of(weights)}
    return {"recurrent": recurrent_of(weights)}


def recurrent_of(weights: Any) -> xr.DataArray:
    """Return the recurrent weights (unit, source).

    Args:
        weights: what `model.effective_weights()` returned, its entry "recurrent", or an array
            (post, pre).
    """
    if isinstance(weights, Mapping):
        if "recurrent" not in weights:
            raise ValueError(
                f'`weights` must have the kernel "recurrent", got {listed(map(str, weights))}. '
                "Give what model.effective_weights() returned."
            )
        weights = weights["recurrent"]
    if isinstance(weights, xr.DataArray) and "gate" in weights.dims:
        gates = listed(map(str, weights["gate"].to_numpy()))
        raise ValueError(
            f"`weights` must be of one gate, got those of {gates}. Take one of them, as in "
            'weights["recurrent"].sel(gate=...).'
        )
    if isinstance(weights, xr.DataArray) and {"unit", "source"} == set(weights.dims):
        matrix = weights.transpose("unit", "source")
    elif isinstance(weights, (np.ndarray, list)) and _ndim(weights) == 2:
        matrix = xr.DataArray(np.asarray(weights, float), dims=("unit", "source"))
    else:
        dims = getattr(weights, "dims", None)
        raise TypeError(
            f"`weights` must have the dimensions (unit, source), got {type(weights).__name__}"
            f"{'' if dims is None else f' of {dims}'}. Give what model.effective_weights() "
            "returned, or an array (post, pre)."
        )
    if matrix.sizes["unit"] != matrix.sizes["source"]:
        raise ValueError(
            f"`weights` must be square, (post, pre), got {tuple(matrix.shape)}. Give the recurrent "
            "weights."
        )
    if not np.isfinite(matrix.to_numpy()).all():
        raise ValueError("`weights` must be finite, got NaN or infinite ones. Look at the network.")
    return matrix


def _ndim(weights: Any) -> int | None:
    """Return the number of dimensions; None of arrays of several shapes, as of Keras."""
    try:
        return np.ndim(weights)
    except ValueError:
        return None


def labels_of(recurrent: xr.DataArray, by: Any, argument: str = "by") -> tuple[str, np.ndarray]:
    """Return a name and the label of each unit, strings (unit,).

    Args:
        recurrent: the recurrent weights.
        by: "group", "cell_type" or "area"; "unit" for each unit alone; or one value for each unit.
        argument: what `by` is called where it was given.
    """
    n = recurrent.sizes["unit"]
    if isinstance(by, str):
        choose(argument, by, (*LABELS, "unit"))
        if by == "unit":
            return by, np.arange(n).astype(str)
        values = recurrent[by].to_numpy() if by in recurrent.coords else np.full(n, "")
        return by, np.where(values.astype(str) == "", UNNAMED, values.astype(str))
    return str(getattr(by, "name", None) or "label"), unit_values(argument, by, n).astype(str)


def unit_values(name: str, values: Any, n: int) -> np.ndarray:
    """Return one value for each unit, (unit,), else raise."""
    found = np.asarray(values)
    if found.shape != (n,):
        raise ValueError(
            f"`{name}` must be one of {listed(LABELS)}, or one value for each of the {n} units, "
            f"got the shape {found.shape}. Give a column of a table with a row a unit."
        )
    return found


def exists_of(recurrent: xr.DataArray) -> np.ndarray | None:
    """Return where synapses exist, boolean (unit, source); None where the weights do not say."""
    if "exists" not in recurrent.coords:
        return None
    there = recurrent["exists"].transpose("unit", "source").to_numpy()
    return np.asarray(there, bool)


def unit_table(recurrent: xr.DataArray) -> dict[str, np.ndarray]:
    """Return the columns that say which unit it is."""
    n = recurrent.sizes["unit"]
    columns = {"unit": np.arange(n)}
    known = ((name, recurrent.coords.get(name)) for name in ("cell_type", "area", "group"))
    return columns | {name: c.to_numpy() for name, c in known if c is not None}
