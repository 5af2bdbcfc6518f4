"""Runs that are killed at random moments and resumed, against one that was never interrupted."""

import json
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import xarray as xr

from benchmarks.table import lined_up

ROOT = Path(__file__).parents[1]
HEADINGS = ("run", "killed after", "updates kept / logged", "in a checkpoint write", "identical")
UPDATES, EVERY = 200, 4  # updates of a run, and between evaluations of a stage
PATIENCE = 120.0  # seconds that a process may take to make its folder


@dataclass(frozen=True)
class Pace:
    """How long a run takes that nobody interrupts, s.

    Args:
        start: from the start of the process to the folder of the run.
        rest: from there to the end of the process.
    """

    start: float
    rest: float


@dataclass
class Fate:
    """What became of a run: one entry a kill.

    Args:
        after: when, s since the folder was made or, of resumed processes, would have been.
        kept: updates in the checkpoint at hand.
        logged: updates of the last row of the history.
        writing: whether a checkpoint was half written.
        different: what differs from the run that was not interrupted; empty: nothing.
    """

    after: list[float] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    logged: list[int] = field(default_factory=list)
    writing: list[bool] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def row(self) -> tuple[str, ...]:
        """The fate in words, one a column."""
        updates = zip(self.kept, self.logged, strict=True)
        return (
            ", ".join(f"{seconds:.2f} s" for seconds in self.after) or "not killed",
            ", ".join(f"{kept} / {logged}" for kept, logged in updates),
            ", ".join("yes" if one else "no" for one in self.writing),
            f"no: {', '.join(self.different)}" if self.different else "yes",
        )


def table(n_runs: int, seed: int = 0) -> str:
    """Return the fates of runs as a Markdown table, with what they sum up to."""
    with TemporaryDirectory() as folder:
        fates = list(killed_runs(Path(folder), n_runs, seed, at_once=2))
    rows = [(str(k + 1), *fate.row) for k, fate in enumerate(fates)]
    same = sum(not fate.different for fate in fates)
    kills = sum(len(fate.after) for fate in fates)
    writing = sum(sum(fate.writing) for fate in fates)
    words = (
        f"**{same} of {n_runs} runs identical** to the one that was not interrupted. {kills} kills "
        f"(SIGKILL), {writing} of them while a checkpoint was written."
    )
    return f"{words}\n\n{lined_up([HEADINGS, *rows])}"


def killed_runs(
    folder: Path, n_runs: int, seed: int = 0, at_once: int = 1, again: float = 0.5
) -> Iterator[Fate]:
    """Train a run in one go, then yield the fates of others that are killed and resumed.

    Args:
        folder: an empty folder to work in.
        n_runs: how many runs are killed.
        seed: seed of the moments.
        at_once: how many of them go on at the same time.
        again: share of the resumed processes that are killed too.
    """
    pace, whole = uninterrupted(folder / "whole"), folder / "whole"

    def fate(k: int) -> Fate:
        rng = np.random.default_rng([seed, k])
        return _killed_and_resumed(folder / f"run{k}", whole, pace, again, rng)

    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(fate, range(n_runs))


def uninterrupted(run: Path) -> Pace:
    """Make a run in one go; return how long it took."""
    begun, process = time.perf_counter(), _start(run)
    _wait_for_folder(run, process)
    made = time.perf_counter()
    _end(process)
    return Pace(made - begun, time.perf_counter() - made)


def differences(whole: Path, other: Path) -> list[str]:
    """Return what differs between two runs; the times when they were made may.

    Weights, optimizer and the state of the rule must be equal to the last bit, the logs to the last
    byte, Sessions and settings in every value.
    """
    found = []
    for name in ("checkpoint.keras", "network.keras"):
        one, two = arrays(whole / name), arrays(other / name)
        names = sorted(one.keys() | two.keys())
        found += [f"{name}:{k}" for k in names if not _equal(one.get(k), two.get(k))]
    for name in ("history.csv", "curriculum.csv"):
        if (whole / name).read_bytes() != (other / name).read_bytes():
            found.append(name)
    stages = [sorted(file.name for file in (run / "stages").iterdir()) for run in (whole, other)]
    if stages[0] != stages[1]:
        return [*found, "stages"]
    for name in (*(f"stages/{file}" for file in stages[0]), "session.nc", "weights.nc"):
        pair = [xr.load_dataset(run / name, engine="h5netcdf") for run in (whole, other)]
        if not pair[0].identical(pair[1]):
            found.append(name)
    if _settings(whole) != _settings(other):
        found.append("run.toml")
    return found


