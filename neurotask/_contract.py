"""The points of the contract of tasks, one function each.

Each returns None where the point holds, the reason where a task gives no occasion to check it, and
raises an AssertionError where it is broken.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from neurotask import distributions
from neurotask._streams import Stream
from neurotask.distributions import Levels, OwnChoice
from neurotask.multitask import MultiTask
from neurotask.task import Task, under
from neurotask.trials import RESERVED, Trials

N = 48  # rows of the batches that are looked at
N_SCORED = 384  # trials that an observer is scored on


def _repr(task: Task) -> str | None:
    if not _own(task) and not isinstance(task, MultiTask):
        return "it wraps what has no exact repr"
    known = {found.__name__: found for found in _subclasses(Task)}
    module = vars(sys.modules[type(task).__module__])
    again = eval(repr(task), {**vars(distributions), **known, **module})
    _say(again == task, f"eval(repr(task)) must equal the task, got {again!r}")
    return None


def _shapes(task: Task) -> str | None:
    trials = _batch(task)
    rows, steps = trials.inputs.shape[:2]
    for name, channels in (
        ("inputs", task.inputs),
        ("targets", task.outputs),
        ("mask", task.outputs),
    ):
        array = getattr(trials, name)
        _say(array.dtype == np.float32, f"{name} must be float32, got {array.dtype}")
        shape = (rows, steps, len(channels))
        _say(array.shape == shape, f"{name} must have shape {shape}, got {array.shape}")
        _say(bool(np.isfinite(array).all()), f"{name} must be finite")
    _say(rows == N, f"a batch of {N} must have {N} rows, got {rows}")
    _say((trials.mask >= 0).all() and trials.mask.any(), "the mask must ask for something")
    for name, values in trials.columns.items():
        n = rows * (trials.per_block or 1)
        _say(values.shape == (n,), f"condition {name} must be one a trial, got {values.shape}")
    return None


def _names(task: Task) -> str | None:
    for name in _batch(task).columns:
        # The subject's own choice gives way to what was chosen.
        own = name == "choice" and isinstance(task.varying.get(name), OwnChoice)
        free = own or name not in RESERVED
        _say(free, f"condition {name} must have another name: results have {name}")
    return None


def _seeds(task: Task) -> str | None:
    state = np.random.get_state()  # noqa: NPY002 (it is what must not be used)
    one, same, other = _batch(task, 3), _batch(task, 3), _batch(task, 4)
    after = np.random.get_state()  # noqa: NPY002
    untouched = all(np.array_equal(a, b) for a, b in zip(state, after, strict=True))
    _say(untouched, "making trials must leave NumPy's global generator alone")
    _say(_equal(one, same), "the same seed must make the same trials")
    _say(not np.array_equal(one.inputs, other.inputs), "another seed must make other trials")
    return None


def _targets(task: Task) -> str | None:
    if task.decision_rule is None:
        return "it has no decision rule"
    if any(isinstance(factor, OwnChoice) for factor in task.varying.values()):
        task = under(task, "easy")  # what a subject can know is then the truth
    trials = _batch(task)
    correct = task.behavior(trials, trials.targets)["correct"].to_numpy(float)
    _say(not np.isnan(correct).all(), "some trials must be scored")
    share = np.nanmean(correct)
    _say(share == 1.0, f"its own targets must score as correct, got {share:.3f}")
    wrong = task.behavior(trials, np.zeros_like(trials.targets))["correct"]
    _say(np.nanmean(wrong) < 0.9, f"silence must not score as correct, got {np.nanmean(wrong):.2f}")
    return None


def _padding(task: Task) -> str | None:
    trials = _batch(task)
    if trials.present.all():
        return "its trials are of one length"
    behind = ~trials.present
    for name in ("inputs", "targets", "mask"):
        _say(not getattr(trials, name)[behind].any(), f"{name} must be 0 behind the end of a trial")
    return None


def _mask(task: Task) -> str | None:
    # A target of 0 that counts while the same output is asked for something else in the trial is
    # what a mask that is out of step with its target looks like.
    trials = _batch(task).by_trial()
    asked = np.asarray((trials.mask > 0).any(2))
    blank = asked & np.asarray(~trials.targets.any(2))
    if task.decision_rule is None or (trials.targets <= 0).all() or (trials.targets < 0).any():
        return "0 is a target like any other"
    for name in trials.phases:
        start, stop = trials.phases.steps(name)
        step = np.arange(trials.inputs.shape[1])
        for trial in range(len(trials)):
            inside = (step >= start[trial]) & (step < stop[trial]) & asked[trial]
            mixed = blank[trial, inside].any() and not blank[trial, inside].all()
            _say(not mixed, f"in phase {name} the mask counts steps that have no target")
    return None


def _grid(task: Task) -> str | None:
    levels = {
        name: factor.values
        for name, factor in task.varying.items()
        if isinstance(factor, Levels) and factor.weights is None
    }
    if not levels:
        return "it has no factor with levels"
    for name, values in levels.items():
        table = task.grid(repeats=2, seed=0, **{name: list(values)}).conditions
        counts = table[name].value_counts()
        _say(
            len(counts) == len(values) and counts.nunique() == 1,
            f"grid({name}=...) must hold each level equally often, got {counts.to_dict()}",
        )
    return None


def _unknown(task: Task) -> str | None:
    try:
        task.trials(2, no_such_condition=1.0)
    except ValueError as error:
        _say("no_such_condition" in str(error), f"the error must name the condition, got {error}")
        return None
    raise AssertionError("an unknown condition must be refused")


def _go_cue(task: Task) -> str | None:
    if task.go_cue is None:
        return "it declares no go cue"
    trials = _batch(_silent(task)).by_trial()
    start, stop = trials.phases.steps(task.go_cue)
    has = np.flatnonzero((stop > start) & (start > 0))
    _say(len(has) > 0, f"some trials must have the phase {task.go_cue}")
    before, after = trials.inputs[has, start[has] - 1], trials.inputs[has, start[has]]
    seen = (before != after).any(1)
    _say(seen.all(), f"the inputs must change at the start of {task.go_cue} in every trial")
    return None


def _time_step(task: Task) -> str | None:
    if not _own(task):
        return "its time step is not its own"
    coarse = _silent(task)
    fine = coarse.replace(dt=task.dt / 2)
    one = _batch(coarse)
    other = fine.batch(N, seed=3, stream=Stream.TRAINING, index=0, conditions=_held(one))
    steps = min(one.inputs.shape[1], other.inputs.shape[1] // 2)
    for name in ("inputs", "targets"):
        a, b = getattr(one, name)[:, :steps], getattr(other, name)[:, : 2 * steps : 2]
        where = one.present[:, :steps, None]
        _say(
            bool(np.allclose(np.where(where, a, 0), np.where(where, b, 0), atol=1e-5)),
            f"without noise, {name} at dt and dt/2 must agree where they meet (noise must be a "
            "setting named `noise`, so that it can be turned off)",
        )
    return None


def _density(task: Task) -> str | None:
    if not _own(task):
        return "its time step is not its own"
    if not _noise_settings(task):
        return "it has no noise"
    spread = []
    for factor in (1.0, 0.5):
        at = task.replace(dt=task.dt * factor)
        noise = _noise_of(at)
        # A density: the variance of a step times its length does not depend on it.
        spread.append(np.sqrt((noise[noise != 0].astype(float) ** 2).mean() * at.dt))
    ratio = spread[1] / spread[0]
    _say(0.93 < ratio < 1.07, f"noise must be a density, its spread changed by {ratio:.2f} with dt")
    return None


def observer(task: Task, scores: dict[str, float]) -> str | None:
    if type(task).observe is Task.observe:
        return "it has no ideal observer"
    easy = scores["easy"] = _observed(task, "easy")
    _say(easy >= 0.99, f"the ideal observer must be right in 99 % of easy trials, got {easy:.3f}")
    if not task.hard:
        return None
    hard = scores["hard"] = _observed(task, "hard")
    _say(hard < easy - 0.02, f"it must be right less often in hard trials, got {hard:.3f}")
    return None


POINTS: dict[str, Callable[[Task], str | None]] = {
    "repr": _repr,
    "shapes": _shapes,
    "names": _names,
    "seeds": _seeds,
    "targets score as correct": _targets,
    "padding": _padding,
    "mask": _mask,
    "grid": _grid,
    "unknown conditions": _unknown,
    "go cue": _go_cue,
    "time step": _time_step,
    "noise is a density": _density,
}


def _subclasses(parent: type) -> list[type]:
    return [one for child in parent.__subclasses__() for one in (child, *_subclasses(child))]


def _say(holds: Any, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _batch(task: Task, seed: int = 3) -> Trials:
    return task.batch(N, seed=seed, stream=Stream.TRAINING, index=0)


def _own(task: Task) -> bool:
    """Whether trials are painted by the task's own `build`, at any time step."""
    return type(task)._make is Task._make


