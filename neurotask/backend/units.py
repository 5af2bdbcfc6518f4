"""What the units are: how many, in which area, excitatory or inhibitory, with which tau."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from neurotask._checks import count, listed, nearest, number
from neurotask.backend.settings import Setting
from neurotask.distributions import plain

PerUnit: TypeAlias = float | Mapping[str, float] | Sequence[float] | np.ndarray


@dataclass(frozen=True, eq=False)
class Units(Setting):
    """The units of a network, area by area.

    Units with a type obey Dale's law: all synapses that a unit makes have the unit's sign. A label
    names units by area, type or both: "PPC", "E", "PPC.E"; "" names all.

    Args:
        n: number of units, or one for each area: `{"PPC": 100, "PFC": 100}`.
        excitatory: which units are excitatory; the others are inhibitory. A share of each area in
            [0, 1], rounded to whole units, which come first in their area; a share for each area,
            `{"PPC": 0.8, "PFC": 1.0}`; or one entry a unit: True and False, or the signs 1 and -1.
            None: units have no type and synapses any sign.
        tau: time constant in ms, one for each label, `{"E": 100.0, "I": 50.0}` (a later label
            overrides an earlier one), or one a unit. None: the model's.

    Raises:
        ValueError: for numbers out of range, a label of no unit, or a share between 0 and 1 that
            leaves an area without one type.

    Example:
        >>> units = Units({"PPC": 5, "PFC": 2}, excitatory={"PPC": 0.8, "PFC": 1.0})
        >>> units.labels.tolist()
        ['PPC.E', 'PPC.E', 'PPC.E', 'PPC.E', 'PPC.I', 'PFC.E', 'PFC.E']
        >>> units.select("PPC.I").nonzero()[0].tolist()
        [4]
    """

    n: int | Mapping[str, int]
    excitatory: float | Mapping[str, float] | Sequence[float] | np.ndarray | None = None
    tau: PerUnit | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _sizes(self.n))
        object.__setattr__(self, "excitatory", self._checked_types(self.excitatory))
        taus = self.taus(1.0)
        if isinstance(self.tau, Mapping):
            object.__setattr__(self, "tau", {name: float(one) for name, one in self.tau.items()})
        elif self.tau is not None:
            object.__setattr__(self, "tau", plain(taus) if np.ndim(self.tau) else float(taus[0]))

    # The order of areas matters, which `==` of two dicts does not see; `repr` does.
    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other) if isinstance(other, Units) else NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self))

    def __len__(self) -> int:
        return sum(self._areas.values())

    @cached_property
    def area(self) -> np.ndarray:
        """Name of each unit's area ("" where there is one unnamed), shape (unit,)."""
        return _kept(np.repeat(list(self._areas), list(self._areas.values())))

    @cached_property
    def cell_type(self) -> np.ndarray:
        """Type of each unit, "E" or "I" ("" where units have none), shape (unit,)."""
        given: Any = self.excitatory
        if given is None:
            return _kept(np.full(len(self), ""))
        if isinstance(given, tuple):
            return _kept(np.where(given, "E", "I"))
        shares: Any = given if isinstance(given, Mapping) else dict.fromkeys(self._areas, given)
        counts = [(_excitatory(shares[area], n), n) for area, n in self._areas.items()]
        return _kept(np.concatenate([np.repeat(["E", "I"], (e, n - e)) for e, n in counts]))

    @cached_property
    def sign(self) -> np.ndarray:
        """Sign of the synapses that each unit makes: 1, -1, or 0 for any; shape (unit,)."""
        return _kept(np.select([self.cell_type == "E", self.cell_type == "I"], [1.0, -1.0], 0.0))

    @cached_property
    def labels(self) -> np.ndarray:
        """Label of the smallest group of each unit: "PPC.E", "E", "PPC" or ""; shape (unit,)."""
        pairs = zip(self.area.tolist(), self.cell_type.tolist(), strict=True)
        return _kept(np.array([".".join(filter(None, pair)) for pair in pairs]))

    @property
    def has_types(self) -> bool:
        """Whether units are excitatory or inhibitory."""
        return self.excitatory is not None

    def taus(self, default: float) -> np.ndarray:
        """Return the time constant of each unit in ms, shape (unit,).

        Args:
            default: that of units of which `tau` says nothing.
        """
        return self.per_unit("tau", self.tau, default, low=0.0, above=True)

    def per_unit(
        self,
        name: str,
        value: PerUnit | None,
        default: float | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
        above: bool = False,
    ) -> np.ndarray:
        """Return one number for each unit, shape (unit,).

        Args:
            name: what the numbers are, for messages.
            value: one number for all, one for each label, one a unit, or None for the default.
            default: number of units of which `value` says nothing; None: it must speak of all.
            low: least number allowed.
            high: largest number allowed.
            above: whether numbers must be above `low`.

        Example:
            >>> Units(3, excitatory=(True, True, False)).per_unit("bias", {"I": 2.0}, 0.0)
            array([0., 0., 2.])
        """

        def checked(name: str, one: Any) -> float:
            return number(name, one, low=low, high=high, above=above)

        values = np.full(len(self), np.nan if default is None else float(default))
        given: Any = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
        if isinstance(given, Mapping):
            for label, one in given.items():
                values[self.select(label, name)] = checked(f"{name}[{label!r}]", one)
        elif given is not None and not hasattr(given, "__len__"):
            values[:] = checked(name, given)
        elif given is not None:
            entries = [] if isinstance(given, str) else list(given)
            if len(entries) != len(self):
                raise ValueError(
                    f"`{name}` must be one number, {{label: number}} or one number for each of the "
                    f"{len(self)} units, got {_told(given)}."
                )
            values[:] = [checked(f"{name}[{i}]", one) for i, one in enumerate(entries)]
        if np.isnan(values).any():
            first = int(np.isnan(values).argmax())
            raise ValueError(
                f"`{name}` must say a number for every unit, got {value!r}, which says none for "
                f"{self.described(first)}."
            )
        return values

    def select(self, label: str | Sequence[str], name: str = "label") -> np.ndarray:
        """Return which units a label names, boolean of shape (unit,).

        Args:
            label: an area, a cell type, or both: "PPC", "E", "PPC.E"; "" names all units. Several
                labels in a tuple name the units of each.
            name: what the label is given for, for messages.
        """
        return union(self._selected, label, name, len(self))

    def described(self, index: int) -> str:
        """Return a unit's number and label in words."""
        label = str(self.labels[index])
        return f"unit {index} ({label})" if label else f"unit {index}"

    @property
    def _areas(self) -> dict[str, int]:
        return dict(self.n) if isinstance(self.n, Mapping) else {"": self.n}

    def _selected(self, label: str, name: str) -> np.ndarray:
        chosen = np.ones(len(self), bool)
        names = sorted({*self.area.tolist(), *self.cell_type.tolist()} - {""})
        for part in label.split(".") if label else []:
            if not names:
                raise ValueError(
                    f'`{name}` must be "", all units, where units have neither areas nor types, '
                    f"got {label!r}."
                )
            if part not in names:
                raise ValueError(
                    f"`{name}` must be made of {listed(names)}, got {label!r}."
                    f"{nearest(part, names)}"
                )
            chosen &= (self.area == part) | (self.cell_type == part)
        if not chosen.any():
            raise ValueError(
                f"`{name}` must name units that there are, "
                f"{listed(dict.fromkeys(self.labels.tolist()))}, got {label!r}."
            )
        return chosen

    def _checked_types(self, given: Any) -> Any:
        """Return `excitatory` as plain data, else raise."""
        if given is None:
            return None
        if isinstance(given, Mapping):
            if "" in self._areas:
                raise ValueError(
                    "`excitatory` must be a share or one entry a unit where units have no areas, "
                    f"got {dict(given)!r}."
                )
            if set(given) != set(self._areas):
                raise ValueError(
                    f"`excitatory` must give a share for each area, {listed(self._areas)}, got "
                    f"{dict(given)!r}."
                )
            return {
                area: self._share(area, f"excitatory[{area!r}]", given[area])
                for area in self._areas
            }
        if hasattr(given, "__len__") and not isinstance(given, str):
            return _entries(given, len(self))
        for area in self._areas:
            self._share(area, "excitatory", given)
        return float(given)

    def _share(self, area: str, name: str, given: Any) -> float:
        share, n = number(name, given, low=0.0, high=1.0), self._areas[area]
        if 0 < share < 1 and _excitatory(share, n) in (0, n):
            raise ValueError(
                f"`{name}` must leave a unit of each type in {area or 'the network'}, got "
                f"{share:g} of {n} units. Take more units, or 0 or 1 to mean one type alone."
            )
        return share


