"""Model files: one `.keras` file, whole or absent, that runs no code of its maker when loaded."""

import importlib
import os
import pkgutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


def save_model(write: Callable[[Any], None], filepath: Any, overwrite: bool) -> None:
    """Write a model beside its place, then put it there in one step."""
    path = Path(filepath)
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
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load_model(filepath: Any) -> "RecurrentModel":
    """Return the model in a `.keras` file, with its optimizer and its learning rule.

    Nothing in the file is executed: settings are plain data and weights are arrays.

    Args:
        filepath: path of the file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is truncated, or holds no model of neurotask.
    """
    path = Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"`filepath` must be a .keras file, but there is no {path}.")
    if not _holds_a_model(path):
        raise ValueError(
            f"`filepath` must be a whole .keras file, but {path} is truncated or foreign."
        )
    _register()
    model = keras.saving.load_model(path, safe_mode=True)
    from neurotask.backend.models.base import RecurrentModel

    if not isinstance(model, RecurrentModel):
        raise ValueError(
            f"`filepath` must hold a model of neurotask, but {path} holds a "
            f"{type(model).__name__}. Load it with keras.saving.load_model."
        )
    return model


def _holds_a_model(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "config.json" in archive.namelist()


def _register() -> None:
    """Import every model and rule, so that Keras knows the names in a file."""
    from neurotask.backend import models, rules

    for package in (models, rules):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
