"""How settings print: what differs from the defaults, as the call that makes them again."""

import dataclasses
from typing import Any


def shown(setting: Any, positional: int = 1) -> str:
    """Return `Kind(first, name=value)`, defaults left out and functions by their names."""
    parts = []
    for place, field in enumerate(dataclasses.fields(setting)):
        value = getattr(setting, field.name)
        if place < positional:
            parts.append(_value(value))
        elif value != field.default:
            parts.append(f"{field.name}={_value(value)}")
    return f"{type(setting).__name__}({', '.join(parts)})"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(map(_value, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    named = getattr(value, "__name__", None) if callable(value) else None
    return repr(value) if named is None else named
