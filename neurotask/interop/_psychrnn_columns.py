"""From the parameters of trials, a dict each, to conditions and phases over all of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurotask.interop._columns import as_phases, column, column_name, merged
from neurotask.phases import Phases

Params = dict[str, Any]


def conditions(params: list[Params]) -> dict[str, np.ndarray]:
    """Return the parameters that are one value a trial as conditions, each (trial,).

    Args:
        params: the parameters of each trial.

    Returns:
        Numbers (NaN where a trial lacks one) and strings ("none"). A name that a table of trials
        uses for something else gets "trial_" in front: "choice" is the network's. Lists, arrays and
        other objects are left out.

    Example:
        >>> conditions([{"coherence": 0.1, "choice": 1}, {"coherence": 0.5, "choice": 0}])
        {'coherence': array([0.1, 0.5]), 'trial_choice': array([1, 0])}
    """
    columns = {}
    for name in merged(params):
        values = [_plain(trial.get(name)) for trial in params]
        scalar = all(isinstance(value, str | bool | int | float | None) for value in values)
        if scalar and any(value is not None for value in values):
            columns[column_name(str(name))] = column(values)
    return columns


def phases(
    spans: Callable[[Params], Mapping[str, tuple[float, float]]] | None,
    params: list[Params],
    n_steps: int,
    old_dt: float,
    dt: float,
) -> Phases:
    """Return the phases of trials.

    A step belongs to a phase if it starts in [start, stop): times are rounded up to whole steps. A
    phase that then has no step is lacking in that trial; one that goes on beyond it is an error.

    Args:
        spans: gives start and stop of each phase from the parameters, in the old task's unit of
            time; None: the whole trial is one phase, "trial".
        params: the parameters of each trial.
        n_steps: number of steps of a trial.
        old_dt: length of a step in the old task's unit.
        dt: the same in ms.
    """
    lengths = np.full(len(params), n_steps)
    if spans is None:
        return as_phases([{"trial": (0, n_steps)}] * len(params), ("trial",), lengths, dt)
    given = [_steps(spans(dict(trial)), n_steps, old_dt) for trial in params]
    names = merged(given)
    if not names:
        raise ValueError("`phases` must give a phase in some trial, got none. Leave it out.")
    periods = [{k: v for k, v in trial.items() if v[1] > v[0]} for trial in given]
    return as_phases(periods, names, lengths, dt)


def _steps(spans: Any, n_steps: int, dt: float) -> dict[str, tuple[int, int]]:
    """Return first step and the step after the last of each phase of a trial."""
    if not isinstance(spans, Mapping):
        raise TypeError(
            f"`phases` must return a dict of (start, stop), got {type(spans).__name__}. Write "
            'lambda p: {"stimulus": (start, stop)}.'
        )
    steps = {}
    for name, span in spans.items():
        pair = np.shape(span) == (2,) and np.asarray(span).dtype.kind in "biuf"
        edges = np.asarray(span, dtype=float) if pair else np.array([np.nan])
        if not np.isfinite(edges).all() or edges[0] < 0 or edges[1] < edges[0]:
            raise ValueError(
                f"`{name}` must be (start, stop) with 0 <= start <= stop, as `phases` returns it, "
                f"got {span!r}."
            )
        # The first step that starts at the edge or later; 1e-9 takes up rounding errors.
        first, after = np.ceil(edges / dt - 1e-9)
        if after > n_steps:
            raise ValueError(
                f"`{name}` must end with the trial, at {n_steps * dt:g}, or before, as `phases` "
                f"returns it, got {span!r}. Cut it off there, for example with min()."
            )
        steps[str(name)] = int(first), int(after)
    return steps


def _plain(value: Any) -> Any:
    """Return NumPy's numbers, strings and arrays without a dimension as Python's."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return value.item()
    return value
