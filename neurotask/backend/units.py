"""What the units are: how many, in which area, excitatory or inhibitory, with which tau."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurotask._checks import count, listed, nearest, number
from neurotask.backend.settings import Setting


@dataclass(frozen=True)
class Units(Setting):
    """The units of a network, area by area, excitatory units first within each.

    Units with a type obey Dale's law: all synapses that a unit makes have the unit's sign.

    Args:
        n: number of units, or one for each area: `{"PPC": 100, "PFC": 100}`.
        excitatory: share of excitatory units in each area, in [0, 1], rounded to whole units; the
            others are inhibitory. None: units have no type and synapses any sign.
        tau: time constant in ms, or one for each label: `{"E": 100.0, "I": 50.0}`. None: the
            model's.

    Raises:
        ValueError: for numbers out of range, or a share that leaves an area without one type.

    Example:
        >>> units = Units(5, excitatory=0.8)
        >>> units.cell_type.tolist()
        ['E', 'E', 'E', 'E', 'I']
    """

    n: int | Mapping[str, int]
    excitatory: float | None = None
    tau: float | Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, Mapping):
            self._check_areas(self.n)
        for area, n in self._areas.items():
            count(f"n[{area!r}]" if area else "n", n)
            self._check_types(area, n)
        for label, tau in self._taus.items():
            number(f"tau[{label!r}]" if label else "tau", tau, low=0.0, above=True)
            self.select(label)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __len__(self) -> int:
        return sum(self._areas.values())

    @cached_property
    def area(self) -> np.ndarray:
        """Name of each unit's area ("" where there is one unnamed), shape (unit,)."""
        return np.repeat(list(self._areas), list(self._areas.values()))

    @cached_property
    def cell_type(self) -> np.ndarray:
        """Type of each unit, "E" or "I" ("" where units have none), shape (unit,)."""
        if not self.has_types:
            return np.full(len(self), "")
        return np.concatenate([np.repeat(["E", "I"], (e, n - e)) for n, e in self._counts])

    @cached_property
    def sign(self) -> np.ndarray:
        """Sign of the synapses that each unit makes: 1, -1, or 0 for any; shape (unit,)."""
        return np.select([self.cell_type == "E", self.cell_type == "I"], [1.0, -1.0], 0.0)

    @property
    def has_types(self) -> bool:
        """Whether units are excitatory or inhibitory."""
        return self.excitatory is not None

    def taus(self, default: float) -> np.ndarray:
        """Return the time constant of each unit in ms, shape (unit,)."""
        values = np.full(len(self), float(default))
        for label, tau in self._taus.items():
            values[self.select(label)] = tau
        return values

    def select(self, label: str) -> np.ndarray:
        """Return which units a label names, boolean of shape (unit,).

        Args:
            label: an area, a cell type, or both: "PPC", "E", "PPC.E"; "" names all units.
        """
        parts = label.split(".") if label else []
        chosen = np.ones(len(self), bool)
        for part in parts:
            hit = (self.area == part) | (self.cell_type == part)
            if not hit.any():
                names = [name for name in {*self.area, *self.cell_type} if name]
                raise ValueError(
                    f"`label` must be made of {listed(sorted(names))}, got {label!r}."
                    f"{nearest(part, names)}"
                )
            chosen &= hit
        return chosen

    @property
    def _areas(self) -> dict[str, int]:
        return dict(self.n) if isinstance(self.n, Mapping) else {"": self.n}

    @property
    def _taus(self) -> dict[str, Any]:
        if self.tau is None:
            return {}
        return dict(self.tau) if isinstance(self.tau, Mapping) else {"": self.tau}

    @property
    def _counts(self) -> list[tuple[int, int]]:
        share = self.excitatory or 0.0
        return [(n, int(np.floor(share * n + 0.5))) for n in self._areas.values()]

    def _check_areas(self, areas: Mapping[str, int]) -> None:
        taken = ("E", "I", "")
        good = (isinstance(a, str) and a not in taken and "." not in a for a in areas)
        if not areas or not all(good):
            raise ValueError(
                f"`n` must name areas other than E and I, without dots, got {dict(areas)!r}."
            )

    def _check_types(self, area: str, n: int) -> None:
        if self.excitatory is None:
            return
        share = number("excitatory", self.excitatory, low=0.0, high=1.0)
        n_excitatory = int(np.floor(share * n + 0.5))
        if 0 < share < 1 and n_excitatory in (0, n):
            raise ValueError(
                f"`excitatory` must leave a unit of each type in {area or 'the network'}, got "
                f"{share:g} of {n} units. Take more units, or 0 or 1 to mean one type alone."
            )
