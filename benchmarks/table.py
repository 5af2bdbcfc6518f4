"""One row a measurement, printed as one Markdown table."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

HEADINGS = ("measurement", "median", "best", "/ plain tf.scan", "/ matrix products", "target")


@dataclass(frozen=True)
class Row:
    """A line of the table; what a measurement does not have stays empty."""

    measurement: str
    median: str
    best: str = ""
    to_scan: str = ""
    to_products: str = ""
    target: str = ""


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    return lined_up([HEADINGS, *map(astuple, rows)])


def lined_up(cells: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the first the headings, as Markdown that lines up in plain text too."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join(padded)} |"
