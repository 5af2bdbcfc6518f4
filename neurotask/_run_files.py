"""The files of a run folder: each is written whole, under the name that it keeps."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask import _toml

SETTINGS, NETWORK, WEIGHTS = "run.toml", "network.keras", "weights.nc"
SYNAPSES = ("exists", "plastic")  # coordinates of weights
HISTORY, SESSION, SOURCES = "history.csv", "session.nc", "sources"


def new_folder(name: str, path: Path | str) -> Path:
    """Return the path of a folder that is to be made, or raise if something is there.

    Raises:
        FileExistsError: if the path exists; `name` is what the message calls it.
    """
    path = Path(path)
    if os.path.lexists(path):
        raise FileExistsError(
            f"`{name}` must be a new folder, but {path} exists. Choose another or remove it."
        )
    return path


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out`; at the end it is removed, unless it holds a run."""
    folder = out.with_name(f".{out.name}-{secrets.token_hex(4)}")
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        if not (folder / SETTINGS).exists():
            shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, out: Path) -> None:
    """Give a folder its name in one step, or raise and say where it was left."""
    try:
        os.replace(folder, new_folder("out", out))
    except OSError as error:
        error.add_note(f"The run itself is complete and lies in {folder}.")
        raise


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put it in place of `path` in one step."""
    part = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_sources(folder: Path, sources: Mapping[str, bytes]) -> None:
    """Write files of code as they were read."""
    (folder / SOURCES).mkdir()
    for name, code in sources.items():
        (folder / SOURCES / name).write_bytes(code)


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write nested plain values as `run.toml`."""
    with whole(folder / SETTINGS) as part:
        part.write_text(_toml.dumps(settings), encoding="utf-8")


def write_history(folder: Path, history: Mapping[str, list[float]]) -> None:
    """Write a Keras History, one row a segment."""
    first = [name for name in ("updates", "loss", "accuracy") if name in history]
    others = [name for name in history if name not in first]
    table = pd.DataFrame({name: history[name] for name in first + others})
    if table.empty:
        table = pd.DataFrame(columns=["updates", "loss", "learning_rate"])
    table["updates"] = table["updates"].astype(int)
    table["learning_rate"] = table["learning_rate"].map(short)
    table.to_csv(folder / HISTORY, index=False)


def short(value: float) -> float:
    """Return a float32 that became a float as it was written: 0.001, not 0.0010000000474974513."""
    return float(str(np.float32(value)))


def write_weights(folder: Path, weights: Mapping[str, xr.DataArray]) -> None:
    """Write the effective weights, labelled; a variable may not have the name of a dimension."""
    named = xr.Dataset()
    for name, values in weights.items():
        # Which synapses there are is another array in each kernel, so it cannot be a coordinate.
        named[f"{name}_weights"] = values.drop_vars(SYNAPSES, errors="ignore")
        for kind in SYNAPSES:
            if kind in values.coords:
                named[f"{name}_{kind}"] = values[kind].drop_vars(SYNAPSES)
    named.to_netcdf(folder / WEIGHTS, engine="h5netcdf")


def read_weights(folder: Path) -> dict[str, xr.DataArray]:
    """Return what `write_weights` wrote."""
    dataset = xr.load_dataset(folder / WEIGHTS, engine="h5netcdf")
    weights = {}
    for variable in map(str, dataset.data_vars):
        name, _, what = variable.rpartition("_")
        if what == "weights":
            kinds = {kind: dataset.get(f"{name}_{kind}") for kind in SYNAPSES}
            present = {k: (v.dims, v.to_numpy()) for k, v in kinds.items() if v is not None}
            weights[name] = dataset[variable].rename(name).assign_coords(present)
    return weights


def write_session(folder: Path, session: xr.Dataset) -> None:
    """Write a Session, compressed."""
    squeezed = {"zlib": True, "complevel": 4, "shuffle": True}
    with whole(folder / SESSION) as part:
        encoding = {name: squeezed for name in session.data_vars}
        session.to_netcdf(part, engine="h5netcdf", encoding=encoding)


def read_session(folder: Path) -> xr.Dataset | None:
    """Return what `write_session` wrote, None where there is nothing."""
    if not (folder / SESSION).exists():
        return None
    session = xr.load_dataset(folder / SESSION, engine="h5netcdf")
    # A list of one comes back from a file as the one, and numbers as NumPy's.
    for name in ("choices", "psychometric_levels"):
        if name in session.attrs:
            session.attrs[name] = np.atleast_1d(session.attrs[name]).tolist()
    return session
