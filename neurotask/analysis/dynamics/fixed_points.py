"""Fixed and slow points of a network under constant inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from neurotask._checks import count, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis.dynamics import starts as beginning
from neurotask.analysis.dynamics.linear import ordered
from neurotask.analysis.dynamics.mapping import Mapping, check_step, chunks
from neurotask.analysis.dynamics.points import FixedPoints
from neurotask.analysis.dynamics.search import Ends, PointSearch, descend
from neurotask.analysis.dynamics.starts import Visited

_USUAL = PointSearch()
_KEPT = 1000  # visited states that a result keeps, for its figure


def fixed_points(
    step: Callable[..., Any],
    states: xr.Dataset | np.ndarray,
    *,
    input: Any,
    condition: str | Sequence[str] | None = None,
    n_starts: int = 200,
    scatter: float = 0.0,
    seed: int = 0,
    search: PointSearch = _USUAL,
    jacobian: Callable[..., Any] | None = None,
    rates: Callable[..., Any] | None = None,
    dt: float | None = None,
) -> FixedPoints:
    """Find where a network comes to rest under constant inputs, and what it does nearby.

    The squared speed of the network is minimised from many of the states that it visited, all at
    once. Where it is 0 the state is a fixed point, stable or not; where it is small the state is a
    slow point, which behaves like one for as long as a trial lasts. The step is linearised at each.

    Args:
        step: a noise-free step, `step(state (..., unit), input (..., input)) -> state`, such as
            `model.step`, or any function of NumPy arrays. States are given in float64.
        states: a Session with "states", or visited states, (state, unit) or (state, variable,
            unit). Starts are drawn from them; with a phase as `input`, from those of the phase.
        input: the phase of the Session whose mean inputs are held constant; it must be one in which
            they change by noise alone. Or the constant inputs, (input,) or (condition, input).
        condition: coordinates of `trial`: for each combination of their levels the inputs are
            averaged, and points searched, by themselves.
        n_starts: number of starts of each condition, fewer where fewer states were visited.
        scatter: size of the Gaussian noise that is added to each start, relative to the spread of
            the visited states (root mean square distance from their mean).
        seed: seed of starts and scatter.
        search: what is searched for, and tolerances.
        jacobian: `jacobian(state, input) -> (..., unit, unit)`, after by before. Where it is not
            given it is `jacobian` of the object whose method `step` is, or else differences.
        rates: `rates(state) -> (..., unit)`; found as `jacobian` is.
        dt: length of a step in ms; that of the Session, or of the owner of `step`, unless given.

    Returns:
        `FixedPoints`. It says how many starts led to no point.

    Raises:
        TypeError, ValueError: if an argument does not fit, before anything is searched.

    Source: Sussillo & Barak (2013) Neural Comput 25:626; how many starts, outliers and duplicates:
        Golub & Sussillo (2018) J Open Source Softw 3:1003.

    Example:
        A unit that excites itself has two states of rest, and one between them that it leaves.

        >>> import numpy as np
        >>> from neurotask.analysis import fixed_points
        >>> step = lambda x, u: x + 0.1 * (np.tanh(2 * x) - x + u)
        >>> visited = np.linspace(-1.5, 1.5, 31)[:, None]
        >>> points = fixed_points(step, visited, input=[0.0], dt=10.0)
        >>> points.table[["stability", "time_constant"]].round(1).values.tolist()
        [['stable', 114.9], ['stable', 114.9], ['unstable', -104.9]]
    """
    _check(step, search)
    count("n_starts", n_starts, low=2)
    number("scatter", scatter, low=0.0)
    names = names_of("condition", condition)
    if isinstance(states, xr.Dataset):
        given = beginning.of_session(states, input, names)
    elif names:
        raise ValueError(
            f"`condition` must be None where states are an array, got {names}. Give a Session."
        )
    else:
        given = beginning.of_array(states, input)
    owner = getattr(step, "__self__", None)
    dt = _dt(dt, given.dt, owner)
    form = given.conditions[0].states.shape[1:]
    spread = _spread(given.conditions)
    known = jacobian or _method(owner, "jacobian")
    mapping = Mapping(step, form, known, scale=spread / np.sqrt(np.prod(form)))
    first = given.conditions[0]
    two = first.states[[0, -1]].reshape(2, -1)
    mapping.check(two, np.tile(first.input, (2, 1)))
    drawn = [
        beginning.sampled(one, n_starts, scatter, spread, seed, at)
        for at, one in enumerate(given.conditions)
    ]
    # Matrices of this size gain little from threads, and lose much where others use them too.
    with threadpool_limits(1, "blas"):
        parts = [
            _Found(mapping, one, *begun, spread, dt, search)
            for one, begun in zip(given.conditions, drawn, strict=True)
        ]
        kept = np.concatenate([part.states for part in parts])
        inputs = np.concatenate([part.inputs for part in parts])
        jacobians, by_input = mapping.by_state(kept, inputs), mapping.by_input(kept, inputs)
        eigenvalues = _eigenvalues(jacobians)
    offsets = np.cumsum([0, *(len(part.states) for part in parts)])
    tables = [part.starts(offset) for part, offset in zip(parts, offsets, strict=False)]
    shaped = kept.reshape(-1, *form)
    rated = rates or _method(owner, "rates")
    return FixedPoints(
        states=shaped,
        rates=None if rated is None else _rates(rated, shaped, form[-1]),
        inputs=inputs,
        kind=np.concatenate([part.kind for part in parts]),
        q=np.concatenate([part.distance for part in parts]) ** 2 / (2.0 * dt**2),
        jacobians=jacobians,
        input_jacobians=by_input,
        eigenvalues=eigenvalues,
        conditions=pd.concat([part.conditions() for part in parts], ignore_index=True),
        starts=pd.concat(tables, ignore_index=True),
        arrived=np.concatenate([part.arrived for part in parts]),
        distance=np.concatenate([part.away for part in parts]),
        visited=_some(given.conditions, seed),
        input_summary=given.summary,
        phase=given.phase,
        spread=spread,
        dt=dt,
        search=search,
    )


class _Found:
    """What the search of one condition found.

    Args:
        mapping: the step.
        visited: the condition.
        begun: starts, (start, size).
        which: visited state that each was drawn from, (start,).
        spread: of the visited states.
        dt: length of a step in ms.
        search: tolerances.

    Attributes:
        states: the points, each once, (point, size).
        inputs: (point, input).
        distance: how far a step moves them, (point,).
        kind: "fixed" or "slow", (point,).
        arrived: number of starts that led to each, (point,).
        away: distance to the nearest start, in spreads, (point,).
    """

    def __init__(
        self, mapping: Mapping, visited: Visited, begun: np.ndarray, which: np.ndarray,
        spread: float, dt: float, search: PointSearch,
    ):  # fmt: skip
        inputs = np.tile(visited.input, (len(begun), 1))
        ends = descend(mapping, begun, inputs, spread, dt, search)
        self._visited, self._which, self._ends, self._dt = visited, which, ends, dt
        # A step in single precision cannot be known to stand still more exactly than it computes.
        floor = 10.0 * mapping.precision * (np.linalg.norm(ends.states, axis=1) + spread)
        fixed = ends.distance <= np.maximum(spread * dt / search.fixed, floor)
        slow = ~fixed & (ends.distance <= spread * dt / search.slow)
        self.status = np.where(fixed, "fixed", np.where(slow, "slow", "unconverged"))
        first, self.point = _unique(ends, fixed | slow, fixed, search.unique * spread)
        self.states, self.distance = ends.states[first], ends.distance[first]
        self.inputs = inputs[first]
        self.kind = self.status[first]
        self.arrived = np.bincount(self.point[self.point >= 0], minlength=len(first))
        self.away = np.array([_nearest(one, begun) for one in self.states]) / spread

    def conditions(self) -> pd.DataFrame:
        """Return the condition of each point."""
        return pd.DataFrame(self._visited.label, index=range(len(self.states)))

    def starts(self, offset: int) -> pd.DataFrame:
        """Return what became of each start; points are numbered from `offset`."""
        ends, table = self._ends, pd.DataFrame(self._visited.label, index=range(len(self.point)))
        if self._visited.rows is not None:
            trial, time = self._visited.rows[self._which].T
            table = table.assign(trial=trial.astype(int), time=time)
        return table.assign(
            point=np.where(self.point < 0, -1, self.point + offset),
            status=self.status,
            why=ends.why,
            speed=ends.distance / self._dt,
            iterations=ends.iterations,
        )


def _unique(
    ends: Ends, good: np.ndarray, fixed: np.ndarray, within: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of points that are apart, and to which of them each start led, -1 to none.

    The slowest of those that are nearer to it than `within`, and to no other, stands for all.
    Fixed points come before slow ones, those that most starts led to first.
    """
    left = np.flatnonzero(good)
    left = left[np.lexsort((ends.distance[left], ~fixed[left]))]
    first, point = [], np.full(len(good), -1)
    while left.size:
        near = np.linalg.norm(ends.states[left] - ends.states[left[0]], axis=1) <= within
        near[0] = True
        point[left[near]] = len(first)
        first.append(left[0])
        left = left[~near]
    places = np.array(first, int)
    arrived = np.bincount(point[good], minlength=len(places))
    earliest = np.array([np.flatnonzero(point == at)[0] for at in range(len(places))], int)
    order = np.lexsort((earliest, -arrived, ~fixed[places]))
    number = np.append(np.argsort(order), -1)
    return places[order], number[point]


