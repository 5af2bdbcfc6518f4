"""Does a psychometric curve fit its data?"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from neurotask._checks import count
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis.psychometrics.bootstrap import generator, refit, simulate
from neurotask.analysis.psychometrics.likelihood import Posterior, curve

if TYPE_CHECKING:
    from neurotask.analysis.psychometrics.fit import PsychometricFit


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GoodnessOfFit:
    """The deviance of a curve beside those of experiments that the curve itself would give.

    Args:
        deviance: twice the log likelihood by which a proportion of its own a level fits better.
        p: share of the simulated experiments, each fitted as the data were, whose deviance is as
            large; small where the curve does not fit. NaN where the curve is undetermined.
        simulated: those deviances, (n,).
        residuals: signed square roots of each level's part of the deviance, (level,).
        trend: correlation of the residuals with the fitted probabilities; a wrong shape bends it.
        p_trend: share of the simulated experiments whose correlation is as far from 0.
    """

    deviance: float
    p: float
    simulated: np.ndarray
    residuals: np.ndarray
    trend: float
    p_trend: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the deviances of the simulated experiments, and where that of the data lies.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (3.6, 2.7))
        blue, orange = sns.color_palette("colorblind")[0], sns.color_palette("colorblind")[1]
        ax.hist(self.simulated, bins=40, color=blue, alpha=0.6, label="simulated")
        ax.axvline(self.deviance, color=orange, linewidth=2, label=f"data (p = {self.p:.2g})")
        ax.set_xlabel("deviance")
        ax.set_ylabel("experiments")
        ax.legend(frameon=False, fontsize="small")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        return (
            f"<GoodnessOfFit: deviance={self.deviance:.4g}, p={self.p:.3g} of "
            f"{len(self.simulated)} simulated experiments; trend={self.trend:.2g}, "
            f"p={self.p_trend:.3g}>"
        )


def goodness_of_fit(fit: "PsychometricFit", n: int, seed: int) -> GoodnessOfFit:
    """Return how well a curve fits; `PsychometricFit.goodness_of_fit` says more."""
    count("n", n, low=100)
    posterior = fit.posterior
    found = residuals(posterior, fit.best)
    if fit.status != "ok":
        # A curve that the data do not determine is not one that they could speak against.
        return GoodnessOfFit(
            deviance=float(np.sum(found**2)), p=np.nan, simulated=np.full(n, np.nan),
            residuals=found, trend=np.nan, p_trend=np.nan,
        )  # fmt: skip
    k = simulate(posterior, fit.best, n, generator(posterior, seed, "goodness of fit"))
    several = replace(posterior, k=k)
    simulated = residuals(several, refit(posterior, fit.best, k))
    deviance, deviances = np.sum(found**2), np.sum(simulated**2, axis=-1)
    trend = _correlation(found, _p(posterior, fit.best))
    trends = _correlation(simulated, _p(posterior, fit.best))
    return GoodnessOfFit(
        deviance=float(deviance),
        p=_share(deviances >= deviance),
        simulated=deviances,
        residuals=found,
        trend=float(trend),
        p_trend=_share(np.abs(trends) >= np.abs(trend)),
    )


def residuals(posterior: Posterior, x: np.ndarray) -> np.ndarray:
    """Return the deviance residual of each level, (..., level).

    Source: Wichmann & Hill (2001), Perception & Psychophysics 63, 1293-1313, eq. 10.
    """
    n, k, p = posterior.n, posterior.k, _p(posterior, x)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0 = 0
        hits = np.where(k > 0, k * np.log(k / (n * p)), 0.0)
        misses = np.where(k < n, (n - k) * np.log((n - k) / (n * (1 - p))), 0.0)
    return np.sign(k - n * p) * np.sqrt(2 * np.maximum(hits + misses, 0.0))


def _p(posterior: Posterior, x: np.ndarray) -> np.ndarray:
    p = curve(posterior.full(x), posterior.u, posterior.sigmoid)
    return np.clip(p, 1e-12, 1 - 1e-12)


def _correlation(residual: np.ndarray, p: np.ndarray) -> np.ndarray:
    one, two = residual - residual.mean(-1, keepdims=True), p - p.mean()
    scale = np.sqrt((one**2).sum(-1) * (two**2).sum())
    return (one * two).sum(-1) / np.where(scale > 0, scale, 1.0)


def _share(extreme: np.ndarray) -> float:
    """The share of simulations, the data counted among them, so that it is never 0."""
    return float((extreme.sum() + 1) / (len(extreme) + 1))
