"""What a sweep of lesions acts on, and the perturbations that it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

import neurotask as nt
from neurotask._checks import choose, listed

ARROW = "->"
KINDS = ("unit", "cell_type", "area", "group", "connections")


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """One thing that is lesioned.

    Args:
        name: what it is called.
        units: a boolean for each unit, (unit,), where it is units.
        synapses: "PRE->POST", where it is a projection.
        given: perturbations, where the user made them.
        n_outputs: number of outputs of the network.
    """

    name: str
    units: np.ndarray | None = None
    synapses: str | None = None
    given: Sequence[Any] = field(default=())
    n_outputs: int = 0

    @property
    def n_units(self) -> float:
        """Return the number of units; NaN where it is something else."""
        return np.nan if self.units is None else float(self.units.sum())

    def perturbations(self, phase: str | None, factor: float | None) -> list[Any]:
        """Return the perturbations to run with: whole, or weakened to a factor.

        Args:
            phase: when; None for the whole trial.
            factor: what is left of what it sends; None for nothing.
        """
        if self.synapses is not None:
            return [_weakened(phase, factor or 0.0, synapses=self.synapses)]
        if self.units is None:
            return list(self.given)
        places = np.flatnonzero(self.units).tolist()
        if factor is None and phase is None:
            return [nt.Perturbation("lesion", units=places)]
        if factor is None:
            return [nt.Perturbation("silence", units=places, phase=phase)]
        # A unit that sends a share of its rate is one whose synapses are all weaker by that factor.
        n = len(self.units)
        onto = {"recurrent": n, "output": self.n_outputs}
        return [
            _weakened(phase, factor, kernel=kernel, synapses=np.tile(self.units, (rows, 1)))
            for kernel, rows in onto.items()
        ]


def targets_of(targets: Any, session: xr.Dataset, planned: bool) -> list[Target]:
    """Return the targets of a sweep.

    Args:
        targets: one of `KINDS`; labels of groups ("PPC.E") or projections ("PPC->PFC"); or a
            mapping from a name to a label, to places or booleans of units, or to perturbations.
        session: a Session of the network, for the labels of its units.
        planned: whether phases or factors were given, which cannot change made perturbations.
    """
    if isinstance(targets, str) and ARROW not in targets and targets not in _labels(session):
        choose("targets", targets, KINDS)
        named: Mapping[str, Any] = _every(targets, session)
    elif isinstance(targets, Mapping):
        named = targets
    else:
        several = (targets,) if isinstance(targets, str) else targets
        if not isinstance(several, (tuple, list)) or not all(isinstance(t, str) for t in several):
            raise TypeError(
                f"`targets` must be one of {listed(KINDS)}, labels, or a mapping from names to "
                f"what is lesioned, got {targets!r}."
            )
        named = {label: label for label in several}
    if not named:
        raise ValueError("`targets` must name something to lesion, got nothing.")
    return [_target(str(name), what, session, planned) for name, what in named.items()]


def _every(kind: str, session: xr.Dataset) -> Mapping[str, Any]:
    """Return all targets of a kind by name."""
    n = _n_units(session)
    if kind == "unit":
        return {f"unit {i}": [i] for i in range(n)}
    groups = _groups(session)
    column = {"cell_type": 1, "area": 0}.get(kind)
    if kind in ("group", "connections"):
        names = {".".join(filter(None, pair)): pair for pair in groups}
    else:
        assert column is not None
        names = {pair[column]: pair for pair in groups}
    if "" in names:
        what = "areas or types" if column is None else f"{kind}s"
        raise ValueError(
            f'`targets` must not be "{kind}" where units have no {what}. Take "unit", or a mapping '
            "from names to places of units."
        )
    if kind == "connections":
        return {f"{a}{ARROW}{b}": f"{a}{ARROW}{b}" for a in names for b in names}
    return {name: name for name in names}


def _target(name: str, what: Any, session: xr.Dataset, planned: bool) -> Target:
    if isinstance(what, str) and ARROW in what:
        return Target(name=name, synapses=what)
    given = what if isinstance(what, (tuple, list)) else (what,)
    if all(hasattr(one, "kind") and hasattr(one, "phase") for one in given) and len(given):
        if planned:
            raise ValueError(
                f"`phases` and `factors` must be left out where targets are perturbations, as "
                f"{name!r} is. Say them in these."
            )
        return Target(name=name, given=given)
    units = _members(what, session)
    if not units.any():
        raise ValueError(f"`targets` must name units, got none for {name!r}.")
    return Target(name=name, units=units, n_outputs=session.sizes.get("output", 0))


def _members(what: Any, session: xr.Dataset) -> np.ndarray:
    """Return which units are meant, boolean (unit,)."""
    n = _n_units(session)
    if isinstance(what, (tuple, list)) and what and all(isinstance(one, str) for one in what):
        return np.logical_or.reduce([_members(one, session) for one in what])
    if isinstance(what, str):
        choose("targets", what, _labels(session))
        pairs = zip(session["area"].to_numpy(), session["cell_type"].to_numpy(), strict=True)
        return np.array([what in (a, c, f"{a}.{c}") for a, c in pairs])
    places = np.atleast_1d(np.asarray(what))
    if places.shape == (n,) and places.dtype == bool:
        return places
    good = places.dtype.kind in "iu" and places.ndim == 1
    if not good or not ((places >= 0) & (places < n)).all():
        raise ValueError(
            f"`targets` must map names to labels, to places below {n}, to one boolean a unit, or "
            f"to perturbations, got {what!r}."
        )
    return np.isin(np.arange(n), places)


def _labels(session: xr.Dataset) -> list[str]:
    """Return every label of units that there is."""
    found = {label for pair in _groups(session) for label in (*pair, ".".join(filter(None, pair)))}
    return sorted(found - {""})


def _groups(session: xr.Dataset) -> list[tuple[str, str]]:
    """Return the pairs of area and cell type that there are, in the order of the units."""
    if "cell_type" not in session.coords:
        return []
    pairs = zip(session["area"].to_numpy(), session["cell_type"].to_numpy(), strict=True)
    return list(dict.fromkeys((str(a), str(c)) for a, c in pairs))


def _n_units(session: xr.Dataset) -> int:
    if "unit" not in session.dims:
        raise ValueError(
            "`targets` must be perturbations where Sessions do not tell the units, got none. Give "
            "a mapping from names to perturbations."
        )
    return session.sizes["unit"]


def _weakened(phase: str | None, factor: float, **which: Any) -> Any:
    return nt.Perturbation("weights", factor=factor, phase=phase, **which)
