"""Measure and print the table: `python -m benchmarks [--rounds N] [--write]`."""

import argparse
import os
from pathlib import Path

from benchmarks import generation, machine, memory, startup
from benchmarks.problem import UNITS
from benchmarks.table import Row, markdown

TABLE = Path(__file__).with_name("table.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of turns")
    parser.add_argument("--write", action="store_true", help=f"store the table in {TABLE.name}")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command = f"python -m benchmarks --rounds {arguments.rounds}{' --write' * arguments.write}"
    text = f"{machine.describe(command)}\n\n{markdown(measure(arguments.rounds))}\n"
    print(text)
    if arguments.write:
        TABLE.write_text(f"# Benchmarks\n\nWritten by the command below; see README.md.\n\n{text}")


def measure(rounds: int) -> list[Row]:
    """Return all rows. What starts processes comes first, before TensorFlow is in this one."""
    rows = [*startup.rows(), *(row for units in UNITS for row in memory.rows(units))]
    rows += generation.rows(rounds)
    from benchmarks import training

    return rows + [row for units in UNITS for row in training.rows(units, rounds)]


if __name__ == "__main__":
    main()