def arrays(file: Path) -> dict[str, Any]:
    """Return all that a checkpoint or a network holds by name: arrays, and texts of settings."""
    held: dict[str, Any] = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".h5"):
                with h5py.File(BytesIO(content)) as weights:
                    held |= {f"{name}/{k}": v for k, v in _datasets(weights).items()}
            elif name.endswith(".npz"):
                held |= {f"{name}/{k}": v for k, v in np.load(BytesIO(content)).items()}
            elif name != "metadata.json":  # says when it was saved
                held[name] = json.loads(content)
    return held


# --- inside ------------------------------------------------------------------------------------


def _killed_and_resumed(
    run: Path, whole: Path, pace: Pace, again: float, rng: np.random.Generator
) -> Fate:
    fate, rest = Fate(), pace.rest
    while (ended := _killed(run, pace.start, rng.uniform(0.0, rest), fate)) is not None:
        shutil.rmtree(run)  # it was faster than the first: once more, with a moment before its end
        rest = ended
    while ended is None and rng.random() < again:
        ended = _killed(run, pace.start, rng.uniform(0.0, rest), fate)
    if ended is None:
        _end(_start(run))
    fate.different = differences(whole, run)
    return fate


def _killed(run: Path, start: float, after: float, fate: Fate) -> float | None:
    """Start or resume a run and kill it; if it ended before, return after how many seconds."""
    resumed, process = run.exists(), _start(run)
    if not resumed:
        _wait_for_folder(run, process)
    begun = time.perf_counter()
    try:
        process.wait(start + after if resumed else after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    if process.returncode == 0:
        return time.perf_counter() - begun
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(said)
    with zipfile.ZipFile(run / "checkpoint.keras") as archive:
        state = json.loads(archive.read("training.json"))
    history = run / "history.csv"
    rows = history.read_text().splitlines()[1:] if history.exists() else []
    fate.after.append(after)
    fate.kept.append(state["done"])
    fate.logged.append(int(rows[-1].partition(",")[0] or 0) if rows else 0)
    fate.writing.append(any(run.glob(".checkpoint-*.keras")))
    return None


def _start(run: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.resume", str(run)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _end(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(said)


def _wait_for_folder(run: Path, process: subprocess.Popen[str]) -> None:
    patient_until = time.perf_counter() + PATIENCE
    while not run.exists():
        if process.poll() is not None or time.perf_counter() > patient_until:
            process.kill()
            raise RuntimeError(f"There is no run in {run}. {process.communicate()[1]}")
        time.sleep(0.002)


def _datasets(group: Any) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    group.visititems(note)
    return found


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    return type(one) is type(two) and one == two


def _settings(run: Path) -> dict[str, Any]:
    settings = tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))
    for name in ("started", "seconds"):
        del settings["training"][name]
    return settings


def _work(run: Path) -> None:
    """Train a run, or go on with it: what each process does."""
    from neurotask import runs

    if run.exists():
        runs.load_run(run).resume(verbose=0)
        return
    import keras

    import neurotask as nt

    sys.path.insert(0, str(Path(__file__).parent))
    import averaged_rule  # pyright: ignore[reportMissingImports] - bare, as a user's own file is

    task = nt.load("perceptual_discrimination", fixation=60.0, stimulus=120.0, decision=140.0)
    easy, hard = (task.replace(coherences=levels, noise=0.02) for levels in ((0.8,), (0.2, 0.5)))
    how: dict[str, Any] = {"every": EVERY, "trials": 32}
    curriculum = nt.Curriculum(
        (
            nt.Stage(easy, metric=averaged_rule.decided, threshold=1.0, limit=24,
                     on_limit="advance", learning_rate=0.005, **how),
            nt.Stage(hard, threshold=1.0, rehearsal=0.3, optimizer="reset", limit=40,
                     on_limit="advance", **how),
            nt.Stage([easy, hard], threshold=None, metric="loss", rehearsal=0.2, **how),
        ),
        target=nt.Stage(hard, threshold=1.0, every=10, trials=32, passes=3),
    )  # fmt: skip
    units = nt.Units(16, excitatory=0.75)
    model = nt.RateRNN.for_task(curriculum, units=units, noise=0.05, seed=1)
    adam = keras.optimizers.AdamW(0.003, weight_decay=0.01, use_ema=True, ema_overwrite_frequency=7)
    model.compile(adam, rule=averaged_rule.Averaged())
    plan: dict[str, Any] = {"updates": UPDATES, "batch_size": 16, "seed": 2}
    runs.train(model, curriculum, out=run, **plan, checkpoint_updates=1)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
