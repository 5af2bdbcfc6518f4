"""A copy of an environment that shares nothing with it, functions included."""

import copy
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any


def copied(env: Any) -> Any:
    """Return a copy of an environment.

    `copy.deepcopy` takes functions over as they are. Where one was written inside the environment,
    as `timing={"delay": lambda: self.rng.uniform(300, 900)}` is, it would go on drawing from the
    generator of the original. Here it belongs to the copy.

    Example:
        >>> class Env:
        ...     def __init__(self):
        ...         self.level, self.read = 1, lambda: self.level
        >>> env = Env()
        >>> other = copied(env)
        >>> other.level = 2
        >>> env.read(), other.read()
        (1, 2)
    """
    memo: dict[int, Any] = {}
    new = copy.deepcopy(env, memo)
    memo.pop(id(memo), None)  # deepcopy's list of originals
    move = _mover(memo)
    for value in memo.values():
        for place in (value, getattr(value, "__dict__", None)):
            if isinstance(place, dict):
                place.update({k: move(v) for k, v in place.items() if isinstance(v, FunctionType)})
            elif isinstance(place, list):
                place[:] = [move(v) for v in place]
    return new


def _mover(memo: dict[int, Any]) -> Callable[[Any], Any]:
    """Return what gives an object's copy, and a function over the copies of what it refers to."""
    done: dict[int, Any] = {}

    def move(value: Any) -> Any:
        if not isinstance(value, FunctionType):
            return memo.get(id(value), value)
        if id(value) not in done:
            cells = tuple(CellType() for _ in value.__closure__ or ())
            new = FunctionType(value.__code__, value.__globals__, value.__name__, None, cells)
            done[id(value)] = new  # before its cells, which may hold the function itself
            new.__defaults__ = value.__defaults__ and tuple(map(move, value.__defaults__))
            new.__kwdefaults__ = {k: move(v) for k, v in (value.__kwdefaults__ or {}).items()}
            for old, cell in zip(value.__closure__ or (), cells, strict=True):
                try:
                    cell.cell_contents = move(old.cell_contents)
                except ValueError:  # an empty cell
                    continue
        return done[id(value)]

    return move
