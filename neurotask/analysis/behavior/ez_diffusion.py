"""EZ-diffusion: the parameters of a diffusion in closed form from three statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from scipy.special import logit

from neurotask._checks import choose, number
from neurotask.analysis._axes import axes_or_new, bare
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.behavior.points import points
from neurotask.analysis.behavior.resampling import N_DRAWS, percentiles, resampled, rng_for
from neurotask.analysis.behavior.timed import axis_label, timed

PARAMETERS = ("drift", "boundary", "non_decision_time")
_CHANCE = 1e-2  # log odds below it: a series is more exact


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EZDiffusion:
    """Drift, boundary and non-decision time at each level of the stimulus.

    `ez_diffusion` makes it.

    Args:
        table: one row a level: `x` (strength), `n`, `p_correct`, `mean_rt` (ms) and `var_rt` (ms^2)
            of correct answers; `drift` (units of s per second), `boundary` (distance of the two
            bounds, units of s), `non_decision_time` (ms), each with the ends of its interval in
            `<name>_low` and `<name>_high`; and `status`: "ok", "corrected: ", "implausible: " or
            "undetermined: " and why.
        axis: name of the stimulus.
        units: its unit, "" where none is known.
        s: standard deviation of the noise after one second, which sets the scale.
        level: of the intervals.
        n_no_response: trials left out because no valid choice was made.
        n_no_rt: trials left out because an answer has no reaction time.
        n_unscored: trials left out because no answer is right.
    """

    table: pd.DataFrame
    axis: str
    units: str
    s: float
    level: float
    n_no_response: int
    n_no_rt: int
    n_unscored: int

    def plot(
        self,
        ax: Axes | None = None,
        *,
        parameter: str = "drift",
        label: str | None = None,
        color: Any = None,
    ) -> Axes:
        """Draw a parameter over the strength of the stimulus; hollow where `status` is not "ok".

        Args:
            ax: where to draw; a new figure unless given.
            parameter: "drift", "boundary" or "non_decision_time".
            label: of the curve in the legend; unless given, the legend says what hollow points
                are, where there are any.
            color: any colour of matplotlib; the first of seaborn's "colorblind" unless given.

        Returns:
            The axes.
        """
        choose("parameter", parameter, PARAMETERS)
        ax = axes_or_new(ax, (4.2, 3.2))
        color = sns.color_palette("colorblind")[0] if color is None else color
        t = self.table
        words, times = axis_label(self.axis, self.units, t["x"].to_numpy())
        x = times * t["x"]
        low, high = t[f"{parameter}_low"], t[f"{parameter}_high"]
        ax.vlines(x, low, high, color=color, linewidth=1)
        ax.plot(x, t[parameter], "-", color=color, label=label or "_")
        points(ax, x, t[parameter], t["status"], color, named=label is None)
        ax.set_xlabel(words)
        names = {"drift": "drift (1/s)", "boundary": "boundary separation"}
        ax.set_ylabel(names.get(parameter, "non-decision time (ms)"))
        bare(ax)
        return ax

    def __repr__(self) -> str:
        ok = int((self.table["status"] == "ok").sum())
        return (
            f"<EZDiffusion (s = {self.s:g}) over {self.axis}, {len(self.table)} levels ({ok} ok), "
            f"{int(self.table['n'].sum())} trials; left out {self.n_no_response} without a "
            f"response, {self.n_no_rt} without a reaction time, {self.n_unscored} unscored>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


def ez_parameters(
    p_correct: Any, mean_rt: Any, var_rt: Any, *, s: float = 0.1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return drift, boundary and non-decision time that have these three statistics.

    With L the log odds of a correct answer and VRT the variance of correct times in s^2,

        v = sign(Pc - 1/2) s [L (Pc^2 L - Pc L + Pc - 1/2) / VRT]^(1/4)
        a = s^2 L / v
        Ter = MRT - a / (2 v) (1 - exp(-v a / s^2)) / (1 + exp(-v a / s^2))

    and the limits a = s (24 VRT)^(1/4), MRT - Ter = a^2 / (4 s^2) at Pc = 1/2.

    Args:
        p_correct: share of correct answers, in (0, 1), any shape.
        mean_rt: mean reaction time of correct answers, ms.
        var_rt: its variance, ms^2.
        s: standard deviation of the noise after one second.

    Returns:
        Drift (units of s per second), boundary (the distance of the two bounds, units of s) and
        non-decision time (ms), each of the shape of the arguments.

    Source: Wagenmakers, van der Maas & Grasman (2007) Psychonomic Bulletin & Review 14:3,
        equations 5, 7 and 9.

    Example:
        The worked example of the paper, whose times are 0.723 s and 0.112 s^2:

        >>> v, a, t = ez_parameters(0.802, 723.0, 112_000.0)
        >>> round(float(v), 4), round(float(a), 4), round(float(t))
        (0.0999, 0.14, 300)
    """
    p, variance = np.asarray(p_correct, float), np.asarray(var_rt, float) / 1e6
    odds = logit(p)
    small = np.abs(odds) < _CHANCE
    part = odds * (p**2 - p) + p - 0.5
    # The bracket is a difference of nearly equal numbers at chance: its series, over L^3.
    share = np.where(small, 1 / 24 - odds**2 / 120, part / np.where(small, 1.0, odds) ** 3)
    rate = (share / variance) ** 0.25  # v / (s L), so that a = s / rate
    drift, boundary = s * odds * rate, s / rate
    # v a / s^2 is L, and (1 - exp(-L)) / (1 + exp(-L)) / L is (Pc - 1/2) 2 / L, 1/2 at chance.
    ratio = np.where(small, 0.5 - odds**2 / 24, (2 * p - 1) / np.where(small, 1.0, odds))
    return drift, boundary, mean_rt - 1000 * ratio / (2 * rate**2)


