"""How probable a psychometric curve is, given counts, and how that changes with its parameters.

A parameter vector theta is (location, ln scale, gamma, lapse, eta): the curve rises from gamma to
1 - lapse, and counts vary by eta more than the binomial distribution says. The coordinate u of a
stimulus is its value or the natural logarithm of its strength (a strength of zero then lies at
minus infinity, where P = gamma exactly).
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurotask.analysis.psychometrics import beta_binomial
from neurotask.analysis.psychometrics.priors import Prior
from neurotask.analysis.psychometrics.sigmoids import Sigmoid

PARAMETERS = ("location", "ln scale", "gamma", "lapse", "eta")
N = len(PARAMETERS)
_TINY = 1e-12


def standard(theta: np.ndarray, u: np.ndarray, sigmoid: Sigmoid) -> np.ndarray:
    """Return z = (u - location) / scale, (..., level), for theta (..., 5) and u (level,)."""
    z = (u - theta[..., 0, None]) * np.exp(-theta[..., 1, None])
    return np.clip(z, -sigmoid.reach, sigmoid.reach)  # keeps inf * 0 out of the gradient


def curve(theta: np.ndarray, u: np.ndarray, sigmoid: Sigmoid) -> np.ndarray:
    """Return P, (..., level), for theta (..., 5) at the coordinates u (level,)."""
    gamma, lapse = theta[..., 2, None], theta[..., 3, None]
    # Wichmann & Hill (2001), eq. 1: P = gamma + (1 - gamma - lapse) F((u - location) / scale)
    return gamma + (1 - gamma - lapse) * sigmoid.value(standard(theta, u, sigmoid))


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """The posterior density of a curve's parameters, up to a constant.

    The prior is flat over the location and the logarithm of the scale within `bounds`, unless
    `priors` say otherwise. What is sought are the *free* parameters x, (..., free): those whose
    bounds differ; with `equal` the two asymptotes are one parameter.

    Args:
        u: coordinates of the stimuli, (level,).
        n: trials at each level, (level,).
        k: trials at each level that count towards P, (level,) or, of several experiments,
            (experiment, level): then x is (experiment, free).
        sigmoid: the shape of the rise.
        bounds: least and largest value of each parameter, (5, 2); equal where it is fixed.
        priors: by the number of the parameter; flat where there is none.
        equal: whether gamma is the lapse rate.
    """

    u: np.ndarray
    n: np.ndarray
    k: np.ndarray
    sigmoid: Sigmoid
    bounds: np.ndarray
    priors: dict[int, Prior] = field(default_factory=dict)
    equal: bool = False

    @property
    def free(self) -> np.ndarray:
        """Return the numbers of the parameters that are sought."""
        moves = self.bounds[:, 0] < self.bounds[:, 1]
        return np.flatnonzero(moves & ~(np.arange(N) == 2) if self.equal else moves)

    @property
    def limits(self) -> np.ndarray:
        """Return the bounds of the free parameters, (free, 2)."""
        return self.bounds[self.free]

    @property
    def overdispersed(self) -> bool:
        """Return whether eta may differ from 0."""
        return bool(self.bounds[4, 1] > 0)

    def of(self, experiments: np.ndarray) -> "Posterior":
        """Return the posterior of some of several experiments; of one, the same."""
        return self if self.k.ndim == 1 else replace(self, k=self.k[experiments])

    def full(self, x: np.ndarray) -> np.ndarray:
        """Return theta (..., 5) of the free parameters x (..., free)."""
        theta = np.empty((*np.shape(x)[:-1], N))
        theta[...] = self.bounds[:, 0]
        theta[..., self.free] = x
        if self.equal:
            theta[..., 2] = theta[..., 3]
        return theta

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return the log likelihood, (...), without its constant."""
        theta = self.full(x)
        return self._log_likelihood(theta, self._p(theta))

    def log_prior(self, x: np.ndarray) -> np.ndarray:
        """Return the log prior density, (...), without its constant."""
        total: Any = np.zeros(np.shape(x)[:-1])
        for place, prior in self._priors():
            total = total + prior.log(x[..., place])
        return total

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the log posterior density, (...), without its constant."""
        return self.log_likelihood(x) + self.log_prior(x)

    def derivatives(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `log_density` (...), its gradient (..., free) and information (..., free, free).

        The information is minus the expected second derivative of the likelihood, and minus the
        second derivative of the prior. That of eta is the square of its scores.
        """
        theta = self.full(x)
        p = self._p(theta)
        jacobian = self.jacobian(x)
        if self.overdispersed:
            score, by_eta = beta_binomial.scores(p, theta[..., 4], self.n, self.k)
            # The variance of k is n p (1 - p) (1 + (n - 1) eta^2).
            inflated = 1 + (self.n - 1) * theta[..., 4, None] ** 2
        else:
            score, by_eta, inflated = self.k / p - (self.n - self.k) / (1 - p), None, 1.0
        gradient = (jacobian @ score[..., None])[..., 0]
        weights = self.n / (p * (1 - p) * inflated)
        information = (jacobian * weights[..., None, :]) @ jacobian.mT
        if by_eta is not None and 4 in self.free:
            gradient[..., -1] += by_eta.sum(-1)
            information[..., -1, -1] += np.square(by_eta).sum(-1)
        for place, prior in self._priors():
            gradient[..., place] += prior.slope(x[..., place])
            information[..., place, place] += prior.information(x[..., place])
        return self._log_likelihood(theta, p) + self.log_prior(x), gradient, information

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Return dP / dx, (..., free, level)."""
        theta = self.full(x)
        z = standard(theta, self.u, self.sigmoid)
        value, span = self.sigmoid.value(z), 1 - theta[..., 2, None] - theta[..., 3, None]
        rise = -span * self.sigmoid.density(z)
        low, high = 1 - value, -value
        if self.equal:
            high = low + high
        by = [rise * np.exp(-theta[..., 1, None]), rise * z, low, high, np.zeros_like(z)]
        return np.stack([by[i] for i in self.free], -2)

    def spread(self, x: np.ndarray) -> np.ndarray:
        """Return rough standard deviations (free,) around x (free,), no wider than the bounds.

        From the Fisher information, with P drawn towards 1/2 by one trial at each level, so that
        they are not zero where P is 0 or 1.
        """
        p = (self._p(self.full(x)) * self.n + 0.5) / (self.n + 1)
        jacobian = self.jacobian(x)
        widest = np.maximum(np.diff(self.limits).ravel(), _TINY)
        information = (jacobian * (self.n / (p * (1 - p)))) @ jacobian.T + np.diag(1 / widest**2)
        return np.sqrt(np.diag(np.linalg.inv(information)))

    def _p(self, theta: np.ndarray) -> np.ndarray:
        return np.clip(curve(theta, self.u, self.sigmoid), _TINY, 1 - _TINY)

    def _log_likelihood(self, theta: np.ndarray, p: np.ndarray) -> np.ndarray:
        if self.overdispersed:
            return beta_binomial.log_likelihood(p, theta[..., 4], self.n, self.k)
        if self.k.ndim == 1:
            return np.log(p) @ self.k + np.log1p(-p) @ (self.n - self.k)
        return (np.log(p) * self.k + np.log1p(-p) * (self.n - self.k)).sum(-1)

    def _priors(self) -> list[tuple[int, Prior]]:
        places = {int(parameter): place for place, parameter in enumerate(self.free)}
        return [(places[i], prior) for i, prior in self.priors.items() if i in places]
