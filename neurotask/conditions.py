"""The conditions of a batch, by name."""

from collections.abc import Mapping

import numpy as np

from neurotask._checks import listed, nearest


class Conditions:
    """The conditions of a batch by name: `c.coherence` is the array with one value a trial."""

    def __init__(self, columns: Mapping[str, np.ndarray]):
        self._columns = columns

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._columns[name]
        except KeyError:
            raise AttributeError(
                f"There is no condition `{name}`; the conditions are {listed(self._columns)}."
                f"{nearest(name, self._columns)}"
            ) from None

    __getitem__ = __getattr__

    def __contains__(self, name: str) -> bool:
        return name in self._columns
