"""Linear dynamics fitted to trajectories: any, and those that only rotate."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Rotation:
    """Planes of pure rotation, the fastest first.

    Args:
        axes: orthonormal, (2 a plane, dimension); from the first to the second of a plane is the
            way that it turns. NaN where nothing turns.
        speeds: angular velocity in the plane, radians per step, (plane,).
        r2_skew: share of the squared change a step that rotations explain.
        r2_full: share that any linear dynamics explain.
    """

    axes: np.ndarray
    speeds: np.ndarray
    r2_skew: float
    r2_full: float


def rotations(change: np.ndarray, middle: np.ndarray) -> Rotation:
    """Fit change = middle M', with M skew-symmetric, and with M free.

    The change over a step is d = x(t + 1) - x(t), and it is explained by the middle of the step,
    s = (x(t) + x(t + 1)) / 2. A rotation R by the angle a a step then fits without error,

        R - 1 = 2 tan(a / 2) J (R + 1) / 2,   J the quarter turn,

    so that from an eigenvalue i w of M the angle is 2 atan(w / 2), exactly and at any step. (The
    change explained by x(t), without the middle, has the part (cos a - 1), a decay that is not
    there.)

    Args:
        change: d, (sample, dimension).
        middle: s, (sample, dimension).
    """
    free = np.linalg.lstsq(middle, change, rcond=None)[0].T
    skew = skew_symmetric(change, middle)
    # -iM is Hermitian: its eigenvectors are orthonormal even where two planes turn equally fast.
    values, vectors = np.linalg.eigh(-1j * skew)
    order = np.argsort(-values)[: len(skew) // 2]
    speeds, vectors = values[order], vectors[:, order]
    # M (a + ib) = i w (a + ib) turns from b to a.
    axes = np.stack([np.imag(vectors), np.real(vectors)]).transpose(2, 0, 1) * np.sqrt(2)
    total, size = (change**2).sum(), (middle**2).sum()
    axes[speeds <= 1e-9 * np.sqrt(total / size)] = np.nan
    r2 = [
        float(1 - ((change - middle @ m.T) ** 2).sum() / total) if total > 1e-20 * size else np.nan
        for m in (skew, free)
    ]
    return Rotation(axes.reshape(-1, len(skew)), 2 * np.arctan(speeds / 2), r2[0], r2[1])


def skew_symmetric(change: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return the skew-symmetric M with the least squared error of change = middle M'.

    With C = S'S and G = S'D, N = M' is where C N + N C = G - G'. In the basis of the eigenvectors
    of C, whose eigenvalues are c, that is N_ij = (G - G')_ij / (c_i + c_j).
    """
    c, basis = np.linalg.eigh(middle.T @ middle)
    g = middle.T @ change
    turned = basis.T @ (g - g.T) @ basis / (c[:, None] + c)
    found = (basis @ turned @ basis.T).T
    return (found - found.T) / 2
