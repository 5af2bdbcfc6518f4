"""Small things that the figures of all analyses share."""

from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the axes of a new figure of `size` inches, which lays itself out."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=size, layout="constrained")[1]


def beside(ax: Axes, handles: list[Any], labels: list[str], away: float = 1.02, **how: Any) -> Any:
    """Draw a legend to the right of all axes of a figure that lays itself out.

    It moves none of them then. In another figure it stands beside `ax`, `away` widths of it from
    its left.
    """
    figure, how = ax.figure, {"frameon": False, "fontsize": "small", "alignment": "left"} | how
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return figure.legend(handles, labels, loc="outside right upper", **how)
    return ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(away, 1.0), **how)


def bare(ax: Axes) -> None:
    """Take off the frame at the top and at the right, of these axes alone."""
    sns.despine(ax=ax)
