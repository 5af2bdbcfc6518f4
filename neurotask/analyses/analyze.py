"""Makes all analyses that apply to a run, and keeps what they found as files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neurotask._report_figures import Drawing, drawn
from neurotask._run_files import whole
from neurotask.analyses import of_behavior, of_circuit, of_population
from neurotask.analyses.material import Analysis, Found, Material

ANALYSES = (*of_behavior.ANALYSES, *of_population.ANALYSES, *of_circuit.ANALYSES)
FOLDER, INDEX = "analysis", "analysis.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What came of an analysis: a figure with its words and a table, or why there is none.

    Args:
        name: of the analysis, and of its files.
        section: of the report.
        heading: of the figure.
        caption: its words; "" where there is none.
        alt: what it shows, in a sentence.
        size: inches.
        drawing: the figure; None where there is none.
        table: its figures; None where there is none.
        note: why it could not be made; "" where it was.
    """

    name: str
    section: str
    heading: str
    caption: str = ""
    alt: str = ""
    size: tuple[float, float] = (0.0, 0.0)
    drawing: Drawing | None = None
    table: pd.DataFrame | None = None
    note: str = ""

    @property
    def words(self) -> dict[str, Any]:
        """Everything but figure and table, as plain values."""
        names = ("name", "section", "heading", "caption", "alt", "size", "note")
        return {name: getattr(self, name) for name in names}


def analyze(run: Material, say: Callable[[str], None]) -> list[Outcome]:
    """Make each analysis that applies.

    Args:
        run: what there is to analyse.
        say: is told the name of each analysis that was made.

    Returns:
        One outcome for each that applies, in the order of the report.
    """
    outcomes = []
    for one in ANALYSES:
        outcome = _outcome(one, run)
        if outcome is not None:
            say(one.name.replace("_", " ") + " (not made, see the report)" * bool(outcome.note))
            outcomes.append(outcome)
    return outcomes


def write(folder: Path, outcomes: list[Outcome]) -> None:
    """Write outcomes to a run folder: `analysis/` for words and tables, `figures/` for figures."""
    for name in (FOLDER, "figures"):
        (folder / name).mkdir(exist_ok=True)
    forget(folder)
    for one in outcomes:
        files: dict[Path, bytes] = {}
        if one.table is not None:
            text = one.table.to_csv(index=any(name is not None for name in one.table.index.names))
            files[folder / FOLDER / f"{one.name}.csv"] = text.encode()
        if one.drawing is not None:
            files[_figure(folder, one.name, "svg")] = one.drawing.svg
            files[_figure(folder, one.name, "png")] = one.drawing.png
        for path, content in files.items():
            with whole(path) as part:
                part.write_bytes(content)
    # Last, so that what it names is there.
    with whole(folder / FOLDER / INDEX) as part:
        part.write_text(json.dumps([one.words for one in outcomes], indent=1), encoding="utf-8")


def read(folder: Path) -> list[Outcome]:
    """Return the outcomes that were written, without tables; none if there are none."""
    index = folder / FOLDER / INDEX
    if not index.is_file():
        return []
    try:
        return [_read_one(folder, words) for words in json.loads(index.read_text("utf-8"))]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ValueError(
            f"`{index}` must be what `neurotask analyze` wrote, got: {error}. Run it again."
        ) from None


def forget(folder: Path) -> None:
    """Remove what was found before, so that it is not taken for what holds now."""
    (folder / FOLDER / INDEX).unlink(missing_ok=True)
    for one in ANALYSES:
        (folder / FOLDER / f"{one.name}.csv").unlink(missing_ok=True)
        for kind in ("svg", "png"):
            _figure(folder, one.name, kind).unlink(missing_ok=True)


def _outcome(one: Analysis, run: Material) -> Outcome | None:
    about: dict[str, Any] = {"name": one.name, "section": one.section, "heading": one.heading}
    try:
        found = one.find(run)
    except (TypeError, ValueError) as error:
        return Outcome(**about, note=f"{one.heading.rstrip('.')}: not made. {error}")
    return None if found is None else _shown(found, about)


def _shown(found: Found, about: Mapping[str, Any]) -> Outcome:
    return Outcome(
        **about,
        caption=found.caption,
        alt=found.alt,
        size=found.size,
        drawing=drawn(lambda figure: found.draw(figure), found.size),
        table=found.table,
    )


def _read_one(folder: Path, words: Mapping[str, Any]) -> Outcome:
    drawing = None
    if not words["note"]:
        svg, png = (_figure(folder, words["name"], kind).read_bytes() for kind in ("svg", "png"))
        drawing = Drawing(svg, png)
    return Outcome(**{**words, "size": tuple(words["size"])}, drawing=drawing)


def _figure(folder: Path, name: str, kind: str) -> Path:
    return folder / "figures" / f"analysis_{name}.{kind}"
