"""Which tasks each unit is active in, and clusters of units that are active in the same ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from neurotask._blocks import by_trial
from neurotask._checks import count, number
from neurotask._streams import Stream, key
from neurotask.analysis._alignment import NEVER, activity, gather, onsets, step_of
from neurotask.analysis._arguments import ends, names_of
from neurotask.analysis._groups import split
from neurotask.analysis.population.conditions import averaged, counting
from neurotask.analysis.population.samples import Window, units_of
from neurotask.analysis.population.task_variance_result import TaskVariance

_MOST_CLUSTERS = 30


def task_variance(
    sessions: Mapping[Any, xr.Dataset] | xr.Dataset,
    *,
    by: str | Sequence[str] | None = None,
    of: str = "rates",
    condition: str | Sequence[str] | None = None,
    align: str | None = None,
    window: Window | None = None,
    trials: str = "all",
    min_variance: float = 1e-3,
    n_clusters: int | None = None,
    seed: int = 0,
) -> TaskVariance:
    """Tell how much each unit's activity varies over the conditions of each task.

    The task variance of a unit is the variance of its activity over conditions at each time, then
    averaged over times. Divided by its largest over tasks, it says which tasks a unit takes part
    in; units are clustered by it (k-means), into the number of clusters whose silhouette is best.

    Conditions are single trials unless `condition` is given: then the noise of a network counts as
    variance, so run it without (`noise=False`), as the paper did, or name the conditions, whose
    averages are taken.

    Args:
        sessions: a mapping from task to Session of the same network, or one Session and `by`.
        by: coordinate of `trial` that tells the task, such as "rule", or several.
        of: the activity, "rates" or "states".
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are.
        align: phase whose start is time 0; the start of the trial unless given.
        window: (start, stop) in ms from there; unless given, all times that at least half of the
            trials have.
        trials: "all" or "correct".
        min_variance: units whose variance, summed over tasks, is less take part in none: they are
            not normalised, and their cluster is 0.
        n_clusters: number of clusters; unless given, that of the best silhouette from 2 to 30.
        seed: of k-means.

    Returns:
        A `TaskVariance`.

    Raises:
        TypeError: if the sessions are no mapping and no Session.
        ValueError: if there are fewer than two tasks, or their networks differ.

    Source: Yang, Joglekar, Song, Newsome & Wang (2019), Nature Neuroscience 22, 297-306, methods
        (task variance, clustering, fractional task variance).

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import task_variance
        >>> rule, side = np.repeat(["go", "anti"], 2), np.tile([-1.0, 1.0], 2)
        >>> rates = np.stack([side * (rule == "go"), side * (rule == "anti")], axis=1)
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates[:, None])},
        ...     {"rule": ("trial", rule), "time": [0.0]},
        ...     {"dt": 10.0},
        ... )
        >>> task_variance(session, by="rule", n_clusters=2).variance.to_numpy().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    number("min_variance", min_variance, low=0)
    if n_clusters is not None:
        count("n_clusters", n_clusters, low=2)
    tasks = _tasks(sessions, by)
    names = names_of("condition", condition)
    columns = {}
    for task, session in tasks.items():
        try:
            columns[task] = _variance(by_trial(session), of, names, align, window, trials)
        except (TypeError, ValueError) as error:
            error.add_note(f"This is the task {task!r}.")
            raise
    sizes = {task: len(column) for task, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"`sessions` must be of one network, got different numbers of units, {sizes}."
        )
    units = units_of(next(iter(tasks.values())))
    variance = pd.DataFrame(columns, index=pd.Index(units["unit"], name="unit"))
    variance.columns.name = "task"
    active = variance.sum(axis=1) >= max(min_variance, np.finfo(float).tiny)
    largest = variance.max(axis=1).where(active)
    normalized = variance.div(largest, axis=0)
    clusters, silhouettes = _clusters(normalized[active].to_numpy(), n_clusters, seed)
    cluster = pd.Series(0, index=variance.index, name="cluster")
    cluster[active] = clusters
    return TaskVariance(
        variance=variance,
        normalized=normalized,
        cluster=cluster,
        silhouettes=silhouettes,
        units=units,
        of=of,
        condition=names,
        min_variance=min_variance,
    )


