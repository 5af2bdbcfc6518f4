"""Timing: bias, regression to the mean, and Weber fraction of produced intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask._checks import choose, number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import rows_of, stimulus_axis, unanswered
from neurotask.analysis.behavior.levels import level_of
from neurotask.analysis.behavior.reproduction import FIGURES, SPREADS, Moments, figures, line
from neurotask.analysis.behavior.resampling import N_DRAWS, percentiles, rng_for
from neurotask.analysis.behavior.timed import in_ms, reaction_times


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Weber:
    """Produced intervals over those that were right.

    `weber` makes it and defines the figures. What the data do not determine is NaN, and `status`,
    otherwise "ok", says why.

    Args:
        table: one row an interval: `interval`, `n`, `mean`, `sd`, `bias` (mean - interval), all in
            ms, and `weber_fraction` (sd / mean).
        parameters: the figures by name.
        intervals: their intervals: a column for each, rows `low` and `high`.
        axis: name of the interval that was right.
        produced: name of what was produced.
        status: "ok", or "undetermined: " and why.
        level: of the intervals.
        n_no_response: trials left out because nothing was produced.
    """

    table: pd.DataFrame
    parameters: dict[str, float]
    intervals: pd.DataFrame
    axis: str
    produced: str
    status: str
    level: float
    n_no_response: int

    @property
    def slope(self) -> float:
        """Return the slope of produced over right intervals; below 1: regression to the mean."""
        return self.parameters["slope"]

    @property
    def weber_fraction(self) -> float:
        """Return the standard deviation per mean of produced intervals, over all intervals."""
        return self.parameters["weber_fraction"]

    @property
    def n_trials(self) -> int:
        """Return the number of trials that were used."""
        return int(self.table["n"].sum())

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw mean and standard deviation of what was produced, the trend, and the diagonal.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the trend in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (3.8, 3.4))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        ends = np.array([t["interval"].min(), t["interval"].max()])
        ax.plot(ends, ends, "--", color="0.6", linewidth=1, label="_", zorder=0)
        ax.errorbar(
            t["interval"], t["mean"], t["sd"], fmt="o", color=color, markersize=5, linewidth=1
        )
        trend = self.parameters["intercept"] + self.slope * ends
        ax.plot(ends, trend, "-", color=color, linewidth=1.5, label=label or "_")
        ax.set_xlabel(f"{self.axis.replace('_', ' ')} (ms)")
        ax.set_ylabel("produced interval (ms), mean ± sd")
        bare(ax)
        return ax

    def plot_variability(
        self, ax: Axes | None = None, *, label: str | None = None, color: Any = None
    ) -> Axes:
        """Draw standard deviation over mean, and the line of the scalar property.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the line in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (3.8, 3.4))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        ax.plot(t["mean"], t["sd"], "o", color=color, markersize=5, label="_")
        ends = np.array([0.0, t["mean"].max()])
        ax.plot(ends, self.weber_fraction * ends, "-", color=color, label=label or "_")
        ax.set_xlabel("mean of produced intervals (ms)")
        ax.set_ylabel("standard deviation (ms)")
        ax.set_xlim(0, None)
        ax.set_ylim(0, None)
        bare(ax)
        return ax

    def __repr__(self) -> str:
        names = ("slope", "indifference", "rms_bias", "variability", "weber_fraction")
        values = ", ".join(f"{name}={self.parameters[name]:.4g}" for name in names)
        return (
            f"<Weber: {self.produced} over {self.axis}, {len(self.table)} intervals, "
            f"{self.n_trials} trials; {values}; {self.status}>"
        )

    def _repr_html_(self) -> str:
        rows = pd.concat([pd.DataFrame(self.parameters, index=["estimate"]), self.intervals])
        return rows.T.to_html(float_format="{:.4g}".format)


