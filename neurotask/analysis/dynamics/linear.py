"""The linear picture of a map near a point: modes, time constants, stability."""

from dataclasses import dataclass

import numpy as np

_MARGIN = 1e-6  # |log |lambda|| below which a mode neither decays nor grows


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of a Jacobian, the slowest to decay (largest |eigenvalue|) first.

    Args:
        eigenvalues: (mode,), complex.
        right: how the state looks in each mode, columns (state, mode), of length 1.
        left: how much of a state is in each mode, rows (mode, state): left @ right = 1.
    """

    eigenvalues: np.ndarray
    right: np.ndarray
    left: np.ndarray


def modes(jacobian: np.ndarray) -> Modes:
    """Return the modes of a Jacobian (state, state)."""
    values, right = np.linalg.eig(jacobian)
    order = ordered(values)
    right = right[:, order]
    return Modes(values[order].astype(complex), right, np.linalg.pinv(right, rcond=1e-14))


def ordered(eigenvalues: np.ndarray) -> np.ndarray:
    """Return the order of eigenvalues by falling absolute value, pairs by falling imaginary part.

    Absolute values are compared to 12 digits, so that rounding does not part conjugates.
    """
    size = np.abs(eigenvalues)
    size = np.round(size / max(float(size.max()), 1e-300), 12)
    return np.lexsort((-np.imag(eigenvalues), -np.real(eigenvalues), -size))


def time_constants(eigenvalues: np.ndarray, dt: float) -> np.ndarray:
    """Return -dt / ln |lambda| in ms: times of decay by e; below 0, of growth by e; inf for 1."""
    size = np.abs(eigenvalues)
    with np.errstate(divide="ignore"):
        rate = -np.log(size) / dt
        return np.where(size == 1.0, np.inf, 1.0 / np.where(rate == 0.0, np.inf, rate))


def frequencies(eigenvalues: np.ndarray, dt: float) -> np.ndarray:
    """Return |arg lambda| / (2 pi dt) in Hz: how often a mode turns."""
    return np.abs(np.angle(eigenvalues)) / (2.0 * np.pi * dt / 1000.0)


def stability(eigenvalues: np.ndarray) -> tuple[str, int]:
    """Return what a point is, by its eigenvalues (mode,), and along how many modes states leave.

    "stable": all modes decay; "marginal": none grows, and some do not decay; "saddle": some grow;
    "unstable": all grow.
    """
    with np.errstate(divide="ignore"):
        growth = np.log(np.abs(eigenvalues))
    n_unstable = int((growth > _MARGIN).sum())
    if n_unstable == 0:
        return ("marginal" if (growth > -_MARGIN).any() else "stable"), 0
    return ("unstable" if n_unstable == len(growth) else "saddle"), n_unstable
