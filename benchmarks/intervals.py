"""How often intervals of psychometric figures hold the truth, over simulated observers."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.table import lined_up
from neurotask.analysis import SIGMOIDS, psychometric
from neurotask.analysis.psychometrics import beta_binomial

LEVEL = 0.9
METHODS = ("posterior", "bootstrap")
HEADINGS = ("observer", "figure", "truth", *METHODS, "mean of estimates", "undetermined")
STRENGTH = np.geomspace(0.05, 1.0, 8)
SIGNED = np.array([-1, -0.5, -0.25, -0.12, -0.06, 0, 0.06, 0.12, 0.25, 0.5, 1])


@dataclass(frozen=True, kw_only=True)
class Observer:
    """A simulated observer and how it is fitted.

    Args:
        x: levels of the stimulus.
        n: trials a level.
        sigmoid: its shape.
        form: of the curve.
        location: in the coordinate of the sigmoid, the logarithm of the strength with `log`.
        scale: in that coordinate.
        low: the lower asymptote.
        lapse: 1 - the upper asymptote.
        log: whether F is one of the logarithm.
        eta: overdispersion.
        settings: further ones of the fit.
    """

    x: np.ndarray
    n: int = 100
    sigmoid: str = "cumulative_gaussian"
    form: str = "signed"
    location: float = 0.05
    scale: float = 0.25
    low: float = 0.03
    lapse: float = 0.03
    log: bool = False
    eta: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)

    def truth(self) -> dict[str, float]:
        """Return the figures that the observer has."""
        sigmoid = SIGMOIDS[self.sigmoid]
        spread = np.diff(sigmoid.inverse(np.array([0.05, 0.95])))[0] * self.scale
        height = (1 - self.low - self.lapse) * float(sigmoid.density(np.zeros(()))) / self.scale
        at = float(np.exp(self.location)) if self.log else self.location
        ends = {"lower": self.low, "upper": 1 - self.lapse}
        if self.form == "signed":
            half = np.diff(sigmoid.inverse(np.array([0.5, 0.75])))[0] * self.scale
            return {"bias": at, "threshold": half, "width": spread, "slope": height, **ends}
        found = {
            "threshold": at,
            "width": spread / np.log(10) if self.log else spread,
            "slope": height / at if self.log else height,
            "guess_rate": self.low,
            "lapse_rate": self.lapse,
        }
        if self.form == "nafc":
            found.pop("guess_rate")
        return found | ({"overdispersion": self.eta} if self.eta else {})

    def data(self, seed: int) -> pd.DataFrame:
        """Return counts of one experiment."""
        u = np.log(self.x) if self.log else self.x
        f = SIGMOIDS[self.sigmoid].value((u - self.location) / self.scale)
        p, n = self.low + (1 - self.low - self.lapse) * f, np.full(len(self.x), float(self.n))
        k = beta_binomial.draw(p, self.eta, n, 1, np.random.default_rng((seed, 1)))[0]
        event = "n_correct" if self.form == "nafc" else "n_positive"
        return pd.DataFrame({"x": self.x, "n_trials": n, event: k})

    def fit(self, seed: int) -> Any:
        """Return the curve fitted to one experiment."""
        settings: dict[str, Any] = {"form": self.form, "sigmoid": self.sigmoid, **self.settings}
        if self.form == "nafc":
            settings["guess_rate"] = self.low
        if self.form != "signed":
            settings["log"] = self.log
        return psychometric(self.data(seed), axis="x", **settings)


def _signed(sigmoid: str, scale: float) -> Observer:
    return Observer(x=SIGNED, sigmoid=sigmoid, scale=scale)


OBSERVERS: dict[str, Observer] = {
    "signed, cumulative Gaussian": _signed("cumulative_gaussian", 0.25),
    "signed, 30 trials a level": Observer(x=SIGNED, n=30),
    "signed, logistic": _signed("logistic", 0.15),
    "signed, Gumbel": _signed("gumbel", 0.2),
    "signed, reversed Gumbel": _signed("reversed_gumbel", 0.2),
    "signed, hyperbolic secant": _signed("hyperbolic_secant", 0.15),
    "signed, Student t": _signed("student_t", 0.1),
    "signed, equal asymptotes": Observer(x=SIGNED, settings={"equal_asymptotes": True}),
    "2AFC, Weibull": Observer(
        x=STRENGTH, form="nafc", sigmoid="weibull", location=np.log(0.2), scale=1 / 1.6, low=0.5,
        log=True,
    ),
    "4AFC, logistic of ln x": Observer(
        x=STRENGTH, form="nafc", sigmoid="logistic", location=np.log(0.2), scale=0.35, low=0.25,
        log=True,
    ),
    "yes/no": Observer(x=np.linspace(0, 1, 11), form="yes_no", location=0.4, scale=0.15, low=0.1),
    "yes/no, overdispersed": Observer(
        x=np.linspace(0, 1, 21), form="yes_no", location=0.4, scale=0.15, low=0.1, eta=0.15,
        settings={"overdispersion": True},
    ),
}  # fmt: skip


def table(simulations: int) -> str:
    """Return the shares of intervals that hold the truth, in Markdown."""
    cells: list[Sequence[str]] = [HEADINGS]
    for name in OBSERVERS:
        cells += _rows(name, simulations)
    text = (
        f"Intervals of {LEVEL:.0%}, {simulations} experiments an observer; a share of them varies "
        f"by {np.sqrt(LEVEL * (1 - LEVEL) / simulations):.1%} (one standard error). *undetermined* "
        "experiments do not tell the figure and are not counted in the shares."
    )
    return f"{text}\n\n{lined_up(cells)}"


def _rows(name: str, simulations: int) -> Iterator[list[str]]:
    with ProcessPoolExecutor() as pool:
        found = list(
            pool.map(_simulate, [(name, seed) for seed in range(simulations)], chunksize=10)
        )
    for figure, truth in OBSERVERS[name].truth().items():
        estimates = np.array([one["estimate"][figure] for one in found])
        known = ~np.isnan(estimates)
        ends = {m: np.array([one[m][figure] for one in found])[known].T for m in METHODS}
        shares = [np.mean((low <= truth) & (truth <= high)) for low, high in ends.values()]
        yield [
            name,
            figure,
            f"{truth:.3g}",
            *(f"{share:.1%}" for share in shares),
            f"{estimates[known].mean():.3g}",
            f"{(~known).sum()}",
        ]


def _simulate(which: tuple[str, int]) -> dict[str, Any]:
    fit = OBSERVERS[which[0]].fit(which[1])
    found: dict[str, Any] = {"estimate": fit.parameters}
    for method in METHODS:
        ends = fit.interval(LEVEL, method=method)
        found[method] = {name: tuple(ends[name]) for name in ends}
    return found
