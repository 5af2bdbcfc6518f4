"""The result of jPCA."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask._checks import count
from neurotask.analysis.population import trajectory_plot as plotting
from neurotask.analysis.population.conditions import Which, event, projected


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class JPCA:
    """Planes of rotation, the fastest first, and the trajectories of conditions in them.

    `jpca` makes it. Names that end in an underscore are as in scikit-learn.

    Args:
        jpcs_: orthonormal, two a plane, (component, unit). From the first to the second of a plane
            is the way it turns, and conditions start spread along the first. NaN where nothing
            turns.
        frequency: of the rotation in each plane, Hz, (plane,).
        r2_skew: share of the squared change of the components that rotations explain.
        r2_full: share that any linear dynamics explain: the most that `r2_skew` could be.
        explained_variance_ratio_: share of the variance between conditions in each plane, (plane,).
        pca_explained_variance_ratio: share of it in all principal components that were kept.
        mean_: mean over conditions, which was taken off, (time, unit), after the division.
        scale_: what each unit was divided by, (unit,).
        trajectories: the conditions in the planes, (condition, time, component).
        n_trials: number of trials averaged in each condition.
        n_components: number of principal components that were kept.
        of: the variable of the Session.
        align: phase whose start is time 0, None for the start of the trial.
        condition: names whose levels are the conditions.
        trials: "all" or "correct".
    """

    jpcs_: xr.DataArray
    frequency: np.ndarray
    r2_skew: float
    r2_full: float
    explained_variance_ratio_: np.ndarray
    pca_explained_variance_ratio: float
    mean_: np.ndarray
    scale_: np.ndarray
    trajectories: xr.DataArray
    n_trials: pd.Series
    n_components: int
    of: str
    align: str | None
    condition: tuple[str, ...]
    trials: Which

    @property
    def status(self) -> str:
        """Return "ok", or which planes are undetermined, and why."""
        still = np.isnan(self.explained_variance_ratio_)
        if not still.any():
            return "ok"
        planes = ", ".join(map(str, np.flatnonzero(still)))
        return f"undetermined: nothing turns in plane {planes}"

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a plane: frequency (Hz) and share of the variance between conditions."""
        return pd.DataFrame(
            {
                "plane": range(len(self.frequency)),
                "frequency": self.frequency,
                "explained_variance_ratio": self.explained_variance_ratio_,
                "r2_skew": self.r2_skew,
                "r2_full": self.r2_full,
            }
        )

    def transform(self, session: xr.Dataset) -> xr.DataArray:
        """Project single trials onto the planes.

        Args:
            session: a Session of the same network; the trials need not be those of the fit.

        Returns:
            (trial, time, component), at the times of `trajectories`; NaN where a trial has no data.

        Raises:
            ValueError: if the Session has another number of units or another time step.
        """
        session = by_trial(session)
        axes, offset = self.jpcs_.to_numpy(), self.mean_ * self.scale_
        return projected(session, self.of, self.align, self.trajectories, axes, offset, self.scale_)

    def plot(self, ax: Axes | None = None, *, plane: int = 0) -> Axes:
        """Draw the trajectory of each condition in a plane.

        Args:
            ax: where to draw; a new figure unless given.
            plane: which, from 0, the fastest.

        Returns:
            The axes.
        """
        if count("plane", plane, low=0) >= len(self.frequency):
            raise ValueError(
                f"`plane` must be from 0 to {len(self.frequency) - 1}, got {plane}. "
                "Fit with a larger n_planes to see more."
            )
        pair = self.trajectories.isel(component=[2 * plane, 2 * plane + 1])
        first, second = pair["component"].to_numpy().tolist()
        share = self.explained_variance_ratio_[plane]
        ax = plotting.draw(
            ax, pair, labels=(first, second), condition=self.condition, align=self.align
        )
        ax.set_title(f"{self.frequency[plane]:.2f} Hz, {share:.0%} of variance", fontsize="medium")
        ax.set_aspect("equal", adjustable="datalim")
        return ax

    def __repr__(self) -> str:
        speeds = ", ".join(f"{one:.3g} Hz" for one in self.frequency)
        return (
            f"<JPCA of {self.of} over {len(self.n_trials)} conditions of "
            f"{', '.join(self.condition)}, {int(self.n_trials.sum())} trials ({self.trials}), "
            f"aligned to {event(self.align)}, in {self.n_components} components; rotation explains "
            f"{self.r2_skew:.1%} of the change, any linear dynamics {self.r2_full:.1%}; {speeds}; "
            f"{self.status}>"
        )
