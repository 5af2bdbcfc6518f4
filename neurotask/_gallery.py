"""The gallery: a page of all tasks of the library, each with a trial drawn and what it is."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

import neurotask
from neurotask._run_files import beside, new_folder
from neurotask.load import library, summary
from neurotask.task import Task


def write_gallery(folder: Path | str, watch: Callable[[str], None] = lambda name: None) -> Path:
    """Write the page of all tasks.

    Args:
        folder: a new folder, for the page and one figure a task (PNG).
        watch: called with the name of each task that is drawn.

    Returns:
        The page.

    Raises:
        FileExistsError: if the folder exists.
    """
    folder = new_folder("--gallery", folder)
    with beside(folder) as unfinished:
        groups: dict[str, list[dict[str, Any]]] = {}
        for stem, kind in library().items():
            watch(stem)
            groups.setdefault(kind.function, []).append(_entry(stem, kind(), unfinished))
        page = _template().render(version=neurotask.__version__, groups=sorted(groups.items()))
        (unfinished / "index.html").write_text(page, encoding="utf-8")
        unfinished.rename(folder)
    return folder / "index.html"


def _entry(stem: str, task: Task, folder: Path) -> dict[str, Any]:
    """Return what the page says of a task, and write its figure."""
    import matplotlib.pyplot as plt

    figure = task.plot(seed=1)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=150)
    plt.close(figure)
    (folder / f"{stem}.png").write_bytes(drawn.getvalue())
    text, source = _text_and_source(type(task))
    return {
        "stem": stem,
        "name": type(task).__name__,
        "summary": summary(type(task)),
        "text": text,
        "source": source,
        "aliases": ", ".join(task.aliases),
        "axis": task.psychometric_axis or "",
        "score": task.expected_score,
        "settings": [
            (field.name, repr(getattr(task, field.name)), field.name in task.durations)
            for field in dataclasses.fields(task)
        ],
        "inputs": _listed(task.inputs),
        "outputs": _listed(task.outputs),
    }


def _text_and_source(kind: type[Task]) -> tuple[list[str], str]:
    """Return the paragraphs of a task file's docstring, and its sources."""
    document = inspect.getdoc(sys.modules[kind.__module__]) or ""
    text, _, source = document.partition("Source:")
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    return paragraphs, " ".join(source.split())


def _listed(names: tuple[str, ...]) -> str:
    """Return channel names, rings in one word: "stimulus_0 ... stimulus_31"."""
    words: list[str] = []
    stems = [re.sub(r"_\d+$", "", name) for name in names]
    for stem in dict.fromkeys(stems):
        own = [name for name, of in zip(names, stems, strict=True) if of == stem]
        words.append(own[0] if len(own) == 1 else f"{own[0]} ... {own[-1]}")
    return ", ".join(words)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neurotask"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["code"] = _code
    return environment.get_template("gallery.html")


def _code(text: str) -> Markup:
    """Return text as HTML, escaped, with `names` in backticks as code."""
    return Markup(re.sub(r"`+([^`]+)`+", r"<code>\1</code>", str(escape(text))))
