"""The result of fitting a psychometric curve."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose, number
from neurotask.analysis.psychometrics import plot as plotting
from neurotask.analysis.psychometrics.counts import Counts, Form
from neurotask.analysis.psychometrics.crossings import crossing
from neurotask.analysis.psychometrics.difference import CurveDifference, difference
from neurotask.analysis.psychometrics.draws import interval
from neurotask.analysis.psychometrics.estimation import maximum, steepest
from neurotask.analysis.psychometrics.goodness import GoodnessOfFit, goodness_of_fit, residuals
from neurotask.analysis.psychometrics.likelihood import Posterior, curve
from neurotask.analysis.psychometrics.parameters import ASYMPTOTES, Frame, figures, names
from neurotask.analysis.psychometrics.prior import pose
from neurotask.analysis.psychometrics.sampling import N_DRAWS, Method, bias_corrected, sample
from neurotask.analysis.psychometrics.settings import Settings
from neurotask.analysis.psychometrics.verdict import Verdict, judge, reach


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PsychometricFit:
    """A psychometric curve, what the data say of it, and what they leave open.

    `psychometric` makes it and defines the figures: `bias`, `threshold`, `width`, `slope`, `lower`,
    `upper` in the signed form; `threshold`, `width`, `slope`, `guess_rate`, `lapse_rate` in the
    others; `overdispersion` where it was asked for. A figure that the data do not determine is NaN,
    and `status`, otherwise "ok", says why.

    Args:
        counts: the data that were fitted.
        settings: what was asked of the curve.
        posterior: the density of the parameters of the sigmoid given the data.
        frame: the coordinate of that density.
        best: the most probable free parameters in that coordinate, (free,).
        verdict: what is undetermined, and why.
    """

    counts: Counts
    settings: Settings
    posterior: Posterior
    frame: Frame
    best: np.ndarray
    verdict: Verdict
    _drawn: dict[tuple[Method, int], np.ndarray] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, counts: Counts, settings: Settings) -> Self:
        """Fit a curve to counts."""
        posterior, frame = pose(counts, settings)
        step, best = steepest(posterior), maximum(posterior)
        if posterior.log_density(step) >= posterior.log_density(best) - 1e-9:
            best = step
        return cls(
            counts=counts,
            settings=settings,
            posterior=posterior,
            frame=frame,
            best=best,
            verdict=judge(counts, posterior, frame, best, step),
        )

    def refitted(self, counts: Counts) -> Self:
        """Return the same kind of curve fitted to other counts."""
        return self.of(counts, self.settings)

    @property
    def form(self) -> Form:
        """Return "signed", "yes_no" or "nafc"."""
        return self.counts.form

    @property
    def sigmoid(self) -> str:
        """Return the name of the sigmoid."""
        return self.posterior.sigmoid.name

    @property
    def status(self) -> str:
        """Return "ok", or "undetermined: " and why."""
        return self.verdict.status

    @property
    def parameters(self) -> dict[str, float]:
        """Return all figures of the curve by name."""
        return {name: float(value) for name, value in self._figures(self._theta).items()}

    @property
    def bias(self) -> float:
        """Return the stimulus at which F = 1/2 (signed form)."""
        return self._figure("bias")

    @property
    def threshold(self) -> float:
        """Return the distance from bias to F = 3/4 (signed), or the stimulus at the location."""
        return self._figure("threshold")

    @property
    def width(self) -> float:
        """Return the distance from F = 5 % to F = 95 %, in decades on a logarithmic axis."""
        return self._figure("width")

    @property
    def slope(self) -> float:
        """Return dP/dx at the bias (signed) or at the threshold, per unit of x."""
        return self._figure("slope")

    @property
    def lower(self) -> float:
        """Return the lower asymptote (signed form)."""
        return self._figure("lower")

    @property
    def upper(self) -> float:
        """Return the upper asymptote (signed form)."""
        return self._figure("upper")

    @property
    def guess_rate(self) -> float:
        """Return the lower asymptote (yes/no and n-AFC forms)."""
        return self._figure("guess_rate")

    @property
    def lapse_rate(self) -> float:
        """Return 1 - upper asymptote (yes/no and n-AFC forms)."""
        return self._figure("lapse_rate")

    @property
    def overdispersion(self) -> float:
        """Return eta: 0 where counts vary as the binomial distribution says."""
        return self._figure("overdispersion")

    @property
    def standard_parameters(self) -> dict[str, float]:
        """Return location and scale of the sigmoid under the names that the field gives them.

        Cumulative Gaussian: `mu`, `sigma`. Logistic: `alpha`, `beta`, F = 1/(1 + exp(-(u - alpha) /
        beta)). Weibull: `alpha`, `beta`, F = 1 - exp(-(x / alpha)^beta). Others: `location`,
        `scale`. They are those of u, which on a logarithmic axis is ln x, but for the Weibull
        function. NaN where threshold or slope are undetermined.
        """
        location, scale = float(self._theta[0]), float(np.exp(self._theta[1]))
        if self._gone:
            location = scale = np.nan
        if self.sigmoid == "weibull":
            return {"alpha": float(np.exp(location)), "beta": 1 / scale}
        both = {"cumulative_gaussian": ("mu", "sigma"), "logistic": ("alpha", "beta")}
        first, second = both.get(self.sigmoid, ("location", "scale"))
        return {first: location, second: scale}

    @property
    def posterior_mean(self) -> dict[str, float]:
        """Return the mean of each figure over its posterior, where `parameters` has the mode's."""
        return {name: float(column.mean()) for name, column in self.draws().items()}

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a level: counts, `proportion`, `fitted`, `residual`, `trained`.

        The columns are `x`, `n_trials`, `n_positive`, their `proportion`, the curve's probability
        `fitted`, the deviance residual, and whether the task has the level.
        """
        levels = self.counts.levels.copy()
        levels.insert(3, "proportion", levels["n_positive"] / levels["n_trials"])
        levels.insert(4, "fitted", self.curve(levels["x"]))
        levels.insert(5, "residual", residuals(self.posterior, self.best))
        return levels.astype({"n_trials": int, "n_positive": int})

    @property
    def n_trials(self) -> int:
        """Return the number of trials that were fitted."""
        return int(self.counts.levels["n_trials"].sum())

    @property
    def n_no_response(self) -> int:
        """Return the number of trials left out for want of a valid choice."""
        return self.counts.n_no_response

    @property
    def deviance(self) -> float:
        """Return twice the log likelihood by which a proportion of its own a level fits better."""
        return float(np.sum(residuals(self.posterior, self.best) ** 2))

    def curve(self, x: Any) -> np.ndarray:
        """Return P at the stimuli `x`, an array of any shape (n-AFC: their strengths)."""
        return self._curve(self._theta, _stimuli(x)).reshape(np.shape(x))

    def threshold_at(
        self, proportion: float, *, of: Literal["curve", "sigmoid"] = "curve"
    ) -> float:
        """Return the stimulus at which the curve reaches a proportion.

        Args:
            proportion: what is to be reached, for example 0.75.
            of: "curve" for P itself, which is lower + (upper - lower) F, or "sigmoid" for F.

        Returns:
            The stimulus; NaN where the curve does not reach the proportion, where it does so
            outside the levels, or where threshold or slope are undetermined.
        """
        return self._own(proportion, of)["threshold"]

    def slope_at(self, proportion: float, *, of: Literal["curve", "sigmoid"] = "curve") -> float:
        """Return dP/dx, per unit of x, where the curve reaches a proportion.

        Args:
            proportion: what is reached, as in `threshold_at`.
            of: "curve" or "sigmoid", as there.

        Returns:
            The slope of P; NaN where `threshold_at` is.
        """
        return self._own(proportion, of)["slope"]

    def interval_at(
        self,
        proportion: float,
        level: float = 0.95,
        *,
        of: Literal["curve", "sigmoid"] = "curve",
        method: Method = "posterior",
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return the intervals of the threshold at a proportion, and of the slope there.

        Args:
            proportion: what is reached, as in `threshold_at`.
            level: probability of the interval, between 0 and 1.
            of: "curve" or "sigmoid", as in `threshold_at`.
            method: "posterior" or "bootstrap", as in `interval`.
            seed: of the draws.

        Returns:
            A table with the columns `threshold` and `slope` and the rows `low` and `high`; an end
            outside the levels is NaN.
        """
        number("level", level, low=0, high=1)
        estimate, columns = self._own(proportion, of), ["threshold", "slope"]
        found = np.full((2, 2), np.nan)
        if not np.isnan(estimate["threshold"]):
            drawn = self._at(self._draws(method, seed), proportion, of)
            both = np.stack([drawn[name] for name in columns], -1)
            found = np.stack(interval(both, np.array([*estimate.values()]), level))
            low, high = reach(self.counts, self.frame)
            inside = (found[:, 0] >= low) & (found[:, 0] <= high)
            found[:, 0] = np.where(inside, found[:, 0], np.nan)
        return pd.DataFrame(found, index=["low", "high"], columns=columns)

    def interval(
        self, level: float = 0.95, *, method: Method = "posterior", seed: int = 0
    ) -> pd.DataFrame:
        """Return the interval of each figure.

        "posterior": the posterior has the priors of the fit over the asymptotes and a flat one over
        the location and the logarithm of the scale of the sigmoid, unless `priors` were given. It
        is summed on a grid at the first call. The tails left out are equal, unless the estimate
        lies in one, as that of an asymptote at 0 or 1 does: then they are shifted to contain it.

        "bootstrap": 2000 experiments are drawn from the fitted curve and each is fitted as the data
        were; the interval is between percentiles of the figures. Those of asymptotes and
        overdispersion, which bounds and priors bias, are corrected for bias, and yet too narrow
        where the estimate is 0: experiments drawn from it do not exceed it.

        Args:
            level: probability of the interval, between 0 and 1.
            method: "posterior" or "bootstrap".
            seed: of the draws.

        Returns:
            A table with a column for each figure and the rows `low` and `high`, so that
            `low, high = fit.interval()["threshold"]`. NaN where the figure is undetermined.
        """
        number("level", level, low=0, high=1)
        drawn = self.draws(method=method, seed=seed)
        estimate = np.array([*self.parameters.values()])
        found = np.stack(interval(drawn.to_numpy(), estimate, level))
        if method == "bootstrap":
            biased = drawn.columns.isin([*ASYMPTOTES[self.form], "overdispersion"])
            corrected = bias_corrected(drawn.to_numpy(), estimate, level)
            found = np.where(biased, np.stack(corrected), found)
        return pd.DataFrame(found, index=["low", "high"], columns=drawn.columns)

    def band(
        self, x: Any, level: float = 0.95, *, method: Method = "posterior", seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper end of the interval of P at each of `x`."""
        number("level", level, low=0, high=1)
        flat = _stimuli(x)
        values = self._curve(self._draws(method, seed), flat)
        low, high = interval(values, self.curve(flat), level)
        return low.reshape(np.shape(x)), high.reshape(np.shape(x))

    def draws(self, *, method: Method = "posterior", seed: int = 0) -> pd.DataFrame:
        """Return draws of the figures, one a row: 4000 of the posterior, or 2000 by bootstrap.

        Draws of two fits are independent of each other also under one seed, unless their data are
        the same, so the rows of two tables may be subtracted to compare two conditions.
        """
        return pd.DataFrame(self._figures(self._draws(method, seed)))

    def goodness_of_fit(self, n: int = 1000, *, seed: int = 0) -> GoodnessOfFit:
        """Ask whether the curve fits: is its deviance one that the curve itself would give?

        Args:
            n: how many experiments are simulated from the curve and fitted as the data were.
            seed: of the simulations.

        Returns:
            A `GoodnessOfFit` with the deviance, its Monte Carlo p and the residuals.

        Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1293-1313; here each
            simulated experiment is fitted too, so that p is not too large.
        """
        return goodness_of_fit(self, n, seed)

    def compare(
        self, other: "PsychometricFit", level: float = 0.95, *, n: int = 1000, seed: int = 0
    ) -> CurveDifference:
        """Compare with the curve of another condition of the same observer.

        Over observers, animals or networks, test the figures of each instead: the observer is the
        unit there, not the trial.

        Args:
            other: a fit of the same form and sigmoid over the same axis.
            level: of the intervals of the differences, other minus this.
            n: how many pairs of experiments are simulated from a common curve.
            seed: of draws and simulations.

        Returns:
            A `CurveDifference`: the difference of each figure, and the test of two curves against
            a common one.

        Raises:
            ValueError: if the fits are not of one kind.
        """
        return difference(self, other, level, n, seed)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        label: str | None = None,
        color: Any = None,
        xlabel: str | None = None,
        xscale: Literal["linear", "log"] | None = None,
        level: float = 0.95,
    ) -> Axes:
        """Draw the data with Wilson intervals, the curve, and its posterior band.

        Markers are hollow at levels outside the task's own. The curve is dashed where `status` is
        not "ok".

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.
            xlabel: of the axis; its name and unit unless given.
            xscale: "log" unless given where the curve is one of the logarithm, with a strength of
                zero set apart at the left; "linear" otherwise.
            level: of the intervals and the band.

        Returns:
            The axes.
        """
        return plotting.draw([(label, color, self)], ax, xlabel, xscale, level)

    @property
    def _theta(self) -> np.ndarray:
        return self._in_stimulus(self.best)

    @property
    def _gone(self) -> bool:
        """Whether place or steepness of the curve is undetermined."""
        return any(name in self.verdict.undetermined for name in ("threshold", "slope"))

    def _in_stimulus(self, x: np.ndarray) -> np.ndarray:
        """Theta (..., 5) in the coordinate of the stimulus for free parameters x (..., free)."""
        return self.frame.to_stimulus(self.posterior.full(x))

    def _figures(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        sigmoid, eta = self.posterior.sigmoid, self.posterior.overdispersed
        values = figures(theta, self.form, sigmoid, self.frame, eta)
        gone = self.verdict.undetermined
        return {k: np.full_like(v, np.nan) if k in gone else v for k, v in values.items()}

    def _figure(self, name: str) -> float:
        known = names(self.form, self.posterior.overdispersed)
        if name not in known:
            raise AttributeError(
                f"`{name}` is no figure of the form {self.form!r}, which has {', '.join(known)}."
            )
        return self.parameters[name]

    def _curve(self, theta: np.ndarray, x: Any) -> np.ndarray:
        values = curve(theta, self.frame.coordinate(np.ravel(x)), self.posterior.sigmoid)
        return values.reshape((*theta.shape[:-1], *np.shape(x)))

    def _at(self, theta: np.ndarray, proportion: float, of: str) -> dict[str, np.ndarray]:
        """Threshold and slope of curves theta (curve, 5) at a proportion."""
        choose("of", of, ("curve", "sigmoid"))
        number("proportion", proportion, low=0, high=1)
        return crossing(theta, proportion, of, self.posterior.sigmoid, self.frame)

    def _own(self, proportion: float, of: str) -> dict[str, float]:
        """Those of this curve; NaN where the levels do not bracket them."""
        found = self._at(self._theta[None], proportion, of)
        low, high = reach(self.counts, self.frame)
        known = low <= found["threshold"][0] <= high and not self._gone
        return {name: float(value[0]) if known else np.nan for name, value in found.items()}

    def _draws(self, method: Method, seed: int) -> np.ndarray:
        """Theta (draw, 5) in the coordinate of the stimulus."""
        choose("method", method, N_DRAWS)
        if (method, seed) not in self._drawn:
            drawn = sample(self.posterior, self.best, method, seed)
            self._drawn[method, seed] = self._in_stimulus(drawn)
        return self._drawn[method, seed]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.parameters.items())
        return f"<PsychometricFit: {self._about()}; {values}; {self.status}>"

    def _about(self) -> str:
        c = self.counts
        return (
            f"P({c.event}) over {c.axis}, {self.sigmoid}, {len(c.levels)} levels, "
            f"{self.n_trials} trials"
        )

    def _repr_html_(self) -> str:
        rows = pd.concat([pd.DataFrame(self.parameters, index=["estimate"]), self.interval()])
        return (
            f"<p>{self._about()}; {self.status}</p>{rows.T.to_html(float_format='{:.4g}'.format)}"
        )


def _stimuli(x: Any) -> np.ndarray:
    """Return stimuli as a flat array of numbers."""
    try:
        return np.ravel(np.asarray(x, float))
    except (TypeError, ValueError):
        raise TypeError(f"`x` must be numbers, got {x!r}. Give stimuli of the axis.") from None
