"""Chronometric functions: how long answers take, by stimulus."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neurotask._checks import choose, number
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.behavior import chronometric_plot as plotting
from neurotask.analysis.behavior.resampling import percentiles, resampled, rng_for, t_interval
from neurotask.analysis.behavior.timed import Form, Timed, timed

Statistic = Literal["mean", "median"]
Interval = Literal["bootstrap", "t"]

_ANSWERS = ("correct", "error", "unscored")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Chronometric:
    """Reaction times by level of the stimulus, those of correct answers and of errors apart.

    `chronometric` makes it.

    Args:
        table: one row for each level and answer that occurs: `x`; `answer` ("correct", "error", or
            "unscored" where no answer is right); `n`; `rt` (mean or median, ms); `low` and `high`,
            the ends of its interval; `sd`; and a column for each quantile, as `q0.1` (all in ms).
        quantiles: which quantiles, between 0 and 1.
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        form: "signed" or "absolute": whether `x` carries a sign.
        statistic: "mean" or "median": what `rt` is.
        level: of the intervals.
        n_no_response: trials left out because no valid choice was made.
        n_no_rt: trials left out because an answer has no reaction time.
    """

    table: pd.DataFrame
    quantiles: tuple[float, ...]
    axis: str
    units: str
    form: Form
    statistic: Statistic
    level: float
    n_no_response: int
    n_no_rt: int

    @property
    def n_trials(self) -> int:
        """Return the number of trials that were used."""
        return int(self.table["n"].sum())

    @property
    def quantile_probability(self) -> pd.DataFrame:
        """Return the quantiles of reaction time against how often the answer was given.

        One row for each level, answer and quantile: `x`, `answer`, `n`, `probability` (share of the
        answer among the scored answers at its level), `quantile`, `rt` (ms). Levels where no answer
        is right are left out.

        Source: Ratcliff & Tuerlinckx (2002) Psychonomic Bulletin & Review 9:438.
        """
        part = self.table[self.table["answer"] != "unscored"]
        share = part["n"] / part.groupby("x")["n"].transform("sum")
        names = {f"q{q:g}": q for q in self.quantiles}
        wide = part[["x", "answer", "n", *names]].assign(probability=share)
        keys = ["x", "answer", "n", "probability"]
        long = wide.melt(keys, var_name="quantile", value_name="rt")
        long["quantile"] = long["quantile"].map(names)
        return long.sort_values(["x", "answer", "quantile"], ignore_index=True)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        label: str | None = None,
        color: Any = None,
        xlabel: str | None = None,
    ) -> Axes:
        """Draw reaction time over the stimulus: correct answers filled, errors hollow and dashed.

        Where no answer is right, a point stands as a diamond.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve of correct answers in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.
            xlabel: of the axis; its name and unit unless given.

        Returns:
            The axes.
        """
        return plotting.draw(self, ax, label, color, xlabel)

    def plot_quantile_probability(self, ax: Axes | None = None, *, color: Any = None) -> Axes:
        """Draw the quantiles of reaction time over the probability of the answer.

        Args:
            ax: where to draw; a new figure unless given.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        return plotting.draw_quantile_probability(self, ax, color)

    def __repr__(self) -> str:
        n = self.table.groupby("answer")["n"].sum()
        counts = ", ".join(f"{n[one]} {one}" for one in _ANSWERS if one in n)
        return (
            f"<Chronometric: {self.statistic} reaction time over {self.form} {self.axis}, "
            f"{self.table['x'].nunique()} levels, {self.n_trials} trials ({counts}); left out "
            f"{self.n_no_response} without a response, {self.n_no_rt} without a reaction time>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


@overload
def chronometric(
    data: Any,
    *,
    axis: str | None = None,
    by: None = None,
    form: Form | None = None,
    statistic: Statistic = "mean",
    quantiles: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    interval: Interval = "bootstrap",
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Chronometric: ...
@overload
def chronometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str],
    form: Form | None = None,
    statistic: Statistic = "mean",
    quantiles: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    interval: Interval = "bootstrap",
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Grouped[Chronometric]: ...
def chronometric(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    form: Form | None = None,
    statistic: Statistic = "mean",
    quantiles: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    interval: Interval = "bootstrap",
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Chronometric | Grouped[Chronometric]:
    """Describe how reaction times depend on a stimulus, correct answers and errors apart.

    Slow errors, fast errors and a curve that rises towards weak stimuli are what models of
    decisions are told apart by. Where no answer is right (a coherence of 0) an answer is neither
    correct nor an error: "unscored".

    Left out, and counted in the result, are trials without a valid choice and answers without a
    reaction time.

    Args:
        data: a Session, or a table with one row a trial: the column `axis`, `correct` (1, 0 or
            NaN), `rt` (ms), and if there is one `choice`.
        axis: name of the stimulus; a Session's attribute `psychometric_axis` unless given.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        form: "signed" keeps the sign of the stimulus, "absolute" takes its strength; unless given,
            signed where the axis takes negative values.
        statistic: "mean" or "median".
        quantiles: quantiles of reaction time, between 0 and 1.
        interval: of the mean or the median: "bootstrap", which resamples the trials of each level
            and answer 1000 times, or "t" (of the mean). NaN of a single trial.
        level: of the interval.
        n_bins: pools the stimulus into so many groups of neighbours, each at its mean; unless
            given, into 10 where there are more than 50 levels.
        seed: of the bootstrap.

    Returns:
        A `Chronometric`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, no trial has a reaction time, or they are not in ms.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("reaction_time_discrimination")
        >>> trials = task.grid(repeats=50, seed=0)
        >>> table = task.behavior(trials, task.observer(trials))
        >>> result = chronometric(table, form="absolute")
        >>> correct = result.table.query("answer == 'correct'")
        >>> bool(correct["rt"].is_monotonic_decreasing)
        True
    """
    choose("statistic", statistic, ("mean", "median"))
    if choose("interval", interval, ("bootstrap", "t")) == "t" and statistic != "mean":
        raise ValueError(
            f'`interval` must be "bootstrap" for a {statistic}, got "t". Student\'s t is that of a '
            "mean."
        )
    number("level", level, low=0, high=1)
    shares = tuple(number("quantiles", q, low=0, high=1) for q in quantiles)

    def analyse(part: Any) -> Chronometric:
        trials = timed(part, axis, form, n_bins)
        return Chronometric(
            table=_tabulate(trials, statistic, shares, interval, level, seed),
            quantiles=shares,
            axis=trials.axis,
            units=trials.units,
            form=trials.form,
            statistic=statistic,
            level=level,
            n_no_response=trials.n_no_response,
            n_no_rt=trials.n_no_rt,
        )

    return each_group(data, by, analyse, together=True)


def _tabulate(
    trials: Timed,
    statistic: Statistic,
    quantiles: tuple[float, ...],
    interval: Interval,
    level: float,
    seed: int,
) -> pd.DataFrame:
    rows = trials.rows
    answer = np.select([rows["correct"] == 1, rows["correct"] == 0], _ANSWERS[:2], _ANSWERS[2])
    middle = np.mean if statistic == "mean" else np.median
    lines = []
    for (x, which), rt in rows["rt"].groupby([rows["x"], answer]):
        values = rt.to_numpy()
        if len(values) < 2:
            ends = np.full(2, np.nan)
        elif interval == "t":
            ends = t_interval(values, level)
        else:
            rng = rng_for(seed, values)
            ends = percentiles(resampled(values, lambda v: middle(v, axis=-1), rng), level)
        sd = values.std(ddof=1) if len(values) > 1 else np.nan
        lines.append([x, which, len(values), middle(values), *ends, sd])
        lines[-1] += list(np.quantile(values, quantiles))
    names = ["x", "answer", "n", "rt", "low", "high", "sd", *(f"q{q:g}" for q in quantiles)]
    return pd.DataFrame(lines, columns=names)
