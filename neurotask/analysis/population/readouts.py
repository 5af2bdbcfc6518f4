"""Decoders of all times at once: ridge in closed form, or any estimator of scikit-learn."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from neurotask._checks import choose
from neurotask.analysis.population.folds import Folds


def readout(estimator: Any, n_classes: int | None, alpha: float) -> tuple[Any, str]:
    """Return what `predictions` takes, an estimator or the penalty of a ridge, and its name."""
    if estimator is None:
        estimator = "ridge" if n_classes is None else "logistic"
    if isinstance(estimator, str):
        options = ("ridge",) if n_classes is None else ("logistic", "ridge")
        if choose("estimator", estimator, options) == "ridge":
            return alpha, "ridge"
        classifier = LogisticRegression(class_weight="balanced", max_iter=2000)
        return make_pipeline(StandardScaler(), classifier), "logistic regression"
    if not hasattr(estimator, "fit") or not hasattr(estimator, "predict"):
        raise TypeError(
            f"`estimator` must be a name or an estimator of scikit-learn, got {estimator!r}. "
            'Take "logistic" or "ridge".'
        )
    return estimator, type(estimator).__name__


def predictions(
    x: np.ndarray,
    there: np.ndarray,
    labels: np.ndarray,
    given: Folds,
    n_classes: int | None,
    decoder: Any,
    crossed: bool,
) -> Iterator[np.ndarray]:
    """Yield, for each labelling, what is decoded from each trial by what was learned from others.

    Args:
        x: activity, (trial, time, unit); NaN where a trial has no data.
        there: whether it has data, (trial, time).
        labels: classes (their places) or values, (labelling, trial).
        given: the folds.
        n_classes: number of classes; None for values.
        decoder: an estimator of scikit-learn, or a number, the penalty of a ridge.
        crossed: whether each time is decoded by what was learned at every other.

    Yields:
        (train time, time, trial), the train time of length 1 unless `crossed`; NaN where a trial
        is not tested.
    """
    # The matrices are small: to share one out to several threads gains nothing, and where other
    # programs keep the cores busy it takes twenty times as long.
    with threadpool_limits(1, "blas"):
        yield from _predictions(x, there, labels, given, n_classes, decoder, crossed)


def _predictions(
    x: np.ndarray,
    there: np.ndarray,
    labels: np.ndarray,
    given: Folds,
    n_classes: int | None,
    decoder: Any,
    crossed: bool,
) -> Iterator[np.ndarray]:
    x = np.where(there[:, :, None], x, 0.0)
    learned = []
    if isinstance(decoder, float):
        learned = [_ridge(x[i], there[i], labels[:, i], n_classes, decoder) for i in given.train]
    for number, y in enumerate(labels):
        n_trials, n_times, _ = x.shape
        found = np.full((n_times if crossed else 1, n_times, n_trials), np.nan)
        for fold, (train, test) in enumerate(zip(given.train, given.test, strict=True)):
            if isinstance(decoder, float):
                weights, offset = (part[number] for part in learned[fold])
                found[:, :, test] = _read(x[test], weights, offset, n_classes, crossed)
            else:
                found[:, :, test] = _by_estimator(
                    decoder, x[train], there[train], y[train], x[test], crossed
                )
        yield np.where(there.T, found, np.nan)


def _ridge(
    x: np.ndarray, there: np.ndarray, labels: np.ndarray, n_classes: int | None, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (labelling, time, unit, output) and offsets (labelling, time, output) of a ridge.

    Classes are decoded as the largest of one output a class, 1 for the class and -1 for others.
    """
    targets = labels[:, :, None].astype(float)
    if n_classes is not None:
        targets = np.where(labels[:, :, None] == np.arange(n_classes), 1.0, -1.0)
    n_labellings, _, n_outputs = targets.shape
    flat = np.moveaxis(targets, 0, 1).reshape(targets.shape[1], -1)
    # z = (x - mean) / sd;  w = (z'z + alpha)^-1 z'(y - mean y), over the trials with data
    z, rows = np.moveaxis(x, 1, 0), there.T[:, :, None]
    n = rows.sum(axis=1, keepdims=True)
    mean = (z * rows).sum(axis=1, keepdims=True) / n
    centred = (z - mean) * rows
    scale = np.sqrt((centred**2).sum(axis=1, keepdims=True) / n)
    same = scale <= 10 * np.finfo(float).eps * np.abs(mean)
    scale = np.where(same, 1.0, scale)
    z = centred / scale
    mean_y = (rows * flat).sum(axis=1, keepdims=True) / n
    gram = z.swapaxes(1, 2) @ z + alpha * np.eye(x.shape[2])
    w = np.linalg.solve(gram, z.swapaxes(1, 2) @ (rows * (flat - mean_y)))
    w = w / scale.swapaxes(1, 2)
    offset = mean_y - mean @ w
    shape = (*w.shape[:2], n_labellings, n_outputs)
    return (
        np.moveaxis(w.reshape(shape), 2, 0),
        np.moveaxis(offset.reshape(len(w), n_labellings, n_outputs), 1, 0),
    )


def _read(
    x: np.ndarray, weights: np.ndarray, offset: np.ndarray, n_classes: int | None, crossed: bool
) -> np.ndarray:
    """What a ridge decodes, (train time or 1, time, trial)."""
    if crossed:
        outputs = np.einsum("ntu,suo->stno", x, weights, optimize=True) + offset[:, None, None]
    else:
        outputs = (np.moveaxis(x, 1, 0) @ weights + offset[:, None])[None]
    return outputs[..., 0] if n_classes is None else outputs.argmax(axis=-1).astype(float)


def _by_estimator(
    estimator: Any,
    x: np.ndarray,
    there: np.ndarray,
    y: np.ndarray,
    tested: np.ndarray,
    crossed: bool,
) -> np.ndarray:
    """What an estimator decodes, one fitted a time, (train time or 1, time, trial)."""
    n_trials, n_times, n_units = tested.shape
    found = np.empty((n_times, n_times if crossed else 1, n_trials))
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for t in range(n_times):
            fitted = clone(estimator).fit(x[there[:, t], t], y[there[:, t]])
            if crossed:
                every = np.moveaxis(tested, 1, 0).reshape(-1, n_units)
                found[t] = fitted.predict(every).reshape(n_times, n_trials)
            else:
                found[t, 0] = fitted.predict(tested[:, t])
    return found if crossed else found.swapaxes(0, 1)
