"""The words of the error messages, in one form: `name` must be X, got Y. Do Z."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np


def choose(name: str, value: Any, options: Iterable[str]) -> str:
    """Return `value` if it is one of `options`, else raise a ValueError that names the nearest."""
    options = list(options)
    if value in options:
        return value
    raise ValueError(
        f"`{name}` must be one of {listed(options)}, got {value!r}.{nearest(value, options)}"
    )


def nearest(value: Any, options: Iterable[str]) -> str:
    """Return " Did you mean ...?" or nothing."""
    near = get_close_matches(str(value), [str(option) for option in options], n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def listed(options: Iterable[str]) -> str:
    """Return the options as `"a", "b"`, or `nothing` where there is none."""
    return ", ".join(f'"{option}"' for option in options) or "nothing"


def number(
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    above: bool = False,
) -> float:
    """Return `value` as a float in [low, high] (in (low, high] with `above`), else raise."""
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    if isinstance(value, Real) and not isinstance(value, bool):
        given = float(value)
        if np.isfinite(given) and low <= given <= high and not (above and given == low):
            return given
    raise ValueError(f"`{name}` must be {_range(low, high, above)}, got {value!r}.")


def count(name: str, value: Any, *, low: int = 1) -> int:
    """Return `value` as an int of `low` or more, else raise."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= low:
        return int(value)
    raise ValueError(f"`{name}` must be a whole number of {low} or more, got {value!r}.")


def array(value: Any) -> np.ndarray:
    """Return an array; strings are strings in it, and no objects, as pandas keeps them."""
    values = np.asarray(value)
    strings = values.dtype.kind == "O" and all(isinstance(one, str) for one in values.flat)
    return values.astype(str) if strings else values


def _range(low: float, high: float, above: bool) -> str:
    if np.isinf(low) and np.isinf(high):
        return "a finite number"
    if np.isinf(high):
        return f"a number above {low:g}" if above else f"a number of {low:g} or more"
    return f"a number in {'(' if above else '['}{low:g}, {high:g}]"
