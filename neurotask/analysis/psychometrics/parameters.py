"""From the parameters of the sigmoid to the named figures of a psychometric curve.

Here theta is (location, ln scale, gamma, lapse, eta) in the coordinate u of the stimulus: its value
or, on a logarithmic axis, the natural logarithm of its strength.
"""

from dataclasses import dataclass

import numpy as np

from neurotask.analysis.psychometrics.counts import Form
from neurotask.analysis.psychometrics.sigmoids import Sigmoid

# What tells where a curve rises, how steeply, and between which ends.
PLACE: dict[Form, str] = {"signed": "bias", "yes_no": "threshold", "nafc": "threshold"}
STEEPNESS: dict[Form, tuple[str, ...]] = {
    "signed": ("threshold", "width", "slope"),
    "yes_no": ("width", "slope"),
    "nafc": ("width", "slope"),
}
ASYMPTOTES: dict[Form, tuple[str, str]] = {
    "signed": ("lower", "upper"),
    "yes_no": ("guess_rate", "lapse_rate"),
    "nafc": ("guess_rate", "lapse_rate"),
}


@dataclass(frozen=True)
class Frame:
    """Where the coordinate of a posterior lies: (u - middle) / unit, so that levels fill -1 to 1.

    Args:
        middle: u at 0.
        unit: u from 0 to 1.
        log: whether u is the natural logarithm of the strength of the stimulus.
    """

    middle: float
    unit: float
    log: bool

    def to_stimulus(self, theta: np.ndarray) -> np.ndarray:
        """Return theta (..., 5) in the coordinate u."""
        location = self.middle + self.unit * theta[..., 0]
        scale = theta[..., 1] + np.log(self.unit)
        return np.concatenate([np.stack([location, scale], -1), theta[..., 2:]], -1)

    def coordinate(self, x: np.ndarray) -> np.ndarray:
        """Return u of the stimuli x."""
        return coordinate(x, self.log)

    def stimulus(self, u: np.ndarray) -> np.ndarray:
        """Return x at the coordinates u."""
        return np.exp(u) if self.log else np.asarray(u, float)


def coordinate(x: np.ndarray, log: bool) -> np.ndarray:
    """Return u of the stimuli x."""
    x = np.asarray(x, float)
    if not log:
        return x
    with np.errstate(divide="ignore"):  # a strength of zero lies at minus infinity
        return np.log(np.abs(x))


def names(form: Form, overdispersed: bool) -> tuple[str, ...]:
    """Return the names of the figures of a curve, in order."""
    found = (PLACE[form], *STEEPNESS[form], *ASYMPTOTES[form])
    return (*found, "overdispersion") if overdispersed else found


def figures(
    theta: np.ndarray, form: Form, sigmoid: Sigmoid, frame: Frame, overdispersed: bool = False
) -> dict[str, np.ndarray]:
    """Return the named figures, each (...), for theta (..., 5)."""
    location, scale = theta[..., 0], np.exp(theta[..., 1])
    gamma, lapse = theta[..., 2], theta[..., 3]
    values: dict[str, np.ndarray] = {PLACE[form]: frame.stimulus(location)}
    if form == "signed":
        values["threshold"] = scale * half(sigmoid)
    values["width"] = scale * wide(sigmoid, frame.log)
    # P = gamma + (1 - gamma - lapse) F((u - location) / scale), so at z = 0
    # dP/du = (1 - gamma - lapse) f(0) / scale, and dP/dx = dP/du / x where u = ln x.
    rise = (1 - gamma - lapse) * sigmoid.density(np.zeros(())) / scale
    values["slope"] = rise / frame.stimulus(location) if frame.log else rise
    low, high = ASYMPTOTES[form]
    values |= {low: gamma, high: 1 - lapse if form == "signed" else lapse}
    return values | {"overdispersion": theta[..., 4]} if overdispersed else values


def half(sigmoid: Sigmoid) -> float:
    """Return z between F = 1/2 and F = 3/4."""
    return float(np.diff(sigmoid.inverse(np.array([0.5, 0.75])))[0])


def wide(sigmoid: Sigmoid, log: bool) -> float:
    """Return z between F = 5 % and 95 %, over ln 10 where the width is in decades."""
    z = float(np.diff(sigmoid.inverse(np.array([0.05, 0.95])))[0])
    return z / np.log(10) if log else z
