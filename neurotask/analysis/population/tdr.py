"""Targeted dimensionality reduction: the directions in which task variables move a population."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import count
from neurotask.analysis._alignment import Averages, activity
from neurotask.analysis._arguments import names_of
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    counting,
    single_trials,
)
from neurotask.analysis.population.targeted_axes import orthogonalised, regression
from neurotask.analysis.population.task_variables import check_determined, design
from neurotask.analysis.population.tdr_result import TDR
from neurotask.analysis.population.unit_statistics import roundoff

_COMPONENTS = 12  # of Mante et al.


@overload
def tdr(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    n_components: int | None = None,
    by: None = None,
) -> TDR: ...
@overload
def tdr(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    n_components: int | None = None,
    by: str | Sequence[str],
) -> Grouped[TDR]: ...
def tdr(
    session: xr.Dataset,
    *,
    variables: str | Sequence[str],
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    n_components: int | None = None,
    by: str | Sequence[str] | None = None,
) -> TDR | Grouped[TDR]:
    """Find one axis of a population a task variable, by regression.

    Activity z of each unit, z-scored over trials and times, is regressed at each time on the task
    variables x of the trial k, each in [-1, 1]:

        z(k, time, unit) = sum over v of betas(v, time, unit) x(k, v) + constant(time, unit)

    The vectors betas(v, time, :) are projected onto the first principal components of the condition
    averages, which takes noise off them. Of each variable the vector at the time of its largest
    norm is its axis, made orthogonal to the axes of the variables before it: name first what should
    keep its direction.

    Args:
        session: a Session with (trial, time, unit) activity; blocks are cut into their trials.
        variables: coordinates of `trial`, each numbers or of two levels, such as ("choice",
            "coherence", "context"). "a:b" is the product of a and b. Trials that have no value of
            one, as where no choice was made, are left out and counted.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; trials without it are left out. The start of the trial
            unless given.
        window: (start, stop) in ms from the event: times that are used; all times that half of the
            trials of each condition have unless given.
        condition: coordinates of `trial` whose combinations are the conditions averaged over; those
            in `variables` unless given. Each weighs the same.
        trials: "all", or "correct" to leave out errors (see `pca`).
        n_components: principal components that are kept; 12, or as many as there are, unless given.
        by: name or names of what to group by: each group is analysed by itself.

    Returns:
        A `TDR`, or with `by` a mapping from group to `TDR`.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, a variable is constant or determined by others, no time is
            common to all conditions, or there are more variables than components.

    Source: Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78-84, supplement 6.2, 6.6, 6.7.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import tdr
        >>> coherence = np.tile([-0.5, 0.5], 20)
        >>> choice = np.repeat(["left", "right"], 20)
        >>> side = np.where(choice == "right", 1.0, -1.0)
        >>> rates = np.stack([coherence, side, 0 * side], axis=1)[:, None] * np.ones((5, 1))
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates)},
        ...     {
        ...         "coherence": ("trial", coherence),
        ...         "choice": ("trial", choice),
        ...         "time": np.arange(5) * 10.0,
        ...     },
        ... )
        >>> fit = tdr(session, variables=("choice", "coherence"))
        >>> (fit.axes_ + 0.0).round(6).to_numpy().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    names = names_of("variables", variables)
    if not names:
        raise ValueError('`variables` must name what to regress on, got none. Try ("choice",).')
    if len(set(names)) < len(names):
        raise ValueError(f"`variables` must be named once each, got {names}.")
    plain = tuple(dict.fromkeys(name for term in names for name in term.split(":")))
    conditions = names_of("condition", condition) or plain

    def analyse(part: xr.Dataset) -> TDR:
        return _analyse(part, names, of, align, window, conditions, trials, n_components)

    return each_group(session, by, analyse, together=False)


