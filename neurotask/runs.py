"""Run folders: all that a training is, as it goes and when it has ended, in one place.

    run.toml          every setting, the seed, the versions, and how the run stands
    checkpoint.keras  network, optimizer, rule and curriculum, to go on from
    network.keras     the network with its optimizer and rule, at the end
    weights.nc        its effective weights (postsynaptic, presynaptic), labelled
    history.csv       loss and accuracy, one row a segment, written as training goes
    curriculum.csv    the log of a curriculum, one row an evaluation, written as training goes
    stages/           behaviour of the network where a stage begins or ends: Sessions by update
    session.nc        the network on an evaluation grid, with its noise: a Session
    sources/          the files of task, curriculum and network, and source.json
    figures/          the figures of the report
    report.html       one page that needs no other file

The folder appears whole before the first update. A run that was interrupted, killed or diverged has
no session, and no report unless one is asked for; `load_run(folder).resume()` goes on.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask import _run_files as files
from neurotask._blocks import by_trial
from neurotask._checks import count, number
from neurotask._run_settings import describe
from neurotask._run_sources import check_sources, read_source, sources_of
from neurotask.analyses.analyze import analyze, forget, read, write
from neurotask.analyses.material import Material
from neurotask.curriculum.course import Course, PlainCourse, Replay
from neurotask.curriculum.curriculum import Curriculum, as_curriculum
from neurotask.curriculum.log import as_table, read_log
from neurotask.distributions import Levels
from neurotask.on_channels import on_channels
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
        return files.read_settings(self.path)

    @property
    def status(self) -> str:
        """How it stands: "running" (or killed), "finished", "interrupted", "failed", "diverged"."""
        return self.settings["status"]

    @cached_property
    def history(self) -> pd.DataFrame:
        """Updates, loss, accuracy and learning rate, one row a segment."""
        return files.read_history(self.path)

    @cached_property
    def log(self) -> pd.DataFrame:
        """The log of the curriculum, one row an evaluation; empty for a task."""
        file = self.path / files.CURRICULUM
        return read_log(file) if file.exists() else as_table([])

    @cached_property
    def session(self) -> xr.Dataset | None:
        """The network on the evaluation grid; None where the run did not get that far."""
        return files.read_session(self.path)

    @cached_property
    def sessions(self) -> dict[int, xr.Dataset]:
        """Behaviour where stages of a curriculum begin or end, by update, as Sessions."""
        return files.read_boundaries(self.path)

    @cached_property
    def weights(self) -> dict[str, xr.DataArray]:
        """The effective weights, "input", "recurrent" and "output", each (post, pre)."""
        return files.read_weights(self.path)

    @cached_property
    def source(self) -> Task | Curriculum:
        """What was trained on. A task or curriculum of a bare file is code, which runs here."""
        return read_source(self.path)

    @property
    def task(self) -> Task:
        """What the network was to learn: the task, or what the curriculum leads to."""
        return self.source if isinstance(self.source, Task) else self.source.goal

    @cached_property
    def curriculum(self) -> Curriculum | None:
        """The curriculum with its log, None for a run on a task."""
        if isinstance(self.source, Task):
            return None
        object.__setattr__(self.source, "_last_course", Replay(self.log.to_dict("records")))
        return self.source

    @cached_property
    def model(self) -> "RecurrentModel":
        """The network, at the end or at the last checkpoint. This part alone needs TensorFlow."""
        from neurotask.backend.checkpoints import CHECKPOINT
        from neurotask.backend.files import load_model

        network = self.path / files.NETWORK  # of a run that was resumed, where it stood before
        is_there = network.exists() and self.status != "running"
        path = network if is_there else self.path / CHECKPOINT
        return load_model(path, code=self._code)

    def resume(
        self,
        *,
        updates: int | None = None,
        source: Any = None,
        callbacks: Sequence[Any] = (),
        verbose: int = 1,
        live: bool = False,
        force: bool = False,
    ) -> "Run":
        """Go on from the last checkpoint, to the end that the run was to have.

        The run ends with the same bits as one that was never stopped: weights, optimizer, rule and
        logs. That holds on the same machine, with the same versions and engine; anything else is
        refused. Code of bare files in `sources` runs, as an import does.

        Args:
            updates: updates of the run in all, to make it longer; None: as it was to have.
            source: the task or curriculum, where the folder could not hold it.
            callbacks: Keras callbacks; they start anew.
            verbose: 1 shows Keras' progress bar, 0 nothing.
            live: show the course of training as it goes.
            force: go on with other versions, on another machine or with changed code too.

        Returns:
            The run as it then is.

        Raises:
            FileNotFoundError: if there is no checkpoint.
            ValueError: if it is truncated, of other versions, of another task, or the run diverged.
            RuntimeError: if another process trains it.
        """
        watching = _watching(callbacks, verbose, live)
        with files.locked(self.path):
            return _resume(self, updates, source, force, watching)

    def write_report(self) -> Path:
        """Make the figures and `report.html` from the other files; return the page's path."""
        made = report(
            self.settings,
            self.history,
            self.session,
            self.weights,
            self.log,
            self.sessions,
            read(self.path),
        )
        (self.path / "figures").mkdir(exist_ok=True)
        for name, content in made.files().items():
            with files.whole(self.path / name) as part:
                part.write_bytes(content)
        return self.path / "report.html"

    def analyze(self, *, seed: int = 0, say: Callable[[str], None] = lambda name: None) -> Path:
        """Make every analysis that applies, and a report that shows them; return its path.

        Behaviour, units, population, dynamics, circuit: what the task and the network have. Each
        leaves a figure (`figures/analysis_*.svg` and `.png`) and a table (`analysis/*.csv`); one
        that cannot be made says why in the report.

        Args:
            seed: of what is random in the analyses.
            say: is told the name of each analysis that was made.

        Raises:
            ValueError: if the run was not tested, or the seed is no number of 0 or more.
        """
        count("seed", seed, low=0)
        if self.session is None:
            raise ValueError(
                f"`{self.path}` must hold {files.SESSION}, the test of the network, got none. "
                "Let the training end, or resume it."
            )
        material = Material(
            by_trial(self.session), self.weights, lambda: self.model, lambda: self.task, seed
        )
        write(self.path, analyze(material, say))
        return self.write_report()

    def __repr__(self) -> str:
        training = self.settings["training"]
        done, asked = training["updates_done"], training["updates_asked"]
        status = self.status
        if status == "running":
            status = "running, or killed"
            if len(self.history):
                done = int(self.history["updates"].iloc[-1]) - training["updates_before"]
        return f"<Run {self.path}: {status}, {done} of {asked} updates>"

    @property
    def _code(self) -> list[Path]:
        names = self.settings["model"].get("code", [])
        return [self.path / files.SOURCES / name for name in names]


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
    source: Any,
    *,
    out: Path | str,
    updates: int,
    batch_size: int = 128,
    seed: int = 0,
    segment: int | None = None,
    callbacks: Sequence[Any] = (),
    verbose: int = 0,
    live: bool = False,
    checkpoint_seconds: float | None = 30.0,
    checkpoint_updates: int | None = None,
) -> Run:
    """Train a compiled network on a task or curriculum, test it, and keep everything in a folder.

    Where training is interrupted or fails, the folder holds what was learned up to the end of the
    last segment, and the exception goes on; where it diverges, the network as it was after the last
    good update.

    Args:
        model: the network, compiled.
        source: what to learn.
        out: the folder to make.
        updates: how many updates to make (of a curriculum, at most).
        batch_size: trials an update.
        seed: seed of trials and noise, in training and in the evaluation (streams of their own).
        segment: updates a segment, after each of which a row of the history is kept.
        callbacks: Keras callbacks.
        verbose: 1 shows Keras' progress bar, 0 nothing.
        live: show the course of training as it goes.
        checkpoint_seconds: seconds after which the next segment end is a checkpoint; None: no time.
        checkpoint_updates: updates after which it is; None: no number.

    Returns:
        The run.

    Raises:
        FileExistsError: if `out` exists.
        KeyboardInterrupt, FloatingPointError: as `fit` raises them, with a note that names the
            folder; if not one segment was made, there is no folder.
    """
    schedule = {"updates": updates, "batch_size": batch_size, "seed": seed, "segment": segment}
    every = {"checkpoint_seconds": checkpoint_seconds, "checkpoint_updates": checkpoint_updates}
    watching = _watching(callbacks, verbose, live)
    course, plan = prepare(model, source, out, **schedule, **every)
    run = Run(Path(out))
    with files.locked(run.path):
        return _carry_on(run, model, course, plan | {"done": 0}, watching, is_new=True)


