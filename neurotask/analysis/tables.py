"""A Session as a table: one row a trial, or one row a trial, time and unit."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import PHASE_EDGES, by_trial
from neurotask._checks import choose
from neurotask.analysis._rows import NETWORKS

_SHARE = 0.5  # of the machine's memory, which a table may take


def tidy(session: xr.Dataset, of: str | None = None) -> pd.DataFrame:
    """Return a Session as a tidy table, for pandas, R or a spreadsheet.

    Blocks are cut into their trials, with the columns `block` and `trial_in_block`. Of a Session of
    several networks, `network` and `variant` are the first columns, and what all networks were
    shown is repeated for each.

    Args:
        session: a Session.
        of: None for one row a trial: conditions, behaviour, and start and stop of each phase in ms
            (`stimulus_start`, `stimulus_stop`; NaN where a trial has no such phase). Or the name of
            a variable, such as "rates", "outputs" or "inputs", for a long table with one row a
            trial, time and unit (or channel): `trial`, `time` in ms, `unit`, `cell_type` and `area`
            where units have them, and the value under the variable's name. Steps behind a trial's
            end are no rows.

    Returns:
        The table, with an index from 0. Entries of the Session's attributes are in `attrs`.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if it has no trials, or no such variable.
        MemoryError: if a long table would take more than half of the machine's memory.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("perceptual_discrimination")
        >>> session = nt.simulate(nt.RateRNN.for_task(task, units=4), task.trials(3))
        >>> nt.analysis.tidy(session)[["trial", "coherence", "stimulus_start"]].shape
        (3, 3)
        >>> nt.analysis.tidy(session, of="rates").columns.tolist()
        ['trial', 'time', 'unit', 'cell_type', 'area', 'rates']
    """
    if not isinstance(session, xr.Dataset):
        raise TypeError(
            f"`session` must be a Session (an xarray.Dataset), got {type(session).__name__}. "
            "Give what model.run(trials) returned."
        )
    if "trial" not in session.dims:
        raise ValueError(
            f"`session` must have a dimension 'trial', got {tuple(map(str, session.dims))}. Give "
            "what model.run(trials) returned."
        )
    table = _of_trials(session) if of is None else _long(session, of)
    table.attrs = dict(session.attrs)
    return table


def _of_trials(session: xr.Dataset) -> pd.DataFrame:
    """Return one row a trial."""
    parts = [_trial_rows(one).assign(**named) for named, one in _each_network(session)]
    table = pd.concat(parts, ignore_index=True)
    first = [name for name in (*reversed(NETWORKS), "block", "trial_in_block", "trial")]
    there = [name for name in first if name in table]
    return table[[*there, *(name for name in table if name not in there)]]


def _trial_rows(session: xr.Dataset) -> pd.DataFrame:
    session = by_trial(session)
    columns: dict[str, Any] = {"trial": np.arange(session.sizes["trial"])}
    columns |= {
        str(name): c.to_numpy() for name, c in session.coords.items() if c.dims == ("trial",)
    }
    for name in PHASE_EDGES:
        if name in session.coords:
            edges = session[name].transpose("trial", "phase").to_numpy()
            edge = name.removeprefix("phase_")
            for at, phase in enumerate(session["phase"].to_numpy().tolist()):
                columns[f"{phase}_{edge}"] = edges[:, at]
    return pd.DataFrame(columns)


def _long(session: xr.Dataset, of: str) -> pd.DataFrame:
    """Return one row a value of a variable."""
    over_trials = {"trial", "block"}
    known = [str(name) for name, v in session.data_vars.items() if over_trials & set(v.dims)]
    if not known:
        raise ValueError(
            f"`of` must be None where the Session has no variable over trials, got {of!r}. Record "
            'one: model.run(trials, record=("rates",)).'
        )
    _check_memory(session[choose("of", of, known)])
    parts = []
    for named, one in _each_network(session):
        values = by_trial(one)[of]
        other = [str(dim) for dim in values.dims if dim not in ("trial", "time")]
        values = values.transpose("trial", *(d for d in ("time", *other) if d in values.dims))
        array, steps = values.to_numpy(), 2 if "time" in values.dims else 1
        # A step behind a trial's end has NaN throughout.
        there = ~np.isnan(array).all(axis=tuple(range(steps, array.ndim)), keepdims=True)
        place = np.nonzero(np.broadcast_to(there, array.shape))
        parts.append(pd.DataFrame(named | _columns(values, place) | {of: array[place]}))
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _columns(values: xr.DataArray, place: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """Return where each value stands, by its dimensions, and the labels of its unit."""
    columns: dict[str, Any] = {}
    for dim, at in zip(map(str, values.dims), place, strict=True):
        named = dim in values.coords
        columns[dim] = _taken(values[dim].to_numpy() if named else np.arange(values.sizes[dim]), at)
        for label in ("cell_type", "area") if dim == "unit" else ():
            if label in values.coords:
                columns[label] = _taken(values[label].to_numpy(), at)
    return columns


def _taken(labels: np.ndarray, at: np.ndarray) -> Any:
    """Return the label of each value; names as categories, which take a byte and no string."""
    if labels.dtype.kind not in "USO":
        return labels[at]
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    return pd.Categorical.from_codes(codes[at], names.tolist())


def _each_network(session: xr.Dataset) -> Iterator[tuple[dict[str, Any], xr.Dataset]]:
    """Yield each network with the columns that say which it is; none where there is but one."""
    names = [name for name in reversed(NETWORKS) if name in session.dims]
    for place in np.ndindex(*(session.sizes[name] for name in names)):
        at = dict(zip(names, place, strict=True))
        labels = {
            name: session[name].to_numpy()[i].item() if name in session.coords else i
            for name, i in at.items()
        }
        yield labels, session.isel(at, drop=True)


def _check_memory(values: xr.DataArray) -> None:
    """Raise if the long table of an array would take more memory than it may."""
    # A number for each dimension and one for the value, and as much again while it is made.
    needed, there = 2 * 8 * (values.ndim + 1) * values.size, _memory()
    if needed > _SHARE * there:
        raise MemoryError(
            f"`of` must be a variable whose long table has room, but {values.name!r} has "
            f"{values.size:,} values, which takes {needed / 1e9:.3g} GB of the "
            f"{there / 1e9:.3g} GB that there are. Take some of the trials, times or units first, "
            "as session.isel(time=slice(None, None, 5)), or keep the array: "
            "session.to_netcdf(path)."
        )


def _memory() -> float:
    """Return the memory of the machine in bytes; infinite where it does not say."""
    if not hasattr(os, "sysconf"):  # Windows
        return np.inf
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
