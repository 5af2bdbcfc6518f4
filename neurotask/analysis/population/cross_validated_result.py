"""The result of cross-validated principal component analysis."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask.analysis.population import variance_plot
from neurotask.analysis.population.conditions import Which, event


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CrossValidatedPCA:
    """What principal components of one half of the trials hold in the other half.

    `cross_validated_pca` makes it. Names that end in an underscore are as in scikit-learn.

    Args:
        fitted_by_repeat: share of the variance of the half that was fitted, (repeat, component).
        reliable_by_repeat: reliable variance over the mean of its sum over all repeats, (repeat,
            component); it may be below 0. NaN where that mean is: then nothing is reliable.
        error_by_repeat: squared error of predicting the other half from none, one, ... components,
            as a share of its variance, (repeat, component + 1).
        n_trials: number of trials of each condition.
        of: the variable of the Session.
        align: phase whose start is time 0, None for the start of the trial.
        condition: names whose levels are the conditions.
        center: "mean" or "time".
        trials: "all" or "correct".
    """

    fitted_by_repeat: np.ndarray
    reliable_by_repeat: np.ndarray
    error_by_repeat: np.ndarray
    n_trials: pd.Series
    of: str
    align: str | None
    condition: tuple[str, ...]
    center: Literal["mean", "time"]
    trials: Which

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        """Return the share of the variance of the half that was fitted, (component,)."""
        return self.fitted_by_repeat.mean(0)

    @property
    def reliable_variance_ratio(self) -> np.ndarray:
        """Return the share of the variance that both halves have in common, (component,)."""
        return self.reliable_by_repeat.mean(0)

    @property
    def n_components(self) -> int:
        """Return the number of components that predicts the other half best; 0 if none does."""
        return int(self.error_by_repeat.mean(0).argmin())

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a number of components.

        Columns are `n_components`, `error` of prediction, its standard error over repeats `sem`,
        and of the last of the components `explained_variance_ratio` and `reliable_variance_ratio`
        (NaN where there is none).
        """
        n = len(self.error_by_repeat)
        return pd.DataFrame(
            {
                "n_components": np.arange(self.error_by_repeat.shape[1]),
                "error": self.error_by_repeat.mean(0),
                "sem": self.error_by_repeat.std(0, ddof=1) / np.sqrt(n),
                "explained_variance_ratio": [np.nan, *self.explained_variance_ratio_],
                "reliable_variance_ratio": [np.nan, *self.reliable_variance_ratio],
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the error of prediction over the number of components.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        return variance_plot.cross_validated(ax, self.table, self.n_components)

    def __repr__(self) -> str:
        least = self.error_by_repeat.mean(0).min()
        return (
            f"<CrossValidatedPCA of {self.of} (centre: {self.center}) over {len(self.n_trials)} "
            f"conditions of {', '.join(self.condition)}, {int(self.n_trials.sum())} trials "
            f"({self.trials}), aligned to {event(self.align)}: {self.n_components} components "
            f"predict the other half best, with an error of {least:.1%}>"
        )
