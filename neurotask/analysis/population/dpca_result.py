"""The result of demixed principal component analysis."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask._checks import choose, count, listed
from neurotask.analysis.population import trajectory_plot as plotting
from neurotask.analysis.population import variance_plot
from neurotask.analysis.population.conditions import Which, event, projected


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DPCA:
    """Demixed components, and the mean time course of each combination of factors along them.

    `dpca` makes it. Components are in the order of the variance they explain, and named by the
    marginalization that they are of: "coherence 1". Names that end in an underscore are as in
    scikit-learn.

    Args:
        decoders_: what reads the components from activity less its mean, (component, unit).
        encoders_: what gives activity back from components, (component, unit); orthonormal within
            a marginalization, in general not across.
        variance_by_marginalization: share of the variance of the averages that a component explains
            by way of each marginalization ("part"), (component, part).
        marginal_variance_ratio: share of the variance that each marginalization has.
        total_explained_variance_ratio: share of the variance that all components together give
            back. Components of different marginalizations overlap, so it is no sum.
        mean_: mean over combinations and times, which was taken off, (unit,).
        trajectories: the averages along the components, (condition, time, component).
        n_trials: number of trials averaged in each combination.
        regularization: weight of the penalty.
        cross_validation: error of prediction by weight, where the weight was found from it.
        of: the variable of the Session.
        align: phase whose start is time 0, None for the start of the trial.
        factors: names of the factors.
        trials: "all" or "correct".
    """

    decoders_: xr.DataArray
    encoders_: xr.DataArray
    variance_by_marginalization: xr.DataArray
    marginal_variance_ratio: pd.Series
    total_explained_variance_ratio: float
    mean_: np.ndarray
    trajectories: xr.DataArray
    n_trials: pd.Series
    regularization: float
    cross_validation: pd.DataFrame | None
    of: str
    align: str | None
    factors: tuple[str, ...]
    trials: Which

    @property
    def components(self) -> list[str]:
        """Return the names of the components."""
        return self.decoders_["component"].to_numpy().tolist()

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        """Return the share of the variance that each component explains, (component,)."""
        return self.variance_by_marginalization.sum("part").to_numpy()

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a component: what it is of, and what it explains of each part."""
        table = pd.DataFrame(
            {
                "component": self.components,
                "marginalization": self.decoders_["marginalization"].to_numpy(),
                "explained_variance_ratio": self.explained_variance_ratio_,
            }
        )
        for part in self.marginal_variance_ratio.index:
            table[f"by {part}"] = self.variance_by_marginalization.sel(part=part).to_numpy()
        return table

    def transform(self, session: xr.Dataset) -> xr.DataArray:
        """Read the components from single trials.

        Args:
            session: a Session of the same network; the trials need not be those of the fit.

        Returns:
            (trial, time, component), at the times of `trajectories`; NaN where a trial has no data.

        Raises:
            ValueError: if the Session has another number of units or another time step.
        """
        session = by_trial(session)
        axes, offset = self.decoders_.to_numpy(), self.mean_
        return projected(session, self.of, self.align, self.trajectories, axes, offset)

    def inverse_transform(self, components: xr.DataArray) -> xr.DataArray:
        """Return the activity that components stand for, (..., unit), from (..., component)."""
        chosen = self.encoders_.sel(component=components["component"])
        values = components.to_numpy() @ chosen.to_numpy() + self.mean_
        coords = {n: c for n, c in components.coords.items() if "component" not in c.dims}
        coords["unit"] = self.encoders_["unit"]
        return xr.DataArray(values, coords, (*components.dims[:-1], "unit"))

    def plot(self, ax: Axes | None = None, *, component: int | str = 0) -> Axes:
        """Draw the mean time course of each combination of factors along one component.

        Args:
            ax: where to draw; a new figure unless given.
            component: which, by place in the order of variance or by name: "coherence 1".

        Returns:
            The axes.
        """
        place = self._place(component)
        share = self.explained_variance_ratio_[place]
        return plotting.draw_time(
            ax,
            self.trajectories.isel(component=place),
            label=f"{self.components[place]} ({share:.0%} of variance)",
            condition=self.factors,
            align=self.align,
        )

    def plot_variance(self, ax: Axes | None = None) -> Axes:
        """Draw what each component explains, coloured by the marginalization it comes from."""
        return variance_plot.stacked(ax, self.variance_by_marginalization)

    def _place(self, component: int | str) -> int:
        if isinstance(component, str):
            return self.components.index(choose("component", component, self.components))
        if count("component", component, low=0) >= len(self.components):
            raise ValueError(
                f"`component` must be less than {len(self.components)}, or one of "
                f"{listed(self.components)}, got {component}."
            )
        return int(component)

    def __repr__(self) -> str:
        parts = self.marginal_variance_ratio.items()
        told = ", ".join(f"{name} {share:.1%}" for name, share in parts)
        return (
            f"<DPCA of {self.of} over {len(self.n_trials)} combinations of "
            f"{', '.join(self.factors)}, weighted equally, {int(self.n_trials.sum())} trials "
            f"({self.trials}), aligned to {event(self.align)}, regularization "
            f"{self.regularization:g}; variance {told}; {len(self.components)} components explain "
            f"{self.total_explained_variance_ratio:.1%}>"
        )