def _nearest(state: np.ndarray, starts: np.ndarray) -> float:
    return float(np.linalg.norm(starts - state, axis=1).min())


def _eigenvalues(jacobians: np.ndarray) -> np.ndarray:
    """Return eigenvalues (point, n), the slowest mode of each first."""
    found = np.empty(jacobians.shape[:2], complex)
    for at in chunks(len(jacobians), jacobians.shape[-1] ** 2):
        found[at] = np.linalg.eigvals(jacobians[at])
    return np.stack([row[ordered(row)] for row in found]) if len(found) else found


def _rates(rates: Any, states: np.ndarray, n_units: int) -> np.ndarray:
    found = np.asarray(rates(states), float)
    if found.shape != (len(states), n_units):
        raise ValueError(
            f"`rates` must return {(len(states), n_units)}, (point, unit), got {found.shape}."
        )
    return found


def _spread(conditions: list[Visited]) -> float:
    """Return the root mean square distance of all visited states from their mean."""
    states = np.concatenate([one.states for one in conditions])
    centred = states - states.mean(0)
    spread = float(np.sqrt(np.mean(np.sum(centred.reshape(len(states), -1) ** 2, axis=1))))
    if spread <= 1e-9 * np.abs(states).max():
        raise ValueError(
            "`states` must hold states that differ, got the same one everywhere. Distances are "
            "told relative to their spread: give states of whole trials."
        )
    return spread


