"""`flow`: which way a network moves in the plane of two principal components."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurotask._checks import count, number
from neurotask.analysis._arguments import numbers
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.dynamics.mapping import Mapping, check_step
from neurotask.analysis.dynamics.points_plot import check_plane


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Flow:
    """Velocities of a network on a grid in the plane of two principal components.

    `flow` makes it.

    Args:
        x, y: places along the two components, (x,) and (y,).
        velocity: within the plane, in units of the state per ms, (y, x, 2).
        speed: of the whole state, also out of the plane, in the same units, (y, x).
        components: which two, from 0.
    """

    x: np.ndarray
    y: np.ndarray
    velocity: np.ndarray
    speed: np.ndarray
    components: tuple[int, int]

    @property
    def table(self) -> pd.DataFrame:
        """A row a place."""
        x, y = np.meshgrid(self.x, self.y)
        columns = {"x": x, "y": y, "velocity_x": self.velocity[..., 0]}
        columns |= {"velocity_y": self.velocity[..., 1], "speed": self.speed}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw streamlines over the speed (dark is slow, logarithmic).

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.6, 3.6))
        lowest = self.speed[self.speed > 0].min() if (self.speed > 0).any() else 1.0
        logs = np.log10(np.maximum(self.speed, lowest))
        shades = ax.pcolormesh(self.x, self.y, logs, cmap="cividis", zorder=0, rasterized=True)
        across, up = self.velocity[..., 0], self.velocity[..., 1]
        ax.streamplot(
            self.x, self.y, across, up, color="white", linewidth=0.6, arrowsize=0.7, density=0.9
        )
        bar = ax.figure.colorbar(shades, ax=ax, location="top", shrink=0.8)
        bar.locator = MaxNLocator(5)
        bar.update_ticks()
        bar.set_label(r"log$_{10}$ speed (units of the state per ms)")
        ax.set(xlabel=f"PC {self.components[0] + 1}", ylabel=f"PC {self.components[1] + 1}")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        return (
            f"<Flow on {len(self.x)} x {len(self.y)} places, speed {self.speed.min():.3g} to "
            f"{self.speed.max():.3g} units of the state per ms>"
        )


def flow(
    step: Callable[..., Any],
    pca: Any,
    *,
    input: Any,
    dt: float | None = None,
    components: tuple[int, int] = (0, 1),
    n: int = 25,
    margin: float = 0.2,
) -> Flow:
    """Find which way a network moves from places in a plane, under constant inputs.

    What the plane leaves out is at the mean of the PCA: the field is a cut through the state space,
    and says nothing of states off it.

    Args:
        step: as in `fixed_points`.
        pca: a `PCA` of "states", centred by "mean"; rates do not say which state they come from.
        input: constant inputs, (input,).
        dt: length of a step in ms; that of the owner of `step` unless given.
        components: which two components span the plane, from 0.
        n: number of places along each.
        margin: how far the grid goes beyond the trajectories, relative to their range.

    Returns:
        A `Flow`.

    Raises:
        ValueError: if the PCA is of another variable, or dt is not known.

    Source: Strogatz (2015), Nonlinear Dynamics and Chaos, 2nd ed., section 6.1 (phase portraits).
    """
    check_step(step)
    check_plane(pca, components)
    if pca.of != "states":
        raise ValueError(
            f'`pca` must be of "states", got a PCA of {pca.of!r}. Fit it with of="states".'
        )
    count("n", n, low=2)
    number("margin", margin, low=0.0)
    dt = getattr(getattr(step, "__self__", None), "dt", None) if dt is None else dt
    if dt is None:
        raise ValueError(
            "`dt` must be the length of a step in ms where the owner of `step` does not say it, "
            "got None. Speeds need it."
        )
    number("dt", dt, low=0.0, above=True)
    constant = numbers("input", "constant inputs, (input,), such as points.inputs[0]", input)
    if constant.ndim != 1 or not np.isfinite(constant).all():
        raise ValueError(f"`input` must be finite constant inputs, (input,), got {input!r}.")
    axes, mean = pca.components_[list(components)], pca.mean_
    paths = pca.trajectories.to_numpy()[..., list(components)].reshape(-1, 2)
    low, high = np.nanmin(paths, axis=0), np.nanmax(paths, axis=0)
    low, high = low - margin * (high - low), high + margin * (high - low)
    x, y = (np.linspace(low[i], high[i], n) for i in (0, 1))
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    states = mean + places @ axes
    mapping = Mapping(step, (len(mean),), None)
    inputs = np.tile(constant, (len(states), 1))
    mapping.check(states[[0, -1]], inputs[[0, -1]])
    velocity = (mapping(states, inputs) - states) / dt
    return Flow(
        x=x,
        y=y,
        velocity=(velocity @ axes.T).reshape(n, n, 2),
        speed=np.linalg.norm(velocity, axis=1).reshape(n, n),
        components=components,
    )
