"""Reads arguments that several analyses have."""

from typing import Any

import numpy as np

from neurotask._checks import number


def names_of(argument: str, value: Any) -> tuple[str, ...]:
    """Return a name, several names or None as a tuple of names."""
    found = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(found, (tuple, list)) or not all(isinstance(name, str) for name in found):
        raise TypeError(f"`{argument}` must be a name or names, got {value!r}. Give strings.")
    return tuple(found)


def numbers(argument: str, wanted: str, value: Any) -> np.ndarray:
    """Return an array of numbers in float64; `wanted` says in words what it must be."""
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise TypeError(f"`{argument}` must be {wanted}, got {value!r}. Give numbers.") from None


def ends(argument: str, given: Any) -> tuple[float, float]:
    """Return (start, stop) in ms, checked."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(
            f"`{argument}` must be (start, stop) in ms, got {given!r}. Give two numbers."
        )
    start, stop = (number(argument, end) for end in given)
    if start >= stop:
        raise ValueError(f"`{argument}` must start before it stops, got {given}. Swap its ends.")
    return start, stop
