"""The figure of a staircase on a frozen subject."""

from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from neurotask.analysis._axes import axes_or_new, bare
from neurotask.curriculum._levels import is_setting

if TYPE_CHECKING:
    from neurotask.curriculum.staircase_run import StaircaseRun


def draw(run: "StaircaseRun", ax: Axes | None) -> Axes:
    """Draw levels over trials: each track, their mean, and the estimate with its 95 % interval."""
    ax = axes_or_new(ax, (5.0, 3.0))
    blue, orange = sns.color_palette("colorblind")[:2]
    trial = np.arange(1, run.levels.shape[1] + 1)
    for place, levels in enumerate(run.levels):
        label = "_" if place else "Tracks"
        ax.step(trial, levels, where="mid", color="0.8", linewidth=0.6, label=label)
    ax.plot(trial, run.mean_level, color=blue, linewidth=1.5, label="Mean")
    if not np.isnan(run.estimate):
        label = f"{run.target:.1%} correct"
        ax.axhline(run.estimate, color=orange, linestyle="--", label=label)
        low, high = run.interval()
        if not np.isnan(low):
            ax.axhspan(low, high, color=orange, alpha=0.25, linewidth=0)
    staircase = run.staircase
    name = staircase.parameter.replace("_", " ").capitalize()
    timed = is_setting(staircase.task, staircase.parameter)
    unit = " (ms)" if timed and staircase.parameter in staircase.task.durations else ""
    ax.set(xlabel="Trial of the track", ylabel=name + unit, xlim=(1, max(trial[-1], 2)))
    if staircase.step is None:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.legend(frameon=False, fontsize="small")
    bare(ax)
    return ax
