"""Reads arguments that several analyses have."""

from typing import Any


def names_of(argument: str, value: Any) -> tuple[str, ...]:
    """Return a name, several names or None as a tuple of names."""
    found = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(found, (tuple, list)) or not all(isinstance(name, str) for name in found):
        raise TypeError(f"`{argument}` must be a name or names, got {value!r}. Give strings.")
    return tuple(found)
