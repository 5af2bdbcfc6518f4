"""The code that a run depends on: which files, and whether they are still what they were."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurotask._run_files import SOURCES
from neurotask._written import Unwritable, Writer, read
from neurotask.task import Task

SOURCE = "source.json"  # among the sources: what was trained on, as plain data


@dataclasses.dataclass(frozen=True)
class Sources:
    """What goes into the folder `sources`.

    Args:
        files: content of each file by its name.
        code: names of those that define parts of the network.
        missing: why the source cannot be made again from them, "" where it can.
    """

    files: dict[str, bytes]
    code: list[str]
    missing: str

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file by its name."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}


def sources_of(source: Any, network: Any) -> Sources:
    """Return the files that a task or curriculum and a network depend on.

    Args:
        source: a Task or a Curriculum.
        network: settings of the network and of how it learns, nested, with its class.
    """
    writer, missing, plan = Writer(), "", None
    try:
        plan = writer.write(source)
    except Unwritable as error:
        missing = str(error)
    for one in _parts(source):
        file = getattr(sys.modules[type(one).__module__], "__file__", None)
        if isinstance(one, Task) and file is not None:
            writer.take(Path(file))
    code = [writer.take(file) for file in dict.fromkeys(_bare_files(network))]
    files = dict(writer.files)
    if plan is not None:
        files[SOURCE] = json.dumps(plan, indent=1).encode()
    return Sources(files, code, missing)


def read_source(folder: Path) -> Any:
    """Return the Task or Curriculum that a run was trained on; runs its bare files.

    Raises:
        ValueError: if it was defined where no file could be taken along.
    """
    file = folder / SOURCES / SOURCE
    if not file.is_file():
        raise ValueError(
            f"`source` must be given, since {folder} cannot hold it: it was defined in a notebook "
            "or a script. Define it again and say run.resume(source=...), or put its classes and "
            "functions into a .py file before the run."
        )
    return read(json.loads(file.read_text(encoding="utf-8")), folder / SOURCES)


def check_sources(folder: Path, hashes: Mapping[str, str], now: Sources | None = None) -> None:
    """Raise a ValueError if the code of a run has changed.

    Args:
        folder: the run folder.
        hashes: the SHA-256 that each file had when the run was started.
        now: the files where they came from, as they are; None: those in the folder alone count.
    """
    here = {} if now is None else now.hashes
    for name, wanted in hashes.items():
        file = folder / SOURCES / name
        if not file.is_file():
            raise ValueError(
                f"`sources` must hold {name}, which the run was started with, but there is no "
                f"{file}. Restore it from a copy."
            )
        kept = hashlib.sha256(file.read_bytes()).hexdigest()
        if kept != wanted or here.get(name, wanted) != wanted:
            raise ValueError(
                f"`sources` must be those that the run was started with, but {name} has changed "
                "since. Go on with the code as it was, or give force=True (--force)."
            )


def _parts(value: Any) -> Iterator[Any]:
    """Return a setting and all settings inside it."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _parts(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in dataclasses.fields(value):
            yield from _parts(getattr(value, field.name))
    else:
        yield value


def _bare_files(network: Any) -> Iterator[Path]:
    """Return the bare files that define classes and functions of a network."""
    for one in _parts(network):
        named = one if callable(one) and hasattr(one, "__module__") else type(one)
        module = sys.modules.get(getattr(named, "__module__", "") or "")
        file = getattr(module, "__file__", None)
        if module is None or file is None or module.__name__ == "__main__":
            continue
        if "." not in module.__name__ and Path(file).suffix == ".py" and _is_own(Path(file)):
            yield Path(file)


def _is_own(file: Path) -> bool:
    """Whether a file is no part of Python or of an installed package."""
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    library = Path(dataclasses.__file__).parent
    return not installed and library not in file.resolve().parents
