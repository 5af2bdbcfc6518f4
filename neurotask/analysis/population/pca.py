"""Principal components of condition-averaged population activity."""

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
import xarray as xr
from sklearn.decomposition import PCA as Decomposition

from neurotask._blocks import by_trial
from neurotask._checks import choose, count
from neurotask.analysis._alignment import activity
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    condition_names,
    counting,
)
from neurotask.analysis.population.pca_result import PCA

Center = Literal["mean", "time"]


@overload
def pca(
    session: xr.Dataset,
    *,
    n_components: int = 3,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    by: None = None,
) -> PCA: ...
@overload
def pca(
    session: xr.Dataset,
    *,
    n_components: int = 3,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    by: str | Sequence[str],
) -> Grouped[PCA]: ...
def pca(
    session: xr.Dataset,
    *,
    n_components: int = 3,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    by: str | Sequence[str] | None = None,
) -> PCA | Grouped[PCA]:
    """Find the few directions in which the mean activity of a population moves.

    Activity is averaged over the trials of each condition, at equal times from an event, and the
    principal components over units are those of all conditions and times together. Each condition
    weighs the same, whatever its number of trials. A time is used if, in every condition, at least
    half of the trials have data there: a padded step is no data, never zero, and each mean is over
    the trials that have data.

    Args:
        session: a Session with (trial, time, unit) activity; blocks are cut into their trials.
        n_components: number of components.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0, which may differ between trials; trials without that
            phase are left out. The start of the trial unless given.
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` unless given.
        trials: "all", or "correct" to leave out errors and trials without a choice, unless to make
            none was right. Trials where no answer is right (`correct` is NaN, as at zero
            coherence) hold no error and stay.
        center: "mean" takes each unit's mean over conditions and times off it. "time" takes the
            mean over conditions off at each time: what is left is what depends on the condition.
        window: (start, stop) in ms from the event: times that are used; all times that half of the
            trials of each condition have unless given.
        by: name or names of what to group by: each group is analysed by itself.

    Returns:
        A `PCA`, or with `by` a mapping from group to `PCA`.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a variable, phase or condition is unknown, if no time is common to all
            conditions, or if the activity does not vary.

    Source: Jolliffe (2002), Principal Component Analysis, 2nd ed., chapter 1; the averaging follows
        Churchland et al. (2012), Nature 487, 51-56.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import pca
        >>> coherence = np.repeat([-0.5, 0.5], 10)
        >>> ramp = coherence[:, None, None] * np.arange(5)[:, None] * [1.0, -1.0, 0.0]
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), ramp)},
        ...     {"coherence": ("trial", coherence), "time": np.arange(5) * 10.0},
        ... )
        >>> fit = pca(session, n_components=1, condition="coherence")
        >>> fit.trajectories.sizes["condition"], fit.explained_variance_ratio_.round(3).tolist()
        (2, [1.0])
    """
    choose("trials", trials, ("all", "correct"))
    choose("center", center, ("mean", "time"))

    def analyse(part: xr.Dataset) -> PCA:
        part = by_trial(part)
        return _analyse(part, n_components, of, align, condition, trials, center, window)

    return each_group(session, by, analyse, together=False)


def _analyse(
    session: xr.Dataset,
    n_components: int,
    of: str,
    align: str | None,
    condition: str | Sequence[str] | None,
    trials: Which,
    center: Center,
    window: Window | None,
) -> PCA:
    n_units = activity(session, of).sizes["unit"]
    names = condition_names(session, condition)
    averages = averaged(session, of, align, names, counting(session, trials), window)
    values = averages.values
    if count("n_components", n_components) > min(n_units, values[..., 0].size):
        raise ValueError(
            f"`n_components` must be at most {min(n_units, values[..., 0].size)}, the lesser of "
            f"units and conditions x times, got {n_components}. Ask for fewer."
        )
    offset = values.mean("condition" if center == "time" else ("condition", "time"))
    centred = (values - offset).transpose(*values.dims).to_numpy()
    found = _decompose(centred, of)
    components = found.components_[:n_components]  # scikit-learn makes the largest entry positive
    coords = {k: c for k, c in values.coords.items() if "unit" not in c.dims}
    coords["component"] = [f"PC {i + 1}" for i in range(n_components)]
    dims = ("condition", "time", "component")
    return PCA(
        components_=components,
        explained_variance_ratio_=found.explained_variance_ratio_[:n_components],
        mean_=offset.to_numpy(),
        trajectories=xr.DataArray(centred @ components.T, coords, dims),
        averages=values,
        spectrum=found.explained_variance_ratio_,
        n_trials=averages.n_trials,
        of=of,
        align=align,
        condition=names,
        center=center,
        trials=trials,
    )


def _decompose(values: np.ndarray, of: str) -> Decomposition:
    rows = values.reshape(-1, values.shape[-1])
    if np.allclose(rows, 0, atol=1e-12):
        raise ValueError(
            f"`of` must be activity that varies with condition or time, got {of!r}, which is "
            "constant after centring. Look at the network, or take another variable."
        )
    return Decomposition(svd_solver="full").fit(rows)
