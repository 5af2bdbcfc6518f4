"""Rows of cells as a Markdown table."""

from collections.abc import Sequence


def lined_up(cells: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the first the headings, as Markdown that lines up in plain text too."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join(padded)} |"
