"""Which trials a decoder learns from and is tested on, and the labels shuffled for its null."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from neurotask._checks import count
from neurotask._streams import Stream, generator, key


@dataclass(frozen=True, eq=False)
class Folds:
    """A partition of the trials into test sets, each with the trials to learn from.

    Args:
        train: places of the trials to learn from, a fold each.
        test: places of the trials to be tested on, a fold each.
        levels: the level of another variable that each fold holds out; None for plain folds.
    """

    train: list[np.ndarray]
    test: list[np.ndarray]
    levels: np.ndarray | None = None


def folds(
    y: np.ndarray,
    n_classes: int | None,
    cv: Any,
    n_splits: int,
    groups: np.ndarray | None,
    seed: int,
) -> Folds:
    """Return folds that hold each class in its proportion and keep groups of trials together.

    Args:
        y: place of each trial's class, or its value, (trial,).
        n_classes: number of classes; None for values.
        cv: a splitter of scikit-learn, or None for `n_splits` folds.
        n_splits: number of folds.
        groups: trials of one group stay in one fold, (trial,).
        seed: of the order of the trials.
    """
    if cv is None:
        cv = _splitter(y, n_classes, count("n_splits", n_splits, low=2), groups, seed)
    elif not hasattr(cv, "split"):
        raise TypeError(
            f"`cv` must be a splitter of scikit-learn, got {cv!r}. Give the number of folds as "
            "`n_splits`."
        )
    pairs = list(cv.split(np.zeros((len(y), 1)), y, groups))
    train, test = [one for one, _ in pairs], [one for _, one in pairs]
    tested = np.bincount(np.concatenate(test), minlength=len(y))
    if tested.max() > 1:
        raise ValueError(
            f"`cv` must test each trial at most once, got {tested.max()} times. Take a splitter "
            "that makes folds, without repeats."
        )
    return Folds(train, test)


def across_levels(level: np.ndarray, levels: np.ndarray, groups: np.ndarray | None) -> Folds:
    """Return one fold a level of another variable, tested on it and learned from all others.

    Args:
        level: place of each trial's level, (trial,).
        levels: the levels.
        groups: trials of a group that is tested are not learned from, (trial,).
    """
    train, test = [], []
    for place in range(len(levels)):
        held = level == place
        learned = ~held if groups is None else ~held & ~np.isin(groups, groups[held])
        train.append(np.flatnonzero(learned))
        test.append(np.flatnonzero(held))
    return Folds(train, test, levels)


def shuffled(
    y: np.ndarray, given: Folds, groups: np.ndarray | None, n: int, seed: int
) -> np.ndarray:
    """Return labels shuffled among trials, `n` times, (n, trial).

    Labels change places within a test set, so that each fold keeps its classes. Where trials have
    groups they change places within a group; where a group has one label only, groups do.
    """
    rng = generator(seed, Stream.ANALYSIS, 2)
    result = np.broadcast_to(y, (n, len(y))).copy()
    if groups is None:
        parts = given.test
    else:
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        if (y == y[first][group]).all():
            return rng.permuted(np.broadcast_to(y[first], (n, len(first))), axis=1)[:, group]
        parts = [np.flatnonzero(group == g) for g in range(len(first))]
    for part in parts:
        result[:, part] = rng.permuted(result[:, part], axis=1)
    return result


def _splitter(
    y: np.ndarray, n_classes: int | None, n: int, groups: np.ndarray | None, seed: int
) -> Any:
    n_units = len(y) if groups is None else len(np.unique(groups))
    if n_classes is not None:
        counts = [
            len(np.flatnonzero(y == k) if groups is None else np.unique(groups[y == k]))
            for k in range(n_classes)
        ]
        n_units = min(counts)
    if n_units < n:
        what = "trials" if groups is None else "groups"
        of = "" if n_classes is None else " of each class"
        raise ValueError(
            f"`n_splits` must be at most the number of {what}{of}, {n_units}, got {n}. Run more "
            "trials, or take fewer folds."
        )
    settings: dict[str, Any] = {
        "shuffle": True,
        "random_state": key(seed, Stream.ANALYSIS, 1) >> 31,
    }
    if n_classes is None:
        return (KFold if groups is None else GroupKFold)(n, **settings)
    return (StratifiedKFold if groups is None else StratifiedGroupKFold)(n, **settings)
