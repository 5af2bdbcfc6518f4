"""Analyses of the dynamics and the circuit of a run's network."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurotask import analysis
from neurotask._report_numbers import percent, whole
from neurotask.analyses.material import Analysis, Found, Material, plotted

_MOST_UNITS = 100  # that are lesioned one by one
_MOST_SHOWN = 30  # lesions in the figure
_TRIALS = 300  # about as many for each lesion
_POINTS_OF_A_LINE = 3  # fewer say nothing of a direction


def rest(run: Material) -> Found | None:
    """Return the fixed points under the inputs of the stimulus."""
    if run.event is None or run.condition is None or "states" not in run.session:
        return None
    contexts = run.contexts[:1]
    found = analysis.fixed_points(
        run.model().step,
        run.session,
        input=run.event,
        condition=contexts or None,
        seed=run.seed,
    )
    plane = analysis.pca(
        run.session, n_components=2, align=run.event, condition=run.condition, of="states"
    )
    table = found.table
    kinds = (table["kind"] + " point, " + table["stability"].astype(str)).value_counts()
    kinds_told = "; ".join(f"{whole(int(n))} {kind}" for kind, n in kinds.items()) or "none"
    within = f", {contexts[0]} by {contexts[0]}" if contexts else ""
    return Found(
        draw=lambda figure: found.plot(plane, figure.subplots()),
        table=found.table,
        caption=(
            f"Fixed points without noise, under the mean inputs of the phase {run.event}{within}, "
            f"over mean trajectories of the states (number, kind, stability): {kinds_told}. "
            f"Filled: stable. {whole(found.n_unconverged)} of {whole(len(found.starts))} starts "
            "led nowhere."
        ),
        alt=f"Fixed points in the plane of two components: {kinds_told}.",
        size=(4.2, 3.4),
    )


def line(run: Material) -> Found | None:
    """Return whether slow points lie on a line along which activity is kept."""
    if run.event is None or "states" not in run.session or len(run.choices) != 2:
        return None
    contexts = run.contexts[:1]
    points = analysis.fixed_points(
        run.model().step,
        run.session,
        input=run.event,
        condition=contexts or None,
        search=analysis.PointSearch(find="slow"),
        seed=run.seed,
    )
    found: Any = (
        analysis.line_attractor(points, by=contexts)
        if contexts
        else (analysis.line_attractor(points))
    )
    lines: dict[str, Any] = dict(found) if contexts else {"": found}
    most = max(len(one.table) for one in lines.values())
    if most < _POINTS_OF_A_LINE:
        raise ValueError(
            f"At most {most} slow points were found under one input, and a line takes "
            f"{_POINTS_OF_A_LINE}."
        )
    verdicts = "; ".join(f"{name} {_verdict(one)}".strip() for name, one in lines.items())
    return Found(
        draw=lambda figure: _draw_lines(figure, lines),
        table=found.table,
        caption=(
            "Time constants of the slowest mode and the next of slow points along their line, "
            f"under the mean inputs of the phase {run.event}. A line attractor: {verdicts}."
        ),
        alt=f"Time constants along the line of slow points. A line attractor: {verdicts}.",
        size=(3.5 * len(lines), 2.9),
    )


def _verdict(found: Any) -> str:
    return {True: "yes", False: "no", None: "undetermined"}[found.is_line]


def _draw_lines(figure: Figure, lines: dict[str, Any]) -> None:
    axes = figure.subplots(1, len(lines), squeeze=False)[0]
    for ax, (name, one) in zip(axes, lines.items(), strict=True):
        one.plot(ax)
        ax.set_title(name, fontsize="medium")


def eigenvalues(run: Material) -> Found | None:
    """Return the eigenvalues of the recurrent weights."""
    if not _plain(run):
        return None
    assert run.weights is not None
    found = analysis.spectrum(run.weights)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Eigenvalues of the recurrent weights. Spectral radius {found.radius:.2f}, abscissa "
            f"{found.abscissa:.2f}; random weights of that variance have "
            f"{found.circular_radius:.2f} (dashed); those beyond 1.25 times that are marked as "
            f"outliers. Departure from normality {found.non_normality:.2f}."
        ),
        alt=f"Eigenvalues in the complex plane, the largest of size {found.radius:.2f}.",
        size=(4.8, 3.2),
    )


def structure(run: Material) -> Found | None:
    """Return what units send and receive."""
    if not _plain(run):
        return None
    assert run.weights is not None
    found = analysis.degrees(run.weights)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Sums of the weights that each unit sends and receives. {whole(found.n_synapses)} "
            f"synapses, {percent(found.density)} of the pairs; {whole(int(found.n_silent))} silent."
        ),
        alt="Strengths of units, in and out.",
    )


def sources(run: Material) -> Found | None:
    """Return what drives each group of units, where there are several."""
    if not _plain(run) or not _grouped(run) or run.condition is None:
        return None
    assert run.weights is not None
    found = analysis.currents(run.session, run.weights, align=run.event, condition=run.condition)
    targets, sources = len(found.targets), len(found.sources)
    return Found(
        draw=lambda figure: found.plot(figure.subplots(sources, targets, squeeze=False)),
        table=found.table,
        caption=(
            "Mean currents into each group of units (columns) from each source (rows), for each "
            f"{run.condition}, in units of the state; with the bias, they sum to what a unit "
            "receives."
        ),
        alt=f"Currents from {sources} sources into {targets} groups of units over time.",
        size=(2.4 * targets + 0.6, 1.5 * sources + 0.4),
    )


def lesions(run: Material) -> Found | None:
    """Return what the loss of units does to behaviour."""
    if "correct" not in run.session.coords or not run.has("correct"):
        return None
    grouped = _grouped(run)
    if not grouped and run.session.sizes["unit"] > _MOST_UNITS:
        return None
    targets = "group" if grouped else "unit"
    task = run.task()
    repeats = max(1, _TRIALS // max(len(task.grid(repeats=1, seed=run.seed)), 1))
    trials = task.grid(repeats=repeats, seed=run.seed)
    found = analysis.lesions(run.model().run, trials, targets, seed=run.seed, progress=False)
    what = "each group" if grouped else "each unit"
    some = found.table["target"].nunique() > _MOST_SHOWN
    most = f"; the {_MOST_SHOWN} that change it most of {run.session.sizes['unit']}" * some
    return Found(
        draw=lambda figure: found.plot(figure.subplots(), measure="accuracy", most=_MOST_SHOWN),
        table=found.table,
        caption=(
            f"Change in the share of right answers by silencing {what} for the whole trial, on the "
            f"same {whole(len(trials))} trials and the same noise, with 95\u202f% intervals{most}."
        ),
        alt=f"What silencing {what} does to accuracy.",
        size=(3.8, 0.9 + 0.17 * min(len(found.table), _MOST_SHOWN)),
    )


def _plain(run: Material) -> bool:
    """Whether the recurrent weights are one matrix (those of gated units are several)."""
    return bool(run.weights) and run.weights["recurrent"].ndim == 2


def _grouped(run: Material) -> bool:
    names = ("cell_type", "area")
    return any(len(np.unique(run.session[name].to_numpy())) > 1 for name in names)


_DYNAMICS, _CIRCUIT = "Dynamics", "Circuit"
ANALYSES = (
    Analysis(name="fixed_points", section=_DYNAMICS, heading="Fixed points.", find=rest),
    Analysis(name="line", section=_DYNAMICS, heading="Slow points.", find=line),
    Analysis(name="eigenvalues", section=_DYNAMICS, heading="Eigenvalues.", find=eigenvalues),
    Analysis(name="degrees", section=_CIRCUIT, heading="Strengths.", find=structure),
    Analysis(name="currents", section=_CIRCUIT, heading="Sources of drive.", find=sources),
    Analysis(name="lesions", section=_CIRCUIT, heading="Lesions.", find=lesions),
)
