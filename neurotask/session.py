"""`Session`: what running a network on trials gave, as one labelled `xarray.Dataset`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import array
from neurotask.behavior import behavior
from neurotask.distributions import Levels
from neurotask.trials import Trials


def session(
    trials: Trials,
    outputs: np.ndarray,
    activity: dict[str, np.ndarray],
    cell_type: np.ndarray,
    area: np.ndarray,
    behaved: pd.DataFrame | None = None,
    variables: Sequence[str] = (),
) -> xr.Dataset:
    """Put outputs and activity beside the trials that they came from.

    Args:
        trials: the batch.
        outputs: outputs of the network, (trial, time, output).
        activity: arrays over units by name ("states", "rates"), each (trial, time, unit); states of
            several variables (trial, time, variable, unit). The Session may hold these arrays
            themselves, and so the outputs.
        cell_type: "E", "I" or "" for each unit, (unit,).
        area: area of each unit, (unit,).
        behaved: the behaviour, one row a trial; unless given, it is read from the outputs.
        variables: names of the variables of a state, where it has several.

    Returns:
        Dataset with dims `trial, time, input, output, unit`; what is behind the end of a trial is
        NaN. Conditions and behaviour are coordinates on `trial`, cell type and area on `unit`;
        times are in ms, each step named by its start. Of a block task the rows have the dimension
        `block`, conditions and behaviour (block, trial); `by_trial` cuts it into trials.
    """
    present, row = trials.present[..., None], trials.row_dimension
    dataset = trials.to_xarray()
    dataset["outputs"] = ((row, "time", "output"), _padded(present, outputs))
    for name, values in activity.items():
        several = ("variable",) * (values.ndim - 3)
        here = present[..., None] if several else present
        dataset[name] = ((row, "time", *several, "unit"), _padded(here, values))
        if several:
            dataset = dataset.assign_coords(variable=list(variables))
    dataset = dataset.assign_coords(
        cell_type=("unit", cell_type), area=("unit", area), **_behavior(trials, outputs, behaved)
    )
    return dataset.assign_attrs(_attributes(trials))


def _padded(present: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values with NaN where no trial is present; themselves where all are."""
    return values if present.all() else np.where(present, values, np.nan)


def _behavior(trials: Trials, outputs: np.ndarray, behaved: pd.DataFrame | None) -> dict[str, Any]:
    if trials.task.decision_rule is None:
        return {}
    table = behavior(trials, outputs) if behaved is None else behaved
    # Where the choice is a condition (`OwnChoice`), what was chosen stands in its place.
    named = {*trials.columns, "block", "trial_in_block"} - {"choice"}
    columns = {name: array(table[name]) for name in table if name not in named}
    # Room for every outcome, so that one may be put in the place of another.
    columns["outcome"] = columns["outcome"].astype(f"<U{len('broken_fixation')}")
    return {str(name): trials.on_trials(values) for name, values in columns.items()}


def _attributes(trials: Trials) -> dict[str, Any]:
    """Return what an analysis needs to know of the task, as plain values that a file can hold."""
    task = trials.task
    attributes: dict[str, Any] = {
        "dt": trials.dt,
        "task": repr(task),
        "choices": list(task.choices),
    }
    event = getattr(task.decision_rule, "from_", None)
    if event is not None:
        attributes["rt_from"] = event  # the phase at whose start reaction times are 0
    axis = task.psychometric_axis
    if axis is not None:
        attributes["psychometric_axis"] = axis
        factor = task.varying.get(axis)
        if isinstance(factor, Levels) and factor.is_numeric:
            attributes["psychometric_levels"] = [float(level) for level in factor.values]
    return attributes
