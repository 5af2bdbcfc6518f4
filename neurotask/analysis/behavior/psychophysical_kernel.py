"""Psychophysical kernels: what in the input, and when, the choice went with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from neurotask._checks import choose, count, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.behavior.fluctuations import fluctuations
from neurotask.analysis.behavior.kernel_estimates import FEWEST, average, regression

Method = Literal["average", "logistic"]
Band = Literal["bootstrap", "permutation"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PsychophysicalKernel:
    """How the fluctuations of an input went with the choice, over time.

    `psychophysical_kernel` makes it.

    Args:
        table: one row a time: `time` (ms from the event; the middle of a bin), `kernel`, `low` and
            `high` (of the band), `n_positive` and `n_other` (trials of either choice that have data
            there). NaN where either has fewer than 10.
        method: "average" (in the unit of the input) or "logistic" (log odds per unit of input, over
            a whole bin).
        band: "bootstrap": about the kernel; "permutation": about 0, what chance gives; of the
            logistic regression the band is that of its curvature, "curvature".
        channel: the input, or the difference of two.
        choice: the choice that the kernel is of.
        align: the phase.
        to: "stimulus" or "response": where time is 0.
        level: of the band.
        status: "ok", or "undetermined: " and why.
        n_trials: number of trials that were used.
        n_no_response: trials left out because no valid choice (or time) was given.
        n_alone: trials left out because no other has their condition.
    """

    table: pd.DataFrame
    method: Method
    band: str
    channel: str
    choice: Any
    align: str
    to: str
    level: float
    status: str
    n_trials: int
    n_no_response: int
    n_alone: int

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: Any = None) -> Axes:
        """Draw the kernel over time with its band.

        Args:
            ax: where to draw; a new figure unless given.
            label: of the kernel in the legend.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.2, 3.0))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        faint = {"alpha": 0.2, "linewidth": 0}
        shade = "0.4" if self.band == "permutation" else color
        ax.fill_between(t["time"], t["low"], t["high"], color=shade, **faint)
        marker = "o-" if len(t) <= 15 else "-"
        ax.plot(t["time"], t["kernel"], marker, color=color, markersize=4, label=label or "_")
        event = f"start of {self.align}" if self.to == "stimulus" else "response"
        ax.set_xlabel(f"time from {event} (ms)")
        what, unit = "kernel", "input units"
        if self.method == "logistic":
            what, unit = "weight", "log odds per unit"
        words = self.channel.replace("_", " ")
        ax.set_ylabel(f"{what} of choice {self.choice},\n{words}\n({unit})")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        event = f"start of {self.align}" if self.to == "stimulus" else "response"
        return (
            f"<PsychophysicalKernel ({self.method}) of {self.channel} on P({self.choice}), "
            f"{len(self.table)} times from {self.table['time'].iloc[0]:g} to "
            f"{self.table['time'].iloc[-1]:g} ms from the {event}, {self.n_trials} trials; "
            f"{self.status}; left out {self.n_no_response} without a response, {self.n_alone} "
            "alone in their condition>"
        )


