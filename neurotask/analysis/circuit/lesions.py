"""Sweeps of lesions and inactivations: what each does to behaviour."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from rich.console import Console
from rich.progress import track

from neurotask._checks import choose, count, number
from neurotask.analysis._arguments import names_of
from neurotask.analysis._corrections import corrected
from neurotask.analysis._groups import split
from neurotask.analysis._rows import NETWORKS, rows_of
from neurotask.analysis.circuit import lesion_plot as plotting
from neurotask.analysis.circuit.lesion_measures import Paired, check_measures
from neurotask.analysis.circuit.lesion_targets import Target, targets_of


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Lesions:
    """What lesions do to behaviour, each compared with the intact network on the same trials.

    `lesions` makes it.

    Args:
        table: one row a target, phase, factor, measure (and network, where there are several):
            `intact` and `lesioned` values of the measure, their `difference` with its interval
            `low` to `high`, `p`, and `p_holm` after Holm's correction for the number of lesions;
            `n_units` of the target, `n_trials` that were compared, and `status`, "ok" or why a
            figure is NaN.
        level: of the intervals.
        seed: of the network's noise, in all runs, and of the resamples.
    """

    table: pd.DataFrame
    level: float
    seed: int

    @property
    def measures(self) -> tuple[str, ...]:
        """Return the measures of behaviour."""
        return tuple(pd.unique(self.table["measure"]))

    def differences(self) -> pd.DataFrame:
        """Return the differences with a row a lesion and a column a measure."""
        keys = [n for n in (*NETWORKS, "target", "phase", "factor") if n in self.table]
        wide = self.table.pivot(index=keys, columns="measure", values="difference")
        order = pd.MultiIndex.from_frame(self.table[keys].drop_duplicates())
        wide = wide.reindex(order if len(keys) > 1 else order.get_level_values(0))
        return wide[list(self.measures)]

    def plot(self, ax: Axes | None = None, *, measure: str | None = None, most: int = 30) -> Axes:
        """Draw the effect of each target, or where there are factors, the measure over the factor.

        Args:
            ax: where to draw; a new figure unless given.
            measure: which; the first unless given.
            most: how many targets at most, those of the largest effects.

        Returns:
            The axes.
        """
        measure = choose("measure", measure or self.measures[0], self.measures)
        return plotting.draw(self, ax, measure, count("most", most))

    def __repr__(self) -> str:
        n = len(self.table) // len(self.measures)
        first = self.table[self.table["measure"] == self.measures[0]]
        worst = first.loc[first["difference"].abs().idxmax()] if first["difference"].any() else None
        told = "" if worst is None else f"; largest: {worst['target']} {worst['difference']:+.3g}"
        return f"<Lesions: {n} lesions, {', '.join(self.measures)}{told} in {self.measures[0]}>"

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format, index=False)


def lesions(
    run: Callable[..., xr.Dataset],
    trials: Any,
    targets: Any = "unit",
    *,
    phases: str | Sequence[str] | None = None,
    factors: float | Sequence[float] | None = None,
    measures: str | Sequence[str] | None = None,
    level: float = 0.95,
    n_bootstrap: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> Lesions:
    """Lesion each target in turn and compare behaviour with the intact network, trial by trial.

    All runs have the same trials and the same noise, so that each trial is its own control.

    Measures: "accuracy" (share correct, where an answer is right), "choice" (share of the last of
    the task's choices among those made: a bias), "no_choice" (share of trials without one), "rt"
    (mean, ms, over trials answered in both runs); and the figures of `psychometric`, "bias",
    "threshold", "slope", "lower", "upper", "guess_rate", "lapse_rate". Shares have Agresti & Min's
    interval for pairs and McNemar's exact p; RTs those of the paired t test; figures of the curve
    are refitted to resamples of the trials, the same ones for both (which takes seconds a lesion).

    All this is about the trials of one network. Whether networks in general need an area is a
    question to several networks: give the `run` of `nt.Networks` and compare over them.

    Args:
        run: runs the network, as `model.run`: it is called with `seed`, `record=()`, and
            `perturbation`.
        trials: what it runs.
        targets: "unit" (each alone), "cell_type", "area", "group" (area and type), "connections"
            (each projection between groups); labels, as ("PPC.E", "PPC->PFC"); or a mapping from a
            name to a label, to places or one boolean a unit, or to perturbations of any kind.
        phases: phases of the task to do it in, one after another. Units are then silenced in that
            phase; without phases they are lesioned for the whole trial.
        factors: what is left of all that the units send (or of the projection's weights), 0 for
            nothing and 1 for all: a dose-response curve where there are several.
        measures: which; those of the first four that the behaviour has unless given.
        level: of the intervals.
        n_bootstrap: resamples for figures of the psychometric curve.
        seed: of the network's noise and of the resamples.
        progress: whether a bar is shown, on a terminal.

    Returns:
        A `Lesions`.

    Raises:
        TypeError: if `run` cannot be called, or targets are of no such kind.
        ValueError: if a target, phase or measure is unknown.

    Source: McNemar (1947) Psychometrika 12:153; Agresti & Min (2005) Stat Med 24:729.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("rdm")
        >>> model = nt.RateRNN.for_task(task, units=nt.Units(10, excitatory=0.8))
        >>> found = nt.analysis.lesions(model.run, task.grid(repeats=2), "cell_type")
        >>> found.table["target"].unique().tolist()
        ['E', 'I']
    """
    if not callable(run) or callable(getattr(run, "run", None)):
        raise TypeError(
            f"`run` must be a function that runs the network, got {type(run).__name__}. Give "
            "model.run, without calling it."
        )
    number("level", level, low=0, high=1, above=True)
    count("n_bootstrap", n_bootstrap)
    named, doses = names_of("phases", phases) or (None,), _doses(factors)
    intact = run(trials, seed=seed, record=())
    planned = phases is not None or factors is not None
    found = targets_of(targets, intact, planned)
    whole = _each_network(intact)
    first = next(iter(whole.values()))
    wanted = check_measures(measures, first)
    pairs = {
        key: Paired(intact=rows, level=level, n_bootstrap=n_bootstrap, seed=seed)
        for key, rows in whole.items()
    }
    sweep = list(product(found, named, doses))
    parts: list[dict[str, Any]] = []
    for target, phase, factor in _shown(sweep, progress):
        how = target.perturbations(phase, factor)
        session = run(trials, seed=seed, record=(), perturbation=how)
        for key, rows in _each_network(session).items():
            effects = pairs[key].effects(rows, wanted)
            parts += [{**dict(key), **_about(target, phase, factor), **e} for e in effects]
    table = _tidy(pd.DataFrame(parts), phases, factors)
    return Lesions(table=table, level=level, seed=seed)


def _each_network(session: xr.Dataset) -> dict[tuple[tuple[str, Any], ...], pd.DataFrame]:
    """Return the behaviour of each network, one row a trial, by the dimensions that name it."""
    names = tuple(name for name in NETWORKS if name in session.dims)
    if not names:
        return {(): rows_of(session, ())}
    parts = split(session, names)
    keys = [key if len(names) > 1 else (key,) for key in parts]
    return {
        tuple(zip(names, key, strict=True)): rows_of(part, ())
        for key, part in zip(keys, parts.values(), strict=True)
    }


def _shown(sweep: list[Any], progress: bool) -> Iterable[Any]:
    """Return the sweep, with a bar on a terminal."""
    console = Console(stderr=True)
    hidden = not (progress and console.is_terminal)
    return track(sweep, "Lesions", console=console, transient=True, disable=hidden)


def _about(target: Target, phase: str | None, factor: float | None) -> dict[str, Any]:
    return {"target": target.name, "phase": phase, "factor": factor, "n_units": target.n_units}


def _doses(factors: Any) -> tuple[float | None, ...]:
    if factors is None:
        return (None,)
    several = factors if isinstance(factors, (tuple, list)) else (factors,)
    if not len(several):
        raise ValueError("`factors` must be one number or several, got none. Leave it out.")
    return tuple(number("factors", one, low=0) for one in several)


def _tidy(table: pd.DataFrame, phases: Any, factors: Any) -> pd.DataFrame:
    """Correct p for the number of lesions, and leave out columns that say nothing."""
    families = ["measure", *(name for name in NETWORKS if name in table)]
    table["p_holm"] = table.groupby(families)["p"].transform(
        lambda p: corrected(p.to_numpy(), "holm")
    )
    unused = [n for n, given in (("phase", phases), ("factor", factors)) if given is None]
    columns = [name for name in table if name not in ("p_holm", *unused)]
    columns.insert(columns.index("p") + 1, "p_holm")
    return table[columns]
