"""What a run offers to analyses, and what an analysis makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurotask.behavior import NO_CHOICE

_MOST_LEVELS = 24  # of a condition that trials are averaged by
_MOST_KINDS = 6  # of a condition that curves are drawn for


@dataclass(frozen=True, eq=False)
class Material:
    """A tested network.

    Args:
        session: it on a grid of conditions, cut into trials.
        weights: its effective weights by kernel; None where there are none.
        model: loads the network; this alone needs TensorFlow.
        task: its task; None where it cannot be made.
        seed: of whatever is random in the analyses.
    """

    session: xr.Dataset
    weights: Mapping[str, xr.DataArray] | None
    model: Callable[[], Any]
    task: Callable[[], Any]
    seed: int = 0

    @property
    def axis(self) -> str | None:
        """The psychometric axis, where it is of numbers."""
        name = self.session.attrs.get("psychometric_axis")
        return name if name is not None and self.session[name].dtype.kind in "biuf" else None

    @property
    def event(self) -> str | None:
        """The phase that activity is aligned to."""
        return "stimulus" if "stimulus" in self.phases else None

    @property
    def dt(self) -> float:
        """The time step, ms."""
        return float(self.session.attrs["dt"])

    @property
    def within(self) -> str:
        """Where activity is looked at, as the end of a sentence."""
        return f"in the phase {self.event}" if self.event else "over the whole trial"

    @property
    def phases(self) -> list[str]:
        """The phases of the task, in order."""
        return [str(name) for name in self.session["phase"].to_numpy()]

    @property
    def choices(self) -> list[str]:
        """The choices that were made, the task's own."""
        if "choice" not in self.session.coords:
            return []
        made = {str(one) for one in np.unique(self.session["choice"].to_numpy())}
        return [str(c) for c in self.session.attrs["choices"] if str(c) in made - {NO_CHOICE}]

    @property
    def contexts(self) -> list[str]:
        """The conditions that are words of few levels: contexts, rules, modalities."""
        return [name for name in self._conditions if self._levels(name).dtype.kind in "UO"]

    @cached_property
    def condition(self) -> str | None:
        """What trials are averaged by: the axis, or the first condition of few levels."""
        for name in (self.axis, *self._conditions):
            if name is not None and 2 <= len(self._levels(name)) <= _MOST_LEVELS:
                return name
        return None

    def has(self, name: str) -> bool:
        """Return whether trials have values of a coordinate that differ."""
        return name in self.session.coords and len(self._levels(name)) > 1

    def n_levels(self, name: str) -> int:
        """Return how many values trials have of a coordinate."""
        return len(self._levels(name))

    def _levels(self, name: str) -> np.ndarray:
        values = self.session[name]
        return np.unique(values.to_numpy()[values.notnull().to_numpy()])

    @property
    def _conditions(self) -> list[str]:
        scored = {"answer", "choice", "outcome", "correct", "rt", "error", "reported_direction"}
        scored |= {"block", "trial_in_block", "trial"}
        names = [str(n) for n, c in self.session.coords.items() if c.dims == ("trial",)]
        return [n for n in names if n not in scored and 2 <= len(self._levels(n)) <= _MOST_KINDS]


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What an analysis found.

    Args:
        draw: draws it on a figure.
        table: its figures, a row each.
        caption: what the figure shows, and what came out.
        alt: the same in a sentence, for who does not see it.
        size: of the figure, inches.
    """

    draw: Callable[[Figure], Any]
    table: pd.DataFrame
    caption: str
    alt: str
    size: tuple[float, float] = (3.5, 2.9)


def told(status: str) -> str:
    """Return what is to be said of a status, as the end of a sentence: nothing of "ok"."""
    return "" if status == "ok" else f"; {status}"


def plotted(result: Any) -> Callable[[Figure], Any]:
    """Return what draws a result on a figure of its own."""
    return lambda figure: result.plot(figure.subplots())


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """An analysis that a run may have.

    Args:
        name: of its files.
        section: of the report that it stands in.
        heading: of its figure.
        find: returns what it found, None where it does not apply; raises a ValueError that says why
            where it would apply but cannot be made.
    """

    name: str
    section: str
    heading: str
    find: Callable[[Material], Found | None]