@overload
def ez_diffusion(
    data: Any,
    *,
    s: float = 0.1,
    axis: str | None = None,
    by: None = None,
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> EZDiffusion: ...
@overload
def ez_diffusion(
    data: Any,
    *,
    s: float = 0.1,
    axis: str | None = None,
    by: str | Sequence[str],
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> Grouped[EZDiffusion]: ...
def ez_diffusion(
    data: Any,
    *,
    s: float = 0.1,
    axis: str | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    n_bins: int | None = None,
    seed: int = 0,
) -> EZDiffusion | Grouped[EZDiffusion]:
    """Estimate a diffusion's drift, boundary and non-decision time at each strength of a stimulus.

    They follow in closed form (`ez_parameters`) from accuracy and from mean and variance of the
    reaction times of correct answers. It holds where the start is in the middle, drift and start do
    not vary over trials, and so errors are as fast as correct answers: look at `chronometric`
    first. The boundary should come out alike at all levels, since the subject cannot know the level
    when it sets it; where it does not, the model is not right.

    At an accuracy of 1 drift is infinite: half a trial is taken as wrong, as the paper advises, and
    `status` says "corrected". At 1/2 drift is 0, and the limits are used. With fewer than two
    correct times, or times that do not vary, the parameters are NaN. A non-decision time below 0
    is no time: `status` says "implausible". Chance gives it where the true one is short, and data
    that are no such diffusion at any length.

    Args:
        data: a Session, or a table with one row a trial: the column `axis`, `correct` (1, 0 or
            NaN), `rt` (ms), and if there is one `choice`.
        s: standard deviation of the noise after one second: the unit of drift and boundary. 0.1 is
            that of the paper, 1 that of PyDDM and HSSM.
        axis: name of the stimulus; a Session's attribute `psychometric_axis` unless given. Levels
            are those of its absolute value.
        by: name or names of what to group by. A Session of several networks must be grouped by
            "network".
        level: of the intervals, by resampling trials 1000 times.
        n_bins: pools the stimulus into so many groups of neighbours; unless given, into 10 where
            there are more than 50 levels.
        seed: of the resampling.

    Returns:
        An `EZDiffusion`, or with `by` a mapping from group to one.

    Raises:
        TypeError: if the data are no Session or table, or the axis is not of numbers.
        ValueError: if a name is unknown, no trial has a reaction time, or they are not in ms.

    Source: Wagenmakers, van der Maas & Grasman (2007) Psychonomic Bulletin & Review 14:3.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> table = pd.DataFrame({
        ...     "coherence": 0.1, "correct": rng.random(500) < 0.8, "rt": rng.gamma(4, 150, 500)
        ... })
        >>> ez_diffusion(table, axis="coherence").table["status"].tolist()
        ['ok']
    """
    number("s", s, low=0.0, above=True)
    number("level", level, low=0, high=1)

    def analyse(part: Any) -> EZDiffusion:
        trials = timed(part, axis, "absolute", n_bins)
        scored = trials.rows[trials.rows["correct"].notna()]
        if scored.empty:
            raise ValueError(
                f"`correct` must be 0 or 1 in some trials with a reaction time, got none of "
                f"{len(trials.rows)}. Give trials in which an answer is right."
            )
        lines = [_level(x, rows, s, level, seed) for x, rows in scored.groupby("x")]
        return EZDiffusion(
            table=pd.DataFrame(lines),
            axis=trials.axis,
            units=trials.units,
            s=s,
            level=level,
            n_no_response=trials.n_no_response,
            n_no_rt=trials.n_no_rt,
            n_unscored=len(trials.rows) - len(scored),
        )

    return each_group(data, by, analyse, together=True)


def _level(x: Any, rows: pd.DataFrame, s: float, level: float, seed: int) -> dict[str, Any]:
    n, k = len(rows), int(rows["correct"].sum())
    rt = rows.loc[rows["correct"] == 1, "rt"].to_numpy()
    line = {"x": x, "n": n, "p_correct": k / n}
    line |= {"mean_rt": rt.mean() if k else np.nan, "var_rt": rt.var(ddof=1) if k > 1 else np.nan}
    if k < 2 or line["var_rt"] == 0:
        few = "fewer than two correct answers" if k < 2 else "times do not vary"
        names = [name + end for name in PARAMETERS for end in ("", "_low", "_high")]
        return line | dict.fromkeys(names, np.nan) | {"status": f"undetermined: {few}"}
    values = ez_parameters(_edge(k / n, n), line["mean_rt"], line["var_rt"], s=s)
    rng = rng_for(seed, rt, np.array([n, k]))
    shares = _edge(rng.binomial(n, k / n, N_DRAWS) / n, n)
    moments = resampled(rt, lambda v: np.stack([v.mean(-1), v.var(-1, ddof=1)]), rng)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.stack(ez_parameters(shares, *moments, s=s))
    low, high = percentiles(draws, level)
    for name, value, below, above in zip(PARAMETERS, values, low, high, strict=True):
        line |= {name: float(value), f"{name}_low": below, f"{name}_high": above}
    odd = ["corrected: all answers are correct"] * (k == n)
    odd += ["implausible: non-decision time below 0"] * (line["non_decision_time"] < 0)
    return line | {"status": "; ".join(odd) or "ok"}


def _edge(p: Any, n: int) -> np.ndarray:
    """Shares of correct answers with half a trial taken from the edges 0 and 1."""
    return np.clip(p, 1 / (2 * n), 1 - 1 / (2 * n))
