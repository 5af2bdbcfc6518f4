"""A trial as a figure: what the network sees, what is wanted, and what counts."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurotask.trials import Trials


def draw_trial(trials: Trials, trial: int = 0) -> Figure:
    """Draw one trial of a batch: a panel of inputs, one of targets, one of the mask.

    Args:
        trials: the batch.
        trial: which of its trials.

    Returns:
        The figure; time in ms, phases shaded and named.
    """
    one = trials[trial]
    figure, axes = plt.subplots(
        3, 1, figsize=(7, 5), sharex=True, height_ratios=(3, 2, 1), layout="constrained"
    )
    panels = zip(
        axes,
        (one.inputs, _asked(one), one.mask),
        ("Input", "Target", "Mask"),
        (one.input_names, one.output_names, one.output_names),
        strict=True,
    )
    for axis, values, label, names in panels:
        _draw_channels(axis, one, values[0], names)
        axis.set_ylabel(label)
    for name in one.phases:
        start, stop = one.phases[name][0]
        if stop > start:
            axes[0].text(
                (start + stop) / 2,
                1.02,
                name,
                ha="center",
                va="bottom",
                transform=axes[0].get_xaxis_transform(),
            )
    axes[0].set_title(_title(one), loc="left", pad=18)
    axes[-1].set_xlabel("Time (ms)")
    return figure


def _draw_channels(axis: Axes, one: Trials, values: np.ndarray, names: tuple[str, ...]) -> None:
    for place, name in enumerate(one.phases):
        if place % 2:
            axis.axvspan(*one.phases[name][0], color="0.94", zorder=0, linewidth=0)
    steps = int(one.lengths[0])
    edges = np.arange(steps + 1) * one.dt
    palette = sns.color_palette("colorblind", len(names))
    for channel, (name, color) in enumerate(zip(names, palette, strict=True)):
        axis.stairs(
            values[:steps, channel],
            edges,
            baseline=None,
            color=color,
            label=name,
            linestyle="-" if channel % 2 == 0 else (0, (4, 1)),
        )
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    sns.despine(ax=axis)


def _asked(one: Trials) -> np.ndarray:
    """Return the targets, NaN where nothing is asked, so that no line is drawn there."""
    return np.where((one.mask > 0) | (one.targets != 0), one.targets, np.nan)


def _title(one: Trials) -> str:
    conditions = ", ".join(
        f"{name} = {values[0]:.4g}" if values.dtype.kind == "f" else f"{name} = {values[0]}"
        for name, values in one.columns.items()
    )
    return f"{type(one.task).__name__}: {conditions}" if conditions else type(one.task).__name__
