"""Conditional accuracy: how often fast answers are right, and how often slow ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask._checks import count, number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import require, rows_of, scored, unanswered
from neurotask.analysis.behavior.levels import level_of, stimulus_named
from neurotask.analysis.behavior.timed import reaction_times
from neurotask.analysis.psychometrics.plot import wilson


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ConditionalAccuracy:
    """Accuracy by reaction time.

    `conditional_accuracy` makes it.

    Args:
        table: one row a bin that has trials: `bin` (from 0, the fastest), `rt` (mean, ms), `n`,
            `n_correct`, `accuracy`, `low` and `high` (ends of Wilson's interval).
        within: the stimulus within whose levels the bins were made, or None.
        level: of the interval.
        n_left_out: trials without a valid choice, a reaction time, or a right answer.
    """

    table: pd.DataFrame
    within: str | None
    level: float
    n_left_out: int

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw accuracy over the mean reaction time of each bin.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.2, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        ax.vlines(t["rt"], t["low"], t["high"], color=color, linewidth=1)
        ax.plot(t["rt"], t["accuracy"], "o-", color=color, markersize=5, label=label or "_")
        ax.set_xlabel("mean reaction time of bin (ms)")
        ax.set_ylabel("P(correct)")
        ax.set_ylim(None, 1.03)
        bare(ax)
        return ax

    def __repr__(self) -> str:
        first, last = self.table["accuracy"].iloc[[0, -1]]
        within = f" within levels of {self.within}" if self.within else ""
        return (
            f"<ConditionalAccuracy: {len(self.table)} bins of reaction time{within}, "
            f"{int(self.table['n'].sum())} trials; P(correct) {first:.3g} of the fastest, "
            f"{last:.3g} of the slowest; left out {self.n_left_out}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


@overload
def conditional_accuracy(
    data: Any,
    *,
    n_bins: int = 5,
    within: str | bool = False,
    by: None = None,
    level: float = 0.95,
) -> ConditionalAccuracy: ...
@overload
def conditional_accuracy(
    data: Any,
    *,
    n_bins: int = 5,
    within: str | bool = False,
    by: str | Sequence[str],
    level: float = 0.95,
) -> Grouped[ConditionalAccuracy]: ...
def conditional_accuracy(
    data: Any,
    *,
    n_bins: int = 5,
    within: str | bool = False,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> ConditionalAccuracy | Grouped[ConditionalAccuracy]:
    """Return accuracy in each of `n_bins` bins of reaction time.

    A diffusion to a fixed bound has a flat curve at each strength of the stimulus; a bound that
    comes down, or a drift that varies over trials, has one that falls; fast guesses make one that
    rises. Over all strengths together it falls also without any of these, since slow answers are
    those to weak stimuli: bin `within` the levels.

    The bins lie between quantiles of the reaction time; equal times are in one bin, so that bins of
    a network, whose times are whole steps, differ in size.

    Args:
        data: a Session, or a table with one row a trial: `correct` (1, 0 or NaN), `rt` (ms), and if
            there is one `choice`.
        n_bins: number of bins.
        within: name of a stimulus, or True for the Session's own: bins are made within each level
            of its absolute value, and the first bins of all levels are put together, and so on.
        by: name or names of what to group by.
        level: of the intervals.

    Returns:
        A `ConditionalAccuracy`, or with `by` a mapping from group to one.

    Raises:
        ValueError: if a name is unknown, or no trial has a reaction time.

    Example:
        >>> table = pd.DataFrame({"rt": [200.0, 250.0, 600.0, 700.0], "correct": [0, 1, 1, 1]})
        >>> conditional_accuracy(table, n_bins=2).table["accuracy"].tolist()
        [0.5, 1.0]
    """
    count("n_bins", n_bins)
    number("level", level, low=0, high=1)

    def analyse(part: Any) -> ConditionalAccuracy:
        return _analyse(part, n_bins, within, level)

    return each_group(data, by, analyse, together=True)


def _analyse(data: Any, n_bins: int, within: str | bool, level: float) -> ConditionalAccuracy:
    table = rows_of(data, ())
    require(table, "correct")
    rt, correct = reaction_times(table), scored(table["correct"])
    used = ~unanswered(table) & rt.notna() & correct.notna()
    if not used.any():
        raise ValueError(
            f"`data` must have trials with a right or wrong answer and a reaction time, got none "
            f"of {len(table)}. Look at the column `outcome`."
        )
    axis = stimulus_named("within", table, None if within is True else within) if within else None
    rows = pd.DataFrame({"rt": rt, "correct": correct})[used]
    rows["x"] = 0.0 if axis is None else level_of(np.abs(table.loc[used, axis].to_numpy(float)))
    place = rows.groupby("x")["rt"].transform(lambda values: _bin(values.to_numpy(), n_bins))
    groups = rows.groupby(place.astype(int).to_numpy())
    n, k = groups.size().to_numpy(), groups["correct"].sum().to_numpy()
    low, high = wilson(k, n, level)
    columns = {
        "bin": list(groups.groups),
        "rt": groups["rt"].mean().to_numpy(),
        "n": n,
        "n_correct": k.astype(int),
        "accuracy": k / n,
        "low": low,
        "high": high,
    }
    return ConditionalAccuracy(
        table=pd.DataFrame(columns), within=axis, level=level, n_left_out=int((~used).sum())
    )


def _bin(values: np.ndarray, n_bins: int) -> np.ndarray:
    edges = np.quantile(values, np.arange(1, n_bins) / n_bins)
    return np.searchsorted(edges, values, side="left")
