"""How kernels are compiled: by numba, without the interpreter's lock, kept between processes."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

# Products and sums may become one operation (fma); nothing else about floats is loosened.
_OPTIONS = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled when it is first called, and kept for other processes.

    It is kept beside the file, or in the user's cache where that cannot be written
    (`NUMBA_CACHE_DIR` names another place). Where neither can, each process compiles for itself.
    """
    # numba looks at the file of the function alone; its parts lie in other files of this folder.
    function.__qualname__ = f"{function.__qualname__}_{_sources()}"
    compiled = part(function)
    try:
        compiled.enable_caching()
    except RuntimeError:  # no place that can be written
        return compiled
    for way in ("save_overload", "load_overload"):
        setattr(compiled._cache, way, _forgiving(getattr(compiled._cache, way)))
    return compiled


def _forgiving(way: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does nothing where the disk fails, such as one that is full."""

    def forgiving(*arguments: Any) -> Any:
        with suppress(OSError):
            return way(*arguments)

    return forgiving


def part(function: Callable[..., Any]) -> Any:
    """Return a function that kernels call, compiled with them."""
    return numba.njit(**_OPTIONS)(function)


@cache
def _sources() -> str:
    """Return what tells this version of the kernels from others."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def inlined(function: Callable[..., Any]) -> Any:
    """Return a function that is written into the loops that call it, before they are compiled."""
    return numba.njit(inline="always", **_OPTIONS)(function)
