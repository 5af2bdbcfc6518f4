"""What a comparison is, in its folder: `comparison.toml`, and where the runs lie."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurotask import _toml
from neurotask._run_files import whole

RECORD = "comparison.toml"


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Return the folder of a run; `variant` is the folder of its variant."""
    return out / variant / f"seed_{seed}"


def read_record(out: Path) -> dict[str, Any]:
    """Return what a comparison is, as nested plain values.

    Raises:
        FileNotFoundError: if the folder holds none.
    """
    file = out / RECORD
    if not file.is_file():
        raise FileNotFoundError(
            f"`out` must be the folder of a comparison, but {out} has no {RECORD}. "
            "Make one with neurotask.compare(..., out=...)."
        )
    return tomllib.loads(file.read_text(encoding="utf-8"))


def keep_record(out: Path, record: Mapping[str, Any]) -> None:
    """Write what a comparison is, or raise where the folder holds another one.

    Raises:
        FileExistsError: if there is something else.
        ValueError: if there is a comparison with other settings.
    """
    text = _toml.dumps(record)
    if (out / RECORD).is_file():
        differing = list(_differing(read_record(out), tomllib.loads(text)))
        if differing:
            name, was, now = differing[0]
            raise ValueError(
                f"`out` must hold the same comparison to go on, but in {out} `{name}` was {was!r}, "
                f"now {now!r}"
                + (f" (and {len(differing) - 1} more differ)" if len(differing) > 1 else "")
                + ". Give it as it was, or another folder."
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f"`out` must be a new folder or that of a comparison, but {out} holds something else. "
            "Choose another."
        )
    out.mkdir(parents=True, exist_ok=True)
    with whole(out / RECORD) as part:
        part.write_text(text, encoding="utf-8")


def _differing(was: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield name, old and new value of each setting that differs."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _differing(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now:
        yield name, was, now
