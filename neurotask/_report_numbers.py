"""Numbers of a report in words: percentages, intervals, counts."""

from collections.abc import Iterable

import numpy as np

THIN, MINUS, DASH = "\u202f", "\u2212", "\u2013"
UNDETERMINED = "undetermined"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage.

    Example:
        >>> percent(0.8824).replace(THIN, " ")
        '88.2 %'
    """
    return f"{signed(f'{100 * share:.{digits}f}')}{THIN}%"


def signed(text: str) -> str:
    """Return a number with a true minus sign, and without one where it is 0.

    Example:
        >>> signed("-0.00")
        '0.00'
    """
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def whole(n: int) -> str:
    """Return a whole number, thousands set apart.

    Example:
        >>> whole(76800).replace(THIN, " ")
        '76 800'
    """
    return f"{n:,}".replace(",", THIN)


def amount(value: float, in_percent: bool) -> str:
    """Return a value of the stimulus, in per cent where it is a coherence."""
    if np.isnan(value):
        return UNDETERMINED
    return percent(value) if in_percent else signed(f"{value:.3g}")


def interval(low: float, high: float, in_percent: bool) -> str:
    """Return the ends of an interval, the unit once."""
    if np.isnan([low, high]).any():
        return UNDETERMINED
    if not in_percent:
        return f"{amount(low, False)} to {amount(high, False)}"
    return f"{percent(low).removesuffix(f'{THIN}%')} to {percent(high)}"


def enumerated(items: Iterable[str]) -> str:
    """Return items as a sentence lists them: "a, b and c"."""
    items = list(items)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def duration(seconds: float) -> str:
    """Return a time as one says it.

    Example:
        >>> duration(75.2).replace(THIN, " ")
        '1 min 15 s'
    """
    if seconds < 1:
        return f"{seconds:.1f}{THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}{THIN}h {minutes}{THIN}min"
    return f"{minutes}{THIN}min {rest}{THIN}s" if minutes else f"{rest}{THIN}s"
