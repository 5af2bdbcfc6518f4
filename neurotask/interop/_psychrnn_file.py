"""PsychRNN's file of weights as plain arrays: read without unpickling, written without pickles."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurotask._checks import listed

Arrays = dict[str, np.ndarray]

WEIGHTS = ("W_rec", "W_in", "W_out", "b_rec", "b_out", "init_state")
MASKS = {"rec_connectivity": "W_rec", "input_connectivity": "W_in", "output_connectivity": "W_out"}
# What only the file of an LSTM holds. It has a W_rec too, which its network does not use.
LSTM_ONLY = "init_cell"
# Ours alone: whether the weights hold the factors of their masks already. PsychRNN passes it by.
APPLIED = "factors_applied"


def read(path: Any) -> Arrays:
    """Return the arrays of a file, with what it leaves out filled in.

    Nothing is unpickled. PsychRNN pickles `dale_ratio` where it is None and, in some versions,
    `transfer_function`; a ratio that is a number is stored as one, so a pickled one is None.
    Slots of optimizers (`W_rec/Adam`) are left alone.

    Args:
        path: path of the `.npz` file.

    Returns:
        With N units, all of them numbers: W_rec (N, N), W_in (N, input), W_out (output, N),
        b_rec (N,), b_out (output,), init_state (N,); the masks rec_connectivity,
        input_connectivity and output_connectivity of the shapes of their weights; Dale_rec and
        Dale_out, the signs on the diagonals, (N,); dale_ratio, (), 0 for no law of Dale; and
        factors_applied, (), if the file has it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no weights of a leaky network, or an array of a wrong shape.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a .npz file, but there is no {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except zipfile.BadZipFile:
        broken = path.name
    if broken is not None:
        raise ValueError(f"`path` must be a whole .npz file, but {path} is truncated or foreign.")
    with np.load(path, allow_pickle=False) as archive:
        if LSTM_ONLY in archive.files:
            raise ValueError(
                f"`path` must hold the weights of a leaky network (Basic or BasicScan), but {path} "
                "holds those of an LSTM. PsychRNN's has h = o sigmoid(c), not the standard "
                "h = o tanh(c) of nt.LSTM, which would be another network: train it on the task."
            )
        absent = [name for name in WEIGHTS if name not in archive.files]
        if absent:
            raise ValueError(
                f"`path` must hold the weights {listed(WEIGHTS)}, but {path} is without "
                f"{listed(absent)}. Save them with PsychRNN's `model.save(path)`."
            )
        arrays = {name: _numbers(archive, name) for name in WEIGHTS}
        n, n_in, n_out = (arrays[name].shape[-1] for name in ("W_rec", "W_in", "b_out"))
        arrays["init_state"] = arrays["init_state"].reshape(-1)  # (1, N), in some versions (N,)
        shapes = dict(W_rec=(n, n), W_in=(n, n_in), W_out=(n_out, n), b_rec=(n,), b_out=(n_out,))
        for name, shape in (shapes | dict(init_state=(n,))).items():
            _check_shape(name, arrays[name], shape)
        for mask, weights in MASKS.items():
            arrays[mask] = _mask(archive, mask, shapes[weights])
        if APPLIED in archive.files:
            arrays[APPLIED] = _numbers(archive, APPLIED)
        arrays["dale_ratio"] = _dale_ratio(archive)
        for name in ("Dale_rec", "Dale_out"):
            arrays[name] = _signs(archive, name, n)
    if "dale_ratio" not in archive.files and (arrays["Dale_rec"] < 0).any():
        raise ValueError(
            f"`dale_ratio` must be in a file whose Dale_rec has inhibitory units, but {path} has "
            "none: it is from before PsychRNN 1.0. Add its number to the file, or 0.0 if the law "
            "did not hold."
        )
    return arrays


def write(path: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays beside their place, then put them there in one step.

    Raises:
        ValueError: unless the path ends in `.npz`.
        FileNotFoundError: unless its folder exists.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"`path` must end in .npz, got {str(path)!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`path` must be in a folder that exists, but {path.parent} is none. Make it first."
        )
    beside = path.with_name(f".{path.stem}-{os.getpid()}.npz")
    entries: dict[str, Any] = dict(arrays)
    try:
        np.savez(beside, **entries)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _numbers(archive: Any, name: str) -> np.ndarray:
    """Return an array of finite numbers, or raise."""
    try:
        values = archive[name]
    except ValueError:  # a pickled object: to look at it would run code from the file
        raise ValueError(
            f"`{name}` must be an array of numbers, got a pickled object, which is not opened: a "
            "pickle can run code. Save the array itself."
        ) from None
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        what = values.dtype if values.dtype.kind not in "biuf" else "NaN or infinite ones"
        raise ValueError(f"`{name}` must be an array of finite numbers, got {what}.")
    return values


def _check_shape(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(
            f"`{name}` must have the shape {shape} to fit the other weights, got {values.shape}."
        )


def _mask(archive: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in archive.files:
        return np.ones(shape)
    values = _numbers(archive, name)
    _check_shape(name, values, shape)
    return values


def _dale_ratio(archive: Any) -> np.ndarray:
    if "dale_ratio" not in archive.files:
        return np.array(0.0)
    try:
        archive["dale_ratio"]
    except ValueError:  # pickled, hence None
        return np.array(0.0)
    ratio = _numbers(archive, "dale_ratio")
    if ratio.size != 1 or not 0 <= ratio.item() <= 1:
        raise ValueError(f"`dale_ratio` must be a number in [0, 1], got {ratio.tolist()!r}.")
    return ratio.reshape(())


def _signs(archive: Any, name: str, n: int) -> np.ndarray:
    """Return the diagonal of a matrix of signs."""
    if name not in archive.files:
        return np.ones(n)
    values = _numbers(archive, name)
    _check_shape(name, values, (n, n))
    diagonal = np.diag(values)
    if not np.array_equal(values, np.diag(diagonal)) or not np.isin(diagonal, (-1, 0, 1)).all():
        raise ValueError(f"`{name}` must be a diagonal matrix of 1, 0 and -1, got other entries.")
    return diagonal
