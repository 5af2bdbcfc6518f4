"""The eigenvalues of a recurrent weight matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import number
from neurotask.analysis.circuit import weight_plots as plotting
from neurotask.analysis.circuit._weights import labels_of, recurrent_of


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Spectrum:
    """The eigenvalues of a recurrent weight matrix W, and what they say.

    `spectrum` makes it.

    Args:
        eigenvalues_: complex, (unit,), from the largest absolute value to the smallest.
        radius: the largest absolute value, the spectral radius.
        abscissa: the largest real part: linear units, tau x' = -x + W x, are stable below 1.
        circular_radius: radius of the disc that the eigenvalues of a random matrix with the same
            mean and variance in each block of cell groups fill.
        margin: share of the disc's radius by which an outlier lies outside.
        outliers: which eigenvalues lie outside that disc by more than this, boolean (unit,).
        non_normality: Henrici's departure from normality over the Frobenius norm, from 0 (normal)
            to 1 (all eigenvalues 0, as in a chain).
    """

    eigenvalues_: np.ndarray
    radius: float
    abscissa: float
    circular_radius: float
    margin: float
    outliers: np.ndarray
    non_normality: float

    @property
    def table(self) -> pd.DataFrame:
        """Return one row an eigenvalue: `real`, `imag`, `modulus`, `outlier`."""
        values = self.eigenvalues_
        return pd.DataFrame(
            {
                "real": np.real(values),
                "imag": np.imag(values),
                "modulus": np.abs(values),
                "outlier": self.outliers,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the eigenvalues in the complex plane, with the unit circle and the circular law.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        return plotting.draw_spectrum(self, ax)

    def __repr__(self) -> str:
        return (
            f"<Spectrum of {len(self.eigenvalues_)} units: radius {self.radius:.3g}, abscissa "
            f"{self.abscissa:.3g}, {int(self.outliers.sum())} outside {1 + self.margin:g} x the "
            f"circular law's {self.circular_radius:.3g}, non-normality {self.non_normality:.2f}>"
        )


def spectrum(weights: Any, *, blocks: Any = "group", margin: float = 0.25) -> Spectrum:
    """Return the eigenvalues of the recurrent weights.

    What a random matrix of the same size would do is known: its eigenvalues fill a disc about 0.
    Where groups of units (excitatory and inhibitory, areas) differ, the radius of the disc follows
    from the number of units in each group and the variance of the weights between them. An
    eigenvalue outside is structure: the mean of the weights, or what training put there.

    Args:
        weights: what `model.effective_weights()` returned, its entry "recurrent", or an array
            (post, pre).
        blocks: what the groups of the random matrix are: "group" (area and cell type), "cell_type",
            "area", or one label a unit.
        margin: share of the disc's radius by which an outlier lies outside, for the edge of a
            finite matrix is ragged: with 0.25, 9 % of random networks of 50 units have an outlier
            by chance, 3 % of 100 units, and none of 200 (80 % excitatory, 4 times weaker).

    Returns:
        A `Spectrum`.

    Raises:
        ValueError: if the weights are not square, not finite, or of several gates.

    Source: Girko's circular law; groups: Aljadeff, Stern & Sharpee (2015) Phys Rev Lett 114:088101
        (eq. 4), which for cell types alone gives Rajan & Abbott (2006) Phys Rev Lett 97:188104;
        non-normality: Henrici (1962) Numer Math 4:24.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import spectrum
        >>> chain = np.diag([1.0, 1.0], k=-1)
        >>> spectrum(chain).radius, spectrum(chain).non_normality
        (0.0, 1.0)
    """
    number("margin", margin, low=0)
    recurrent = recurrent_of(weights)
    matrix = recurrent.to_numpy().astype(float)
    values = np.linalg.eigvals(matrix).astype(complex)
    # Pairs of conjugates have one modulus: ties by the real, then the imaginary part.
    values = values[np.lexsort((-np.imag(values), -np.real(values), -np.abs(values).round(12)))]
    size = (matrix**2).sum()
    departure = max(size - (np.abs(values) ** 2).sum(), 0.0)
    disc = circular_radius(matrix, labels_of(recurrent, blocks, "blocks")[1])
    return Spectrum(
        eigenvalues_=values,
        radius=float(np.abs(values).max()),
        abscissa=float(np.real(values).max()),
        circular_radius=disc,
        margin=margin,
        outliers=np.abs(values) > disc * (1 + margin),
        non_normality=float(np.sqrt(departure / size)) if size else 0.0,
    )


def circular_radius(matrix: np.ndarray, labels: np.ndarray) -> float:
    """Return the radius of the disc of a random matrix with these means and variances of blocks.

    Args:
        matrix: weights (post, pre).
        labels: group of each unit, (unit,).
    """
    _, at = np.unique(labels, return_inverse=True)
    member = np.eye(at.max() + 1)[at]
    pairs = np.outer(member.sum(0), member.sum(0))
    mean = member.T @ matrix @ member / pairs
    variance = member.T @ (matrix - mean[at][:, at]) ** 2 @ member / pairs
    # R^2 is the largest eigenvalue of the matrix of N_b var_ab, receiving a, sending b
    return float(np.sqrt(np.abs(np.linalg.eigvals(variance * member.sum(0))).max()))
