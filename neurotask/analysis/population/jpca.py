"""jPCA: the planes in which a population rotates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, count, number
from neurotask.analysis._alignment import Averages, activity, step_of
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    condition_names,
    counting,
)
from neurotask.analysis.population.jpca_result import JPCA
from neurotask.analysis.population.rotations import rotations

Normalize = Literal["soft range"]


@overload
def jpca(
    session: xr.Dataset,
    *,
    n_planes: int | None = None,
    n_components: int = 6,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    normalize: Normalize | None = "soft range",
    softening: float | None = None,
    by: None = None,
) -> JPCA: ...
@overload
def jpca(
    session: xr.Dataset,
    *,
    n_planes: int | None = None,
    n_components: int = 6,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    normalize: Normalize | None = "soft range",
    softening: float | None = None,
    by: str | Sequence[str],
) -> Grouped[JPCA]: ...
def jpca(
    session: xr.Dataset,
    *,
    n_planes: int | None = None,
    n_components: int = 6,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    normalize: Normalize | None = "soft range",
    softening: float | None = None,
    by: str | Sequence[str] | None = None,
) -> JPCA | Grouped[JPCA]:
    """Find the planes in which the mean activity of conditions rotates, and how fast.

    Activity is averaged over the trials of each condition, each unit is divided by its range, the
    mean over conditions is taken off at each time, and the first principal components x are kept.
    Of the dynamics dx/dt = M x the best skew-symmetric M is found, which can only rotate. Each pair
    of its eigenvectors is a plane, its eigenvalue the frequency. How much worse it fits than an M
    that may do anything tells whether rotation is what the population does.

    The derivative is the difference between neighbouring steps, and x is taken half way between
    them. Then the frequency of a rotation is exact, also where a step is not short to it.

    Args:
        session: a Session with (trial, time, unit) activity; blocks are cut into their trials.
        n_planes: number of planes; as many as there are, half of `n_components`, unless given.
        n_components: principal components that are kept.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; trials without it are left out. The start of the trial
            unless given.
        window: (start, stop) in ms from the event: times that are used; all times that half of the
            trials of each condition have unless given.
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` unless given.
        trials: "all", or "correct" to leave out errors (see `pca`).
        normalize: "soft range" divides each unit by its range over conditions and times plus
            `softening`; None leaves it.
        softening: in the unit of the activity: 5 spikes/s in the paper. A tenth of the largest
            range of a unit unless given.
        by: name or names of what to group by: each group is analysed by itself.

    Returns:
        A `JPCA`, or with `by` a mapping from group to `JPCA`.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, there are fewer than two conditions or three times, or the
            conditions do not differ in as many dimensions as components are asked for.

    Source: Churchland, Cunningham, Kaufman, Foster, Nuyujukian, Ryu & Shenoy (2012), Neural
        population dynamics during reaching, Nature 487, 51-56.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import jpca
        >>> phase = np.repeat([0.0, 2.0, 4.0], 5)[:, None]
        >>> time = np.arange(20) * 10.0
        >>> angle = phase + 2 * np.pi * 1.5 * time / 1000
        >>> rates = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates)},
        ...     {"reach": ("trial", phase[:, 0]), "time": time},
        ... )
        >>> fit = jpca(session, n_components=2, condition="reach", normalize=None)
        >>> fit.frequency.round(6).tolist(), round(fit.r2_skew, 6)
        ([1.5], 1.0)
    """
    if normalize is not None:
        choose("normalize", normalize, ("soft range",))
    if softening is not None:
        number("softening", softening, low=0.0)
    most = count("n_components", n_components, low=2) // 2
    planes = most if n_planes is None else count("n_planes", n_planes)
    if planes > most:
        raise ValueError(
            f"`n_planes` must be at most {most}, half of `n_components`, got {planes}. "
            "Ask for fewer, or keep more components."
        )

    def analyse(part: xr.Dataset) -> JPCA:
        part = by_trial(part)
        activity(part, of)
        names = condition_names(part, condition)
        averages = averaged(part, of, align, names, counting(part, trials), window)
        fit = _fit(averages, step_of(part), n_components, planes, normalize, softening)
        return JPCA(
            jpcs_=fit.jpcs,
            frequency=fit.frequency,
            r2_skew=fit.r2_skew,
            r2_full=fit.r2_full,
            explained_variance_ratio_=fit.shares,
            pca_explained_variance_ratio=fit.pca_share,
            mean_=fit.mean,
            scale_=fit.scale,
            trajectories=fit.trajectories,
            n_trials=averages.n_trials,
            n_components=n_components,
            of=of,
            align=align,
            condition=names,
            trials=trials,
        )

    return each_group(session, by, analyse, together=False)


@dataclass(frozen=True, eq=False)
class _Fit:
    jpcs: xr.DataArray
    frequency: np.ndarray
    r2_skew: float
    r2_full: float
    shares: np.ndarray
    pca_share: float
    mean: np.ndarray
    scale: np.ndarray
    trajectories: xr.DataArray


def _fit(
    averages: Averages,
    step: float,
    n_components: int,
    n_planes: int,
    normalize: Normalize | None,
    softening: float | None,
) -> _Fit:
    values, time = averages.values.to_numpy(), averages.values["time"].to_numpy()
    next_to = np.diff(time) < 1.5 * step
    if len(values) < 2 or next_to.sum() < 2:
        raise ValueError(
            "`session` must have two conditions or more at three times in a row or more, got "
            f"{len(values)} at {len(time)}. Choose another `condition` or `window`."
        )
    scale = _scale(values, normalize, softening)
    values = values / scale
    mean = values.mean(0)
    centred = values - mean
    components = _principal(centred, n_components)
    x = centred @ components.T
    change = np.diff(x, axis=1)[:, next_to].reshape(-1, n_components)
    middle = ((x[:, 1:] + x[:, :-1]) / 2)[:, next_to].reshape(-1, n_components)
    found = rotations(change, middle)
    axes = _spread_first(found.axes[: 2 * n_planes] @ components, centred[:, 0])
    labels = [f"jPC {i + 1}" for i in range(2 * n_planes)]
    coords = {k: c for k, c in averages.values.coords.items() if "unit" not in c.dims}
    along = centred @ axes.T
    total = (centred**2).sum()
    return _Fit(
        jpcs=xr.DataArray(
            axes, {"component": labels, "unit": averages.values["unit"]}, ("component", "unit")
        ),
        frequency=found.speeds[:n_planes] / (2 * np.pi) / (step / 1000),
        r2_skew=found.r2_skew,
        r2_full=found.r2_full,
        shares=(along**2).sum((0, 1)).reshape(-1, 2).sum(1) / total,
        pca_share=float((x**2).sum() / total),
        mean=mean,
        scale=scale,
        trajectories=xr.DataArray(
            along, {**coords, "component": labels}, ("condition", "time", "component")
        ),
    )


def _scale(values: np.ndarray, normalize: Normalize | None, softening: float | None) -> np.ndarray:
    """What each unit is divided by, (unit,)."""
    if normalize is None:
        return np.ones(values.shape[-1])
    extent = np.ptp(values, axis=(0, 1))
    if not extent.any():
        raise ValueError(
            "`of` must be activity that varies with condition or time, got constant activity. "
            "Look at the network, or take another variable."
        )
    scale = extent + (extent.max() / 10 if softening is None else softening)
    return np.where(scale > 0, scale, 1.0)


def _principal(centred: np.ndarray, n_components: int) -> np.ndarray:
    """First principal components, orthonormal, (component, unit)."""
    rows = centred.reshape(-1, centred.shape[-1])
    _, s, components = np.linalg.svd(rows, full_matrices=False)
    rank = int((s > 1e-9 * s[0]).sum()) if s[0] > 1e-12 else 0
    if n_components > rank:
        raise ValueError(
            f"`n_components` must be at most {rank}, the number of dimensions in which the "
            f"conditions differ, got {n_components}. Ask for fewer."
        )
    return components[:n_components]


def _spread_first(axes: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Turn the axes of each plane so that conditions start spread along the first.

    Args:
        axes: (2 a plane, unit).
        start: first step of each condition, (condition, unit).
    """
    turned = axes.copy()
    for plane in range(0, len(axes), 2):
        pair = axes[plane : plane + 2]
        if np.isnan(pair).any():
            continue
        wide = np.linalg.svd(start @ pair.T, full_matrices=False)[2][0]
        first = wide @ pair
        wide = wide * np.sign(first[np.abs(first).argmax()])
        # A quarter turn in the sense of the rotation leads from the first axis to the second.
        turned[plane : plane + 2] = np.array([wide, [-wide[1], wide[0]]]) @ pair
    return turned
