"""How a task becomes a batch: draw the conditions, lay out the phases, paint the canvas."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose, listed, nearest, number
from neurotask.canvas import Canvas, Conditions
from neurotask.distributions import Distribution, Factor, Levels, Remainder, plain
from neurotask.phases import Phases, lay_out, longest, to_steps
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.task import Task

Columns = dict[str, np.ndarray]


def make_trials(
    task: "Task",
    n: int,
    conditions: Mapping[str, Any],
    what: np.random.Generator,
    how: np.random.Generator,
) -> Trials:
    """Return a batch of `n` trials.

    Args:
        task: the task.
        n: number of trials.
        conditions: conditions held by hand: one value, or one a trial.
        what: generator of the conditions.
        how: generator of what the trials show beyond their conditions, such as noise.
    """
    given = {name: _checked(task, name, value, n) for name, value in conditions.items()}
    columns = _draw(task, n, what, given)
    phases = _lay_out(task, n, columns, set(given))
    # Padded to the longest trial of the task, not of the batch: shapes stay the same.
    n_steps = int(phases.lengths.max())
    if not set(given) & set(task.durations):
        n_steps = max(n_steps, longest(task.durations, task.dt))
    canvas = Canvas(
        task.inputs, task.outputs, task.choices, Conditions(columns), phases, n_steps, how
    )
    task.build(canvas)
    _check_finite(task, task.inputs, canvas.inputs)
    _check_finite(task, task.outputs, canvas.targets)
    arrays = (canvas.inputs, canvas.targets, canvas.mask)
    return Trials(task, *arrays, columns, phases, canvas.answers)


def crossed(
    factors: Mapping[str, Factor],
    levels: Mapping[str, Any],
    repeats: int,
    rng: np.random.Generator,
) -> tuple[int, Columns]:
    """Return the conditions of a grid: every cell of `levels`, the other factors balanced.

    Args:
        factors: the factors of the task.
        levels: the levels to cross; with none, those of all factors that have levels.
        repeats: trials a cell.
        rng: generator of the order in which other factors are balanced.

    Returns:
        The number of trials, and the conditions, each of shape (trial,).
    """
    named = levels or {k: f.values for k, f in factors.items() if isinstance(f, Levels)}
    for name, values in named.items():
        if np.size(plain(values)) == 0:
            raise ValueError(f"`{name}` must hold one level or more, got {values!r}.")
    rows = list(itertools.product(*(np.atleast_1d(plain(v)).tolist() for v in named.values())))
    columns = {
        name: np.repeat(np.array([row[at] for row in rows]), repeats)
        for at, name in enumerate(named)
    }
    others = {k: f.values for k, f in factors.items() if k not in named and isinstance(f, Levels)}
    return len(rows) * repeats, columns | _balanced(others, len(rows), repeats, rng)


def _balanced(
    levels: dict[str, tuple[Any, ...]], n_cells: int, repeats: int, rng: np.random.Generator
) -> Columns:
    """Return factors that a grid does not name, each combination as often as any in a cell."""
    combinations = list(itertools.product(*levels.values()))
    # Each cell walks through the combinations in an order of its own, again and again.
    order = [np.resize(rng.permutation(len(combinations)), repeats) for _ in range(n_cells)]
    places = np.concatenate(order)
    return {
        name: np.array([combination[at] for combination in combinations])[places]
        for at, name in enumerate(levels)
    }


def _checked(task: "Task", name: str, value: Any, n: int) -> np.ndarray:
    """Return a condition given by hand with one value a trial, or raise."""
    options = [*task.varying, *task.durations]
    if name not in options:
        raise ValueError(
            f"`{name}` must be a factor or a phase of {type(task).__name__}, which has "
            f"{listed(options)}.{nearest(name, options)}"
        )
    values = np.asarray(value)
    if values.dtype.kind not in "biufUS":
        raise ValueError(f"`{name}` must be a value or one a trial, got {value!r}.")
    if values.shape not in ((), (n,)):
        raise ValueError(
            f"`{name}` must be one value or one a trial, shape ({n},), got shape {values.shape}."
        )
    if name in task.durations:
        if values.dtype.kind not in "iuf":
            raise ValueError(f"`{name}` must be a time in ms, got {value!r}.")
        to_steps(name, values, task.dt)
        kind = float
    else:
        _check_range(name, values, task.varying[name])
        kind = _kind(values, task.varying[name])
    return np.broadcast_to(values, (n,)).astype(kind)


def _kind(values: np.ndarray, factor: Factor) -> Any:
    """Return the type that a condition has when it is drawn, so that held ones have it too."""
    drawn = np.asarray(factor.values).dtype if isinstance(factor, Levels) else np.dtype(float)
    between = drawn.kind in "iu" and not np.array_equal(values, values.astype(int))
    return values.dtype if drawn.kind in "US" else float if between else drawn


def _draw(task: "Task", n: int, rng: np.random.Generator, given: Columns) -> Columns:
    """Return all conditions: factors, durations that are drawn or given, and what is derived."""
    drawn = {
        # Drawn even where it is given, so that holding one condition leaves the others alone.
        name: law.sample(rng, n)
        for name, law in {**task.varying, **task.durations}.items()
        if isinstance(law, (Levels, Distribution))
    }
    for name in task.durations:
        if name in drawn and name not in given:
            drawn[name] = np.rint(drawn[name] / task.dt) * task.dt
    drawn |= given
    derived = task.derive(Conditions(drawn))
    if not isinstance(derived, Mapping):
        raise TypeError(f"`derive` must return a dict of conditions, got {derived!r}.")
    for name in derived:
        if name in drawn:
            raise ValueError(
                f"`{name}` must be a factor or derived from factors, not both. Give what "
                f"{type(task).__name__}.derive returns another name."
            )
    return drawn | {name: np.broadcast_to(value, (n,)) for name, value in derived.items()}


def _lay_out(task: "Task", n: int, columns: Columns, given: set[str]) -> Phases:
    steps = {
        name: duration
        if isinstance(duration, Remainder) and name not in given
        else to_steps(name, columns.get(name, duration), task.dt)
        for name, duration in task.durations.items()
    }
    return lay_out(steps, n, task.dt)


def _check_range(name: str, values: np.ndarray, factor: Factor) -> None:
    if isinstance(factor, Levels) and not factor.is_numeric:
        for value in np.unique(values):
            choose(name, value.item(), factor.values)
        return
    if values.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be a number, got {values.flat[0].item()!r}.")
    for value in (values.min(), values.max()):
        number(name, value.item(), low=factor.low, high=factor.high)


def _check_finite(task: "Task", channels: tuple[str, ...], values: np.ndarray) -> None:
    if np.isfinite(values).all():
        return
    trial, step, channel = np.argwhere(~np.isfinite(values))[0]
    name = type(task).__name__
    raise ValueError(
        f"`{channels[channel]}` must be finite in every trial of {name}, got "
        f"{values[trial, step, channel]} in trial {trial}, step {step}. Look at `{name}.build`."
    )