def _noise_settings(task: Task) -> list[str]:
    names = [field for field in task.__dataclass_fields__ if field.split("_")[0] == "noise"]
    return [name for name in names if getattr(task, name) > 0]


def _silent(task: Task) -> Task:
    return task.replace(**dict.fromkeys(_noise_settings(task), 0.0))


def _held(trials: Trials) -> dict[str, np.ndarray]:
    """Return the factors and drawn durations of a batch, to make it again at another time step."""
    task = trials.task
    shape = (len(trials), trials.per_block) if trials.per_block else (len(trials),)
    return {n: trials.columns[n].reshape(shape) for n in task.settable if n in trials.columns}


def _noise_of(task: Task) -> np.ndarray:
    """Return the noise in the inputs of a batch: what is left without the same trials' signal."""
    noisy = task.batch(N, seed=5, stream=Stream.TRAINING, index=0)
    silent = _silent(task).batch(
        N, seed=5, stream=Stream.TRAINING, index=0, conditions=_held(noisy)
    )
    steps = min(noisy.inputs.shape[1], silent.inputs.shape[1])
    return noisy.inputs[:, :steps] - silent.inputs[:, :steps]


def _observed(task: Task, which: str) -> float:
    """Return the share correct of the ideal observer under easy or hard settings."""
    changed = under(task, which)
    n_rows = max(1, N_SCORED // (changed.trials_per_block or 1))
    trials = changed.batch(n_rows, seed=7, stream=Stream.EVALUATION, index=0)
    table: pd.DataFrame = changed.behavior(trials, changed.observer(trials))
    return float(np.nanmean(table["correct"].to_numpy(float)))


def _equal(one: Trials, other: Trials) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("inputs", "targets", "mask", "answers")
    )
    return arrays and one.conditions.equals(other.conditions)
