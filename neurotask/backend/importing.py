"""What must be imported before a file that names it is read: our own parts, and a user's code."""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from neurotask.backend.settings import Setting, register
from neurotask.load import module

Code = str | Path | Sequence[str | Path] | None


def import_all(*packages: ModuleType) -> None:
    """Import every module of some packages, so that the names of their classes are known."""
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(found.name)


def run_code(code: Code) -> None:
    """Run Python files, given as one path or several; a file runs once.

    What they define is what files then mean by its name, whoever else has defined such a name.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    for path in [code] if isinstance(code, (str, Path)) else (code or []):
        if not Path(path).is_file():
            raise FileNotFoundError(f"`code` must be a Python file, but there is no {path}.")
        run = module(Path(path).resolve())
        for kind in vars(run).values():
            if isinstance(kind, type) and kind.__module__ == run.__name__:
                if issubclass(kind, Setting):
                    register(kind)
                elif hasattr(kind, "dynamics_type"):
                    kind.register()
