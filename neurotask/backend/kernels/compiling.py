"""How kernels are compiled: by numba, without the interpreter's lock, kept between processes."""

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numba
from numba import types

# Products and sums may become one operation (fma); nothing else about floats is loosened.
_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}
# What Python and C would call a function by: it takes a quarter of the time to compile it.
_NOT_FOR_OTHERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_log = logging.getLogger("neurotask")


def kernel(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled when it is first called, and kept for other processes.

    It is kept beside the file, or in the user's cache where that cannot be written
    (`NUMBA_CACHE_DIR` names another place). Where neither can, each process compiles for itself.
    """
    # numba looks at the file of the function alone; its parts lie in other files of this folder.
    function.__qualname__ = f"{function.__qualname__}_{_sources()}"
    compiled: Any = numba.njit(**_OPTIONS)(function)
    try:
        compiled.enable_caching()
    except RuntimeError:  # no place that can be written
        return compiled
    kept = compiled._cache
    kept.save_overload = _forgiving(kept.save_overload)
    kept.load_overload = _telling(_forgiving(kept.load_overload))
    return compiled


def _forgiving(way: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does nothing where the disk fails, such as one that is full."""

    def forgiving(*arguments: Any) -> Any:
        with suppress(OSError):
            return way(*arguments)

    return forgiving


def _telling(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that says what the user waits for where nothing is kept yet."""

    def telling(*arguments: Any) -> Any:
        found = load(*arguments)
        if found is None:
            _tell()
        return found

    return telling


@cache
def _tell() -> None:
    _log.warning("neurotask compiles its kernels for this machine, once; it takes some seconds.")


class Part:
    """A function that kernels call, compiled with them; nobody else can.

    Args:
        function: what it does.
    """

    def __init__(self, function: Callable[..., Any]):
        self._function = numba.njit(**_OPTIONS, **_NOT_FOR_OTHERS)(function)
        # How numba knows what an object is of which it has not heard.
        self._numba_type_ = types.Dispatcher(self._function)

    def __call__(self, *_: Any) -> NoReturn:
        """Raise, where numba alone would let the process crash."""
        raise TypeError(f"`{self._function.py_func.__name__}` can be called by kernels alone.")


def part(function: Callable[..., Any]) -> Any:
    """Return a function that kernels call, compiled with them."""
    return Part(function)


@cache
def _sources() -> str:
    """Return what tells this version of the kernels from others."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def inlined(function: Callable[..., Any]) -> Any:
    """Return a function that is written into the loops that call it, before they are compiled."""
    return numba.njit(inline="always", **_OPTIONS)(function)
