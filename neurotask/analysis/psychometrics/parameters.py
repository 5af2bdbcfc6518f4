"""From the parameters of the sigmoid to the named figures of a psychometric curve.

Here theta is (location, ln scale, gamma, lapse) in the coordinates of the stimulus: its value in
the signed form, the natural logarithm of its strength in the n-AFC form.
"""

import numpy as np

from neurotask.analysis.psychometrics.counts import Form
from neurotask.analysis.psychometrics.sigmoids import Sigmoid

NAMES: dict[str, tuple[str, ...]] = {
    "signed": ("bias", "threshold", "slope", "lower", "upper"),
    "nafc": ("threshold", "slope", "guess_rate", "lapse_rate"),
}


def figures(theta: np.ndarray, form: Form, sigmoid: Sigmoid) -> dict[str, np.ndarray]:
    """Return the named figures, each (...), for theta (..., 4)."""
    location, scale = theta[..., 0], np.exp(theta[..., 1])
    gamma, lapse = theta[..., 2], theta[..., 3]
    # P = gamma + (1 - gamma - lapse) F((u - location) / scale), so at z = 0
    # dP/du = (1 - gamma - lapse) f(0) / scale.
    rise = (1 - gamma - lapse) * sigmoid.density(np.zeros(())) / scale
    if form == "signed":
        half = sigmoid.inverse(np.array(0.75)) - sigmoid.inverse(np.array(0.5))
        values = location, scale * half, rise, gamma, 1 - lapse
    else:
        strength = np.exp(location)
        values = strength, rise / strength, gamma, lapse  # dP/dx = dP/du / x, as u = ln x
    return dict(zip(NAMES[form], values, strict=True))


def coordinate(x: np.ndarray, form: Form) -> np.ndarray:
    """Return u of the stimuli x, both (level,)."""
    if form == "signed":
        return np.asarray(x, float)
    strength = np.abs(np.asarray(x, float))
    with np.errstate(divide="ignore"):  # a strength of zero lies at minus infinity
        return np.log(strength)


def stimulus(u: np.ndarray, form: Form) -> np.ndarray:
    """Return x at the coordinates u."""
    return np.asarray(u, float) if form == "signed" else np.exp(u)
