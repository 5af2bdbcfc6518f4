"""Weber fractions of discrimination: the just noticeable difference per standard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neurotask._checks import number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import require, rows_of, stimulus_axis
from neurotask.analysis.behavior.levels import level_of, stimulus_named
from neurotask.analysis.psychometrics.psychometric import psychometric


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WeberDiscrimination:
    """Thresholds of discrimination by standard.

    `weber_discrimination` makes it.

    Args:
        table: one row a standard: `standard`, `n`, `threshold` (in the unit of the standard),
            `weber_fraction` (threshold / standard), each with the ends of its interval (`_low`,
            `_high`), `bias`, and `status`, as that of the psychometric fit.
        axis: name of the difference.
        standard: name of the standard.
        level: of the intervals.
    """

    table: pd.DataFrame
    axis: str
    standard: str
    level: float

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw the Weber fraction over the standard: flat where Weber's law holds.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (3.8, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        low, high = t["weber_fraction_low"], t["weber_fraction_high"]
        ax.vlines(t["standard"], low, high, color=color, linewidth=1)
        shown = {"color": color, "markersize": 5, "label": label or "_"}
        ax.plot(t["standard"], t["weber_fraction"], "o-", **shown)
        ax.set_xlabel(self.standard.replace("_", " "))
        ax.set_ylabel("Weber fraction")
        ax.set_ylim(0, None)
        bare(ax)
        return ax

    def __repr__(self) -> str:
        values = ", ".join(
            f"{one.weber_fraction:.3g} at {one.standard:.4g}" for one in self.table.itertuples()
        )
        return f"<WeberDiscrimination: {self.axis} over {self.standard}; {values}>"

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


@overload
def weber_discrimination(
    data: Any,
    *,
    standard: str,
    axis: str | None = None,
    by: None = None,
    level: float = 0.95,
    n_bins: int | None = 4,
    **settings: Any,
) -> WeberDiscrimination: ...
@overload
def weber_discrimination(
    data: Any,
    *,
    standard: str,
    axis: str | None = None,
    by: str | Sequence[str],
    level: float = 0.95,
    n_bins: int | None = 4,
    **settings: Any,
) -> Grouped[WeberDiscrimination]: ...
def weber_discrimination(
    data: Any,
    *,
    standard: str,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    n_bins: int | None = 4,
    **settings: Any,
) -> WeberDiscrimination | Grouped[WeberDiscrimination]:
    """Fit a psychometric curve over a difference at each standard, and divide its threshold by it.

    The threshold is the difference from the bias at which the curve has gone 3/4 of its height, as
    `psychometric` defines it; 0.67 standard deviations of a cumulative Gaussian.

    Args:
        data: a Session of a task such as interval_discrimination or delayed_discrimination, or a
            table with one row a trial: the columns `axis`, `standard` and `choice`.
        standard: name of the stimulus that the other is compared with, in the unit of the axis, for
            example "first".
        axis: name of the difference; a Session's attribute `psychometric_axis` unless given.
        by: name or names of what to group by.
        level: of the intervals.
        n_bins: pools the standards into so many groups of neighbours, each at its mean; None to
            take each by itself.
        **settings: what `psychometric` takes, as `sigmoid` or `lapse_rate`.

    Returns:
        A `WeberDiscrimination`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, the standard is not above 0, or a standard has fewer than
            three levels of the axis.
    """
    number("level", level, low=0, high=1)

    def analyse(part: Any) -> WeberDiscrimination:
        table = rows_of(part, ())
        name = stimulus_axis(table, axis)
        require(table, standard)
        values = table[stimulus_named("standard", table, standard)].to_numpy(float)
        if (values <= 0).any():
            raise ValueError(
                f"`standard` must name values above 0, got {values.min():g} in {standard!r}. A "
                "fraction of 0 has no meaning."
            )
        groups = table.groupby(level_of(values, n_bins) if n_bins else values)
        attrs = dict(table.attrs)
        lines = []
        for middle, rows in groups:
            rows.attrs = attrs
            fit: Any = psychometric(rows, axis=name, form="signed", **settings)
            low, high = fit.interval(level)["threshold"]
            line = {"standard": middle, "n": fit.n_trials, "threshold": fit.threshold}
            line |= {"threshold_low": low, "threshold_high": high}
            for end in ("", "_low", "_high"):
                line[f"weber_fraction{end}"] = line[f"threshold{end}"] / middle
            lines.append(line | {"bias": fit.bias, "status": fit.status})
        return WeberDiscrimination(
            table=pd.DataFrame(lines), axis=name, standard=standard, level=level
        )

    return each_group(data, by, analyse, together=True)
