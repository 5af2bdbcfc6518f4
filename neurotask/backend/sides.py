"""What a kernel joins: units or channels on either side, and the labels of synapses among them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from neurotask._checks import choose, listed, nearest
from neurotask.backend.units import Units, union

# The place of a kernel is part of its draws: never renumber.
KERNELS = ("input", "recurrent", "output", "feedback", "feedforward")
ARROW = "->"


@dataclass(frozen=True)
class Channels:
    """Inputs, outputs or the stage before the recurrent units, as a side of a kernel.

    A label is the name of a channel, or a pattern such as "motion_*"; "" names all.

    Args:
        kind: "input", "output" or "feedforward".
        names: names of the channels.

    Raises:
        ValueError: for another kind, or names that are not distinct strings.

    Example:
        >>> channels = Channels("input", ("fixation", "motion_0", "motion_1"))
        >>> channels.select("motion_*").tolist()
        [False, True, True]
        >>> channels.labels.tolist()
        ['fixation', 'motion_*', 'motion_*']
    """

    kind: str
    names: Sequence[str]

    def __post_init__(self) -> None:
        choose("kind", self.kind, ("input", "output", "feedforward"))
        names = () if isinstance(self.names, str) else tuple(self.names)
        texts = all(isinstance(name, str) and name for name in names)
        if not names or not texts or len(set(names)) < len(names):
            raise ValueError(f"`names` must be distinct names of channels, got {self.names!r}.")
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def labels(self) -> np.ndarray:
        """Label of each channel's group, (channel,): "motion_*" in a ring, else its own name."""
        stems = [re.sub(r"_\d+$", "_*", name) for name in self.names]
        pairs = zip(self.names, stems, strict=True)
        labels = np.array([stem if stems.count(stem) > 1 else name for name, stem in pairs])
        labels.flags.writeable = False
        return labels

    def select(self, label: str | Sequence[str], name: str = "label") -> np.ndarray:
        """Return which channels a label names, boolean of shape (channel,).

        Args:
            label: name of a channel, a pattern with *, or several in a tuple; "" names all.
            name: what the label is given for, for messages.
        """
        return union(self._selected, label, name, len(self))

    def described(self, index: int) -> str:
        """Return a channel in words."""
        return f'{self.kind} "{self.names[index]}"'

    def _selected(self, label: str, name: str) -> np.ndarray:
        pattern = ".*".join(map(re.escape, label.split("*"))) if label else ".*"
        chosen = np.array([bool(re.fullmatch(pattern, one, re.DOTALL)) for one in self.names])
        if not chosen.any():
            raise ValueError(
                f"`{name}` must be among the {self.kind} channels {listed(self.names)}, or a "
                f"pattern with * of some, got {label!r}.{nearest(label, self.names)}"
            )
        return chosen


Side: TypeAlias = Units | Channels


def synapse_labels(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    """Return labels of synapses in a tuple, without spaces and each once, else raise.

    Example:
        >>> synapse_labels("forbidden", "PPC.E -> PFC")
        ('PPC.E->PFC',)
    """
    labels = (value,) if isinstance(value, str) else value
    good = isinstance(labels, (tuple, list)) and all(
        isinstance(one, str) and one.count(ARROW) == 1 for one in labels
    )
    if not good:
        raise ValueError(
            f'`{name}` must be made of labels PRE->POST, such as "PPC.E->PFC" or "E->I" (a side '
            f"left empty is all of it), got {value!r}."
        )
    return tuple(dict.fromkeys(ARROW.join(map(str.strip, one.split(ARROW))) for one in labels))


def block(label: str, post: Side, pre: Side, name: str) -> np.ndarray:
    """Return which synapses a label names, boolean (post, pre).

    Args:
        label: "PRE->POST", as `synapse_labels` gives it; a side left empty is all of it.
        post: the side that receives.
        pre: the side that sends.
        name: what the label is given for, for messages.

    Example:
        >>> units = Units(3, excitatory=(True, True, False))
        >>> block("E->I", units, units, "label").astype(int).tolist()
        [[0, 0, 0], [0, 0, 0], [1, 1, 0]]
    """
    source, target = label.split(ARROW)
    return np.outer(post.select(target, name), pre.select(source, name))
