"""Checkpoints: one file with all that training goes on from, whole or as it was before."""

import json
import platform
import zipfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

import neurotask
from neurotask._run_files import whole_or_as_before
from neurotask.backend import engines
from neurotask.backend.archives import is_whole
from neurotask.backend.files import load_model, save_model
from neurotask.backend.importing import Code

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

CHECKPOINT, STATE = "checkpoint.keras", "training.json"


def versions(model: "RecurrentModel") -> dict[str, str]:
    """Return what the bits of a training depend on, beside its settings."""
    names = ("tensorflow", "keras", "numpy")
    names += ("numba", "scipy") if model.runs_on == "fused" else ()  # scipy brings its BLAS
    return {
        "neurotask": neurotask.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "engine": model.runs_on,
    }


def processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def write_checkpoint(model: "RecurrentModel", folder: Path, state: dict[str, Any]) -> None:
    """Write network, optimizer, rule and a state that JSON can hold, in one step.

    Raises:
        OSError: where the disk is full, say; the checkpoint before is then untouched.
    """
    entries = {STATE: json.dumps(state | {"versions": versions(model)})}
    with whole_or_as_before(folder / CHECKPOINT):
        plain = partial(keras.Model.save, model)
        save_model(model, plain, folder / CHECKPOINT, True, entries)


def read_state(folder: Path) -> dict[str, Any]:
    """Return the state in a checkpoint.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if it is cut or foreign.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(
            f"`run` must hold a {CHECKPOINT} to go on from, but {folder} has none."
        )
    if not is_whole(path, "config.json", STATE):
        raise ValueError(
            f"`{CHECKPOINT}` must be whole, but {path} is truncated or foreign. Restore it from a "
            "copy, or train again in a new folder."
        )
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(STATE))


def read_checkpoint(
    folder: Path, state: dict[str, Any], code: Code, force: bool
) -> "RecurrentModel":
    """Return the network of a checkpoint, ready to go on.

    Args:
        folder: the run folder.
        state: what `read_state` returned of it.
        code: files that define parts of the network.
        force: go on with other versions or on another machine too.

    Raises:
        ValueError: if it was made with other versions, on another machine or by another engine.
    """
    model = load_model(folder / CHECKPOINT, code=code)
    engines.engage(model, state["batch_size"])
    wanted, here = state["versions"], versions(model)
    other = {name for name in here if here[name] != wanted.get(name)}
    if other and not force:
        told = ", ".join(f"{name} {wanted.get(name)} (here {here[name]})" for name in sorted(other))
        raise ValueError(
            f"`run` must be resumed with what it was started with, {told}, to end with the same "
            "bits. Go on there, or give force=True (--force) to go on here all the same."
        )
    return model
