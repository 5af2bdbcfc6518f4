"""The result of principal component analysis."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask._checks import count, number
from neurotask.analysis.population import trajectory_plot as plotting
from neurotask.analysis.population import variance_plot
from neurotask.analysis.population.chance import shuffled_spectra
from neurotask.analysis.population.conditions import Which, event, projected


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
        averages: the condition averages themselves, (condition, time, unit).
        spectrum: share of the variance along every component that there is, in falling order.
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
    averages: xr.DataArray
    spectrum: np.ndarray
    n_trials: pd.Series
    of: str
    align: str | None
    condition: tuple[str, ...]
    center: Literal["mean", "time"]
    trials: Which

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a component: its share of the variance, and that of all up to it."""
        shares = self.explained_variance_ratio_
        return pd.DataFrame(
            {
                "component": np.arange(1, len(shares) + 1),
                "explained_variance_ratio": shares,
                "cumulative": np.cumsum(shares),
            }
        )

    def scree(self, *, level: float = 0.95, n_shuffles: int = 200, seed: int = 0) -> pd.DataFrame:
        """Return the share of every component, beside what independent units would give.

        The condition averages of each unit are shuffled over conditions and times, independently
        of the other units. What is left of a first component is chance: units keep their variance
        and lose what they share. Activity that is smooth in time has fewer independent samples
        than the shuffle takes it to have; `cross_validated_pca` does not rest on that.

        Args:
            level: quantile of the shuffles that is the level of chance.
            n_shuffles: number of shuffles.
            seed: of the shuffles.

        Returns:
            One row a component: `component`, `explained_variance_ratio`, `cumulative`, `chance`.

        Source: Horn (1965), Psychometrika 30, 179-185 (parallel analysis).
        """
        number("level", level, low=0, high=1)
        count("n_shuffles", n_shuffles)
        time_wise = self.averages.to_numpy() - self.mean_
        rows = time_wise.reshape(-1, time_wise.shape[-1])
        chance = np.quantile(shuffled_spectra(rows, n_shuffles, seed), level, axis=0)
        return pd.DataFrame(
            {
                "component": np.arange(1, len(self.spectrum) + 1),
                "explained_variance_ratio": self.spectrum,
                "cumulative": np.cumsum(self.spectrum),
                "chance": chance[: len(self.spectrum)],
            }
        )

    def n_above_chance(self, *, level: float = 0.95, n_shuffles: int = 200, seed: int = 0) -> int:
        """Return how many components, counted from the first, lie above chance (see `scree`)."""
        table = self.scree(level=level, n_shuffles=n_shuffles, seed=seed)
        above = table["explained_variance_ratio"] > table["chance"]
        return int(above.cummin().sum())

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
        axes, offset = self.components_, self.mean_
        return projected(session, self.of, self.align, self.trajectories, axes, offset)

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
        return plotting.draw(
            ax,
            self.trajectories.isel(component=list(components)),
            labels=(self._label(components[0]), self._label(components[1])),
            condition=self.condition,
            align=self.align,
        )

    def plot_space(self, ax: Any = None, *, components: tuple[int, int, int] = (0, 1, 2)) -> Any:
        """Draw the mean trajectory of each condition in the space of three components.

        Args:
            ax: axes with the projection "3d"; a new figure unless given.
            components: which three, from 0.

        Returns:
            The axes.
        """
        n = len(self.components_)
        if len(components) != 3 or not all(0 <= one < n for one in components):
            raise ValueError(
                f"`components` must be three numbers from 0 to {n - 1}, got {components}. "
                "Fit with a larger n_components to see more."
            )
        return plotting.draw_space(
            ax,
            self.trajectories.isel(component=list(components)),
            labels=[self._label(one) for one in components],
            condition=self.condition,
            align=self.align,
        )

    def plot_time(self, ax: Axes | None = None, *, component: int = 0) -> Axes:
        """Draw the mean time course of each condition along one component.

        Args:
            ax: where to draw; a new figure unless given.
            component: which, from 0.

        Returns:
            The axes.
        """
        if count("component", component, low=0) >= len(self.components_):
            raise ValueError(
                f"`component` must be a number from 0 to {len(self.components_) - 1}, got "
                f"{component}. Fit with a larger n_components to see more."
            )
        return plotting.draw_time(
            ax,
            self.trajectories.isel(component=component),
            label=self._label(component),
            condition=self.condition,
            align=self.align,
        )

    def plot_variance(
        self,
        ax: Axes | None = None,
        *,
        n_components: int = 10,
        level: float = 0.95,
        n_shuffles: int = 200,
        seed: int = 0,
    ) -> Axes:
        """Draw the share of each component and the level of chance (see `scree`).

        Args:
            ax: where to draw; a new figure unless given.
            n_components: how many to draw, at most.
            level: quantile of the shuffles that is the level of chance.
            n_shuffles: number of shuffles.
            seed: of the shuffles.

        Returns:
            The axes.
        """
        table = self.scree(level=level, n_shuffles=n_shuffles, seed=seed)
        return variance_plot.scree(ax, table.head(count("n_components", n_components)))

    def _label(self, component: int) -> str:
        share = self.explained_variance_ratio_[component]
        return f"PC {component + 1} ({share:.0%} of variance)"

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.explained_variance_ratio_)
        return (
            f"<PCA of {self.of} (centre: {self.center}) over {len(self.n_trials)} conditions of "
            f"{', '.join(self.condition)}, weighted equally, {int(self.n_trials.sum())} trials "
            f"({self.trials}), aligned to {event(self.align)}; variance {shares}>"
        )
