"""Tasks and curricula, by name or from a file: `load("go_no_go")`, `load("their_task.py")`."""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurotask._checks import listed, nearest
from neurotask.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from neurotask.curriculum.curriculum import Curriculum


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


def load_curriculum(source: str | Path, **settings: Any) -> "Curriculum":
    """Return a curriculum of the library by its name, or the one that a file defines.

    A file defines it by a function `curriculum` whose arguments are the settings. A file is code,
    and loading it runs it, as an import does.

    Args:
        source: a name ("coherence_ladder"), or the path of a Python file.
        **settings: settings of the curriculum, `task` among them; the others keep their defaults.

    Raises:
        ValueError: if there is no such curriculum, or the file does not define one.
        TypeError: if the curriculum has no such setting.

    Example:
        >>> load_curriculum("coherence_ladder", coherences=(0.5, 0.1)).names
        ('coherences 0.5', 'coherences 0.1')
    """
    from neurotask.curriculum.curriculum import Curriculum

    make, name = _curriculum_function(source)
    known = inspect.signature(make).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        for setting in settings:
            if setting not in known:
                raise TypeError(
                    f"`{setting}` must be a setting of {name}, which has {listed(known)}."
                    f"{nearest(setting, known)}"
                )
    made = make(**settings)
    if not isinstance(made, Curriculum):
        raise ValueError(
            f"`curriculum` of {name} must return a Curriculum, got {made!r}. End it with "
            "`return Curriculum([...])`."
        )
    return made


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


@cache
def curriculum_library() -> dict[str, "Callable[..., Curriculum]"]:
    """Return what makes each curriculum of the library, by file names, in order."""
    stems = sorted(path.stem for path in _folder("curricula").glob("[!_]*.py"))
    return {stem: _canonical(stem, "curricula").curriculum for stem in stems}


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
    found = _module_at(path, "task")
    return _named_task(found, name) if name else _only_task(found)


def _curriculum_function(source: str | Path) -> "tuple[Callable[..., Curriculum], str]":
    """Return what makes a curriculum, and what the curriculum is called."""
    if not str(source).endswith(".py"):
        for name, known in curriculum_library().items():
            if _plain(str(source)) == _plain(name):
                return known, name
        raise ValueError(
            "`curriculum` must be a curriculum of the library or the path of a .py file, got "
            f"{str(source)!r}.{nearest(source, curriculum_library())} The library has "
            f"{listed(curriculum_library())}."
        )
    found = _module_at(Path(source), "curriculum")
    make = getattr(found, "curriculum", None)
    if not inspect.isfunction(make):
        raise ValueError(
            f"`{found.__file__}` must define a function `curriculum`, got "
            f"{'none' if make is None else repr(make)}. Write "
            "`def curriculum(): return neurotask.Curriculum([...])`."
        )
    return make, str(source)


def _module_at(path: Path, what: str) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"`{what}` must be the path of a Python file, but there is no {path}.")
    return module(path.resolve())


def module(path: Path) -> ModuleType:
    """Import a bare file, once, under a private name; a file of the library under its own."""
    for package in ("tasks", "curricula"):
        if path.parent == _folder(package).resolve():
            return _canonical(path.stem, package)
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


def _folder(package: str = "tasks") -> Path:
    return Path(importlib.import_module(f"neurotask.{package}").__path__[0])


def _canonical(stem: str, package: str = "tasks") -> ModuleType:
    return importlib.import_module(f"neurotask.{package}.{stem}")


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


def summary(task: type[Task]) -> str:
    """Return the first line of a task's docstring, "" where it has none of its own."""
    text = (inspect.getdoc(task) or "").partition("\n")[0]
    inherited_or_made = task.__doc__ is None or text.startswith(f"{task.__name__}(")
    return "" if inherited_or_made else text
