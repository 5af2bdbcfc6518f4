"""Measure and print a table: `python -m benchmarks [tasks | learning | ...] [--write]`."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks import generation, machine, memory, startup
from benchmarks.problem import UNITS
from benchmarks.table import Row, markdown

FOLDER = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=[
            "all",
            "tasks",
            "learning",
            "shaping",
            "backend",
            "curriculum",
            "resume",
            "rules",
            "rules_learning",
        ],
        default="all",
        help="tasks: making each task's trials; learning: networks that learn ten of them; "
        "shaping: networks with the library's curricula and without; "
        "backend: what constraints and other models cost; curriculum: what evaluations and run "
        "folders cost; resume: runs that are killed; rules: time and memory of learning rules; "
        "rules_learning: how well each trains a network under Dale's law",
    )
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="NAME",
        help="learning: these tasks; shaping: these curricula; rules_learning: these rules",
    )
    parser.add_argument("--runs", type=int, default=30, help="resume: runs that are killed")
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
    if arguments.what == "tasks":
        return "tasks.md", "Making trials", generation.table(arguments.rounds)
    if arguments.what == "learning":
        from benchmarks import learning

        names = tuple(arguments.only or learning.TASKS)
        return "learning.md", "Learning the tasks", learning.table(names)
    if arguments.what == "shaping":
        from benchmarks import shaping

        return "shaping.md", "Shaping", shaping.table(tuple(arguments.only or ()))
    if arguments.what == "backend":
        from benchmarks import backend

        return "backend.md", "Constraints, models, runs", backend.table(arguments.rounds)
    if arguments.what == "curriculum":
        from benchmarks import curriculum

        return "curriculum.md", "Curricula", curriculum.table(arguments.rounds)
    if arguments.what == "resume":
        from benchmarks import resume

        return "resume.md", "Killed and resumed", resume.table(arguments.runs)
    if arguments.what == "rules":
        from benchmarks import rules

        return "rules.md", "Learning rules", rules.table(arguments.rounds)
    if arguments.what == "rules_learning":
        from benchmarks import rules_learning

        names = tuple(arguments.only or ())
        return "rules_learning.md", "Learning by each rule", rules_learning.table(names)
    return "table.md", "Benchmarks", markdown(measure(arguments.rounds))


def measure(rounds: int) -> list[Row]:
    """Return all rows. What starts processes comes first, before TensorFlow is in this one."""
    rows = [*startup.rows(), *(row for units in UNITS for row in memory.rows(units))]
    rows += generation.rows(rounds)
    from benchmarks import training

    return rows + [row for units in UNITS for row in training.rows(units, rounds)]


if __name__ == "__main__":
    main()