def _tasks(sessions: Any, by: Any) -> dict[Any, xr.Dataset]:
    if isinstance(sessions, xr.Dataset):
        names = names_of("by", by)
        if not names:
            raise ValueError(
                '`by` must name what tells the task, as in by="rule", got None. Or give a mapping '
                "from task to Session."
            )
        parts = split(sessions, names)
        tasks = {
            task if len(names) == 1 else ", ".join(map(str, task)): part
            for task, part in parts.items()
        }
    elif isinstance(sessions, Mapping):
        tasks = dict(sessions)
    else:
        raise TypeError(
            "`sessions` must be a Session or a mapping from task to Session, got "
            f"{type(sessions).__name__}."
        )
    if len(tasks) < 2:
        raise ValueError(f"`sessions` must be of two tasks or more, got {list(tasks)}.")
    return tasks


def _variance(
    session: xr.Dataset,
    of: str,
    condition: tuple[str, ...],
    align: str | None,
    window: Window | None,
    trials: str,
) -> np.ndarray:
    """Variance over conditions, averaged over times, (unit,)."""
    activity(session, of)
    which = counting(session, trials)
    if condition:
        values = averaged(session, of, align, condition, which, window).values.to_numpy()
    else:
        values = _single(session, of, align, which, window)
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    # TV = mean over t of mean over conditions j of (r_jt - mean over j of r_jt)^2
    mean = np.where(there, values, 0.0).sum(axis=0) / n
    spread = np.where(there, values - mean, 0.0) ** 2
    return (spread.sum(axis=0) / n).mean(axis=0)


def _single(
    session: xr.Dataset, of: str, align: str | None, which: np.ndarray, window: Window | None
) -> np.ndarray:
    """Single trials at the times that at least half of them have, (trial, time, unit)."""
    data, onset, step = activity(session, of), onsets(session, align), step_of(session)
    used = np.flatnonzero(which & (onset > NEVER))
    if not len(used):
        raise ValueError("`session` must hold a trial that counts, got none. Run more trials.")
    steps = np.arange(-onset[used].max(), data.sizes["time"] - onset[used].min())
    if window is not None:
        start, stop = ends("window", window)
        steps = steps[(steps * step >= start - step / 1000) & (steps * step < stop - step / 1000)]
    values = gather(data, onset, used, steps)
    kept = 2 * (~np.isnan(values).any(axis=2)).sum(axis=0) >= len(used)
    if not kept.any():
        raise ValueError(
            f"`window` must hold a time that half of the trials have data for, got {window}. "
            "Leave it out, or align to another phase."
        )
    return values[:, kept]


def _clusters(
    normalized: np.ndarray, n_clusters: int | None, seed: int
) -> tuple[np.ndarray, pd.Series]:
    """The cluster of each active unit, from 1, and the silhouette of each number of clusters."""
    distinct = len(np.unique(normalized.round(12), axis=0))
    most = min(_MOST_CLUSTERS, len(normalized) - 1, distinct)
    if n_clusters is None and most < 2:
        return np.ones(len(normalized), int), pd.Series(dtype=float, name="silhouette")
    if n_clusters is not None and n_clusters > distinct:
        raise ValueError(
            f"`n_clusters` must be at most the number of different active units, {distinct}, got "
            f"{n_clusters}. Take fewer, or a lower `min_variance`."
        )
    numbers = range(2, most + 1) if n_clusters is None else [n_clusters]
    state = key(seed, Stream.ANALYSIS, 5) >> 31
    # Small problems: threads cost more than they gain, most of all on a busy machine.
    with threadpool_limits(1):
        return _best(normalized, numbers, state)


def _best(
    normalized: np.ndarray, numbers: Iterable[int], state: int
) -> tuple[np.ndarray, pd.Series]:
    """The clusters whose silhouette is best, and the silhouette of each number of clusters."""
    found = {n: KMeans(n, n_init=10, random_state=state).fit_predict(normalized) for n in numbers}
    scores = {
        n: silhouette_score(normalized, labels) if n < len(normalized) else np.nan
        for n, labels in found.items()
    }
    silhouettes = pd.Series(scores, name="silhouette", dtype=float).rename_axis("n_clusters")
    best = found[int(silhouettes.idxmax()) if len(found) > 1 else next(iter(found))]
    # In the order of the task that each takes part in most, so that the figure reads as a diagonal.
    profiles = [normalized[best == k].mean(axis=0) for k in range(best.max() + 1)]
    order = sorted(range(len(profiles)), key=lambda k: (profiles[k].argmax(), -profiles[k].max()))
    return np.argsort(order)[best] + 1, silhouettes
