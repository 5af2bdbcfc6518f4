"""The registry of neurogym, the one place that imports it."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from neurotask._checks import nearest


def registered(env_id: str, make_kwargs: Mapping[str, Any]) -> Any:
    """Return the environment that neurogym has under an id."""
    try:
        neurogym = importlib.import_module("neurogym")
        gymnasium = importlib.import_module("gymnasium")
    except ImportError as error:
        raise ImportError(
            f"`neurogym` must be installed to make {env_id!r}, got {type(error).__name__}: "
            f"{error}. Do `pip install neurogym==2.2.0` (2.3.1 also needs torch, which it does not "
            "declare), or pass an environment."
        ) from error
    known = list(gymnasium.envs.registry)
    if env_id not in known:
        raise ValueError(
            f"`env` must be an environment or the id of one in neurogym's registry, got {env_id!r}."
            f"{nearest(env_id, known)}"
        )
    with _seeded():
        return neurogym.make(env_id, **make_kwargs)


@contextmanager
def _seeded() -> Iterator[None]:
    """Let generators that are made without a seed have the seed 0.

    An environment makes its generator without one, and some draw from it at once, before seed() can
    be called: the length of the first block, for example.
    """
    original = np.random.RandomState

    class Seeded(original):  # a class, since NumPy asks of objects whether they are of it
        def __init__(self, seed: Any = None) -> None:
            super().__init__(0 if seed is None else seed)

    np.random.RandomState = Seeded
    try:
        yield
    finally:
        np.random.RandomState = original
