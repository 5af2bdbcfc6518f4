"""`line_attractor`: are points a line along which a network integrates, and what does it select?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from neurotask._checks import listed, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis._groups import Grouped
from neurotask.analysis.dynamics import linear
from neurotask.analysis.dynamics.line_result import LineAttractor
from neurotask.analysis.dynamics.points import FixedPoints

_FEWEST = 3  # points that can be a line
_NEIGHBOURS = 0.15  # share of the points that say which way the line runs


@dataclass(frozen=True, kw_only=True)
class LineCriteria:
    """What counts as a line attractor.

    Args:
        share: least share of the variance of neighbouring points along one direction, median.
        ratio: least ratio of the time constants of the slowest and the next mode, median.
        alignment: least |cosine| of the slowest mode and the line, median.

    Example:
        >>> LineCriteria(ratio=10.0).share
        0.9
    """

    share: float = 0.9
    ratio: float = 5.0
    alignment: float = 0.9

    def __post_init__(self) -> None:
        number("share", self.share, low=0.0, high=1.0)
        number("ratio", self.ratio, low=1.0)
        number("alignment", self.alignment, low=0.0, high=1.0)


_USUAL = LineCriteria()


@overload
def line_attractor(
    points: FixedPoints, *, criteria: LineCriteria = _USUAL, by: None = None
) -> LineAttractor: ...
@overload
def line_attractor(
    points: FixedPoints, *, criteria: LineCriteria = _USUAL, by: str | Sequence[str]
) -> Grouped[LineAttractor]: ...
def line_attractor(
    points: FixedPoints, *, criteria: LineCriteria = _USUAL, by: str | Sequence[str] | None = None
) -> LineAttractor | Grouped[LineAttractor]:
    """Test whether points are a line attractor, and find what its network integrates.

    On a line attractor the network stays where it is along one direction and comes back along all
    others. So the points lie on a curve, one mode of each is far slower than the next, and its
    right eigenvector runs along the curve. The left eigenvector of that mode is the selection
    vector: what an input adds to the position along the line is its projection onto it.

    The slowest mode is the one whose eigenvalue is nearest to 1.

    Args:
        points: what `fixed_points` found, best with PointSearch(find="slow"), which keeps the whole
            of a line whose points drift. Outliers are left out.
        criteria: what counts as a line attractor.
        by: the conditions of the points: each has a line of its own.

    Returns:
        A `LineAttractor`, or with `by` a mapping from condition to `LineAttractor`.

    Raises:
        TypeError: if `points` is no FixedPoints.
        ValueError: if there is no point, or if points of several conditions are taken for one line.

    Source: Mante, Sussillo, Shenoy & Newsome (2013) Nature 503:78, supplement section 8;
        Maheswaranathan et al. (2019) NeurIPS 32.

    Example:
        Two units that keep their difference and forget their sum.

        >>> import numpy as np
        >>> from neurotask.analysis import fixed_points, line_attractor
        >>> weights = np.array([[0.9, -0.1], [-0.1, 0.9]])
        >>> step = lambda x, u: x @ weights.T + u
        >>> visited = np.random.default_rng(0).normal(size=(40, 2))
        >>> points = fixed_points(step, visited, input=[0.0, 0.0], dt=10.0)
        >>> line = line_attractor(points)
        >>> line.is_line, np.abs(line.selection_vectors[0]).round(3).tolist()
        (True, [0.707, 0.707])
    """
    if not isinstance(points, FixedPoints):
        raise TypeError(
            f"`points` must be FixedPoints, got {type(points).__name__}. "
            "Give what fixed_points(...) returned."
        )
    if not isinstance(criteria, LineCriteria):
        raise TypeError(
            f"`criteria` must be LineCriteria, got {criteria!r}. Give LineCriteria(ratio=10.0)."
        )
    names = names_of("by", by)
    conditions = tuple(str(name) for name in points.conditions.columns)
    several = len(conditions) > 0 and len(points.conditions.drop_duplicates()) > 1
    if (names and sorted(names) != sorted(conditions)) or (not names and several):
        raise ValueError(
            f"`by` must be {listed(conditions)} for points of several conditions, got {by!r}: each "
            "condition has a line of its own. Name them all, or take points.sel(...)."
        )
    kept = points.only(~points.outlier)
    if not len(kept):
        raise ValueError(
            f"`points` must hold a point, got none near the visited states: {points!r}. "
            "Search from more starts, or with a shorter PointSearch(slow=...)."
        )
    if not names:
        return _line(kept, criteria)
    groups = kept.conditions[list(names)].drop_duplicates().itertuples(index=False, name=None)
    levels = {g if len(names) > 1 else g[0]: dict(zip(names, g, strict=True)) for g in groups}
    results = {group: _line(kept.sel(**one), criteria) for group, one in levels.items()}
    return Grouped(results=results, by=names, together=True)


def _line(points: FixedPoints, criteria: LineCriteria) -> LineAttractor:
    flat = points.states.reshape(len(points), -1)
    centre = flat.mean(0)
    axis, share = _principal(flat - centre)
    with threadpool_limits(1, "blas"):  # see fixed_points
        chosen = [_slowest(linear.modes(one)) for one in points.jacobians]
    values = np.array([one[0] for one in chosen])
    right, left = (np.array([one[i] for one in chosen]) for i in (1, 2))
    tangents, local = _tangents(flat)
    # All along the line in one direction, so that selection vectors of points can be compared.
    sign = np.sign(np.einsum("pi,i->p", right, axis))
    sign[sign == 0] = 1.0
    right, left = right * sign[:, None], left * sign[:, None]
    times = _times(values, points.dt)
    enough = len(points) >= _FEWEST
    measured = {
        "share": (float(np.median(local)) if enough else np.nan, criteria.share),
        "ratio": (float(np.median(times[:, 0] / times[:, 1])), criteria.ratio),
        "alignment": (
            float(np.median(np.abs(np.einsum("pi,pi->p", right, tangents)))) if enough else np.nan,
            criteria.alignment,
        ),
    }
    real = bool(np.median(np.abs(np.imag(values[:, 0]))) < 1e-9)
    met = {name: bool(value >= least) for name, (value, least) in measured.items()}
    return LineAttractor(
        is_line=all(met.values()) and real if enough else None,
        status="ok" if enough else f"{len(points)} points, of which no line can be told",
        criteria=pd.DataFrame(
            {
                "criterion": [*measured, "the slowest mode does not turn"],
                "value": [*(value for value, _ in measured.values()), float(real)],
                "least": [*(least for _, least in measured.values()), 1.0],
                "met": [*met.values(), real],
            }
        ),
        position=(flat - centre) @ axis,
        axis=axis,
        centre=centre,
        share=share,
        local_share=local,
        eigenvalues=values,
        time_constants=times,
        right=right,
        selection_vectors=left,
        tangents=tangents,
        points=points,
    )


def _slowest(modes: linear.Modes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two eigenvalues nearest to 1, and the vectors of the first, left @ right = 1."""
    order = np.argsort(np.abs(modes.eigenvalues - 1.0), kind="stable")
    first = order[0]
    right, left = np.real(modes.right[:, first]), np.real(modes.left[first])
    size = np.linalg.norm(right)
    two = modes.eigenvalues[order[:2]]
    return np.append(two, [0.0] * (2 - len(two))), right / size, left * size


def _times(values: np.ndarray, dt: float) -> np.ndarray:
    """Return dt / |1 - lambda| in ms: how long a mode keeps what is put into it."""
    with np.errstate(divide="ignore"):
        return dt / np.maximum(np.abs(1.0 - values), 1e-15)


def _principal(centred: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the direction of largest variance, and its share of the variance (NaN of none)."""
    _, size, axes = np.linalg.svd(centred, full_matrices=False)
    axis = axes[0] * np.sign(axes[0, np.abs(axes[0]).argmax()])
    total = float(np.sum(size**2))
    return axis, float(size[0] ** 2 / total) if total > 0 else np.nan


def _tangents(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the line runs at each point, (point, n), and the share of variance along it.

    The line may bend: its direction at a point is that of the nearest points.
    """
    n = min(len(states), max(_FEWEST, 1 + int(np.ceil(_NEIGHBOURS * len(states)))))
    tangents, shares = np.empty_like(states), np.empty(len(states))
    for at, state in enumerate(states):
        near = np.argsort(np.linalg.norm(states - state, axis=1), kind="stable")[:n]
        tangents[at], shares[at] = _principal(states[near] - states[near].mean(0))
    return tangents, shares
