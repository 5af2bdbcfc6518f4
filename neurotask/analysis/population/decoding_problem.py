"""What a decoder is asked: activity, labels, and which trials belong together."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from neurotask._checks import choose
from neurotask.analysis.population.folds import Folds
from neurotask.analysis.population.samples import Samples, levels_of

_MOST_CLASSES = 10  # numbers with more levels are decoded as numbers, unless asked otherwise


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """Trials that have all that is needed.

    Args:
        x: activity, (trial, time, unit); NaN where a trial has no data.
        time: ms from the event, (time,).
        trials: the place of each trial in the Session, (trial,).
        y: the place of its class, or its value, (trial,).
        levels: the classes; None for values.
        groups: what keeps trials together in folds, (trial,); None without.
        level: the place of each trial's level of the variable generalised over; None without.
        held_out: the levels of that variable.
    """

    x: np.ndarray
    time: np.ndarray
    trials: np.ndarray
    y: np.ndarray
    levels: np.ndarray | None
    groups: np.ndarray | None
    level: np.ndarray | None
    held_out: np.ndarray

    @property
    def n_classes(self) -> int | None:
        """Return the number of classes; None for values."""
        return None if self.levels is None else len(self.levels)

    @property
    def there(self) -> np.ndarray:
        """Return whether a trial has data, (trial, time)."""
        return np.logical_not(np.isnan(self.x).any(axis=2))

    def learnable(self, given: Folds) -> "Problem":
        """Return the problem at the times at which each fold has trials of each class.

        They must be there to learn from, and where levels are held out to be tested, too.
        """
        there, kept = self.there, np.ones(len(self.time), bool)
        sets = given.train if self.level is None else [*given.train, *given.test]
        for trials in sets:
            for place in range(self.n_classes or 1):
                of_class = trials if self.levels is None else trials[self.y[trials] == place]
                kept &= there[of_class].any(axis=0)
        if not kept.any():
            where = "each fold" if self.level is None else "each level of `generalize_over`"
            raise ValueError(
                f"`target` must have trials of each class with data in {where}, got a class "
                "without one. Run more trials, take fewer folds, or another variable."
            )
        return replace(self, x=self.x[:, kept], time=self.time[kept])


def pose(
    found: Samples,
    target: str,
    kind: str | None,
    estimator: Any,
    groups: str | None,
    generalize_over: str | None,
) -> Problem:
    """Return the problem of decoding `target`, over the trials that have all that is named."""
    named = {"target": target, "groups": groups, "generalize_over": generalize_over}
    columns = {a: found.variable(a, name) for a, name in named.items() if name is not None}
    there = np.ones(len(found.trials), bool)
    for column in columns.values():
        there &= column.notna().to_numpy()
    columns = {argument: column[there] for argument, column in columns.items()}
    y, levels = _labels(columns["target"], target, kind, estimator)
    level, held_out = None, np.empty(0)
    if generalize_over is not None:
        held_out = levels_of("generalize_over", generalize_over, columns["generalize_over"])
        level = np.searchsorted(held_out, columns["generalize_over"].to_numpy())
    return Problem(
        x=found.values[there],
        time=found.time,
        trials=found.trials.index.to_numpy()[there],
        y=y,
        levels=levels,
        groups=columns["groups"].to_numpy() if "groups" in columns else None,
        level=level,
        held_out=held_out,
    )


def _labels(
    column: pd.Series, name: str, kind: str | None, estimator: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """The place of each trial's class and the classes, or the values and None."""
    levels = levels_of("target", name, column)
    numeric = pd.api.types.is_numeric_dtype(column) and column.dtype != bool
    if kind is None:
        kind = "number" if numeric and len(levels) > _MOST_CLASSES else "category"
        if hasattr(estimator, "fit"):
            kind = "category" if is_classifier(estimator) else "number"
    if choose("kind", kind, ("category", "number")) == "category":
        return np.searchsorted(levels, column.to_numpy()), levels
    if not numeric:
        raise TypeError(
            f"`target` must hold numbers to be decoded as such, got {name!r} of {column.dtype}. "
            'Take kind="category".'
        )
    return column.to_numpy().astype(float), None
