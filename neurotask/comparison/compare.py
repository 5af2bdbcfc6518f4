"""`compare`: train variants in pairs by seed, to one criterion, and keep all that comes of it."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose, count
from neurotask.comparison.comparison import Comparison
from neurotask.comparison.progress import ShowRuns
from neurotask.comparison.record import keep_record, run_folder
from neurotask.comparison.variants import Variant, aimed, all_channels, variants_of
from neurotask.comparison.workers import is_over, train_all, train_here
from neurotask.curriculum.measures import Metric
from neurotask.curriculum.mixtures import Channels
from neurotask.curriculum.stage import Stage
from neurotask.runs import evaluation_trials, prepare
from neurotask.task import Task

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

TEST_SEED = 0  # of the held-out test: the same trials and noise for every network


def compare(
    variants: Any,
    task: Task | None = None,
    *,
    seeds: int | Sequence[int] = 10,
    updates: int = 1000,
    batch_size: int = 128,
    threshold: Any = ...,
    metric: Metric = "accuracy",
    every: int = 50,
    trials: int = 256,
    passes: int = 1,
    units: Any = 50,
    record: Sequence[str] = (),
    out: Path | str | None = None,
    processes: int | None = None,
    verbose: int = 1,
    **settings: Any,
) -> Comparison:
    """Train networks in several ways, in pairs by seed, each until it reaches one criterion.

    The networks of a seed start from the same weights (where their architecture is the same) and
    see the same random stream, whatever the variant. All are tested equally often, on fresh trials
    of the one task that all are for, beside what their own curricula test, and stop when they pass;
    at the end all are tested on the same held-out trials.

    Runs are trained side by side, in processes of their own. Each is a run folder, so that nothing
    is lost when training is interrupted: call again with the same `out`, and it goes on. The result
    is the same bit for bit, whatever the number of processes or interruptions.

    Args:
        variants: what differs, by name: a task or a curriculum to train on (or what a `Stage` may
            hold), or a dict of settings: `source` (what to train on; unless given, the task),
            `model` (a class, RateRNN unless given), the model's own (`units`, `recurrent`, `noise`,
            ...), `optimizer`, `learning_rate`, `rule`, `loss`, `regularizers`, `batch_size`. A list
            of curricula gets names.
        task: what all are for; None: what the curricula lead to, which must then be one task.
        seeds: how many networks a variant, or a list of their seeds.
        updates: how many updates each may have.
        batch_size: trials an update.
        threshold: the criterion, as of a `Stage` (0.9 for a share correct); None: there is none,
            and a task is trained for all updates, a curriculum to its own end.
        metric: what is compared with it; see `Stage`, as for the next three.
        every: updates between tests of the criterion.
        trials: trials a test.
        passes: tests in a row that must be passed.
        units: number of units, or `Units`.
        record: activity that is kept of the held-out test: "states", "rates".
        out: the folder, new or that of the same comparison, which then goes on; None: a temporary
            one, which is there as long as the result.
        processes: how many runs are trained at a time. None: as many as there are cores; 1: one
            after the other in this process, as tasks and networks defined in a notebook always are.
        verbose: 1 shows how far all is, 0 nothing.
        **settings: settings of all variants, of the same kinds as theirs.

    Returns:
        The comparison: `.table`, `.test()`, `.sessions`, `.runs`, `.plot()`.

    Raises:
        TypeError, ValueError: for settings that cannot be, before anything is trained.
        RuntimeError: if runs failed, after all others have ended; it names their folders.
        KeyboardInterrupt: as it came, after all runs were kept.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("rdm", coherences=(0.512,), fixation=100.0, stimulus=200.0)
        >>> rates = {"slow": {"learning_rate": 0.0001}, "fast": {"learning_rate": 0.01}}
        >>> small = {"seeds": 1, "updates": 2, "batch_size": 4, "units": 4}
        >>> c = compare(rates, task, **small, every=1, trials=4, processes=1, verbose=0)
        >>> c.table[["variant", "seed"]].values.tolist()
        [['slow', 0], ['fast', 0]]
    """
    common = {"batch_size": batch_size, "units": units, **settings}
    made, goal = variants_of(variants, task, common)
    seeds, updates = _seeds(seeds), count("updates", updates)
    if processes is not None:
        processes = count("processes", processes)
    for name in record:
        choose("record", name, ("states", "rates"))
    if verbose not in (0, 1):
        raise ValueError(f"`verbose` must be 0 or 1, got {verbose!r}.")
    target = None
    if threshold is not None:
        criterion = {"metric": metric, "every": every, "trials": trials, "passes": passes}
        target = Stage(goal, threshold=threshold, **criterion)
    plan = _Plan(made, goal, target, seeds, updates, record)
    models = plan.first_models()
    folder = Path(tempfile.mkdtemp(prefix="comparison-")) if out is None else Path(out)
    try:
        keep_record(folder, plan.settings(models))
        here = plan.prepare(folder)
        _train(Comparison(folder), plan.sources, here, processes, updates, verbose)
    except BaseException as error:
        if out is None:
            error.add_note(f"What was trained is in {folder}; give it as out=... to go on.")
        raise
    comparison = Comparison(folder)
    if out is None:
        weakref.finalize(comparison, shutil.rmtree, folder, ignore_errors=True)
    return comparison


class _Plan:
    """What is to be trained: variants by seeds, checked before anything is."""

    def __init__(
        self,
        variants: Sequence[Variant],
        goal: Task,
        target: Stage | None,
        seeds: Sequence[int],
        updates: int,
        record: Sequence[str],
    ):
        self._variants, self._goal, self._target = variants, goal, target
        self._seeds, self._updates, self._record = seeds, updates, list(record)
        self._channels: Channels = all_channels(variants, goal)
        self.sources = {
            variant.name: aimed(variant.source, target, self._channels, updates)
            for variant in variants
        }

    def first_models(self) -> dict[str, "RecurrentModel"]:
        """Return the network of the first seed of each variant, checked against what it learns."""
        from neurotask.backend.starting import begin

        models = {}
        for variant in self._variants:
            try:
                models[variant.name] = variant.model(self._channels, self._seeds[0])
                source = self.sources[variant.name]
                begin(models[variant.name], source, variant.batch_size, self._seeds[0], None)
            except (TypeError, ValueError) as error:
                error.add_note(f"This was in variant {variant.name!r}.")
                raise
        return models

    def settings(self, models: Mapping[str, "RecurrentModel"]) -> dict[str, Any]:
        """Return all that the comparison is, as nested plain values."""
        from neurotask._run_settings import describe
        from neurotask._run_sources import Sources

        told = {}
        for variant in self._variants:
            model, source = models[variant.name], self.sources[variant.name]
            curriculum = None if isinstance(source, Task) else source
            own = variant.source
            told[variant.name] = {
                "folder": variant.folder,
                "stages": 0 if isinstance(own, Task) else len(own.stages),
            } | describe(
                model,
                self._goal,
                curriculum=curriculum,
                training={"batch_size": variant.batch_size},
                evaluation={"repeats": self._repeats, "record": self._record},
                sources=Sources({}, [], ""),
            )
            for name in ("versions", "sources"):  # of each run, in its own folder
                del told[variant.name][name]
            del told[variant.name]["training"]["started"]
            del told[variant.name]["optimizer"]["name"]  # counts the optimizers of this process
            told[variant.name]["model"].pop("seed")
        target = {} if self._target is None else {"criterion": repr(self._target)}
        plan = {"task": repr(self._goal), **target, "updates": self._updates}
        return {**plan, "seeds": list(self._seeds), "variants": told}

    def prepare(self, out: Path) -> list[Path]:
        """Make the folders of all runs; return those of runs that this process alone can train."""
        here = []
        tested = {"seed": TEST_SEED, "repeats": self._repeats, "record": self._record}
        evaluation = tested | {"report": False}  # `run.write_report()` makes one
        for seed in self._seeds:
            starts: dict[str, list[np.ndarray]] = {}
            for variant in self._variants:
                folder = run_folder(out, variant.folder, seed)
                model = None
                if not folder.exists():
                    model = variant.model(self._channels, seed)
                    _check_start(starts, variant.name, model)
                    plan = {"updates": self._updates, "batch_size": variant.batch_size}
                    source = self.sources[variant.name]
                    prepare(model, source, folder, **plan, seed=seed, evaluation=evaluation)
                if _only_here(folder, variant):
                    here.append(folder)
        return here

    @property
    def _repeats(self) -> int:
        held_out = evaluation_trials(self._goal, TEST_SEED)
        return len(held_out) // len(self._goal.grid(seed=TEST_SEED))


def _check_start(
    starts: dict[str, list[np.ndarray]], variant: str, model: "RecurrentModel"
) -> None:
    """Raise unless networks of one seed and one architecture start from the same weights."""
    own = {name: value for name, value in model.settings.items() if name != "task"}
    key, weights = f"{type(model).__name__} {own!r}", model.get_weights()
    first = starts.setdefault(key, weights)
    if not all(np.array_equal(a, b) for a, b in zip(first, weights, strict=True)):
        raise RuntimeError(
            f"`variants` must start from the same weights in a pair, but {variant!r} does not. "
            "An initializer that draws by itself cannot be paired; give it the network's seed."
        )


def _train(
    comparison: Comparison,
    sources: Mapping[str, Any],
    here: Sequence[Path],
    processes: int | None,
    updates: int,
    verbose: int,
) -> None:
    """Train what is not over yet, and raise at the end if some of it failed."""
    from rich.console import Console

    of = {run.path: key for key, run in comparison.runs.items()}
    left = [run.path for run in comparison.runs.values() if not is_over(run)]
    names = {path: f"{of[path][0]}, seed {of[path][1]}" for path in left}
    over = len(of) - len(left)
    failed: dict[Path, str] = {}
    console = Console(stderr=True) if verbose else None
    with ShowRuns(names, updates, over, console) as shown:

        def told(run: Path, what: Mapping[str, Any]) -> None:
            if "failed" in what:
                failed[run] = what["failed"]
            shown.told(run, what)

        apart = [path for path in left if path not in here]
        n = min(os.cpu_count() or 1 if processes is None else processes, len(apart))
        if processes != 1 and apart:
            train_all(apart, n, told)
            left = [path for path in left if path in here]
        for path in left:
            try:
                train_here(path, lambda what, path=path: told(path, what), sources[of[path][0]])
            except Exception as error:
                told(path, {"failed": f"{type(error).__name__}: {error}"})
    if failed:
        path, why = next(iter(failed.items()))
        raise RuntimeError(
            f"`compare` must train all runs, but {len(failed)} of {len(of)} failed. {path}: {why}. "
            "The others are kept; call again with the same out=... to go on."
        )


def _only_here(folder: Path, variant: Variant) -> bool:
    """Whether a run needs code that only this process has: of a notebook or a script."""
    return not (folder / "sources" / "source.json").is_file() or _of_main(variant.settings)


def _of_main(value: Any) -> bool:
    """Whether a setting, or one inside it, is defined where no file can name it."""
    if isinstance(value, Mapping):
        return any(map(_of_main, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_of_main, value))
    named = value if callable(value) and hasattr(value, "__module__") else type(value)
    inside = getattr(value, "__dataclass_fields__", {})
    of_main = getattr(named, "__module__", None) == "__main__"
    return of_main or any(_of_main(getattr(value, name, None)) for name in inside)


def _seeds(seeds: Any) -> list[int]:
    if isinstance(seeds, (int, np.integer)):
        return list(range(count("seeds", seeds)))
    given = [count("seeds", seed, low=0) for seed in seeds]
    if not given or len(set(given)) < len(given):
        raise ValueError(f"`seeds` must be a number or different seeds, got {seeds!r}.")
    return given
