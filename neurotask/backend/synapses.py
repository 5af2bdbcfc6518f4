"""The synapses of one kernel: which there are, which may learn; and counted by groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Synapses:
    """What a `Connectivity` is for given units: arrays.

    Args:
        strength: factor of each weight, (post, pre); 0: there is no synapse.
        plastic: which synapses may learn, boolean (post, pre); only some that exist.
        sign: sign of each presynaptic unit, (pre,): 1, -1, or 0 for any.
    """

    strength: np.ndarray
    plastic: np.ndarray
    sign: np.ndarray

    @property
    def exists(self) -> np.ndarray:
        """Where synapses are, boolean (post, pre)."""
        return self.strength != 0

    @property
    def frozen(self) -> np.ndarray:
        """Which synapses keep the weight they start with, boolean (post, pre)."""
        return self.exists & ~self.plastic


def synapse_table(
    name: str, weights: Any, exists: Any, plastic: Any, post: Any, pre: Any
) -> pd.DataFrame:
    """Return one row for each pair of groups of a kernel: its synapses, counted, and their weights.

    A structural zero, where there is no synapse, is not a weight that reached zero: a *silent*
    synapse exists and may learn, and its weight is exactly 0.

    Args:
        name: name of the kernel.
        weights: effective weights, (post, pre); of a kernel with gates, those of one gate.
        exists: where synapses are, boolean (post, pre).
        plastic: which of them may learn, boolean (post, pre).
        post: label of the group of each postsynaptic unit or channel, (post,).
        pre: label of the group of each presynaptic unit or channel, (pre,).

    Returns:
        Columns `kernel`, `source`, `target`; `n_possible` (pairs), `n_existing`, `n_plastic`,
        `n_frozen`, `n_silent`; `share_silent` (of the plastic ones, NaN where there are none);
        `mean` weight of the existing ones (NaN where there are none) and their `total`.

    Raises:
        ValueError: if the shapes do not agree.

    Example:
        >>> there = np.array([[True, False], [True, True]])
        >>> w = np.array([[0.0, 0.0], [0.5, -1.0]])
        >>> table = synapse_table("recurrent", w, there, there, ["E", "I"], ["E", "I"])
        >>> table[["source", "target", "n_existing", "n_silent", "total"]]
          source target  n_existing  n_silent  total
        0      E      E           1         1    0.0
        1      E      I           1         0    0.5
        2      I      E           0         0    0.0
        3      I      I           1         0   -1.0
    """
    post, pre = np.asarray(post), np.asarray(pre)
    weights, exists, plastic = np.asarray(weights), np.asarray(exists), np.asarray(plastic)
    for what, array in (("weights", weights), ("exists", exists), ("plastic", plastic)):
        if array.shape != (len(post), len(pre)):
            raise ValueError(
                f"`{what}` must have the shape (post, pre) = {(len(post), len(pre))}, got "
                f"{array.shape}."
            )
    rows = [
        {"kernel": name, "source": source, "target": target}
        | _counted(weights[at], exists[at].astype(bool), plastic[at].astype(bool))
        for source, target, at in _blocks(post, pre)
    ]
    return pd.DataFrame(rows)


def _blocks(post: np.ndarray, pre: np.ndarray) -> Iterator[tuple[str, str, Any]]:
    """Yield each pair of groups, in order of appearance, with the place of its synapses."""
    for source in dict.fromkeys(pre.tolist()):
        for target in dict.fromkeys(post.tolist()):
            yield source, target, np.ix_(post == target, pre == source)


def _counted(weights: np.ndarray, exists: np.ndarray, plastic: np.ndarray) -> dict[str, Any]:
    plastic, present = plastic & exists, weights[exists]
    n_plastic, n_silent = int(plastic.sum()), int((weights[plastic] == 0).sum())
    return {
        "n_possible": weights.size,
        "n_existing": present.size,
        "n_plastic": n_plastic,
        "n_frozen": present.size - n_plastic,
        "n_silent": n_silent,
        "share_silent": n_silent / n_plastic if n_plastic else np.nan,
        "mean": float(present.mean()) if present.size else np.nan,
        "total": float(present.sum()),
    }
