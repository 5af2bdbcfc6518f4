"""Conditions and periods of trials that were made one by one, as columns over all of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from neurotask._trial_lists import SCORED
from neurotask.phases import Phases

MISSING = "none"
# Names that mean something else in the tables and datasets of a batch.
_TAKEN = {*SCORED, "trial", "time", "input", "output", "unit", "phase", "phase_start", "phase_stop"}
_TAKEN |= {"inputs", "outputs", "targets", "mask", "states", "rates"}
_TAKEN -= {"direction"}  # no answer here is read as a direction


def column_name(name: str) -> str:
    """Return the name of a condition, or another where the name is taken.

    Example:
        >>> column_name("coh"), column_name("choice")
        ('coh', 'trial_choice')
    """
    return f"trial_{name}" if name in _TAKEN else name


def column(values: Sequence[Any], others: Sequence[Any] = ()) -> np.ndarray:
    """Return a condition as an array, (trial,), with missing values where it is None.

    Args:
        values: the value of each trial.
        others: values of other trials, so that all batches have one type.

    Returns:
        Truth values, whole numbers, numbers (missing: NaN) or strings (missing: "none").

    Example:
        >>> column([1, None, 3]).tolist(), column(["go", None]).tolist()
        ([1.0, nan, 3.0], ['go', 'none'])
    """
    seen = [*values, *others]
    kinds = {type(value) for value in seen}
    if str in kinds:
        return np.array([MISSING if value is None else str(value) for value in values])
    if kinds == {bool}:
        return np.array(values)
    if kinds <= {bool, int}:
        return np.array(values, dtype=int)
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def merged(orders: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return all names of several ordered lists in one order that agrees with each.

    Example:
        >>> merged([["fixation", "decision"], ["fixation", "sure", "decision"]])
        ('fixation', 'sure', 'decision')
    """
    names: list[str] = []
    # The longest says most about where the others' belong.
    for order in sorted(map(list, orders), key=len, reverse=True):
        at = 0
        for name in order:
            if name not in names:
                names.insert(at, name)
            at = names.index(name) + 1
    return tuple(names)


def as_phases(
    periods: Sequence[dict[str, tuple[int, int]]],
    names: tuple[str, ...],
    lengths: np.ndarray,
    dt: float,
) -> Phases:
    """Return the periods of each trial as phases.

    Args:
        periods: for each trial the first step of its periods and the step after their last.
        names: the names of all periods, in order.
        lengths: number of steps of each trial, (trial,).
        dt: length of a step in ms.
    """
    absent = (-1, -1)
    edges = [[trial.get(name, absent) for name in names] for trial in periods]
    starts, stops = np.moveaxis(np.array(edges, dtype=int).reshape(len(periods), -1, 2), 2, 0)
    return Phases(names, starts, stops, lengths, dt)
