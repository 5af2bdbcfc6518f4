"""The parts of a report: figures with their captions, tables and notes.

Each part is left out, or says why it cannot be drawn, where a task has no use for it.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask import _report_figures as figures
from neurotask._report_behavior import Behavior
from neurotask._report_figures import Drawing
from neurotask._report_numbers import amount, enumerated, interval, percent, whole
from neurotask.analysis import pca

MOST_CONDITIONS = 24
_PIXELS = 96  # of CSS, an inch


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure with its words."""

    name: str
    number: int
    heading: str
    caption: str
    alt: str
    size: tuple[float, float]
    drawing: Drawing

    @property
    def source(self) -> str:
        """The figure as a URL that holds all of it."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.drawing.svg).decode()}"

    @property
    def width(self) -> int:
        """Width in CSS pixels."""
        return round(self.size[0] * _PIXELS)

    @property
    def height(self) -> int:
        """Height in CSS pixels."""
        return round(self.size[1] * _PIXELS)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with its caption."""

    caption: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report."""

    title: str
    figures: list[Picture] = field(default_factory=list)
    table: Table | None = None
    notes: list[str] = field(default_factory=list)


def behavior(found: Behavior, first: int) -> Section | None:
    """Return psychometric functions, numbered from `first`; None where there is no axis."""
    if found.axis is None:
        return None
    pictures, table = [], None
    if found.categories is not None:
        pictures.append(_by_category(found, found.categories, first))
    if found.signed is not None:
        pictures.append(_choices(found, first))
    if found.subjects is not None:
        pictures.append(_accuracy(found, first + len(pictures)))
        table = _thresholds(found)
    return Section(title="Behaviour", figures=pictures, table=table, notes=found.notes)


def _choices(found: Behavior, number: int) -> Picture:
    fit, size = found.signed, (3.5, 2.9)
    assert fit is not None
    event = found.choices[-1]
    caption = (
        f"Share of answers \u201c{event}\u201d over {found.axis}, which is positive towards "
        f"{event}, in {whole(fit.n_trials)} fresh trials. Bars: 95\u202f% Wilson intervals. "
        "Curve: cumulative Gaussian with free lapses, and its 95\u202f% posterior band."
    )
    if fit.status != "ok":
        caption += f" The dashed curve is {fit.status}."
    shares = fit.table["proportion"]
    alt = (
        f"Psychometric function: P({event}) goes from {percent(shares.iloc[0], 0)} at "
        f"{found.amount(fit.table['x'].iloc[0])} to {percent(shares.iloc[-1], 0)} at "
        f"{found.amount(fit.table['x'].iloc[-1])}."
    )
    xlabel = found.label(f" towards {event}")
    drawing = figures.drawn(figures.psychometric, size, fit, xlabel, f"P({event})")
    return Picture(
        name="psychometric",
        number=number,
        heading="Psychometric function.",
        caption=caption,
        alt=alt,
        size=size,
        drawing=drawing,
    )


def _by_category(found: Behavior, counts: pd.DataFrame, number: int) -> Picture:
    size = (4.2, 1.1 + 0.28 * len(counts))
    shares = counts["n_correct"] / counts["n_trials"]
    caption = (
        f"Share of correct answers for each {found.axis}, in "
        f"{whole(int(counts['n_trials'].sum()))} fresh trials in which an answer is right. Bars: "
        "95\u202f% Wilson intervals."
    )
    told = ", ".join(f"{percent(share, 0)} for {level}" for level, share in shares.items())
    return Picture(
        name="accuracy",
        number=number,
        heading="Correct answers.",
        caption=caption,
        alt=f"Share of correct answers: {told}.",
        size=size,
        drawing=figures.drawn(figures.categories, size, counts, found.label("")),
    )


def _accuracy(found: Behavior, number: int) -> Picture:
    fits, size = found.subjects, (3.5, 2.9)
    assert fits is not None
    network = fits["network"].table
    caption = (
        f"Share of correct answers over the absolute {found.axis}, where an answer is right. "
        "Curves: Weibull functions from the guess rate up, lapses free."
    )
    if len(fits) > 1:
        caption += (
            " The monkeys\u2019 is a reaction-time task, in which the animal decided when to stop "
            f"looking{found.looking}. Roitman & Shadlen (2002) J. Neurosci. 22:9475."
        )
    alt = (
        f"P(correct) of {enumerated(map(str, fits))}: the network\u2019s goes from "
        f"{percent(network['proportion'].iloc[0], 0)} at {found.amount(network['x'].iloc[0])} to "
        f"{percent(network['proportion'].iloc[-1], 0)} at {found.amount(network['x'].iloc[-1])}."
    )
    return Picture(
        name="accuracy",
        number=number,
        heading="Accuracy." if len(fits) == 1 else "Accuracy, beside two monkeys.",
        caption=caption,
        alt=alt,
        size=size,
        drawing=figures.drawn(figures.accuracy, size, fits, found.label("")),
    )


def _thresholds(found: Behavior) -> Table:
    assert found.subjects is not None
    rows = []
    for name, fit in found.subjects.items():
        low, high = fit.interval()["threshold"]
        shown = amount(fit.threshold, found.in_percent)
        ends = "" if np.isnan(fit.threshold) else interval(low, high, found.in_percent)
        lapses = "" if np.isnan(fit.lapse_rate) else percent(fit.lapse_rate)
        rows.append([str(name), whole(fit.n_trials), shown, ends, lapses])
    caption = (
        f"Thresholds of the Weibull functions: the absolute {found.axis} at which a curve has made "
        "63\u202f% of its way from guessing to its upper end"
    )
    columns = ["", "Trials", "Threshold", "95\u202f% interval", "Lapse rate"]
    return Table(caption=f"{caption}.", columns=columns, rows=rows)


def learning(history: pd.DataFrame, chance: float | None, number: int) -> Section | None:
    """Return loss and accuracy over updates; None where not one segment was ended."""
    if history.empty:
        return None
    first, last = history.iloc[0], history.iloc[-1]
    caption = "Loss, the mean over each segment of updates"
    alt = f"The loss goes from {first['loss']:.3g} to {last['loss']:.3g}"
    scored = "accuracy" in history and bool(history["accuracy"].notna().any())
    if scored:
        caption += ", and share of correct answers in the last batch of each segment"
        alt += f", correct answers from {percent(first['accuracy'])} to {percent(last['accuracy'])}"
        if chance is not None:
            caption += ". Dashed: always giving the same answer"
    size = (7.0, 2.5) if scored else (4.2, 2.7)
    drawing = figures.drawn(figures.learning, size, history, chance)
    picture = Picture(
        name="learning",
        number=number,
        heading="Learning.",
        caption=f"{caption}.",
        alt=f"{alt}, over {int(last['updates'])} updates.",
        size=size,
        drawing=drawing,
    )
    return Section(title="Learning", figures=[picture])


def population(session: xr.Dataset | None, number: int) -> Section | None:
    """Return trajectories along principal components; None where there is no axis or activity."""
    axis = None if session is None else session.attrs.get("psychometric_axis")
    if session is None or axis is None or session.get("rates") is None or session.sizes["unit"] < 2:
        return None
    title = "Population activity"
    levels = np.unique(session[axis].to_numpy())
    if len(levels) > MOST_CONDITIONS:
        reason = f"{axis} has {whole(len(levels))} levels, more than {MOST_CONDITIONS}."
        return Section(title=title, notes=[f"No trajectories are drawn: {reason}"])
    event = "stimulus" if "stimulus" in session["phase"] else None
    try:
        result = pca(session, n_components=2, align=event)
    except ValueError as error:
        return Section(title=title, notes=[f"No trajectories are drawn: {error}"])
    shares = result.explained_variance_ratio_
    aligned = f"the start of the {event}" if event else "the start of the trial"
    caption = (
        f"Mean rates of the {session.sizes['unit']} units for each {axis}, aligned to {aligned}, "
        f"along the first two principal components, which hold {percent(shares[0], 0)} and "
        f"{percent(shares[1], 0)} of the variance of the condition averages over conditions and "
        f"time. Squares: the first time that is drawn, {result.trajectories['time'][0]:g} ms."
    )
    if event:
        caption += f" Circles: start of the {event}."
    alt = f"{len(levels)} mean trajectories, one for each {axis}, in the plane of two components."
    size = (5.6, 3.9)
    picture = Picture(
        name="population",
        number=number,
        heading="Trajectories of the population.",
        caption=caption,
        alt=alt,
        size=size,
        drawing=figures.drawn(figures.trajectories, size, result),
    )
    return Section(title=title, figures=[picture])


def connections(kernels: dict[str, xr.DataArray] | None, number: int) -> Section | None:
    """Return the recurrent weight matrix."""
    if not kernels or "recurrent" not in kernels:
        return None
    recurrent = kernels["recurrent"]
    groups, n = figures.group_names(recurrent), recurrent.sizes["unit"]
    kinds = f" by {'area and ' if recurrent['area'].to_numpy().any() else ''}type," * bool(
        groups[0]
    )
    outputs = [str(name) for name in kernels["output"]["output"].to_numpy()]
    within = f" from those that drive {outputs[0]} to those that drive {outputs[-1]}"
    caption = (
        f"Effective weights, red where they excite and blue where they inhibit; the colours end at "
        f"the 99th percentile of their absolute values. Units are sorted{kinds}{within}. "
        f"{_dale(recurrent)}{_silent(recurrent)}"
    )
    gates = recurrent.sizes.get("gate", 1)
    size = (5.2, 4.4) if gates == 1 else (2.6 * gates, 3.2)
    picture = Picture(
        name="weights",
        number=number,
        heading="Recurrent weights.",
        caption=caption,
        alt=f"Matrix of {n} by {n} recurrent weights from presynaptic to postsynaptic units.",
        size=size,
        drawing=figures.drawn(figures.weights, size, kernels),
    )
    return Section(title="Connectivity", figures=[picture])


def _dale(recurrent: xr.DataArray) -> str:
    kinds = recurrent["source_cell_type"].to_numpy()
    if not (kinds != "").all():
        return ""
    sign = np.where(kinds == "E", 1, -1)
    wrong = int((recurrent.to_numpy() * sign < 0).sum())
    if wrong:
        return f"Dale\u2019s law is broken by {whole(wrong)} of {whole(recurrent.size)} weights. "
    return "Dale\u2019s law holds: each column has one sign. "


def _silent(recurrent: xr.DataArray) -> str:
    """Say how many synapses there are, and how many of them have a weight of 0."""
    values = recurrent.to_numpy()
    exists = np.broadcast_to(recurrent.coords.get("exists", np.True_), values.shape)
    absent = "" if exists.all() else f"{percent(1 - exists.mean())} of the pairs have no synapse. "
    if not exists.any():
        return absent.rstrip()
    silent = (values[exists] == 0).mean()
    return f"{absent}{percent(silent)} of the synapses are silent (weight 0)."


def numbered(parts: list[Any]) -> list[Section]:
    """Return the sections that apply; each of `parts` makes one, given its first number."""
    sections: list[Section] = []
    for part in parts:
        made = part(1 + sum(len(section.figures) for section in sections))
        if made is not None:
            sections.append(made)
    return sections
