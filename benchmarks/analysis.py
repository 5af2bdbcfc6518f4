"""Time and memory of psychometric fits, beside psignifit if installed, and of fixed points."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.memory import peak
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, Times, interleave
from neurotask.analysis import psychometric

HEADINGS = ("measurement", "median", "best", "/ psignifit", "peak memory", "target")
N_FITS = 1000
# The example of psignifit's manual, as tests/analysis/test_psychometric_options.py has it.
X = np.array([10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 100]) / 10_000
K = np.array([45, 50, 44, 44, 52, 53, 62, 64, 76, 79, 88, 90, 90])
N = 90
FORMS: dict[str, dict[str, Any]] = {
    "2AFC": {"form": "nafc", "guess_rate": 0.5, "log": False},
    "yes/no": {"form": "yes_no"},
}
TARGETS = {"2AFC": "300 ms, 200 MiB", "yes/no": "300 ms, 200 MiB"}


def table(rounds: int) -> str:
    """Return all rows as a Markdown table. What starts processes comes first."""
    with_theirs = importlib.util.find_spec("psignifit") is not None
    calls = _calls(with_theirs)
    memory = {name: _memory_of(name) for name in calls}
    repeats = {name: 1 if "psignifit" in name else 5 for name in calls}
    times = interleave({n: Candidate(c, repeats[n]) for n, c in calls.items()}, min(rounds, 5))
    cells: list[tuple[str, ...]] = [HEADINGS]
    for name in calls:
        cells.append(_row(name, times, memory))
    cells.append(_many(rounds))
    if not with_theirs:
        cells.append(("psignifit", "not installed (make peers)", "", "", "", ""))
    cells.append(_fixed_points())
    text = (
        f"Intervals of all figures of 13 blocks of {N} trials, the fit included. *overdispersed* "
        "fits the beta-binomial eta too, as psignifit always does. Memory: how much the largest "
        "resident memory of a new process grew by one fit, after the imports."
    )
    return f"{text}\n\n{lined_up(cells)}"


def _calls(with_theirs: bool) -> dict[str, Callable[[], object]]:
    calls: dict[str, Callable[[], object]] = {}
    for form in FORMS:
        calls[f"{form}, intervals"] = lambda form=form: _ours(form, False)
        calls[f"{form}, overdispersed, intervals"] = lambda form=form: _ours(form, True)
        if with_theirs:
            calls[f"{form}, psignifit"] = lambda form=form: _theirs(form)
    return calls


def _ours(form: str, overdispersed: bool) -> object:
    column = "n_correct" if form == "2AFC" else "n_positive"
    data = pd.DataFrame({"x": X, "n_trials": N, column: K})
    fit: Any = psychometric(data, axis="x", overdispersion=overdispersed, **FORMS[form])
    return fit.interval()


def _theirs(form: str) -> object:
    import psignifit  # type: ignore[import-not-found]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = np.stack([X, K, np.full(len(X), N)], 1)
        return psignifit.psignifit(data, sigmoid="norm", experiment_type=form)


def _row(name: str, times: dict[str, Times], memory: dict[str, str]) -> tuple[str, ...]:
    form, mine = name.partition(",")[0], "psignifit" not in name
    theirs = times.get(f"{form}, psignifit")
    ratio = f"{times[name].ratio(theirs):.3f}" if mine and theirs else ""
    target = TARGETS[form] if name == f"{form}, intervals" else ""
    shown = (f"{times[name].median:.0f} ms", f"{times[name].best:.0f} ms")
    return (name, *shown, ratio, memory[name], target)


def _many(rounds: int) -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    x = np.linspace(-0.5, 0.5, 11)
    p = 0.03 + 0.94 / (1 + np.exp(-(x - rng.normal(0, 0.1, (N_FITS, 1))) / 0.08))
    data = pd.DataFrame(
        {
            "x": np.tile(x, N_FITS),
            "n_trials": 100,
            "n_positive": rng.binomial(100, p).ravel(),
            "checkpoint": np.repeat(np.arange(N_FITS), len(x)),
        }
    )
    call = {"fits": Candidate(lambda: psychometric(data, axis="x", by="checkpoint"), 1)}
    times = interleave(call, min(rounds, 3))["fits"]
    name = f"{N_FITS:,} fits of 11 levels, no intervals"
    seconds = (f"{times.median / 1e3:.1f} s", f"{times.best / 1e3:.1f} s")
    return (name, *seconds, "", "", "10 s")


def _fixed_points() -> tuple[str, ...]:
    command = [sys.executable, "-m", "benchmarks.analysis_fixed_points"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    name = "fixed points, 1,000 starts, 200 units"
    return (name, f"{found['seconds']:.1f} s", "", "", f"{found['grown']:.0f} MiB", "30 s")


def _memory_of(name: str) -> str:
    command = [sys.executable, "-m", "benchmarks.analysis", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return f"{json.loads(done.stdout):.0f} MiB"


def _growth(name: str) -> float:
    call = _calls("psignifit" in name)[name]
    if "psignifit" in name:
        import psignifit  # type: ignore[import-not-found] # noqa: F401
    before = peak()
    call()
    return peak() - before


if __name__ == "__main__":
    print(json.dumps(_growth(sys.argv[1])))
