"""Measure and print a table: `python -m benchmarks [tasks | learning | ...] [--write]`."""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine

FOLDER = Path(__file__).parent


def _rounds(arguments: argparse.Namespace) -> Any:
    return arguments.rounds


def _names(arguments: argparse.Namespace) -> Any:
    return tuple(arguments.only or ())


# What can be measured: its title, what `table` of its module takes, and what it shows. Modules are
# imported when they are asked for, since most of them import TensorFlow.
TABLES: dict[str, tuple[str, Callable[[argparse.Namespace], Any], str]] = {
    "speed": ("Speed", _rounds, "training beside its peers, and the machine's matrix products"),
    "tasks": ("Making trials", _rounds, "making each task's trials"),
    "learning": ("Learning the tasks", _names, "networks that learn ten of them"),
    "shaping": ("Shaping", _names, "networks with the library's curricula and without"),
    "backend": ("Constraints, models, runs", _rounds, "what constraints and other models cost"),
    "curriculum": ("Curricula", _rounds, "what evaluations and run folders cost"),
    "resume": ("Killed and resumed", lambda a: a.runs, "runs that are killed"),
    "rules": ("Learning rules", _rounds, "time and memory of learning rules"),
    "rules_learning": (
        "Learning by each rule",
        _names,
        "how well each trains a network under Dale's law",
    ),
    "analysis": ("Analysis", _rounds, "time and memory of fits and fixed points"),
    "coverage": (
        "Coverage of psychometric intervals",
        lambda a: a.simulations,
        "how often intervals hold the truth",
    ),
}
# Where it is not the name of the table. (A module `coverage` would hide the package of that name.)
MODULES = {"tasks": "generation", "coverage": "intervals"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=[*TABLES],
        default="speed",
        help="; ".join(f"{name}: {about}" for name, (_, _, about) in TABLES.items()),
    )
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="NAME",
        help="learning: these tasks; shaping: these curricula; rules_learning: these rules",
    )
    parser.add_argument("--runs", type=int, default=30, help="resume: runs that are killed")
    parser.add_argument("--simulations", type=int, default=500, help="coverage: of each observer")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of turns")
    parser.add_argument("--write", action="store_true", help="store the table beside this file")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    file, title, table = _measured(arguments)
    text = f"{machine.describe(command)}\n\n{table}\n"
    print(text)
    if arguments.write:
        page = f"# {title}\n\nWritten by the command below; see README.md.\n\n{text}"
        (FOLDER / file).write_text(page)


def _measured(arguments: argparse.Namespace) -> tuple[str, str, str]:
    """Return the file, the title and the table of what was asked for."""
    what = arguments.what
    title, argument, _ = TABLES[what]
    module = import_module(f"benchmarks.{MODULES.get(what, what)}")
    return f"{what}.md", title, module.table(argument(arguments))


if __name__ == "__main__":
    main()
