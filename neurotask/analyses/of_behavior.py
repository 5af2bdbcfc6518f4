"""Analyses of a run's behaviour."""

import numpy as np

from neurotask import analysis
from neurotask._report_numbers import percent, signed, whole
from neurotask.analyses.material import Analysis, Found, Material, plotted, told


def accuracy(run: Material) -> Found | None:
    """Return right answers beside those of observers that do not look."""
    if "answer" not in run.session.coords or not run.session["correct"].notnull().any():
        return None
    found = analysis.accuracy(run.session)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Share of right answers in {whole(found.n_trials)} trials in which one is right, with "
            "its 95\u202f% Wilson interval, beside observers that always answer alike "
            "(\u201calways none\u201d never answers, as a network does that fixates throughout). "
            f"{percent(found.no_response)} of all trials had no answer, "
            f"{percent(found.broken_fixation)} one that came too early."
        ),
        alt=f"{percent(found.accuracy)} right answers; {percent(found.chance)} by one answer.",
        size=(3.5, 0.9 + 0.3 * len(found.table)),
    )


def by_context(run: Material) -> Found | None:
    """Return a psychometric curve for each context."""
    if run.axis != run.condition or not run.contexts or not run.choices:
        return None  # no axis, or one of many levels
    context = run.contexts[0]
    fits = analysis.psychometric(run.session, by=context)
    worst = min((fit.goodness_of_fit(200, seed=run.seed).p, name) for name, fit in fits.items())
    return Found(
        draw=plotted(fits),
        table=fits.intervals(),
        caption=(
            f"Psychometric functions for each {context}, each with its 95\u202f% posterior band. "
            f"Goodness of fit, by 200 simulated experiments each: the least p is {worst[0]:.2g} "
            f"({worst[1]})."
        ),
        alt=f"{len(fits)} psychometric curves, one for each {context}.",
    )


def reaction_times(run: Material) -> Found | None:
    """Return reaction times over the stimulus."""
    if run.axis is None or not run.has("rt"):
        return None
    found = analysis.chronometric(run.session, seed=run.seed)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Mean reaction times of correct and wrong answers over {run.axis}, with 95\u202f% "
            f"bootstrap intervals. Left out: {whole(found.n_no_response)} trials without a valid "
            "answer."
        ),
        alt=f"Reaction times over {run.axis}.",
    )


def hasty_answers(run: Material) -> Found | None:
    """Return accuracy over reaction time."""
    if not run.has("rt") or not run.has("correct"):
        return None
    found = analysis.conditional_accuracy(run.session)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption="Share of right answers among fast and slow ones: fifths of the reaction times.",
        alt="Accuracy over quantiles of the reaction time.",
    )


def diffusion(run: Material) -> Found | None:
    """Return the diffusion that gives choices and times at once."""
    if run.axis is None or not run.has("rt") or len(run.choices) != 2:
        return None
    found = analysis.proportional_rate(run.session)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            "Mean reaction times and the joint fit of a diffusion to choices and times (Palmer, "
            f"Huk & Shadlen 2005): sensitivity {found.sensitivity:.3g}, bound {found.bound:.3g}, "
            f"non-decision time {found.non_decision_time:.0f} ms; deviance {found.deviance:.3g} "
            f"with {found.degrees_of_freedom} degrees of freedom{told(found.status)}."
        ),
        alt=f"Reaction times over {run.axis}, and those of a diffusion.",
    )


def drift(run: Material) -> Found | None:
    """Return drift rates of each level of the stimulus."""
    if run.axis is None or not run.has("rt") or not run.has("correct"):
        return None
    found = analysis.ez_diffusion(run.session, seed=run.seed)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Drift rate over {run.axis} by EZ-diffusion (Wagenmakers et al. 2007), with 95\u202f% "
            "intervals; each level by itself."
        ),
        alt=f"Drift rate over {run.axis}.",
    )


def sensitivity(run: Material) -> Found | None:
    """Return d' and criterion where the answer is yes or no."""
    if run.axis is None or len(run.session.attrs.get("choices", ())) != 1:
        return None
    found = analysis.signal_detection(run.session)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Sensitivity d\u2032 over {run.axis}; log-linear correction, 95\u202f% intervals"
            f"{told(found.status)}."
        ),
        alt=f"Sensitivity over {run.axis}.",
    )


