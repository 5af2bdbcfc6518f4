"""Small things that the figures of all analyses share."""

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the axes of a new figure of `size` inches, which lays itself out."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=size, layout="constrained")[1]


def bare(ax: Axes) -> None:
    """Take off the frame at the top and at the right, of these axes alone."""
    sns.despine(ax=ax)
