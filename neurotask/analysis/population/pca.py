"""Principal components of condition-averaged population activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from sklearn.decomposition import PCA as Decomposition

from neurotask._blocks import by_trial
from neurotask._checks import choose, count
from neurotask.analysis._alignment import activity, average, gather, onsets, step_of
from neurotask.analysis._arguments import names_of
from neurotask.analysis._rows import NO_CHOICE
from neurotask.analysis.population import trajectory_plot as plotting


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PCA:
    """Principal components over units, and the mean trajectory of each condition along them.

    `pca` makes it. Names that end in an underscore are scikit-learn's.

    Args:
        components_: directions of largest variance, orthonormal, (n_components, unit). The largest
            entry of each, in absolute value, is positive.
        explained_variance_ratio_: share of the variance of the condition averages, over
            conditions and times, along each component, (n_components,).
        mean_: what was taken off the activity: (unit,), or (time, unit) where `center` is "time".
        trajectories: the condition averages along the components, (condition, time, component);
            time in ms from the event.
        n_trials: number of trials averaged in each condition.
        of: the variable of the Session.
        align: phase whose start is time 0, None for the start of the trial.
        condition: names whose levels are the conditions.
        center: "mean" or "time".
        trials: "all" or "correct".
    """

    components_: np.ndarray
    explained_variance_ratio_: np.ndarray
    mean_: np.ndarray
    trajectories: xr.DataArray
    n_trials: pd.Series
    of: str
    align: str | None
    condition: tuple[str, ...]
    center: Literal["mean", "time"]
    trials: Literal["all", "correct"]

    def transform(self, session: xr.Dataset) -> xr.DataArray:
        """Project single trials onto the components.

        Args:
            session: a Session of the same network; the trials need not be those of the fit.

        Returns:
            (trial, time, component), at the times of `trajectories`; NaN where a trial has no data.
            Its mean over the trials of a condition is that condition's trajectory.

        Raises:
            ValueError: if the Session has another number of units or another time step.
        """
        session = by_trial(session)
        data, time = activity(session, self.of), self.trajectories["time"].to_numpy()
        if data.sizes["unit"] != self.components_.shape[1]:
            raise ValueError(
                f"`session` must have {self.components_.shape[1]} units, got "
                f"{data.sizes['unit']}. Give a Session of the network that the PCA was fitted to."
            )
        steps = self._steps(time, step_of(session))
        every = np.arange(data.sizes["trial"])
        values = gather(data, onsets(session, self.align), every, steps) - self.mean_
        kept = {name: c for name, c in session.coords.items() if c.dims == ("trial",)}
        coords = {**kept, "time": time, "component": self.trajectories["component"].to_numpy()}
        return xr.DataArray(values @ self.components_.T, coords, ("trial", "time", "component"))

    def plot(self, ax: Axes | None = None, *, components: tuple[int, int] = (0, 1)) -> Axes:
        """Draw the mean trajectory of each condition in the plane of two components.

        Signed conditions go from blue over dark to orange. A square marks the start of a
        trajectory, a filled circle the event that the trials are aligned to.

        Args:
            ax: where to draw; a new figure unless given.
            components: which two, from 0.

        Returns:
            The axes.
        """
        n = len(self.components_)
        if len(components) != 2 or not all(0 <= one < n for one in components):
            raise ValueError(
                f"`components` must be two numbers from 0 to {n - 1}, got {components}. "
                "Fit with a larger n_components to see more."
            )
        return plotting.draw(self, ax, components)

    def _steps(self, time: np.ndarray, step: float) -> np.ndarray:
        steps = np.rint(time / step).astype(int)
        if not np.allclose(steps * step, time) or np.any(np.diff(steps) < 1):
            raise ValueError(
                f"`session` must have the time step of the fit, whose times are {time[:3]} ..., "
                f"got a step of {step:g} ms. Run the network with the same dt."
            )
        return steps

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.explained_variance_ratio_)
        event = "the start of the trial" if self.align is None else f"the start of {self.align!r}"
        return (
            f"<PCA of {self.of} (centre: {self.center}) over {len(self.n_trials)} conditions of "
            f"{', '.join(self.condition)}, weighted equally, {int(self.n_trials.sum())} trials "
            f"({self.trials}), aligned to {event}; variance {shares}>"
        )


def pca(
    session: xr.Dataset,
    *,
    n_components: int = 3,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Literal["all", "correct"] = "all",
    center: Literal["mean", "time"] = "mean",
) -> PCA:
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
        trials: "all", or "correct" to leave out errors and trials without a choice. Trials where
            no answer is right (`correct` is NaN, as at zero coherence) hold no error and stay.
        center: "mean" takes each unit's mean over conditions and times off it. "time" takes the
            mean over conditions off at each time: what is left is what depends on the condition.

    Returns:
        A `PCA`.

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
    session = by_trial(session)
    n_units = activity(session, of).sizes["unit"]
    names = names_of("condition", condition) or (_usual_condition(session),)
    averages = average(session, of, align, names, _wanted(session, trials))
    values = averages.values
    if count("n_components", n_components) > min(n_units, values[..., 0].size):
        raise ValueError(
            f"`n_components` must be at most {min(n_units, values[..., 0].size)}, the lesser of "
            f"units and conditions x times, got {n_components}. Ask for fewer."
        )
    offset = values.mean("condition" if center == "time" else ("condition", "time"))
    centred = (values - offset).transpose(*values.dims).to_numpy()
    found = _decompose(centred, n_components, of)
    along = centred @ found.components_.T
    coords = {k: c for k, c in values.coords.items() if "unit" not in c.dims}
    coords["component"] = [f"PC {i + 1}" for i in range(n_components)]
    return PCA(
        components_=found.components_,  # scikit-learn makes the largest entry positive
        explained_variance_ratio_=found.explained_variance_ratio_,
        mean_=offset.to_numpy(),
        trajectories=xr.DataArray(along, coords, ("condition", "time", "component")),
        n_trials=averages.n_trials,
        of=of,
        align=align,
        condition=names,
        center=center,
        trials=trials,
    )


def _decompose(values: np.ndarray, n_components: int, of: str) -> Decomposition:
    rows = values.reshape(-1, values.shape[-1])
    if np.allclose(rows, 0, atol=1e-12):
        raise ValueError(
            f"`of` must be activity that varies with condition or time, got {of!r}, which is "
            "constant after centring. Look at the network, or take another variable."
        )
    return Decomposition(n_components, svd_solver="full").fit(rows)


def _usual_condition(session: xr.Dataset) -> str:
    if "psychometric_axis" not in session.attrs:
        raise ValueError(
            "`condition` must name what trials are averaged by, got None. The Session has no "
            'attribute "psychometric_axis"; say it here, as in condition="coherence".'
        )
    return session.attrs["psychometric_axis"]


def _wanted(session: xr.Dataset, trials: str) -> np.ndarray:
    """Which trials are averaged, (trial,)."""
    wanted = np.ones(session.sizes["trial"], bool)
    if trials == "all":
        return wanted
    if "correct" not in session.coords:
        raise ValueError(
            "`trials` must be \"all\" where the Session has no coordinate 'correct', got "
            "'correct'. Give a Session with behaviour."
        )
    correct = session["correct"].to_numpy().astype(float)
    chosen = session["choice"].to_numpy() != NO_CHOICE if "choice" in session.coords else wanted
    return (np.isnan(correct) | (correct == 1)) & chosen
