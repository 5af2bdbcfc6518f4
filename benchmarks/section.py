"""What a part of the page of speed is made of: a table, and the goals that it answers."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from benchmarks.table import lined_up


@dataclass(frozen=True)
class Goal:
    """A line of the table of goals.

    Args:
        what: what was measured.
        figure: what came out.
        target: what it should be.
    """

    what: str
    figure: str
    target: str


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    body: str
    goals: tuple[Goal, ...] = ()


def page(sections: Iterable[Section]) -> str:
    """Return the goals of all sections in one table, and the sections below it."""
    sections = tuple(sections)
    goals = [astuple(goal) for section in sections for goal in section.goals]
    summary = lined_up([("measurement", "figure", "target"), *goals])
    return "\n\n".join([summary, *(f"## {s.title}\n\n{s.body}" for s in sections)])
