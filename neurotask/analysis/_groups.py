"""The same analysis of several groups of trials, or of several networks: what `by=` does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask._checks import choose
from neurotask.analysis._arguments import names_of
from neurotask.analysis._levels import joined
from neurotask.analysis._rows import NETWORKS

Result = TypeVar("Result")

_MOST_COLUMNS = 4  # of panels


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Grouped(Mapping[Any, Any], Generic[Result]):
    """One result a group, as `by=` makes them: a mapping from group to result.

    A group is the value of the one name in `by`, or the tuple of values of several.

    Args:
        results: the results, in the sorted order of the groups.
        by: the names that the data were grouped by.
        together: whether `plot` draws all groups into one pair of axes.
    """

    results: dict[Any, Result]
    by: tuple[str, ...]
    together: bool

    def __getitem__(self, group: Any) -> Result:
        return self.results[group]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def table(self) -> pd.DataFrame:
        """Return the tables of all groups under one another, the names in `by` as columns first.

        Where a table has a column of such a name, that of the group is "group_" and the name.
        """
        parts = []
        for group, result in self.results.items():
            part = _flat(result.table)  # type: ignore[attr-defined]
            values = group if len(self.by) > 1 else (group,)
            for place, (name, value) in enumerate(zip(self.by, values, strict=True)):
                part.insert(place, f"group_{name}" if name in part else name, value)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def plot(self, ax: Any = None, **settings: Any) -> Any:
        """Draw each group: as a curve of its own in one pair of axes, or as a panel of its own.

        Args:
            ax: where to draw: axes, or as many of them as there are groups; new ones unless given.
            **settings: what `plot` of one result takes.

        Returns:
            The axes, or an array of them, (group,).
        """
        if self.together:
            return self._overlaid(ax, settings)
        axes = self._panels() if ax is None else np.ravel(ax)
        if len(axes) != len(self):
            raise ValueError(
                f"`ax` must be {len(self)} axes, one a group, got {len(axes)}. Leave it out to "
                "have them made."
            )
        for one, (group, result) in zip(axes, self.results.items(), strict=True):
            result.plot(one, **settings)  # type: ignore[attr-defined]
            one.set_title(self._title(group), fontsize="medium")
        return axes

    def _overlaid(self, ax: Axes | None, settings: dict[str, Any]) -> Axes:
        palette = sns.color_palette("colorblind" if len(self) <= 10 else "viridis", len(self))
        for color, (group, result) in zip(palette, self.results.items(), strict=True):
            ax = result.plot(ax, label=str(group), color=color, **settings)  # type: ignore[attr-defined]
        assert ax is not None
        title = ", ".join(self.by)
        ax.legend(title=title, frameon=False, fontsize="small", alignment="left")
        return ax

    def _panels(self) -> np.ndarray:
        columns = min(len(self), _MOST_COLUMNS)
        rows = -(-len(self) // columns)
        size = (3.4 * columns, 3.0 * rows)
        figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
        axes = np.ravel(axes)
        for empty in axes[len(self) :]:
            figure.delaxes(empty)
        return axes[: len(self)]

    def _title(self, group: Any) -> str:
        values = group if len(self.by) > 1 else (group,)
        return ", ".join(f"{n} {v}" for n, v in zip(self.by, values, strict=True))

    def __repr__(self) -> str:
        lines = [f"{self._title(group)}: {result!r}" for group, result in self.results.items()]
        return "\n".join([f"<Grouped by {', '.join(self.by)}>", *lines])

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format)


def each_group(
    data: Any, by: Any, analyse: Callable[[Any], Result], *, together: bool
) -> Result | Grouped[Result]:
    """Analyse the data, or with `by` each group of them.

    Args:
        data: a Session, or a table with one row a trial.
        by: None, or the name or names to group by: conditions, or "network" and "variant".
        analyse: what is done with a Session or table.
        together: whether results are drawn into one pair of axes; they then take `label` and
            `color` in `plot`.

    Returns:
        What `analyse` returns, or a `Grouped` of it. An error of a group says which one it is.
    """
    names = names_of("by", by)
    if not names:
        return analyse(data)
    results = {}
    for group, part in split(data, names).items():
        try:
            results[group] = analyse(part)
        except (TypeError, ValueError) as error:
            where = f"This is the group where {', '.join(names)} is {group}."
            raise type(error)(f"{error} {where}") from error
    return Grouped(results=results, by=names, together=together)


def split(data: Any, by: tuple[str, ...]) -> dict[Any, Any]:
    """Return the parts of a Session or table by group, in sorted order.

    The names of dimensions of several networks choose networks, those of coordinates of trials
    choose trials.
    """
    if isinstance(data, pd.DataFrame):
        groups = data.groupby(grouping(data, by), sort=True, observed=True)
        tables = {group if len(by) > 1 else group[0]: part for group, part in groups}
        for table in tables.values():
            table.attrs = dict(data.attrs)
        return tables
    if not isinstance(data, xr.Dataset):
        raise TypeError(
            f"`data` must be a Session or a pandas DataFrame, got {type(data).__name__}. "
            "Give what model.run(trials) returned, or a table with one row a trial."
        )
    parts: dict[tuple[Any, ...], xr.Dataset] = {(): data}
    for name in by:
        parts = {
            (*group, key): one
            for group, part in parts.items()
            for key, one in _parts(part, name).items()
        }
    return {group if len(by) > 1 else group[0]: part for group, part in parts.items()}


def _parts(data: xr.Dataset, name: str) -> dict[Any, xr.Dataset]:
    if name in NETWORKS and name in data.dims:
        keys = data[name].to_numpy() if name in data.coords else np.arange(data.sizes[name])
        return {key: data.isel({name: i}) for i, key in enumerate(keys.tolist())}
    data = by_trial(data)
    known = [str(one) for one, values in data.coords.items() if values.dims == ("trial",)]
    values = data[choose("by", name, [*known, *(n for n in NETWORKS if n in data.dims)])]
    levels = _complete(name, values.to_series())
    keys = sorted(levels.unique().tolist())
    return {key: data.isel(trial=np.flatnonzero(levels == key)) for key in keys}


def grouping(table: pd.DataFrame, by: tuple[str, ...]) -> list[pd.Series]:
    """Return the group of each row by each of the names in `by`."""
    return [_complete(choose("by", n, map(str, table.columns)), table[n]) for n in by]


def _complete(name: str, values: pd.Series) -> pd.Series:
    """Return values without gaps, levels that differ by rounding alone as one."""
    missing = int(values.isna().sum())
    if missing:
        raise ValueError(
            f"`by` must have a value for each trial, got {missing} without one in {name!r}. Leave "
            "these trials out first."
        )
    kinds = {type(one) for one in values.unique().tolist()}
    if len(kinds) > 1 and not kinds <= {int, float}:
        raise TypeError(
            f"`by` must have values of one kind, got words and numbers in {name!r}. Give one kind."
        )
    return pd.Series(joined(values.to_numpy()), values.index, name=name)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose index, where it has a name, is a column."""
    named = any(name is not None for name in table.index.names)
    return table.reset_index() if named else table.reset_index(drop=True)