def prepare(
    model: "RecurrentModel",
    source: Any,
    out: Path | str,
    *,
    updates: int,
    batch_size: int = 128,
    seed: int = 0,
    segment: int | None = None,
    checkpoint_seconds: float | None = 30.0,
    checkpoint_updates: int | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> tuple[Course | PlainCourse, dict[str, Any]]:
    """Make the folder of a run that has not begun, ready to be resumed.

    Args:
        model: the network, compiled; see `train` for it and for what follows.
        source: what to learn.
        out: the folder to make.
        updates: how many updates to make.
        batch_size: trials an update.
        seed: seed of trials and noise.
        segment: updates a segment.
        checkpoint_seconds: seconds between checkpoints.
        checkpoint_updates: updates between checkpoints.
        evaluation: how the network is tested at the end: `seed`, `repeats` of the grid, the
            activity to `record`, and whether there is a `report`; None: about 100 trials a cell,
            all activity that is not too large, and a report.

    Returns:
        The course, and the plan that checkpoints hold.
    """
    from neurotask.backend.checkpoints import write_checkpoint
    from neurotask.backend.starting import begin

    out = files.new_folder("out", out)
    plan = {
        "updates": count("updates", updates),
        "batch_size": count("batch_size", batch_size),
        "seed": count("seed", seed, low=0),
        "segment": segment if segment is None else count("segment", segment),
        "first": int(model.updates.numpy()),
        **_checkpoints(checkpoint_seconds, checkpoint_updates),
    }
    model.trainer  # noqa: B018 - raises where the network is not compiled
    course = begin(model, source, batch_size, seed, segment)
    goal = _goal(source)
    plan["scored"] = goal.decision_rule is not None
    plan["evaluation"] = dict(evaluation or _evaluation(model, goal, plan["seed"]))
    sources = sources_of(_kept(source), _network(model))  # as they are now, not at the end
    training = {name: plan[name] for name in ("batch_size", "seed")}
    training |= {"updates_before": plan["first"], "updates_asked": updates}
    training |= {"updates_done": 0, "seconds": 0.0}
    training |= {} if segment is None else {"segment": segment}
    tested = {"n_trials": len(_evaluation_trials(model, goal, plan).answers), "noise": True}
    settings = describe(
        model,
        goal,
        curriculum=None if isinstance(source, Task) else as_curriculum(source),
        training=training,
        evaluation=tested | {"seed": plan["evaluation"]["seed"]},
        sources=sources,
    )
    # What tells its checkpoints from those of other runs.
    kept = {name: plan[name] for name in ("seed", "batch_size", "segment", "first")}
    what = json.dumps([kept, settings["source"], repr(settings["model"]), sources.hashes])
    plan["run"] = settings["run"] = hashlib.sha256(what.encode()).hexdigest()[:16]
    with files.beside(out) as folder:
        files.write_sources(folder, sources.files)
        state = {"done": 0, "course": course.state, "sizes": {}}
        write_checkpoint(model, folder, plan | state)
        files.write_settings(folder, {"status": "running"} | settings)
        files.put(folder, out)
    return course, plan


def evaluation_trials(task: Task, seed: int) -> Trials:
    """Return the grid that a network is tested on: about 100 trials a cell, none trained on."""
    return task.grid(repeats=_repeats(task, seed), seed=seed)


# --- inside ------------------------------------------------------------------------------------


def _watching(callbacks: Any, verbose: Any, live: Any) -> dict[str, Any]:
    from neurotask.backend.starting import check_watching

    check_watching(callbacks, verbose, live)
    return {"callbacks": callbacks, "verbose": verbose, "live": live}


def _resume(
    run: Run, updates: int | None, source: Any, force: bool, watching: Mapping[str, Any]
) -> Run:
    from neurotask.backend.checkpoints import read_checkpoint, read_state
    from neurotask.backend.starting import begin

    path, settings = run.path, files.read_settings(run.path)
    if settings["status"] == "diverged":
        raise ValueError(
            f"`run` must be one that did not diverge, but {path} did and would again: "
            f"{settings['message']} Train anew in another folder."
        )
    plan = read_state(path)
    if plan["run"] != settings["run"]:
        raise ValueError(
            f"`checkpoint.keras` must be of this run, but that in {path} is of another. Restore "
            "the one that was there."
        )
    plan["updates"] = count("updates", plan["updates"] if updates is None else updates)
    if plan["updates"] < plan["done"]:
        raise ValueError(
            f"`updates` must be the {plan['done']} that were made or more, got {updates}."
        )
    if settings["status"] == "finished" and _nothing_left(path, plan):
        return Run(path)
    if not force:
        check_sources(path, settings["sources"])  # before any of them is run
    again = read_source(path) if source is None else source
    if source is not None and repr(_kept(source)) != settings["source"]:
        raise ValueError(
            f"`source` must be what the run was started with, {settings['source']}, got {source!r}."
        )
    model = read_checkpoint(path, plan, run._code, force)
    if not force:
        check_sources(path, settings["sources"], sources_of(_kept(again), _network(model)))
    files.cut_logs(path, plan["sizes"])
    files.cut_boundaries(path, plan["first"] + plan["done"])
    log = path / files.CURRICULUM
    rows = read_log(log).to_dict("records") if log.exists() else []
    state = plan["course"] or None
    course = begin(model, again, plan["batch_size"], plan["seed"], plan["segment"], state, rows)
    return _carry_on(run, model, course, plan, watching)


def _carry_on(
    run: Run,
    model: "RecurrentModel",
    course: Course | PlainCourse,
    plan: dict[str, Any],
    watching: Mapping[str, Any],
    is_new: bool = False,
) -> Run:
    """Train to the end, keep the folder up to date, and test the network."""
    from neurotask.backend.keeping import Keeper
    from neurotask.backend.watching import watched

    goal = course.task if isinstance(course, PlainCourse) else course.curriculum.goal
    trials = _evaluation_trials(model, goal, plan)
    boundary = None
    if isinstance(course, Course) and plan["scored"]:
        boundary = _boundary_trials(model, course.curriculum, plan)
    left, clock = plan["updates"] - plan["done"], time.perf_counter()
    before = files.read_settings(run.path)
    if left:
        files.write_settings(run.path, _under_way(before, plan["updates"]))
        for name in (files.SESSION, "report.html"):  # of what the network was before
            (run.path / name).unlink(missing_ok=True)
        forget(run.path)
    keeper = Keeper(model, course, run.path, plan, boundary)
    stop: BaseException | None = None
    ended = {"status": "finished"}
    try:
        if boundary is not None and plan["done"] == 0:
            keeper.test_boundary()
        with watched(course, left, **watching) as watchers:
            model.trainer.fit(course, left, plan["batch_size"], plan["seed"], *watchers, keeper)
    except FloatingPointError as error:
        stop, ended = error, {"status": "diverged", "message": str(error)}
    except BaseException as error:
        stop, ended = error, {"status": "failed", "message": f"{type(error).__name__}: {error}"}
        if isinstance(error, KeyboardInterrupt):
            ended = {"status": "interrupted"}
        keeper.roll_back()
    if stop is not None and keeper.done == plan["done"]:
        keeper.close()
        if is_new:  # nothing was learned that could be lost
            shutil.rmtree(run.path)
        else:
            diverged = {**ended, **{k: v for k, v in before.items() if k not in ended}}
            files.write_settings(run.path, diverged if ended["status"] == "diverged" else before)
        raise stop
    try:
        if ended["status"] in ("interrupted", "failed"):
            keeper.checkpoint()
        seconds = time.perf_counter() - clock
        _write_end(run.path, model, ended, plan["updates"], keeper.done, seconds)
    except OSError as error:
        if stop is None:
            error.add_note(f"All updates are in {run.path}; resume it to have the rest.")
            raise
        stop.add_note(f"The run in {run.path} ends with its last checkpoint: {error}")
        raise stop from None
    finally:
        keeper.close()
    if stop is not None:
        done = keeper.done
        stop.add_note(f"What was learned in {done} update{'s' * (done > 1)} is in {run.path}.")
        raise stop
    _evaluate(run.path, model, trials, plan["evaluation"])
    return Run(run.path)


def _nothing_left(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Whether training is over and its end is written."""
    parts = [files.NETWORK, files.WEIGHTS, files.SESSION]
    parts += ["report.html"] if plan["evaluation"]["report"] else []
    over = plan["course"].get("over") or plan["done"] == plan["updates"]
    return bool(over) and all((folder / part).exists() for part in parts)


def _under_way(settings: Mapping[str, Any], asked: int) -> dict[str, Any]:
    """Return the settings of a run as they are while it is trained."""
    rest = {name: value for name, value in settings.items() if name not in ("status", "message")}
    return {"status": "running", **rest, "training": rest["training"] | {"updates_asked": asked}}


def _write_end(
    folder: Path,
    model: "RecurrentModel",
    ended: Mapping[str, str],
    asked: int,
    done: int,
    seconds: float,
) -> None:
    model.save(folder / files.NETWORK)
    files.write_weights(folder, model.effective_weights())
    settings = files.read_settings(folder)
    for name in ("status", "message"):
        settings.pop(name, None)
    training = settings["training"]
    training |= {"updates_asked": asked, "updates_done": done}
    training["seconds"] = round(training["seconds"] + seconds, 1)
    files.write_settings(folder, {**ended, **settings})


def _evaluate(
    folder: Path, model: "RecurrentModel", trials: Trials, evaluation: Mapping[str, Any]
) -> None:
    record = tuple(evaluation["record"])
    session = model.run(trials, seed=evaluation["seed"], record=record)
    files.write_session(folder, session)
    if evaluation["report"]:
        Run(folder).write_report()


def _evaluation(model: "RecurrentModel", task: Task, seed: int) -> dict[str, Any]:
    repeats = _repeats(task, seed)
    n_trials, n_steps, _ = task.grid(repeats=repeats, seed=seed).inputs.shape
    small = n_trials * n_steps * len(model.units) <= MOST_ACTIVITY
    record = ["states", "rates"] if small else []
    return {"seed": seed, "repeats": repeats, "record": record, "report": True}


def _evaluation_trials(model: "RecurrentModel", task: Task, plan: Mapping[str, Any]) -> Trials:
    wide = on_channels(task, tuple(model.input_names), tuple(model.output_names))
    return wide.grid(repeats=plan["evaluation"]["repeats"], seed=plan["evaluation"]["seed"])


def _boundary_trials(
    model: "RecurrentModel", curriculum: Curriculum, plan: Mapping[str, Any]
) -> Trials:
    """Return trials of what the curriculum leads to, at the strengths of all its stages.

    The psychometric function needs levels, and a last stage may have one alone.
    """
    goal, seed = curriculum.goal, plan["seed"]
    axis, levels = goal.psychometric_axis, set[float]()
    for task in curriculum.tasks:
        factor = task.varying.get(axis) if axis is not None else None
        if isinstance(factor, Levels) and factor.is_numeric:
            levels |= {float(level) for level in factor.values}
    wide = on_channels(goal, tuple(model.input_names), tuple(model.output_names))
    if axis is None or not levels or axis not in goal.varying:
        return wide.grid(repeats=_repeats(goal, seed), seed=seed)
    cells = {axis: sorted(levels)}
    repeats = int(np.clip(TRIALS_A_CELL, 1, MOST_TRIALS // len(levels)))
    return wide.grid(repeats=repeats, seed=seed, **cells)


def _repeats(task: Task, seed: int) -> int:
    cells, per_row = len(task.grid(seed=seed)), task.trials_per_block or 1
    wanted = np.clip(TRIALS_A_CELL * cells, FEWEST_TRIALS, MOST_TRIALS) / per_row
    return int(np.ceil(wanted / cells))


def _checkpoints(seconds: float | None, updates: int | None) -> dict[str, Any]:
    if seconds is not None:
        seconds = number("checkpoint_seconds", seconds, low=0.0)
    if updates is not None:
        updates = count("checkpoint_updates", updates)
    return {"checkpoint_seconds": seconds, "checkpoint_updates": updates}


def _goal(source: Any) -> Task:
    return source if isinstance(source, Task) else as_curriculum(source).goal


def _kept(source: Any) -> Task | Curriculum:
    return source if isinstance(source, Task) else as_curriculum(source)


def _network(model: "RecurrentModel") -> list[Any]:
    """Return the class and all settings of a network and of how it learns."""
    learning = [model.rule, model.loss_function, model.penalties, model.optimizer]
    return [type(model), model.network.dynamics, model.settings, learning]
