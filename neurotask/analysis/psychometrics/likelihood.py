"""How probable a psychometric curve is, given counts, and how that changes with its parameters.

A parameter vector theta is (location, ln scale, gamma, lapse): the curve rises from gamma to
1 - lapse. The coordinate u of a stimulus is its value (signed form) or the natural logarithm of its
strength (n-AFC form; a strength of zero lies at minus infinity, where P = gamma exactly).
"""

from dataclasses import dataclass

import numpy as np

from neurotask.analysis.psychometrics.sigmoids import Sigmoid

# Beyond this z every sigmoid is 0 or 1 to double precision; it keeps inf * 0 out of the gradient.
_FAR = 40.0
_TINY = 1e-12


def standard(theta: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return z = (u - location) / scale, (..., level), for theta (..., 4) and u (level,)."""
    z = (u - theta[..., 0, None]) * np.exp(-theta[..., 1, None])
    return np.clip(z, -_FAR, _FAR)


def curve(theta: np.ndarray, u: np.ndarray, sigmoid: Sigmoid) -> np.ndarray:
    """Return P, (..., level), for theta (..., 4) at the coordinates u (level,)."""
    gamma, lapse = theta[..., 2, None], theta[..., 3, None]
    # Wichmann & Hill (2001), eq. 1: P = gamma + (1 - gamma - lapse) F((u - location) / scale)
    return gamma + (1 - gamma - lapse) * sigmoid.value(standard(theta, u))


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """The posterior density of a curve's parameters, up to a constant.

    The prior is flat over the location and the logarithm of the scale within `bounds`, and
    Beta(a, b) over each asymptote (a flat one is Beta(1, 1)).

    Args:
        u: coordinates of the stimuli, (level,).
        n: trials at each level, (level,).
        k: trials at each level that count towards P, (level,).
        sigmoid: the shape of the rise.
        bounds: least and largest value of each parameter, (4, 2); equal where it is fixed.
        beta: a and b of the priors over gamma and lapse, (2, 2).
    """

    u: np.ndarray
    n: np.ndarray
    k: np.ndarray
    sigmoid: Sigmoid
    bounds: np.ndarray
    beta: np.ndarray

    def log_likelihood(self, theta: np.ndarray) -> np.ndarray:
        """Return the binomial log likelihood, (...), without its constant."""
        p = np.clip(curve(theta, self.u, self.sigmoid), _TINY, 1 - _TINY)
        return np.log(p) @ self.k + np.log1p(-p) @ (self.n - self.k)

    def log_prior(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density, (...), without its constant."""
        q = np.clip(theta[..., 2:], _TINY, 1 - _TINY)
        a, b = self.beta.T
        return np.log(q) @ (a - 1) + np.log1p(-q) @ (b - 1)

    def log_density(self, theta: np.ndarray) -> np.ndarray:
        """Return the log posterior density, (...), without its constant."""
        return self.log_likelihood(theta) + self.log_prior(theta)

    def derivatives(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `log_density` (...), its gradient (..., 4) and its information (..., 4, 4).

        The information is minus the expected second derivative of the likelihood, and minus the
        second derivative of the prior.
        """
        p = np.clip(curve(theta, self.u, self.sigmoid), _TINY, 1 - _TINY)
        q = np.clip(theta[..., 2:], _TINY, 1 - _TINY)
        (a, b), misses = self.beta.T, self.n - self.k
        value = np.log(p) @ self.k + np.log1p(-p) @ misses
        value = value + np.log(q) @ (a - 1) + np.log1p(-q) @ (b - 1)
        jacobian = self.jacobian(theta)
        gradient = (jacobian @ (self.k / p - misses / (1 - p))[..., None])[..., 0]
        gradient[..., 2:] += (a - 1) / q - (b - 1) / (1 - q)
        information = (jacobian * (self.n / (p * (1 - p)))[..., None, :]) @ jacobian.mT
        asymptotes = np.arange(2, 4)
        information[..., asymptotes, asymptotes] += (a - 1) / q**2 + (b - 1) / (1 - q) ** 2
        return value, gradient, information

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """Return dP / dtheta, (..., 4, level)."""
        z = standard(theta, self.u)
        value, span = self.sigmoid.value(z), 1 - theta[..., 2, None] - theta[..., 3, None]
        rise = -span * self.sigmoid.density(z)
        return np.stack([rise * np.exp(-theta[..., 1, None]), rise * z, 1 - value, -value], -2)

    def spread(self, theta: np.ndarray) -> np.ndarray:
        """Return rough standard deviations (4,) around theta (4,), no wider than the bounds.

        From the Fisher information, with P drawn towards 1/2 by one trial at each level, so that
        they are not zero where P is 0 or 1.
        """
        p = (curve(theta, self.u, self.sigmoid) * self.n + 0.5) / (self.n + 1)
        jacobian = self.jacobian(theta)
        widest = np.maximum(np.diff(self.bounds).ravel(), _TINY)
        information = (jacobian * (self.n / (p * (1 - p)))) @ jacobian.T + np.diag(1 / widest**2)
        return np.sqrt(np.diag(np.linalg.inv(information)))