@overload
def weber(
    data: Any,
    *,
    axis: str | None = None,
    produced: str = "rt",
    by: None = None,
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Weber: ...
@overload
def weber(
    data: Any,
    *,
    axis: str | None = None,
    produced: str = "rt",
    by: str | Sequence[str],
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Grouped[Weber]: ...
def weber(
    data: Any,
    *,
    axis: str | None = None,
    produced: str = "rt",
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Weber | Grouped[Weber]:
    """Describe how intervals are produced: on average, and how reliably.

    Figures (times in ms): `slope` and `intercept` of produced over right intervals, and
    `indifference`, the interval that is produced without bias: a slope below 1 is regression to the
    mean. `rms_bias`, `variability` and their sum of squares, `rmse`^2. `weber_fraction`, the
    standard deviation per mean over all intervals; it is one number if timing is scalar, that is if
    the line through standard deviation over mean, `noise_slope` and `noise_floor`, has a floor
    of 0.

    Spread is about the trend, so that intervals that are pooled do not count as variability.
    Intervals of a single trial have no spread, and do not enter. Trials without a response are left
    out, and counted.

    Args:
        data: a Session of a task such as ready_set_go or interval_production, or a table with one
            row a trial.
        axis: name of the interval that is right, ms; unless given "right_interval" where the data
            have it, else the Session's attribute `psychometric_axis`.
        produced: name of what was produced, ms: the reaction time, from the start of production.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        level: of the intervals, by resampling trials of each interval 1000 times.
        n_bins: pools the intervals into so many groups of neighbours; unless given, into 10 where
            there are more than 50.
        seed: of the resampling.

    Returns:
        A `Weber`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, nothing was produced, no interval has two trials, or
            times are not in ms or intervals not above 0.

    Source: Jazayeri & Shadlen (2010) Nat. Neurosci. 13:1020; Gibbon (1977) Psychological Review
        84:279.

    Example:
        A Weber fraction of 0.1, drawn halfway to 1000 ms:

        >>> rng = np.random.default_rng(0)
        >>> interval = np.repeat([800.0, 1000.0, 1200.0], 200)
        >>> mean = (interval + 1000.0) / 2
        >>> table = pd.DataFrame({"interval": interval, "rt": rng.normal(mean, 0.1 * mean)})
        >>> result = weber(table, axis="interval")
        >>> round(result.slope, 1), round(result.weber_fraction, 2)
        (0.5, 0.1)
    """
    number("level", level, low=0, high=1)

    def analyse(part: Any) -> Weber:
        table = rows_of(part, ())
        wanted = axis
        if axis is None and "right_interval" in table:
            wanted = "right_interval"
        return _analyse(table, stimulus_axis(table, wanted), produced, level, n_bins, seed)

    return each_group(data, by, analyse, together=True)


def _analyse(
    table: pd.DataFrame, axis: str, produced: str, level: float, n_bins: int | None, seed: int
) -> Weber:
    choose("produced", produced, map(str, table.columns))
    times = reaction_times(table, produced)
    used = times.notna() & ~unanswered(table)
    _check_intervals(axis, table.loc[used, axis])
    rows = pd.DataFrame({"t": table[axis].astype(float), "y": times})[used]
    rows["level"] = level_of(rows["t"].to_numpy(), n_bins)
    size = rows.groupby("level")["y"].transform("size")
    if not (size > 1).any():
        raise ValueError(
            f"`{axis}` must have an interval with two responses or more, got {len(rows)} responses "
            f"to {rows['level'].nunique()} intervals. Run more trials, or pool them by `n_bins`."
        )
    several = rows[size > 1]
    moments = _moments(several)
    values = {name: float(value) for name, value in figures(moments).items()}
    drawn = figures(_resampled(several, moments.n, seed), times_drawn=2)
    ends = percentiles(np.stack([drawn[name] for name in FIGURES]), level)
    intervals = pd.DataFrame(ends, index=["low", "high"], columns=list(FIGURES))
    for name in SPREADS:
        if values[name] == 0:
            continue
        # The ratio of drawn to estimate is as that of estimate to truth.
        intervals[name] = values[name] ** 2 / intervals[name].to_numpy()[::-1]
    one = len(moments.wanted) == 1
    sd = np.sqrt(moments.variance)
    columns = {
        "interval": moments.wanted,
        "n": moments.n,
        "mean": moments.mean,
        "sd": sd,
        "bias": moments.mean - moments.wanted,
        "weber_fraction": sd / moments.mean,
    }
    return Weber(
        table=pd.DataFrame(columns),
        parameters=values,
        intervals=intervals,
        axis=axis,
        produced=produced,
        status="undetermined: one interval gives no slope" if one else "ok",
        level=level,
        n_no_response=int((~used).sum()),
    )


def _check_intervals(axis: str, intervals: pd.Series) -> None:
    if (intervals <= 0).any():
        raise ValueError(
            f"`axis` must name intervals in ms above 0, got {intervals.min():g} in {axis!r}. Name "
            "the interval that was to be produced."
        )
    in_ms(axis, intervals)


def _moments(rows: pd.DataFrame) -> Moments:
    groups = rows.groupby("level")
    n, wanted, mean = groups.size(), groups["t"].mean(), groups["y"].mean()
    spread = _off_trend(rows).groupby(rows["level"]).var()
    return Moments(wanted.to_numpy(), n.to_numpy(), mean.to_numpy(), spread.to_numpy())


def _off_trend(rows: pd.DataFrame) -> pd.Series:
    """What was produced, less what the trend makes of the place of an interval in its group."""
    slope, _ = line(rows["t"].to_numpy(), rows["y"].to_numpy(), np.ones(len(rows)))
    inside = rows["t"] - rows.groupby("level")["t"].transform("mean")
    return rows["y"] - (inside * slope if np.isfinite(slope) else 0.0)


def _resampled(rows: pd.DataFrame, n: np.ndarray, seed: int) -> Moments:
    """Moments of resampled trials, each interval's among themselves: (draw, level)."""
    rng = rng_for(seed, rows["y"].to_numpy())
    means, variances, wanted = [], [], []
    flat = rows.assign(y=_off_trend(rows))
    for _, part in flat.groupby("level"):
        values = part["y"].to_numpy()
        drawn = values[rng.integers(len(values), size=(N_DRAWS, len(values)))]
        means.append(drawn.mean(1))
        # Of resampled values it is smaller than that of the data, by this factor on average.
        variances.append(drawn.var(1, ddof=1) * len(values) / (len(values) - 1))
        wanted.append(part["t"].mean())
    return Moments(np.array(wanted), n, np.stack(means, 1), np.stack(variances, 1))
