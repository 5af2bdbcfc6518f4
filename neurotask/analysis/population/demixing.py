"""Decoders and encoders of one part of the activity: ridge regression of reduced rank."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Whole:
    """Centred averages as X = U diag(s) V', of which only what is above rounding is kept.

    Args:
        u: (unit, rank).
        s: (rank,).
        vt: (rank, sample), where a sample is a condition at a time.
    """

    u: np.ndarray
    s: np.ndarray
    vt: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Whole":
        """Decompose centred averages, (..., unit)."""
        u, s, vt = np.linalg.svd(rows(values), full_matrices=False)
        kept = s > s[0] * max(vt.shape) * np.finfo(float).eps
        return cls(u[:, kept], s[kept], vt[kept])


def rows(values: np.ndarray) -> np.ndarray:
    """Return (..., unit) as (unit, sample)."""
    return values.reshape(-1, values.shape[-1]).T


def demix(
    whole: Whole, part: np.ndarray, n_components: int, regularization: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the decoders D and encoders F that read one part of the activity from the whole.

    They minimise |Y - F D X|^2 + (r |X|)^2 |F D|^2, with averages X, their part Y, and F'F = 1.
    Without the bound on the rank of F D the minimum is at

        A = Y X' (X X' + (r |X|)^2)^-1 = Y V diag(s / (s^2 + (r |s|)^2)) U',

    and F are the first eigenvectors of A (X X' + (r |X|)^2) A' = A X Y', D = F' A.

    Args:
        whole: the averages X.
        part: Y, (..., unit).
        n_components: rank; fewer are returned where the part has fewer dimensions.
        regularization: r.

    Returns:
        Decoders and encoders, each (component, unit); the largest entry of each encoder, in
        absolute value, is positive.

    Source: Kobak et al. (2016), eLife 5:e10989, "Regularization in dPCA" and the closed solution.
    """
    against = rows(part) @ whole.vt.T
    penalty = (regularization**2) * (whole.s**2).sum()
    full = against * (whole.s / (whole.s**2 + penalty)) @ whole.u.T
    gain = full @ (whole.u * whole.s) @ against.T
    sizes, vectors = np.linalg.eigh((gain + gain.T) / 2)
    order = np.argsort(sizes)[::-1][:n_components]
    # What rounding leaves of a part that is 0, or of its last dimensions, is no component.
    order = order[sizes[order] > 1e-13 * (whole.s**2).sum() / (1 + regularization**2)]
    encoders = vectors[:, order].T
    largest = np.abs(encoders).argmax(1) if len(order) else np.zeros(0, int)
    encoders = encoders * np.sign(encoders[np.arange(len(order)), largest])[:, None]
    return encoders @ full, encoders


def shares(
    decoders: np.ndarray, encoders: np.ndarray, parts: dict[str, np.ndarray], total: float
) -> np.ndarray:
    """Return how much of the variance a component explains by way of each part.

    Of part Y and component f d' it is (|Y|^2 - |Y - f d' Y|^2) / total; parts are orthogonal, so
    these add up to what the component explains of the whole.

    Returns:
        (component, part).
    """
    columns = []
    for part in parts.values():
        y = rows(part)
        read = decoders @ y
        along = encoders @ y
        gained = 2 * (read * along).sum(1) - (encoders**2).sum(1) * (read**2).sum(1)
        columns.append(gained / total)
    return np.stack(columns, axis=1)