def _analyse(
    session: xr.Dataset,
    variables: tuple[str, ...],
    of: str,
    align: str | None,
    window: Window | None,
    condition: tuple[str, ...],
    trials: Which,
    n_components: int | None,
) -> TDR:
    session = by_trial(session)
    n_units = activity(session, of).sizes["unit"]
    columns = design(session, variables)
    known = np.asarray(np.isfinite(columns).all(axis=1))
    which = counting(session, trials) & known
    averages = averaged(session, of, align, condition, which, window)
    time = averages.values["time"].to_numpy()
    used = session.isel(trial=which)
    values = single_trials(used, of, align, time, n_units).to_numpy()
    there = np.asarray(~np.isnan(values).any(axis=-1))
    rows = np.asarray(there.any(axis=-1))
    values, there, columns = values[rows], there[rows], columns[which][rows]
    check_determined(columns, variables)
    mean, scale = _moments(values, there, session[of].dtype)
    betas = regression((values - mean) / scale, there, columns)
    means = (averages.values.to_numpy() - mean) / scale
    kept = _principal(means, _n_components(n_components, means, variables))
    denoised = betas @ kept.T @ kept
    norms = np.linalg.norm(denoised, axis=2)
    peak = np.where(np.isnan(norms), -np.inf, norms).argmax(1)
    strongest = denoised[np.arange(len(variables)), peak]
    axes, left = orthogonalised(strongest, variables)
    of_variable, over_time = {"variable": list(variables)}, {"time": time}
    of_unit = {"unit": averages.values["unit"]}
    return TDR(
        axes_=xr.DataArray(axes, of_variable | of_unit, ("variable", "unit")),
        betas=xr.DataArray(betas, of_variable | over_time | of_unit, ("variable", "time", "unit")),
        norms=xr.DataArray(norms, of_variable | over_time, ("variable", "time")),
        peak_time=xr.DataArray(time[peak], of_variable, ("variable",)),
        kept=xr.DataArray(left, of_variable, ("variable",)),
        explained_variance_ratio_=_shares(means, axes),
        mean_=mean,
        scale_=scale,
        trajectories=_trajectories(averages, means @ axes.T, variables),
        n_trials=averages.n_trials,
        n_excluded=int(len(known) - len(columns)),
        n_components=len(kept),
        of=of,
        align=align,
        condition=condition,
        trials=trials,
    )


def _moments(
    values: np.ndarray, there: np.ndarray, precision: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each unit over trials and times; 1 where it is constant.

    One that varies by what its floating-point numbers cannot hold is constant: to z-score it would
    blow its rounding up to the size of a signal.
    """
    rows = values[there]
    mean, scale = rows.mean(0), rows.std(0)
    floor = np.maximum(roundoff(rows, precision), 1e-12 * np.maximum(1.0, np.abs(mean)))
    return mean, np.where(scale > floor, scale, 1.0)


def _principal(means: np.ndarray, n_components: int) -> np.ndarray:
    """First principal components of condition averages, orthonormal, (component, unit)."""
    rows = means.reshape(-1, means.shape[-1])
    return np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:n_components]


def _n_components(n_components: int | None, means: np.ndarray, variables: tuple[str, ...]) -> int:
    most = min(means.shape[2], means[..., 0].size)
    n = min(_COMPONENTS, most) if n_components is None else count("n_components", n_components)
    if not len(variables) <= n <= most:
        raise ValueError(
            f"`n_components` must be from {len(variables)}, the number of variables, to {most}, "
            f"the lesser of units and conditions x times, got {n}. Take another number, or fewer "
            "variables."
        )
    return n


def _shares(means: np.ndarray, axes: np.ndarray) -> np.ndarray:
    centred = means - means.mean((0, 1))
    total = (centred**2).sum()
    return ((centred @ axes.T) ** 2).sum((0, 1)) / total


def _trajectories(
    averages: Averages, values: np.ndarray, variables: tuple[str, ...]
) -> xr.DataArray:
    coords: dict[Any, Any] = {
        name: c for name, c in averages.values.coords.items() if "unit" not in c.dims
    }
    coords["variable"] = list(variables)
    return xr.DataArray(values, coords, ("condition", "time", "variable"))
