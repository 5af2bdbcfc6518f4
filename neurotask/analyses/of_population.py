"""Analyses of what the units of a run's network do."""

import pandas as pd

from neurotask import analysis
from neurotask._report_numbers import percent, whole
from neurotask.analyses.material import Analysis, Found, Material, plotted, told

_BIN = 50.0  # ms, or as near as whole steps allow


def components(run: Material) -> Found | None:
    """Return variance by component beside chance, and the dimensionality."""
    if run.condition is None:
        return None
    found = analysis.pca(run.session, n_components=2, align=run.event, condition=run.condition)
    ratio = analysis.participation_ratio(run.session, align=run.event, condition=run.condition)
    return Found(
        draw=lambda figure: found.plot_variance(figure.subplots()),
        table=found.scree(),
        caption=(
            f"Variance of the mean activity for each {run.condition} by principal component, "
            "beside that of units shuffled in time and conditions. The participation ratio is "
            f"{ratio.value:.2f} of {whole(run.session.sizes['unit'])} units."
        ),
        alt="Variance explained by component.",
    )


def demixed(run: Material) -> Found | None:
    """Return components that depend on one factor each."""
    factors = [n for n in (run.axis, *run.contexts) if n is not None and run.has(n)][:2]
    if len(factors) == 0 or run.condition is None:
        return None
    found = analysis.dpca(run.session, factors=factors, align=run.event)
    shares = found.marginal_variance_ratio
    parts = ", ".join(f"{name} {percent(share, 0)}" for name, share in _items(shares))
    return Found(
        draw=lambda figure: found.plot_variance(figure.subplots()),
        table=found.table,
        caption=(
            f"Demixed principal components (Kobak et al. 2016) over {' and '.join(factors)}. "
            f"Shares of the variance: {parts}."
        ),
        alt="Variance of demixed components, each by what it depends on.",
        size=(4.2, 2.9),
    )


def selectivity(run: Material) -> Found | None:
    """Return what each unit is selective for."""
    variables = [n for n in (run.axis, "choice", *run.contexts) if n is not None and run.has(n)][:2]
    if len(variables) < 2:
        return None
    found = analysis.tuning(
        run.session, variables=variables, phase=run.event, n_permutations=200, seed=run.seed
    )
    parts = ", ".join(f"{whole(int(n))} {name}" for name, n in _items(found.classes))
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"What units are selective for {run.within}, a "
            f"point each. Classes of selectivity, by regression on {' and '.join(variables)} and "
            f"their product: {parts}."
        ),
        alt=f"Selectivity of each unit for {' and '.join(variables)}.",
        size=(3.6, 3.2),
    )


def read_out(run: Material) -> Found | None:
    """Return how well the choice is decoded over time."""
    target = "choice" if len(run.choices) > 1 else run.condition
    if target is None:
        return None
    width = max(1, round(_BIN / run.dt)) * run.dt
    found = analysis.decode(run.session, target, align=run.event, bin=width, seed=run.seed)
    best = found.scores.max()
    event = f"the start of the {run.event}" if run.event else "the start of the trial"
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Cross-validated decoding of {target} from all units in bins of {width:g} ms, from "
            f"{event} ({found.about}). The best is {float(best):.2f}; chance is "
            f"{found.chance:.2g}. Trials of all conditions are decoded together."
        ),
        alt=f"Decoding of {target} over time, at most {float(best):.2f}.",
    )


def stability(run: Material) -> Found | None:
    """Return whether what is learned at one time reads out another."""
    if len(run.choices) < 2:
        return None
    width = max(1, round(2 * _BIN / run.dt)) * run.dt
    found = analysis.decode(
        run.session, "choice", align=run.event, bin=width, cross_temporal=True, seed=run.seed
    )
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Cross-temporal decoding of the choice in bins of {width:g} ms: a decoder of each "
            "time reads every other. A square is a stable code, a band along the diagonal one that "
            "changes."
        ),
        alt="Matrix of decoding scores, time of learning against time of reading.",
        size=(3.6, 3.0),
    )


def targeted(run: Material) -> Found | None:
    """Return axes of the task's variables."""
    variables = [n for n in ("choice", run.axis) if n is not None and run.has(n)]
    if len(variables) < 2 or len(run.choices) != 2 or run.axis != run.condition:
        return None
    assert run.axis is not None
    found = analysis.tdr(run.session, variables=variables, align=run.event, condition=run.axis)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Mean activity for each {run.axis} along the axes of {' and '.join(variables)} by "
            "targeted dimensionality reduction (Mante et al. 2013)."
        ),
        alt=f"Trajectories in the plane of the axes of {' and '.join(variables)}.",
        size=(5.0, 3.4),
    )


def rotations(run: Material) -> Found | None:
    """Return how far the population rotates."""
    if run.condition is None or run.n_levels(run.condition) < 3:
        return None
    found = analysis.jpca(run.session, align=run.event, condition=run.condition)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"The plane in which mean activity rotates most (jPCA, Churchland et al. 2012), "
            f"{abs(float(found.frequency[0])):.2g} Hz. Rotations explain {found.r2_skew:.2f} of "
            f"the change from step to step, any linear dynamics {found.r2_full:.2f}"
            f"{told(found.status)}."
        ),
        alt="Trajectories in the first jPCA plane.",
        size=(4.6, 3.4),
    )


def shares(run: Material) -> Found | None:
    """Return which units take part in which of several rules."""
    many = [name for name in run.contexts if run.n_levels(name) > 2]
    if not many or run.condition in (None, many[0]):
        return None
    found = analysis.task_variance(
        run.session, by=many[0], condition=run.condition, align=run.event, seed=run.seed
    )
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Variance of each unit over {run.condition}, for each {many[0]} (Yang et al. 2019), "
            f"units sorted into {found.n_clusters} clusters."
        ),
        alt=f"Heat map of task variance, units by {many[0]}.",
        size=(6.0, 2.8),
    )


def geometry(run: Material) -> Found | None:
    """Return how alike the activity of any two conditions is."""
    if run.condition is None or run.n_levels(run.condition) < 3:
        return None  # of two levels there is one dissimilarity
    found = analysis.rdm(run.session, condition=run.condition, phase=run.event)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Dissimilarity (1 - correlation over units) of the mean activity of any two levels of "
            f"{run.condition}, {run.within}."
        ),
        alt=f"Matrix of dissimilarities between levels of {run.condition}.",
        size=(3.6, 3.0),
    )


def _items(values: pd.Series) -> list[tuple[str, float]]:
    return [(str(name), float(value)) for name, value in values.items()]


_UNITS, _POPULATION = "Units", "Population, further"
ANALYSES = (
    Analysis(name="selectivity", section=_UNITS, heading="Selectivity.", find=selectivity),
    Analysis(name="task_variance", section=_UNITS, heading="Who takes part.", find=shares),
    Analysis(name="decoding", section=_POPULATION, heading="Decoding.", find=read_out),
    Analysis(name="stability", section=_POPULATION, heading="Stable codes.", find=stability),
    Analysis(name="components", section=_POPULATION, heading="Components.", find=components),
    Analysis(name="demixed", section=_POPULATION, heading="Demixed components.", find=demixed),
    Analysis(name="targeted", section=_POPULATION, heading="Targeted axes.", find=targeted),
    Analysis(name="rotations", section=_POPULATION, heading="Rotations.", find=rotations),
    Analysis(name="geometry", section=_POPULATION, heading="Geometry.", find=geometry),
)
