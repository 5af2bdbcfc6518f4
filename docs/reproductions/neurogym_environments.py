"""Every environment that neurogym registers, as a task: which can be, and how fast.

    python docs/reproductions/neurogym_environments.py            # the table
    python docs/reproductions/neurogym_environments.py --write    # also puts it on its page

Needs neurogym beside neurotask; TensorFlow is not used.
"""

import argparse
import importlib
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import reproduction_page

import neurotask as nt
from neurotask.interop import neurogym

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/neurogym_environments.py --write"
N_TRIALS = 2000
HEAD = ("id", "task", "inputs", "outputs", "steps", "dt, ms", "phases", "trials/s", "can be held")
WHY = {
    "must be supervised": "no ground truth",
    "must show what its trial holds": "observations depend on the action",
}


@dataclass(frozen=True)
class Imported:
    """What became of one environment.

    Args:
        env_id: its id.
        cells: its row of the table, without the id.
        reproducible: whether a second task from this id makes the same trials.
        solved: share of trials in which the ground truth, as output, is scored as correct.
        refused: why it is no task, "" where it is one.
    """

    env_id: str
    cells: tuple[str, ...] = ()
    reproducible: bool = False
    solved: float = 0.0
    refused: str = ""


def imported(env_id: str) -> Imported:
    """Make a task of an environment, and trials of it."""
    try:
        task = neurogym.task(env_id)
    except ValueError as error:
        refused = [short for part, short in WHY.items() if part in str(error)]
        return Imported(env_id, refused=refused[0] if refused else str(error))
    start = time.process_time()  # of this process alone: others slow it down less than the clock
    trials = task.trials(N_TRIALS)
    rate = N_TRIALS / (time.process_time() - start)
    again = neurogym.task(env_id).trials(N_TRIALS)
    low, high = trials.lengths.min(), trials.lengths.max()
    return Imported(
        env_id,
        (
            str(len(task.inputs)),
            str(len(task.outputs)),
            f"{low}" if low == high else f"{low}-{high}",
            f"{task.dt:g}",
            str(len(trials.phases)),
            f"{round(rate, -2):,.0f}",
            ", ".join(held(task, trials)) or "none",
        ),
        reproducible=all(
            np.array_equal(getattr(trials, name), getattr(again, name))
            for name in ("inputs", "targets", "mask", "answers")
        ),
        solved=float((task.behavior(trials, trials.targets)["correct"] == 1).mean()),
    )


def held(task: nt.Task, trials: nt.Trials, n: int = 64) -> Iterable[str]:
    """Yield the conditions that the environment takes: here, in reverse order."""
    for name, values in trials.columns.items():
        given: dict[str, Any] = {name: values[:n][::-1]}
        try:
            task.trials(n, **given)
        except ValueError:
            continue
        yield name


def table(results: list[Imported]) -> str:
    """Return the results as a Markdown table."""
    rows = []
    for result in results:
        cells = ("yes", *result.cells) if result.cells else (f"no: {result.refused}",)
        rows.append((result.env_id, *cells, *("",) * (len(HEAD) - 1 - len(cells))))
    return reproduction_page.table(HEAD, rows)


def verdict(results: list[Imported]) -> str:
    """Return what holds for all, as a Markdown list."""
    tasks = [result for result in results if not result.refused]
    rates = [float(result.cells[5].replace(",", "")) for result in tasks]
    same = all(one.reproducible for one in tasks)
    solved = all(one.solved == 1 for one in tasks)
    checks = reproduction_page.verdict(
        (
            ("two tasks from one id make the same trials", same, ""),
            ("the ground truth is scored as correct in every trial", solved, ""),
        )
    )
    span = f"{min(rates):,.0f} to {max(rates):,.0f}, median {np.median(rates):,.0f}"
    return f"- tasks: {len(tasks)} of {len(results)}\n{checks}\n- trials/s: {span}"


def main() -> None:
    """Import all environments and report."""
    parser = argparse.ArgumentParser(description="The environments of neurogym as tasks.")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*WARN")  # gymnasium's, about neurogym
    registered = importlib.import_module("neurogym.envs.registration").ALL_EXTENDED_ENVS
    results = [imported(env_id) for env_id in sorted(registered)]
    trials = f"{N_TRIALS} of each, a second being one of processor time"
    made = reproduction_page.provenance(COMMAND, ("neurogym", "gymnasium", "numpy"), trials=trials)
    text = f"{table(results)}\n\n{verdict(results)}\n\n{made}"
    print(text)
    if arguments.write:
        reproduction_page.write(PAGE, text)


if __name__ == "__main__":
    main()
