"""Run folders: all that a training was and gave, in one place, put there whole.

    run.toml        every setting, the seed, the versions, and how the run ended
    network.keras   the network with its optimizer and rule
    weights.nc      its effective weights (postsynaptic, presynaptic), labelled
    history.csv     loss and accuracy, one row a segment
    session.nc      the network on an evaluation grid, with its noise: a Session
    sources/        the file of the task
    figures/        the figures of the report
    report.html     one page that needs no other file

A run that was interrupted or diverged has no session, and no report unless one is asked for.
"""

import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask import _run_files as files
from neurotask._checks import count
from neurotask._run_settings import describe
from neurotask.load import source_file
from neurotask.report import report
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# The evaluation: so many trials a cell of the grid, and bounds for grids of few or many cells.
TRIALS_A_CELL, FEWEST_TRIALS, MOST_TRIALS = 100, 1000, 5000
# Activity is kept where it has at most so many entries (float32: half a GiB); else outputs alone.
MOST_ACTIVITY = 2**27


@dataclass(frozen=True)
class Run:
    """A run folder, each part read when it is first asked for. `load_run` opens one.

    Args:
        path: the folder.
    """

    path: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What `run.toml` says, nested."""
        file = self.path / files.SETTINGS
        try:
            return tomllib.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"`{file}` must be valid TOML, got: {error}. Restore it as it was written."
            ) from None

    @cached_property
    def history(self) -> pd.DataFrame:
        """Updates, loss, accuracy and learning rate, one row a segment."""
        return pd.read_csv(self.path / files.HISTORY)

    @cached_property
    def session(self) -> xr.Dataset | None:
        """The network on the evaluation grid; None where the run did not get that far."""
        return files.read_session(self.path)

    @cached_property
    def weights(self) -> dict[str, xr.DataArray]:
        """The effective weights, "input", "recurrent" and "output", each (post, pre)."""
        return files.read_weights(self.path)

    @cached_property
    def model(self) -> "RecurrentModel":
        """The network. This part alone needs TensorFlow."""
        from neurotask.backend.files import load_model

        return load_model(self.path / files.NETWORK)

    def write_report(self) -> Path:
        """Make the figures and `report.html` from the other files; return the page's path."""
        made = report(self.settings, self.history, self.session, self.weights)
        (self.path / "figures").mkdir(exist_ok=True)
        for name, content in made.files().items():
            with files.whole(self.path / name) as part:
                part.write_bytes(content)
        return self.path / "report.html"


def load_run(path: Path | str) -> Run:
    """Return the run in a folder.

    Raises:
        FileNotFoundError: if there is none.
    """
    path = Path(path)
    if not (path / files.SETTINGS).is_file():
        missing = f"{path} has no {files.SETTINGS}" if path.is_dir() else f"there is no {path}"
        raise FileNotFoundError(f"`run` must be a run folder, but {missing}.")
    return Run(path)


def train(
    model: "RecurrentModel",
    task: Task,
    *,
    out: Path | str,
    updates: int,
    batch_size: int = 128,
    seed: int = 0,
    segment: int = 50,
    callbacks: Sequence[Any] = (),
) -> Run:
    """Train a compiled network on a task, test it, and keep everything in a new folder.

    The folder appears when training has ended, whole. Where training is interrupted or diverges, it
    holds the network as it was after the last good update, and the exception goes on.

    Args:
        model: the network, compiled.
        task: what to learn.
        out: the folder to make.
        updates: how many updates to make.
        batch_size: trials an update.
        seed: seed of trials and noise, in training and in the evaluation (streams of their own).
        segment: updates a segment, after each of which a row of the history is kept.
        callbacks: Keras callbacks.

    Returns:
        The run.

    Raises:
        FileExistsError: if `out` exists.
        KeyboardInterrupt, FloatingPointError: as `fit` raises them, with a note that names the
            folder; if no update was made, there is no folder.
    """
    import keras

    out = files.new_folder("out", out)
    plan = {
        "updates_asked": count("updates", updates),
        "batch_size": count("batch_size", batch_size),
        "segment": count("segment", segment),
        "seed": count("seed", seed, low=0),
    }
    model.check_fits(task)
    model.trainer  # noqa: B018 - raises where the network is not compiled
    source = source_file(task)
    sources = {source.name: source.read_bytes()}  # as it is now, not when training has ended
    trials = evaluation_trials(task, seed)  # now, so that a mistake in the task shows now
    evaluation = {"n_trials": len(trials.answers), "seed": seed, "noise": True}
    settings = describe(model, task, training=plan, evaluation=evaluation, sources=sources)
    history = keras.callbacks.History()

    def learn() -> None:
        watchers = [history, *callbacks]
        schedule = {"updates": updates, "batch_size": batch_size, "segment": segment}
        model.fit(task, **schedule, seed=seed, callbacks=watchers, verbose=0)

    with files.beside(out) as folder:
        stop, ended = _until_it_ends(model, learn)
        training = settings["training"] | ended.pop("training")
        settings = ended | settings | {"training": training}
        files.write_sources(folder, sources)
        model.save(folder / files.NETWORK)
        files.write_weights(folder, model.effective_weights())
        files.write_history(folder, history.history)
        files.write_settings(folder, settings)  # last: with it, the folder counts as a run
        try:
            if stop is None:
                _evaluate(folder, model, trials, seed)
        finally:  # what was learned is kept, whatever happens to its evaluation
            files.put(folder, out)
    if stop is not None:
        done = training["updates_done"]
        stop.add_note(f"What was learned in {done} update{'s' * (done > 1)} is in {out}.")
        raise stop
    return Run(out)


def evaluation_trials(task: Task, seed: int) -> Trials:
    """Return the grid that a network is tested on: about 100 trials a cell, none trained on."""
    cells, per_row = len(task.grid(seed=seed)), task.trials_per_block or 1
    wanted = np.clip(TRIALS_A_CELL * cells, FEWEST_TRIALS, MOST_TRIALS) / per_row
    return task.grid(repeats=int(np.ceil(wanted / cells)), seed=seed)


def _until_it_ends(
    model: "RecurrentModel", learn: Callable[[], None]
) -> tuple[BaseException | None, dict[str, Any]]:
    """Learn; return what stopped it, None for nothing, and how it ended, as settings.

    Raises:
        KeyboardInterrupt, FloatingPointError: where not one update was made.
    """
    before, clock = int(model.updates.numpy()), time.perf_counter()
    stop, status = None, {"status": "finished"}
    try:
        learn()
    except KeyboardInterrupt as error:
        stop, status = error, {"status": "interrupted"}
    except FloatingPointError as error:
        stop, status = error, {"status": "diverged", "message": str(error)}
    done = int(model.updates.numpy()) - before
    if stop is not None and done == 0:
        raise stop
    seconds = round(time.perf_counter() - clock, 1)
    return stop, {**status, "training": {"updates_done": done, "seconds": seconds}}


def _evaluate(folder: Path, model: "RecurrentModel", trials: Trials, seed: int) -> None:
    n_trials, n_steps, _ = trials.inputs.shape
    small = n_trials * n_steps * len(model.units) <= MOST_ACTIVITY
    session = model.run(trials, seed=seed, record=("states", "rates") if small else ())
    files.write_session(folder, session)
    Run(folder).write_report()
