"""The result of fitting a psychometric curve."""

import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose, number
from neurotask.analysis.psychometrics import plot as plotting
from neurotask.analysis.psychometrics.counts import Counts, Form
from neurotask.analysis.psychometrics.draws import draws, interval
from neurotask.analysis.psychometrics.likelihood import Posterior, curve
from neurotask.analysis.psychometrics.parameters import NAMES, coordinate, figures, stimulus
from neurotask.analysis.psychometrics.prior import Frame
from neurotask.analysis.psychometrics.verdict import Verdict, reach

_DRAWS = 4000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PsychometricFit:
    """A psychometric curve, what the data say of it, and what they leave open.

    `psychometric` makes it and defines the figures: `bias`, `threshold`, `slope`, `lower`, `upper`
    in the signed form; `threshold`, `slope`, `guess_rate`, `lapse_rate` in the n-AFC form. A figure
    that the data do not determine is NaN, and `status`, otherwise "ok", says why.

    Args:
        counts: the data that were fitted.
        posterior: the density of the parameters of the sigmoid given the data.
        frame: the coordinate of that density.
        best: the most probable parameters in that coordinate, (4,).
        verdict: what is undetermined, and why.
    """

    counts: Counts
    posterior: Posterior
    frame: Frame
    best: np.ndarray
    verdict: Verdict
    _drawn: dict[int, np.ndarray] = field(default_factory=dict, init=False)

    @property
    def form(self) -> Form:
        """Return "signed" or "nafc"."""
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
        """Return the distance from bias to F = 3/4 (signed) or the strength at z = 0 (n-AFC)."""
        return self._figure("threshold")

    @property
    def slope(self) -> float:
        """Return dP/dx at the bias (signed) or at the threshold (n-AFC), per unit of x."""
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
        """Return the lower asymptote (n-AFC form)."""
        return self._figure("guess_rate")

    @property
    def lapse_rate(self) -> float:
        """Return 1 - upper asymptote (n-AFC form)."""
        return self._figure("lapse_rate")

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a level: `x`, `n_trials`, `n_positive`, `proportion`, `trained`."""
        levels = self.counts.levels.copy()
        levels.insert(3, "proportion", levels["n_positive"] / levels["n_trials"])
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
        n, k = self.posterior.n, self.posterior.k
        p = np.clip(k / n, 1e-12, 1 - 1e-12)
        saturated = k @ np.log(p) + (n - k) @ np.log1p(-p)
        return float(2 * (saturated - self.posterior.log_likelihood(self.best)))

    def curve(self, x: Any) -> np.ndarray:
        """Return P at the stimuli `x`, an array of any shape (n-AFC: their strengths)."""
        return self._curve(self._theta, x)

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
        choose("of", of, ("curve", "sigmoid"))
        location, log_scale, gamma, lapse = self._theta
        f = proportion if of == "sigmoid" else (proportion - gamma) / (1 - gamma - lapse)
        if not 0 < f < 1 or np.isnan([self.threshold, self.slope]).any():
            return np.nan
        z = self.posterior.sigmoid.inverse(np.array(f))
        x = float(stimulus(location + np.exp(log_scale) * z, self.form))
        low, high = reach(self.counts)
        return x if low <= x <= high else np.nan

    def interval(self, level: float = 0.95, *, seed: int = 0) -> pd.DataFrame:
        """Return the posterior interval of each figure.

        The posterior has the prior of the fit over the asymptotes and a flat one over the location
        and the logarithm of the scale of the sigmoid. It is summed on a grid at the first call. The
        tails left out are equal, unless the estimate lies in one, as that of an asymptote at 0 or 1
        does: then they are shifted to contain it.

        Args:
            level: posterior probability of the interval, between 0 and 1.
            seed: of the draws.

        Returns:
            A table with a column for each figure and the rows `low` and `high`, so that
            `low, high = fit.interval()["threshold"]`. NaN where the figure is undetermined.
        """
        number("level", level, low=0, high=1)
        drawn = self.draws(seed=seed)
        ends = interval(drawn.to_numpy(), np.array([*self.parameters.values()]), level)
        return pd.DataFrame(np.stack(ends), index=["low", "high"], columns=drawn.columns)

    def band(self, x: Any, level: float = 0.95, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper end of the posterior interval of P at each of `x`."""
        number("level", level, low=0, high=1)
        flat = np.ravel(x)
        values = self._curve(self._draws(seed), flat)
        low, high = interval(values, self.curve(flat), level)
        return low.reshape(np.shape(x)), high.reshape(np.shape(x))

    def draws(self, *, seed: int = 0) -> pd.DataFrame:
        """Return 4000 draws of the figures from their posterior, one a row.

        Draws of two fits are independent of each other also under one seed, so the rows of two
        tables may be subtracted to compare two conditions.
        """
        return pd.DataFrame(self._figures(self._draws(seed)))

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
            xscale: "log" unless given in the n-AFC form, with a strength of zero set apart at the
                left; "linear" otherwise.
            level: of the intervals and the band.

        Returns:
            The axes.
        """
        return plotting.draw([(label, color, self)], ax, xlabel, xscale, level)

    @property
    def _theta(self) -> np.ndarray:
        return self.frame.to_stimulus(self.best)

    def _figures(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        values = figures(theta, self.form, self.posterior.sigmoid)
        gone = self.verdict.undetermined
        return {k: np.full_like(v, np.nan) if k in gone else v for k, v in values.items()}

    def _figure(self, name: str) -> float:
        if name not in NAMES[self.form]:
            raise AttributeError(
                f"`{name}` is no figure of the form {self.form!r}, which has "
                f"{', '.join(NAMES[self.form])}."
            )
        return self.parameters[name]

    def _curve(self, theta: np.ndarray, x: Any) -> np.ndarray:
        values = curve(theta, coordinate(np.ravel(x), self.form), self.posterior.sigmoid)
        return values.reshape((*theta.shape[:-1], *np.shape(x)))

    def _draws(self, seed: int) -> np.ndarray:
        if seed not in self._drawn:
            data = np.stack([self.posterior.u, self.posterior.n, self.posterior.k])
            stream = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(data.tobytes()),))
            rng = np.random.default_rng(stream)
            drawn = draws(self.posterior, self.best, _DRAWS, rng)
            self._drawn[seed] = self.frame.to_stimulus(drawn)
        return self._drawn[seed]

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