def history(run: Material) -> Found | None:
    """Return how choices depend on the trials before, where trials come in blocks."""
    if "block" not in run.session.coords or len(run.choices) != 2:
        return None
    found = analysis.history_kernel(run.session)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            "Weights of previous choices on the next one (logistic regression), after right and "
            f"after wrong answers{told(found.status)}. History improves the prediction with "
            f"p {_small(found.history_p)} (likelihood ratio)."
        ),
        alt="Weights of previous trials over their lag.",
    )


def timing(run: Material) -> Found | None:
    """Return produced intervals, where the answer is one."""
    rule = getattr(run.task(), "decision_rule", None)
    if type(rule).__name__ != "Interval":
        return None
    found = analysis.weber(run.session, seed=run.seed)
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Produced intervals over {found.axis}. Slope {signed(f'{found.slope:.3g}')}, Weber "
            f"fraction {found.weber_fraction:.3g}{told(found.status)}."
        ),
        alt=f"Produced intervals over {found.axis}.",
    )


def evidence(run: Material) -> Found | None:
    """Return when the evidence counts: fluctuations before either choice."""
    if run.axis is None or run.event is None or len(run.choices) != 2:
        return None
    noisy = _noisy(run)
    if len(noisy) not in (1, 2):
        return None  # none, or several sources, of which it is not clear which is the evidence
    # Of two channels, as of motion to the left and to the right, their difference is the evidence.
    minus = noisy[0] if len(noisy) == 2 else None
    found = analysis.psychophysical_kernel(
        run.session, channel=noisy[-1], minus=minus, align=run.event, seed=run.seed
    )
    what = f"the input {noisy[-1]}" + (f" minus {minus}" if minus else "")
    return Found(
        draw=plotted(found),
        table=found.table,
        caption=(
            f"Fluctuations of {what} around their mean in each condition: those of trials that "
            f"ended in {found.choice} minus those of the others, from the start of the "
            f"{run.event}. They tell when evidence moved the choice. 95\u202f% bootstrap band"
            f"{told(found.status)}."
        ),
        alt="Psychophysical kernel over time.",
    )


def _noisy(run: Material) -> list[str]:
    """Return the inputs that change from step to step of the stimulus."""
    inputs, time = run.session["inputs"], run.session["time"].to_numpy()
    names = inputs["input"].to_numpy()
    edges = (run.session[f"phase_{end}"].sel(phase=run.event) for end in ("start", "stop"))
    start, stop = (edge.to_numpy()[:, None] for edge in edges)
    within = (time[1:] > start) & (time[1:] < stop)
    changes = np.diff(inputs.transpose("trial", "time", "input").to_numpy(), axis=1)[within]
    return [str(n) for n, one in zip(names, changes.T, strict=True) if np.nanmean(one != 0) > 0.5]


def _small(p: float) -> str:
    """Return a p value as an end of a sentence."""
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


_SECTION = "Behaviour, further"
ANALYSES = (
    Analysis(name="accuracy", section=_SECTION, heading="Right answers.", find=accuracy),
    Analysis(name="context", section=_SECTION, heading="Contexts.", find=by_context),
    Analysis(name="rt", section=_SECTION, heading="Reaction times.", find=reaction_times),
    Analysis(name="speed_accuracy", section=_SECTION, heading="Fast and slow.", find=hasty_answers),
    Analysis(name="diffusion", section=_SECTION, heading="Diffusion.", find=diffusion),
    Analysis(name="drift", section=_SECTION, heading="Drift rates.", find=drift),
    Analysis(name="sensitivity", section=_SECTION, heading="Sensitivity.", find=sensitivity),
    Analysis(name="history", section=_SECTION, heading="History.", find=history),
    Analysis(name="timing", section=_SECTION, heading="Produced intervals.", find=timing),
    Analysis(name="evidence", section=_SECTION, heading="Weight of evidence.", find=evidence),
)
