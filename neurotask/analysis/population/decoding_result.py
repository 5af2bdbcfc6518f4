"""The result of `decode`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask.analysis.population import decoding_plot as plotting


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Decoding:
    """How well a variable is decoded from a population; `decode` makes it.

    Args:
        scores: (time,), or (train_time, time); time in ms from the event.
        predicted: what is decoded from each trial by what was learned at the same time, (trial,
            time); missing where a trial has no data or is not tested.
        null: scores with shuffled labels, (shuffle, ...) as `scores`; None without shuffles.
        by_level: with `generalize_over`, one row a held-out level and time: `held_out`, `time`,
            `score`, `n_trials`; else None.
        chance: the score of a decoder that knows nothing.
        scoring: "balanced_accuracy" (mean share correct of each class) "r2" or
            "correlation".
        target: name of what is decoded.
        levels: the classes; None for values.
        n_trials: trials that were tested at each time, (time,).
        of: the variable of the Session.
        where: what times it was decoded at.
        align: phase whose start is time 0.
        about: the decoder and its folds, in words.
    """

    scores: xr.DataArray
    predicted: xr.DataArray
    null: np.ndarray | None
    by_level: pd.DataFrame | None
    chance: float
    scoring: str
    target: str
    levels: np.ndarray | None
    n_trials: np.ndarray
    of: str
    where: str
    align: str | None
    about: str

    @property
    def cross_temporal(self) -> bool:
        """Return whether each time was decoded by what was learned at every other."""
        return self.scores.ndim == 2

    @property
    def p(self) -> xr.DataArray:
        """Return the share of shuffles that score as high, at each time on its own.

        NaN where there is no score. A shuffle without one counts as one that is as high.
        """
        return self._share(self._shuffles())

    @property
    def p_max(self) -> xr.DataArray:
        """Return the share of shuffles whose highest score over all times is as high.

        The chance that any time of a population that carries nothing falls below a level is at
        most that level, whatever the number of times.
        """
        null = self._shuffles()
        highest = np.fmax.reduce(null.reshape(len(null), -1), axis=1)
        return self._share(highest.reshape(-1, *(1,) * self.scores.ndim))

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a time (or pair of times): `score`, `n_trials`, `chance`, `p`, `p_max`.

        The last two are there if labels were shuffled.
        """
        table = self.scores.rename("score").to_dataframe().reset_index()
        names = [*map(str, self.scores.dims), "score"]
        table = table[names].assign(n_trials=np.resize(self.n_trials, len(table)))
        table["chance"] = self.chance
        if self.null is not None:
            table["p"], table["p_max"] = self.p.to_numpy().ravel(), self.p_max.to_numpy().ravel()
        return table

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw the score over time with chance and, with shuffles, the middle 95 % of the null.

        Cross-temporal scores are drawn as an image, train time against test time.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the line, for a legend.
            color: of the line.
        """
        if self.cross_temporal:
            return plotting.image(self, ax)
        return plotting.line(self, ax, label, color)

    def _shuffles(self) -> np.ndarray:
        if self.null is None:
            raise ValueError(
                "`n_shuffles` must be 1 or more for a p, got 0. Decode again with n_shuffles=200."
            )
        return self.null

    def _share(self, null: np.ndarray) -> xr.DataArray:
        scores = self.scores.to_numpy()
        reached = np.logical_not(null < scores - 1e-12).sum(axis=0)
        p = np.where(np.isnan(scores), np.nan, (1 + reached) / (1 + len(null)))
        return self.scores.copy(data=p)

    def __repr__(self) -> str:
        best = float(self.scores.max())
        what = "values" if self.levels is None else f"{len(self.levels)} classes"
        p = "" if self.null is None else f", p_max {float(self.p_max.min()):.3g}"
        return (
            f"<Decoding of {self.target} ({what}) from {self.of} in {self.where}; {self.about}; "
            f"{self.scoring} up to {best:.3g} (chance {self.chance:.3g}{p})>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.3g}".format, max_rows=12, index=False)
