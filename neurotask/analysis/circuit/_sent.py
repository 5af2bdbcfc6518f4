"""What acts on the units in each step: the rates of the step before, inputs, fed back outputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurotask._checks import choose
from neurotask.analysis._alignment import activity

_SYNAPSES = ("utilization", "resources")  # variables of short-term plasticity


@dataclass(frozen=True, eq=False, kw_only=True)
class Sent:
    """All that acts in a step, side by side, so that it is averaged at once.

    Args:
        values: (trial, time, column), NaN where a trial has no such step.
        columns: which columns are of which kind: "positive" and "negative", the two parts of what
            units send (the second only where some is below 0), "input", "feedback".
    """

    values: xr.DataArray
    columns: dict[str, slice]

    def positive(self, data: np.ndarray) -> np.ndarray:
        """Return of what `values` came to the part that units send above 0, (..., unit)."""
        return data[..., self.columns["positive"]]

    def negative(self, data: np.ndarray) -> np.ndarray:
        """Return the part below 0, (..., unit)."""
        if "negative" not in self.columns:
            return np.zeros_like(self.positive(data))
        return data[..., self.columns["negative"]]


def check_session(session: Any, of: str, n_units: int) -> None:
    """Raise unless a Session has `of` of so many units."""
    if isinstance(session, xr.Dataset) and "block" in session.dims:
        session = session.rename(trial="trial_in_block", block="trial")
    data = activity(session, of)
    if data.sizes["unit"] != n_units:
        raise ValueError(
            f"`weights` must be of the {data.sizes['unit']} units of the Session, got {n_units}. "
            "Give the weights of the network that was run."
        )


def sent(session: xr.Dataset, kernels: dict[str, xr.DataArray], of: str, start: Any) -> Sent:
    """Return what acts in each step of each trial, by the kernels that there are."""
    rates = _let_through(session, of)
    before = _step_before(rates, start)
    there = ~np.isnan(rates).any(axis=2, keepdims=True)
    parts = {"positive": before.clip(min=0)}  # NaN stays NaN
    if (before < 0).any():
        parts["negative"] = before.clip(max=0)
    if "input" in kernels:
        parts["input"] = _inputs(session, kernels["input"])
    if "feedback" in kernels:
        outputs = session["outputs"].transpose("trial", "time", "output").to_numpy()
        parts["feedback"] = _step_before(outputs.astype(float), None)
    values = np.where(there, np.concatenate(list(parts.values()), axis=2), np.nan)
    edges = np.cumsum([0, *(part.shape[2] for part in parts.values())]).tolist()
    columns = {name: slice(*edges[i : i + 2]) for i, name in enumerate(parts)}
    return Sent(values=xr.DataArray(values, dims=("trial", "time", "unit")), columns=columns)


def _let_through(session: xr.Dataset, of: str) -> np.ndarray:
    """Return what units send, after short-term plasticity where synapses have it."""
    rates = activity(session, of).to_numpy().astype(float)
    variables = session["variable"].to_numpy().tolist() if "variable" in session.coords else []
    if of != "rates" or not set(_SYNAPSES) <= set(variables):
        return rates
    states = session["states"].transpose("trial", "time", "variable", "unit")
    use, resources = (states.sel(variable=name).to_numpy().astype(float) for name in _SYNAPSES)
    return use * resources * rates


def _step_before(values: np.ndarray, start: Any) -> np.ndarray:
    """Return what each step finds of the one before, (trial, time, n)."""
    first = np.full(values.shape[2], np.nan) if start is None else np.asarray(start, float)
    if first.shape != values.shape[2:]:
        raise ValueError(
            f"`start` must be one rate for each of the {values.shape[2]} units, got the shape "
            f'{first.shape}. Give model.rates(model.parameters().vectors["initial_state"]).'
        )
    first = np.broadcast_to(first, (len(values), 1, values.shape[2]))
    return np.concatenate([first, values[:, :-1]], axis=1)


def _inputs(session: xr.Dataset, kernel: xr.DataArray) -> np.ndarray:
    """Return what comes in, in the order in which the kernel has its channels."""
    if "input" not in kernel.dims:
        raise ValueError(
            '`weights` must have the kernel "input" from the input channels, got one from '
            f"{kernel.dims[-1]!r}, a stage whose rates the Session does not hold. Leave it out: "
            '{k: w for k, w in weights.items() if k != "input"}.'
        )
    choose("inputs", "inputs", map(str, session.data_vars))
    inputs = session["inputs"].transpose("trial", "time", "input")
    if "input" in kernel.coords and "input" in session.coords:
        inputs = inputs.sel(input=kernel["input"].to_numpy())
    return inputs.to_numpy().astype(float)
