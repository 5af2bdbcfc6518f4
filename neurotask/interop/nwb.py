"""Neurodata Without Borders: a Session as an NWB file, as recordings are shared.

Needs the package pynwb: `pip install 'neurotask-rnn[nwb]'`.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, number
from neurotask.analysis._alignment import step_of

MODULE = "network"  # the processing module that holds what the network did
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)  # when a simulation starts is no date of a recording


def to_nwb(
    session: xr.Dataset,
    path: Any,
    *,
    variables: Sequence[str] | None = None,
    gap: float = 0.0,
    identifier: str = "",
    description: str = "",
    start_time: datetime | None = None,
    compress: bool = True,
) -> Path:
    """Write a Session as an NWB file, for those who read recordings with NWB tools.

    Trials are laid one behind another in time, each as long as it is: what is padding in a Session
    is not written. NWB counts in seconds. The file has

    - `processing["network"]`: a `TimeSeries` for each variable, (time, unit) or (time, channel), at
      the rate 1 / dt; channels are named in its comments; states of several variables are a series
      each, `states_state`, `states_resources`;
    - `trials`: one row a trial: `start_time` and `stop_time`, all conditions and behaviour, start
      and stop of each phase (`stimulus_start`, s; NaN where a trial has none), and `block`;
    - `processing["network"]["units"]`: one row a unit, with `cell_type` and `area`. (NWB's own
      `units` are sorted spikes, which a rate network does not have.)

    Times of the behaviour (`rt`) stay what they are in the Session, ms.

    Args:
        session: a Session of one network; blocks are cut into their trials.
        path: the file, ending in .nwb; one that exists is replaced.
        variables: which variables to write; all of (trial, time, ...) unless given.
        gap: pause between trials in ms, in which nothing is written; then series have time stamps
            in place of a rate.
        identifier: of the file; the name of the task and the number of trials unless given.
        description: what the session is; the Session's task unless given.
        start_time: when the session took place, with a time zone, which NWB asks for; 1970-01-01
            UTC unless given.
        compress: whether arrays are compressed.

    Returns:
        The path.

    Raises:
        ImportError: without pynwb.
        TypeError: if `session` is no Session.
        ValueError: for several networks, an unknown variable, or another ending.

    Source: Rübel et al. (2022) eLife 11:e78362, the NWB format.

    Example:
        >>> import tempfile
        >>> import neurotask as nt
        >>> task = nt.load("rdm")
        >>> session = nt.simulate(nt.RateRNN.for_task(task, units=4), task.trials(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     to_nwb(session, f"{folder}/session.nwb").name
        'session.nwb'
    """
    pynwb = _pynwb()
    session, path = _checked(session), Path(path)
    if path.suffix != ".nwb":
        raise ValueError(f"`path` must end in .nwb, got {str(path)!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`path` must be in a folder that exists, but {path.parent} is none. Make it first."
        )
    number("gap", gap, low=0)
    known = _known(session)
    names = known if variables is None else [choose("variables", v, known) for v in variables]
    present = _present(session)
    dt, lengths = step_of(session), present.sum(1)
    starts = np.concatenate([[0.0], np.cumsum(lengths * dt + gap)[:-1]]) / 1000
    task = str(session.attrs.get("task", "a task"))
    file = pynwb.NWBFile(
        session_description=description or f"A network's trials of {task}",
        identifier=identifier or f"{task.partition('(')[0]}, {len(lengths)} trials",
        session_start_time=start_time or _ORIGIN,
        source_script_file_name="neurotask",
        source_script="neurotask.interop.nwb.to_nwb",
    )
    file.trials = _trials(session, starts, lengths * dt / 1000)
    module = file.create_processing_module(
        name=MODULE, description="What the network was shown and what it did."
    )
    if gap:
        step = np.arange(present.shape[1]) * dt / 1000
        clock: dict[str, Any] = {"timestamps": (starts[:, None] + step)[present]}
    else:
        clock = {"rate": 1000.0 / dt, "starting_time": 0.0}
    for name in names:
        for series, values, axis in _series(session, name, present):
            data = pynwb.H5DataIO(data=values, compression="gzip") if compress else values
            module.add(
                pynwb.TimeSeries(
                    name=series,
                    description=f"{series} of the network, (time, {axis.partition(':')[0]})",
                    comments=axis,
                    data=data,
                    unit=str(session[name].attrs.get("units", "a.u.")),
                    **clock,
                )
            )
    if "cell_type" in session.coords:
        module.add(_units(session))
    part = path.with_name(f".{path.stem}-{os.getpid()}.nwb")  # whole or not at all
    try:
        with pynwb.NWBHDF5IO(str(part), "w") as writer:
            writer.write(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _checked(session: Any) -> xr.Dataset:
    if not isinstance(session, xr.Dataset) or "trial" not in session.dims:
        raise TypeError(
            f"`session` must be a Session, got {type(session).__name__}. Give what "
            "model.run(trials) returned."
        )
    if not session.sizes["trial"]:
        raise ValueError(
            "`session` must hold a trial, got none. Look at how the trials were selected."
        )
    for name in ("network", "variant"):
        if name in session.dims:
            raise ValueError(
                f"`session` must hold one network, got a dimension {name!r}. Write a file for each "
                f"one: session.isel({name}=0)."
            )
    return by_trial(session)


def _known(session: xr.Dataset) -> list[str]:
    return [str(n) for n, v in session.data_vars.items() if {"trial", "time"} <= set(v.dims)]


def _present(session: xr.Dataset) -> np.ndarray:
    """Return whether a step belongs to its trial, (trial, time), as the phases say."""
    n, time = session.sizes["trial"], session["time"].to_numpy()
    if "phase_stop" not in session.coords:
        return np.ones((n, len(time)), bool)
    stop = np.nanmax(session["phase_stop"].transpose("trial", "phase").to_numpy(), axis=1)
    return time < stop[:, None] - 1e-6


def _series(
    session: xr.Dataset, name: str, present: np.ndarray
) -> list[tuple[str, np.ndarray, str]]:
    """Return name, values (time, n) and axis of each series of a variable."""
    values = session[name]
    if "variable" in values.dims:
        return [
            (f"{name}_{kind}", *_strung(values.sel(variable=kind), present))
            for kind in values["variable"].to_numpy().tolist()
        ]
    return [(name, *_strung(values, present))]


def _strung(values: xr.DataArray, present: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the steps of all trials one behind another, (time, n), and what n is."""
    (axis,) = (str(dim) for dim in values.dims if dim not in ("trial", "time"))
    array = values.transpose("trial", "time", axis).to_numpy()[present]
    if axis == "unit" or axis not in values.coords:
        return array, axis
    return array, f"{axis}: {', '.join(map(str, values[axis].to_numpy()))}"


def _trials(session: xr.Dataset, starts: np.ndarray, lasts: np.ndarray) -> Any:
    """Return the table of trials."""
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    made = [
        ("start_time", "start of the trial (s)", starts),
        ("stop_time", "end of the trial (s)", starts + lasts),
    ]
    for name, values in session.coords.items():
        if values.dims == ("trial",) and name != "trial":
            units = values.attrs.get("units", "ms" if name == "rt" else "")
            about = f"{name} of the trial{f' ({units})' if units else ''}"
            made.append((str(name), about, values.to_numpy()))
    made += [(name, f"{name} (s)", times) for name, times in _phases(session, starts).items()]
    columns = [
        VectorData(name=name, description=about, data=_plain(values))
        for name, about, values in made
    ]
    return TimeIntervals(
        name="trials", description="The trials, one behind another.", columns=columns
    )


def _phases(session: xr.Dataset, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Return start and stop of each phase in seconds of the session, by name."""
    if "phase_start" not in session.coords:
        return {}
    first = float(session["time"][0])  # a Session may begin behind the start of its trials
    edges = {
        edge: (session[f"phase_{edge}"].transpose("trial", "phase").to_numpy() - first) / 1000
        for edge in ("start", "stop")
    }
    return {
        f"{phase}_{edge}": times[:, at] + starts
        for at, phase in enumerate(session["phase"].to_numpy().tolist())
        for edge, times in edges.items()
    }


def _units(session: xr.Dataset) -> Any:
    """Return the table of units."""
    from hdmf.common import DynamicTable, VectorData

    about = {"cell_type": 'E, I or "" where it has none', "area": 'area, "" where it has none'}
    columns = [
        VectorData(name=name, description=text, data=_plain(session[name].to_numpy()))
        for name, text in about.items()
    ]
    return DynamicTable(name="units", description="The units of the network.", columns=columns)


def _plain(values: np.ndarray) -> Any:
    """Return an array as NWB takes it: names as a list of strings."""
    return values.astype(str).tolist() if values.dtype.kind in "USO" else values


def _pynwb() -> Any:
    try:
        import pynwb
    except ImportError:
        raise ImportError(
            "An NWB file needs the package pynwb. Install it with "
            "pip install 'neurotask-rnn[nwb]', or write netCDF: session.to_netcdf(path)."
        ) from None
    return pynwb
