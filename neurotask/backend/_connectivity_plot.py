"""Which synapses there are, as a matrix: postsynaptic units down, presynaptic ones across."""

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose
from neurotask._streams import Stream, generator
from neurotask.backend.sides import KERNELS, Channels, Side
from neurotask.backend.synapses import Synapses
from neurotask.backend.units import Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurotask.backend.connectivity import Connectivity

# Okabe & Ito's colours, which the colour-blind tell apart; frozen synapses have the darker ones.
COLORS = {
    "excitatory": ("#D55E00", "#7A3600"),
    "inhibitory": ("#56A8DC", "#004C7A"),
    "any sign": ("#A8A8A8", "#505050"),
}
KINDS = dict(zip(COLORS, (1, -1, 0), strict=True))
ABSENT = "white"
# More groups than this could not be read; units are numbered instead.
MOST_GROUPS = 40


def draw(
    connectivity: "Connectivity", post: Any, pre: Any, kernel: str, seed: int, ax: "Axes | None"
) -> "Axes":
    """Draw the synapses that a model of this seed has; see `Connectivity.plot`."""
    import matplotlib.pyplot as plt

    index = KERNELS.index(choose("kernel", kernel, KERNELS))
    post = _side("post", post, "output" if kernel == "output" else "input")
    pre = _side("pre", pre, "input")
    sign = pre.sign if isinstance(pre, Units) else np.zeros(len(pre))
    rng = generator(seed, Stream.MASKS, index)
    synapses = connectivity.resolve(kernel, post, pre, sign, rng)
    axes: Axes = plt.subplots(figsize=(6.0, 3.9), layout="constrained")[1] if ax is None else ax
    image, handles = _painted(synapses)
    axes.imshow(image, interpolation="nearest", aspect="equal" if _square(post, pre) else "auto")
    for axis, side in (("x", pre), ("y", post)):
        _mark_groups(axes, axis, side)
    axes.set(xlabel=f"presynaptic {_noun(pre)}", ylabel=f"postsynaptic {_noun(post)}")
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize="small",
        handlelength=1.0,
        handleheight=1.0,
    )
    return axes


def _painted(synapses: Synapses) -> tuple[np.ndarray, list[Any]]:
    """Return the colours of all synapses, (post, pre, 3), and what a legend says of them."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    image = np.ones((*synapses.strength.shape, 3))
    handles = []
    for label, (bright, dark) in COLORS.items():
        of_sign = synapses.exists & (synapses.sign == KINDS[label])
        for words, color, at in (
            (label, bright, of_sign & synapses.plastic),
            (f"{label}, frozen", dark, of_sign & ~synapses.plastic),
        ):
            if at.any():
                image[at] = to_rgb(color)
                handles.append(Patch(facecolor=color, label=words))
    if not synapses.exists.all():
        handles.append(Patch(facecolor=ABSENT, edgecolor="0.6", linewidth=0.6, label="absent"))
    return image, handles


def _mark_groups(ax: "Axes", axis: str, side: Side) -> None:
    """Draw the boundaries of groups and name them, where units have labels."""
    labels = side.labels
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    if len(starts) > MOST_GROUPS or (len(starts) == 1 and not labels[0]):
        return
    stops = np.r_[starts[1:], len(side)]
    areas = [label.split(".")[0] if isinstance(side, Units) else label for label in labels[starts]]
    line = ax.axvline if axis == "x" else ax.axhline
    for before, after, start in zip(areas, areas[1:], starts[1:], strict=False):
        line(start - 0.5, color="0.25", linewidth=1.2 if before != after else 0.4)
    spec = ax.xaxis if axis == "x" else ax.yaxis
    spec.set_ticks((starts + stops - 1) / 2, labels=labels[starts].tolist())
    spec.set_tick_params(length=0)
    if axis == "x" and sum(map(len, labels[starts])) > 30:
        for text in ax.get_xticklabels():
            text.set(rotation=45, rotation_mode="anchor", ha="right")


def _side(name: str, given: Any, kind: str) -> Side:
    if isinstance(given, (Units, Channels)):
        return given
    if isinstance(given, (int, np.integer)):
        return Units(int(given))
    if isinstance(given, (tuple, list)):
        return Channels(kind, given)
    raise ValueError(f"`{name}` must be Units, their number or names of channels, got {given!r}.")


def _square(post: Side, pre: Side) -> bool:
    return 0.5 <= len(post) / len(pre) <= 2.0


def _noun(side: Side) -> str:
    return "unit" if isinstance(side, Units) else "channel"
