"""Draws of the curves that the data leave possible: the posterior, summed on a grid.

As in Schütt, Harmeling, Macke & Wichmann (2016), Vision Research 122, 105-123, the posterior has
few enough dimensions to be evaluated everywhere that matters, so nothing needs to converge.
"""

import numpy as np

from neurotask.analysis.psychometrics.likelihood import Posterior

# Grid points along each free parameter, by how many are free: while the box is sought, and at the
# end. The sum of a smooth density is exact to many digits once a standard deviation holds a point.
_COARSE = {2: 33, 3: 19, 4: 11, 5: 7}
_FINE = {2: 301, 3: 51, 4: 21, 5: 11}
_PASSES = 12
_NEGLIGIBLE = 1e-4
_AT_ONCE = 2**17  # curve values evaluated at once, which stay in the processor's cache


def draws(posterior: Posterior, mode: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return free parameters drawn from the posterior, (n, free), in random order."""
    box = fitting_box(posterior, mode)
    axes = _grid(box, _FINE)
    mass = np.cumsum(_mass(posterior, axes))
    # Systematic resampling, n points at equal distances of mass, is less noisy than n dice.
    ticks = (np.arange(n) + rng.random()) / n * mass[-1]
    cells = np.minimum(np.searchsorted(mass, ticks), len(mass) - 1)
    indices = np.stack(np.unravel_index(rng.permutation(cells), [len(axis) for axis in axes]), -1)
    # A draw lies anywhere in the cell around its grid point; the cells at the edges are halves.
    last = np.array([max(len(axis) - 1, 1) for axis in axes])
    place = _reflect(indices + rng.uniform(-0.5, 0.5, indices.shape), last)
    return box[:, 0] + place / last * (box[:, 1] - box[:, 0])


def fitting_box(posterior: Posterior, mode: np.ndarray) -> np.ndarray:
    """Return a box (free, 2) that holds all but a negligible part of the posterior."""
    reach = 5 * posterior.spread(mode)
    box = _clip(np.stack([mode - reach, mode + reach], axis=1), posterior.limits)
    for _ in range(_PASSES):
        previous, box = box, _refit(posterior, box)
        if np.array_equal(previous, box):
            break
    return box


def _refit(posterior: Posterior, box: np.ndarray) -> np.ndarray:
    """Widen the box on each side where the marginal has not faded, cut it where it has."""
    axes = _grid(box, _COARSE)
    mass = _mass(posterior, axes).reshape([len(axis) for axis in axes])
    sides = []
    for i, axis in enumerate(axes):
        marginal = mass.sum(tuple(j for j in range(len(axes)) if j != i))
        kept = np.flatnonzero(marginal > _NEGLIGIBLE * marginal.max())
        wider = axis[-1] - axis[0]
        low = axis[kept[0] - 1] if kept[0] > 0 else axis[0] - wider
        high = axis[kept[-1] + 1] if kept[-1] < len(axis) - 1 else axis[-1] + wider
        sides.append((low, high))
    return _clip(np.array(sides), posterior.limits)


def _mass(posterior: Posterior, axes: list[np.ndarray]) -> np.ndarray:
    """The share of the posterior at each grid point, flat, up to a constant (trapezium rule)."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    parts = np.array_split(points, -(-len(points) * len(posterior.u) // _AT_ONCE))
    density = np.concatenate([posterior.log_density(part) for part in parts])
    mass = np.exp(density - density.max()).reshape([len(axis) for axis in axes])
    for i, axis in enumerate(axes):
        weight = np.ones(len(axis))
        weight[[0, -1]] = 0.5
        mass *= np.expand_dims(weight, [j for j in range(mass.ndim) if j != i])
    return mass.ravel()


def _grid(box: np.ndarray, points: dict[int, int]) -> list[np.ndarray]:
    return [np.linspace(low, high, points[len(box)]) for low, high in box]


def _clip(box: np.ndarray, limits: np.ndarray) -> np.ndarray:
    return np.clip(box, limits[:, :1], limits[:, 1:])


def _reflect(place: np.ndarray, last: np.ndarray) -> np.ndarray:
    place = np.abs(place)
    return last - np.abs(last - place)


def interval(
    drawn: np.ndarray, estimate: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return an interval of probability `level` that contains the estimate.

    It is the one with equal tails, unless the estimate lies in a tail, as that of a lapse rate at
    its bound does: then the tails are shifted just so far that it does not.

    Args:
        drawn: draws of each quantity, (draw, quantity); NaN where it is undetermined.
        estimate: of each quantity, (quantity,).
        level: between 0 and 1.

    Returns:
        The lower and the upper ends, each (quantity,).
    """
    last = len(drawn) - 1
    below = (drawn < estimate).mean(axis=0)
    tail = np.clip((1 - level) / 2, np.maximum(below - level, 0), np.minimum(below, 1 - level))
    ranks = np.rint(np.stack([tail, tail + level]) * last).astype(int)
    low, high = np.take_along_axis(np.sort(drawn, axis=0), ranks, axis=0)
    return np.minimum(low, estimate), np.maximum(high, estimate)
