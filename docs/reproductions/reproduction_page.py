"""What the pages of the reproductions share: their tables, their verdicts, where they come from."""

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import neurotask as nt

BEGIN, END = "<!-- results: written by --write -->", "<!-- end of results -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict(checks: Iterable[tuple[str, bool, str]]) -> str:
    """Return what was asked for, whether it is met, and by which figure, as a Markdown list."""
    return "\n".join(
        f"- {'met' if met else 'not met'}: {what}{f' ({figure})' if figure else ''}"
        for what, met, figure in checks
    )


def provenance(command: str, packages: Sequence[str], **more: str) -> str:
    """Return how the figures were made, as a Markdown list.

    Args:
        command: what was run.
        packages: distributions whose versions are named, beside this package and Python.
        **more: what else is to be said, by its name.
    """
    versions = [f"neurotask {nt.__version__}", f"Python {platform.python_version()}"]
    lines = {
        "command": f"`{command}`",
        **more,
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load, mean over 5 minutes": f"{os.getloadavg()[1]:.2f}",
        "versions": ", ".join([*versions, *(f"{name} {_version(name)}" for name in packages)]),
        "date": f"{datetime.date.today():%Y-%m-%d}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


def write(page: Path, results: str) -> None:
    """Put the results in their place on a page."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{results}\n\n{END}{after}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
