"""The result of targeted dimensionality reduction."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask._checks import choose
from neurotask.analysis.population import trajectory_plot as plotting
from neurotask.analysis.population.conditions import Which, event, projected


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TDR:
    """One axis a task variable, and the mean trajectory of each condition along them.

    `tdr` makes it. Names that end in an underscore are as in scikit-learn.

    Args:
        axes_: orthonormal, (variable, unit), in units of z-scored activity. Along its axis,
            activity grows with the variable.
        betas: coefficients of z-scored activity, before any denoising, (variable, time, unit); NaN
            at times whose trials do not determine them.
        norms: norm of the denoised coefficients, (variable, time).
        peak_time: time of the largest norm, ms from the event, (variable,).
        kept: cosine of the angle between the axis and the coefficients at that time: what was left
            of them once the axes before were taken off, (variable,).
        explained_variance_ratio_: share of the variance of the condition averages (z-scored, over
            conditions and times) along each axis, (variable,).
        mean_: mean of each unit over trials and times, (unit,).
        scale_: its standard deviation, 1 for a unit that is constant, (unit,).
        trajectories: the condition averages along the axes, (condition, time, variable).
        n_trials: number of trials averaged in each condition.
        n_excluded: trials left out: those without a value of a variable, without the phase, or,
            where `trials` is "correct", with an error.
        n_components: number of principal components that denoised the coefficients.
        of: the variable of the Session.
        align: phase whose start is time 0, None for the start of the trial.
        condition: names whose levels are the conditions.
        trials: "all" or "correct".
    """

    axes_: xr.DataArray
    betas: xr.DataArray
    norms: xr.DataArray
    peak_time: xr.DataArray
    kept: xr.DataArray
    explained_variance_ratio_: np.ndarray
    mean_: np.ndarray
    scale_: np.ndarray
    trajectories: xr.DataArray
    n_trials: pd.Series
    n_excluded: int
    n_components: int
    of: str
    align: str | None
    condition: tuple[str, ...]
    trials: Which

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the axes, in the order of orthogonalisation."""
        return tuple(self.axes_["variable"].to_numpy().tolist())

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a variable: when and how strongly it is coded, and its axis' share."""
        return pd.DataFrame(
            {
                "variable": list(self.variables),
                "peak_time": self.peak_time.to_numpy(),
                "peak_norm": self.norms.max("time").to_numpy(),
                "kept": self.kept.to_numpy(),
                "explained_variance_ratio": self.explained_variance_ratio_,
            }
        )

    def transform(self, session: xr.Dataset) -> xr.DataArray:
        """Project single trials onto the axes.

        Args:
            session: a Session of the same network; the trials need not be those of the fit.

        Returns:
            (trial, time, variable), at the times of `trajectories`; NaN where a trial has no data.

        Raises:
            ValueError: if the Session has another number of units or another time step.
        """
        session = by_trial(session)
        axes, offset = self.axes_.to_numpy(), self.mean_
        return projected(session, self.of, self.align, self.trajectories, axes, offset, self.scale_)

    def plot(self, ax: Axes | None = None, *, axes: tuple[int | str, int | str] = (0, 1)) -> Axes:
        """Draw the mean trajectory of each condition in the plane of two axes.

        Args:
            ax: where to draw; a new figure unless given.
            axes: which two, by place or by name of the variable.

        Returns:
            The axes.
        """
        places = self._places(axes)
        names = [f"{self.variables[i]} axis (z-scored {self.of})" for i in places]
        return plotting.draw(
            ax,
            self.trajectories.isel(variable=places),
            labels=(names[0], names[1]),
            condition=self.condition,
            align=self.align,
        )

    def plot_norms(self, ax: Axes | None = None) -> Axes:
        """Draw the norm of the coefficients of each variable over time, and where it is largest."""
        return plotting.draw_norms(ax, self.norms, self.peak_time, self.align)

    def _places(self, axes: tuple[int | str, int | str]) -> list[int]:
        n = len(self.variables)
        if len(axes) != 2 or not all(isinstance(one, str) or 0 <= one < n for one in axes):
            raise ValueError(
                f"`axes` must be two of {', '.join(self.variables)}, or numbers from 0 to {n - 1}, "
                f"got {axes}."
            )
        return [
            self.variables.index(choose("axes", one, self.variables))
            if isinstance(one, str)
            else int(one)
            for one in axes
        ]

    def __repr__(self) -> str:
        shares = zip(self.variables, self.explained_variance_ratio_, strict=True)
        told = ", ".join(f"{name} {share:.1%}" for name, share in shares)
        return (
            f"<TDR of {self.of} (z-scored, denoised by {self.n_components} components) over "
            f"{len(self.n_trials)} conditions of {', '.join(self.condition)}, "
            f"{int(self.n_trials.sum())} trials ({self.trials}), aligned to {event(self.align)}; "
            f"variance {told}>"
        )