@overload
def psychophysical_kernel(
    session: xr.Dataset,
    *,
    channel: str,
    minus: str | None = None,
    align: str = "stimulus",
    to: Literal["stimulus", "response"] = "stimulus",
    condition: str | Sequence[str] | None = None,
    method: Method = "average",
    n_bins: int = 8,
    by: None = None,
    choice: Any = None,
    band: Band = "bootstrap",
    level: float = 0.95,
    seed: int = 0,
) -> PsychophysicalKernel: ...
@overload
def psychophysical_kernel(
    session: xr.Dataset,
    *,
    channel: str,
    minus: str | None = None,
    align: str = "stimulus",
    to: Literal["stimulus", "response"] = "stimulus",
    condition: str | Sequence[str] | None = None,
    method: Method = "average",
    n_bins: int = 8,
    by: str | Sequence[str],
    choice: Any = None,
    band: Band = "bootstrap",
    level: float = 0.95,
    seed: int = 0,
) -> Grouped[PsychophysicalKernel]: ...
def psychophysical_kernel(
    session: xr.Dataset,
    *,
    channel: str,
    minus: str | None = None,
    align: str = "stimulus",
    to: Literal["stimulus", "response"] = "stimulus",
    condition: str | Sequence[str] | None = None,
    method: Method = "average",
    n_bins: int = 8,
    by: str | Sequence[str] | None = None,
    choice: Any = None,
    band: Band = "bootstrap",
    level: float = 0.95,
    seed: int = 0,
) -> PsychophysicalKernel | Grouped[PsychophysicalKernel]:
    """Find when the noise of the input moves the choice, by reverse correlation.

    A fluctuation is the input less the mean of its condition at that time. The kernel is the mean
    fluctuation before one choice less that before the other ("average"), or the weights of a
    logistic regression of choice on the mean fluctuation in each of `n_bins` bins of time and on
    the condition ("logistic"). An observer that weighs all the evidence alike has a flat kernel;
    one that decides early has one that falls, though it may only have stopped to listen: with free
    reaction times, kernels fall towards the end since fewer trials go on, and rise towards the
    response. Weak stimuli say most, since strong ones leave the noise no part: take
    `session.isel(trial=abs(session.coherence) < 0.1)`.

    A step counts while it lies in the phase `align` and, where a reaction time from the start of
    that phase is known, up to the response. Elsewhere, and behind the end of a trial, there is no
    data, which is never taken for zero: each time has the trials that reach it. In the logistic
    regression, a bin that a trial does not reach is evidence it did not see, and adds nothing.

    Args:
        session: a Session with inputs and behaviour; blocks are cut into their trials.
        channel: name of an input.
        minus: name of an input that is taken off, for the difference of two.
        align: the phase in which evidence comes in.
        to: "stimulus": time 0 is the start of the phase; "response": it is the reaction time
            (counted from the start of the phase) behind it.
        condition: coordinates of `trial` whose combinations have one mean each; the Session's
            attribute `psychometric_axis` unless given, () for the mean of all.
        method: "average" or "logistic".
        n_bins: bins of time of equal width ("logistic").
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        choice: the choice whose kernel it is; the second of the Session's attribute `choices`
            unless given.
        band: of the average: "bootstrap" resamples trials 1000 times, "permutation" shuffles the
            choices of each condition 1000 times.
        level: of the band, pointwise.
        seed: of the resampling.

    Returns:
        A `PsychophysicalKernel`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if it is no Session with inputs.
        ValueError: if a name is unknown, no condition has two trials, one choice is never made, the
            channel does not vary within any condition, or there are no reaction times to align to.

    Source: Ahumada (1996) Perception 25, ECVP abstract supplement, 18; Nienborg & Cumming (2009)
        Nature 459:89 (over time); Okazawa, Sha, Purcell & Kiani (2018) Nat. Commun. 9:3479
        (what a bound and reaction times make of it).
    """
    choose("method", method, ("average", "logistic"))
    choose("band", band, ("bootstrap", "permutation"))
    count("n_bins", n_bins)
    number("level", level, low=0, high=1)
    conditions = None if condition is None else names_of("condition", condition)

    def analyse(part: xr.Dataset) -> PsychophysicalKernel:
        data = fluctuations(part, channel, minus, conditions, align, to, choice)
        n = int(data.positive.sum())
        if n in (0, len(data.positive)):
            raise ValueError(
                f"`choice` must be made in some trials and not in others, got {n} of "
                f"{len(data.positive)} for {data.choice!r}. Take trials with weaker stimuli."
            )
        if method == "average":
            table, status = average(data, band, level, seed), "ok"
        else:
            table, status = regression(data, n_bins, level)
        if table["kernel"].isna().all() and status == "ok":
            status = f"undetermined: no time has {FEWEST} trials of either choice"
        return PsychophysicalKernel(
            table=table,
            method=method,
            band=band if method == "average" else "curvature",
            channel=data.channel,
            choice=data.choice,
            align=align,
            to=to,
            level=level,
            status=status,
            n_trials=len(data.positive),
            n_no_response=data.n_no_response,
            n_alone=data.n_alone,
        )

    return each_group(session, by, analyse, together=True)
