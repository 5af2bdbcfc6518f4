"""Model files: one `.keras` file, whole or absent, that runs no code of its maker when loaded."""

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask.backend import dynamics
from neurotask.backend.archives import is_whole
from neurotask.backend.importing import Code, import_all, run_code

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

RULE_STATE = "rule_state.npz"


def save_model(
    model: "RecurrentModel",
    write: Callable[[Any], None],
    filepath: Any,
    overwrite: bool,
    entries: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a model beside its place, then put it there in one step.

    Args:
        model: the model.
        write: writes it to a path.
        filepath: its place.
        overwrite: whether a file there may be replaced.
        entries: further texts of the archive by name.
    """
    path = Path(filepath)
    for variable in model.variables:  # a file that cannot be loaded must not replace a good one
        if not np.isfinite(variable.numpy()).all():
            raise ValueError(
                f"`{variable.path}` must be finite to be saved, got NaN or infinite weights. "
                "Load or train a network that has none."
            )
    if path.suffix != ".keras":
        raise ValueError(f"`filepath` must end in .keras, got {str(path)!r}.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"`filepath` must be new, but {path} exists. Give overwrite=True.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`filepath` must be in a folder that exists, but {path.parent} is none. Make it first."
        )
    beside = path.with_name(f".{path.stem}-{os.getpid()}.keras")
    try:
        write(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            for name, text in entries.items():
                archive.writestr(name, text)
        with beside.open("rb") as file:
            os.fsync(file.fileno())  # on the disk before it replaces what was good
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load_model(filepath: Any, *, code: Code = None) -> "RecurrentModel":
    """Return the model in a `.keras` file, with its optimizer and its learning rule.

    Nothing in the file is executed: settings are plain data and weights are arrays. A model that is
    not one of this package needs the Python file that defines it. That file is code, and it runs.

    Args:
        filepath: path of the file.
        code: path of the Python file that defines the model, or its parts (dynamics, initializers,
            transfer functions, rules); a list of them; None: all is of this package, or has been
            defined before.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is truncated, holds no model of neurotask, one of a class that nobody has
            defined, or weights that are NaN.
    """
    # A model imports this file, to save itself.
    from neurotask.backend import models, rules

    path = Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"`filepath` must be a .keras file, but there is no {path}.")
    if not is_whole(path, "config.json"):
        raise ValueError(
            f"`filepath` must be a whole .keras file, but {path} is truncated or foreign."
        )
    run_code(code)
    import_all(dynamics, models, rules)  # so that Keras knows the names in the file
    _check_class(path)
    model = keras.saving.load_model(path, safe_mode=True)
    for variable in model.variables:
        if not np.isfinite(variable.numpy()).all():
            raise ValueError(
                f"`filepath` must hold finite weights, but {variable.path} in {path} has NaN or "
                "infinite ones. Load an earlier file."
            )
    return model


def save_rule_state(folder: Path, state: Any) -> None:
    """Write the variables of a rule's state, in the order of `tf.nest.flatten`."""
    values = [variable.numpy() for variable in tf.nest.flatten(state)]
    if values:
        np.savez(folder / RULE_STATE, *values)


def load_rule_state(folder: Path, state: Any) -> None:
    """Give the variables of a rule's state the values that `save_rule_state` wrote."""
    variables = tf.nest.flatten(state)
    if variables:
        with np.load(folder / RULE_STATE, allow_pickle=False) as values:
            for place, variable in enumerate(variables):
                variable.assign(values[f"arr_{place}"])


def _check_class(path: Path) -> None:
    """Raise unless a file names a class of models that is known here."""
    from neurotask.backend.models.base import RecurrentModel

    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    if not isinstance(config, dict):
        raise ValueError(f"`filepath` must hold a model of neurotask, but {path} describes none.")
    name, kind = config.get("registered_name"), str(config.get("class_name"))
    known = keras.saving.get_registered_object(name) if name else None
    if isinstance(known, type) and issubclass(known, RecurrentModel):
        return
    if str(name).startswith(("user>", "neurotask>")):
        raise ValueError(
            f"`filepath` must hold a model whose class is known, but {path} holds one of class "
            f"{kind}, which nobody has defined here. Give the file that does: "
            'load_model(path, code="my_model.py").'
        )
    raise ValueError(
        f"`filepath` must hold a model of neurotask, but {path} holds a {kind}. Load it with "
        "keras.saving.load_model."
    )
