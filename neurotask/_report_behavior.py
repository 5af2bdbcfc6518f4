"""What the behaviour in a Session comes to: shares, fits, and animals to compare it with."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._report_numbers import amount
from neurotask.analysis import PsychometricFit, PsychometricFits, psychometric
from neurotask.behavior import NO_CHOICE
from neurotask.data import roitman_shadlen_2002


@dataclass(frozen=True, eq=False)
class Behavior:
    """Behaviour in a Session, read as an animal's. What does not apply is None.

    Args:
        session: the Session; None where there is none.
    """

    session: xr.Dataset | None

    @cached_property
    def correct(self) -> np.ndarray | None:
        """Right (1) or wrong (0) in each trial where an answer is right."""
        if self.session is None or "correct" not in self.session.coords:
            return None
        correct = self.session["correct"].to_numpy()
        return correct[~np.isnan(correct)] if (~np.isnan(correct)).any() else None

    @cached_property
    def chance(self) -> float | None:
        """Share of trials that are right where the same answer is always given."""
        if self.correct is None or self.session is None or "answer" not in self.session.coords:
            return None
        answers = self.session["answer"].to_numpy()[self.session["correct"].notnull()]
        named = answers[answers != NO_CHOICE]
        if not len(named):
            return None
        return float(np.unique(named, return_counts=True)[1].max() / len(answers))

    @cached_property
    def unanswered(self) -> float:
        """Share of trials without an answer, or with one before it was due."""
        if self.session is None or "outcome" not in self.session.coords:
            return 0.0
        silent = self.session["outcome"].isin(["no_response", "broken_fixation"])
        return float(silent.mean())

    @cached_property
    def choices(self) -> list[str]:
        """The names of the choices."""
        return [] if self.session is None else [str(c) for c in self.session.attrs["choices"]]

    @cached_property
    def axis(self) -> str | None:
        """The psychometric axis, where there is one and behaviour to draw over it."""
        if self.session is None or "correct" not in self.session.coords:
            return None
        return self.session.attrs.get("psychometric_axis")

    @cached_property
    def categories(self) -> pd.DataFrame | None:
        """Trials and right answers of each level of an axis that is no number, else None."""
        if self.axis is None or self.session is None:
            return None
        if self.session[self.axis].dtype.kind in "biuf":
            return None
        rows = self.session[["correct", self.axis]].to_dataframe()[["correct", self.axis]].dropna()
        counts = rows.groupby(self.axis)["correct"].agg(["size", "sum"])
        return counts.rename(columns={"size": "n_trials", "sum": "n_correct"})

    @cached_property
    def in_percent(self) -> bool:
        """Whether the axis is a coherence, which is read in per cent."""
        if self.axis is None or self.session is None or "coherence" not in self.axis:
            return False
        return bool(np.abs(self.session[self.axis]).max() <= 1)

    @cached_property
    def looking(self) -> str:
        """How long the network looked, as the end of a sentence; "" where it chose that too."""
        if self.session is None or self.session["rt"].notnull().any():
            return ""
        if "stimulus" not in self.session["phase"]:
            return "; the network\u2019s task set the time"
        phase = self.session.sel(phase="stimulus")
        times = np.unique(phase["phase_stop"] - phase["phase_start"])
        if len(times) > 1:
            return f"; the network saw the motion for {times[0]:g} to {times[-1]:g} ms"
        return f"; the network saw the motion for a fixed time ({times[0]:g} ms)"

    @property
    def signed(self) -> PsychometricFit | None:
        """The fit of choices over the signed axis."""
        return self._fits[0]

    @property
    def subjects(self) -> PsychometricFits | None:
        """The fits of P(correct) over the strength: the network's, and animals' that compare."""
        return self._fits[1]

    @property
    def notes(self) -> list[str]:
        """Why a fit could not be made."""
        return self._fits[2]

    @cached_property
    def _fits(self) -> tuple[PsychometricFit | None, PsychometricFits | None, list[str]]:
        signed, subjects, notes = None, None, []
        if self.axis is None or self.categories is not None:
            return signed, subjects, notes
        try:
            fit = psychometric(self.session)
            signed = fit if fit.form == "signed" else None
            network = psychometric(self.session, form="nafc") if signed is not None else fit
            subjects = PsychometricFits(fits={"network": network, **self._animals}, by=("subject",))
        except (TypeError, ValueError) as error:
            notes.append(f"No psychometric function is drawn: {error}")
        return signed, subjects, notes

    @property
    def _animals(self) -> dict[Any, PsychometricFit]:
        """The monkeys, where the task is theirs: two choices over the coherence of motion."""
        if self.axis != "coherence" or len(self.choices) != 2:
            return {}
        table = roitman_shadlen_2002()
        # At 0 no answer is right: such trials are not counted for the network either.
        table = table[table["coherence"] > 0].assign(
            subject=lambda t: [f"monkey {one}" for one in t["monkey"]]
        )
        fits = psychometric(table, axis="coherence", by="subject", form="nafc", guess_rate=0.5)
        return dict(fits)

    def amount(self, value: float) -> str:
        """Return a value of the axis in words."""
        return amount(value, self.in_percent)

    def label(self, towards: str) -> str:
        """Return the label of the axis."""
        assert self.axis is not None and self.session is not None
        units = "%" if self.in_percent else self.session[self.axis].attrs.get("units", "")
        name = self.axis.replace("_", " ").capitalize()
        return f"{name}{towards}{f' ({units})' if units else ''}"
