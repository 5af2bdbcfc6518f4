"""The most probable psychometric curve: the best of a coarse grid, then uphill from there.

It works on a `Posterior` whose coordinate is of order one, and is deterministic.
"""

from dataclasses import replace

import numpy as np

from neurotask.analysis.psychometrics.likelihood import Posterior

# Grid points along (location, ln scale, gamma, lapse).
_POINTS = (15, 12, 3, 3)
_ROUNDS = 200
# Uphill ends once a full step is expected to add less than this to the log density.
_ENOUGH = 1e-10


def maximum(posterior: Posterior) -> np.ndarray:
    """Return the parameters of greatest posterior density within the bounds, (4,)."""
    grid = _mesh([_spaced(*pair) for pair in zip(posterior.bounds, _POINTS, strict=True)])
    # One start among the steep curves and one among the shallow: they may be two separate hills.
    steep = grid[:, 1] < posterior.bounds[1].mean()
    starts = [_best(posterior, part) for part in (grid[steep], grid[~steep])]
    return _best(posterior, climb(posterior, np.stack(starts)))


def steepest(posterior: Posterior) -> np.ndarray:
    """Return the best parameters whose scale is the smallest allowed: in effect a step, (4,)."""
    bounds = posterior.bounds.copy()
    bounds[1, 1] = bounds[1, 0]
    u, width = np.unique(posterior.u[np.isfinite(posterior.u)]), np.exp(bounds[1, 0])
    # In the middle of each gap, or with one level on the rise.
    locations = np.concatenate([(u[1:] + u[:-1]) / 2, u - width, u, u + width])
    asymptotes = [_spaced(pair, 3) for pair in bounds[2:]]
    start = _best(posterior, _mesh([locations, bounds[1, :1], *asymptotes]))
    return climb(replace(posterior, bounds=bounds), start[None])[0]


def climb(posterior: Posterior, theta: np.ndarray) -> np.ndarray:
    """Go uphill from each start (start, 4) to where the posterior density is highest.

    Fisher scoring, damped as by Levenberg and Marquardt: a step that does not go up is taken back
    and tried again with more damping, which turns it towards the gradient and makes it shorter.
    A parameter that would leave its bounds stays on them.
    """
    low, high = posterior.bounds.T
    damping = np.full(len(theta), 1e-3)
    value, gradient, information = posterior.derivatives(theta)
    for _ in range(_ROUNDS):
        step = _step(theta, gradient, information, damping, posterior.bounds)
        if not (np.abs(step * gradient).sum(axis=1) > _ENOUGH).any():
            break
        trial = np.clip(theta + step, low, high)
        found = posterior.derivatives(trial)
        better = found[0] > value
        damping = np.where(better, damping / 5, damping * 8)
        theta = np.where(better[:, None], trial, theta)
        value = np.where(better, found[0], value)
        gradient = np.where(better[:, None], found[1], gradient)
        information = np.where(better[:, None, None], found[2], information)
    return theta


def _step(
    theta: np.ndarray,
    gradient: np.ndarray,
    information: np.ndarray,
    damping: np.ndarray,
    bounds: np.ndarray,
) -> np.ndarray:
    """The damped step (start, 4); a parameter at a bound that it is pushed against is held."""
    low, high = bounds.T
    free = ~(((theta <= low) & (gradient <= 0)) | ((theta >= high) & (gradient >= 0)))
    diagonal = np.einsum("sii->si", information) * (1 + damping[:, None]) + damping[:, None] * 1e-6
    matrix = np.where(free[:, :, None] & free[:, None, :], information, 0.0)
    np.einsum("sii->si", matrix)[...] = np.where(free, diagonal, 1.0)
    return np.linalg.solve(matrix, np.where(free, gradient, 0.0)[..., None])[..., 0]


def _best(posterior: Posterior, points: np.ndarray) -> np.ndarray:
    return points[np.argmax(posterior.log_density(points))]


def _spaced(pair: np.ndarray, n: int) -> np.ndarray:
    return np.unique(np.linspace(pair[0], pair[1], n))


def _mesh(axes: list[np.ndarray]) -> np.ndarray:
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
