"""`Parameters`: a trained network as plain arrays, run and stored without TensorFlow."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from neurotask._checks import listed
from neurotask.backend import dynamics
from neurotask.backend.archives import DAMAGE, is_whole
from neurotask.backend.importing import Code, import_all, run_code
from neurotask.backend.network import Network
from neurotask.backend.settings import decoded, encoded

KIND = "neurotask"  # the entry of a file that holds the settings


@dataclass(frozen=True, eq=False)
class Parameters:
    """A network as plain arrays: `model.parameters()` gives it, `simulate` runs it.

    Args:
        network: what the network is beside its weights.
        kernels: the effective weights by kernel, (post, pre), or (gate, post, pre).
        vectors: the other parameters by name: biases, time constants, the initial state.

    Example:
        >>> import neurotask as nt, tempfile
        >>> model = nt.RateRNN(["u"], ["z"], units=5, dt=10.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.parameters().save(f"{folder}/w.npz")
        ...     nt.Parameters.load(f"{folder}/w.npz")
        <Parameters of 5 units, 1 inputs, 1 outputs, dt 10 ms>
    """

    network: Network
    kernels: Mapping[str, np.ndarray]
    vectors: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        sides, vectors = self.network.sides(), self.network.vectors()
        gates = self.network.dynamics.gates
        shapes = {
            name: (
                *((len(gates),) if gates and post is self.network.units else ()),
                len(post),
                len(pre),
            )
            for name, (post, pre) in sides.items()
        }
        _check("kernels", self.kernels, shapes)
        _check("vectors", self.vectors, {name: start.shape for name, start in vectors.items()})

    @property
    def dtype(self) -> str:
        """Precision of the weights, "float32" or "float64"."""
        return str(np.result_type(*self.kernels.values()))

    def labelled(
        self, extra: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, xr.DataArray]:
        """Return the kernels with names on their axes.

        Args:
            extra: further coordinates (post, pre) by kernel.
        """
        return {
            name: _labelled(self.network, name, values, (extra or {}).get(name, {}))
            for name, values in self.kernels.items()
        }

    def save(self, path: Any) -> None:
        """Write all to one file, whole or not at all: `.npz`, or `.safetensors`.

        The second needs the package safetensors (`pip install 'neurotask-rnn[safetensors]'`).

        Raises:
            ValueError: for another ending.
        """
        path = Path(path)
        write = _WRITERS.get(path.suffix)
        if write is None:
            raise ValueError(f"`path` must end in .npz or .safetensors, got {str(path)!r}.")
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"`path` must be in a folder that exists, but {path.parent} is none. Make it first."
            )
        arrays = {f"kernel.{name}": np.asarray(k) for name, k in self.kernels.items()}
        arrays |= {f"vector.{name}": np.asarray(v) for name, v in self.vectors.items()}
        beside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        try:
            write(beside, arrays, json.dumps(encoded(self.network)))
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Any, *, code: Code = None) -> Self:
        """Return what `save` wrote; nothing in the file is executed.

        Args:
            path: path of the file.
            code: path of the Python file that defines the dynamics, or a list of them, where they
                are not of this package. It is code, and it runs.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is truncated, or not from `save`.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"`path` must be a file of weights, but there is no {path}.")
        read = _READERS.get(path.suffix)
        if read is None:
            raise ValueError(f"`path` must end in .npz or .safetensors, got {str(path)!r}.")
        arrays, settings = read(path)
        run_code(code)
        import_all(dynamics)  # so that their names are known
        try:
            described = json.loads(settings)
        except ValueError:
            described = None
        network = decoded(described) if isinstance(described, dict) else None
        if not isinstance(network, Network):
            raise ValueError(f"`path` must hold a network, but the settings in {path} are of none.")
        kernels, vectors = (
            {name.partition(".")[2]: a for name, a in arrays.items() if name.startswith(f"{kind}.")}
            for kind in ("kernel", "vector")
        )
        return cls(network, kernels, vectors)

    def __repr__(self) -> str:
        network = self.network
        return (
            f"<Parameters of {len(network.units)} units, {len(network.inputs)} inputs, "
            f"{len(network.outputs)} outputs, dt {network.dt:g} ms>"
        )