def union(
    select: Callable[[str, str], np.ndarray], label: str | Sequence[str], name: str, n: int
) -> np.ndarray:
    """Return what any of the labels names, boolean (n,).

    Args:
        select: returns what one label names, from the label and the name for messages.
        label: a label or several.
        name: what the label is given for, for messages.
        n: length of the result.
    """
    labels = (label,) if isinstance(label, str) else label
    if not isinstance(labels, (tuple, list)) or not all(isinstance(one, str) for one in labels):
        raise ValueError(f"`{name}` must be a label or several in a tuple, got {label!r}.")
    return np.logical_or.reduce([np.zeros(n, bool), *(select(one, name) for one in labels)])


def _sizes(n: Any) -> Any:
    """Return the numbers of units as plain data, else raise."""
    if not isinstance(n, Mapping):
        return count("n", n)
    taken = ("E", "I", "")
    good = (
        isinstance(area, str) and area not in taken and not {".", ">"} & set(area) for area in n
    )
    if not n or not all(good):
        raise ValueError(
            f"`n` must name areas other than E and I, without dots and arrows, got {dict(n)!r}."
        )
    return {area: count(f"n[{area!r}]", size) for area, size in n.items()}


def _entries(given: Any, n: int) -> tuple[bool, ...]:
    """Return which units are excitatory from one entry a unit."""
    entries = np.asarray(plain(list(given)))
    if len(entries) != n:
        raise ValueError(
            f"`excitatory` must have one entry for each of the {n} units, got {len(entries)}."
        )
    for yes, no in ((1, 0), (1, -1)):
        if entries.dtype.kind in "biuf" and np.isin(entries, (yes, no)).all():
            return plain(entries == yes)
    raise ValueError(
        "`excitatory` must be a share, {area: share}, or one entry a unit, True and False or the "
        f"signs 1 and -1, got {given!r}."
    )


def _excitatory(share: float, n: int) -> int:
    return int(np.floor(share * n + 0.5))


def _kept(values: np.ndarray) -> np.ndarray:
    """Return an array that nobody can change: the units keep it."""
    values.flags.writeable = False
    return values


def _told(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"{len(value)} numbers"
