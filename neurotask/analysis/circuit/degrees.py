"""How many synapses each unit receives and makes, and how strong they are."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose, number
from neurotask.analysis.circuit import weight_plots as plotting
from neurotask.analysis.circuit._weights import exists_of, recurrent_of, unit_table


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Degrees:
    """Number and strength of the recurrent synapses of each unit.

    `degrees` makes it.

    Args:
        table: one row a unit: `unit`, `cell_type`, `area`, `group` where they are known;
            `in_degree` and `out_degree`, synapses with a weight beyond the threshold;
            `in_strength` and `out_strength`, sums of the absolute weights of these; `in_excitation`
            and `in_inhibition`, the sums of the positive and of the negative weights received;
            `in_silent` and `out_silent`, synapses that exist and are not beyond the threshold (NaN
            where the weights do not say which exist).
        n_synapses: synapses that exist; those beyond the threshold where that is not known.
        density: their share of all pairs of units.
        threshold: what the absolute weight of a synapse that counts is above.
    """

    table: pd.DataFrame
    n_synapses: int
    density: float
    threshold: float

    @property
    def n_silent(self) -> float:
        """Return the number of silent synapses; NaN where it is not known which exist."""
        return float(self.table["in_silent"].sum(skipna=False))

    def plot(
        self, ax: Axes | None = None, *, of: Literal["strength", "degree"] = "strength"
    ) -> Axes:
        """Draw what each unit makes over what it receives.

        Args:
            ax: where to draw; a new figure unless given.
            of: "strength" or "degree".

        Returns:
            The axes.
        """
        return plotting.draw_degrees(self, ax, choose("of", of, ("strength", "degree")))

    def __repr__(self) -> str:
        silent = "" if np.isnan(self.n_silent) else f", {self.n_silent:.0f} of them silent"
        return (
            f"<Degrees of {len(self.table)} units: {self.n_synapses} synapses "
            f"({self.density:.0%} of all pairs){silent}; mean strength received "
            f"{self.table['in_strength'].mean():.3g}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


def degrees(weights: Any, threshold: float = 0.0) -> Degrees:
    """Count the recurrent synapses that each unit receives and makes.

    A pair of units without a synapse and a synapse whose weight has come to 0 are two things. The
    weights of a model say which synapses exist, so that the second are counted, as silent ones. A
    bare array does not say it: its zeros may be either, and `in_silent` is NaN.

    Args:
        weights: what `model.effective_weights()` returned, its entry "recurrent", or an array
            (post, pre).
        threshold: a synapse counts if its absolute weight is above it.

    Returns:
        A `Degrees`.

    Raises:
        ValueError: if the weights are not square, not finite, or of several gates.

    Example:
        >>> from neurotask.analysis import degrees
        >>> degrees([[0.0, 0.5], [-0.2, 0.0]]).table["out_strength"].tolist()
        [0.2, 0.5]
    """
    number("threshold", threshold, low=0)
    recurrent = recurrent_of(weights)
    matrix, exists = recurrent.to_numpy().astype(float), exists_of(recurrent)
    counts = np.abs(matrix) > threshold
    strong = np.where(counts, matrix, 0.0)
    silent = np.full(matrix.shape, np.nan) if exists is None else (exists & ~counts).astype(float)
    columns = {
        "in_degree": counts.sum(1),
        "out_degree": counts.sum(0),
        "in_strength": np.abs(strong).sum(1),
        "out_strength": np.abs(strong).sum(0),
        "in_excitation": strong.clip(min=0).sum(1),
        "in_inhibition": strong.clip(max=0).sum(1),
        "in_silent": silent.sum(1),
        "out_silent": silent.sum(0),
    }
    n = int((counts if exists is None else exists).sum())
    return Degrees(
        table=pd.DataFrame(unit_table(recurrent) | columns),
        n_synapses=n,
        density=n / matrix.size,
        threshold=float(threshold),
    )
