"""The result of fitting choices and reaction times by one diffusion."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from scipy.special import ndtri

from neurotask._checks import number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.behavior import bounded_drift as model
from neurotask.analysis.behavior.rate_levels import RateLevels
from neurotask.analysis.behavior.timed import axis_label
from neurotask.analysis.psychometrics.plot import wilson


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ProportionalRateFit:
    """A psychometric and a chronometric function of one diffusion process.

    `proportional_rate` makes it and defines the parameters. What the data do not determine is NaN,
    and `status`, otherwise "ok", says why.

    Args:
        levels: the data that were fitted.
        theta: the most likely (ln k, ln A, non-decision time in s, bias), (4,).
        covariance: of theta, 0 for what was not free, (4, 4).
        status: "ok", or "undetermined: " and why.
        deviance: twice the log likelihood by which a proportion and a mean of its own a level fit
            better.
        degrees_of_freedom: proportions and means that were fitted, less free parameters.
    """

    levels: RateLevels
    theta: np.ndarray
    covariance: np.ndarray
    status: str
    deviance: float
    degrees_of_freedom: int

    @property
    def parameters(self) -> dict[str, float]:
        """Return all parameters by name."""
        return dict(zip(self._names, self._natural(0.0).tolist(), strict=True))

    @property
    def sensitivity(self) -> float:
        """Return k: drift per unit of the stimulus, in 1 / sqrt(s)."""
        return self.parameters["sensitivity"]

    @property
    def bound(self) -> float:
        """Return A: distance from the start to either bound, in sqrt(s)."""
        return self.parameters["bound"]

    @property
    def non_decision_time(self) -> float:
        """Return the part of reaction time that is no decision, in ms."""
        return self.parameters["non_decision_time"]

    @property
    def bias(self) -> float:
        """Return the stimulus at which there is no drift (signed form)."""
        if self.levels.form == "absolute":
            raise AttributeError("`bias` is no parameter of the absolute form, which has no sign.")
        return self.parameters["bias"]

    @property
    def n_trials(self) -> int:
        """Return the number of choices that were fitted."""
        return int(self.levels.table["n_trials"].sum())

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a level: the data, `fitted_proportion` and `fitted_rt` (ms)."""
        table = self.levels.table.copy()
        x, n = table["x"].to_numpy(), table["n_trials"]
        table.insert(3, "proportion", table["n_positive"] / n.where(n > 0))
        table["fitted_proportion"] = self.probability(x)
        table["fitted_rt"] = self.reaction_time(x)
        return table

    def probability(self, x: Any) -> np.ndarray:
        """Return the fitted probability of the positive (or correct) choice at the stimuli `x`."""
        return model.probability(self.theta, np.asarray(x, float))

    def reaction_time(self, x: Any) -> np.ndarray:
        """Return the fitted mean reaction time at the stimuli `x`, in ms."""
        return 1000 * model.mean_time(self.theta, np.asarray(x, float))

    def interval(self, level: float = 0.95) -> pd.DataFrame:
        """Return the interval of each parameter, from the curvature of the likelihood.

        That of sensitivity and bound is taken of their logarithms, so that both ends are above 0.

        Args:
            level: confidence of the interval, between 0 and 1.

        Returns:
            A table with a column for each parameter and the rows `low` and `high`.
        """
        z = ndtri((1 + number("level", level, low=0, high=1)) / 2)
        ends = [self._natural(-z), self._natural(z)]
        return pd.DataFrame(ends, index=["low", "high"], columns=self._names)

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw mean reaction times with standard errors, and the fitted chronometric function.

        Curves are dashed where `status` is not "ok".

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        t = self.levels.table
        ends = t["mean_rt"] - t["sem_rt"], t["mean_rt"] + t["sem_rt"]
        ax = self._draw(ax, t["mean_rt"], ends, self.reaction_time, label, color)
        ax.set_ylabel("mean reaction time (ms)")
        return ax

    def plot_choices(
        self, ax: Axes | None = None, *, label: str | None = None, color: Any = None
    ) -> Axes:
        """Draw proportions with 95 % Wilson intervals, and the fitted psychometric function.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        n = self.levels.table["n_trials"].astype(float)
        n = n.where(n > 0)
        k = self.levels.table["n_positive"]
        ends = wilson(k.to_numpy(), n.to_numpy(), 0.95)
        ax = self._draw(ax, k / n, ends, self.probability, label, color)
        ax.set_ylabel(f"P({self.levels.event})")
        return ax

    def _draw(
        self, ax: Axes | None, y: Any, ends: Any, curve: Any, label: str | None, color: Any
    ) -> Axes:
        ax = axes_or_new(ax, (4.2, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        x = self.levels.table["x"].to_numpy()
        words, times = axis_label(self.levels.axis, self.levels.units, x)
        fine = np.linspace(x.min(), x.max(), 200)
        ax.vlines(times * x, *ends, color=color, linewidth=1)
        ax.plot(times * x, y, "o", color=color, markersize=5, label="_")
        dash = "-" if self.status == "ok" else "--"
        ax.plot(times * fine, curve(fine), dash, color=color, linewidth=1.5, label=label or "_")
        ax.set_xlabel(words)
        bare(ax)
        return ax

    @property
    def _names(self) -> list[str]:
        return list(model.NAMES if self.levels.form == "signed" else model.NAMES[:-1])

    def _natural(self, z: float) -> np.ndarray:
        """The parameters, `z` standard errors off their estimates, in the units of the public."""
        if self.status != "ok":
            return np.full(len(self._names), np.nan)
        theta = self.theta + z * np.sqrt(np.diag(self.covariance))
        return np.array([*np.exp(theta[:2]), 1000 * theta[2], theta[3]])[: len(self._names)]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.parameters.items())
        return f"<ProportionalRateFit: {self._about()}; {values}; {self.status}>"

    def _about(self) -> str:
        one = self.levels
        return (
            f"P({one.event}) and mean reaction time over {one.form} {one.axis}, "
            f"{len(one.table)} levels, {self.n_trials} choices"
        )

    def _repr_html_(self) -> str:
        rows = pd.concat([pd.DataFrame(self.parameters, index=["estimate"]), self.interval()])
        table = rows.T.to_html(float_format="{:.4g}".format)
        return f"<p>{self._about()}; {self.status}</p>{table}"
