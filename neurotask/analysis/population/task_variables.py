"""The design of a regression of activity on what trials are of: one column a task variable."""

from typing import Any

import numpy as np
import xarray as xr

from neurotask._checks import listed
from neurotask.analysis._rows import NO_CHOICE, choices_of
from neurotask.analysis.population.conditions import known_names


def design(session: xr.Dataset, variables: tuple[str, ...]) -> np.ndarray:
    """Return the task variables of each trial, in [-1, 1], (trial, variable).

    Numbers of both signs are divided by the largest in absolute value, so that 0 stays 0; others
    are mapped so that the least is -1 and the greatest 1. Of two levels that are no numbers, the
    first in sorted order is -1 (of choices, the task's first) and the other 1. "a:b" is the product
    of a and b. NaN where a trial has no value, as where no choice was made.

    Args:
        session: a Session.
        variables: coordinates of `trial`, or their products.
    """
    singles = {name for term in variables for name in term.split(":")}
    known_names("variables", session, sorted(singles))
    columns = {name: _normalised(session, name) for name in singles}
    terms = [np.prod([columns[name] for name in term.split(":")], axis=0) for term in variables]
    return np.stack(terms, axis=1)


def check_determined(columns: np.ndarray, variables: tuple[str, ...]) -> None:
    """Raise unless every coefficient of a regression on the columns and a constant is determined.

    Args:
        columns: the rows that are regressed, (trial, variable), finite.
        variables: their names.
    """
    named = zip(variables, columns.T, strict=True)
    constant = [name for name, column in named if not np.ptp(column)]
    if constant:
        raise ValueError(
            f"`variables` must vary between the trials that count, got {listed(constant)}, "
            "constant there. Leave them out, or give more trials."
        )
    centred = columns - columns.mean(0)
    centred /= np.sqrt((centred**2).sum(0))
    _, sizes, directions = np.linalg.svd(centred, full_matrices=len(centred) < len(variables))
    null = directions[len(sizes) :] if len(sizes) < len(variables) else directions[sizes < 1e-6]
    if len(null):
        # A variable takes part in a dependence if a null direction has a component along it.
        part = np.abs(null).max(0) > 1e-6
        names = [name for name, there in zip(variables, part, strict=True) if there]
        raise ValueError(
            f"`variables` must not determine one another, got {listed(names)}, which are collinear "
            "in the trials that count. Leave one out, or give trials in which they differ."
        )


def _normalised(session: xr.Dataset, name: str) -> np.ndarray:
    values = session[name].to_numpy()
    if values.dtype.kind in "iuf":
        return _to_unit(values.astype(float))
    choices = choices_of(session) if name == "choice" else []
    # Of one choice, to make none is the other.
    return _signs(values, name, [NO_CHOICE, *choices] if len(choices) == 1 else choices)


def _to_unit(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).any():
        return np.full(values.shape, np.nan)
    low, high = np.nanmin(values), np.nanmax(values)
    if low < 0 < high:
        return values / max(-low, high)
    return (2 * values - low - high) / (high - low) if high > low else values * 0


def _signs(values: np.ndarray, name: str, order: list[Any]) -> np.ndarray:
    none = () if NO_CHOICE in order else (NO_CHOICE,)
    missing = np.array([one is None or one != one or one in none for one in values.tolist()])
    levels = sorted(set(values[~missing].tolist()))
    if set(levels) <= set(order):
        levels = [level for level in order if level in levels]
    if len(levels) > 2:
        raise ValueError(
            f"`variables` must be numbers or have two levels, got {name!r} of {len(levels)}: "
            f"{listed(map(str, levels))}. Give a number for each, as a coordinate of its own."
        )
    signs = np.where(values == levels[-1], 1.0, -1.0) if levels else np.zeros(len(values))
    signs[missing] = np.nan
    return signs
