"""Signal detection: how well signal and noise are told apart, and how ready one is to say yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from scipy.special import ndtri

from neurotask._checks import choose, number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import rows_of, stimulus_axis, unanswered
from neurotask.analysis.behavior.detection_counts import (
    count_correct,
    count_yes,
    score_correct,
    score_yes,
)
from neurotask.analysis.behavior.points import points
from neurotask.analysis.behavior.timed import axis_label

Design = Literal["yes_no", "2afc"]
Correction = Literal["loglinear"] | None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SignalDetection:
    """Sensitivity and criterion, over all signals and at each strength.

    `signal_detection` makes it.

    Args:
        table: one row a strength, and one over all of them, whose `x` is NaN: `x`, `n_signal`,
            `hits`, `n_noise`, `false_alarms` (2AFC: `n_trials`, `n_correct`), the rates after
            correction, `d_prime`, `criterion`, `log_beta`, `beta`, `low` and `high` of the first
            two (`d_prime_low` ...), and `status`.
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        design: "yes_no" or "2afc".
        correction: "loglinear" or None.
        level: of the intervals.
        n_no_response: trials left out because no valid choice was made.
        n_unscored: trials left out because they are neither signal nor noise.
    """

    table: pd.DataFrame
    axis: str
    units: str
    design: Design
    correction: Correction
    level: float
    n_no_response: int
    n_unscored: int

    @property
    def d_prime(self) -> float:
        """Return the sensitivity over all strengths."""
        return float(self._all["d_prime"])

    @property
    def criterion(self) -> float:
        """Return the criterion c: above 0 where "yes" is said seldom (NaN for 2AFC)."""
        return float(self._all["criterion"])

    @property
    def beta(self) -> float:
        """Return the ratio of the likelihoods at the criterion (NaN for 2AFC)."""
        return float(self._all["beta"])

    @property
    def status(self) -> str:
        """Return "ok", or what is odd about the rates over all strengths."""
        return str(self._all["status"])

    @property
    def _all(self) -> pd.Series:
        return self.table[self.table["x"].isna()].iloc[0]

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw sensitivity over the strength of the signal; hollow where `status` is not "ok".

        Args:
            ax: where to draw; a new figure unless given.
            label: of the curve in the legend; unless given, the legend says what hollow points
                are, where there are any.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.2, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table[self.table["x"].notna()]
        words, times = axis_label(self.axis, self.units, t["x"].to_numpy())
        x = times * t["x"]
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        ax.vlines(x, t["d_prime_low"], t["d_prime_high"], color=color, linewidth=1)
        ax.plot(x, t["d_prime"], "-", color=color, label=label or "_")
        points(ax, x, t["d_prime"], t["status"], color, named=label is None)
        ax.set_xlabel(words)
        ax.set_ylabel("sensitivity d'")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        one = self._all
        n = one["n_trials"] if self.design == "2afc" else one["n_signal"] + one["n_noise"]
        figures = ", ".join(f"{name}={one[name]:.4g}" for name in ("d_prime", "criterion", "beta"))
        kind = "2AFC" if self.design == "2afc" else "yes/no"
        return (
            f"<SignalDetection ({kind}, correction: {self.correction}) over {self.axis}, "
            f"{int(n)} trials; {figures}; {self.status}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


@overload
def signal_detection(
    data: Any,
    *,
    axis: str | None = None,
    by: None = None,
    design: Design = "yes_no",
    choice: Any = None,
    correction: Correction = "loglinear",
    level: float = 0.95,
    n_bins: int | None = None,
) -> SignalDetection: ...
@overload
def signal_detection(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str],
    design: Design = "yes_no",
    choice: Any = None,
    correction: Correction = "loglinear",
    level: float = 0.95,
    n_bins: int | None = None,
) -> Grouped[SignalDetection]: ...
def signal_detection(
    data: Any,
    *,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    design: Design = "yes_no",
    choice: Any = None,
    correction: Correction = "loglinear",
    level: float = 0.95,
    n_bins: int | None = None,
) -> SignalDetection | Grouped[SignalDetection]:
    """Tell sensitivity from readiness to say yes.

    - design "yes_no": with H the rate of hits and F that of false alarms, d' = z(H) - z(F),
      criterion c = -(z(H) + z(F)) / 2, beta = exp(c d'). Signals are trials with a stimulus above
      0. Noise are those below 0 where the axis takes negative values (go/no-go; left and right,
      where "yes" is right, and each strength is told from its opposite) and those at 0 where it
      does not (detection; all strengths share the false alarms). At 0 of an axis with both signs
      there is neither, and such trials are left out, and counted.
    - design "2afc": d' = sqrt(2) z(Pc), from the share Pc of correct answers; it takes the two
      alternatives to be chosen without bias, and there is no criterion.

    Where there is one choice (go or not) to make none is the other answer; else a trial without a
    valid choice is left out, and counted.

    The log-linear correction adds 1/2 to hits, false alarms and correct answers, and 1 to trials,
    at all rates, so that none is 0 or 1; `status` says which were. Without it d' is infinite there,
    and has no interval.

    Args:
        data: a Session, or a table with one row a trial: the column `axis`, and `choice` (yes/no)
            or `correct` (2AFC).
        axis: name of the stimulus; a Session's attribute `psychometric_axis` unless given.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        design: "yes_no" or "2afc".
        choice: the choice that means yes; the last of the Session's attribute `choices` unless
            given, or 1 where choices are 0 and 1. Of two choices other than "no" and "yes" it must
            be given where the axis has no values below 0, since such an axis may be no signal.
        correction: "loglinear" or None.
        level: of the intervals, from the variance of z of a proportion.
        n_bins: pools the strengths into so many groups of neighbours; unless given, into 10 where
            there are more than 50.

    Returns:
        A `SignalDetection`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, it is not known which choice means yes, or there are no
            trials with a signal or none without.

    Source: Green & Swets (1966) Signal Detection Theory and Psychophysics, Wiley; Hautus (1995)
        Behavior Research Methods 27:46 (correction); Gourevitch & Galanter (1967) Psychometrika
        32:25 (variance).

    Example:
        >>> table = pd.DataFrame({
        ...     "strength": [1.0] * 100 + [0.0] * 100,
        ...     "choice": ["yes"] * 84 + ["no"] * 16 + ["yes"] * 16 + ["no"] * 84,
        ... })
        >>> result = signal_detection(table, axis="strength", choice="yes", correction=None)
        >>> round(result.d_prime, 2), abs(round(result.criterion, 2))
        (1.99, 0.0)
    """
    choose("design", design, ("yes_no", "2afc"))
    if correction is not None:
        choose("correction", correction, ("loglinear",))
    number("level", level, low=0, high=1)

    def analyse(part: Any) -> SignalDetection:
        table = rows_of(part, ())
        name = stimulus_axis(table, axis)
        silent = unanswered(table)
        half, z = 0.5 if correction else 0.0, float(ndtri((1 + level) / 2))
        if design == "2afc":
            counts, n_unscored = count_correct(table, name, silent, n_bins)
            scores = score_correct(counts, half, z)
        else:
            counts, n_unscored = count_yes(table, name, silent, choice, n_bins)
            scores = score_yes(counts, half, z)
        return SignalDetection(
            table=scores,
            axis=name,
            units=table.attrs.get("units", {}).get(name, ""),
            design=design,
            correction=correction,
            level=level,
            n_no_response=int(silent.sum()),
            n_unscored=n_unscored,
        )

    return each_group(data, by, analyse, together=True)
