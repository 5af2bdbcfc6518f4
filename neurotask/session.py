"""`Session`: what running a network on trials gave, as one labelled `xarray.Dataset`."""

from typing import Any

import numpy as np
import xarray as xr

from neurotask._blocks import cut
from neurotask.behavior import behavior
from neurotask.distributions import Levels
from neurotask.trials import Trials

PHASE_EDGES = ("phase_start", "phase_stop")


def session(
    trials: Trials,
    outputs: np.ndarray,
    activity: dict[str, np.ndarray],
    cell_type: np.ndarray,
    area: np.ndarray,
) -> xr.Dataset:
    """Put outputs and activity beside the trials that they came from.

    Args:
        trials: the batch.
        outputs: outputs of the network, (trial, time, output).
        activity: arrays over units by name ("states", "rates"), each (trial, time, unit).
        cell_type: "E", "I" or "" for each unit, (unit,).
        area: area of each unit, (unit,).

    Returns:
        Dataset with dims `trial, time, input, output, unit`; what is behind the end of a trial is
        NaN. Conditions and behaviour are coordinates on `trial`, cell type and area on `unit`;
        times are in ms, each step named by its start. Of a block task the rows have the dimension
        `block`, conditions and behaviour (block, trial); `by_trial` cuts it into trials.
    """
    present, row = trials.present[..., None], trials.row_dimension
    dataset = trials.to_xarray()
    dataset["outputs"] = ((row, "time", "output"), np.where(present, outputs, np.nan))
    for name, values in activity.items():
        dataset[name] = ((row, "time", "unit"), np.where(present, values, np.nan))
    dataset = dataset.assign_coords(
        cell_type=("unit", cell_type), area=("unit", area), **_behavior(trials, outputs)
    )
    return dataset.assign_attrs(_attributes(trials))


def by_trial(session: xr.Dataset) -> xr.Dataset:
    """Return the Session of a block task cut into its trials, as that of any other task.

    Args:
        session: a Session; one without blocks is returned as it is.

    Returns:
        Dataset with dims `trial, time, ...`: time counts from the start of each trial, and `block`
        and `trial_in_block` are coordinates on `trial`.
    """
    if "block" not in session.dims:
        return session
    n_blocks, k, dt = session.sizes["block"], session.sizes["trial"], session.attrs["dt"]
    times = {name: session[name].values.reshape(n_blocks * k, -1) for name in PHASE_EDGES}
    starts = np.rint(np.nanmin(times["phase_start"], 1) / dt).astype(int)
    lengths = np.rint(np.nanmax(times["phase_stop"], 1) / dt).astype(int) - starts
    arrays = {
        name: (("trial", *array.dims[1:]), cut(array.values, starts, lengths, k, np.nan))
        for name, array in session.data_vars.items()
    }
    block, trial = np.divmod(np.arange(n_blocks * k), k)
    coordinates: dict[str, Any] = {"trial": np.arange(n_blocks * k)}
    coordinates["time"] = ("time", np.arange(lengths.max()) * dt, {"units": "ms"})
    coordinates |= {"block": ("trial", block), "trial_in_block": ("trial", trial)}
    for name, values in times.items():
        shifted = values - starts[:, None] * dt
        coordinates[name] = (("trial", "phase"), shifted, {"units": "ms"})
    for name, array in session.coords.items():
        if name not in coordinates:
            on_trials = array.dims[:2] == ("block", "trial")
            flat = array.values.reshape(n_blocks * k, *array.shape[2:]) if on_trials else array
            coordinates[str(name)] = ("trial", flat) if on_trials else array
    return xr.Dataset(arrays, coords=coordinates, attrs=session.attrs)


def _behavior(trials: Trials, outputs: np.ndarray) -> dict[str, Any]:
    if trials.task.decision_rule is None:
        return {}
    table = behavior(trials, outputs)
    named = (*trials.columns, "block", "trial_in_block")
    return {name: trials.on_trials(np.asarray(table[name])) for name in table if name not in named}


def _attributes(trials: Trials) -> dict[str, Any]:
    """Return what an analysis needs to know of the task, as plain values that a file can hold."""
    task = trials.task
    attributes: dict[str, Any] = {
        "dt": trials.dt,
        "task": repr(task),
        "choices": list(task.choices),
    }
    axis = task.psychometric_axis
    if axis is not None:
        attributes["psychometric_axis"] = axis
        factor = task.varying.get(axis)
        if isinstance(factor, Levels) and factor.is_numeric:
            attributes["psychometric_levels"] = [float(level) for level in factor.values]
    return attributes
