"""The sections of a report that `neurotask analyze` adds."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

from neurotask._report_sections import Picture, Section
from neurotask.analyses.analyze import Outcome


def analysed(outcomes: Sequence[Outcome]) -> list[Callable[[int], Section]]:
    """Return what makes each section from the number of its first figure."""
    groups = groupby(outcomes, key=lambda one: one.section)
    return [partial(_section, title, list(group)) for title, group in groups]


def _section(title: str, outcomes: list[Outcome], first: int) -> Section:
    made = [one for one in outcomes if not one.note]
    pictures = [_picture(one, first + place) for place, one in enumerate(made)]
    return Section(title=title, figures=pictures, notes=[one.note for one in outcomes if one.note])


def _picture(one: Outcome, number: int) -> Picture:
    assert one.drawing is not None
    return Picture(
        name=f"analysis_{one.name}",
        number=number,
        heading=one.heading,
        caption=one.caption,
        alt=one.alt,
        size=one.size,
        drawing=one.drawing,
    )
