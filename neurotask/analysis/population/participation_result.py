"""The result of counting dimensions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask.analysis.population import variance_plot


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ParticipationRatio:
    """In how many dimensions samples of a population's activity lie; `float` gives the value.

    `participation_ratio` makes it.

    Args:
        value: the participation ratio of the samples, from 1 to the number of units.
        unbiased: an estimate of that of infinitely many samples; NaN where samples are not
            independent, or too few.
        spectrum: share of the variance along each component, in falling order.
        n_samples: number of samples.
        n_units: number of units.
        source: what the samples are, in words.
    """

    value: float
    unbiased: float
    spectrum: np.ndarray
    n_samples: int
    n_units: int
    source: str

    def __float__(self) -> float:
        return self.value

    @property
    def table(self) -> pd.DataFrame:
        """Return one row with the ratio, its unbiased estimate, and the numbers it rests on."""
        return pd.DataFrame(
            {
                "participation_ratio": [self.value],
                "unbiased": [self.unbiased],
                "n_samples": [self.n_samples],
                "n_units": [self.n_units],
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of variance by component, and the ratio.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        return variance_plot.spectrum(ax, self.spectrum, self.value)

    def __repr__(self) -> str:
        more = "" if np.isnan(self.unbiased) else f" (unbiased {self.unbiased:.2f})"
        return (
            f"<ParticipationRatio {self.value:.2f}{more} of {self.source}: "
            f"{self.n_samples} samples of {self.n_units} units>"
        )
