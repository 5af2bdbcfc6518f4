"""The recurrent weight matrix, sorted so that its structure shows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._checks import choose
from neurotask.analysis.circuit import weight_plots as plotting
from neurotask.analysis.circuit._weights import (
    LABELS,
    exists_of,
    labels_of,
    recurrent_of,
    unit_values,
)

_BETWEEN = " | "  # the labels of a block


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WeightStructure:
    """A recurrent weight matrix in an order that shows its structure.

    `weight_structure` makes it.

    Args:
        weights: the sorted matrix, (unit, source), with the coordinates of the units; the
            coordinate `block` says to which block each belongs.
        order: place of each unit before, (unit,): `matrix[order][:, order]` is the sorted one.
        blocks: block of each unit, sorted, (unit,); "" where nothing divides them.
        table: one row a pair of blocks: `target`, `source`, `n_pairs`, `n_synapses` (those that
            exist; those that are not 0 where that is not known), `density`, and of the weights of
            these `mean`, `mean_absolute` and `sd` (NaN where there is none), and `share_silent`,
            the share of weights at 0.
        sort_by: what it was sorted by, in words.
    """

    weights: xr.DataArray
    order: np.ndarray
    blocks: np.ndarray
    table: pd.DataFrame
    sort_by: tuple[str, ...]

    def means(self, of: str = "mean") -> pd.DataFrame:
        """Return a column of `table` as a matrix, targets in rows and sources in columns."""
        numeric = self.table.select_dtypes("number").columns
        choose("of", of, map(str, numeric))
        names = pd.unique(self.table["target"])
        wide = self.table.pivot(index="target", columns="source", values=of)
        return wide.loc[names, names]

    def plot(self, ax: Axes | None = None, *, limit: float | None = None) -> Axes:
        """Draw the matrix, red where weights excite, blue where they inhibit, white at 0.

        Args:
            ax: where to draw; a new figure unless given.
            limit: where the colours end; the 99th percentile of absolute weights unless given.

        Returns:
            The axes.
        """
        return plotting.draw_structure(self, ax, limit)

    def __repr__(self) -> str:
        n = len(self.table["target"].unique())
        return (
            f"<WeightStructure of {len(self.order)} units sorted by "
            f"{', '.join(self.sort_by)}: {n} block{'s' if n != 1 else ''}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format, index=False)


def weight_structure(weights: Any, *, sort_by: Any = "group") -> WeightStructure:
    """Sort the recurrent weights by what units are or do, and average them over blocks.

    Labels (strings, whole numbers, booleans) make blocks; other numbers, such as a selectivity or a
    preferred direction, only order the units within them, from the least to the greatest. NaN comes
    last.

    Args:
        weights: what `model.effective_weights()` returned, its entry "recurrent", or an array
            (post, pre).
        sort_by: "group" (area and cell type), "cell_type", "area"; or one value for each unit, such
            as a column of a table with one row a unit; or several of these in a tuple, the first
            being the coarsest.

    Returns:
        A `WeightStructure`.

    Raises:
        ValueError: if a name is unknown, values are not one for each unit, or the weights are not
            square, not finite, or of several gates.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import weight_structure
        >>> matrix = np.array([[0.0, -2.0, 1.0], [0.5, 0.0, 0.5], [3.0, -2.0, 0.0]])
        >>> structure = weight_structure(matrix, sort_by=np.array(["E", "I", "E"]))
        >>> structure.order.tolist(), structure.means().loc["E"].tolist()
        ([0, 2, 1], [2.0, -2.0])
    """
    recurrent = recurrent_of(weights)
    names, keys, divide = _keys(recurrent, sort_by)
    order = np.lexsort([_ranks(key) for key in reversed(keys)])
    labels = [key.astype(str) for key, divides in zip(keys, divide, strict=True) if divides]
    blocks = np.array(
        [_BETWEEN.join(row) for row in zip(*labels, strict=True)] or [""] * len(order)
    )
    sorted_ = recurrent.isel(unit=order, source=order).assign_coords(block=("unit", blocks[order]))
    return WeightStructure(
        weights=sorted_,
        order=order,
        blocks=blocks[order],
        table=_block_table(sorted_, blocks[order]),
        sort_by=names,
    )


def _keys(
    recurrent: xr.DataArray, sort_by: Any
) -> tuple[tuple[str, ...], list[np.ndarray], list[bool]]:
    """Return the names, the values of each unit, and whether they divide the units in blocks."""
    n = recurrent.sizes["unit"]
    several = isinstance(sort_by, (tuple, list)) and any(
        (isinstance(one, str) and one in LABELS) or np.ndim(one) for one in sort_by
    )
    names, keys, divide = [], [], []
    for one in sort_by if several else (sort_by,):
        if isinstance(one, str):
            name, values = labels_of(recurrent, one, "sort_by")
        else:
            name, values = (
                str(getattr(one, "name", None) or "value"),
                unit_values("sort_by", one, n),
            )
        if values.dtype == object:
            values = values.astype(str)
        names.append(name)
        keys.append(values)
        divide.append(values.dtype.kind in "USbiu")
    return tuple(names), keys, divide


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the place of each value among the different ones; NaN is the last."""
    return np.unique(values, return_inverse=True)[1]


def _block_table(weights: xr.DataArray, blocks: np.ndarray) -> pd.DataFrame:
    matrix, exists = weights.to_numpy().astype(float), exists_of(weights)
    counted = matrix != 0 if exists is None else exists
    names = pd.unique(blocks)
    rows = []
    for target in names:
        for source in names:
            pair = np.ix_(blocks == target, blocks == source)
            here = matrix[pair][counted[pair]]
            figures = {"mean": np.nan, "mean_absolute": np.nan, "sd": np.nan}
            if len(here):
                sizes = here.mean(), np.abs(here).mean(), here.std()
                figures = dict(zip(figures, map(float, sizes), strict=True))
            known = exists is not None and len(here) > 0
            rows.append(
                {
                    "target": target,
                    "source": source,
                    "n_pairs": matrix[pair].size,
                    "n_synapses": len(here),
                    "density": len(here) / matrix[pair].size,
                    **figures,
                    "share_silent": float((here == 0).mean()) if known else np.nan,
                }
            )
    return pd.DataFrame(rows)
