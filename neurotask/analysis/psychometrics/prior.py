"""What is supposed of a curve before its data are seen: bounds, priors, fixed values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.analysis.psychometrics.counts import Counts, Form
from neurotask.analysis.psychometrics.likelihood import Posterior
from neurotask.analysis.psychometrics.parameters import coordinate
from neurotask.analysis.psychometrics.sigmoids import SIGMOIDS

# In units of half the range of the levels, from its middle: as far again as the levels reach.
_LOCATION = (-2.0, 2.0)
# The shallowest scale in the same unit, and the steepest in units of the narrowest gap.
_SHALLOWEST, _STEEPEST = 10.0, 1 / 20
# The most that an asymptote may lie off 0 or 1; a free guess rate of the n-AFC form may reach
# further, and the lapse rate then keeps to half of what is left at a guess rate of 1/2.
_MOST, _MOST_GUESS, _MOST_LAPSE = 0.5, 0.7, 0.25

_SHAPES = {
    "signed": ("cumulative_gaussian", "logistic"),
    "nafc": ("weibull", "cumulative_gaussian", "logistic"),
}


@dataclass(frozen=True)
class Frame:
    """The coordinate of a posterior: (u - middle) / unit, so that the levels fill -1 to 1."""

    middle: float
    unit: float

    def to_stimulus(self, theta: np.ndarray) -> np.ndarray:
        """Return theta (..., 4) in the coordinates of the stimulus."""
        location = self.middle + self.unit * theta[..., 0]
        return np.stack([location, theta[..., 1] + np.log(self.unit), *theta.T[2:]], axis=-1)


def pose(
    counts: Counts, sigmoid: str | None, guess_rate: Any, lapse_rate: Any, lapse_prior: Any
) -> tuple[Posterior, Frame]:
    """Return the posterior of the curve, in a coordinate of order one, and that coordinate."""
    shapes = _SHAPES[counts.form]
    shape = choose("sigmoid", shapes[0] if sigmoid is None else sigmoid, shapes)
    u = coordinate(counts.levels["x"].to_numpy(), counts.form)
    ends = np.array([u[np.isfinite(u)].min(), u.max()])
    frame = Frame(float(ends.mean()), float(np.ptp(ends) / 2))
    v = (u - frame.middle) / frame.unit
    guess = _guess(counts, guess_rate)
    posterior = Posterior(
        u=v,
        n=counts.levels["n_trials"].to_numpy(),
        k=counts.levels["n_positive"].to_numpy(),
        sigmoid=SIGMOIDS[shape],
        bounds=np.array([_LOCATION, _scales(v), guess, _lapse(counts.form, guess, lapse_rate)]),
        beta=_beta(counts.form, lapse_prior),
    )
    return posterior, frame


def _scales(v: np.ndarray) -> tuple[float, float]:
    gap = np.diff(np.sort(v[np.isfinite(v)])).min()
    return float(np.log(gap * _STEEPEST)), float(np.log(_SHALLOWEST))


def _guess(counts: Counts, guess_rate: Any) -> tuple[float, float]:
    if guess_rate == "free" or (guess_rate is None and counts.form == "signed"):
        return (0.0, _MOST if counts.form == "signed" else _MOST_GUESS)
    if guess_rate is not None:
        value = number(
            "guess_rate", guess_rate, low=0, high=0.9 if counts.form == "nafc" else _MOST
        )
        return (value, value)
    if counts.n_choices is None:
        raise ValueError(
            '`guess_rate` must be a number where the data have no attribute "choices", got None. '
            'Give 1 / (number of alternatives), as in guess_rate=0.5, or guess_rate="free".'
        )
    return (1 / counts.n_choices, 1 / counts.n_choices)


def _lapse(form: Form, guess: tuple[float, float], lapse_rate: Any) -> tuple[float, float]:
    if lapse_rate is not None:
        value = number("lapse_rate", lapse_rate, low=0, high=_MOST)
        return (value, value)
    if form == "signed":
        return (0.0, _MOST)
    return (0.0, _MOST_LAPSE if guess[0] < guess[1] else (1 - guess[1]) / 2)


def _beta(form: Form, lapse_prior: Any) -> np.ndarray:
    """The a and b for gamma and for the lapse rate; (1, 1) is flat."""
    if lapse_prior is None:
        return np.ones((2, 2))
    if not isinstance(lapse_prior, tuple) or len(lapse_prior) != 2:
        raise TypeError(
            f"`lapse_prior` must be two numbers (a, b), got {lapse_prior!r}. "
            "Give (1.0, 10.0), or None for a flat prior."
        )
    pair = [number("lapse_prior", value, low=1) for value in lapse_prior]
    return np.array([pair if form == "signed" else [1.0, 1.0], pair])