def _some(conditions: list[Visited], seed: int) -> np.ndarray:
    states = np.concatenate([one.states for one in conditions])
    rng = beginning.generator(seed, beginning.Stream.ANALYSIS, len(conditions))
    return states[np.sort(rng.permutation(len(states))[:_KEPT])]


def _check(step: Any, search: Any) -> None:
    check_step(step)
    if not isinstance(search, PointSearch):
        raise TypeError(
            f"`search` must be a PointSearch, got {search!r}. Give PointSearch(slow=1000.0)."
        )


def _method(owner: Any, name: str) -> Any:
    found = getattr(owner, name, None)
    return found if callable(found) else None


def _dt(given: float | None, of_session: float | None, owner: Any) -> float:
    """Return the length of a step in ms, said once or more and alike."""
    if given is not None:
        number("dt", given, low=0.0, above=True)
    known = [one for one in (given, of_session, getattr(owner, "dt", None)) if one is not None]
    if not known:
        raise ValueError(
            "`dt` must be the length of a step in ms where neither a Session nor the owner of "
            "`step` says it, got None. Time constants and speeds need it."
        )
    for one in known[1:]:
        if not np.isclose(one, known[0]):
            raise ValueError(
                f"`dt` must be the same for states and step, got {known[0]:g} and {one:g} ms. "
                "Run the network that the step is of."
            )
    return number("dt", float(known[0]), low=0.0, above=True)
