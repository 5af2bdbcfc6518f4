"""What a table has to say of where and when it was made."""

import datetime
import os
import platform
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import neurotask

PACKAGES = ("tensorflow", "keras", "numpy", "numba", "torch", "psychrnn")


def describe(command: str) -> str:
    """Return processor, versions, load, date and command, one a line, as a Markdown list."""
    packages = [f"{name} {version(name)}" for name in PACKAGES if find_spec(name)]
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load (mean over the last 1, 5, 15 minutes)": load,
        "versions": ", ".join(
            [f"neurotask {neurotask.__version__}", f"Python {platform.python_version()}", *packages]
        ),
        "date": f"{datetime.date.today():%Y-%m-%d}",
        "command": f"`{command}`",
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
