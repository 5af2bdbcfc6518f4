"""Whether a file that is a zip archive came through whole."""

import zipfile
import zlib
from pathlib import Path

# What reading a damaged archive can raise.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError
)  # fmt: skip


def is_whole(path: Path, *needed: str) -> bool:
    """Return whether every entry of an archive is as it was written, and some are in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None and set(needed) <= set(archive.namelist())
    except DAMAGE:
        return False
