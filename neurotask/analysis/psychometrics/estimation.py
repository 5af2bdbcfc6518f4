"""The most probable psychometric curve: the best of a coarse grid, then uphill from there.

It works on a `Posterior` whose coordinate is of order one, and is deterministic.
"""

from dataclasses import replace

import numpy as np

from neurotask.analysis.psychometrics.likelihood import Posterior

# Grid points along (location, ln scale, gamma, lapse, eta).
_POINTS = np.array([15, 12, 3, 3, 3])
_ROUNDS = 200
# Uphill ends once a full step is expected to add less than this to the log density.
_ENOUGH = 1e-10
_LEAST_DAMPING, _MOST_DAMPING = 1e-9, 1e15


def maximum(posterior: Posterior) -> np.ndarray:
    """Return the free parameters of greatest posterior density within the bounds, (free,)."""
    spaced = [_spaced(*pair) for pair in zip(posterior.limits, _points(posterior), strict=True)]
    grid = _mesh(spaced)
    # One start among the steep curves and one among the shallow: they may be two separate hills.
    steep = grid[:, _scale(posterior)] < posterior.bounds[1].mean()
    starts = [_best(posterior, part) for part in (grid[steep], grid[~steep])]
    return _best(posterior, climb(posterior, np.stack(starts)))


def steepest(posterior: Posterior) -> np.ndarray:
    """Return the best parameters whose scale is the smallest allowed: in effect a step, (free,)."""
    width = np.exp(posterior.bounds[1, 0])
    u = np.unique(posterior.u[np.isfinite(posterior.u)])
    # In the middle of each gap, or with one level on the rise.
    locations = np.concatenate([(u[1:] + u[:-1]) / 2, u - width, u, u + width])
    axes = [_spaced(pair, 3) for pair in posterior.limits]
    axes[0], axes[_scale(posterior)] = locations, posterior.bounds[1, :1]
    start = _best(posterior, _mesh(axes))
    held = posterior.bounds.copy()
    held[1, 1] = held[1, 0] + 1e-12  # still among the free ones
    return climb(replace(posterior, bounds=held), start[None])[0]


def again(posterior: Posterior, k: np.ndarray, starts: list[np.ndarray]) -> np.ndarray:
    """Return the most probable parameters for other counts of the same levels.

    Args:
        posterior: that of the first experiment.
        k: counts of each experiment, (experiment, level).
        starts: where to look, each (free,); the best of what they lead to is taken.

    Returns:
        The free parameters, (experiment, free).
    """
    several = replace(posterior, k=k)
    ends = [climb(several, np.tile(start, (len(k), 1))) for start in starts]
    heights = np.stack([several.log_density(end) for end in ends])
    return np.stack(ends)[heights.argmax(0), np.arange(len(k))]


def climb(posterior: Posterior, x: np.ndarray) -> np.ndarray:
    """Go uphill from each start (start, free) to where the posterior density is highest.

    Fisher scoring, damped as by Levenberg and Marquardt: a step that does not go up is taken back
    and tried again with more damping, which turns it towards the gradient and makes it shorter.
    A parameter that would leave its bounds stays on them.
    """
    low, high = posterior.limits.T
    ends, active = x.copy(), np.arange(len(x))
    damping = np.full(len(x), 1e-3)
    value, gradient, information = posterior.derivatives(x)
    for _ in range(_ROUNDS):
        step = _step(x, gradient, information, damping, posterior.limits)
        going = (np.abs(step * gradient).sum(axis=1) > _ENOUGH) & (damping < _MOST_DAMPING)
        if not going.all():
            # Who has arrived leaves, so that the slowest of many starts does not hold them all up.
            ends[active] = x
            active, posterior = active[going], posterior.of(going)
            x, step, damping, value = x[going], step[going], damping[going], value[going]
            gradient, information = gradient[going], information[going]
        if not len(active):
            return ends
        trial = np.clip(x + step, low, high)
        found = posterior.derivatives(trial)
        better = found[0] > value
        damping = np.where(better, np.maximum(damping / 5, _LEAST_DAMPING), damping * 8)
        x = np.where(better[:, None], trial, x)
        value = np.where(better, found[0], value)
        gradient = np.where(better[:, None], found[1], gradient)
        information = np.where(better[:, None, None], found[2], information)
    ends[active] = x
    return ends


def _step(
    x: np.ndarray,
    gradient: np.ndarray,
    information: np.ndarray,
    damping: np.ndarray,
    limits: np.ndarray,
) -> np.ndarray:
    """The damped step (start, free); a parameter at a bound that it is pushed against is held."""
    low, high = limits.T
    free = ~(((x <= low) & (gradient <= 0)) | ((x >= high) & (gradient >= 0)))
    diagonal = np.einsum("sii->si", information) * (1 + damping[:, None]) + damping[:, None] * 1e-6
    matrix = np.where(free[:, :, None] & free[:, None, :], information, 0.0)
    np.einsum("sii->si", matrix)[...] = np.where(free, diagonal, 1.0)
    return np.linalg.solve(matrix, np.where(free, gradient, 0.0)[..., None])[..., 0]


def _scale(posterior: Posterior) -> int:
    """The place of the scale among the free parameters."""
    return int(np.flatnonzero(posterior.free == 1)[0])


def _points(posterior: Posterior) -> np.ndarray:
    return _POINTS[posterior.free]


def _best(posterior: Posterior, points: np.ndarray) -> np.ndarray:
    return points[np.argmax(posterior.log_density(points))]


def _spaced(pair: np.ndarray, n: int) -> np.ndarray:
    return np.unique(np.linspace(pair[0], pair[1], n))


def _mesh(axes: list[np.ndarray]) -> np.ndarray:
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
