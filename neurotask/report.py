"""The report of a run: one self-contained page of figures, numbers and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jinja2
import pandas as pd
import xarray as xr

import neurotask
from neurotask import _report_curriculum as curriculum
from neurotask import _report_sections as sections
from neurotask._blocks import by_trial
from neurotask._report_analyses import analysed
from neurotask._report_behavior import Behavior
from neurotask._report_figures import Drawing
from neurotask._report_numbers import UNDETERMINED, duration, interval, percent, whole
from neurotask.analyses.analyze import Outcome

_LONGEST_VALUE = 160


@dataclass(frozen=True, eq=False)
class Report:
    """A report, ready to be written.

    Args:
        html: the page.
        figures: its figures by name.
    """

    html: str
    figures: dict[str, Drawing]

    def files(self) -> dict[str, bytes]:
        """Return the content of each file by its path: the page, and each figure twice."""
        files = {}
        for name, drawing in self.figures.items():
            files |= {f"figures/{name}.svg": drawing.svg, f"figures/{name}.png": drawing.png}
        return files | {"report.html": self.html.encode()}


def report(
    settings: Mapping[str, Any],
    history: pd.DataFrame,
    session: xr.Dataset | None,
    weights: dict[str, xr.DataArray] | None,
    log: pd.DataFrame | None = None,
    boundaries: Mapping[int, xr.Dataset] | None = None,
    analyses: Sequence[Outcome] = (),
) -> Report:
    """Make the report of a run. What does not apply to its task is left out.

    Args:
        settings: what `run.toml` holds.
        history: one row a segment: `updates`, `loss`, `accuracy` where there is one.
        session: the network on an evaluation grid; None where it was not tested.
        weights: its effective weights, "recurrent" and "output" among them.
        log: the log of its curriculum, whose stages `settings` names; None for a task.
        boundaries: Sessions where stages of the curriculum begin or end, by update.
        analyses: what `neurotask analyze` found.
    """
    stages = settings.get("curriculum", {}).get("stages", [])
    session = None if session is None else by_trial(session)
    found = Behavior(session)
    parts = sections.numbered(
        [
            partial(sections.behavior, found),
            partial(curriculum.course, log, stages),
            partial(curriculum.boundaries, log, stages, boundaries),
            partial(sections.learning, history, found.chance),
            partial(sections.population, session),
            partial(sections.connections, weights),
            *analysed(analyses),
        ]
    )
    page = _environment().get_template("report.html")
    html = page.render(
        title=settings["task"]["name"].replace("_", " ").capitalize(),
        lead=_lead(settings, session, weights),
        asks=settings["task"]["summary"],
        warning=_warning(settings),
        headline=_headline(found),
        sections=parts,
        settings=_groups(settings),
        version=neurotask.__version__,
    )
    pictures = [picture for section in parts for picture in section.figures]
    return Report(html, {picture.name: picture.drawing for picture in pictures})


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("neurotask"), autoescape=True, undefined=jinja2.StrictUndefined
    )


def _lead(
    settings: Mapping[str, Any],
    session: xr.Dataset | None,
    weights: Mapping[str, xr.DataArray] | None,
) -> str:
    """Return in two sentences what was trained and tested."""
    training, model = settings["training"], settings["model"]
    updates, batch = training["updates_done"], training["batch_size"]
    rule, size, row = training["rule"].partition("(")[0], 1, f"{whole(batch)} trials"
    if session is not None and "block" in session.coords:
        size = session.sizes["trial"] // (int(session["block"].max()) + 1)
        row = f"{whole(batch)} blocks of {whole(size)} trials"
    text = (
        f"A recurrent network ({model['class']}){_units(weights)} learned by {rule} in "
        f"{whole(updates)} updates of {row}: {whole(updates * batch * size)} trials in "
        f"{duration(training['seconds'])}."
    )
    if session is not None:
        text += f" It was then tested on {whole(session.sizes['trial'])} fresh trials."
    return text


def _units(weights: Mapping[str, xr.DataArray] | None) -> str:
    if not weights:
        return ""
    kinds = weights["recurrent"]["cell_type"].to_numpy()
    text = f" of {whole(len(kinds))} units"
    if (kinds == "").any():
        return text
    n = int((kinds == "E").sum())
    return f"{text}, {whole(n)} excitatory and {whole(len(kinds) - n)} inhibitory,"


def _warning(settings: Mapping[str, Any]) -> str:
    if settings["status"] == "finished":
        return ""
    training = settings["training"]
    share = f"{whole(training['updates_done'])} of {whole(training['updates_asked'])} updates"
    what = "was interrupted" if settings["status"] == "interrupted" else "diverged"
    return f"This training {what} after {share}. {settings.get('message', '')}".strip()


def _headline(found: Behavior) -> list[dict[str, str]]:
    if found.correct is None:
        return []
    detail = f"of {whole(len(found.correct))} trials in which an answer is right"
    if found.chance is not None:
        detail += f"; {percent(found.chance)} by always giving the same answer"
    if found.unanswered:
        detail += f"; {percent(found.unanswered)} of all trials without a valid answer"
    items = [{"name": "Correct answers", "value": percent(found.correct.mean()), "detail": detail}]
    if found.signed is not None:
        ends = found.signed.interval()
        words = {
            "threshold": f"{found.axis} from the bias to three quarters of the rise",
            "bias": f"{found.axis} at which both answers are as likely",
        }
        for name, meaning in words.items():
            value, (low, high) = getattr(found.signed, name), ends[name]
            shown = found.amount(value)
            around = interval(low, high, found.in_percent)
            if shown == UNDETERMINED:
                detail = found.signed.status.removeprefix("undetermined: ")
            else:
                detail = f"{meaning}; 95\u202f% interval {around}"
            items.append({"name": name.capitalize(), "value": shown, "detail": detail})
    return items


def _groups(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings as titled lists of names and values."""
    task = {"class": settings["task"]["class"]} | settings["task"]["settings"]
    groups = {
        "Task": task,
        "Network": settings["model"],
        "Training": {"status": settings["status"]} | settings["training"],
        "Optimizer": settings["optimizer"],
        "Evaluation": settings["evaluation"],
        "Versions": settings["versions"],
        "Sources (sha256)": settings["sources"],
    }
    return [
        {"title": title, "rows": [(name, _shown(value)) for name, value in values.items()]}
        for title, values in groups.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    text = str(value)
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[:_LONGEST_VALUE]}\u2026 (in full in run.toml)"
