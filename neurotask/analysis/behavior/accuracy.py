"""How often answers are right, beside what no cognition at all would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask._checks import number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import NO_CHOICE, choices_of, require, rows_of, scored
from neurotask.analysis.psychometrics.plot import wilson

_WITHHOLD = "withhold"
_SILENT = "no_response"
_BROKEN = "broken_fixation"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Accuracy:
    """The share of right answers, and that of observers who do not look.

    Args:
        accuracy: share of right answers among trials in which an answer is right.
        low: lower end of Wilson's interval.
        high: its upper end.
        level: its probability.
        n_trials: trials in which an answer is right.
        n_unscored: trials in which none is.
        no_response: share of all trials without an answer.
        broken_fixation: share of all trials in which one came too early.
        always: share that is right by always giving one answer, by the answer; "none" is never
            answering, as a network does that always fixates.
    """

    accuracy: float
    low: float
    high: float
    level: float
    n_trials: int
    n_unscored: int
    no_response: float
    broken_fixation: float
    always: dict[str, float]

    @property
    def chance(self) -> float:
        """Return the most that one and the same answer gives; NaN where answers are not known."""
        return max(self.always.values(), default=np.nan)

    @property
    def table(self) -> pd.DataFrame:
        """Return one row an observer: this one, and each that always answers alike."""
        own = {"observer": "this", "accuracy": self.accuracy, "low": self.low, "high": self.high}
        others = [
            {"observer": f"always {answer}", "accuracy": share}
            for answer, share in self.always.items()
        ]
        return pd.DataFrame([own, *others]).assign(n_trials=self.n_trials)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the shares as points, the observer's with its interval.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        table = self.table
        ax = axes_or_new(ax, (3.6, 0.9 + 0.3 * len(table)))
        place = np.arange(len(table))[::-1]
        blue = sns.color_palette("colorblind")[0]
        ax.plot(table["accuracy"], place, "o", color="0.6", markersize=5)
        ax.hlines(place[0], self.low, self.high, color=blue, linewidth=1.5)
        ax.plot(self.accuracy, place[0], "o", color=blue, markersize=6)
        ax.set_yticks(place, table["observer"])
        ax.set_xlim(-0.03, 1.03)
        ax.set_xlabel("P(correct)")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        return (
            f"<Accuracy: {self.accuracy:.3f} ({self.low:.3f} to {self.high:.3f}) of "
            f"{self.n_trials} trials in which an answer is right; by one and the same answer "
            f"{self.chance:.3f}; no response {self.no_response:.1%}, broken fixation "
            f"{self.broken_fixation:.1%} of all>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format, index=False)


@overload
def accuracy(data: Any, *, by: None = None, level: float = 0.95) -> Accuracy: ...
@overload
def accuracy(data: Any, *, by: str | Sequence[str], level: float = 0.95) -> Grouped[Accuracy]: ...
def accuracy(
    data: Any, *, by: str | Sequence[str] | None = None, level: float = 0.95
) -> Accuracy | Grouped[Accuracy]:
    """Return the share of right answers beside those of "always left" and "always fixate".

    A number of itself says little: where most steps or trials want the same, to do the same always
    scores high. No response and broken fixation count as wrong where an answer is right.

    Args:
        data: a Session, or a table with one row a trial and the column `correct` (NaN where no
            answer is right); with `answer`, the right one, the constant observers are known.
        by: name or names of what to group by.
        level: of the interval, between 0 and 1.

    Returns:
        An `Accuracy`, or with `by` a mapping from group to it.

    Raises:
        TypeError: if the data are no Session or table.
        ValueError: if they have no behaviour, or no trial in which an answer is right.

    Example:
        >>> import pandas as pd
        >>> trials = pd.DataFrame({
        ...     "correct": [1, 1, 0, 1], "answer": ["left", "left", "right", "left"]
        ... })
        >>> found = accuracy(trials)
        >>> found.accuracy, found.chance
        (0.75, 0.75)
    """
    number("level", level, low=0, high=1)
    return each_group(data, by, lambda part: _accuracy(part, level), together=False)


def _accuracy(data: Any, level: float) -> Accuracy:
    table = rows_of(data, ())
    require(table, "correct")
    correct = scored(table["correct"])
    counts = correct.notna()
    n = int(counts.sum())
    if n == 0:
        raise ValueError(
            f"`data` must have a trial in which an answer is right, got none of {len(table)}. "
            "Run trials of other conditions."
        )
    right = np.array([float(correct.sum())])
    low, high = wilson(right, np.array([float(n)]), level)
    outcome = table["outcome"] if "outcome" in table else pd.Series(dtype=str)
    return Accuracy(
        accuracy=float(right[0] / n),
        low=float(low[0]),
        high=float(high[0]),
        level=level,
        n_trials=n,
        n_unscored=len(table) - n,
        no_response=_share(outcome, _SILENT),
        broken_fixation=_share(outcome, _BROKEN),
        always=_always(table[counts]),
    )


def _share(outcome: pd.Series, value: str) -> float:
    return float((outcome == value).mean()) if len(outcome) else 0.0


def _always(table: pd.DataFrame) -> dict[str, float]:
    """The share right of each constant answer; of a name that the task has, also if it is 0."""
    if "answer" not in table:
        return {}
    answers = table["answer"].astype(str)
    names = [*map(str, choices_of(table)), *answers.unique()]
    shares = {name: float((answers == name).mean()) for name in dict.fromkeys(names)}
    shares[NO_CHOICE] = shares.pop(_WITHHOLD, 0.0)
    return shares
