"""Names of the channels of a neurogym environment, from its spaces where they have names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

FIXATION = "fixation"


def channel_names(kind: str, n: int, groups: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the names of `n` channels.

    Args:
        kind: what a channel without a name is called: "input" gives "input_3".
        n: how many there are.
        groups: the `.name` of a space: for each name its channel or channels.

    Example:
        >>> channel_names("input", 4, {"fixation": 0, "stimulus": [1, 2]})
        ('fixation', 'stimulus_0', 'stimulus_1', 'input_3')
    """
    names: dict[int, str] = {}
    for name, places in (groups or {}).items():
        for label, place in _labels(str(name), places, n):
            # Groups may overlap; a channel keeps the first of its names.
            if 0 <= place < n and label not in names.values():
                names.setdefault(place, label)
    return tuple(names.get(place, f"{kind}_{place}") for place in range(n))


def action_names(n: int, groups: Mapping[str, Any] | None, waits: bool) -> tuple[str, ...]:
    """Return the names of `n` actions; the one that is no answer is called "fixation".

    Args:
        n: how many there are.
        groups: the `.name` of the space, as for `channel_names`.
        waits: whether action 0 is right at the start of each trial, where there is nothing to
            answer yet.

    Example:
        >>> action_names(3, None, waits=True)
        ('fixation', 'action_1', 'action_2')
    """
    names = channel_names("action", n, groups)
    in_group = any(np.ndim(places) and 0 in places for places in (groups or {}).values())
    if FIXATION in names or not waits or in_group:
        return names
    return (FIXATION, *names[1:])


def _labels(name: str, places: Any, n: int) -> list[tuple[str, int]]:
    if isinstance(places, slice):
        places = range(n)[places]
    if np.ndim(places) == 0:
        return [(name, int(places))]
    return [(f"{name}_{at}", int(place)) for at, place in enumerate(places)]
