"""A row as a figure: what the network sees, what is wanted, and what counts."""

from collections.abc import Iterator
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurotask.trials import Trials

# Channels name_0, name_1, ... from this many on are drawn as an image, each a line of it.
IMAGE = 7
# Trials of a block that are drawn, and conditions that are named: more could not be read.
SHOWN = 6

Panel = tuple[str, tuple[str, ...], np.ndarray]  # label, channels, values (time, channel)


def draw_trial(trials: Trials, row: int = 0) -> Figure:
    """Draw one row of a batch (of a block task its first trials): inputs, targets and mask.

    Args:
        trials: the batch.
        row: which of its rows.

    Returns:
        The figure; time in ms, phases shaded and named. Rings of channels are images.
    """
    one = trials[[row]]
    panels = [
        *_panels("Input", one.input_names, one.inputs[0]),
        *_panels("Target", one.output_names, _asked(one)[0]),
        ("Mask", *_mask(one)),
    ]
    heights = [3 if label.startswith("Input") else 2 for label, *_ in panels]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(7, 2 + 0.5 * sum(heights)),
        sharex=True,
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    steps = _n_shown(one)
    for axis, (label, names, values) in zip(axes[:, 0], panels, strict=True):
        draw = _draw_image if "\n" in label else _draw_lines  # a ring has its name below the label
        draw(axis, one, values[:steps], names)
        axis.set_ylabel(label)
    _name_phases(axes[0, 0], one)
    figure.suptitle(fill(_title(one), 85), x=0.01, ha="left", fontsize="medium")
    axes[-1, 0].set(xlabel="Time (ms)", xlim=(0, steps * one.dt))
    return figure


def _panels(label: str, names: tuple[str, ...], values: np.ndarray) -> Iterator[Panel]:
    """Yield the single channels together, then each ring by itself."""
    rings: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        stem, _, number = name.rpartition("_")
        rings.setdefault(stem if number.isdigit() else "", []).append(place)
    large = {stem: at for stem, at in rings.items() if stem and len(at) >= IMAGE}
    within = {place for at in large.values() for place in at}
    single = [place for place in range(len(names)) if place not in within]
    # Many unnumbered channels (one a rule, say) are drawn as an image of their own, too.
    prefix = _common_prefix([names[place] for place in single if names[place] != "fixation"])
    if len(single) >= IMAGE and prefix:
        large[prefix] = [place for place in single if names[place].startswith(prefix)]
        single = [place for place in single if place not in large[prefix]]
    if single:
        yield label, tuple(names[place] for place in single), values[:, single]
    for stem, at in large.items():
        yield f"{label}\n{stem.rstrip('_')}", tuple(names[place] for place in at), values[:, at]


def _mask(one: Trials) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the mask with one line for all outputs that share it."""
    lines: dict[bytes, list[str]] = {}
    for place, name in enumerate(one.output_names):
        lines.setdefault(one.mask[0, :, place].tobytes(), []).append(name)
    values = np.stack([np.frombuffer(line, np.float32) for line in lines], axis=1)
    if len(lines) == 1:
        return ("all outputs",), values
    return tuple(_sharing(names) for names in lines.values()), values


def _sharing(names: list[str]) -> str:
    if len(names) < 4:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]}"


def _common_prefix(names: list[str]) -> str:
    stems = {name.split("_")[0] for name in names}
    return f"{stems.pop()}_" if len(stems) == 1 else ""


def _draw_image(axis: Axes, one: Trials, values: np.ndarray, names: tuple[str, ...]) -> None:
    # The lines between phases are drawn on top, since an image would hide the shades.
    image = axis.imshow(
        values.T,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        cmap="cividis",
        extent=(0, len(values) * one.dt, -0.5, len(names) - 0.5),
    )
    for name in one.phases:
        for start, _ in one.phases[name]:
            if 0 < start < len(values) * one.dt:
                axis.axvline(start, color="white", linewidth=0.6, linestyle=":")
    axis.set_yticks([0, len(names) - 1], [names[0], names[-1]], fontsize="small")
    bar = axis.figure.colorbar(image, ax=axis, pad=0.01, aspect=8)
    bar.outline.set_visible(False)


def _draw_lines(axis: Axes, one: Trials, values: np.ndarray, names: tuple[str, ...]) -> None:
    _shade(axis, one)
    edges = np.arange(len(values) + 1) * one.dt
    palette = sns.color_palette("colorblind", len(names))
    for channel, (name, color) in enumerate(zip(names, palette, strict=True)):
        axis.stairs(
            values[:, channel],
            edges,
            baseline=None,
            color=color,
            label=name,
            linestyle="-" if channel % 2 == 0 else (0, (4, 1)),
        )
    axis.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small", ncols=1
    )
    sns.despine(ax=axis)


def _shade(axis: Axes, one: Trials) -> None:
    """Shade every second phase that lasts, in order of time."""
    spans = sorted(tuple(span) for name in one.phases for span in one.phases[name])
    lasting = [span for span in spans if span[1] > span[0]]
    for start, stop in lasting[1::2]:
        axis.axvspan(start, stop, color="0.94", zorder=0, linewidth=0)


def _name_phases(axis: Axes, one: Trials) -> None:
    """Write the names of the phases above the axes; of a block, those of its first trial."""
    width = _n_shown(one) * one.dt
    spans = {name: one.phases[name][0] for name in one.phases}
    lasting = {name: (a, b) for name, (a, b) in spans.items() if b > a}
    # Names that would not fit beside each other are written upwards.
    narrow = any((b - a) / width < 0.016 * len(name) for name, (a, b) in lasting.items())
    for name, (start, stop) in lasting.items():
        axis.text(
            (start + stop) / 2,
            1.02,
            name,
            ha="center",
            va="bottom",
            fontsize="small",
            rotation=90 if narrow else 0,
            transform=axis.get_xaxis_transform(),
        )


def _n_shown(one: Trials) -> int:
    """Return how many steps are drawn: the row without its padding, or the first of its trials."""
    return int(one.phases.lengths[:SHOWN].sum())


def _asked(one: Trials) -> np.ndarray:
    """Return the targets, NaN where nothing is asked, so that no line is drawn there."""
    return np.where((one.mask > 0) | (one.targets != 0), one.targets, np.nan)


def _title(one: Trials) -> str:
    name = type(one.task).__name__
    if one.per_block:
        return f"{name}: the first {min(SHOWN, one.per_block)} of {one.per_block} trials"
    shown = [
        f"{key} = {values[0]:.4g}" if values.dtype.kind == "f" else f"{key} = {values[0]}"
        for key, values in one.columns.items()
        if key not in one.phases and not (values.dtype.kind == "f" and np.isnan(values[0]))
    ]
    more = [", ..."] if len(shown) > SHOWN else []
    return "".join([name, ": " if shown else "", ", ".join(shown[:SHOWN]), *more])
