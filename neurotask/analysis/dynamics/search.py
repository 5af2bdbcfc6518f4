"""The search for fixed points: q = |F(x, u) - x|^2 / 2 made small from many starts at once."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurotask._checks import choose, count, number
from neurotask.analysis.dynamics.mapping import Mapping, chunks

_LEAST = 1e-15  # of the damping, relative to the mean square of the derivatives
_SINGULAR = 1e-10  # what is added to J for Newton's step, so that a line of points does no harm
_TRIES = 6  # dampings that are tried before the Jacobian is computed anew
_FLAT = 1e-5  # relative decrease of q in a step at a minimum that is not 0
_LEVEL = 1e-7  # slope of q there, relative to |J| |r|


@dataclass(frozen=True, kw_only=True)
class PointSearch:
    """How fixed points are searched for, and what counts as one.

    Speeds are told as times: that in which a state, kept at the speed of the point, would move by
    the spread of the visited states (root mean square distance from their mean). They depend on
    neither the size of the network nor dt.

    Args:
        find: "fixed": each start goes down to a minimum of q. "slow": it stops once it is slow
            and at rest but for modes that decay as slowly as that, along which it hardly moves, so
            that a whole line or ring of slow points is kept.
        fixed: time in ms from which on a point is fixed.
        slow: time in ms from which on a point that is not fixed is slow.
        unique: distance below which two points are one, in spreads.
        distant: distance to the nearest start above which a point is an outlier, in spreads.
        iterations: after how many a start is given up.

    Example:
        >>> PointSearch(find="slow", slow=1000.0).unique
        0.01
    """

    find: Literal["fixed", "slow"] = "fixed"
    fixed: float = 1e9
    slow: float = 1e4
    unique: float = 0.01
    distant: float = 1.0
    iterations: int = 200

    def __post_init__(self) -> None:
        choose("find", self.find, ("fixed", "slow"))
        number("slow", self.slow, low=0.0, above=True)
        number("fixed", self.fixed, low=self.slow)
        number("unique", self.unique, low=0.0)
        number("distant", self.distant, low=0.0, above=True)
        count("iterations", self.iterations)


@dataclass(frozen=True, eq=False)
class Ends:
    """Where the starts ended.

    Args:
        states: (start, size).
        distance: how far a step moves them, |F(x) - x|, (start,).
        iterations: how many each took, (start,).
        why: "converged", "slow", "minimum", "iterations" or "diverged", (start,).
    """

    states: np.ndarray
    distance: np.ndarray
    iterations: np.ndarray
    why: np.ndarray


def descend(
    mapping: Mapping,
    starts: np.ndarray,
    inputs: np.ndarray,
    spread: float,
    dt: float,
    how: PointSearch,
) -> Ends:
    """Minimise q from all starts, each until it is done.

    With r = F(x, u) - x and its derivatives J = dF/dx - 1, Newton's step

        J delta = -r

    is taken where it is shorter than the spread of the states and leaves at most half of |r|;
    it finds saddles as well as what is stable. Elsewhere, and always where `find` is "slow", it is
    the step of Levenberg and Marquardt,

        (J^T J + mu) delta = -J^T r,

    in which mu falls and rises with how well J foretold the decrease of q, and stays above the
    square of (dt / slow) in "slow", so that modes as slow as that hardly move.

    Args:
        mapping: the step.
        starts: (start, size).
        inputs: (start, input), constant.
        spread: of the visited states.
        dt: length of a step in ms.
        how: tolerances.

    Source: Sussillo & Barak (2013) Neural Comput 25:626, who minimise the same q; the damping:
        Nielsen (1999), report IMM-REP-1999-05.
    """
    walk = _Walk(mapping, starts, inputs, spread)
    slow = spread * dt / how.slow if how.find == "slow" else None
    least = (dt / how.slow) ** 2 if how.find == "slow" else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(how.iterations):
            going = walk.going(slow)
            for at in chunks(len(going), 4 * mapping.size**2):
                walk.improve(going[at], least, newton=slow is None)
            if not going.size:
                break
    return Ends(walk.x, np.linalg.norm(walk.r, axis=1), walk.iterations, walk.why)


class _Walk:
    """Where each start is on its way.

    Args: those of `descend`.

    Attributes:
        x: states, (start, size).
        r: F(x, u) - x, (start, size).
        iterations: how many steps each has taken, (start,).
        why: why it is done, "iterations" while it is not, (start,).
    """

    def __init__(self, mapping: Mapping, starts: np.ndarray, inputs: np.ndarray, spread: float):
        self.mapping, self.inputs, self.spread = mapping, inputs, spread
        self.x = starts.copy()
        self.r = mapping(self.x, inputs) - self.x
        self.iterations = np.zeros(len(starts), int)
        self.why = np.full(len(starts), "iterations", "<U10")
        self._before = np.full(len(starts), np.inf)  # |r| a step ago
        self._newton_below = np.full(len(starts), np.inf)  # |r| from which on Newton is tried
        self._mu, self._rise = np.full(len(starts), np.nan), np.full(len(starts), 2.0)

    def going(self, slow: float | None) -> np.ndarray:
        """Return which are not done, once those are marked that are at rest, or slow enough."""
        distance = np.linalg.norm(self.r, axis=1)
        floor = 2 * self.mapping.precision * (np.linalg.norm(self.x, axis=1) + self.spread)
        open_ = self.why == "iterations"
        if slow is not None:
            # Steps that still halve the speed take off what is left along fast modes.
            level = distance > 0.5 * self._before
            self.why[open_ & (distance <= slow) & level] = "slow"
            self._before = distance
        self.why[open_ & (distance <= floor)] = "converged"
        self.why[open_ & ~np.isfinite(distance)] = "diverged"
        return np.flatnonzero(self.why == "iterations")

    def improve(self, rows: np.ndarray, least: float, newton: bool) -> None:
        """Take a step from each of some starts."""
        self.iterations[rows] += 1
        x, r = self.x[rows], self.r[rows]
        jacobian = self.mapping.near(x, self.inputs[rows], x + r)
        jacobian[:, *np.diag_indices(self.mapping.size)] -= 1.0
        near = newton & (np.linalg.norm(r, axis=1) <= self._newton_below[rows])
        tried = np.flatnonzero(near)
        failed = tried[self._newton(rows[tried], jacobian[tried])] if tried.size else tried
        left = np.union1d(np.flatnonzero(~near), failed)
        if left.size:
            self._damped(rows[left], jacobian[left], least)

    def _newton(self, rows: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
        """Take Newton's step where it is good; return the places in `rows` of the others."""
        r = self.r[rows]
        scale = np.sqrt(np.mean(jacobian**2, axis=(1, 2)) * self.mapping.size)
        step = _solve(jacobian, _SINGULAR * scale, -r)
        good = np.linalg.norm(step, axis=1) <= self.spread  # False where it is not finite
        at = np.flatnonzero(good)
        there = self.x[rows[at]] + step[at]
        residual = self.mapping(there, self.inputs[rows[at]]) - there
        fell = np.linalg.norm(residual, axis=1) <= 0.5 * np.linalg.norm(r[at], axis=1)
        self.x[rows[at[fell]]], self.r[rows[at[fell]]] = there[fell], residual[fell]
        good[at[~fell]] = False
        # Not before it has come nearer is it worth another solution of J.
        self._newton_below[rows[~good]] = 0.3 * np.linalg.norm(r[~good], axis=1)
        return np.flatnonzero(~good)

    def _damped(self, rows: np.ndarray, jacobian: np.ndarray, least: float) -> None:
        """Take a step of Levenberg and Marquardt, with the first damping that helps."""
        q = 0.5 * np.sum(self.r[rows] ** 2, axis=1)
        slope = np.einsum("pij,pi->pj", jacobian, self.r[rows])
        square = np.mean(jacobian**2, axis=(1, 2)) * self.mapping.size  # mean of J^T J's diagonal
        steep = np.linalg.norm(slope, axis=1) > _LEVEL * np.sqrt(2 * q * square)
        self.why[rows[~steep]] = "minimum"
        curvature = jacobian.swapaxes(1, 2) @ jacobian
        floor = np.maximum(least, _LEAST * square)
        begun = np.where(np.isnan(self._mu[rows]), 1e-3 * square, self._mu[rows])
        self._mu[rows] = np.clip(begun, floor, np.maximum(square, floor))
        left = np.flatnonzero(steep)
        for _ in range(_TRIES):
            left = self._tried(rows, left, q, slope, curvature)
            if not left.size:
                return
        stuck = rows[left]
        # No damping helps: it is as good as the precision of the step allows, or in a kink.
        self.why[stuck[self._mu[stuck] > 1e6 * square[left]]] = "minimum"

    def _tried(
        self, rows: np.ndarray, left: np.ndarray, q: Any, slope: Any, curvature: Any
    ) -> np.ndarray:
        """Take the steps that lower q; return the places of those that do not."""
        at = rows[left]
        step = _solve(curvature[left], self._mu[at], -slope[left])
        there = self.x[at] + step
        residual = self.mapping(there, self.inputs[at]) - there
        fell = q[left] - 0.5 * np.sum(residual**2, axis=1)
        foretold = 0.5 * np.sum(step * (self._mu[at, None] * step - slope[left]), axis=1)
        gain = fell / np.maximum(foretold, np.finfo(float).tiny)
        good = gain > 1e-3  # False where it is not finite
        self.x[at[good]], self.r[at[good]] = there[good], residual[good]
        self.why[at[good & (fell < _FLAT * q[left])]] = "minimum"
        self._mu[at[good]] *= np.maximum(0.1, 1.0 - (2.0 * gain[good] - 1.0) ** 3)
        self._rise[at[good]] = 2.0
        self._mu[at[~good]] *= self._rise[at[~good]]
        self._rise[at[~good]] *= 2.0
        return left[~good]


def _solve(matrices: np.ndarray, added: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solutions of (matrix + added) delta = right, (point, size); NaN where none is."""
    filled = matrices.copy()
    filled[:, *np.diag_indices(matrices.shape[-1])] += added[:, None]
    try:
        return np.linalg.solve(filled, right[..., None])[..., 0]
    except np.linalg.LinAlgError:  # one of them is singular, and which is not said
        return np.stack([_one(*pair) for pair in zip(filled, right, strict=True)])


def _one(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.full_like(right, np.nan)
