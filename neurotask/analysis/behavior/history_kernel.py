"""History kernels: how past choices and their outcomes weigh on the present one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy.special import chdtrc, ndtri

from neurotask._checks import count, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis._rows import require, rows_of, stimulus_axis
from neurotask.analysis.behavior.history_design import KERNELS, Design, design, kernel_label
from neurotask.analysis.behavior.logistic import logistic
from neurotask.analysis.behavior.past import one_of_two


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HistoryKernel:
    """Weights of a logistic regression of choice on the stimulus and on the past.

    `history_kernel` makes it. What the data do not determine is NaN, and `status`, otherwise "ok",
    says why.

    Args:
        table: one row a weight: `kernel` ("bias", the name of a stimulus, or that of a part of
            history), `lag` (trials back, 0 for bias and stimulus), `weight` (log odds per unit of
            the regressor), `se`, `low`, `high`.
        choice: the choice that P is the probability of.
        outcome: what tells a correct or rewarded trial, or None.
        n_back: number of trials back.
        penalty: of the ridge, 0 for none.
        level: of the intervals.
        status: "ok", "separated: " and what it means, or "undetermined: " and why.
        history_deviance: twice the log likelihood that history adds to bias and stimulus.
        history_p: chance of so much or more without history (chi-squared); NaN with a penalty.
        n_trials: number of trials that were fitted.
        n_no_response: trials left out because no valid choice was made.
        n_no_history: trials left out because one of the `n_back` before is missing.
    """

    table: pd.DataFrame
    choice: Any
    outcome: str | None
    n_back: int
    penalty: float
    level: float
    status: str
    history_deviance: float
    history_p: float
    n_trials: int
    n_no_response: int
    n_no_history: int

    @property
    def weights(self) -> pd.DataFrame:
        """Return the weights of history: lags as rows, a column for each kernel."""
        part = self.table[self.table["lag"] > 0]
        wide = part.pivot(index="lag", columns="kernel", values="weight")
        return wide[[name for name in KERNELS if name in wide]]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the weights of history over lags, a line a kernel, with their intervals.

        Args:
            ax: where to draw; a new figure unless given.

        Returns:
            The axes.
        """
        ax = axes_or_new(ax, (4.2, 3.2))
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        names = list(self.weights)
        for place, name in enumerate(names):
            color = sns.color_palette("colorblind")[list(KERNELS).index(name)]
            part = self.table[self.table["kernel"] == name]
            x = part["lag"] + 0.08 * (place - (len(names) - 1) / 2)  # so that bars do not overlap
            ax.vlines(x, part["low"], part["high"], color=color, linewidth=1)
            label = kernel_label(name, self.outcome)
            ax.plot(x, part["weight"], "o-", color=color, markersize=5, label=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("trials back")
        ax.set_ylabel(f"weight on P({self.choice}) (log odds)")
        ax.legend(frameon=False, fontsize="small")
        bare(ax)
        return ax

    def __repr__(self) -> str:
        first = self.weights.iloc[0]
        values = ", ".join(f"{name}={value:.3g}" for name, value in first.items())
        return (
            f"<HistoryKernel of P({self.choice}), {self.n_back} trials back, {self.n_trials} "
            f"trials; one back: {values}; {self.status}; left out {self.n_no_response} without a "
            f"response, {self.n_no_history} without a full history>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


@overload
def history_kernel(
    data: Any,
    *,
    n_back: int = 3,
    axis: str | Sequence[str] | None = None,
    outcome: str | None = "correct",
    session: str | Sequence[str] | None = None,
    by: None = None,
    choice: Any = None,
    penalty: float = 0.0,
    level: float = 0.95,
) -> HistoryKernel: ...
@overload
def history_kernel(
    data: Any,
    *,
    n_back: int = 3,
    axis: str | Sequence[str] | None = None,
    outcome: str | None = "correct",
    session: str | Sequence[str] | None = None,
    by: str | Sequence[str],
    choice: Any = None,
    penalty: float = 0.0,
    level: float = 0.95,
) -> Grouped[HistoryKernel]: ...
def history_kernel(
    data: Any,
    *,
    n_back: int = 3,
    axis: str | Sequence[str] | None = None,
    outcome: str | None = "correct",
    session: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    choice: Any = None,
    penalty: float = 0.0,
    level: float = 0.95,
) -> HistoryKernel | Grouped[HistoryKernel]:
    """Regress choices on the stimulus and on previous choices, by their outcome.

    With c = 1 for one of two choices and -1 for the other, and j trials back,

        ln P / (1 - P) = bias + stimulus weights . x
                         + sum_j after_correct_j c_j [j was correct]
                         + sum_j after_error_j c_j [j was an error]

    and, where there are past trials whose outcome is not known or in which no answer was right,
    after_unscored_j for these. A weight above 0 is to repeat a choice, one below 0 to alternate:
    win-stay is after_correct above 0, lose-switch after_error below 0. Without an `outcome` there
    is one kernel, `after_choice`.

    The past ends at the edges of blocks, of sessions and of networks, and at a trial without a
    valid choice, since what came before is then not all known: trials without `n_back` known ones
    before them are left out, and counted. Trials that were dropped from a Session leave such gaps
    too, by the numbers of its trials; a table must have its trials in order, and all of them,
    unless a column `trial` numbers them. With `by`, the past is that of all trials, whatever their
    group. A network starts each trial of a task without blocks afresh: such trials have no history,
    and the weights should come out near 0.

    Args:
        data: a Session, or a table with one row a trial, in order: the columns of the stimulus,
            `choice`, and the outcome.
        n_back: number of trials back.
        axis: name or names of the stimuli, each with a sign that speaks for either choice; a
            Session's attribute `psychometric_axis` unless given; () for none, as in a bandit.
        outcome: name of what tells 1 (or True) for a correct or rewarded trial and 0 for an error;
            None to leave outcomes out.
        session: name or names of what changes where a session ends.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        choice: the choice that P is the probability of; the second of the Session's attribute
            `choices` unless given, or 1 where choices are 0 and 1.
        penalty: of a ridge, penalty / 2 times the squared weight of a regressor scaled to a root
            mean square of 1; 0 for none, the default. The bias has none.
        level: of the intervals, from the curvature of the likelihood (with its penalty).

    Returns:
        A `HistoryKernel`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or a stimulus is not of numbers.
        ValueError: if a name is unknown, there are more than two choices, or no trial has a full
            history.

    Source: Busse et al. (2011) J. Neurosci. 31:11351; Lau & Glimcher (2005) J. Exp. Anal. Behav.
        84:555.

    Example:
        An animal that repeats every third choice or so, whatever the stimulus:

        >>> rng = np.random.default_rng(0)
        >>> x = rng.choice([-1.0, -0.5, 0.5, 1.0], 2000)
        >>> choice = (x + rng.logistic(size=2000) > 0).astype(int)
        >>> repeat = np.flatnonzero(rng.random(2000) < 0.3)[1:]
        >>> for trial in repeat:
        ...     choice[trial] = choice[trial - 1]
        >>> table = pd.DataFrame({"contrast": x, "choice": choice})
        >>> fit = history_kernel(table, axis="contrast", outcome=None, n_back=2)
        >>> one, two = fit.weights["after_choice"]
        >>> bool(one > 0.3 and abs(two) < 0.2)
        True
    """
    count("n_back", n_back)
    number("penalty", penalty, low=0.0)
    number("level", level, low=0, high=1)
    table = rows_of(data, names_of("by", by))
    axes = (None,) if axis is None else names_of("axis", axis)
    stimuli = [stimulus_axis(table, one) for one in axes]
    require(table, "choice")
    if outcome is not None:
        require(table, outcome)
    edges = names_of("session", session)
    if isinstance(data, xr.Dataset) and "block" in data.dims:
        edges = (*edges, "block")
    positive = one_of_two(table, choice)
    regressors = design(table, stimuli, positive, outcome, edges, n_back)

    def analyse(part: pd.DataFrame) -> HistoryKernel:
        return _fit(regressors, part.index, positive, outcome, n_back, penalty, level)

    return each_group(table, by, analyse, together=False)


def _fit(
    all_rows: Design,
    rows: Any,
    positive: Any,
    outcome: str | None,
    n_back: int,
    penalty: float,
    level: float,
) -> HistoryKernel:
    one = all_rows.at(rows)
    used = one.answered & one.complete
    if not used.any():
        raise ValueError(
            f"`n_back` must leave trials with a full history, got {n_back} and none of "
            f"{int(one.answered.sum())} answered trials. Take fewer, or give the trials in order."
        )
    x, y = one.values[used], (one.side[used] > 0).astype(float)
    scale = np.sqrt((x**2).mean(0))
    ridge = np.where(one.lag < 0, 0.0, penalty) * scale**2
    fit = logistic(x, y, ridge)
    bare_columns = one.lag <= 0
    without = logistic(x[:, bare_columns], y, ridge[bare_columns])
    gain = 2 * (fit.log_likelihood - without.log_likelihood)
    se = np.sqrt(np.diag(fit.covariance))
    half = ndtri((1 + level) / 2) * se
    columns = {
        "kernel": one.kernel,
        "lag": np.maximum(one.lag, 0),
        "weight": fit.weights,
        "se": se,
        "low": fit.weights - half,
        "high": fit.weights + half,
    }
    n_more = int(((one.lag > 0) & (scale > 0)).sum())  # one without a trial is no parameter
    return HistoryKernel(
        table=pd.DataFrame(columns),
        choice=positive,
        outcome=outcome,
        n_back=n_back,
        penalty=penalty,
        level=level,
        status=_status(fit.status, one, fit.weights),
        history_deviance=gain,
        history_p=float(chdtrc(n_more, max(gain, 0.0))) if penalty == 0 else np.nan,
        n_trials=int(used.sum()),
        n_no_response=int((~one.answered).sum()),
        n_no_history=int((one.answered & ~one.complete).sum()),
    )


def _status(status: str, one: Design, weights: np.ndarray) -> str:
    """That of the regression, or which kernels have no trial in them."""
    never = sorted({name for name, w in zip(one.kernel, weights, strict=True) if np.isnan(w)})
    if status != "ok" or not never:
        return status
    return f"undetermined: no trial for {', '.join(never)}"
