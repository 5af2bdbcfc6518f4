"""How alike each pair of many populations is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from neurotask._checks import choose
from neurotask.analysis._axes import axes_or_new
from neurotask.analysis.population.matching import Reading
from neurotask.analysis.population.samples import Window
from neurotask.analysis.population.similarity import Similarity, cca, cka, procrustes

Measure = Literal["cka", "debiased cka", "procrustes", "cca"]
_MEASURES: dict[str, Callable[..., Similarity]] = {
    "cka": cka,
    "debiased cka": lambda a, b, **how: cka(a, b, debiased=True, **how),
    "procrustes": procrustes,
    "cca": cca,
}
_NAMES = {"procrustes": "Procrustes distance (rad)", "cca": "mean canonical correlation"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PopulationComparison:
    """How alike each pair of populations is; `compare_populations` makes it.

    Args:
        table: one row a pair: `a`, `b`, `value`, `n_samples`, `n_units_a`, `n_units_b`, `status`.
        measure: "cka", "debiased cka", "procrustes" or "cca".
        names: the populations.
    """

    table: pd.DataFrame
    measure: str
    names: tuple[Any, ...]

    @property
    def matrix(self) -> pd.DataFrame:
        """Return the value of each pair, (population, population); of a population with itself 1.

        (0 of "procrustes", which is a distance.)
        """
        own = 0.0 if self.measure == "procrustes" else 1.0
        values = pd.DataFrame(own, index=self.names, columns=self.names)
        for row in self.table.itertuples():
            values.loc[row.a, row.b] = values.loc[row.b, row.a] = row.value  # type: ignore[index]
        return values

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the matrix."""
        ax = axes_or_new(ax, (4.4, 3.6))
        name = _NAMES.get(self.measure, self.measure.upper().replace("DEBIASED", "debiased"))
        cmap = sns.color_palette("viridis", as_cmap=True)
        most = np.pi / 2 if self.measure == "procrustes" else 1.0
        mesh = ax.imshow(self.matrix.to_numpy(), cmap=cmap, vmin=0, vmax=most)
        figure = ax.get_figure()
        assert figure is not None
        figure.colorbar(mesh, ax=ax, label=name)
        labels = [str(one) for one in self.names]
        ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize="small")
        ax.set_yticks(range(len(labels)), labels, fontsize="small")
        ax.set_xlabel("population")
        ax.set_ylabel("population")
        return ax

    def __repr__(self) -> str:
        values = self.table["value"]
        return (
            f"<PopulationComparison ({self.measure}) of {len(self.names)} populations, "
            f"{len(values)} pairs: {values.min():.3g} to {values.max():.3g}>"
        )

    def _repr_html_(self) -> str:
        return self.matrix.to_html(float_format="{:.3g}".format)


def compare_populations(
    populations: Mapping[Any, Any] | xr.Dataset,
    *,
    measure: Measure = "cka",
    condition: str | Sequence[str] | None = None,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> PopulationComparison:
    """Compare each pair of several networks, or of networks and recordings.

    Args:
        populations: a mapping from name to Session or array (sample, unit); or a Session of
            several networks (with a dimension "network").
        measure: "cka", "debiased cka", "procrustes" (a distance) or "cca".
        condition: of Sessions: coordinate of `trial` whose levels are the conditions, or several;
            their attribute `psychometric_axis` unless given.
        of: of Sessions: the activity.
        align: of Sessions: phase whose start is time 0.
        window: of Sessions: (start, stop) in ms from there.
        bin: of Sessions: width in ms that averages are averaged over.
        trials: of Sessions: "all" or "correct".

    Returns:
        A `PopulationComparison`.

    Raises:
        TypeError: if the populations are no mapping or Session.
        ValueError: if there are fewer than two, or two do not match; the error names them.

    Source: Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import compare_populations
        >>> a, b = np.random.default_rng(0).normal(size=(2, 400, 3))
        >>> found = compare_populations({"a": a, "twice a": 2 * a, "b": b})
        >>> found.table["value"].round(1).tolist()
        [1.0, 0.0, 0.0]
    """
    function = _MEASURES[choose("measure", measure, _MEASURES)]
    named = _named(populations)
    reading = Reading(
        condition=condition, of=of, align=align, window=window, bin=bin, trials=trials
    )
    rows = []
    for a, b in combinations(named, 2):
        try:
            found = function(named[a], named[b], **vars(reading))
        except (TypeError, ValueError) as error:
            error.add_note(f"These are the populations {a!r} and {b!r}.")
            raise
        rows.append(found.table.drop(columns="measure").assign(a=a, b=b))
    table = pd.concat(rows, ignore_index=True)
    first = ["a", "b", "value"]
    table = table[first + [name for name in table if name not in first]]
    return PopulationComparison(table=table, measure=measure, names=tuple(named))


def _named(populations: Any) -> dict[Any, Any]:
    if isinstance(populations, xr.Dataset) and "network" in populations.dims:
        n = populations.sizes["network"]
        labels = populations["network"].to_numpy() if "network" in populations.coords else range(n)
        populations = {
            name: populations.isel(network=i) for i, name in enumerate(np.asarray(labels).tolist())
        }
    if not isinstance(populations, Mapping) or isinstance(populations, xr.Dataset):
        raise TypeError(
            "`populations` must be a mapping from name to Session or array, or a Session with a "
            f"dimension 'network', got {type(populations).__name__}."
        )
    if len(populations) < 2:
        raise ValueError(f"`populations` must be two or more, got {len(populations)}.")
    return dict(populations)
