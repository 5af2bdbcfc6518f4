"""The variables of trials that units may be tuned to, as levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurotask._checks import count, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis.population.samples import Samples, levels_of

_MOST_LEVELS = 40
_DEGREES = 360.0


@dataclass(frozen=True, eq=False)
class Factor:
    """A variable of the trials.

    Args:
        name: its name.
        levels: its levels, sorted, (level,).
        place: the place of each trial's level, -1 where the trial has none, (trial,).
        period: after which a circular variable begins again; None for one that is not circular.
    """

    name: str
    levels: np.ndarray
    place: np.ndarray
    period: float | None

    @property
    def angles(self) -> np.ndarray:
        """Return the levels of a circular variable in radians, (level,)."""
        assert self.period is not None
        return self.levels.astype(float) * 2 * np.pi / self.period


def factors(
    samples: Samples, variables: Any, circular: Any, bins: Mapping[str, int] | None
) -> dict[str, Factor]:
    """Return the variables by name.

    Args:
        samples: the trials.
        variables: name or names of coordinates of `trial`.
        circular: names of circular variables, in degrees, or a mapping from name to period.
        bins: the number of bins to cut a variable into, by name.
    """
    names = names_of("variables", variables)
    if not names:
        raise ValueError("`variables` must name what units may be tuned to, got none. Name one.")
    if bins is not None and not isinstance(bins, Mapping):
        raise TypeError(
            f"`bins` must be a mapping from a variable to a number of bins, got {bins!r}. Give "
            f"bins={{{names[0]!r}: 8}}."
        )
    periods = _periods(circular)
    for argument, given in (("circular", periods), ("bins", bins or {})):
        for name in given:
            if name not in names:
                raise ValueError(
                    f"`{argument}` must hold names of `variables`, got {name!r}. Add it there."
                )
    return {
        name: _factor(samples.variable("variables", name), name, periods.get(name), bins or {})
        for name in names
    }


def _periods(circular: Any) -> dict[str, float]:
    if isinstance(circular, Mapping):
        return {n: number("circular", p, low=0, above=True) for n, p in circular.items()}
    return dict.fromkeys(names_of("circular", circular), _DEGREES)


def _factor(values: pd.Series, name: str, period: float | None, bins: Mapping[str, int]) -> Factor:
    if (period is not None or name in bins) and not pd.api.types.is_numeric_dtype(values):
        raise TypeError(f"`{name}` must hold numbers to be circular or binned, got {values.dtype}.")
    if name in bins:
        values = _binned(values.astype(float), count("bins", bins[name], low=2), period)
    elif period is not None:
        values = values.astype(float) % period
    values = values.infer_objects()
    levels = levels_of("variables", name, values)
    if len(levels) > _MOST_LEVELS:
        raise ValueError(
            f"`variables` must take at most {_MOST_LEVELS} levels, got {len(levels)} of {name!r}. "
            f"Cut it into bins: bins={{{name!r}: 8}}."
        )
    place = np.full(len(values), -1)
    there = values.notna().to_numpy()
    place[there] = np.searchsorted(levels, values[there].to_numpy())
    if period is not None and len(levels) < 3:
        raise ValueError(
            f"`circular` must name variables of three levels or more, got {len(levels)} of "
            f"{name!r}. Leave it out of `circular`."
        )
    return Factor(name, levels, place, period)


def _binned(values: pd.Series, n: int, period: float | None) -> pd.Series:
    """The centre of the bin that each value lies in; the first bin of a circle is around 0."""
    if period is not None:
        return (np.rint(values / (period / n)) % n) * (period / n)
    low, high = values.min(), values.max()
    width = (high - low) / n if high > low else 1.0
    return low + (np.clip(np.floor((values - low) / width), 0, n - 1) + 0.5) * width
