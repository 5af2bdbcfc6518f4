"""Blocks: several trials strung into one row, and the row cut into its trials again."""

from typing import Any

import numpy as np
import xarray as xr

PHASE_EDGES = ("phase_start", "phase_stop")


def origins(lengths: np.ndarray, per_block: int) -> np.ndarray:
    """Return the step of its row at which each trial starts, shape (trial,)."""
    lengths = lengths.reshape(-1, per_block)
    return (lengths.cumsum(1) - lengths).ravel()


def cut(
    values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, per_block: int, fill: float
) -> np.ndarray:
    """Return stretches of rows as rows of their own: (trial, time, ...) from (row, time, ...).

    Args:
        values: the rows.
        starts: first step of each trial in its row, (trial,).
        lengths: number of steps of each trial, (trial,).
        per_block: trials a row.
        fill: what stands behind the end of the shorter trials.
    """
    row = np.arange(len(lengths)) // per_block
    step = np.arange(int(lengths.max()))
    at = np.minimum(starts[:, None] + step, values.shape[1] - 1)
    inside = (step < lengths[:, None]).reshape(len(row), len(step), *(1,) * (values.ndim - 2))
    return np.where(inside, values[row[:, None], at], np.asarray(fill, values.dtype))


def string(values: np.ndarray, lengths: np.ndarray, per_block: int) -> np.ndarray:
    """Return trials strung together without gaps, `per_block` a row: the inverse of `cut`.

    Args:
        values: (trial, time, channel), each padded behind its end.
        lengths: number of steps of each trial, (trial,).
        per_block: trials a row.

    Returns:
        (row, time, channel), 0 behind the end of the shorter rows.
    """
    n_steps, n_channels = values.shape[1:]
    of_rows = lengths.reshape(-1, per_block).sum(1)
    if (lengths == n_steps).all():
        return values.reshape(len(of_rows), per_block * n_steps, n_channels)
    rows = np.zeros((len(of_rows), int(of_rows.max()), n_channels), values.dtype)
    # What is there follows in the same order in both; all channels of a step are moved as one item.
    old, new = (a.view(f"V{n_channels * a.itemsize}")[..., 0] for a in (values, rows))
    new[_within(of_rows, rows.shape[1])] = old[_within(lengths, n_steps)]
    return rows


def _within(lengths: np.ndarray, n_steps: int) -> np.ndarray:
    """Return which of `n_steps` come before the end, (row, step)."""
    return np.arange(n_steps) < lengths[:, None]


def by_trial(session: xr.Dataset) -> xr.Dataset:
    """Return the Session of a block task cut into its trials, as that of any other task.

    Args:
        session: a Session; one without blocks is returned as it is.

    Returns:
        Dataset with dims `trial, time, ...`: time counts from the start of each trial, and `block`
        and `trial_in_block` are coordinates on `trial`.
    """
    if "block" not in getattr(session, "dims", ()):
        return session
    n_blocks, k = session.sizes["block"], session.sizes["trial"]
    # Steps may be further apart than the network's, where some were taken.
    apart = np.diff(session["time"].values)
    dt = float(apart[0]) if len(apart) else session.attrs["dt"]
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