def _check(what: str, arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise unless arrays have the names and shapes that a network needs, and are numbers."""
    if set(arrays) != set(shapes):
        raise ValueError(
            f"`{what}` must be those of the network, {listed(shapes)}, got {listed(arrays)}."
        )
    for name, values in arrays.items():
        if np.shape(values) != shapes[name]:
            raise ValueError(
                f"`{name}` must have the shape {shapes[name]}, got {np.shape(values)}."
            )
        if np.asarray(values).dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise ValueError(
                f"`{name}` must hold finite numbers, got NaN, infinite ones, or no numbers."
            )


def _labelled(
    network: Network, name: str, values: np.ndarray, extra: Mapping[str, Any]
) -> xr.DataArray:
    units = network.units
    channels = {"input": network.inputs, "output": network.outputs}
    dims = {
        "input": ("unit", "input" if network.feedforward is None else "feedforward"),
        "recurrent": ("unit", "source"),
        "output": ("output", "unit"),
        "feedback": ("unit", "output"),
        "feedforward": ("feedforward", "input"),
    }[name]
    coords: dict[str, Any] = {dim: list(channels[dim]) for dim in dims if dim in channels}
    for dim, prefix in (("unit", ""), ("source", "source_")):
        if dim in dims:
            coords[f"{prefix}cell_type"] = (dim, units.cell_type)
            coords[f"{prefix}area"] = (dim, units.area)
            coords[f"{prefix}group"] = (dim, units.labels)
    coords |= {key: (dims, array) for key, array in extra.items()}
    if values.ndim == 3:
        return xr.DataArray(
            values,
            dims=("gate", *dims),
            coords={"gate": list(network.dynamics.gates), **coords},
            name=name,
        )
    return xr.DataArray(values, dims=dims, coords=coords, name=name)


def _write_npz(path: Path, arrays: dict[str, np.ndarray], settings: str) -> None:
    entries: dict[str, Any] = {**arrays, KIND: np.array(settings)}
    np.savez(path, **entries)


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], str]:
    if not is_whole(path):
        raise ValueError(f"`path` must be a whole .npz file, but {path} is truncated or foreign.")
    with np.load(path, allow_pickle=False) as archive:
        if KIND not in archive.files:
            raise ValueError(
                f"`path` must be a file that Parameters.save wrote, but {path} is not. PsychRNN's "
                "files are read by nt.interop.psychrnn.load(path, ...)."
            )
        try:
            return {n: archive[n] for n in archive.files if n != KIND}, str(archive[KIND])
        except ValueError:  # a pickled object, which is not opened: a pickle can run code
            raise ValueError(
                f"`path` must hold arrays of numbers, but {path} holds pickles."
            ) from None


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "A .safetensors file needs the package safetensors. Install it with "
            "pip install 'neurotask-rnn[safetensors]', or write a .npz file."
        ) from None
    return safetensors


def _write_safetensors(path: Path, arrays: dict[str, np.ndarray], settings: str) -> None:
    whole = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    metadata = {KIND: settings, "crc32": _checksum(whole, settings)}
    _safetensors().numpy.save_file(whole, path, metadata=metadata)


def _checksum(arrays: dict[str, np.ndarray], settings: str) -> str:
    """Return a checksum of what a file holds: the format has none of its own."""
    checksum = zlib.crc32(settings.encode())
    for name in sorted(arrays):
        described = f"{name} {arrays[name].dtype} {arrays[name].shape}".encode()
        checksum = zlib.crc32(described + arrays[name].tobytes(), checksum)
    return str(checksum)


def _read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], str]:
    package = _safetensors()
    try:
        with package.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (package.SafetensorError, *DAMAGE, KeyError, TypeError) as error:
        raise ValueError(
            f"`path` must be a whole .safetensors file, but {path} is truncated or foreign: "
            f"{error}."
        ) from None
    if KIND not in metadata:
        raise ValueError(f"`path` must be a file that Parameters.save wrote, but {path} is not.")
    if metadata.get("crc32") != _checksum(arrays, metadata[KIND]):
        raise ValueError(f"`path` must be a whole .safetensors file, but {path} is damaged.")
    return arrays, metadata[KIND]


_WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors}
_READERS = {".npz": _read_npz, ".safetensors": _read_safetensors}
