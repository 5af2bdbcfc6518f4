"""Tasks by name, `load("perceptual_discrimination")`, or from a file, `load("their_task.py")`."""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from neurotask._checks import listed, nearest
from neurotask.task import Task


def load(source: str | Path, **settings: Any) -> Task:
    """Return a task of the library by its name, or the task that a file defines.

    A file is code, and loading it runs it, as an import does. It may hold several tasks: then
    `"file.py:ClassName"` says which.

    Args:
        source: a name ("perceptual_discrimination", "PerceptualDiscrimination" or an alias), or the
            path of a Python file.
        **settings: settings of the task; the others keep their defaults.

    Raises:
        ValueError: if there is no such task, or the file cannot be read as Python.

    Example:
        >>> load("rdm", coherences=(0.1, 0.5)).coherences
        (0.1, 0.5)
    """
    task = task_class(source)
    task.check_settings(settings)
    return task(**settings)


def task_class(source: str | Path) -> type[Task]:
    """Return the class of the task that `load` makes."""
    path, _, name = str(source).partition(".py:")
    if name or path.endswith(".py"):
        return _from_file(Path(path if path.endswith(".py") else path + ".py"), name)
    for known in library().values():
        if _plain(str(source)) in map(_plain, task_names(known)):
            return known
    names = [name for known in library().values() for name in task_names(known)]
    raise ValueError(
        f"`task` must be a task of the library or the path of a .py file, got {str(source)!r}."
        f"{nearest(source, names)} The library has {listed(library())}."
    )


def _plain(name: str) -> str:
    """Return a name without what people write differently: "N-Back" and "n_back" are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def library() -> dict[str, type[Task]]:
    """Return the tasks of the library by their file names, in order."""
    stems = sorted(path.stem for path in _folder().glob("[!_]*.py"))
    return {stem: _only_task(_canonical(stem)) for stem in stems}


def task_names(task: type[Task]) -> tuple[str, ...]:
    """Return all names that a task of the library goes by."""
    return (task.__module__.rpartition(".")[2], task.__name__, *task.aliases)


def source_file(task: Task) -> Path:
    """Return the file that defines a task."""
    module = sys.modules[type(task).__module__]
    file = getattr(module, "__file__", None)
    if file is None:
        raise ValueError(
            f"`task` must be defined in a file, but {type(task).__name__} is defined in "
            f"{module.__name__!r}. Put the class into a .py file."
        )
    return Path(file)


def _from_file(path: Path, name: str) -> type[Task]:
    if not path.is_file():
        raise ValueError(f"`task` must be the path of a Python file, but there is no {path}.")
    found = module(path.resolve())
    return _named_task(found, name) if name else _only_task(found)


def module(path: Path) -> ModuleType:
    """Import a bare file, once, under a private name; a file of the library under its own."""
    if path.parent == _folder().resolve():
        return _canonical(path.stem)
    content = path.read_bytes()
    name = f"_neurotask_file_{path.stem}_{hashlib.sha256(bytes(path) + content).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        compile(content, str(path), "exec")
    except SyntaxError as error:
        raise ValueError(
            f"`{path}` must be valid Python, got a syntax error in line {error.lineno}: "
            f"{(error.text or '').strip()!r} ({error.msg})."
        ) from None
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    made = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader))
    made.__file__ = str(path)
    sys.modules[name] = made  # dataclasses look their module up by name
    try:
        loader.exec_module(made)
    except BaseException:
        del sys.modules[name]
        raise
    return made


def _folder() -> Path:
    return Path(importlib.import_module("neurotask.tasks").__path__[0])


def _canonical(stem: str) -> ModuleType:
    return importlib.import_module(f"neurotask.tasks.{stem}")


def _tasks_of(module: ModuleType) -> dict[str, type[Task]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Task)
        and value.__module__ == module.__name__
    }


def _only_task(module: ModuleType) -> type[Task]:
    found = _tasks_of(module)
    if len(found) == 1:
        return next(iter(found.values()))
    raise ValueError(
        f"`{module.__file__}` must define one task, got {listed(found)}. "
        + ("Choose with file.py:ClassName." if found else "Define a subclass of neurotask.Task.")
    )


def _named_task(module: ModuleType, name: str) -> type[Task]:
    found = _tasks_of(module)
    if name in found:
        return found[name]
    raise ValueError(
        f"`{name}` must be a task of {module.__file__}, which has {listed(found)}."
        f"{nearest(name, found)}"
    )
