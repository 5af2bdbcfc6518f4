"""Regression of activity on task variables at each time, and orthogonal axes out of it."""

import numpy as np

from neurotask._checks import listed


def regression(values: np.ndarray, there: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the least-squares coefficients at each time, (variable, time, unit).

    Args:
        values: activity, (trial, time, unit); anything where `there` is False.
        there: whether a trial has data at a time, (trial, time).
        columns: the variables of each trial, (trial, variable).

    Returns:
        The coefficients without that of the constant; NaN at times whose trials do not determine
        them.
    """
    # The constant is taken care of by centring over the trials that have the time.
    weight = there.astype(float)
    total = weight.sum(0)
    filled = np.where(there[..., None], values, 0.0)
    means = weight.T @ columns / total[:, None]
    x = (columns[:, None] - means) * weight[..., None]
    products = np.einsum("ktv,ktw->tvw", x, x)
    against = np.einsum("ktv,ktn->tvn", x, filled)
    size = np.sqrt(np.einsum("tvv->tv", products))
    size = np.where(size > 1e-8 * np.sqrt(total)[:, None], size, np.inf)  # constant: not determined
    correlations = products / size[:, :, None] / size[:, None, :]
    good = np.linalg.eigvalsh(correlations)[:, 0] > 1e-12
    found = np.full(against.shape, np.nan)
    found[good] = np.linalg.solve(correlations[good], against[good] / size[good, :, None])
    return (found / size[..., None]).transpose(1, 0, 2)


def orthogonalised(
    vectors: np.ndarray, variables: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal axes in the order of the vectors, and the share of each that it keeps.

    Args:
        vectors: (variable, unit).
        variables: their names.

    Returns:
        Axes, (variable, unit), each at an acute angle to its vector; and the cosine of that angle.
    """
    norms = np.linalg.norm(vectors, axis=1)
    q, r = np.linalg.qr(vectors.T)
    along = np.diag(r)
    flat = np.abs(along) <= 1e-10 * norms.max()
    if flat.any():
        names = [name for name, bad in zip(variables, flat, strict=True) if bad]
        raise ValueError(
            f"`variables` must each move the population in a direction of its own, got "
            f"{listed(names)}, whose coefficients are 0 or lie in the span of those before. "
            "Leave them out, or take more components."
        )
    return (q * np.sign(along)).T, np.abs(along) / norms
