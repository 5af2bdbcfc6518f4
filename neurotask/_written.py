"""Tasks and curricula as plain data, so that a run folder alone can make them again.

A class or function of an installed package is named by its module; one of a bare file by the file,
of which a copy goes along. What is defined in a notebook or a script cannot be found again by name.
Reading runs the files of code that came along and imports the installed modules that are named.
"""

import dataclasses
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurotask.distributions import plain
from neurotask.load import module

SETTINGS, NAMED, PAIRS = "__settings__", "__named__", "__pairs__"


class Unwritable(ValueError):
    """Something that cannot be made again from plain data."""


class Writer:
    """Writes values as what JSON can hold, and collects the bare files that they need.

    Attributes:
        files: content of each file by the name that it has among the sources.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._names: dict[Path, str] = {}

    def write(self, value: Any) -> Any:
        """Return a value as plain data.

        Raises:
            Unwritable: for a kind of value that is no setting, or code that has no file.
        """
        value = plain(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, tuple):
            return [self.write(one) for one in value]
        if isinstance(value, Mapping):
            return {PAIRS: [[self.write(k), self.write(v)] for k, v in value.items()]}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            made_by = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
            settings = {name: self.write(one) for name, one in made_by.items()}
            return {SETTINGS: settings, NAMED: self.name(type(value))}
        if callable(value) and hasattr(value, "__qualname__"):
            return {NAMED: self.name(value)}
        raise Unwritable(f"{value!r} is no setting that a file can hold")

    def name(self, definition: Any) -> str:
        """Return "where:what" of a class or a function, and take its file along if it is bare."""
        what, module_name = definition.__qualname__, definition.__module__
        if "<" in what or module_name == "__main__":
            raise Unwritable(f"{what} is defined in a notebook or a script")
        file = getattr(sys.modules[module_name], "__file__", None)
        if file is None:
            raise Unwritable(f"{what} is defined in {module_name!r}, which is no file")
        packaged = "." in module_name or Path(file).name == "__init__.py"
        return f"{module_name if packaged else self.take(Path(file))}:{what}"

    def take(self, file: Path) -> str:
        """Take a file along; return its name among the sources."""
        file = file.resolve()
        if file not in self._names:
            taken, name, k = set(self._names.values()), file.name, 2
            while name in taken:
                name, k = f"{file.stem}_{k}{file.suffix}", k + 1
            self._names[file], self.files[name] = name, file.read_bytes()
        return self._names[file]


def read(value: Any, sources: Path) -> Any:
    """Return what a `Writer` wrote.

    Args:
        value: the plain data.
        sources: folder of the files that came along; they are run where they are named.

    Raises:
        ValueError: if something is named that is not there.
    """
    if isinstance(value, list):
        return tuple(read(one, sources) for one in value)
    if not isinstance(value, dict):
        return value
    if PAIRS in value:
        return {read(k, sources): read(v, sources) for k, v in value[PAIRS]}
    definition: Any = _found(value[NAMED], sources)
    if SETTINGS not in value:
        return definition
    if not (isinstance(definition, type) and dataclasses.is_dataclass(definition)):
        raise ValueError(f"`{value[NAMED]}` must be a class of settings, got {definition!r}.")
    return definition(**{name: read(one, sources) for name, one in value[SETTINGS].items()})


def _found(name: str, sources: Path) -> Any:
    where, _, what = name.partition(":")
    if where.endswith(".py"):
        found: Any = module((sources / Path(where).name).resolve())
    else:
        try:
            found = importlib.import_module(where)
        except ImportError as error:
            raise ValueError(
                f"`{where}` must be installed, since the run uses {what} of it: {error}."
            ) from None
    for part in what.split("."):
        if not hasattr(found, part):
            raise ValueError(f"`{what}` must be defined in {where}, which has no such name.")
        found = getattr(found, part)
    return found
