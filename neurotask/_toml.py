"""Writing TOML: what `tomllib` reads back as the same data."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dumps(table: Mapping[str, Any]) -> str:
    """Return nested mappings of strings, numbers, bools, datetimes and lists of them as TOML.

    Raises:
        TypeError: for a value that TOML does not know, such as None.

    Example:
        >>> print(dumps({"seed": 0, "model": {"tau": 100.0, "names": ["left", "right"]}}), end="")
        seed = 0
        <BLANKLINE>
        [model]
        tau = 100.0
        names = ["left", "right"]
    """
    return "\n".join(_sections(table, ())).lstrip("\n") + "\n"


def _sections(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a table: its own values first, then the tables inside it."""
    lines = [f"\n[{'.'.join(map(_key, path))}]"] if path else []
    inner = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            inner[name] = value
        else:
            lines.append(f"{_key(name)} = {_value(name, value)}")
    for name, value in inner.items():
        lines += _sections(value, (*path, name))
    return lines


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def _value(name: str, value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)  # "inf" and "nan" are TOML's words too
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(name, item) for item in value)}]"
    raise TypeError(
        f"`{name}` must be a string, number, bool, datetime or list of them, got {value!r}. "
        "Give repr(value)."
    )


def _string(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(one: str) -> str:
    if one in _ESCAPES:
        return _ESCAPES[one]
    # Control characters may not stand in a TOML string as they are.
    return f"\\u{ord(one):04x}" if one < " " or one == "\x7f" else one
