"""How a task becomes a batch: draw the conditions, lay out the phases, paint the canvas."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._blocks import origins, string
from neurotask._checks import array, choose, listed, nearest, number
from neurotask._task_checks import check_asked, check_response
from neurotask.canvas import Canvas
from neurotask.conditions import Conditions
from neurotask.distributions import (
    Derived,
    Distribution,
    Factor,
    Levels,
    OwnChoice,
    Remainder,
    plain,
)
from neurotask.phases import Phases, lay_out, to_steps
from neurotask.trials import RESERVED, Trials

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
    k = task.trials_per_block or 1
    given = {name: _checked(task, name, value, n, k) for name, value in conditions.items()}
    columns = _draw(task, n, k, what, given)
    _check_reserved(task, columns)
    phases = _lay_out(task, n * k, columns, set(given))
    canvas = Canvas(
        task.inputs,
        task.outputs,
        task.choices,
        Conditions(columns),
        phases,
        _n_steps(task, phases, given),
        how,
    )
    task.build(canvas)
    check_asked(task, phases, canvas.answers)
    _check_finite(task, task.inputs, canvas.inputs)
    _check_finite(task, task.outputs, canvas.targets)
    inputs, targets, mask = canvas.inputs, canvas.targets, canvas.mask
    if task.trials_per_block is None:
        return Trials(task, inputs, targets, mask, columns, phases, canvas.answers)
    inputs, targets, mask = (string(a, phases.lengths, k) for a in (inputs, targets, mask))
    phases = phases.shifted(origins(phases.lengths, k))
    return Trials(task, inputs, targets, mask, columns, phases, canvas.answers, per_block=k)


def _n_steps(task: "Task", phases: Phases, given: Columns) -> int:
    """Return how long the rows of the canvas are: where it can be told, that of any batch."""
    n_steps = int(phases.lengths.max())
    bound = task._longest
    blocks = task.trials_per_block is not None
    return (
        n_steps
        if blocks or bound is None or set(given) & set(task.durations)
        else max(n_steps, bound)
    )


def crossed(
    task: "Task", levels: Mapping[str, Any], repeats: int, rng: np.random.Generator
) -> tuple[int, Columns]:
    """Return the conditions of a grid: every cell of `levels`, the other factors balanced.

    In a block task a cell is a block: what is named is held over the block. What varies within it
    and is not named is drawn as it always is, since balancing would change what follows what.

    Args:
        task: the task.
        levels: the levels to cross; with none, those of all factors that have levels (of a block
            task: of the factors of the blocks).
        repeats: rows a cell.
        rng: generator of the order in which other factors are balanced.

    Returns:
        The number of rows, and the conditions, each of shape (row,) or (row, trial in the block).
    """
    even = {
        name: factor.values
        for name, factor in task.varying.items()
        if isinstance(factor, Levels) and factor.weights is None
    }
    if task.trials_per_block is not None:
        even = {name: values for name, values in even.items() if name in task.of_blocks}
    named = levels or even
    for name, values in named.items():
        if np.size(plain(values)) == 0:
            raise ValueError(f"`{name}` must hold one level or more, got {values!r}.")
    rows = list(itertools.product(*(np.atleast_1d(plain(v)).tolist() for v in named.values())))
    columns = {
        name: np.repeat(np.array([row[at] for row in rows]), repeats)
        for at, name in enumerate(named)
    }
    others = {k: v for k, v in even.items() if k not in named}
    columns |= _balanced(others, len(rows), repeats, rng)
    return len(rows) * repeats, columns


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


def _checked(task: "Task", name: str, value: Any, n: int, k: int) -> np.ndarray:
    """Return a condition given by hand with one value a trial, (row * trial,), or raise."""
    options = task.settable
    if name not in options:
        raise ValueError(
            f"`{name}` must be a factor or a phase of {type(task).__name__}, which has "
            f"{listed(options)}.{nearest(name, options)}"
        )
    values = array(value)
    if values.dtype.kind not in "biufUS":
        raise ValueError(f"`{name}` must be a value or one a trial, got {value!r}.")
    shapes = [(), (n,)] if task.trials_per_block is None else [(), (n,), (n, k)]
    if values.shape not in shapes:
        block = f" or ({n}, {k})" if len(shapes) > 2 else ""
        raise ValueError(
            f"`{name}` must be one value or one a trial, shape ({n},){block}, got shape "
            f"{values.shape}."
        )
    if name in task.of_blocks and values.ndim == 2 and (values != values[:, :1]).any():
        raise ValueError(f"`{name}` must be the same in all trials of a block. Give one a block.")
    if name in task.durations:
        if values.dtype.kind not in "iuf":
            raise ValueError(f"`{name}` must be a time in ms, got {value!r}.")
        to_steps(name, values, task.dt)
        check_response(task, name, values)
        kind = float
    else:
        _check_range(name, values, task.varying[name])
        kind = _kind(values, task.varying[name])
    values = values[:, None] if values.ndim == 1 else values
    return np.broadcast_to(values, (n, k)).ravel().astype(kind)


def _kind(values: np.ndarray, factor: Factor) -> Any:
    """Return the type that a condition has when it is drawn, so that held ones have it too."""
    levels = isinstance(factor, (Levels, OwnChoice))
    drawn = np.asarray(factor.values).dtype if levels else np.dtype(float)
    between = drawn.kind in "iu" and not np.array_equal(values, values.astype(int))
    return values.dtype if drawn.kind in "US" else float if between else drawn


def _draw(task: "Task", n: int, k: int, rng: np.random.Generator, given: Columns) -> Columns:
    """Return all conditions, each (row * trial,): factors, drawn durations, what is derived."""
    drawn: Columns = {}
    for name, law in {**task.varying, **task.durations}.items():
        # Drawn even where it is given, so that holding one condition leaves the others alone.
        if name in task.of_blocks:
            drawn[name] = np.repeat(law.sample(rng, n), k)
        elif isinstance(law, (Levels, Distribution, OwnChoice)):
            drawn[name] = law.sample(rng, n * k)
    for name in task.durations:
        if name in drawn and name not in given:
            drawn[name] = np.rint(drawn[name] / task.dt) * task.dt
    drawn |= given
    return drawn | _derived(task, n, k, drawn)


def _derived(task: "Task", n: int, k: int, drawn: Columns) -> Columns:
    """Return what follows from the factors; a block task sees them as (block, trial)."""
    blocks = task.trials_per_block is not None
    shape = (n, k) if blocks else (n,)
    derived = task.derive(Conditions({name: v.reshape(shape) for name, v in drawn.items()}))
    if not isinstance(derived, Mapping):
        raise TypeError(f"`derive` must return a dict of conditions, got {derived!r}.")
    for name, value in derived.items():
        free = not isinstance(task.durations.get(name, Derived()), Derived)
        if name in drawn or free:
            raise ValueError(
                f"`{name}` must be a factor or derived from factors, not both. Give what "
                f"{type(task).__name__}.derive returns another name."
            )
        if np.shape(value) not in ((), shape):
            raise ValueError(
                f"`{name}` must be one a trial, shape {shape}, as {type(task).__name__}.derive "
                f"returns it, got shape {np.shape(value)}."
            )
    return {name: np.broadcast_to(value, shape).ravel() for name, value in derived.items()}


def _lay_out(task: "Task", n: int, columns: Columns, given: set[str]) -> Phases:
    steps = {}
    for name, duration in task.durations.items():
        if isinstance(duration, Derived) and name not in columns:
            raise ValueError(
                f"`{name}` must be among what {type(task).__name__}.derive returns, since its "
                "duration is Derived()."
            )
        rest = isinstance(duration, Remainder) and name not in given
        steps[name] = duration if rest else to_steps(name, columns.get(name, duration), task.dt)
    return lay_out(steps, n, task.dt)


def _check_reserved(task: "Task", columns: Columns) -> None:
    for name in columns:
        # The subject's own choice gives way to what was chosen.
        own = name == "choice" and isinstance(task.varying.get(name), OwnChoice)
        if name in RESERVED and not own:
            raise ValueError(
                f"`{name}` must not be a condition of {type(task).__name__}, since behaviour and "
                "Sessions have something of this name. Rename it."
            )


def _check_range(name: str, values: np.ndarray, factor: Factor) -> None:
    if isinstance(factor, OwnChoice) or (isinstance(factor, Levels) and not factor.is_numeric):
        for value in np.unique(values):
            choose(name, value.item(), factor.values)
        return
    if values.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be a number, got {values.flat[0].item()!r}.")
    for value in (values.min(), values.max()):
        number(name, value.item(), low=factor.low, high=factor.high)


def _check_finite(task: "Task", channels: tuple[str, ...], values: np.ndarray) -> None:
    # One sum tells, in a fraction of the time of a look at each value.
    if np.isfinite(values.sum()) or np.isfinite(values).all():
        return
    trial, step, channel = np.argwhere(~np.isfinite(values))[0]
    name = type(task).__name__
    raise ValueError(
        f"`{channels[channel]}` must be finite in every trial of {name}, got "
        f"{values[trial, step, channel]} in trial {trial}, step {step}. Look at `{name}.build`."
    )
