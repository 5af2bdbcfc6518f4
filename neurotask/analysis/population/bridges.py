"""Arrays as rsatoolbox and DSA take them, neither of which is needed to make them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask.analysis._alignment import activity
from neurotask.analysis._arguments import names_of
from neurotask.analysis.population.conditions import counting
from neurotask.analysis.population.matching import Reading, means
from neurotask.analysis.population.samples import Phase, Window, in_bins, in_phase, steps_of


def to_rsatoolbox(
    session: xr.Dataset,
    *,
    of: str = "rates",
    phase: Phase = None,
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> dict[str, Any]:
    """Return what `rsatoolbox.data.TemporalDataset(**arrays)` takes, or with `phase` `Dataset`.

    Args:
        session: a Session; blocks are cut into their trials.
        of: the activity, "rates" or "states".
        phase: a phase, or (start, stop) in ms: its mean activity, without times.
        align: phase whose start is time 0; the start of the trial unless given.
        window: (start, stop) in ms from there.
        bin: width in ms that activity is averaged over.
        trials: "all" or "correct".

    Returns:
        `measurements` (trial, unit, time), or (trial, unit) with `phase`, without NaN: times that
        a trial has no data for are left out of all; `descriptors` of the whole; `obs_descriptors`
        (the coordinates of `trial`), `channel_descriptors` (those of `unit`) and, without `phase`,
        `time_descriptors` (`time` in ms).

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, or no time is common to all trials.

    Source: the data classes of rsatoolbox 0.3, Nili et al. (2014), PLoS Comput. Biol. 10:e1003553.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import to_rsatoolbox
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), np.zeros((4, 3, 2)))},
        ...     {"side": ("trial", [0, 0, 1, 1]), "time": [0.0, 10.0, 20.0]},
        ... )
        >>> arrays = to_rsatoolbox(session)
        >>> arrays["measurements"].shape, list(arrays["obs_descriptors"])
        ((4, 2, 3), ['trial', 'side'])
    """
    if phase is None:
        found = in_bins(session, of=of, align=align, window=window, bin=bin, trials=trials)
        kept = ~np.isnan(found.values).any(axis=(0, 2))
        if not kept.any():
            raise ValueError(
                "`window` must hold a time that all trials have data for, got none. Align to "
                "another phase, or take trials of one length."
            )
        values = np.moveaxis(found.values[:, kept], 1, 2)
        timed = {"time_descriptors": {"time": found.time[kept].tolist()}}
    else:
        found = in_phase(session, of=of, phase=phase, trials=trials)
        values, timed = found.values[:, 0], {}
    observed = {"trial": found.trials.index.tolist()}
    observed |= {name: found.trials[name].tolist() for name in found.trials}
    return {
        "measurements": values,
        "descriptors": {"activity": of, "where": found.where},
        "obs_descriptors": observed,
        "channel_descriptors": {name: found.units[name].tolist() for name in found.units},
        **timed,
    }


def to_dsa(
    session: xr.Dataset,
    *,
    of: str = "rates",
    condition: str | Sequence[str] | None = None,
    phase: Phase = None,
    trials: str = "all",
) -> np.ndarray | list[np.ndarray]:
    """Return the activity of one network as dynamical similarity analysis takes it.

    `DSA([to_dsa(first), to_dsa(second)])` of the package dsa-metric compares two networks. Trials
    may have unequal lengths: those of each length are then an array of their own.

    Args:
        session: a Session; blocks are cut into their trials.
        of: the activity, "rates" or "states".
        condition: coordinate of `trial`, or several, over whose levels trials are averaged first;
            single trials unless given.
        phase: a phase of the task, or (start, stop) in ms; the whole trial unless given.
        trials: "all" or "correct".

    Returns:
        (trial, time, unit), or where lengths differ a list of such arrays, the shortest first;
        without NaN. With `condition`, (condition, time, unit).

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown or no trial has data.

    Source: Ostrow, Eisen, Kozachkov & Fiete (2023), NeurIPS 36.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import to_dsa
        >>> rates = np.zeros((3, 4, 2))
        >>> rates[0, 2:] = np.nan
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates)}, {"time": np.arange(4) * 10.0}
        ... )
        >>> [one.shape for one in to_dsa(session)]
        [(1, 2, 2), (2, 4, 2)]
    """
    session = by_trial(session)
    if names_of("condition", condition):
        align, window = (phase, None) if isinstance(phase, str) else (None, phase)
        reading = Reading(condition=condition, of=of, align=align, window=window, trials=trials)
        found = means(session, reading)
        return found.to_numpy()[:, found["time"].to_numpy() >= 0]
    values = activity(session, of).to_numpy()
    inside = steps_of(session, phase) & ~np.isnan(values).any(axis=2)
    inside &= counting(session, trials)[:, None]
    lengths = inside.sum(axis=1)
    found = [
        values[trial][:, None][inside[trial]].reshape(n, -1) if n else None
        for trial, n in enumerate(lengths)
    ]
    each = {
        int(n): np.stack([found[trial] for trial in np.flatnonzero(lengths == n)])  # type: ignore[misc]
        for n in np.unique(lengths[lengths > 0])
    }
    if not each:
        raise ValueError(
            f"`phase` must hold data of a trial that counts, got {phase!r}. Take another phase."
        )
    return next(iter(each.values())) if len(each) == 1 else list(each.values())
