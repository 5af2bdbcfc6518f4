"""Perturbations: what an experimenter does to a network while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.backend.settings import Setting
from neurotask.backend.sides import Channels, block, synapse_labels
from neurotask.backend.units import Units
from neurotask.distributions import plain
from neurotask.phases import to_steps
from neurotask.trials import Trials

# What each kind uses beside its units and its phase.
KINDS = {
    "lesion": (),
    "silence": (),
    "clamp": ("value",),
    "current": ("value",),
    "kick": ("value", "factor"),
    "weights": ("factor", "synapses", "kernel"),
    "connectivity": ("value",),
}
NEEDED = {"clamp": "value", "current": "value", "weights": "factor", "connectivity": "value"}
OF_UNITS = ("lesion", "silence", "clamp", "current", "kick")


@dataclass(frozen=True, eq=False)
class Perturbation(Setting):
    """One manipulation of a network during `run` or `simulate`; the noise stays what it was.

    Kinds:
        "lesion": the units are gone: they send nothing, from the first step to the last.
        "silence": their rates are 0 during the phase; their state goes on.
        "clamp": their rates are `value` during the phase.
        "current": `value` is added to what they receive during the phase, in units of the state.
        "kick": their state x becomes `factor` x + `value` before the first step of the phase.
        "weights": the synapses' weights are multiplied by `factor` during the phase.
        "connectivity": the recurrent weights of step t are multiplied by `value[t]`, an array
            (time, post, pre), as PsychRNN's simulator does with `t_connectivity`.

    Args:
        kind: one of the kinds.
        units: which units: a label ("PFC.E"), places, or a boolean for each unit. None: all.
        cell_type: only those of this type, "E" or "I".
        area: only those of this area.
        phase: name of a phase of the task, (start, stop) in ms, or None for the whole trial.
        value: a number, one for each of the units, or one for each trial and unit, (trial, unit).
        factor: a number of 0 or more ("weights"), or any ("kick").
        synapses: which synapses: "E->I", a tuple of such labels, or an array (post, pre) of 0 and
            1. None: all.
        kernel: of which kernel: "recurrent", "input", "output", "feedback" or "feedforward".

    Raises:
        ValueError: for what a kind does not use or lacks; names that neither network nor task have
            are refused when it is run.

    Example:
        >>> Perturbation("silence", area="PFC", cell_type="E", phase="delay").kind
        'silence'
    """

    kind: str
    units: Any = None
    cell_type: str | None = None
    area: str | None = None
    phase: Any = None
    value: Any = None
    factor: float | None = None
    synapses: Any = None
    kernel: str | None = None

    def __post_init__(self) -> None:
        choose("kind", self.kind, KINDS)
        for name in ("units", "phase", "value", "synapses"):
            given = getattr(self, name)
            if name == "value" and self.kind == "connectivity" and given is not None:
                # Millions of numbers, which would be slow and large as tuples.
                given = np.array(given, np.float32)
                given.flags.writeable = False
            elif not isinstance(given, (str, int, float, type(None))):
                given = plain(given)
            object.__setattr__(self, name, given)
        self._check_used()
        if self.factor is not None:
            number("factor", self.factor, low=0.0 if self.kind == "weights" else None)
        if self.value is not None:
            _check_value(self.value)
        if not isinstance(self.phase, (str, type(None))):
            _check_span(self.phase)
        if self.kind == "connectivity" and np.asarray(self.value).ndim != 3:
            raise ValueError(
                f"`value` must be an array (time, post, pre), got "
                f"{np.asarray(self.value).ndim} dimensions."
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Perturbation):
            return NotImplemented
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)

    def __hash__(self) -> int:
        return hash(repr(self))

    def window(self, trials: Trials) -> np.ndarray:
        """Return when it acts, boolean (row, time)."""
        n_rows, n_steps, _ = trials.inputs.shape
        if self.phase is None:
            return np.ones((n_rows, n_steps), bool)
        if isinstance(self.phase, str):
            starts, stops = trials.phases.steps(self.phase)
        else:
            starts, stops = to_steps("phase", self.phase, trials.dt)[:, None]
        starts, stops = (
            np.broadcast_to(x, len(trials.answers)).reshape(n_rows, -1) for x in (starts, stops)
        )
        t = np.arange(n_steps)
        on = ((t >= starts[..., None]) & (t < stops[..., None])).any(1)
        if not (on & trials.present).any():
            raise ValueError(
                f"`phase` must be within a trial, but none of these has a step in {self.phase!r}; "
                f"the longest lasts {trials.lengths.max() * trials.dt:g} ms."
            )
        return on

    def places(self, units: Units) -> np.ndarray:
        """Return the places of the units it acts on, in the order in which they were given."""
        places = _members(units, self.units)
        for name in ("cell_type", "area"):
            label = getattr(self, name)
            if label is not None:
                known = getattr(units, name)
                if label not in known:
                    there = sorted({str(one) for one in known if one})
                    choose(name, label, there or ["(these units have none)"])
                places = places[known[places] == label]
        if not len(places):
            raise ValueError(
                f"`units` must name a unit, got none: units={self.units!r}, cell_type="
                f"{self.cell_type!r} and area={self.area!r} together."
            )
        return places

    def factors(self, post: Units | Channels, pre: Units | Channels) -> np.ndarray:
        """Return what the weights of its kernel are multiplied by, (post, pre)."""
        return np.where(_synapses(self.synapses, post, pre), float(self.factor or 0.0), 1.0)

    def values(self, n: int, rows: slice, n_rows: int) -> np.ndarray:
        """Return `value` for some of the rows: (), (unit,) or (row, unit).

        Args:
            n: number of units it acts on.
            rows: which rows.
            n_rows: how many there are in all.
        """
        given = np.asarray(0.0 if self.value is None else self.value, float)
        if given.shape not in ((), (n,), (n_rows, n)):
            raise ValueError(
                f"`value` must be a number, one for each of the {n} units, or an array (trial, "
                f"unit) = {(n_rows, n)}, got the shape {given.shape}."
            )
        return given[rows] if given.ndim == 2 else given

    def _check_used(self) -> None:
        used = KINDS[self.kind]
        ours = ("units", "cell_type", "area") if self.kind in OF_UNITS else ()
        timed = () if self.kind in ("lesion", "connectivity") else ("phase",)
        allowed = {*used, *ours, *timed}
        for name in (f.name for f in fields(self) if f.name != "kind"):
            if name not in allowed and getattr(self, name) is not None:
                raise ValueError(
                    f'`{name}` must be left out of a "{self.kind}", which does not use it, got '
                    f"{getattr(self, name)!r}."
                )
        need = NEEDED.get(self.kind)
        if need is not None and getattr(self, need) is None:
            raise ValueError(f'`{need}` must be given for a "{self.kind}", got None.')
        if self.kind == "kick" and self.value is None and self.factor is None:
            raise ValueError('`value` or `factor` must be given for a "kick", got neither.')


def listed(perturbation: Any) -> tuple[Perturbation, ...]:
    """Return perturbations from one, a sequence of them, or None."""
    if perturbation is None:
        return ()
    several = (perturbation,) if isinstance(perturbation, Perturbation) else perturbation
    if not isinstance(several, Sequence) or not all(isinstance(p, Perturbation) for p in several):
        raise TypeError(
            f"`perturbation` must be a Perturbation or a list of them, got {perturbation!r}. "
            'Write nt.Perturbation("silence", area="PFC", phase="delay").'
        )
    return tuple(several)


def _check_value(value: Any) -> None:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError("`value` must be an array, got rows of several lengths.") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"`value` must be made of numbers, got {value!r}.")
    if not np.isfinite(array).all():
        raise ValueError("`value` must be finite, got NaN or infinite numbers.")


def _check_span(phase: Any) -> None:
    if not isinstance(phase, tuple) or len(phase) != 2:
        raise ValueError(f"`phase` must be a name or (start, stop) in ms, got {phase!r}.")
    start, stop = (number("phase", edge, low=0.0) for edge in phase)
    if start >= stop:
        raise ValueError(f"`phase` must start before it stops, got {phase!r}.")


def _members(units: Units, given: Any) -> np.ndarray:
    """Return places of units, (n,)."""
    if given is None:
        return np.arange(len(units))
    several = isinstance(given, tuple) and len(given) > 0
    if isinstance(given, str) or (several and all(isinstance(one, str) for one in given)):
        return np.flatnonzero(units.select(given, "units"))
    places = np.atleast_1d(np.asarray(given))
    if places.dtype == bool and places.shape == (len(units),):
        return np.flatnonzero(places)
    inside = places.dtype.kind in "iu" and places.ndim == 1
    inside = inside and bool(((places >= 0) & (places < len(units))).all())
    if not inside or len(np.unique(places)) < len(places):
        raise ValueError(
            f"`units` must be a label, different places below {len(units)}, or one boolean a unit, "
            f"got {given!r}."
        )
    return places


def _synapses(given: Any, post: Units | Channels, pre: Units | Channels) -> np.ndarray:
    """Return which synapses are meant, boolean (post, pre)."""
    shape = len(post), len(pre)
    if given is None:
        return np.ones(shape, bool)
    if isinstance(given, str) or (given and all(isinstance(label, str) for label in given)):
        labels = synapse_labels("synapses", given)
        return np.logical_or.reduce([block(label, post, pre, "synapses") for label in labels])
    try:
        array = np.asarray(given, float)
    except (ValueError, TypeError):
        array = np.empty(0)
    if array.shape != shape or not np.isin(array, (0, 1)).all() or not array.any():
        raise ValueError(
            f"`synapses` must be labels, or an array of 0 and 1 with a 1 in it of the shape (post, "
            f"pre) = {shape}, got the shape {array.shape}."
        )
    return array.astype(bool)
