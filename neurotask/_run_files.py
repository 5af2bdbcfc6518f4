"""The files of a run folder: each is written whole, under the name that it keeps."""

import io
import json
import os
import re
import secrets
import shutil
import tomllib
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
LOCK = ".lock"
# What a process that was killed leaves of a file: see `whole`, and `save_model` for networks.
HALF_WRITTEN = re.compile(r"\.([0-9a-f]{8}-.+|(checkpoint|network)-\d+\.keras)")
HISTORY, SESSION, SOURCES = "history.csv", "session.nc", "sources"
CURRICULUM, BOUNDARIES = "curriculum.csv", "stages"


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
    (folder / SOURCES).mkdir(exist_ok=True)
    for name, code in sources.items():
        (folder / SOURCES / name).write_bytes(code)


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write nested plain values as `run.toml`."""
    with whole(folder / SETTINGS) as part:
        part.write_text(_toml.dumps(settings), encoding="utf-8")


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what `write_settings` wrote.

    Raises:
        ValueError: if the file was changed so that it is no TOML any more.
    """
    file = folder / SETTINGS
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"`{file}` must be valid TOML, got: {error}. Restore it as it was written."
        ) from None


def read_history(folder: Path) -> pd.DataFrame:
    """Return the history, one row a segment, without a row that is half written."""
    file = folder / HISTORY
    if not file.exists():
        return pd.DataFrame(columns=["updates", "loss", "learning_rate"])
    text = file.read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text[: text.rindex("\n") + 1]))


def cut_logs(folder: Path, sizes: Mapping[str, int]) -> None:
    """Take from logs what was written after a checkpoint, and what it left half written.

    Args:
        folder: the run folder.
        sizes: bytes of each log at the checkpoint; a log that is not named had not been begun.

    Raises:
        ValueError: if a log is shorter than at the checkpoint.
    """
    for name in (HISTORY, CURRICULUM):
        file, size = folder / name, sizes.get(name)
        if size is None:
            file.unlink(missing_ok=True)
        elif not file.exists() or file.stat().st_size < size:
            raise ValueError(
                f"`{name}` must hold the {size} bytes that it had at the checkpoint, but {file} is "
                "cut or gone. Restore it from a copy."
            )
        else:
            os.truncate(file, size)
    for leftover in folder.rglob(".*"):
        if leftover.is_file() and HALF_WRITTEN.fullmatch(leftover.name):
            leftover.unlink()


def write_boundary(folder: Path, update: int, session: xr.Dataset, event: str, stage: int) -> None:
    """Write the behaviour in a Session, tested where a stage begins or ends."""
    (folder / BOUNDARIES).mkdir(exist_ok=True)
    behaved = session.drop_dims(["time", "input", "output", "unit"])
    behaved = behaved.assign_attrs(update=update, event=event, stage=stage)
    with whole(folder / BOUNDARIES / f"{update:07d}.nc") as part:
        behaved.to_netcdf(part, engine="h5netcdf")


def read_boundaries(folder: Path) -> dict[int, xr.Dataset]:
    """Return what `write_boundary` wrote, by the update at which the network was tested."""
    files = sorted((folder / BOUNDARIES).glob("[0-9]*.nc"))
    return {int(file.stem): _as_written(file) for file in files}


def cut_boundaries(folder: Path, update: int) -> None:
    """Take away what was tested after an update."""
    for file in (folder / BOUNDARIES).glob("[0-9]*.nc"):
        if int(file.stem) > update:
            file.unlink()


def copied(plain: Any) -> Any:
    """Return a copy of plain data that shares nothing with it."""
    return json.loads(json.dumps(plain))


@contextmanager
def whole_or_as_before(path: Path) -> Iterator[None]:
    """Say of an error of the disk that what is at a path is still what was there before."""
    try:
        yield
    except OSError as error:
        error.add_note(f"{path} could not be written; the one before it is still good.")
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process alone; a process that dies lets it go.

    Raises:
        RuntimeError: if another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # One who let it go has removed the file: then this lock keeps nobody out.
            if not os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat()):
                raise BlockingIOError
        except OSError:
            raise RuntimeError(
                f"`run` must not be trained by two processes, but another one trains {folder}. "
                "Wait for it, or stop it."
            ) from None
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


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
    with whole(folder / WEIGHTS) as part:
        named.to_netcdf(part, engine="h5netcdf")


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
    return _as_written(folder / SESSION)


def _as_written(file: Path) -> xr.Dataset:
    session = xr.load_dataset(file, engine="h5netcdf")
    # A list of one comes back from a file as the one, and numbers as NumPy's.
    for name in ("choices", "psychometric_levels"):
        if name in session.attrs:
            session.attrs[name] = np.atleast_1d(session.attrs[name]).tolist()
    return session
