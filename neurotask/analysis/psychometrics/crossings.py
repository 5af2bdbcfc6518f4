"""Where a curve reaches a proportion, and how steeply."""

from typing import Any

import numpy as np

from neurotask.analysis.psychometrics.parameters import Frame
from neurotask.analysis.psychometrics.sigmoids import Sigmoid


def crossing(
    theta: np.ndarray, proportion: float, of: str, sigmoid: Sigmoid, frame: Frame
) -> dict[str, np.ndarray]:
    """Return the stimulus at which curves reach a proportion, and the slope dP/dx there.

    Args:
        theta: curves in the coordinate of the stimulus, (curve, 5).
        proportion: what is reached.
        of: "curve" for P, "sigmoid" for F.
        sigmoid: the shape.
        frame: the coordinate.

    Returns:
        `threshold`, infinite where the curve never gets there, and `slope`, each (curve,).
    """
    location, log_scale, gamma, lapse, _ = theta.T
    height, scale = 1 - gamma - lapse, np.exp(log_scale)
    f: Any = np.full(len(theta), proportion) if of == "sigmoid" else (proportion - gamma) / height
    with np.errstate(divide="ignore", invalid="ignore"):
        z = sigmoid.inverse(np.clip(f, 0.0, 1.0))
        x = frame.stimulus(location + scale * z)
        # dP/du = height f(z) / scale, and dP/dx = dP/du / x where u = ln x.
        slope = np.where(np.isfinite(z), height * sigmoid.density(z) / scale, 0.0)
        slope = np.where(slope > 0, slope / x, 0.0) if frame.log else slope
    return {"threshold": x, "slope": slope}
