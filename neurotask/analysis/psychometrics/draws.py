"""Draws of the curves that the data leave possible: the posterior, summed on a grid.

As in Schütt, Harmeling, Macke & Wichmann (2016), Vision Research 122, 105-123, the posterior has
few enough dimensions to be evaluated everywhere that matters, so nothing needs to converge.
"""

import numpy as np

from neurotask.analysis.psychometrics.likelihood import Posterior

# Grid points along (location, ln scale, gamma, lapse): while the box is sought, and at the end.
_COARSE = (17, 17, 9, 9)
_FINE = (21, 21, 21, 21)
_PASSES = 12
_NEGLIGIBLE = 1e-4


def draws(posterior: Posterior, mode: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return parameters drawn from the posterior, (n, 4), in random order."""
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
    """Return a box (4, 2) that holds all but a negligible part of the posterior."""
    reach = 5 * posterior.spread(mode)
    box = _clip(np.stack([mode - reach, mode + reach], axis=1), posterior.bounds)
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
        marginal = mass.sum(tuple(j for j in range(4) if j != i))
        kept = np.flatnonzero(marginal > _NEGLIGIBLE * marginal.max())
        wider = axis[-1] - axis[0]
        low = axis[kept[0] - 1] if kept[0] > 0 else axis[0] - wider
        high = axis[kept[-1] + 1] if kept[-1] < len(axis) - 1 else axis[-1] + wider
        sides.append((low, high))
    return _clip(np.array(sides), posterior.bounds)


def _mass(posterior: Posterior, axes: list[np.ndarray]) -> np.ndarray:
    """The share of the posterior at each grid point, flat, up to a constant (trapezium rule)."""
    density = posterior.log_density(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    mass = np.exp(density - density.max())
    for i, axis in enumerate(axes):
        weight = np.ones(len(axis))
        weight[[0, -1]] = 0.5
        mass *= np.expand_dims(weight, [j for j in range(mass.ndim) if j != i])
    return mass.ravel()


def _grid(box: np.ndarray, points: tuple[int, ...]) -> list[np.ndarray]:
    return [
        np.linspace(side[0], side[1], n) if side[1] > side[0] else side[:1]
        for side, n in zip(box, points, strict=True)
    ]


def _clip(box: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    return np.clip(box, bounds[:, :1], bounds[:, 1:])


def _reflect(place: np.ndarray, last: np.ndarray) -> np.ndarray:
    place = np.abs(place)
    return last - np.abs(last - place)


def interval(
    drawn: np.ndarray, estimate: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return an interval of posterior probability `level` that contains the estimate.

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
