"""Logistic regression by Newton's method, with a ridge if asked, and what the data leave open."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit, log_expit

_MOST_STEPS = 100
_SUSPECT = 12.0  # log odds from which on choices may be separated
_HUGE = 30.0  # log odds at which an unbounded climb is given up: p (1 - p) is nearly 0


@dataclass(frozen=True, eq=False)
class Logistic:
    """A fitted logistic regression.

    Args:
        weights: of the columns, NaN where the data do not determine them, (column,).
        covariance: of the weights, (column, column).
        log_likelihood: of the data at the weights, without the penalty.
        status: "ok", or "undetermined: " and why.
    """

    weights: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    status: str


def logistic(design: np.ndarray, y: np.ndarray, penalty: np.ndarray) -> Logistic:
    """Maximise sum ln P(y) - sum penalty_j w_j^2 / 2 over the weights w.

    The covariance is the inverse of the curvature: without a penalty that of maximum likelihood,
    with one that of the posterior under a normal prior of variance 1 / penalty_j.

    A column that never changes from 0 has weight NaN. Where a weighted sum of columns separates the
    choices, in part or in all, no finite weights are best: all are NaN, unless a penalty keeps them
    finite; the status tells in either case.

    Args:
        design: (trial, column).
        y: 1 or 0, (trial,).
        penalty: of each column, (column,).
    """
    present = np.any(design != 0, axis=0)
    inside, ridge = design[:, present], penalty[present]
    weights, converged = _newton(inside, y, 0.0 * ridge)
    loose = free = False
    if not converged or np.abs(inside @ weights).max(initial=0.0) > _SUSPECT:
        loose = separated(inside, y)
        free = loose and separated(inside[:, ridge == 0], y)
    if ridge.any():
        weights, _ = _newton(inside, y, ridge)
    odds = inside @ weights
    full = np.full(len(present), np.nan)
    covariance = np.full((len(present), len(present)), np.nan)
    likelihood = float(log_expit(np.where(y == 1, odds, -odds)).sum())
    if free:
        return Logistic(full, covariance, likelihood, "undetermined: the choices are separated")
    full[present] = weights
    information = _information(inside, odds, ridge)
    size = np.sqrt(np.diag(information))
    if np.linalg.cond(information / np.outer(size, size)) > 1e12:
        full[:] = np.nan
        return Logistic(full, covariance, likelihood, "undetermined: regressors are collinear")
    covariance[np.ix_(present, present)] = np.linalg.inv(information)
    status = "separated: the size of the weights is that of the penalty" if loose else "ok"
    return Logistic(full, covariance, likelihood, status)


def _newton(design: np.ndarray, y: np.ndarray, penalty: np.ndarray) -> tuple[np.ndarray, bool]:
    weights, floor = np.zeros(design.shape[1]), 1e-10 * np.eye(design.shape[1])
    value = _objective(design, y, penalty, weights)
    for _ in range(_MOST_STEPS):
        odds = design @ weights
        score = design.T @ (y - expit(odds)) - penalty * weights
        information = _information(design, odds, penalty)
        step = np.linalg.solve(information + floor * np.trace(information), score)
        there = _objective(design, y, penalty, weights + step)
        while there < value - 1e-12 * abs(value) and np.abs(step).max() > 1e-12:
            step = step / 2
            there = _objective(design, y, penalty, weights + step)
        weights, value = weights + step, there
        if np.abs(design @ weights).max() > _HUGE and not penalty.any():
            return weights, False
        if np.abs(step).max() < 1e-10 * (1 + np.abs(weights).max()):
            return weights, True
    return weights, False


def _objective(
    design: np.ndarray, y: np.ndarray, penalty: np.ndarray, weights: np.ndarray
) -> float:
    odds = design @ weights
    fit = log_expit(np.where(y == 1, odds, -odds)).sum()
    return float(fit - penalty @ weights**2 / 2)


def _information(design: np.ndarray, odds: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    p = expit(odds)
    return (design.T * (p * (1 - p))) @ design + np.diag(penalty)


def separated(design: np.ndarray, y: np.ndarray) -> bool:
    """Return whether a weighted sum of columns is never on the wrong side, and once on the right.

    Source: Konis (2007) Linear programming algorithms for detecting separated data in binary
        logistic regression models, DPhil thesis, University of Oxford.
    """
    if not design.shape[1]:
        return False
    margins = np.where(y == 1, 1.0, -1.0)[:, None] * design / np.abs(design).max(0)
    # Of all directions with no margin below 0, the one whose margins are largest in sum.
    found = linprog(-margins.sum(0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1))
    return bool(found.success and np.abs(found.x).max() > 1e-7)
